// Package mailbox is the rules of one mailbox (postkasse): its opening, messages, folders, drafts, access, exemption,
// consents and settings, in one stream and one order.
//
// All that a person wrote, or could be known by, is sealed before it stands in an event; what the rules ask for stands
// in the open. Names of folders are compared by a keyed hash of their folded form, notes by one under the message's own
// key.
//
// A file holds a subject: its events, commands, reasons and rules. An event's block says all that the event does. A
// command's block says what it needs loaded, who may give it, and what it leads to. The rule book of a file stands
// beside it.
package mailbox

import (
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/policy"
)

// An Event is something that happened in a mailbox.
type Event interface {
	domain.Event
	// evolve changes a state in which all that the event touches is loaded.
	evolve(s *State, at domain.Moment)
}

// A Command is something asked of a mailbox.
type Command interface {
	// needs says which parts of the mailbox are loaded before the command is decided.
	needs() domain.Parts
	// leave says who may give the command, from the state that it is decided in.
	leave(s *State) Leave
	// decide gives what the command leads to: events, a *domain.Rejection, or neither if it is so already.
	decide(s *State) ([]Event, error)
}

// Codec knows every event type: each file lists its own.
var Codec = domain.Events[Event](slices.Concat(
	[]Event{Opened{}, Shredded{}, Unchanged{}, LeavesPassed{}},
	messageEvents, markEvents, moveEvents, folderEvents,
	accessEvents, exemptionEvents, addressEvents, consentEvents, settingEvents,
	draftEvents, sendingEvents, handoverEvents, visibilityEvents,
	contactEvents, noticeEvents, nemSMSEvents, lifeEvents,
)...)

// Decider is the rule book. A state that lacks a part which a rule or an event asks for is a fault: Decide gives an
// error that is no rejection, and no events.
var Decider = domain.Decider[Order, Event, State]{
	Initial: NewState,
	Decide:  decide,
	Evolve:  func(s State, e Event, at domain.Moment) State { e.evolve(&s, at); return s },
}

// Needs gives the parts of a mailbox that an order is decided on.
func Needs(o Order) domain.Parts {
	needs := o.Command.needs()
	needs.Box = true
	needs.AllGrants = needs.AllGrants || o.By.Machine == ""

	return needs
}

func decide(s State, o Order) ([]Event, error) {
	s.by = o.By
	events, err := s.judged(o.Command)
	if fault := s.Fault(); fault != nil {
		return nil, fault
	}

	if err == nil && len(events) == 0 && o.Noted != nil {
		events = []Event{*o.Noted}
	}

	return events, err
}

// judged decides a command for the caller, if its leave covers them.
func (s *State) judged(c Command) ([]Event, error) {
	if err := s.by.may(s, c.leave(s)); err != nil {
		return nil, err
	}

	return c.decide(s)
}

// An Order is a command, and who gives it.
type Order struct {
	Command Command
	By      Caller
	// Noted is recorded where the command changes nothing and its repeat must be known all the same; nil: it is not.
	Noted *Unchanged
}

// A Caller is who gives a command: a person, or a machine that acts for none.
type Caller struct {
	Principal access.Principal
	Machine   access.Machine // empty: the principal acts
	Mailbox   domain.MailboxID
	Now       time.Time
}

// A Leave says who may give a command: a principal who is allowed all of its actions, one of its machines, or one whom
// it names. A leave that says nothing is nobody's.
type Leave struct {
	Actions  []access.Action
	Machines []access.Machine
	// Grantee may, whatever they are to the mailbox: what they ask for, or were granted, is theirs to ask for and to
	// give up.
	Grantee domain.MailboxID
}

