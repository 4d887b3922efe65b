// Package mandate is the rules of mandates: why somebody in an office looks at what is others', or changes it. A
// mandate is opened once, in a stream of its own, with its purpose and case number; the records of all that is done
// under it name it.
package mandate

import (
	"strings"
	"time"
	"unicode/utf8"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Bounds of a mandate.
const (
	MaxPurpose    = 1000 // characters
	MaxCaseNumber = 100
	LastsFor      = 30 * 24 * time.Hour
)

// Reasons to refuse what is about mandates.
const (
	NotAllowed domain.Reason = "mandate.not.allowed" // without purpose or case number, or by nobody in an office
	NotInForce domain.Reason = "mandate.not.in.force"
)

// Reasons lists them all.
var Reasons = []domain.Reason{NotAllowed, NotInForce}

// An Event is something that happened to a mandate.
type Event interface {
	domain.Event
	evolve(*State, domain.Moment)
}

// Codec knows every event type.
var Codec = domain.Events[Event](Opened{})

// Decider is the rule book.
var Decider = domain.Decider[Open, Event, State]{
	Initial: func() State { return State{} },
	Decide:  func(s State, c Open) ([]Event, error) { return c.decide(s) },
	Evolve:  func(s State, e Event, at domain.Moment) State { e.evolve(&s, at); return s },
}

// State is a mandate as its rules know it.
type State struct {
	Office access.Right // empty: there is none
	By     [16]byte     // who opened it; zero: whoever is at the console
	For    domain.OrganisationID
	At     time.Time
}

// Covers refuses who acts under a mandate that is not theirs, is of another authority's, was opened in an office that
// they do not hold now, is over, or never was. Whoever is at the console is nobody, and holds no office.
func (s State) Covers(who [16]byte, p access.Principal, now time.Time) error {
	console := who == [16]byte{}
	if s.Office == "" || s.By != who || s.For != p.Authority || !console && !p.Holds(s.Office) ||
		!now.Before(s.At.Add(LastsFor)) {
		return domain.Refuse(NotInForce)
	}

	return nil
}

// Opened records that the record's actor has a reason for what they are about to do, for the record's authority. What
// they say is sealed under a root of the mandate's own.
type Opened struct {
	Office     access.Right  `cbor:"1,keyasint" json:"office"` // by which they act
	Purpose    domain.Sealed `cbor:"2,keyasint" json:"purpose"`
	CaseNumber domain.Sealed `cbor:"3,keyasint" json:"caseNumber"`
	// Authority is for which they act, as in the record; zero: whoever is at the console.
	Authority domain.OrganisationID `cbor:"4,keyasint,omitzero" json:"authority,omitzero"`
}

// EventType is the stored name.
func (Opened) EventType() string { return "mandate.opened" }

// Effect is on nothing but the stream.
func (Opened) Effect() domain.Effect { return domain.Effect{} }

func (e Opened) evolve(s *State, at domain.Moment) {
	s.Office, s.By, s.For, s.At = e.Office, at.Actor, e.Authority, at.Recorded
}

// Open opens a mandate, once.
type Open struct {
	Opened              Opened
	Purpose, CaseNumber string // in the open
}

func (c Open) decide(s State) ([]Event, error) {
	bad := func(text string, most int) bool {
		n := utf8.RuneCountInString(text)
		return strings.TrimSpace(text) == "" || n > most || domain.HasHidden(text)
	}

	switch {
	case s.Office != "":
		return nil, nil
	case !c.Opened.Office.InOffice(), bad(c.Purpose, MaxPurpose), bad(c.CaseNumber, MaxCaseNumber):
		return nil, domain.Refuse(NotAllowed)
	}

	return []Event{c.Opened}, nil
}
