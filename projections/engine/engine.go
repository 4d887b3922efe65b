// Package engine makes views of the log. A projection turns one event into changes of its view; it decides nothing, and
// has no clock, network or randomness, so that a view that was followed, rebuilt or crashed has the same bytes.
//
// A view is a bbolt file under an overlay in memory. Events are applied to the overlay, which readers see merged over
// the file, from one snapshot; a write waits for that. The overlay goes to the file in key order, together with the
// checkpoint, in one fsynced transaction, now and then and off the path. A crash leaves an older checkpoint; the events
// after it are applied again, and no others.
//
// The engine knows rows as bytes. What they mean is for the package of each view alone, which gives typed answers from
// a Snapshot and exports neither keys nor the engine's snapshot.
package engine

import (
	"errors"

	"digitalpost/domain"
	"digitalpost/eventstore"
)

// A View is what a projection reads and writes while it applies an event.
type View interface {
	Get(key []byte) []byte // nil if there is none; not to be changed
	Put(key, value []byte)
	Delete(key []byte)
	Scan(prefix []byte, fn func(key, value []byte) bool) // in key order, until fn returns false
}

// A Projection is a view's making.
type Projection interface {
	// Name names the view and its checkpoint.
	Name() string
	// Wants reports whether the events of a type in a stream of a kind are applied. What is not wanted is not decoded.
	Wants(kind eventstore.Kind, eventType string) bool
	// Apply applies an event. An error parks the event's stream: see Views.
	Apply(v View, rec eventstore.Event, e domain.Event) error
}

// An Owned projection is one whose keys begin with the id of the stream that they follow from, so that a parked stream
// can be folded again alone.
type Owned interface {
	Projection
	// Kinds are those of the streams of one id, in the order in which they are folded.
	Kinds() []eventstore.Kind
}

// A Parker is a projection with rows that follow from many streams, in which a parked one has no part.
type Parker interface {
	Projection
	// Park takes a stream that is about to be parked out of them. Folding it again puts it back.
	Park(v View, id [16]byte)
}

// ErrParked says that what a view has of a stream is old, since an event of it could not be applied: it is not shown,
// and nothing is decided on it.
var ErrParked = errors.New("views: the stream is parked")
