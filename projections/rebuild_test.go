package projections_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/projections"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/viewtest"
)

// A spoiled projection writes, while it is told to, one row that the log does not say.
type spoiled struct {
	mailboxes.Projection
	now *atomic.Bool
}

func (p spoiled) Apply(v engine.View, rec eventstore.Event, e domain.Event) error {
	err := p.Projection.Apply(v, rec, e)
	if p.now.Load() {
		first := viewtest.Boxes[0]
		v.Put(append(first[:], 'b'), []byte("not what the log says"))
	}

	return err
}

// read reads a view again and again, until stop is closed.
func read(t *testing.T, live *engine.Views, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}

		s, err := mailboxes.At(live)
		if err != nil {
			t.Error(err)
			return
		}

		lens := mailbox.Lens{Private: "app"}
		if _, err := s.Messages(viewtest.Boxes[0], mailboxes.Range{Lens: lens}); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

// A rebuild beside a view that is followed and read gives the same rows; one whose rows were changed behind its back is
// found out and mended.
func TestRebuild(t *testing.T) {
	store := memstore.New(nil)
	history := viewtest.New(t, store, 4, 500)
	spoil := spoiled{now: &atomic.Bool{}}
	all := append([]engine.Projection{spoil}, projections.All()[1:]...)

	cfg := engine.Config{
		Dir: t.TempDir(), Projections: all, Log: engine.Log{Incarnation: 1},
		Slice: time.Nanosecond, // a hundred rows at a time, each at a position of its own
	}
	live, err := engine.Open(store, cfg)
	if err != nil {
		t.Fatal(err)
	}

	rebuildAlongside(t, live, history)
	caughtUp(t, live, store)

	// The row of the first mailbox is spoiled with the last event, which is another's.
	spoil.now.Store(true)
	other := viewtest.Stream(viewtest.Boxes[1])
	viewtest.Append(t, store, other, eventstore.Meta{}, mailbox.LanguageSet{Platform: "app"})
	caughtUp(t, live, store)
	spoil.now.Store(false)

	ctx := context.Background()
	got, err := live.Rebuild(ctx)
	if err != nil || got[0].Unlike != 1 || !strings.HasPrefix(got[0].First, "0001") {
		t.Fatalf("Rebuild of a view with one wrong row = %+v, %v", got, err)
	}

	if got, err = live.Rebuild(ctx); err != nil || got[0].Unlike != 0 {
		t.Fatalf("Rebuild of a mended view = %+v, %v", got, err)
	}

	want := dumpOf(t, live, spoil)
	if err := live.Close(); err != nil {
		t.Fatal(err)
	}

	if _, err := live.Rebuild(ctx); err == nil {
		t.Error("Rebuild after Close says nothing")
	}

	again := open(t, store, cfg.Dir)
	caughtUp(t, again, store)
	if dumpOf(t, again, spoil) != want {
		t.Error("opened again, the rows differ")
	}
}

// rebuildAlongside rebuilds living views, some times, while they are read and their log grows.
func rebuildAlongside(t *testing.T, live *engine.Views, history *viewtest.History) {
	t.Helper()

	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() { read(t, live, stop) })

	for round := range 5 {
		var rebuilding sync.WaitGroup
		rebuilding.Go(func() {
			got, err := live.Rebuild(context.Background())
			for _, r := range got {
				if r.Unlike != 0 || r.Rows < 10 {
					t.Errorf("round %d: %+v, want rows and none unlike", round, r)
				}
			}

			if err != nil || len(got) != len(projections.All()) {
				t.Errorf("Rebuild = %d views, %v", len(got), err)
			}
		})
		history.Grow(100)
		rebuilding.Wait()
	}

	close(stop)
	readers.Wait()
}
