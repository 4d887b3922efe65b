package projections_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
)

// Every event in every shape ever stored still reads, and shows what it showed. A new shape is added as
// <type>.<n>.json; a file is never edited.
func TestStoredEventsStillRead(t *testing.T) {
	dir := "../testdata/events"
	for _, s := range full(t) {
		path, there := shapeOf(t, dir, s)
		if there {
			continue
		}

		if !updating() {
			t.Errorf("%s has no sample of the shape in which it is stored now: make golden adds it", s.Type)
			continue
		}

		b, _ := json.MarshalIndent(s, "", "\t")
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) { stillReads(t, path) })
	}
}

// shapeOf gives the file of a sample's shape, and whether it is there: the first of its type that stores the same, or
// the next that is free.
func shapeOf(t *testing.T, dir string, s sample) (path string, there bool) {
	t.Helper()

	for n := 1; ; n++ {
		path = filepath.Join(dir, s.Type+".json")
		if n > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s.%d.json", s.Type, n))
		}

		b, err := os.ReadFile(path)
		if err != nil {
			return path, false
		}

		var have sample
		if err := json.Unmarshal(b, &have); err != nil {
			t.Fatal(err)
		}

		if have.Stored == s.Stored {
			return path, true
		}
	}
}

func stillReads(t *testing.T, path string) {
	t.Helper()

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

	e, err := streams.Decode(s.Kind, s.Type, data)
	if err != nil {
		t.Fatal(err)
	}

	var want, got any
	shown, _ := json.Marshal(e)
	json.Unmarshal(s.Shown, &want)
	json.Unmarshal(shown, &got)

	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("shows %s, want %s", shown, s.Shown)
	}
}

// An old log opens for good.
func TestOldLogOpens(t *testing.T) {
	const old = "../testdata/log/v1"
	cfg := filestore.Config{
		SegmentSize: 16 << 10, Development: true,
		Free: func() (uint64, uint64, error) { return 1 << 40, 1 << 41, nil },
	}
	if _, err := os.Stat(old); err != nil && updating() {
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

	n, err := beside.Check(0, func(e eventstore.Event) error {
		_, err := streams.Decode(string(e.Stream.Kind), e.Type, e.Data)
		return err
	})
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
	t.Helper()

	s, err := filestore.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}

	for i := 0; s.Last() < 200; i++ {
		for _, x := range full(t) {
			if s.Last() == 200 {
				break
			}

			data, _ := hex.DecodeString(x.Stored)
			st := eventstore.Stream{Kind: eventstore.Kind(x.Kind), ID: [16]byte{byte(i % 5)}}
			v, _ := s.Head(st)
			e := eventstore.NewEvent{Type: x.Type, Data: data, Meta: eventstore.Meta{Command: [16]byte{byte(i)}}}

			if _, err := s.Append(context.Background(), st, eventstore.ExpectedVersion(v), e); err != nil {
				t.Fatal(err)
			}
		}
	}

	s.Close()
	os.Remove(filepath.Join(dir, "LOCK"))
}
