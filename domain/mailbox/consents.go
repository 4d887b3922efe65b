package mailbox

import (
	"maps"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse what is about consents.
const (
	NoConsentNeeded domain.Reason = "consent.not.needed"
	SenderDeclined  domain.Reason = "recipient.sender.declined"
	NoConsent       domain.Reason = "recipient.consent.missing"
	UnknownSender   domain.Reason = "sender.not.found"
	WrongPlatform   domain.Reason = "sender.not.on.platform"
)

// consentEvents are the zero values of this file's event types.
var consentEvents = []Event{ConsentGiven{}, ConsentWithdrawn{}, SenderConsentGiven{}, SenderConsentWithdrawn{}}

// ConsentGiven records that the owner wants a private platform to show public post: e-Boks shows it to those alone.
type ConsentGiven struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
}

// EventType is the stored name.
func (ConsentGiven) EventType() string { return "mailbox.platform-consent-given" }

// Effect is on the mailbox's own row, and on who reads.
func (ConsentGiven) Effect() domain.Effect { return onReaders(onBox()) }

func (e ConsentGiven) evolve(s *State, _ domain.Moment) {
	s.Consents = with(s.Consents, e.Platform, true)
}

// ConsentWithdrawn records that the owner does not want it any more: it is hidden there, and nothing is deleted.
type ConsentWithdrawn struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
}

// EventType is the stored name.
func (ConsentWithdrawn) EventType() string { return "mailbox.platform-consent-withdrawn" }

// Effect is on the mailbox's own row, and on who reads.
func (ConsentWithdrawn) Effect() domain.Effect { return onReaders(onBox()) }

func (e ConsentWithdrawn) evolve(s *State, _ domain.Moment) {
	s.Consents = with(s.Consents, e.Platform, false)
}

// with gives a map in which a key has a value: another one, since states share what they don't change.
func with[V any](in map[string]V, key string, v V) map[string]V {
	out := maps.Clone(in)
	if out == nil {
		out = map[string]V{}
	}
	out[key] = v

	return out
}

// Consent gives or withdraws consent for a platform that needs it.
type Consent struct {
	Platform string
	Given    bool
	Needed   bool // the platform shows public post to those alone who consented: a fact of the table of platforms
}

func (Consent) needs() domain.Parts { return domain.Parts{} }

func (Consent) leave(*State) Leave {
	return Leave{Actions: []access.Action{access.Settings}, Machines: []access.Machine{access.Register}}
}

func (c Consent) decide(s *State) ([]Event, error) {
	switch {
	case !c.Needed:
		return nil, domain.Refuse(NoConsentNeeded)
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.Consents[c.Platform] == c.Given:
		return nil, nil
	case c.Given:
		return []Event{ConsentGiven{c.Platform}}, nil
	}

	return []Event{ConsentWithdrawn{c.Platform}}, nil
}

// A PrivateSender is a company as a sender of private post through one platform.
type PrivateSender struct {
	Platform     string
	Organisation domain.OrganisationID
}

// A SenderConsent is what an owner has said to a private sender: yes, directly or by a customer's or employment
// contract, or no more.
type SenderConsent struct {
	Given    bool `cbor:"1,keyasint"`
	Indirect bool `cbor:"2,keyasint,omitempty"`
}

// onSender is the effect of an event about a private sender.
func onSender(id domain.OrganisationID) domain.Effect {
	return domain.Effect{Touches: domain.Parts{Senders: []domain.OrganisationID{id}}}
}

// SenderConsentGiven records that the owner takes private post of a company through a platform. A contract or
// employment gives it indirectly: the company says so with its first letter, until the owner says no.
type SenderConsentGiven struct {
	Organisation domain.OrganisationID `cbor:"1,keyasint" json:"organisation"`
	Platform     string                `cbor:"2,keyasint" json:"platform"`
	Indirect     bool                  `cbor:"3,keyasint,omitempty" json:"indirect,omitempty"`
	// Basis is one of organisation.ConsentBases, of what was given indirectly.
	Basis string `cbor:"4,keyasint,omitempty" json:"basis,omitempty"`
}

// EventType is the stored name.
func (SenderConsentGiven) EventType() string { return "mailbox.sender-consent-given" }

// Effect is on the sender alone.
func (e SenderConsentGiven) Effect() domain.Effect { return onSender(e.Organisation) }

func (e SenderConsentGiven) evolve(s *State, _ domain.Moment) {
	s.senders[PrivateSender{e.Platform, e.Organisation}] = SenderConsent{Given: true, Indirect: e.Indirect}
}

// SenderConsentWithdrawn records that the owner does not want a company's private post through a platform any more.
// What is there stays.
type SenderConsentWithdrawn struct {
	Organisation domain.OrganisationID `cbor:"1,keyasint" json:"organisation"`
	Platform     string                `cbor:"2,keyasint" json:"platform"`
}

// EventType is the stored name.
func (SenderConsentWithdrawn) EventType() string { return "mailbox.sender-consent-withdrawn" }

// Effect is on the sender alone.
func (e SenderConsentWithdrawn) Effect() domain.Effect { return onSender(e.Organisation) }

func (e SenderConsentWithdrawn) evolve(s *State, _ domain.Moment) {
	s.senders[PrivateSender{e.Platform, e.Organisation}] = SenderConsent{}
}

// ConsentToSender gives or withdraws consent to a private sender. Known and Here are facts of the directory: that it is
// a company which sends private post, and that it does so through the platform.
type ConsentToSender struct {
	Sender      PrivateSender
	Given       bool
	Known, Here bool
}

func (c ConsentToSender) needs() domain.Parts {
	return domain.Parts{Senders: []domain.OrganisationID{c.Sender.Organisation}}
}

func (ConsentToSender) leave(*State) Leave { return Leave{Actions: []access.Action{access.Settings}} }

func (c ConsentToSender) decide(s *State) ([]Event, error) {
	now, asked := s.said(c.Sender)
	switch {
	case !c.Known:
		return nil, domain.Refuse(UnknownSender)
	case !c.Here:
		return nil, domain.Refuse(WrongPlatform)
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case c.Given && now.Given && !now.Indirect, !c.Given && asked && !now.Given:
		return nil, nil
	case c.Given:
		return []Event{SenderConsentGiven{Organisation: c.Sender.Organisation, Platform: c.Sender.Platform}}, nil
	}

	return []Event{SenderConsentWithdrawn{Organisation: c.Sender.Organisation, Platform: c.Sender.Platform}}, nil
}

// admits gives what must be recorded before private post of a sender is taken: the consent that the basis gives which
// it claims; or refuses it. Whoever has said no says yes themselves: no basis that is claimed later does.
func (s *State) admits(sender PrivateSender, basis string) ([]Event, error) {
	if sender.Platform == "" {
		return nil, nil
	}

	switch now, asked := s.said(sender); {
	case !asked && basis == "":
		return nil, domain.Refuse(NoConsent)
	case !asked:
		return []Event{SenderConsentGiven{
			Organisation: sender.Organisation, Platform: sender.Platform, Indirect: true, Basis: basis,
		}}, nil
	case !now.Given:
		return nil, domain.Refuse(SenderDeclined)
	}

	return nil, nil
}
