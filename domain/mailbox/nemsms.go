package mailbox

import (
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse what is about NemSMS.
const (
	NoNemSMS         domain.Reason = "recipient.nemsms.not.registered"
	TermsNotAccepted domain.Reason = "nemsms.terms.not.accepted"
	NumberMissing    domain.Reason = "nemsms.number.missing"
)

// NemSMSNotSent is why a text message was not sent that no gateway took over.
const NemSMSNotSent = "nemsms.not.sent"

// NemSMSTerms are the terms of NemSMS that are to be accepted now, by their version.
const NemSMSTerms = "2026-01"

// A NemSMS is the owner's registration for text messages from authorities. It stands beside Digital Post: an exemption
// does not touch it.
type NemSMS struct {
	Terms  string    `cbor:"1,keyasint,omitempty"` // that were accepted, by their version; empty: not registered
	Shared bool      `cbor:"2,keyasint,omitempty"` // the number is that for new post; else one of its own
	At     time.Time `cbor:"3,keyasint,omitzero"`
	// Since is the position from which they are registered without a break: what was queued before is not for them.
	Since uint64 `cbor:"4,keyasint,omitempty"`
	// Switched says that they went from the number for new post to one of its own, or back: the one before is used
	// until the other is confirmed.
	Switched bool `cbor:"5,keyasint,omitempty"`
}

// TextNumber gives the confirmed number to which authorities' text messages go; false if there is none, or if the terms
// that were accepted are not those in force.
func (b Box) TextNumber() (Detail, bool) {
	if b.NemSMS.Terms != NemSMSTerms || b.Owner == "" {
		return Detail{}, false
	}

	kinds := []DetailKind{NemSMSNumber, Mobile}
	if b.NemSMS.Shared {
		slices.Reverse(kinds)
	}

	if !b.NemSMS.Switched {
		kinds = kinds[:1]
	}

	for _, kind := range kinds {
		for _, d := range b.contacts(domain.MailboxID{}).Details {
			if d.Kind == kind && d.Confirmed {
				return d, true
			}
		}
	}

	return Detail{}, false
}

// nemSMSEvents are the zero values of this file's event types.
var nemSMSEvents = []Event{NemSMSRegistered{}, NemSMSOptedOut{}, NemSMSQueued{}, NemSMSSent{}, NemSMSRefused{}}

// NemSMSRegistered records that the owner accepted the terms: all authorities may send them text messages.
type NemSMSRegistered struct {
	Terms  string    `cbor:"1,keyasint" json:"terms"`
	Shared bool      `cbor:"2,keyasint,omitempty" json:"shared,omitempty"`
	At     time.Time `cbor:"3,keyasint" json:"at"`
}

// EventType is the stored name.
func (NemSMSRegistered) EventType() string { return "mailbox.nemsms-registered" }

// Effect is on the mailbox's own row.
func (NemSMSRegistered) Effect() domain.Effect { return onBox() }

func (e NemSMSRegistered) evolve(s *State, at domain.Moment) {
	before := s.NemSMS
	if before.Terms == "" {
		before.Since = at.Position
	}
	s.NemSMS = NemSMS{
		Terms: e.Terms, Shared: e.Shared, At: e.At, Since: before.Since,
		Switched: before.Terms != "" && before.Shared != e.Shared,
	}
	s.setContacts(domain.MailboxID{}, func(*Contacts) {})
}

// NemSMSOptedOut records that the owner wants no more of them.
type NemSMSOptedOut struct{}

// EventType is the stored name.
func (NemSMSOptedOut) EventType() string { return "mailbox.nemsms-opted-out" }

// Effect is on the mailbox's own row.
func (NemSMSOptedOut) Effect() domain.Effect { return onBox() }

func (e NemSMSOptedOut) evolve(s *State, _ domain.Moment) {
	s.NemSMS = NemSMS{}
	s.setContacts(domain.MailboxID{}, func(*Contacts) {})
}

// NemSMSQueued records that a text message of an authority's is to go out, at its date. Its MeMo is kept until it has.
type NemSMSQueued struct {
	Letter Letter    `cbor:"1,keyasint" json:"letter"`
	Due    time.Time `cbor:"2,keyasint,omitzero" json:"due,omitzero"` // zero: at once
}

// EventType is the stored name.
func (NemSMSQueued) EventType() string { return "mailbox.nemsms-queued" }

// Effect keeps the letter. It is shown to nobody.
func (e NemSMSQueued) Effect() domain.Effect { return e.Letter.keeps() }

func (e NemSMSQueued) brings() *Letter { return &e.Letter }

func (e NemSMSQueued) evolve(s *State, at domain.Moment) {
	s.begin(e.Letter)
	s.change(e.Letter.Message, at, false, func(m *Message) { m.Due, m.Text = e.Due, true })
}

// NemSMSSent records that a gateway has taken it over.
type NemSMSSent struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Leaf    uint32           `cbor:"2,keyasint" json:"leaf"`
	Intake  uint64           `cbor:"3,keyasint,omitempty" json:"intake,omitempty"` // position of its intake event
}

// EventType is the stored name.
func (NemSMSSent) EventType() string { return "mailbox.nemsms-sent" }

// Effect frees the message.
func (e NemSMSSent) Effect() domain.Effect { return neverArrived(e.Message, e.Leaf) }

func (e NemSMSSent) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, false, func(m *Message) { m.Stage = Purged })
}

