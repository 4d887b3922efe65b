package projections

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"digitalpost/eventstore/memstore"
)

// A rebuild beside a view that is followed and read gives the same rows; one whose rows were changed behind its back is found out and mended.
func TestRebuild(t *testing.T) {
	store := memstore.New(nil)
	rng := rand.New(rand.NewPCG(4, 4))
	grow(t, store, rng, 500)
	dir := t.TempDir()
	live, err := Open(store, Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			s, err := live.Snapshot(Mailboxes{})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Messages([16]byte{0, 1}, Range{Lens: Lens{Private: "app"}}); err != nil {
				t.Error(err)
			}
			s.Close()
		}
	})
	for round := range 5 {
		var rebuilding sync.WaitGroup
		rebuilding.Go(func() {
			got, err := live.Rebuild(ctx)
			for _, r := range got {
				if r.Unlike != 0 || r.Rows < 10 {
					t.Errorf("round %d: %+v, want rows and none unlike", round, r)
				}
			}
			if err != nil || len(got) != len(All()) {
				t.Errorf("Rebuild = %d views, %v", len(got), err)
			}
		})
		grow(t, store, rng, 100)
		rebuilding.Wait()
	}
	close(stop)
	readers.Wait()
	if err := live.Wait(ctx, store.Last()); err != nil {
		t.Fatal(err)
	}

	f := live.views["mailboxes"]
	f.mu.Lock()
	k := key([16]byte{0, 1}, 'b')
	f.over.Set(string(k), []byte("not what the log says"))
	f.mu.Unlock()
	got, err := live.Rebuild(ctx)
	if err != nil || got[0].Unlike != 1 || !strings.HasPrefix(got[0].First, "0001") {
		t.Fatalf("Rebuild of a view with one wrong row = %+v, %v", got, err)
	}
	if got, err = live.Rebuild(ctx); err != nil || got[0].Unlike != 0 {
		t.Fatalf("Rebuild of a mended view = %+v, %v", got, err)
	}
	want := dump(t, f)
	if err := live.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := live.Rebuild(ctx); err == nil {
		t.Error("Rebuild after Close says nothing")
	}
	if live, err = Open(store, Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if dump(t, live.views["mailboxes"]) != want {
		t.Error("opened again, the rows differ")
	}
}
