// Package receipts is the view of what came in and what became of it.
//
// # Layout
//
//	m message            Row; for good
//	r system position    message, of final receipts, oldest first
//	i receipt            message, of final receipts
//	p position           message that has no outcome yet
//	d due message        mailbox, of what waits for its date
//	v shard              Standing of an intake stream
package receipts

import (
	"fmt"
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

const (
	kindMemo     = 'm'
	kindFinal    = 'r'
	kindReceipt  = 'i'
	kindPending  = 'p'
	kindDue      = 'd'
	kindStanding = 'v'
)

func memoKey(m domain.MessageID) []byte { return engine.Key(kindMemo, [16]byte(m)) }

func finalKey(s domain.SystemID, p eventstore.Position) []byte {
	return engine.Key(kindFinal, [16]byte(s), p)
}

func receiptKey(r domain.ReceiptID) []byte { return engine.Key(kindReceipt, [16]byte(r)) }

func pendingKey(p eventstore.Position) []byte { return engine.Key(kindPending, p) }

func dueKey(due time.Time, m domain.MessageID) []byte {
	return engine.Key(kindDue, due.UnixNano(), [16]byte(m))
}

func standingKey(shard [16]byte) []byte { return engine.Key(kindStanding, shard) }

// A Row is a MeMo that came in.
type Row struct {
	Memo     intake.MemoReceived `cbor:"1,keyasint"`
	Position eventstore.Position `cbor:"2,keyasint"`
	At       time.Time           `cbor:"3,keyasint"`
	Final    Final               `cbor:"4,keyasint"` // empty while there is no outcome, or it waits for its date
	Mailbox  domain.MailboxID    `cbor:"5,keyasint"`
	Waiting  bool                `cbor:"6,keyasint,omitempty"` // scheduled, or a NemSMS that goes out
	Due      time.Time           `cbor:"7,keyasint"`
}

// A Final is a final receipt's content.
type Final struct {
	Status   string              `cbor:"1,keyasint,omitempty"` // COMPLETED, INVALID or NOT_ALLOWED
	Code     string              `cbor:"2,keyasint,omitempty"`
	Field    string              `cbor:"3,keyasint,omitempty"`
	Position eventstore.Position `cbor:"4,keyasint,omitempty"`
	At       time.Time           `cbor:"5,keyasint"`
	Deleted  bool                `cbor:"6,keyasint,omitempty"`
	Despite  string              `cbor:"7,keyasint,omitempty"` // legal basis on which it came through an exemption
	Pushed   string              `cbor:"8,keyasint,omitempty"` // how its way to the sender's system ended
}

// A Standing is what the next command on an intake stream must know.
type Standing struct {
	Version  eventstore.Version `cbor:"1,keyasint"`
	NextLeaf uint32             `cbor:"2,keyasint"`
}

// Projection makes the view.
type Projection struct{}

// Name names the view.
func (Projection) Name() string { return "receipts" }

// outcomes are the events of a mailbox that decide what became of a MeMo.
var outcomes = []string{
	mailbox.MessageScheduled{}.EventType(), mailbox.MessageDelivered{}.EventType(),
	mailbox.MessageRefused{}.EventType(), mailbox.MessageRecalled{}.EventType(),
	mailbox.NemSMSQueued{}.EventType(), mailbox.NemSMSSent{}.EventType(), mailbox.NemSMSRefused{}.EventType(),
}

// Wants reports whether an event is of intake, or an outcome.
func (Projection) Wants(kind eventstore.Kind, eventType string) bool {
	return kind == streams.Intake || kind == streams.Mailbox && slices.Contains(outcomes, eventType)
}

// Apply applies an event.
func (Projection) Apply(v engine.View, rec eventstore.Event, e domain.Event) error {
	if rec.Stream.Kind == streams.Intake {
		if err := stand(v, rec, e); err != nil {
			return err
		}
	}

	switch e := e.(type) {
	case intake.MemoReceived:
		v.Put(pendingKey(rec.Position), e.Message[:])
		return engine.Put(v, memoKey(e.Message), Row{Memo: e, Position: rec.Position, At: rec.Recorded})
	case intake.MemoRefused:
		return outcome(v, rec, e.Message, Final{Status: e.Status, Code: e.Code, Field: e.Field})
	case intake.ReceiptDeleted:
		return change(v, e.Message, func(r *Row) {
			r.Final.Deleted = true
			v.Delete(finalKey(r.Memo.System, r.Final.Position))
			v.Delete(receiptKey(e.Receipt))
		})
	case intake.ReceiptPushed:
		return change(v, e.Message, func(r *Row) { r.Final.Pushed = e.Outcome })
	case mailbox.MessageScheduled:
		return change(v, e.Letter.Message, func(r *Row) {
			r.Waiting, r.Mailbox, r.Due = true, rec.Stream.ID, e.Due
			v.Delete(pendingKey(r.Position))
			v.Put(dueKey(e.Due, e.Letter.Message), rec.Stream.ID[:])
		})
	case mailbox.NemSMSQueued:
		return change(v, e.Letter.Message, func(r *Row) {
			r.Waiting, r.Mailbox = true, rec.Stream.ID
			v.Delete(pendingKey(r.Position))
		})
	case mailbox.NemSMSSent:
		return outcome(v, rec, e.Message, Final{Status: "COMPLETED"})
	case mailbox.NemSMSRefused:
		return outcome(v, rec, e.Message, Final{Status: "INVALID", Code: string(e.Reason)})
	case mailbox.MessageDelivered:
		if e.Letter != nil && e.Letter.System == (domain.SystemID{}) {
			return nil // forwarded from another mailbox
		}

		return outcome(v, rec, e.Message, Final{Status: "COMPLETED", Despite: e.Despite})
	case mailbox.MessageRefused:
		return outcome(v, rec, e.Message, Final{Status: "INVALID", Code: string(e.Reason)})
	case mailbox.MessageRecalled:
		return outcome(v, rec, e.Message, Final{Status: "INVALID", Code: "message.recalled"})
	}

	return nil
}

// stand notes where an intake stream stands after an event.
func stand(v engine.View, rec eventstore.Event, e domain.Event) error {
	k := standingKey(rec.Stream.ID)
	st, _, err := engine.Row[Standing](v, k)
	if err != nil {
		return err
	}
	st.Version, st.NextLeaf = rec.Version, max(st.NextLeaf, e.Effect().Begins+1, 1)

	return engine.Put(v, k, st)
}

func change(v engine.View, m domain.MessageID, fn func(*Row)) error {
	k := memoKey(m)
	r, ok, err := engine.Row[Row](v, k)
	if err != nil || !ok {
		return fmt.Errorf("message %s has no intake row: %w", m, err)
	}
	fn(&r)

	return engine.Put(v, k, r)
}

// outcome notes the one final receipt of a MeMo.
func outcome(v engine.View, rec eventstore.Event, m domain.MessageID, f Final) error {
	return change(v, m, func(r *Row) {
		v.Delete(pendingKey(r.Position))
		if r.Waiting && !r.Due.IsZero() {
			v.Delete(dueKey(r.Due, m))
		}

		if f.Status == "COMPLETED" {
			r.Mailbox = rec.Stream.ID
		}

		f.Position, f.At = rec.Position, rec.Recorded
		r.Final, r.Waiting = f, false
		v.Put(finalKey(r.Memo.System, rec.Position), m[:])
		v.Put(receiptKey(intake.FinalOf(m)), m[:])
	})
}
