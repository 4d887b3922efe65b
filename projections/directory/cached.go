package directory

import (
	"encoding/binary"
	"sync"

	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// Changed gives the position of the last change to any organisation that the snapshot has; 0 for none.
func (s *Snapshot) Changed() eventstore.Position {
	if b := s.s.Get(changedKey); len(b) == 8 {
		return eventstore.Position(binary.BigEndian.Uint64(b))
	}

	return 0
}

// A Cached value is made of the organisations in the view, and made anew when one has changed. It is stamped with what
// the very snapshot says that it was made of, so it can't be older than its stamp: whoever is shown a change by the
// view is never answered from before it. The zero one is empty. It may be used by many goroutines at once.
type Cached[T any] struct {
	mu    sync.Mutex // guards what follows, and lets one reader make it for all
	made  bool
	at    eventstore.Position
	value T
}

// Get gives the value as the view stands. What it gives is shared, and not to be changed.
func (c *Cached[T]) Get(views *engine.Views, read func(*Snapshot) (T, error)) (out T, err error) {
	s, err := At(views)
	if err != nil {
		return out, err
	}
	defer s.Close()

	c.mu.Lock()
	defer c.mu.Unlock()

	at := s.Changed()
	if c.made && c.at == at {
		return c.value, nil
	}

	if out, err = read(s); err != nil {
		return out, err
	}

	if !c.made || at > c.at { // a snapshot from before the one that it was made of is not kept
		c.value, c.at, c.made = out, at, true
	}

	return out, nil
}
