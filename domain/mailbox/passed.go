package mailbox

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
)

// LeavesPassed records that leaves up to one are not begun here: they were, in a history that was lost when the log was
// restored, and their keys are destroyed.
type LeavesPassed struct {
	Leaf uint32 `cbor:"1,keyasint" json:"leaf"` // the last of them
}

// EventType is the stored name.
func (LeavesPassed) EventType() string { return "mailbox.leaves-passed" }

// Effect begins the last of them, so that the next thing takes another.
func (e LeavesPassed) Effect() domain.Effect { return domain.Effect{Begins: e.Leaf} }

func (e LeavesPassed) evolve(s *State, _ domain.Moment) { s.take(e.Leaf) }

// PassLeaves passes over leaves up to one.
type PassLeaves struct{ Leaf uint32 }

func (PassLeaves) needs() domain.Parts { return domain.Parts{} }

func (PassLeaves) leave(*State) Leave { return Leave{Machines: []access.Machine{access.Operations}} }

func (c PassLeaves) decide(s *State) ([]Event, error) {
	if s.Owner == "" {
		return nil, domain.Refuse(NotOpen)
	}
	if c.Leaf < s.NextLeaf {
		return nil, nil
	}

	return []Event{LeavesPassed(c)}, nil
}
