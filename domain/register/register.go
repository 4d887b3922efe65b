// Package register is what the registers of persons (CPR) and companies (CVR) say, line by line, and the rules of
// taking it: each line once, in order.
package register

import (
	"time"

	"digitalpost/domain"
)

// A Lane is a register's: its lines are taken one after another.
type Lane string

// Lanes.
const (
	CPR Lane = "cpr"
	CVR Lane = "cvr"
)

// StreamOf gives the id of a lane's stream.
func (l Lane) StreamOf() [16]byte { return domain.DeriveID("register", []byte(l)) }

// An Event is something that happened to a lane.
type Event interface {
	domain.Event
	evolve(*State, domain.Moment)
}

// Codec knows every event type.
var Codec = domain.Events[Event](Taken{}, TaskRaised{}, TaskClosed{}, ClosingsAllowed{})

// A Command is something asked of a lane.
type Command interface{ decide(State) ([]Event, error) }

// Decider is the rule book.
var Decider = domain.Decider[Command, Event, State]{
	Initial: func() State { return State{Tasks: map[domain.UUID]Task{}} },
	Decide:  func(s State, c Command) ([]Event, error) { return c.decide(s) },
	Evolve:  func(s State, e Event, at domain.Moment) State { e.evolve(&s, at); return s },
}

// State is a lane as its rules know it.
type State struct {
	Seq   uint64 // the last line that was taken
	At    time.Time
	Last  Day // on which mailboxes were closed
	Until uint64
	Tasks map[domain.UUID]Task // that are open
}

// A Day is how many mailboxes were closed by a register on one.
type Day struct {
	Date   string
	Closed int
}

// Taken records that all lines up to one have their effect.
type Taken struct {
	Lane   Lane   `cbor:"1,keyasint" json:"lane"`
	Seq    uint64 `cbor:"2,keyasint" json:"seq"`
	Closed int    `cbor:"3,keyasint,omitempty" json:"closed,omitempty"` // mailboxes, without leave, by these lines
	Day    string `cbor:"4,keyasint,omitempty" json:"day,omitempty"`    // the date in Copenhagen
}

// EventType is the stored name.
func (Taken) EventType() string { return "register.taken" }

// Effect is on nothing but the stream.
func (Taken) Effect() domain.Effect { return domain.Effect{} }

func (e Taken) evolve(s *State, at domain.Moment) {
	s.Seq, s.At = e.Seq, at.Recorded
	if e.Closed == 0 {
		return
	}

	if s.Last.Date != e.Day {
		s.Last = Day{Date: e.Day}
	}
	s.Last.Closed += e.Closed
}

// ClosedOn gives how many mailboxes were closed without leave on a date.
func (s State) ClosedOn(date string) int {
	if s.Last.Date != date {
		return 0
	}

	return s.Last.Closed
}

// Kinds of tasks.
const (
	TwoMailboxes = "TWO_MAILBOXES" // the new number of one owner is another's
	OldNumber    = "OLD_NUMBER"    // one who becomes known has a number that another had before
	KnownAlready = "KNOWN_ALREADY" // one who is born or founded is known by that number already
	Parked       = "PARKED"        // the mailbox can't be read now: the line has to be taken up by hand
	Nobody       = "NOBODY"        // a line is about a number that nobody is known by
)

// A Task is something that an operator has to see to.
type Task struct {
	What      string             `cbor:"1,keyasint" json:"what"`
	Seq       uint64             `cbor:"2,keyasint" json:"seq"`
	Mailboxes []domain.MailboxID `cbor:"3,keyasint,omitempty" json:"mailboxes,omitempty"`
}

// TaskRaised records that a line could not have its effect, and who has to see to it: an operator.
type TaskRaised struct {
	Task  domain.UUID `cbor:"1,keyasint" json:"task"`
	About Task        `cbor:"2,keyasint" json:"about"`
}

// EventType is the stored name.
func (TaskRaised) EventType() string { return "register.task-raised" }

// Effect is on nothing but the stream.
func (TaskRaised) Effect() domain.Effect { return domain.Effect{} }

func (e TaskRaised) evolve(s *State, _ domain.Moment) { s.Tasks[e.Task] = e.About }

// TaskClosed records that an operator has seen to it.
type TaskClosed struct {
	Task domain.UUID `cbor:"1,keyasint" json:"task"`
}

// EventType is the stored name.
func (TaskClosed) EventType() string { return "register.task-closed" }

// Effect is on nothing but the stream.
func (TaskClosed) Effect() domain.Effect { return domain.Effect{} }

func (e TaskClosed) evolve(s *State, _ domain.Moment) { delete(s.Tasks, e.Task) }

// ClosingsAllowed records that an operator lets lines up to one close as many mailboxes as they do.
type ClosingsAllowed struct {
	Lane  Lane   `cbor:"1,keyasint" json:"lane"`
	Until uint64 `cbor:"2,keyasint" json:"until"`
}

// EventType is the stored name.
func (ClosingsAllowed) EventType() string { return "register.closings-allowed" }

// Effect is on nothing but the stream.
func (ClosingsAllowed) Effect() domain.Effect { return domain.Effect{} }

func (e ClosingsAllowed) evolve(s *State, _ domain.Moment) { s.Until = max(s.Until, e.Until) }

// Take notes that lines were taken.
type Take struct{ Taken Taken }

func (c Take) decide(s State) ([]Event, error) {
	if c.Taken.Seq <= s.Seq {
		return nil, nil
	}

	return []Event{c.Taken}, nil
}

// RaiseTask raises a task, once for each line.
type RaiseTask struct{ Raised TaskRaised }

func (c RaiseTask) decide(s State) ([]Event, error) {
	if _, there := s.Tasks[c.Raised.Task]; there || c.Raised.About.Seq <= s.Seq {
		return nil, nil
	}

	return []Event{c.Raised}, nil
}

// CloseTask closes a task.
type CloseTask struct{ Task domain.UUID }

func (c CloseTask) decide(s State) ([]Event, error) {
	if _, there := s.Tasks[c.Task]; !there {
		return nil, domain.Refuse(domain.NotFound)
	}

	return []Event{TaskClosed(c)}, nil
}

// AllowClosings lets lines up to one close as many mailboxes as they do.
type AllowClosings struct{ Allowed ClosingsAllowed }

func (c AllowClosings) decide(s State) ([]Event, error) {
	if c.Allowed.Until <= max(s.Seq, s.Until) {
		return nil, nil
	}

	return []Event{c.Allowed}, nil
}
