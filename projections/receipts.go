package projections

import (
	"fmt"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// Receipts is the view of what came in and what became of it. Its keys:
//
//	m message            IntakeRow
//	r system position    message, of final receipts, oldest first      i receipt    message
//	p position           message that has no outcome yet
//	d due message        mailbox, of what waits for its date
//	v shard              Standing of an intake stream
//	D document           what a document is named by, while it is
type Receipts struct{}

// Name names the view.
func (Receipts) Name() string { return "receipts" }

// An IntakeRow is a MeMo that came in.
type IntakeRow struct {
	Memo     intake.MemoReceived `cbor:"1,keyasint"`
	Position eventstore.Position `cbor:"2,keyasint"`
	At       time.Time           `cbor:"3,keyasint"`
	Final    ReceiptStatus       `cbor:"4,keyasint"` // empty while there is no outcome, or it waits for its date
	Mailbox  domain.MailboxID    `cbor:"5,keyasint"`
	Waiting  bool                `cbor:"6,keyasint,omitempty"` // scheduled
	Due      time.Time           `cbor:"7,keyasint"`
}

// A ReceiptStatus is a final receipt's content.
type ReceiptStatus struct {
	Status   string              `cbor:"1,keyasint,omitempty"` // COMPLETED, INVALID or NOT_ALLOWED
	Code     string              `cbor:"2,keyasint,omitempty"`
	Field    string              `cbor:"3,keyasint,omitempty"`
	Position eventstore.Position `cbor:"4,keyasint,omitempty"`
	At       time.Time           `cbor:"5,keyasint"`
	Deleted  bool                `cbor:"6,keyasint,omitempty"`
	Despite  string              `cbor:"7,keyasint,omitempty"` // the legal basis on which it came through an exemption
}

// FinalID gives the id of a MeMo's final receipt.
func FinalID(m domain.MessageID) domain.ReceiptID { return domain.DeriveID("final receipt", m[:]) }

// Apply applies an event.
func (Receipts) Apply(v View, rec eventstore.Event, e domain.Named) error {
	if rec.Stream.Kind == "intake" {
		leaf := uint32(0)
		if r, ok := e.(intake.MemoReceived); ok {
			leaf = r.Leaf
		}
		k := key('v', rec.Stream.ID)
		st, _, err := row[Standing](v, k)
		if err != nil {
			return err
		}
		st.Version, st.NextLeaf = rec.Version, max(st.NextLeaf, leaf+1, 1)
		if err := put(v, k, st); err != nil {
			return err
		}
	}
	switch e := e.(type) {
	case intake.MemoReceived:
		v.Put(key('p', rec.Position), e.Message[:])
		v.Put(key('D', [16]byte(e.Document)), e.Message[:])
		return put(v, key('m', [16]byte(e.Message)), IntakeRow{Memo: e, Position: rec.Position, At: rec.Recorded})
	case intake.MemoRefused:
		return outcome(v, rec, e.Message, ReceiptStatus{Status: e.Status, Code: e.Code, Field: e.Field})
	case intake.ReceiptDeleted:
		return changeIntake(v, e.Message, func(r *IntakeRow) {
			r.Final.Deleted = true
			v.Delete(key('r', [16]byte(r.Memo.System), r.Final.Position))
			v.Delete(key('i', [16]byte(e.Receipt)))
		})
	case mailbox.MessageScheduled:
		return changeIntake(v, e.Letter.Message, func(r *IntakeRow) {
			r.Waiting, r.Mailbox, r.Due = true, rec.Stream.ID, e.Due
			v.Delete(key('p', r.Position))
			v.Put(key('d', e.Due.UnixNano(), [16]byte(e.Letter.Message)), rec.Stream.ID[:])
		})
	case mailbox.MessageDelivered:
		if e.Letter != nil && e.Letter.System == (domain.SystemID{}) {
			return nil // forwarded from another mailbox
		}
		return outcome(v, rec, e.Message, ReceiptStatus{Status: "COMPLETED", Despite: e.Despite})
	case mailbox.MessageRefused:
		return outcome(v, rec, e.Message, ReceiptStatus{Status: "INVALID", Code: string(e.Reason)})
	case mailbox.MessageRecalled:
		return outcome(v, rec, e.Message, ReceiptStatus{Status: "INVALID", Code: "message.recalled"})
	case mailbox.MessagePurged:
		if e.Own {
			return nil
		}
		return changeIntake(v, e.Message, func(r *IntakeRow) { v.Delete(key('D', [16]byte(r.Memo.Document))) })
	}
	return nil
}

func changeIntake(v View, m domain.MessageID, fn func(*IntakeRow)) error {
	k := key('m', [16]byte(m))
	r, ok, err := row[IntakeRow](v, k)
	if err != nil || !ok {
		return fmt.Errorf("message %s has no intake row: %w", m, err)
	}
	fn(&r)
	return put(v, k, r)
}

// outcome notes the one final receipt of a MeMo.
func outcome(v View, rec eventstore.Event, m domain.MessageID, s ReceiptStatus) error {
	return changeIntake(v, m, func(r *IntakeRow) {
		v.Delete(key('p', r.Position))
		if r.Waiting {
			v.Delete(key('d', r.Due.UnixNano(), [16]byte(m)))
		}
		if s.Status != "COMPLETED" {
			v.Delete(key('D', [16]byte(r.Memo.Document)))
		} else {
			r.Mailbox = rec.Stream.ID
		}
		s.Position, s.At = rec.Position, rec.Recorded
		r.Final, r.Waiting = s, false
		v.Put(key('r', [16]byte(r.Memo.System), rec.Position), m[:])
		id := FinalID(m)
		v.Put(key('i', [16]byte(id)), m[:])
	})
}
