package filestore_test

import (
	"context"
	"runtime"
	"testing"

	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/eventstore/storetest"
)

// A stream's records are read one by one: each costs what it is long, not a chunk of the log. Long records come whole.
func TestReadingAStreamAllocatesWhatItTakes(t *testing.T) {
	s := open(t, t.TempDir(), filestore.Config{SegmentSize: 4 << 20, Free: roomy})
	st := storetest.StreamN(1)
	long := storetest.Event(0)
	long.Data = make([]byte, 60_000)

	const short = 500
	if _, err := s.Append(context.Background(), st, 0, long); err != nil {
		t.Fatal(err)
	}
	for v := range short {
		at := eventstore.ExpectedVersion(v + 1)
		if _, err := s.Append(context.Background(), st, at, storetest.Event(v)); err != nil {
			t.Fatal(err)
		}
	}

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for e, err := range s.ReadStream(context.Background(), st, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 && len(e.Data) != len(long.Data) {
			t.Errorf("the long record has %d bytes, want %d", len(e.Data), len(long.Data))
		}
		n++
	}
	runtime.ReadMemStats(&after)

	if n != short+1 {
		t.Errorf("%d records were read, want %d", n, short+1)
	}
	if each := (after.TotalAlloc - before.TotalAlloc) / short; each > 8<<10 {
		t.Errorf("%d bytes were allocated for each record, at most %d", each, 8<<10)
	}
}

// Who follows the log reads a few records at a time, as often as there are appends: it costs no chunk either.
func TestFollowingAllocatesWhatItTakes(t *testing.T) {
	s := open(t, t.TempDir(), filestore.Config{SegmentSize: 4 << 20, Free: roomy})
	fill(t, s, 600)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 200
	for i := range eventstore.Position(times) {
		n := 0
		for _, err := range s.ReadAll(context.Background(), s.Last()-3) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 3 {
			t.Fatalf("time %d: %d records, want 3", i, n)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 24<<10 {
		t.Errorf("%d bytes were allocated each time, at most %d", each, 24<<10)
	}
}
