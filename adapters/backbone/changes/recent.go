package changes

import (
	"context"
	"sort"
	"sync"
	"time"

	"digitalpost/eventstore"
)

// maxRecent is how many events that tell anything are remembered for who follows.
const maxRecent = 4096

// recent is what was found out of the newest events. The zero value is not ready.
type recent struct {
	mu      sync.Mutex          // guards what follows
	first   eventstore.Position // all beyond it is remembered
	through eventstore.Position // all up to it is found out
	told    []*told             // in order
	moved   chan struct{}       // closed when through grows
}

func newRecent() *recent { return &recent{moved: make(chan struct{})} }

// begin says that what comes beyond a position is remembered.
func (r *recent) begin(at eventstore.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.first, r.through, r.told = at, at, nil
	close(r.moved)
	r.moved = make(chan struct{})
}

// begins gives the position beyond which all is remembered.
func (r *recent) begins() eventstore.Position {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.first
}

// add remembers what the events up to a position came to.
func (r *recent) add(more []*told, through eventstore.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()

	r.told = append(r.told, more...)
	if over := len(r.told) - maxRecent; over > 0 {
		r.first = r.told[over-1].Position
		r.told = append([]*told(nil), r.told[over:]...)
	}
	r.through = through
	close(r.moved)
	r.moved = make(chan struct{})
}

// beyond gives what is remembered beyond a position, and how far that goes; false if it begins later.
func (r *recent) beyond(after eventstore.Position) ([]*told, eventstore.Position, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()

	if after < r.first {
		return nil, after, false
	}
	i := sort.Search(len(r.told), func(i int) bool { return r.told[i].Position > after })

	return r.told[i:len(r.told):len(r.told)], r.through, true
}

// wait returns once more than a position is found out, or a time has passed.
func (r *recent) wait(ctx context.Context, after eventstore.Position, most time.Duration) error {
	r.mu.Lock()
	moved, more := r.moved, r.through > after || after < r.first
	r.mu.Unlock()

	if more {
		return ctx.Err()
	}
	timer := time.NewTimer(most)
	defer timer.Stop()

	select {
	case <-moved:
	case <-timer.C:
	case <-ctx.Done():
	}

	return ctx.Err()
}
