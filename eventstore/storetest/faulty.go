package storetest

import (
	"context"
	"fmt"
	"sync"

	"digitalpost/eventstore"
)

// Faulty is a store whose FailAt-th append (from 1) and all later ones fail with ErrClosed, as one does that a write
// error has stopped. Keep says whether the first of them is in the log all the same: nobody is told which. It can still
// be read.
type Faulty struct {
	eventstore.Store
	FailAt int
	Keep   bool

	mu sync.Mutex // guards n
	n  int
}

// Append fails on demand.
func (f *Faulty) Append(
	ctx context.Context, s eventstore.Stream, expected eventstore.ExpectedVersion, events ...eventstore.NewEvent,
) (eventstore.Position, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.n++
	if f.n < f.FailAt {
		return f.Store.Append(ctx, s, expected, events...)
	}

	if f.n == f.FailAt && f.Keep {
		if _, err := f.Store.Append(ctx, s, expected, events...); err != nil {
			return 0, err
		}
	}

	return 0, fmt.Errorf("%w: on demand", eventstore.ErrClosed)
}
