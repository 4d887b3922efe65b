package projections_test

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"digitalpost/domain"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/viewtest"
)

// A counting projection counts the events that it applies.
type counting struct {
	mailboxes.Projection
	n *atomic.Int64
}

func (p counting) Apply(v engine.View, rec eventstore.Event, e domain.Event) error {
	p.n.Add(1)
	return p.Projection.Apply(v, rec, e)
}

// A view that was prepared beside a server is taken by the next start where what is there is of another format or
// behind, and only the rest is folded; one of another log, or behind what is there, is removed.
func TestPreparedViewsAreTaken(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		what     string
		log      engine.Log // that it is prepared for
		old      bool       // what is there is of another format
		prepared bool       // ahead of what is there
		taken    bool
	}{
		{what: "another format is there", log: engine.Log{Incarnation: 1}, old: true, prepared: true, taken: true},
		{what: "what is there is behind", log: engine.Log{Incarnation: 1}, prepared: true, taken: true},
		{what: "what is there is not behind", log: engine.Log{Incarnation: 1}},
		{what: "it is of another history", log: engine.Log{Incarnation: 2}, old: true, prepared: true},
	} {
		t.Run(x.what, func(t *testing.T) {
			store := memstore.New(nil)
			history := viewtest.New(t, store, 4, 300)
			p := counting{n: &atomic.Int64{}}
			dir := t.TempDir()
			cfg := engine.Config{Dir: dir, Projections: []engine.Projection{p}, Log: engine.Log{Incarnation: 1}}
			prepare := func() {
				t.Helper()
				all := func(after eventstore.Position) iter.Seq2[eventstore.Event, error] {
					return store.ReadAll(context.Background(), after)
				}
				if err := engine.Prepare(context.Background(), dir, x.log, p, all, store.Last()); err != nil {
					t.Fatal(err)
				}
			}
			start := func() *engine.Views {
				t.Helper()
				v, err := engine.Open(store, cfg)
				if err != nil {
					t.Fatal(err)
				}
				caughtUp(t, v, store)
				return v
			}
			first := start()
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			if !x.prepared {
				prepare()
			}
			if x.old {
				otherFormat(t, filepath.Join(dir, p.Name()+".view"))
			}
			history.Grow(200)
			if x.prepared {
				prepare()
			}
			history.Grow(20)

			p.n.Store(0)
			v := start()
			defer v.Close()
			if n := p.n.Load(); (n < 100) != x.taken {
				t.Errorf("%d events were folded at start; taken: want %v", n, x.taken)
			}
			want := viewtest.DumpFile(t, viewtest.Folded(t, store, p))
			if dumpOf(t, v, p) != want {
				t.Error("the rows are not what the log says")
			}
			if _, err := os.Stat(filepath.Join(dir, p.Name()+".view.next")); !os.IsNotExist(err) {
				t.Errorf("the prepared file is still there: %v", err)
			}
		})
	}
}

// A prepared file that is damaged is begun anew by the next call, and a start is not stopped by one.
func TestDamagedPreparedViews(t *testing.T) {
	t.Parallel()
	store := memstore.New(nil)
	viewtest.New(t, store, 4, 2000)
	p := counting{n: &atomic.Int64{}}
	l := engine.Log{Incarnation: 1}
	all := func(after eventstore.Position) iter.Seq2[eventstore.Event, error] {
		return store.ReadAll(context.Background(), after)
	}
	for what, damage := range map[string]func([]byte) []byte{
		"cut short": func(b []byte) []byte { return b[:12<<10] },
		"no view":   func([]byte) []byte { return []byte("no view") },
		"empty":     func([]byte) []byte { return nil },
		"turned over": func(b []byte) []byte {
			for i := 16 << 10; i < min(len(b), 256<<10); i++ {
				b[i] ^= 0xff
			}
			return b
		},
	} {
		dir := t.TempDir()
		next := filepath.Join(dir, p.Name()+".view.next")
		spoil := func() {
			t.Helper()
			if err := engine.Prepare(context.Background(), dir, l, p, all, store.Last()); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			b, err := os.ReadFile(next)
			if err == nil {
				err = os.WriteFile(next, damage(b), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		spoil()
		spoil() // what was spoiled is made anew

		v, err := engine.Open(store, engine.Config{Dir: dir, Projections: []engine.Projection{p}, Log: l})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		caughtUp(t, v, store)
		if dumpOf(t, v, p) != viewtest.DumpFile(t, viewtest.Folded(t, store, p)) {
			t.Errorf("%s: the rows are not what the log says", what)
		}
		v.Close()
	}
}

// otherFormat makes a view one that this program does not know.
func otherFormat(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("stand"), []byte("another"))
	})
	if err != nil {
		t.Fatal(err)
	}
}
