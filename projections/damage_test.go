package projections_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"digitalpost/eventstore/memstore"
	"digitalpost/projections"
	"digitalpost/projections/engine"
	"digitalpost/projections/viewtest"
)

// flip damages a file by some bits, at places that follow from the generator.
func flip(t *testing.T, rng *rand.Rand, path string, bits int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range bits {
		at := rng.IntN(len(b) * 8)
		b[at/8] ^= 1 << (at % 8)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// wholeDump gives all rows of a view, and waits while the view is built anew.
func wholeDump(t *testing.T, views *engine.Views, p engine.Projection) (rows string) {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		err := engine.Guard(func() error {
			s, err := views.Snapshot(p)
			if err != nil {
				return err
			}
			defer s.Close()
			rows = viewtest.Dump(s)

			return nil
		})
		damage := (*engine.DamagedError)(nil)
		if err == nil {
			return rows
		}
		if !errors.As(err, &damage) || time.Now().After(until) {
			t.Fatalf("%s: %v", p.Name(), err)
		}
	}
}

// Whatever bits of a view's file are flipped, nobody is given rows that the log does not say: the damage is noticed,
// and the view is built anew beside those who wait for it.
func TestDamagedViewsAreBuiltAnew(t *testing.T) {
	t.Parallel()
	store := memstore.New(nil)
	viewtest.New(t, store, 11, 3000)
	sound := t.TempDir()
	views := openAll(t, store, sound)
	caughtUp(t, views, store)
	want := map[string]string{}
	for _, p := range projections.All() {
		want[p.Name()] = dumpOf(t, views, p)
	}
	if err := views.Close(); err != nil {
		t.Fatal(err)
	}

	found := 0
	for trial := range uint64(40) {
		rng := rand.New(rand.NewPCG(trial, 1))
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(sound)); err != nil {
			t.Fatal(err)
		}
		for _, p := range projections.All() {
			flip(t, rng, filepath.Join(dir, p.Name()+".view"), 6)
		}

		views := openAll(t, store, dir)
		caughtUp(t, views, store)
		for _, p := range projections.All() {
			if got := wholeDump(t, views, p); got != want[p.Name()] {
				t.Errorf("trial %d: %s shows what the log does not say", trial, p.Name())
			}
		}
		aside, _ := filepath.Glob(filepath.Join(dir, "*.damaged"))
		found += len(aside)
		if err := views.Err(); err != nil {
			t.Errorf("trial %d: %v", trial, err)
		}
		if err := views.Close(); err != nil {
			t.Errorf("trial %d: %v", trial, err)
		}
	}
	if found < 10 {
		t.Errorf("damage was found %d times: the test damages nothing", found)
	}
}

// What hides rows without any row that is left being wrong (the count in a page's header, the newer copy of the page
// that says where everything lies) is noticed when the file is opened.
func TestRowsThatAreHiddenAreMissed(t *testing.T) {
	t.Parallel()
	const pageSize, countAt, metaAt = 4096, 10, 16
	store := memstore.New(nil)
	viewtest.New(t, store, 12, 2000)
	sound := t.TempDir()
	views := openAll(t, store, sound)
	caughtUp(t, views, store)
	p := projections.All()[0]
	want := dumpOf(t, views, p)
	if err := views.Close(); err != nil {
		t.Fatal(err)
	}

	name := p.Name() + ".view"
	b, err := os.ReadFile(filepath.Join(sound, name))
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for page := 0; page < len(b)/pageSize; page++ {
		at := page*pageSize + countAt
		if page < 2 {
			at = page*pageSize + metaAt
		}
		spoiled := append([]byte{}, b...)
		spoiled[at] ^= 1 << (page % 5)
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), spoiled, 0o600); err != nil {
			t.Fatal(err)
		}

		views := openAll(t, store, dir)
		caughtUp(t, views, store)
		if got := wholeDump(t, views, p); got != want {
			t.Errorf("page %d: rows are missing, and nobody notices", page)
		}
		if aside, _ := filepath.Glob(filepath.Join(dir, "*.damaged")); len(aside) > 0 {
			tried++
		}
		if err := views.Close(); err != nil {
			t.Fatal(err)
		}
		if page > 60 {
			break
		}
	}
	if tried < 5 {
		t.Errorf("%d files were put aside: the test hides nothing", tried)
	}
}
