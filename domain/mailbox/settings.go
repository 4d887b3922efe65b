package mailbox

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse what is about settings.
const (
	NotOffered    domain.Reason = "language.not.offered"
	FollowsDevice domain.Reason = "language.follows.device"
)

// settingEvents are the zero values of this file's event types.
var settingEvents = []Event{LanguageSet{}}

// LanguageSet records the language that a platform's texts are shown in. Messages are never translated.
type LanguageSet struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
	Language string `cbor:"2,keyasint" json:"language"`
}

// EventType is the stored name.
func (LanguageSet) EventType() string { return "mailbox.language-set" }

// Effect is on the mailbox's own row.
func (LanguageSet) Effect() domain.Effect { return onBox() }

func (e LanguageSet) evolve(s *State, _ domain.Moment) {
	s.Languages = with(s.Languages, e.Platform, e.Language)
}

// SetLanguage sets a platform's language. Offered and Device are facts of the table of platforms: that it has the
// language, and that what is asked for follows the user's device, so that nothing is stored.
type SetLanguage struct {
	Platform, Language string
	Offered, Device    bool
}

func (SetLanguage) needs() domain.Parts { return domain.Parts{} }

func (SetLanguage) leave(*State) Leave { return Leave{Actions: []access.Action{access.Settings}} }

func (c SetLanguage) decide(s *State) ([]Event, error) {
	switch {
	case !c.Offered:
		return nil, domain.Refuse(NotOffered)
	case c.Device:
		return nil, domain.Refuse(FollowsDevice)
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.Languages[c.Platform] == c.Language:
		return nil, nil
	}

	return []Event{LanguageSet{Platform: c.Platform, Language: c.Language}}, nil
}
