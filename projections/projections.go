// Package projections is views of the log. A projection turns one event into changes of its view; it decides nothing, and has no clock,
// network or randomness, so that a view that was followed, rebuilt or crashed has the same bytes.
//
// A view is a bbolt file under an overlay in memory. Events are applied to the overlay, which readers see merged over the file, from one
// snapshot; a write waits for that. The overlay goes to the file in key order, together with the checkpoint, in one fsynced transaction, now
// and then and off the path. A crash leaves an older checkpoint; the events after it are applied again, and no others.
package projections

import (
	"fmt"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
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
	Name() string // names the view and its checkpoint
	Apply(v View, rec eventstore.Event, e domain.Named) error
}

// All lists every projection.
func All() []Projection { return []Projection{Mailboxes{}, Receipts{}, Directory{}, Outbox{}} }

// Decode reads an event of any kind of stream. An unknown kind or type is an error: the log is newer than the program.
func Decode(rec eventstore.Event) (domain.Named, error) {
	switch rec.Stream.Kind {
	case "mailbox":
		return mailbox.Codec.Decode(rec.Type, rec.Data)
	case "intake":
		return intake.Codec.Decode(rec.Type, rec.Data)
	case "organisation":
		return organisation.Codec.Decode(rec.Type, rec.Data)
	case "looks":
		return looks.Codec.Decode(rec.Type, rec.Data)
	case "log":
		return ClockConfirmed{}, nil
	}
	return nil, fmt.Errorf("projections: unknown kind of stream %q", rec.Stream.Kind)
}

// ClockConfirmed records that an operator found the machine's clock right after it had jumped.
type ClockConfirmed struct{}

func (ClockConfirmed) EventType() string { return "log.clock-confirmed" }
