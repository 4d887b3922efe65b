package eventstore

import (
	"context"
	"errors"
	"fmt"

	"digitalpost/domain"
)

// A Handler runs commands on the streams of one kind: it loads the state, decides, and appends at the version that the state
// stood at, again on a conflict, up to Attempts times.
type Handler[C any, E domain.Named, S any] struct {
	Store    Store
	Decider  domain.Decider[C, E, S]
	Codec    domain.Codec[E]
	Attempts int // 0 means 32

	// Start gives a state to begin from and the version at which it stands, so that a long stream is not folded from its
	// first event. Nil folds from the beginning. The command, when it touches a part of the state only, says which.
	Start func(ctx context.Context, s Stream) (S, Version, error)
}

// Execute runs the command that make builds from the current state. It returns the events that came of it, in order, and the
// position of the last one; none and 0 if it is so already. A rule that says no is a *domain.Rejection. If the store stops
// during the append, the outcome is read from the stream, never guessed, as far as the store can still be read.
func (h Handler[C, E, S]) Execute(ctx context.Context, s Stream, meta Meta, make func(S) (C, error)) ([]E, Position, error) {
	attempts := h.Attempts
	if attempts == 0 {
		attempts = 32
	}
	for n := 1; ; n++ {
		state, version, err := h.Load(ctx, s)
		if err != nil {
			return nil, 0, err
		}
		cmd, err := make(state)
		if err != nil {
			return nil, 0, err
		}
		events, err := h.Decider.Decide(state, cmd)
		if err != nil || len(events) == 0 {
			return nil, 0, err
		}
		news := []NewEvent{}
		for _, e := range events {
			data, err := h.Codec.Encode(e)
			if err != nil {
				return nil, 0, fmt.Errorf("stream %s: encode %s: %w", s, e.EventType(), err)
			}
			news = append(news, NewEvent{Type: e.EventType(), Data: data, Meta: meta})
		}
		p, err := h.Store.Append(ctx, s, ExpectedVersion(version), news...)
		switch {
		case err == nil:
			return events, p, nil
		case errors.Is(err, ErrConflict) && n < attempts:
			continue
		case errors.Is(err, ErrClosed):
			if p, ok := h.resolve(s, version, meta.Command); ok {
				return events, p + Position(len(events)) - 1, nil
			}
		}
		return nil, 0, fmt.Errorf("stream %s: append %s: %w", s, news[0].Type, err)
	}
}

// resolve looks whether the first event of an append of unknown fate is in the stream. Only a store that can still be read
// tells; the ids of events make the answer certain.
func (h Handler[C, E, S]) resolve(s Stream, after Version, command [16]byte) (Position, bool) {
	for e, err := range h.Store.ReadStream(context.Background(), s, after) {
		if err != nil {
			return 0, false
		}
		return e.Position, e.ID == EventID(s, command, 1)
	}
	return 0, false
}

// Load folds the state of stream s and tells at which version it stands.
func (h Handler[C, E, S]) Load(ctx context.Context, s Stream) (S, Version, error) {
	state, version := h.Decider.Initial(), Version(0)
	if h.Start != nil {
		var err error
		if state, version, err = h.Start(ctx, s); err != nil {
			return state, 0, err
		}
	}
	for rec, err := range h.Store.ReadStream(ctx, s, version) {
		if err != nil {
			return state, 0, err
		}
		e, err := h.Codec.Decode(rec.Type, rec.Data)
		if err != nil {
			return state, 0, fmt.Errorf("stream %s: decode %s: %w", s, rec.Type, err)
		}
		state = h.Decider.Evolve(state, e)
		version = rec.Version
	}
	return state, version, nil
}