// may refuses a caller whom a leave does not cover. Grants are looked at as they stand where the command is decided,
// not only when it was asked for: another event may have ended them in between.
func (c Caller) may(s *State, l Leave) error {
	if c.Machine != "" {
		for _, m := range l.Machines {
			if m == c.Machine {
				return nil
			}
		}

		return domain.Refuse(AccessLimited)
	}

	if s.Life.Ended != "" && !c.Principal.Holds(access.Operator) {
		return domain.Refuse(access.NoAccess) // nobody's any more
	}

	named := l.Grantee != domain.MailboxID{} && l.Grantee == c.Principal.Identity
	if named && access.UsesGrants(c.Principal) {
		return nil
	}

	if len(l.Actions) == 0 {
		return domain.Refuse(AccessLimited)
	}

	box := access.Mailbox{ID: c.Mailbox, Grants: s.inForce()}
	for _, a := range l.Actions {
		if d := access.Decide(c.Principal, a, box, c.Now); d.Right == access.None {
			return domain.Refuse(d.Why)
		}
	}

	return nil
}

// Reasons to refuse what is about a mailbox as a whole.
const (
	NotOpen      domain.Reason = "mailbox.not.open"
	AlreadyOpen  domain.Reason = "mailbox.already.open"
	StaleVersion domain.Reason = domain.StaleVersion
	UnderAge     domain.Reason = "mailbox.under.age"
)

// All is several commands as one: they are decided one after another, and their events are one append.
type All []Command

func (c All) needs() (needs domain.Parts) {
	for _, one := range c {
		needs = needs.And(one.needs())
	}

	return needs
}

// leave is the first command's. The others are asked for theirs where they are decided: in the state that those before
// them have left.
func (c All) leave(s *State) Leave {
	if len(c) == 0 {
		return Leave{}
	}

	return c[0].leave(s)
}

func (c All) decide(s *State) ([]Event, error) {
	if len(c) == 1 {
		return c[0].decide(s)
	}

	next := s.clone()
	var events []Event

	for _, one := range c {
		es, err := next.judged(one)
		if err != nil {
			return nil, err
		}

		next.apply(es)
		events = append(events, es...)
	}

	return events, nil
}

// Each is several commands that don't depend on one another: they are decided one after another, each by its own leave;
// those that are refused change nothing, and the events of all others are one append. Where any is refused the error is
// a *domain.Partly, and the events stand beside it.
type Each []Command

func (c Each) needs() domain.Parts { return All(c).needs() }

func (c Each) leave(*State) Leave { return Leave{Actions: []access.Action{access.List}} }

func (c Each) decide(s *State) ([]Event, error) {
	next := s.clone()
	partly := &domain.Partly{Refused: make([]error, len(c))}
	var events []Event

	for i, one := range c {
		es, err := next.judged(one)
		if _, refused := domain.Refused(err); err != nil && !refused {
			return nil, err
		}

		if err != nil {
			partly.Refused[i], partly.Any = err, true
			continue
		}

		next.apply(es)
		events = append(events, es...)
	}

	if partly.Any {
		return events, partly
	}

	return events, nil
}

// Unchanged records that a command with an id of the caller's asked for what was so already.
type Unchanged struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Folder  domain.FolderID  `cbor:"2,keyasint" json:"folder"`
}

// EventType is the stored name.
func (Unchanged) EventType() string { return "mailbox.unchanged" }

// Effect names what the command was about, so that its repeat is answered with how that stood.
func (e Unchanged) Effect() domain.Effect {
	var touches domain.Parts
	if e.Message != (domain.MessageID{}) {
		touches.Messages = []domain.MessageID{e.Message}
	}

	if e.Folder != (domain.FolderID{}) {
		touches.Folders = []domain.FolderID{e.Folder}
	}

	return domain.Effect{Touches: touches}
}

func (Unchanged) evolve(*State, domain.Moment) {}

// An OwnerKind tells whose mailbox it is.
type OwnerKind string

// Owners. A sole trader has two mailboxes, one of each kind, and they never mix.
const (
	Citizen OwnerKind = "CITIZEN"
	Company OwnerKind = "COMPANY"
)

