package intake

import "digitalpost/domain"

// Outcomes of telling a sender system what became of a MeMo.
const (
	PushSent   = "SENT"   // the system has taken the receipt
	PushFailed = "FAILED" // it never did; the receipt is still there to be asked for
)

// ReceiptPushed records that a final receipt was sent to its system, or that this was given up. Neither changes what
// became of the MeMo.
type ReceiptPushed struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Receipt domain.ReceiptID `cbor:"2,keyasint" json:"receipt"`
	Outcome string           `cbor:"3,keyasint" json:"outcome"`
}

// EventType is the stored name.
func (ReceiptPushed) EventType() string { return "intake.receipt-pushed" }

// Effect is on the receipt alone.
func (ReceiptPushed) Effect() domain.Effect { return domain.Effect{} }

func (e ReceiptPushed) evolve(s *State) { s.change(e.Message, func(m *Memo) { m.Pushed = e.Outcome }) }

// NotePush notes how a final receipt's way to its system ended, once; one that was given up may be taken after all.
type NotePush struct{ Pushed ReceiptPushed }

func (c NotePush) message() domain.MessageID { return c.Pushed.Message }

func (c NotePush) decide(s State) ([]Event, error) {
	switch m := s.Memos[c.Pushed.Message]; {
	case !m.Received:
		return nil, domain.Refuse(domain.NotFound)
	case m.Pushed == c.Pushed.Outcome, m.Pushed == PushSent:
		return nil, nil
	}

	return []Event{c.Pushed}, nil
}
