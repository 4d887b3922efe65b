package intake

import "digitalpost/domain"

// LeavesPassed records that leaves up to one are not begun here: they were, in a history that was lost when the log was
// restored, and their keys are destroyed.
type LeavesPassed struct {
	Leaf uint32 `cbor:"1,keyasint" json:"leaf"` // the last of them
}

// EventType is the stored name.
func (LeavesPassed) EventType() string { return "intake.leaves-passed" }

// Effect begins the last of them, so that the next MeMo takes another.
func (e LeavesPassed) Effect() domain.Effect { return domain.Effect{Begins: e.Leaf} }

func (e LeavesPassed) evolve(s *State) { s.NextLeaf = max(s.NextLeaf, e.Leaf+1) }

// PassLeaves passes over leaves up to one. It is an operator's, who restores the log.
type PassLeaves struct{ Leaf uint32 }

func (PassLeaves) message() domain.MessageID { return domain.MessageID{} }

func (c PassLeaves) decide(s State) ([]Event, error) {
	if c.Leaf < s.NextLeaf {
		return nil, nil
	}

	return []Event{LeavesPassed(c)}, nil
}
