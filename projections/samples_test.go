package projections_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/streams"
)

// updating reports whether golden files are written.
func updating() bool { return os.Getenv("UPDATE_GOLDEN") != "" }

// fill gives every field of a value something that is not zero.
func fill(v reflect.Value, n *byte) {
	*n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 3, int(*n%28)+1, 0, 0, 0, 0, time.UTC)))
		return
	}

	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Anonymous && f.Tag == "" {
				*n-- // an embedded one's fields stand in its place, wherever it is declared
			}
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(*n) + uint64(i))
		}
	case reflect.Slice:
		fillSlice(v, n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n) * 1000)
	default:
		v.SetUint(uint64(*n))
	}
}

func fillSlice(v reflect.Value, n *byte) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(bytes.Repeat([]byte{*n}, 4))
		return
	}

	v.Set(reflect.MakeSlice(v.Type(), 2, 2))
	for i := range v.Len() {
		fill(v.Index(i), n)
	}
}

// filled gives a value of a type with every field filled.
func filled(t reflect.Type) any {
	var n byte
	v := reflect.New(t).Elem()
	fill(v, &n)

	return v.Interface()
}

// A sample is an event as it is stored and as it is shown.
type sample struct {
	Kind   string          `json:"kind"`
	Type   string          `json:"type"`
	Stored string          `json:"stored"` // hexadecimal CBOR
	Shown  json.RawMessage `json:"shown"`
}

// An occurrence is an event in a stream of a kind.
type occurrence struct {
	kind  string
	event domain.Event
	way   string // which of several that the event may go; empty: the one with every field filled
}

func (o occurrence) String() string {
	if o.way == "" {
		return o.event.EventType()
	}

	return o.event.EventType() + ", " + o.way
}

// every gives an event of every type of every kind of stream, every field filled.
func every() (out []occurrence) {
	for _, kind := range slices.Sorted(maps.Keys(streams.Kinds)) {
		for _, name := range streams.Kinds[kind].Names {
			zero, _ := streams.Kinds[kind].Zero(name)
			out = append(out, occurrence{kind, filled(reflect.TypeOf(zero)).(domain.Event), ""})
		}
	}

	return out
}

// full gives a sample of every event type.
func full(t testing.TB) (out []sample) {
	t.Helper()

	for _, o := range every() {
		b, err := streams.Kinds[o.kind].Encode(o.event)
		if err != nil {
			t.Fatal(err)
		}

		shown, err := json.Marshal(o.event)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, sample{o.kind, o.event.EventType(), hex.EncodeToString(b), shown})
	}

	return out
}
