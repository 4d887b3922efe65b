package engine

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"digitalpost/eventstore"
)

// layered gives a view whose rows lie in the file, in a frozen overlay and in the overlay, and what one map has of it.
func layered(t *testing.T, rng *rand.Rand) (*File, map[string]string) {
	t.Helper()

	f, err := OpenFile(filepath.Join(t.TempDir(), "v"), Log{Incarnation: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	model := map[string]string{}

	for n := range 3 {
		s, err := f.Snapshot()
		if err != nil {
			t.Fatal(err)
		}

		w := s.writer()
		change(w, model, rng, fmt.Sprint(n))
		s.Close()
		f.publish(w, eventstore.Position(n+1))

		if n == 0 {
			if err := f.Flush(); err != nil {
				t.Fatal(err)
			}
		}

		if n == 1 { // as a flush does that is under way
			f.frozen, f.frozenAt, f.over = f.over, f.applied, &layer{}
		}
	}

	return f, model
}

// change makes random changes of a writer and of its model.
func change(w *writer, model map[string]string, rng *rand.Rand, as string) {
	for range rng.IntN(40) {
		k := fmt.Sprintf("%c%c", 'a'+rng.IntN(3), 'a'+rng.IntN(20))
		if rng.IntN(3) == 0 {
			w.Delete([]byte(k))
			delete(model, k)
		} else {
			w.Put([]byte(k), []byte(as+k))
			model[k] = as + k
		}
	}
}

// pairs gives a function for a scan to call, which keeps what it is given.
func pairs(to *[]string) func(k, v []byte) bool {
	return func(k, v []byte) bool { *to = append(*to, string(k)+"="+string(v)); return true }
}

// Rows in file, frozen overlay, overlay and an event's own changes scan as one sorted map would, forwards and
// backwards, from any key.
func TestScanIsOneSortedMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))

	for round := range 60 {
		f, model := layered(t, rng)
		s, err := f.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		compareScans(t, round, s, model)

		w := s.writer()
		change(w, model, rng, "own")
		compareScans(t, round, w.Snapshot, model)

		s.Close()
		f.Close()
	}
}

func compareScans(t *testing.T, round int, s *Snapshot, model map[string]string) {
	t.Helper()

	for _, prefix := range []string{"", "a", "b", "c", "bc", "z"} {
		var want, got, back []string
		for _, k := range slices.Sorted(maps.Keys(model)) {
			if strings.HasPrefix(k, prefix) {
				want = append(want, k+"="+model[k])
			}
		}

		s.Scan([]byte(prefix), pairs(&got))
		s.ScanBack([]byte(prefix), nil, pairs(&back))
		slices.Reverse(back)
		if !slices.Equal(got, want) || !slices.Equal(back, want) {
			t.Fatalf("round %d, prefix %q:\nforwards  %v\nbackwards %v\nwant      %v", round, prefix, got, back, want)
		}

		if !strings.HasPrefix("bk", prefix) {
			continue
		}

		var before, from []string
		s.ScanBack([]byte(prefix), []byte("bk"), pairs(&before))
		slices.Reverse(before)
		s.ScanFrom([]byte(prefix), []byte("bk"), pairs(&from))

		at, _ := slices.BinarySearch(want, "bk")
		if !slices.Equal(before, want[:at]) || !slices.Equal(from, want[at:]) {
			t.Fatalf("round %d, prefix %q:\nbefore bk %v\nfrom bk   %v\nwant      %v",
				round, prefix, before, from, want)
		}
	}
}
