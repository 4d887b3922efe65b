package reactions

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"digitalpost/eventstore"
)

// ErrNoEffect says that there is no such effect, or that it has happened.
var ErrNoEffect = errors.New("reactions: no such effect")

// ID names an effect to operators: kind, receiver, position and place among those of its event.
func (e Effect) ID() string {
	return fmt.Sprintf("%s:%s:%d:%d", e.Kind, e.Receiver, e.Position, e.Index)
}

// parseID is the inverse of ID; false if it is none.
func parseID(s string) (e Effect, ok bool) {
	parts := strings.Split(s, ":")
	if len(parts) != 4 {
		return e, false
	}

	p, err := strconv.ParseUint(parts[2], 10, 63)
	i, err2 := strconv.ParseUint(parts[3], 10, 16)
	e = Effect{Kind: parts[0], Receiver: parts[1], Position: eventstore.Position(p), Index: uint16(i)}

	return e, err == nil && err2 == nil
}

// List gives effects that have not happened, at most most of them; those that were set aside alone, if poisoned says
// so.
func (r *Reactions) List(poisoned bool, most int) (out []Effect, err error) {
	err = r.store.effects(func(e Effect) bool {
		if !poisoned || e.Poisoned {
			out = append(out, e)
		}

		return len(out) < most
	})

	return out, err
}

// Show gives an effect by its id.
func (r *Reactions) Show(id string) (e Effect, err error) {
	e, ok := parseID(id)
	if !ok {
		return e, ErrNoEffect
	}

	return r.store.effect(e.storeKey())
}

// Retry has an effect tried at once, as if it never had been; also one that was set aside.
func (r *Reactions) Retry(id string) (Effect, error) {
	e, ok := parseID(id)
	if !ok {
		return e, ErrNoEffect
	}

	e, err := r.store.again(e.storeKey())
	if err != nil {
		return e, err
	}
	r.feed(e)
	r.wake()

	return e, nil
}

// Drop gives an effect up: it is not tried again. An attempt that is under way is not called back: what the log says of
// it may be followed by that it has happened.
func (r *Reactions) Drop(id string) (Effect, error) {
	e, err := r.Show(id)
	if err != nil {
		return e, err
	}

	if s := r.source(e.Kind); s != nil && !e.Poisoned {
		e.Alive = true // an operator gives it up: that says nothing of its receiver
		if err := s.Done(r.ctx, e, errDropped); err != nil {
			return e, err
		}
	}

	return e, r.store.done(e)
}

var errDropped = errors.New("dropped by an operator")
