package mailbox

import "digitalpost/domain"

// ConsentGiven records that the owner wants a private platform to show public post: e-Boks shows it to those alone.
type ConsentGiven struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
}

// ConsentWithdrawn records that the owner does not want it any more: it is hidden there, and nothing is deleted.
type ConsentWithdrawn struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
}

func (ConsentGiven) EventType() string     { return "mailbox.platform-consent-given" }
func (ConsentWithdrawn) EventType() string { return "mailbox.platform-consent-withdrawn" }

func (e ConsentGiven) evolve(s *State)     { s.Consents[e.Platform] = true }
func (e ConsentWithdrawn) evolve(s *State) { s.Consents[e.Platform] = false }

// Consent gives or withdraws consent for a platform that needs it; which do is for the platforms to say.
type Consent struct {
	Platform string
	Given    bool
}

func (c Consent) decide(s State) ([]Event, error) {
	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.Consents[c.Platform] == c.Given:
		return nil, nil
	case c.Given:
		return []Event{ConsentGiven{c.Platform}}, nil
	}
	return []Event{ConsentWithdrawn{c.Platform}}, nil
}

// Reasons of settings.
const (
	SenderDeclined domain.Reason = "recipient.sender.declined"
	UnderAge       domain.Reason = "mailbox.under.age"
)

// A PrivateSender is a company as a sender of private post through one platform.
type PrivateSender struct {
	Platform     string
	Organisation domain.OrganisationID
}

// A SenderConsent is what an owner has said to a private sender: yes, directly or by a customer's or employment contract, or no more.
type SenderConsent struct {
	Given    bool `cbor:"1,keyasint"`
	Indirect bool `cbor:"2,keyasint,omitempty"`
}

// SenderConsentGiven records that the owner takes private post of a company through a platform. A contract gives it indirectly: the company says so by sending, until
// the owner says no.
type SenderConsentGiven struct {
	Organisation domain.OrganisationID `cbor:"1,keyasint" json:"organisation"`
	Platform     string                `cbor:"2,keyasint" json:"platform"`
	Indirect     bool                  `cbor:"3,keyasint,omitempty" json:"indirect,omitempty"`
}

// SenderConsentWithdrawn records that the owner does not want a company's private post through a platform any more. What is there stays.
type SenderConsentWithdrawn struct {
	Organisation domain.OrganisationID `cbor:"1,keyasint" json:"organisation"`
	Platform     string                `cbor:"2,keyasint" json:"platform"`
}

// LanguageSet records the language that a platform's texts are shown in. Messages are never translated.
type LanguageSet struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
	Language string `cbor:"2,keyasint" json:"language"`
}

func (SenderConsentGiven) EventType() string     { return "mailbox.sender-consent-given" }
func (SenderConsentWithdrawn) EventType() string { return "mailbox.sender-consent-withdrawn" }
func (LanguageSet) EventType() string            { return "mailbox.language-set" }

func (e SenderConsentGiven) evolve(s *State) {
	s.Senders[PrivateSender{e.Platform, e.Organisation}] = SenderConsent{Given: true, Indirect: e.Indirect}
}
func (e SenderConsentWithdrawn) evolve(s *State) {
	s.Senders[PrivateSender{e.Platform, e.Organisation}] = SenderConsent{}
}
func (e LanguageSet) evolve(s *State) { s.Languages[e.Platform] = e.Language }

// ConsentToSender gives or withdraws consent to a private sender. That the company sends through the platform is known before.
type ConsentToSender struct {
	Sender PrivateSender
	Given  bool
}

func (c ConsentToSender) decide(s State) ([]Event, error) {
	now, asked := s.Senders[c.Sender]
	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case c.Given && now.Given && !now.Indirect, !c.Given && asked && !now.Given:
		return nil, nil
	case c.Given:
		return []Event{SenderConsentGiven{Organisation: c.Sender.Organisation, Platform: c.Sender.Platform}}, nil
	}
	return []Event{SenderConsentWithdrawn{Organisation: c.Sender.Organisation, Platform: c.Sender.Platform}}, nil
}

// admits tells whether private post of a sender is taken, and gives what must be recorded first: the consent that its contract gives.
func (s State) admits(sender PrivateSender) ([]Event, error) {
	if sender.Platform == "" {
		return nil, nil
	}
	switch now, asked := s.Senders[sender]; {
	case !asked:
		return []Event{SenderConsentGiven{Organisation: sender.Organisation, Platform: sender.Platform, Indirect: true}}, nil
	case !now.Given:
		return nil, domain.Refuse(SenderDeclined)
	}
	return nil, nil
}

// SetLanguage sets a platform's language; which it has is for the platforms to say.
type SetLanguage struct{ Platform, Language string }

func (c SetLanguage) decide(s State) ([]Event, error) {
	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.Languages[c.Platform] == c.Language:
		return nil, nil
	}
	return []Event{LanguageSet(c)}, nil
}