// NemSMSRefused records that it was not sent, and why.
type NemSMSRefused struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Leaf    uint32           `cbor:"2,keyasint" json:"leaf"`
	Reason  domain.Reason    `cbor:"3,keyasint" json:"reason"`
	Intake  uint64           `cbor:"4,keyasint,omitempty" json:"intake,omitempty"`
}

// EventType is the stored name.
func (NemSMSRefused) EventType() string { return "mailbox.nemsms-refused" }

// Effect frees the message.
func (e NemSMSRefused) Effect() domain.Effect { return neverArrived(e.Message, e.Leaf) }

func (e NemSMSRefused) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, false, func(m *Message) { m.Stage = Recalled })
}

func texting() Leave { return Leave{Actions: []access.Action{access.Texts}} }

// RegisterNemSMS registers the owner, by themselves or at the counter, with the terms accepted: at a number of its own,
// which is confirmed by a code, or at the one for new post.
type RegisterNemSMS struct {
	Version  uint32 // of the owner's contact details; 0: any
	Terms    string // that are accepted
	Number   *Given // nil: that for new post
	Platform string
}

func (RegisterNemSMS) needs() domain.Parts { return domain.Parts{} }

func (RegisterNemSMS) leave(*State) Leave { return texting() }

func (c RegisterNemSMS) decide(s *State) ([]Event, error) {
	now := s.contacts(domain.MailboxID{})
	if err := domain.AtVersion(now.Version+1, c.Version); err != nil {
		return nil, err
	}

	set := SetContacts{Kinds: []DetailKind{NemSMSNumber}, Platform: c.Platform}
	hasMobile, hasConfirmed := false, false
	for _, d := range now.Details {
		hasMobile = hasMobile || d.Kind == Mobile
		hasConfirmed = hasConfirmed || d.Kind == Mobile && d.Confirmed
	}

	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case c.Terms != NemSMSTerms:
		return nil, domain.Refuse(TermsNotAccepted)
	case c.Number == nil && !hasMobile:
		return nil, domain.Refuse(NumberMissing)
	case c.Number != nil:
		set.Given = []Given{*c.Number}
	}

	var events []Event
	if c.Number != nil || hasConfirmed {
		var err error
		if events, err = set.replace(s, now); err != nil {
			return nil, err
		}
	}

	if s.NemSMS.Terms != c.Terms || s.NemSMS.Shared != (c.Number == nil) {
		events = append(events, NemSMSRegistered{Terms: c.Terms, Shared: c.Number == nil, At: s.by.Now})
	}

	return events, nil
}

// OptOutNemSMS ends the registration. What is queued does not go out any more.
type OptOutNemSMS struct {
	Version uint32 // of the owner's contact details; 0: any
}

func (OptOutNemSMS) needs() domain.Parts { return domain.Parts{} }

func (OptOutNemSMS) leave(*State) Leave { return texting() }

func (c OptOutNemSMS) decide(s *State) ([]Event, error) {
	now := s.contacts(domain.MailboxID{})
	if err := domain.AtVersion(now.Version+1, c.Version); err != nil {
		return nil, err
	}

	if s.NemSMS.Terms == "" {
		return nil, nil
	}

	events, err := SetContacts{Kinds: []DetailKind{NemSMSNumber}}.replace(s, now)

	return append(events, NemSMSOptedOut{}), err
}

// QueueNemSMS takes in a text message of an authority's, for one who is registered. It takes the mailbox's next leaf.
type QueueNemSMS struct {
	Letter Letter
	// Seal gives the letter sealed under a leaf for an event of a type; nil leaves it as it is.
	Seal func(leaf uint32, eventType string) (Letter, error)
	Due  time.Time // zero: at once
}

func (c QueueNemSMS) needs() domain.Parts {
	return domain.Parts{Messages: []domain.MessageID{c.Letter.Message}}
}

func (QueueNemSMS) leave(*State) Leave { return Leave{Machines: []access.Machine{access.System}} }

func (c QueueNemSMS) decide(s *State) (_ []Event, err error) {
	_, reachable := s.TextNumber()
	switch {
	case s.Closed():
		return nil, domain.Refuse(RecipientClosed)
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.Message(c.Letter.Message).Stage != 0:
		return nil, domain.Refuse(AlreadyReceived)
	case !reachable:
		return nil, domain.Refuse(NoNemSMS)
	}

	l, e := c.Letter, NemSMSQueued{Due: c.Due}
	if c.Seal != nil {
		if l, err = c.Seal(s.NextLeaf, e.EventType()); err != nil {
			return nil, err
		}
	}
	l.Leaf = s.NextLeaf
	e.Letter = l

	return []Event{e}, nil
}

// EndNemSMS says how sending a text message ended; once.
type EndNemSMS struct {
	Message domain.MessageID
	Refused domain.Reason // empty: it was sent
}

func (c EndNemSMS) needs() domain.Parts { return domain.Parts{Messages: []domain.MessageID{c.Message}} }

func (EndNemSMS) leave(*State) Leave { return Leave{Machines: []access.Machine{access.Backbone}} }

func (c EndNemSMS) decide(s *State) ([]Event, error) {
	m := s.Message(c.Message)
	switch {
	case m.Stage != Scheduled || !m.Text:
		return nil, nil
	case c.Refused != "":
		return []Event{NemSMSRefused{Message: c.Message, Leaf: m.Leaf, Reason: c.Refused, Intake: m.Intake}}, nil
	}

	return []Event{NemSMSSent{Message: c.Message, Leaf: m.Leaf, Intake: m.Intake}}, nil
}
