// Package memstore keeps the log in memory, for tests of what stands on a log. It keeps every promise of eventstore but
// one: nothing outlives the process.
package memstore

import (
	"context"
	"iter"
	"sync"
	"time"

	"digitalpost/eventstore"
)

// A Store is a log in memory. The zero value is not usable; New makes one.
type Store struct {
	now func() time.Time

	mu      sync.RWMutex // guards what follows
	log     []eventstore.Event
	streams map[eventstore.Stream][]eventstore.Position
	grown   chan struct{}
}

var _ eventstore.Store = (*Store)(nil)

// New makes an empty log whose recorded times come from now, nil meaning the machine's clock.
func New(now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{now: now, streams: map[eventstore.Stream][]eventstore.Position{}, grown: make(chan struct{})}
}

// Append adds events; see eventstore.Appender.
func (s *Store) Append(
	ctx context.Context, st eventstore.Stream, expected eventstore.ExpectedVersion, events ...eventstore.NewEvent,
) (eventstore.Position, error) {
	if len(events) == 0 {
		return 0, nil
	}

	if err := ctx.Err(); err != nil {
		return 0, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	places := s.streams[st]
	if len(places) != int(expected) {
		return 0, &eventstore.ConflictError{Stream: st, Expected: expected, Actual: eventstore.Version(len(places))}
	}

	previous := eventstore.Position(0)
	if len(places) > 0 {
		previous = places[len(places)-1]
	}

	drafts, err := eventstore.Drafts(st, expected, previous, events)
	if err != nil {
		return 0, err
	}

	now := s.now().UTC().Round(0)
	if n := len(s.log); n > 0 && now.Before(s.log[n-1].Recorded) {
		now = s.log[n-1].Recorded
	}

	for i := range drafts {
		b, err := drafts[i].Finish(nil, eventstore.Position(len(s.log)+1), now)
		if err != nil {
			return 0, err
		}

		e, err := eventstore.DecodeRecord(b)
		if err != nil {
			return 0, err
		}

		s.log = append(s.log, e)
		places = append(places, e.Position)
	}

	s.streams[st] = places
	close(s.grown)
	s.grown = make(chan struct{})
	return eventstore.Position(len(s.log)), nil
}

// ReadStream yields a stream; see eventstore.Reader.
func (s *Store) ReadStream(
	ctx context.Context, st eventstore.Stream, after eventstore.Version,
) iter.Seq2[eventstore.Event, error] {
	return func(yield func(eventstore.Event, error) bool) {
		s.mu.RLock()
		places, log := s.streams[st], s.log
		s.mu.RUnlock()
		for i := int(after); i < len(places); i++ {
			if err := ctx.Err(); err != nil {
				yield(eventstore.Event{}, err)
				return
			}
			if !yield(log[places[i]-1], nil) {
				return
			}
		}
	}
}

// ReadAll yields the log; see eventstore.Reader.
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Event, error] {
	return func(yield func(eventstore.Event, error) bool) {
		s.mu.RLock()
		log := s.log
		s.mu.RUnlock()
		for i := int(after); i < len(log); i++ {
			if err := ctx.Err(); err != nil {
				yield(eventstore.Event{}, err)
				return
			}
			if !yield(log[i], nil) {
				return
			}
		}
	}
}

// Wait returns once the log reaches beyond after; see eventstore.Reader.
func (s *Store) Wait(ctx context.Context, after eventstore.Position) error {
	for {
		s.mu.RLock()
		n, grown := len(s.log), s.grown
		s.mu.RUnlock()
		if eventstore.Position(n) > after {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Last returns the position of the last event.
func (s *Store) Last() eventstore.Position {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return eventstore.Position(len(s.log))
}

// Head returns a stream's version and last position.
func (s *Store) Head(st eventstore.Stream) (eventstore.Version, eventstore.Position) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	places := s.streams[st]
	if len(places) == 0 {
		return 0, 0
	}
	return eventstore.Version(len(places)), places[len(places)-1]
}
