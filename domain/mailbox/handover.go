package mailbox

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse what is about a message on its way out.
const (
	ReceiptGiven domain.Reason = "receipt.already.given"
	NotFetched   domain.Reason = "memo.not.fetched"
)

// handoverEvents are the zero values of this file's event types.
var handoverEvents = []Event{MessageHandedOver{}, MessageTaken{}, ReceiptReceived{}}

// MessageHandedOver records that the recipient system has fetched a message: once, the first time.
type MessageHandedOver struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
}

// EventType is the stored name.
func (MessageHandedOver) EventType() string { return "mailbox.message-handed-over" }

// Effect is on the message alone.
func (e MessageHandedOver) Effect() domain.Effect { return onMessage(e.Message) }

func (e MessageHandedOver) evolve(s *State, at domain.Moment) {
	s.changeOut(e.Message, at, true, func(_ *Message, o *Outgoing) { o.Fetched = true })
}

// MessageTaken records that the recipient needs the waiting copy no more. It is forgotten after this.
type MessageTaken struct {
	Message domain.MessageID  `cbor:"1,keyasint" json:"message"`
	Root    domain.UUID       `cbor:"2,keyasint" json:"root"`
	Copy    domain.DocumentID `cbor:"3,keyasint" json:"copy"`
}

// EventType is the stored name.
func (MessageTaken) EventType() string { return "mailbox.message-taken" }

// Effect frees the waiting copy. Nobody is told.
func (e MessageTaken) Effect() domain.Effect {
	return domain.Effect{
		Touches: domain.Parts{Messages: []domain.MessageID{e.Message}},
		Frees:   domain.Freed{Roots: []domain.UUID{e.Root}, Documents: []domain.DocumentID{e.Copy}},
	}
}

func (e MessageTaken) evolve(s *State, at domain.Moment) {
	s.changeOut(e.Message, at, false, func(_ *Message, o *Outgoing) { o.Taken = true })
}

// ReceiptReceived records the recipient's business receipt (forretningskvittering) for what was sent.
type ReceiptReceived struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Status  string           `cbor:"2,keyasint" json:"status"` // COMPLETED, INVALID or NOT_ALLOWED
	Text    domain.Sealed    `cbor:"3,keyasint,omitempty" json:"text,omitempty"`
}

// EventType is the stored name.
func (ReceiptReceived) EventType() string { return "mailbox.receipt-received" }

// Effect is on the message alone.
func (e ReceiptReceived) Effect() domain.Effect { return onMessage(e.Message) }

func (e ReceiptReceived) evolve(s *State, at domain.Moment) {
	s.changeOut(e.Message, at, true, func(m *Message, o *Outgoing) {
		o.Receipt = e.Status
		m.Shown.Answer, m.Shown.Answered = e.Text, at.Recorded
	})
}

// changeOut changes what is known of a message's way out, on a copy: states share what they don't change.
func (s *State) changeOut(id domain.MessageID, at domain.Moment, shown bool, fn func(*Message, *Outgoing)) {
	s.change(id, at, shown, func(m *Message) {
		if m.Out == nil {
			s.miss("an event hands over a message that was not sent:", id)
			return
		}

		o := *m.Out
		fn(m, &o)
		m.Out = &o
	})
}

// outgoing gives what goes to a recipient system, also after its writer has purged it; the zero system is the backbone
// itself.
func (s *State) outgoing(id domain.MessageID, system domain.SystemID) (Message, error) {
	m := s.Message(id)
	if m.Out == nil || m.Out.System != system {
		return m, domain.Refuse(NoSuchMessage)
	}

	return m, nil
}

// handedBy lets the recipient's side act: its system, or the backbone where it delivers.
func handedBy() Leave { return Leave{Machines: []access.Machine{access.System, access.Backbone}} }

// HandOver notes that the recipient system fetches a message.
type HandOver struct {
	Message domain.MessageID
	System  domain.SystemID
}

func (c HandOver) needs() domain.Parts { return domain.Parts{Messages: []domain.MessageID{c.Message}} }

func (HandOver) leave(*State) Leave { return handedBy() }

func (c HandOver) decide(s *State) ([]Event, error) {
	m, err := s.outgoing(c.Message, c.System)
	switch {
	case err != nil:
		return nil, err
	case m.Out.Taken:
		return nil, domain.Refuse(NoSuchMessage)
	case m.Out.Fetched:
		return nil, nil
	}

	return []Event{MessageHandedOver{c.Message}}, nil
}

// Take ends the waiting copy.
type Take struct {
	Message domain.MessageID
	System  domain.SystemID
}

func (c Take) needs() domain.Parts { return domain.Parts{Messages: []domain.MessageID{c.Message}} }

func (Take) leave(*State) Leave { return handedBy() }

func (c Take) decide(s *State) ([]Event, error) {
	m, err := s.outgoing(c.Message, c.System)
	switch {
	case err != nil:
		return nil, err
	case m.Out.Taken:
		return nil, domain.Refuse(NoSuchMessage)
	case !m.Out.handed():
		return nil, domain.Refuse(NotFetched)
	}

	return []Event{MessageTaken{c.Message, m.Out.Root, m.Out.Copy}}, nil
}

// GiveReceipt gives the business receipt for a message, once. Its text is sealed under the message's key, if that is
// still there.
type GiveReceipt struct {
	Message domain.MessageID
	System  domain.SystemID
	Status  string // COMPLETED, INVALID or NOT_ALLOWED
	Seal    domain.Seal
}

func (c GiveReceipt) needs() domain.Parts {
	return domain.Parts{Messages: []domain.MessageID{c.Message}}
}

func (GiveReceipt) leave(*State) Leave { return handedBy() }

func (c GiveReceipt) decide(s *State) ([]Event, error) {
	m, err := s.outgoing(c.Message, c.System)
	switch {
	case err != nil:
		return nil, err
	case !m.Out.handed():
		return nil, domain.Refuse(NotFetched)
	case m.Out.Receipt == c.Status:
		return nil, nil
	case m.Out.Receipt != "":
		return nil, domain.Refuse(ReceiptGiven)
	}

	e := ReceiptReceived{Message: c.Message, Status: c.Status}
	if m.Stage != Purged {
		if e.Text, err = c.Seal.Under(m.Leaf, nil); err != nil {
			return nil, err
		}
	}

	return []Event{e}, nil
}
