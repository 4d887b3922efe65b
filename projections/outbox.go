package projections

import (
	"fmt"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// Outbox is the view of what people sent, and who is to take it over. Its keys:
//
//	m message            OutRow
//	s system position    message that waits for a recipient system, oldest first      u system uuid    message
//	p position           message that the backbone itself is to deliver; e position: to send as e-mail
//	D document           what a document is named by that came by no intake, while it is
type Outbox struct{}

// Name names the view.
func (Outbox) Name() string { return "outbox" }

// An OutRow is a message that was sent.
type OutRow struct {
	Mailbox  domain.MailboxID    `cbor:"1,keyasint"`
	Message  domain.MessageID    `cbor:"2,keyasint"`
	UUID     domain.UUID         `cbor:"3,keyasint"`
	To       mailbox.Destination `cbor:"4,keyasint"`
	Handover mailbox.Handover    `cbor:"5,keyasint"`
	Position eventstore.Position `cbor:"6,keyasint"`
	At       time.Time           `cbor:"7,keyasint"`
	Taken    bool                `cbor:"8,keyasint,omitempty"`
}

// Apply applies an event.
func (Outbox) Apply(v View, rec eventstore.Event, e domain.Named) error {
	name := func(d domain.DocumentID, m domain.MessageID) { v.Put(key('D', [16]byte(d)), m[:]) }
	forget := func(docs ...domain.DocumentID) {
		for _, d := range docs {
			v.Delete(key('D', [16]byte(d)))
		}
	}
	switch e := e.(type) {
	case mailbox.DraftSaved:
		for _, p := range e.Parts {
			name(p.Document, e.Message)
		}
		forget(e.Dropped...)
	case mailbox.MessageSent:
		forget(e.Dropped...)
		name(e.Letter.Document, e.Message)
		name(e.Handover.Document, e.Message)
		r := OutRow{Mailbox: rec.Stream.ID, Message: e.Message, UUID: e.Letter.UUID, To: e.To, Handover: e.Handover, Position: rec.Position, At: rec.Recorded}
		v.Put(r.waiting(), e.Message[:])
		v.Put(key('u', [16]byte(e.To.System), [16]byte(r.UUID)), e.Message[:])
		return put(v, key('m', [16]byte(e.Message)), r)
	case mailbox.MessageDelivered:
		if e.Letter != nil && e.Letter.System == (domain.SystemID{}) {
			name(e.Letter.Document, e.Message)
		}
	case mailbox.MessagePurged:
		forget(e.Documents...)
	case mailbox.MessageTaken:
		k := key('m', [16]byte(e.Message))
		r, ok, err := row[OutRow](v, k)
		if err != nil || !ok {
			return fmt.Errorf("message %s has no row: %w", e.Message, err)
		}
		forget(e.Copy)
		v.Delete(r.waiting())
		r.Taken = true
		return put(v, k, r)
	}
	return nil
}

// waiting is the key under which a message waits.
func (r OutRow) waiting() []byte {
	switch {
	case len(r.To.Address) > 0:
		return key('e', r.Position)
	case r.To.System == domain.SystemID{}:
		return key('p', r.Position)
	}
	return key('s', [16]byte(r.To.System), r.Position)
}

// Waiting gives what waits for a recipient system, oldest first, size of them from page on, and how many there are.
func (s *Snapshot) Waiting(system domain.SystemID, page, size int) (out []OutRow, total int, err error) {
	s.Scan(key('s', [16]byte(system)), func(_, m []byte) bool {
		if total >= page*size && len(out) < size {
			var r OutRow
			if r, _, err = s.Outgoing(domain.MessageID(m)); err != nil {
				return false
			}
			out = append(out, r)
		}
		total++
		return true
	})
	return out, total, err
}

// Outgoing gives a message that was sent.
func (s *Snapshot) Outgoing(m domain.MessageID) (OutRow, bool, error) {
	return row[OutRow](s, key('m', [16]byte(m)))
}

// OutgoingTo gives what was sent to a recipient system, by its UUID, also after it was taken.
func (s *Snapshot) OutgoingTo(system domain.SystemID, uuid domain.UUID) (OutRow, bool, error) {
	m := s.Get(key('u', [16]byte(system), [16]byte(uuid)))
	if len(m) != 16 {
		return OutRow{}, false, nil
	}
	return s.Outgoing(domain.MessageID(m))
}

// ToDeliver calls fn for what the backbone itself is to deliver, or to send as e-mail, oldest first, until it returns false.
func (s *Snapshot) ToDeliver(mails bool, fn func(domain.MessageID) bool) {
	prefix := []byte("p")
	if mails {
		prefix = []byte("e")
	}
	s.Scan(prefix, func(_, m []byte) bool { return fn(domain.MessageID(m)) })
}
