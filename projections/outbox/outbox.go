// Package outbox is the view of what people sent, and who is to take it over.
//
// # Layout
//
//	m message            Row; for good
//	s system position    message that waits for a recipient system, oldest first
//	u system uuid        message
//	p position           message that the backbone itself is to deliver
//	e position           message that the backbone is to send as e-mail
package outbox

import (
	"fmt"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

const (
	kindMessage = 'm'
	kindWaiting = 's'
	kindUUID    = 'u'
	kindDeliver = 'p'
	kindMail    = 'e'
)

func messageKey(m domain.MessageID) []byte { return engine.Key(kindMessage, [16]byte(m)) }

func uuidKey(s domain.SystemID, u domain.UUID) []byte {
	return engine.Key(kindUUID, [16]byte(s), [16]byte(u))
}

// A Row is a message that was sent.
type Row struct {
	Mailbox  domain.MailboxID    `cbor:"1,keyasint"`
	Message  domain.MessageID    `cbor:"2,keyasint"`
	UUID     domain.UUID         `cbor:"3,keyasint"`
	To       mailbox.Destination `cbor:"4,keyasint"`
	Handover mailbox.Handover    `cbor:"5,keyasint"`
	Position eventstore.Position `cbor:"6,keyasint"`
	At       time.Time           `cbor:"7,keyasint"`
	Taken    bool                `cbor:"8,keyasint,omitempty"`
}

// waiting is the key under which a message waits.
func (r Row) waiting() []byte {
	switch {
	case len(r.To.Address) > 0:
		return engine.Key(kindMail, r.Position)
	case r.To.System == domain.SystemID{}:
		return engine.Key(kindDeliver, r.Position)
	}

	return engine.Key(kindWaiting, [16]byte(r.To.System), r.Position)
}

// Projection makes the view.
type Projection struct{}

// Name names the view.
func (Projection) Name() string { return "outbox" }

// Wants reports whether an event is of a message's way out.
func (Projection) Wants(kind eventstore.Kind, eventType string) bool {
	return kind == streams.Mailbox &&
		(eventType == mailbox.MessageSent{}.EventType() || eventType == mailbox.MessageTaken{}.EventType())
}

// Apply applies an event.
func (Projection) Apply(v engine.View, rec eventstore.Event, e domain.Event) error {
	switch e := e.(type) {
	case mailbox.MessageSent:
		r := Row{
			Mailbox: rec.Stream.ID, Message: e.Message, UUID: e.Letter.UUID, To: e.To, Handover: e.Handover,
			Position: rec.Position, At: rec.Recorded,
		}
		v.Put(r.waiting(), e.Message[:])
		v.Put(uuidKey(e.To.System, r.UUID), e.Message[:])

		return engine.Put(v, messageKey(e.Message), r)
	case mailbox.MessageTaken:
		r, ok, err := engine.Row[Row](v, messageKey(e.Message))
		if err != nil || !ok {
			return fmt.Errorf("message %s has no row: %w", e.Message, err)
		}
		v.Delete(r.waiting())
		r.Taken = true

		return engine.Put(v, messageKey(e.Message), r)
	}

	return nil
}

// A Snapshot is the view as it stands at one position. Close lets go of it.
type Snapshot struct{ s *engine.Snapshot }

// At gives the view as it stands.
func At(views *engine.Views) (*Snapshot, error) {
	s, err := views.Snapshot(Projection{})
	if err != nil {
		return nil, err
	}

	return &Snapshot{s}, nil
}

// Close lets go of the snapshot.
func (s *Snapshot) Close() { s.s.Close() }

// Message gives a message that was sent; false if there is none.
func (s *Snapshot) Message(m domain.MessageID) (Row, bool, error) {
	return engine.Row[Row](s.s, messageKey(m))
}

// To gives what was sent to a recipient system, by its UUID, also after it was taken; false if there is none.
func (s *Snapshot) To(system domain.SystemID, uuid domain.UUID) (Row, bool, error) {
	m := s.s.Get(uuidKey(system, uuid))
	if len(m) != len(domain.MessageID{}) {
		return Row{}, false, nil
	}

	return s.Message(domain.MessageID(m))
}

// Waiting gives what waits for a recipient system, oldest first, size of them from page on, and how many there are.
func (s *Snapshot) Waiting(system domain.SystemID, page, size int) (out []Row, total int, err error) {
	return engine.Page(s.s, engine.Key(kindWaiting, [16]byte(system)), page, size, s.Message)
}

// ToDeliver calls fn for what the backbone itself is to deliver, or to send as e-mail, oldest first, until it returns
// false.
func (s *Snapshot) ToDeliver(mails bool, fn func(domain.MessageID) bool) {
	kind := byte(kindDeliver)
	if mails {
		kind = kindMail
	}

	s.s.Scan([]byte{kind}, func(_, m []byte) bool { return fn(domain.MessageID(m)) })
}
