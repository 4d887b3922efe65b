package eventstore

import (
	"context"
	"errors"
	"fmt"

	"digitalpost/domain"
)

// defaultAttempts is how often a command is decided before a conflict is given to the caller.
const defaultAttempts = 32

// A Handler runs commands on the streams of one kind: it loads the state, decides, and appends at the version that the
// state stood at, again on a conflict. It is the only caller of Append, so that retry and the way out of an append of
// unknown fate are everywhere the same; whoever is handed one can write nothing that its rules have not decided. It may
// be used by many goroutines at once.
type Handler[C any, E domain.Named, S any] struct {
	store    Store
	decider  domain.Decider[C, E, S]
	codec    domain.Codec[E]
	attempts int
	start    Start[C, E, S]
}

// A Start gives a state to begin from, so that a long stream is not folded from its first event. The beginning is asked
// for again with every attempt.
type Start[C any, E domain.Named, S any] func(context.Context, Stream, C) (Beginning[E, S], error)

// A Beginning is a state as a view holds it.
type Beginning[E domain.Named, S any] struct {
	Version Version // that it stands at
	// State gives it. It is told the stream's events beyond the version, which are folded on top: what they touch must
	// be loaded before they are. It is called once.
	State func(tail []E) (S, error)
	// Close, if not nil, is called when the beginning is needed no more.
	Close func()
}

// NewHandler gives a handler that folds every stream from its beginning.
func NewHandler[C any, E domain.Named, S any](
	store Store, decider domain.Decider[C, E, S], codec domain.Codec[E],
) Handler[C, E, S] {
	return Handler[C, E, S]{store: store, decider: decider, codec: codec, attempts: defaultAttempts}
}

// From gives the same handler, with a start.
func (h Handler[C, E, S]) From(start Start[C, E, S]) Handler[C, E, S] {
	h.start = start
	return h
}

// Execute runs a command. It returns the events that came of it, in order, and the position of the last one; none and 0
// if it is so already. A rule that says no is a *domain.Rejection; of several commands of which some were refused, a
// *domain.Partly stands beside what came of the others. A stream that others change again and again gives ErrConflict
// after 32 attempts. If the store stops during the append, the outcome is read from the stream, never guessed, as far
// as the store can still be read.
func (h Handler[C, E, S]) Execute(ctx context.Context, s Stream, meta Meta, cmd C) ([]E, Position, error) {
	for n := 1; ; n++ {
		state, version, err := h.State(ctx, s, cmd)
		if err != nil {
			return nil, 0, err
		}

		events, err := h.decider.Decide(state, cmd)
		var partly *domain.Partly
		if err != nil && !errors.As(err, &partly) {
			return nil, 0, err
		}

		if len(events) == 0 {
			return nil, 0, err
		}

		p, conflict, appendErr := h.append(ctx, s, version, meta, events)
		switch {
		case conflict && n < h.attempts:
			continue
		case appendErr != nil:
			return nil, 0, appendErr
		}

		return events, p, err
	}
}

// append appends decided events at the version that their state stood at; conflict reports whether that was another.
func (h Handler[C, E, S]) append(
	ctx context.Context, s Stream, version Version, meta Meta, events []E,
) (p Position, conflict bool, err error) {
	news := make([]NewEvent, 0, len(events))
	for _, e := range events {
		data, err := h.codec.Encode(e)
		if err != nil {
			return 0, false, fmt.Errorf("stream %s: encode %s: %w", s, e.EventType(), err)
		}
		news = append(news, NewEvent{Type: e.EventType(), Data: data, Meta: meta})
	}

	p, err = h.store.Append(ctx, s, ExpectedVersion(version), news...)
	if errors.Is(err, ErrClosed) { // of unknown fate: see Appender
		if first, ok := h.resolve(s, version, meta.Command); ok {
			return first + Position(len(events)) - 1, false, nil
		}
	}

	if err != nil {
		return 0, errors.Is(err, ErrConflict), fmt.Errorf("stream %s: append %s: %w", s, news[0].Type, err)
	}

	return p, false, nil
}

// resolve looks whether the first event of an append of unknown fate is in the stream. Only a store that can still be
// read tells; the ids of events make the answer certain.
func (h Handler[C, E, S]) resolve(s Stream, after Version, command [16]byte) (Position, bool) {
	for e, err := range h.store.ReadStream(context.Background(), s, after) {
		if err != nil {
			return 0, false
		}

		return e.Position, e.ID == EventID(s, command, 1)
	}

	return 0, false
}

// State gives the state that a command on stream s would be decided on, and the version at which it stands.
func (h Handler[C, E, S]) State(ctx context.Context, s Stream, cmd C) (state S, version Version, err error) {
	begin := Beginning[E, S]{State: func([]E) (S, error) { return h.decider.Initial(), nil }}
	if h.start != nil {
		if begin, err = h.start(ctx, s, cmd); err != nil {
			return state, 0, err
		}
	}

	if begin.Close != nil {
		defer begin.Close()
	}

	version = begin.Version
	var tail []E
	var moments []domain.Moment

	for rec, err := range h.store.ReadStream(ctx, s, version) {
		if err != nil {
			return state, 0, err
		}

		e, err := h.codec.Decode(rec.Type, rec.Data)
		if err != nil {
			return state, 0, fmt.Errorf("stream %s: decode %s: %w", s, rec.Type, err)
		}
		tail, moments = append(tail, e), append(moments, rec.Moment())
		version = rec.Version
	}

	if state, err = begin.State(tail); err != nil {
		return state, 0, err
	}

	for i, e := range tail {
		state = h.decider.Evolve(state, e, moments[i])
	}

	return state, version, nil
}

// Moment gives when the event happened, as rules know it.
func (e Event) Moment() domain.Moment {
	return domain.Moment{
		Position: uint64(e.Position), Recorded: e.Recorded, Type: e.Type,
		Actor: e.Meta.Actor.ID, Platform: e.Meta.Platform,
	}
}
