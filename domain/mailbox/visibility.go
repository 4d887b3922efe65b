package mailbox

import (
	"maps"
	"slices"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// A Scope is which rows of a mailbox a platform may hold a copy of: those of public post and folders, which are the
// same on every platform, or those of the private post that was sent through it.
type Scope string

// Scopes, in the order in which events of both are appended.
const (
	Public  Scope = "PUBLIC"
	Private Scope = "PRIVATE"
)

// Scopes say what a platform may hold of a mailbox.
type Scopes struct {
	Public  bool `cbor:"1,keyasint,omitempty"`
	Private bool `cbor:"2,keyasint,omitempty"`
}

// Has reports whether a scope is among them.
func (s Scopes) Has(one Scope) bool { return one == Public && s.Public || one == Private && s.Private }

// with gives the scopes with one of them set.
func (s Scopes) with(one Scope, on bool) Scopes {
	if one == Public {
		s.Public = on
	} else {
		s.Private = on
	}

	return s
}

// onReaders is an effect with which others may read the mailbox.
func onReaders(e domain.Effect) domain.Effect {
	e.Readers = true
	return e
}

// visibilityEvents are the zero values of this file's event types.
var visibilityEvents = []Event{MailboxVisible{}, MailboxHidden{}}

// MailboxVisible records that a platform's servers may hold a copy of the mailbox's rows of a scope from now on:
// somebody reads it there.
type MailboxVisible struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
	Scope    Scope  `cbor:"2,keyasint" json:"scope"`
	// Again says that it was before, and all rows are told anew.
	Again bool `cbor:"3,keyasint,omitempty" json:"again,omitempty"`
}

// EventType is the stored name.
func (MailboxVisible) EventType() string { return "mailbox.mailbox-visible" }

// Effect is on the mailbox's own row.
func (MailboxVisible) Effect() domain.Effect { return onBox() }

func (e MailboxVisible) evolve(s *State, _ domain.Moment) { s.show(e.Platform, e.Scope, true) }

// MailboxHidden records that a platform's servers may hold no copy of them any more, and have to delete it.
type MailboxHidden struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
	Scope    Scope  `cbor:"2,keyasint" json:"scope"`
}

// EventType is the stored name.
func (MailboxHidden) EventType() string { return "mailbox.mailbox-hidden" }

// Effect is on the mailbox's own row.
func (MailboxHidden) Effect() domain.Effect { return onBox() }

func (e MailboxHidden) evolve(s *State, _ domain.Moment) { s.show(e.Platform, e.Scope, false) }

func (s *State) show(platform string, scope Scope, on bool) {
	now := s.Visible[platform].with(scope, on)
	s.Visible = with(s.Visible, platform, now)
	if now == (Scopes{}) {
		delete(s.Visible, platform) // it is this state's own map
	}
}

// Show brings what platforms may hold of the mailbox in line with who reads it there: facts of other streams.
type Show struct {
	Wanted map[string]Scopes // by platform; of those that are not in it nothing is changed
}

func (Show) needs() domain.Parts { return domain.Parts{} }

func (Show) leave(*State) Leave { return Leave{Machines: []access.Machine{access.Backbone}} }

func (c Show) decide(s *State) (out []Event, err error) {
	if s.Owner == "" {
		return nil, nil
	}

	for _, platform := range slices.Sorted(maps.Keys(c.Wanted)) {
		for _, scope := range []Scope{Public, Private} {
			was, is := s.Visible[platform].Has(scope), c.Wanted[platform].Has(scope)
			switch {
			case is && !was:
				out = append(out, MailboxVisible{Platform: platform, Scope: scope})
			case was && !is:
				out = append(out, MailboxHidden{platform, scope})
			}
		}
	}

	return out, nil
}

// hidden gives the events that hide the mailbox wherever it is visible.
func (s *State) hidden() (out []Event) {
	for _, platform := range slices.Sorted(maps.Keys(s.Visible)) {
		for _, scope := range []Scope{Public, Private} {
			if s.Visible[platform].Has(scope) {
				out = append(out, MailboxHidden{platform, scope})
			}
		}
	}

	return out
}

// Retell has every platform that holds a copy delete it and take all rows anew: what changed while the mailbox was
// parked was told to nobody.
type Retell struct{}

func (Retell) needs() domain.Parts { return domain.Parts{} }

func (Retell) leave(*State) Leave { return Leave{Machines: []access.Machine{access.Backbone}} }

func (Retell) decide(s *State) ([]Event, error) {
	out := s.hidden()
	for _, e := range out {
		hidden := e.(MailboxHidden)
		out = append(out, MailboxVisible{Platform: hidden.Platform, Scope: hidden.Scope, Again: true})
	}

	return out, nil
}
