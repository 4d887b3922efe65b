package projections

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"digitalpost/eventstore"
)

// Rows in file, frozen overlay, overlay and an event's own changes scan as one sorted map would, forwards and backwards, from any key.
func TestScanIsOneSortedMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for round := range 60 {
		f, err := openView(filepath.Join(t.TempDir(), "v"), [16]byte{}, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		model := map[string]string{}
		for layer := range 3 {
			s, err := f.snapshot()
			if err != nil {
				t.Fatal(err)
			}
			w := s.writer()
			for range rng.IntN(40) {
				k := fmt.Sprintf("%c%c", 'a'+rng.IntN(3), 'a'+rng.IntN(20))
				if rng.IntN(3) == 0 {
					w.Delete([]byte(k))
					delete(model, k)
				} else {
					w.Put([]byte(k), []byte(fmt.Sprint(round, layer, k)))
					model[k] = fmt.Sprint(round, layer, k)
				}
			}
			s.Close()
			f.publish(w, eventstore.Position(layer+1))
			if layer == 0 {
				if err := f.flush([16]byte{}, 1); err != nil {
					t.Fatal(err)
				}
			}
		}
		s, err := f.snapshot()
		if err != nil {
			t.Fatal(err)
		}
		for _, prefix := range []string{"", "a", "b", "c", "bc", "z"} {
			var want, got, back []string
			for k := range model {
				if len(k) >= len(prefix) && k[:len(prefix)] == prefix {
					want = append(want, k+"="+model[k])
				}
			}
			slices.Sort(want)
			s.Scan([]byte(prefix), func(k, v []byte) bool { got = append(got, string(k)+"="+string(v)); return true })
			s.ScanBack([]byte(prefix), nil, func(k, v []byte) bool { back = append(back, string(k)+"="+string(v)); return true })
			slices.Reverse(back)
			if !slices.Equal(got, want) || !slices.Equal(back, want) {
				t.Fatalf("round %d, prefix %q:\nforwards  %v\nbackwards %v\nwant      %v", round, prefix, got, back, want)
			}
			var beyond []string
			s.ScanBack([]byte(prefix), []byte("bk"), func(k, v []byte) bool { beyond = append(beyond, string(k)+"="+string(v)); return true })
			slices.Reverse(beyond)
			if w := slices.DeleteFunc(slices.Clone(want), func(x string) bool { return x[:2] >= "bk" }); (prefix == "" || prefix == "b") && !slices.Equal(beyond, w) {
				t.Fatalf("round %d, prefix %q before bk: %v, want %v", round, prefix, beyond, w)
			}
		}
		s.Close()
		f.db.Close()
	}
}
