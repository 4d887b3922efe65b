package engine_test

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/projections/engine"
)

// A counting log counts the events that are read from it.
type counting struct {
	eventstore.Reader
	read atomic.Int64
}

func (c *counting) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Event, error] {
	return func(yield func(eventstore.Event, error) bool) {
		for rec, err := range c.Reader.ReadAll(ctx, after) {
			c.read.Add(1)
			if !yield(rec, err) {
				return
			}
		}
	}
}

// All who follow are given each event, once and in order, and the same one; those who keep up share one reading.
func TestATailIsReadOnce(t *testing.T) {
	t.Parallel()
	store := memstore.New(time.Now)
	log := &counting{Reader: store}
	tail := engine.NewTail(log)
	const followers, events = 5, 9000

	add := func(n int) {
		for range n {
			next := store.Last() + 1
			st := eventstore.Stream{Kind: streams.Mailbox, ID: [16]byte{byte(next >> 8), byte(next)}}
			_, err := store.Append(t.Context(), st, eventstore.NoStream, eventstore.NewEvent{
				Type: mailbox.MailboxVisible{}.EventType(), Data: []byte{0xa0},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	got := make([][]*engine.Entry, followers)
	follow := func(i int) {
		var at eventstore.Position
		if n := len(got[i]); n > 0 {
			at = got[i][n-1].Position
		}
		for e, err := range tail.Events(t.Context(), at) {
			if err != nil {
				t.Error(err)
				return
			}
			if says, err := e.Says(); err != nil || says == nil {
				t.Errorf("position %d says %v, %v", e.Position, says, err)
			}
			got[i] = append(got[i], e)
		}
	}

	for done := 0; done < events; done += 1000 {
		add(1000)
		var wg sync.WaitGroup
		for i := range followers - 1 {
			wg.Go(func() { follow(i) })
		}
		wg.Wait()
	}
	if n := log.read.Load(); n != events {
		t.Errorf("%d events were read for %d who keep up, want each once: %d", n, followers-1, events)
	}

	add(1)
	follow(followers - 1) // begins at the beginning, which is not kept any more
	follow(0)
	for i, all := range got {
		for j, e := range all {
			if want := eventstore.Position(j + 1); e.Position != want {
				t.Fatalf("follower %d was given position %d, want %d", i, e.Position, want)
			}

			if i < followers-1 && j < events && e != got[0][j] {
				t.Fatalf("position %d was read twice", e.Position)
			}
		}
	}
	if n := len(got[0]); n != events+1 || len(got[followers-1]) != n {
		t.Fatalf("%d and %d events were given, want %d", n, len(got[followers-1]), events+1)
	}
	if got[0][events] != got[followers-1][events] {
		t.Error("the newest event was not shared")
	}
}
