package domain

import (
	"fmt"
	"reflect"
	"sort"

	"github.com/fxamacker/cbor/v2"
)

// A Codec turns the events of one kind of stream into stored bytes and back: deterministic CBOR (RFC 8949 §4.2.1), by
// the integer keys in the events' struct tags. Unknown keys are ignored; a key is never reused.
type Codec[E Named] struct{ types map[string]reflect.Type }

var (
	encoding = must(cbor.EncOptions{Sort: cbor.SortCoreDeterministic}.EncMode())
	decoding = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: 16, IndefLength: cbor.IndefLengthForbidden,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Events makes the codec of the event types whose zero values are given. Two types of one name are a programmer's
// mistake.
func Events[E Named](zero ...E) Codec[E] {
	c := Codec[E]{types: map[string]reflect.Type{}}
	for _, z := range zero {
		if _, twice := c.types[z.EventType()]; twice {
			panic("domain: two event types are called " + z.EventType())
		}
		c.types[z.EventType()] = reflect.TypeOf(z)
	}
	return c
}

// Names gives the stored names, sorted.
func (c Codec[E]) Names() []string {
	names := make([]string, 0, len(c.types))
	for n := range c.types {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Zero gives an event of the named type with nothing in it.
func (c Codec[E]) Zero(name string) (E, bool) {
	t, ok := c.types[name]
	if !ok {
		var none E
		return none, false
	}
	return reflect.Zero(t).Interface().(E), true
}

// Encode gives an event's stored bytes.
func (c Codec[E]) Encode(e E) ([]byte, error) {
	if _, ok := c.types[e.EventType()]; !ok {
		return nil, fmt.Errorf("domain: event type %s is not in its codec", e.EventType())
	}
	return encoding.Marshal(e)
}

// Decode reads an event that was stored under a name. An unknown name is an error: the log is newer than the program.
func (c Codec[E]) Decode(name string, data []byte) (E, error) {
	var none E
	t, ok := c.types[name]
	if !ok {
		return none, fmt.Errorf("domain: unknown event type %s", name)
	}
	v := reflect.New(t)
	if err := decoding.Unmarshal(data, v.Interface()); err != nil {
		return none, fmt.Errorf("domain: event %s: %w", name, err)
	}
	return v.Elem().Interface().(E), nil
}