// Opened records that the mailbox was opened.
type Opened struct {
	Owner     OwnerKind     `cbor:"1,keyasint" json:"owner"`
	Number    domain.Sealed `cbor:"2,keyasint" json:"number"` // CPR or CVR
	Name      domain.Sealed `cbor:"3,keyasint" json:"name"`
	BirthDate domain.Sealed `cbor:"4,keyasint,omitempty" json:"birthDate,omitempty"` // it outranks the number's
	Residence string        `cbor:"5,keyasint,omitempty" json:"municipality,omitempty"`
	// Address and Protected are as in Facts, where a register has opened it at once.
	Address   domain.Sealed `cbor:"6,keyasint,omitempty" json:"address,omitempty"`
	Protected domain.Sealed `cbor:"7,keyasint,omitempty" json:"protected,omitempty"`
	Line      uint64        `cbor:"9,keyasint,omitempty" json:"line,omitempty"` // of the register, by which it opens
}

// EventType is the stored name.
func (Opened) EventType() string { return "mailbox.opened" }

// Effect is on the mailbox's own row.
func (Opened) Effect() domain.Effect { return onBox() }

// onBox is the effect of an event that changes the mailbox's own row.
func onBox() domain.Effect { return domain.Effect{Touches: domain.Parts{Box: true}} }

func (e Opened) evolve(s *State, at domain.Moment) {
	s.Owner, s.Shown.At, s.Life.Opens = e.Owner, at.Recorded, time.Time{}
	more := Facts{Owner: e.Owner, Address: e.Address, Protected: e.Protected}
	s.Life.Facts = Facts{Address: s.Life.Facts.Address, Protected: s.Life.Facts.Protected}.with(more)
	s.Life.Line = max(s.Life.Line, e.Line)
	e.Address, e.Protected, e.Line = nil, nil, 0 // each fact is kept once
	s.Shown.Opened = e
}

// Open opens the mailbox, once.
type Open struct {
	Opened Opened
	Born   time.Time // a citizen's, as a date; zero: not asked for
	Today  time.Time // the date in Copenhagen
}

func (Open) needs() domain.Parts { return domain.Parts{} }

func (Open) leave(*State) Leave { return Leave{Machines: []access.Machine{access.Register}} }

func (c Open) decide(s *State) ([]Event, error) {
	if s.Closed() {
		return nil, domain.Refuse(RecipientClosed)
	}

	if s.Owner != "" {
		return nil, domain.Refuse(AlreadyOpen)
	}

	if !c.Born.IsZero() && !OldEnough(c.Born, c.Today) {
		return nil, domain.Refuse(UnderAge)
	}

	return []Event{c.Opened}, nil
}

// OldEnough reports whether somebody born on a date is old enough for a mailbox on another.
func OldEnough(born, today time.Time) bool {
	return !today.Before(policy.On(today).ComesOfAge(born, today.Location()))
}

// Shredded records that every key of the mailbox is to be destroyed: nothing in it can be read from then on.
type Shredded struct{}

// EventType is the stored name.
func (Shredded) EventType() string { return "mailbox.shredded" }

// Effect frees all that the mailbox has.
func (Shredded) Effect() domain.Effect {
	out := onBox()
	out.Frees.All = true

	return out
}

func (Shredded) evolve(s *State, _ domain.Moment) {
	s.Owner, s.Shown.Gone, s.Contacts, s.Life = "", true, nil, Life{}
}

// Shred destroys the whole mailbox, which is hidden from every platform first.
type Shred struct{}

func (Shred) needs() domain.Parts { return domain.Parts{} }

func (Shred) leave(*State) Leave {
	return Leave{Actions: []access.Action{access.Shred}, Machines: []access.Machine{access.Operations}}
}

func (Shred) decide(s *State) ([]Event, error) {
	if s.Owner == "" && (s.Life.Ended == "" || s.Shown.Gone) {
		return nil, domain.Refuse(NotOpen)
	}

	return append(s.hidden(), Shredded{}), nil
}
