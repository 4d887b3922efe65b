// Package looks is the rules of who has seen a mailbox's content, and who was refused it. Its stream stands beside the
// mailbox's, so that a look never conflicts with a command.
package looks

import (
	"time"

	"digitalpost/domain"
)

// Again is how long one look stands for those that follow it: the same person at the same thing through the same
// platform.
const Again = 10 * time.Minute

// An Event is a look, or a refusal.
type Event interface {
	domain.Event
	// At gives what is looked at: a message, or one of a few ids that no message has for what is about the mailbox.
	At() domain.MessageID
	// once reports whether the look is recorded once and for good.
	once() bool
}

// Codec knows every event type.
var Codec = domain.Events[Event](
	ContentOpened{}, Refused{}, Listed{}, Searched{}, SignedIn{}, Inspected{}, Mismatched{}, CaseOpened{},
)

// Decider is the rule book. A look is nobody's to refuse.
var Decider = domain.Decider[Look, Event, State]{
	Initial: func() State { return State{} },
	Decide: func(s State, c Look) ([]Event, error) {
		last, before := s[c.Way()]
		if before && (c.Look.once() || c.Now.Sub(last) < Again) {
			return nil, nil
		}

		return []Event{c.Look}, nil
	},
	Evolve: func(s State, e Event, at domain.Moment) State {
		s[Way{e.At(), at.Actor, at.Platform}] = at.Recorded
		return s
	},
}

// A Way is who looks at what, through which platform.
type Way struct {
	At       domain.MessageID
	Who      [16]byte
	Platform string
}

// State is when each was last looked at in each way.
type State map[Way]time.Time

// A Look is somebody's look, to be recorded unless one stands for it.
type Look struct {
	Look     Event
	Who      [16]byte
	Platform string
	Now      time.Time
}

// Way gives who looks at what.
func (c Look) Way() Way { return Way{c.Look.At(), c.Who, c.Platform} }

// Ids of what is looked at that is no message.
var (
	atLists    = domain.MessageID{15: 1}
	atWords    = domain.MessageID{15: 2}
	atPlatform = domain.MessageID{15: 3}
	atAccess   = domain.MessageID{15: 4}
	atNumbers  = domain.MessageID{15: 5}
	atCase     = domain.MessageID{15: 6}
)

// ContentOpened records that the record's actor looked at the content of a message, through the record's platform.
type ContentOpened struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
}

// EventType is the stored name.
func (ContentOpened) EventType() string { return "looks.content-opened" }

// Effect is on nothing but the stream.
func (ContentOpened) Effect() domain.Effect { return domain.Effect{} }

// At is the message.
func (e ContentOpened) At() domain.MessageID { return e.Message }

func (ContentOpened) once() bool { return false }

// Refused records that the record's actor asked for a mailbox that is not theirs.
type Refused struct{}

// EventType is the stored name.
func (Refused) EventType() string { return "looks.refused" }

// Effect is on nothing but the stream.
func (Refused) Effect() domain.Effect { return domain.Effect{} }

// At is the mailbox.
func (Refused) At() domain.MessageID { return domain.MessageID{} }

func (Refused) once() bool { return false }

// Listed records that another than the owner looked at the mailbox's lists.
type Listed struct{}

// EventType is the stored name.
func (Listed) EventType() string { return "looks.listed" }

// Effect is on nothing but the stream.
func (Listed) Effect() domain.Effect { return domain.Effect{} }

// At is the lists.
func (Listed) At() domain.MessageID { return atLists }

func (Listed) once() bool { return false }

// Searched records that somebody searched the mailbox's words; for what stands nowhere.
type Searched struct{}

// EventType is the stored name.
func (Searched) EventType() string { return "looks.searched" }

// Effect is on nothing but the stream.
func (Searched) Effect() domain.Effect { return domain.Effect{} }

// At is the words.
func (Searched) At() domain.MessageID { return atWords }

func (Searched) once() bool { return false }

// Inspected records that somebody who sees no content (an officer, an operator, an auditor) looked at who has access to
// the mailbox, or at who has seen it.
type Inspected struct{}

// EventType is the stored name.
func (Inspected) EventType() string { return "looks.inspected" }

// Effect is on nothing but the stream.
func (Inspected) Effect() domain.Effect { return domain.Effect{} }

// At is the mailbox's access.
func (Inspected) At() domain.MessageID { return atAccess }

func (Inspected) once() bool { return false }

// SignedIn records, once, that the record's actor opened the mailbox through the record's platform, whose own server
// may follow its changes, the earlier ones too.
type SignedIn struct{}

// EventType is the stored name.
func (SignedIn) EventType() string { return "looks.signed-in" }

// Effect is on who reads.
func (SignedIn) Effect() domain.Effect { return domain.Effect{Readers: true} }

// At is the platform.
func (SignedIn) At() domain.MessageID { return atPlatform }

func (SignedIn) once() bool { return true }

// Mismatched records that the record's actor, in their own mailbox's stream, named a number that nobody has, or that is
// another's than they said. The number stands nowhere.
type Mismatched struct{}

// EventType is the stored name.
func (Mismatched) EventType() string { return "looks.mismatched" }

// Effect is on nothing but the stream.
func (Mismatched) Effect() domain.Effect { return domain.Effect{} }

// At is the numbers of others.
func (Mismatched) At() domain.MessageID { return atNumbers }

func (Mismatched) once() bool { return false }

// CaseOpened records that an officer found the mailbox's owner by their number, or looked at their exemption. For which
// municipality they did stands in the record.
type CaseOpened struct{}

// EventType is the stored name.
func (CaseOpened) EventType() string { return "looks.case-opened" }

// Effect is on nothing but the stream.
func (CaseOpened) Effect() domain.Effect { return domain.Effect{} }

// At is the owner's case.
func (CaseOpened) At() domain.MessageID { return atCase }

func (CaseOpened) once() bool { return false }
