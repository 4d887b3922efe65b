package projections

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
)

// fill gives every field of a value something that is not zero.
func fill(v reflect.Value, n *byte) {
	*n++
	if v.Type() == reflect.TypeOf(time.Time{}) {
		v.Set(reflect.ValueOf(time.Date(2026, 3, int(*n%28)+1, 0, 0, 0, 0, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
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
		if v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			for i := range v.Len() {
				fill(v.Index(i), n)
			}
			return
		}
		v.SetBytes(bytes.Repeat([]byte{*n}, 4))
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

type sample struct {
	Kind   string          `json:"kind"`
	Type   string          `json:"type"`
	Stored string          `json:"stored"` // hexadecimal CBOR
	Shown  json.RawMessage `json:"shown"`
}

// full gives a sample of every event type, every field filled.
func full(t testing.TB) (out []sample) {
	add := func(kind string, e domain.Named, encode func(domain.Named) ([]byte, error)) {
		n := byte(0)
		v := reflect.New(reflect.TypeOf(e)).Elem()
		fill(v, &n)
		filled := v.Interface().(domain.Named)
		b, err := encode(filled)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal(filled)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, sample{kind, e.EventType(), hex.EncodeToString(b), shown})
	}
	for _, n := range mailbox.Codec.Names() {
		e, _ := mailbox.Codec.Zero(n)
		add("mailbox", e, func(e domain.Named) ([]byte, error) { return mailbox.Codec.Encode(e.(mailbox.Event)) })
	}
	for _, n := range intake.Codec.Names() {
		e, _ := intake.Codec.Zero(n)
		add("intake", e, func(e domain.Named) ([]byte, error) { return intake.Codec.Encode(e) })
	}
	for _, n := range organisation.Codec.Names() {
		e, _ := organisation.Codec.Zero(n)
		add("organisation", e, func(e domain.Named) ([]byte, error) { return organisation.Codec.Encode(e) })
	}
	for _, n := range looks.Codec.Names() {
		e, _ := looks.Codec.Zero(n)
		add("looks", e, func(e domain.Named) ([]byte, error) { return looks.Codec.Encode(e) })
	}
	return out
}

// Every event in every shape ever stored still reads, and shows what it showed. A new shape is added as <type>.<n>.json; a file is never edited.
func TestStoredEventsStillRead(t *testing.T) {
	dir := "../testdata/events"
	for _, s := range full(t) {
		path := filepath.Join(dir, s.Type+".json")
		if _, err := os.Stat(path); err != nil {
			if os.Getenv("UPDATE_GOLDEN") == "" {
				t.Errorf("%s has no sample: make golden adds it", s.Type)
				continue
			}
			b, _ := json.MarshalIndent(s, "", "\t")
			if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var s sample
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		data, err := hex.DecodeString(s.Stored)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Decode(eventstore.Event{Stream: eventstore.Stream{Kind: eventstore.Kind(s.Kind)}, Type: s.Type, Data: data})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		var want, got any
		shown, _ := json.Marshal(e)
		json.Unmarshal(s.Shown, &want)
		json.Unmarshal(shown, &got)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s shows %s, want %s", filepath.Base(path), shown, s.Shown)
		}
	}
}

// An old log opens for good.
func TestOldLogOpens(t *testing.T) {
	const old = "../testdata/log/v1"
	cfg := filestore.Config{SegmentSize: 16 << 10, Development: true, Free: func() (uint64, uint64, error) { return 1 << 40, 1 << 41, nil }}
	if _, err := os.Stat(old); err != nil && os.Getenv("UPDATE_GOLDEN") != "" {
		makeOldLog(t, old, cfg)
	}
	dir := t.TempDir() // a copy: opening writes
	if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	beside, err := filestore.OpenBeside(old)
	if err != nil {
		t.Fatal(err)
	}
	n, err := beside.Check(0, func(e eventstore.Event) error { _, err := Decode(e); return err })
	if err != nil || n.Events != 200 || n.Segments < 2 {
		t.Fatalf("Check of the old log = %+v, %v", n, err)
	}
	s, err := filestore.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Last() != 200 {
		t.Fatalf("Last = %d, want 200", s.Last())
	}
}

func makeOldLog(t *testing.T, dir string, cfg filestore.Config) {
	s, err := filestore.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; s.Last() < 200; i++ {
		for _, x := range full(t) {
			data, _ := hex.DecodeString(x.Stored)
			st := eventstore.Stream{Kind: eventstore.Kind(x.Kind), ID: [16]byte{byte(i % 5)}}
			v, _ := s.Head(st)
			if s.Last() == 200 {
				break
			}
			if _, err := s.Append(context.Background(), st, eventstore.ExpectedVersion(v), eventstore.NewEvent{Type: x.Type, Data: data, Meta: eventstore.Meta{Command: [16]byte{byte(i)}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Close()
	os.Remove(filepath.Join(dir, "LOCK"))
}
