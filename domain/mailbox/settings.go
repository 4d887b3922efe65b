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
