package mailbox

import (
	"slices"
	"time"

	"digitalpost/domain"
)

// Reasons to refuse what is about contact details.
const (
	DetailNotAllowed domain.Reason = "contact.not.allowed"
	TooManyDetails   domain.Reason = "contact.too.many"
	CodeSpent        domain.Reason = "contact.code.spent"
	TooManyCodes     domain.Reason = "contact.code.too.many"
)

// Bounds of contact details.
const (
	MaxEMails   = 3                // of a person, for a mailbox
	CodeLives   = 10 * time.Minute // how long a code confirms a contact detail
	MaxTries    = 5                // of a code
	MaxCodes    = 10               // that a person is sent on a day (UTC), for a mailbox
	MaxReminder = 30               // days after which one may be reminded
)

// A DetailKind is what a contact detail is.
type DetailKind string

// Kinds of contact details.
const (
	EMail  DetailKind = "EMAIL"  // for new post
	Mobile DetailKind = "MOBILE" // a Danish number, for new post
	// NemSMSNumber is a Danish number for NemSMS alone: see NemSMS.
	NemSMSNumber DetailKind = "NEMSMS"
)

// Contacts are one person's contact details for the mailbox: its owner's, or those of somebody who has access.
type Contacts struct {
	Person   domain.MailboxID `cbor:"1,keyasint,omitzero"` // who has access; zero: the owner
	Version  uint32           `cbor:"2,keyasint"`          // grows with each event that they see
	OptedOut time.Time        `cbor:"3,keyasint,omitzero"`
	Reminder uint8            `cbor:"4,keyasint,omitempty"` // days after which they are reminded; 0: never
	Details  []Detail         `cbor:"5,keyasint,omitempty"`
	CodeDay  int64            `cbor:"6,keyasint,omitempty"` // of the last code, in days of UTC
	Codes    uint8            `cbor:"7,keyasint,omitempty"` // on that day
}

// A Detail is a contact detail: an e-mail address or a mobile number.
type Detail struct {
	ID        domain.UUID `cbor:"1,keyasint"`
	Kind      DetailKind  `cbor:"2,keyasint"`
	Hash      domain.UUID `cbor:"3,keyasint"` // keyed hash of its words
	Confirmed bool        `cbor:"4,keyasint,omitempty"`
	Code      domain.UUID `cbor:"5,keyasint,omitzero"` // keyed hash of the code that confirms it; zero: none
	Until     time.Time   `cbor:"6,keyasint,omitzero"` // the code's end
	Tries     uint8       `cbor:"7,keyasint,omitempty"`
	Told      Told        `cbor:"8,keyasint,omitzero"`
	Shown     DetailShown `cbor:"9,keyasint"`
}

// A DetailShown is what no rule asks for of a contact detail.
type DetailShown struct {
	Leaf     uint32        `cbor:"1,keyasint"`
	Words    domain.Sealed `cbor:"2,keyasint"`           // the address or number
	Platform string        `cbor:"3,keyasint,omitempty"` // where it was given: its language is that of what is sent
	Anytime  bool          `cbor:"4,keyasint,omitempty"` // that it may be used at night
	Sent     time.Time     `cbor:"5,keyasint,omitzero"`  // when its last code was made
	At       time.Time     `cbor:"6,keyasint,omitzero"`  // when it was confirmed
}

// contacts gives a person's contact details; none if they have not given any.
func (b Box) contacts(person domain.MailboxID) Contacts {
	for _, c := range b.Contacts {
		if c.Person == person {
			return c
		}
	}

	return Contacts{Person: person}
}

// ContactsOf gives a person's contact details for the mailbox.
func (b Box) ContactsOf(person domain.MailboxID) Contacts { return b.contacts(person) }

// Detail gives a contact detail, and whose it is; false if there is none.
func (b Box) Detail(id domain.UUID) (Contacts, Detail, bool) {
	for _, c := range b.Contacts {
		for _, d := range c.Details {
			if d.ID == id {
				return c, d, true
			}
		}
	}

	return Contacts{}, Detail{}, false
}

// setContacts changes a person's contact details. What was there before is left as it is.
func (b *Box) setContacts(person domain.MailboxID, fn func(*Contacts)) {
	all := slices.Clone(b.Contacts)
	at := slices.IndexFunc(all, func(c Contacts) bool { return c.Person == person })
	if at < 0 {
		all, at = append(all, Contacts{Person: person}), len(all)
	}

	c := all[at]
	c.Details = slices.Clone(c.Details)
	fn(&c)
	c.Version++
	all[at] = c
	b.Contacts = all
}

// detail changes a contact detail that is there.
func (s *State) detail(id domain.UUID, fn func(*Contacts, *Detail)) {
	of, _, ok := s.Box.Detail(id)
	if !ok {
		s.miss("an event changes a contact detail that is not there:", id)
		return
	}

	s.setContacts(of.Person, func(c *Contacts) {
		for i := range c.Details {
			if c.Details[i].ID == id {
				fn(c, &c.Details[i])
			}
		}
	})
}

// contactEvents are the zero values of this file's event types.
var contactEvents = []Event{
	ContactSet{}, ContactHoursSet{}, ContactCodeIssued{}, ContactCodeFailed{}, ContactConfirmed{}, ContactRemoved{},
	NotificationsSet{},
}

// ContactSet records a contact detail that a person has given. It is not confirmed.
type ContactSet struct {
	Detail   domain.UUID      `cbor:"1,keyasint" json:"detail"`
	Person   domain.MailboxID `cbor:"2,keyasint,omitzero" json:"person,omitzero"` // zero: the owner
	Kind     DetailKind       `cbor:"3,keyasint" json:"kind"`
	Leaf     uint32           `cbor:"4,keyasint" json:"leaf"`
	Words    domain.Sealed    `cbor:"5,keyasint" json:"words"`
	Hash     domain.UUID      `cbor:"6,keyasint" json:"hash"`
	Platform string           `cbor:"7,keyasint,omitempty" json:"platform,omitempty"`
	Anytime  bool             `cbor:"8,keyasint,omitempty" json:"anytime,omitempty"`
}

// EventType is the stored name.
func (ContactSet) EventType() string { return "mailbox.contact-set" }

// Effect begins the contact detail.
func (e ContactSet) Effect() domain.Effect { return begins(e.Leaf) }

func (e ContactSet) evolve(s *State, _ domain.Moment) {
	s.take(e.Leaf)
	s.setContacts(e.Person, func(c *Contacts) {
		c.Details = append(c.Details, Detail{
			ID: e.Detail, Kind: e.Kind, Hash: e.Hash,
			Shown: DetailShown{Leaf: e.Leaf, Words: e.Words, Platform: e.Platform, Anytime: e.Anytime},
		})
	})
}

// ContactHoursSet records whether a contact detail may be used at night.
type ContactHoursSet struct {
	Detail  domain.UUID `cbor:"1,keyasint" json:"detail"`
	Anytime bool        `cbor:"2,keyasint" json:"anytime"`
}

// EventType is the stored name.
func (ContactHoursSet) EventType() string { return "mailbox.contact-hours-set" }

// Effect is on the mailbox's own row.
func (ContactHoursSet) Effect() domain.Effect { return onBox() }

func (e ContactHoursSet) evolve(s *State, _ domain.Moment) {
	s.detail(e.Detail, func(_ *Contacts, d *Detail) { d.Shown.Anytime = e.Anytime })
}

// ContactCodeIssued records a code that is sent to a contact detail, and that confirms it until its end.
type ContactCodeIssued struct {
	Detail domain.UUID `cbor:"1,keyasint" json:"detail"`
	Leaf   uint32      `cbor:"2,keyasint" json:"leaf"` // the detail's
	// Code is sealed under it.
	Code  domain.Sealed `cbor:"3,keyasint" json:"code"`
	Hash  domain.UUID   `cbor:"4,keyasint" json:"hash"` // keyed, of detail and code
	Until time.Time     `cbor:"5,keyasint" json:"until"`
}

// EventType is the stored name.
func (ContactCodeIssued) EventType() string { return "mailbox.contact-code-issued" }

// Effect is on the mailbox's own row.
func (ContactCodeIssued) Effect() domain.Effect { return onBox() }

func (e ContactCodeIssued) evolve(s *State, at domain.Moment) {
	s.detail(e.Detail, func(c *Contacts, d *Detail) {
		d.Code, d.Until, d.Tries, d.Shown.Sent = e.Hash, e.Until, 0, at.Recorded
		if day := codeDay(e.Until); c.CodeDay != day {
			c.CodeDay, c.Codes = day, 0
		}
		c.Codes++
	})
}

// codeDay gives the day on which a code was made, from its end.
func codeDay(until time.Time) int64 {
	return until.Add(-CodeLives).Unix() / int64(24*time.Hour/time.Second)
}

// ContactCodeFailed records that a wrong code was given.
type ContactCodeFailed struct {
	Detail domain.UUID `cbor:"1,keyasint" json:"detail"`
}

// EventType is the stored name.
func (ContactCodeFailed) EventType() string { return "mailbox.contact-code-failed" }

// Effect is on the mailbox's own row.
func (ContactCodeFailed) Effect() domain.Effect { return onBox() }

func (e ContactCodeFailed) evolve(s *State, _ domain.Moment) {
	s.detail(e.Detail, func(_ *Contacts, d *Detail) { d.Tries++ })
}

// ContactConfirmed records that a person confirmed a contact detail, with the code that was sent to it.
type ContactConfirmed struct {
	// Leaf and Contact are those of one that was confirmed, without a code, where an exemption was cancelled: it
	// stands in the log alone.
	Leaf    uint32        `cbor:"1,keyasint,omitempty" json:"leaf,omitempty"`
	Contact domain.Sealed `cbor:"2,keyasint,omitempty" json:"contact,omitempty"`
	Detail  domain.UUID   `cbor:"3,keyasint,omitzero" json:"detail,omitzero"`
}

// EventType is the stored name.
func (ContactConfirmed) EventType() string { return "mailbox.contact-confirmed" }

// Effect is on the mailbox's own row; one without a code begins the contact detail.
func (e ContactConfirmed) Effect() domain.Effect { return begins(e.Leaf) }

func (e ContactConfirmed) evolve(s *State, at domain.Moment) {
	s.take(e.Leaf)
	if e.Detail == (domain.UUID{}) {
		return
	}

	s.detail(e.Detail, func(_ *Contacts, d *Detail) {
		d.Confirmed, d.Code, d.Until, d.Tries = true, domain.UUID{}, time.Time{}, 0
		d.Told = Told{Through: at.Position, Reminded: at.Position} // of what came before, nothing is told
		d.Shown.At = at.Recorded
	})
}

// ContactRemoved records that a contact detail is used no more: its person has taken it away, or put another in its
// place; or their access has ended.
type ContactRemoved struct {
	Detail    domain.UUID      `cbor:"1,keyasint" json:"detail"`
	Kind      DetailKind       `cbor:"2,keyasint" json:"kind"`
	Leaf      uint32           `cbor:"3,keyasint" json:"leaf"`
	Words     domain.Sealed    `cbor:"4,keyasint" json:"words"` // as mailbox.contact-set has them
	Platform  string           `cbor:"5,keyasint,omitempty" json:"platform,omitempty"`
	Confirmed bool             `cbor:"6,keyasint,omitempty" json:"confirmed,omitempty"` // so that it is told of it
	Person    domain.MailboxID `cbor:"7,keyasint,omitzero" json:"person,omitzero"`
}

// EventType is the stored name.
func (ContactRemoved) EventType() string { return "mailbox.contact-removed" }

// Effect is on the mailbox's own row. The words stay in the log, sealed, until the mailbox is shredded.
func (ContactRemoved) Effect() domain.Effect { return onBox() }

func (e ContactRemoved) evolve(s *State, _ domain.Moment) {
	s.setContacts(e.Person, func(c *Contacts) {
		c.Details = slices.DeleteFunc(c.Details, func(d Detail) bool { return d.ID == e.Detail })
		if len(c.Details) == 0 && c.Person != (domain.MailboxID{}) { // wishes of one who has access end with it
			c.OptedOut, c.Reminder = time.Time{}, 0
		}
	})
}

// removed gives the event that takes a contact detail away.
func removed(person domain.MailboxID, d Detail) ContactRemoved {
	return ContactRemoved{
		Detail: d.ID, Kind: d.Kind, Leaf: d.Shown.Leaf, Words: d.Shown.Words, Platform: d.Shown.Platform,
		Confirmed: d.Confirmed, Person: person,
	}
}

// endsWith gives what ends with a grant: the contact details of its grantee, if they have no other access.
func endsWith(s *State, id domain.GrantID, grantee domain.MailboxID) (out []Event) {
	for other, g := range s.openGrants() {
		if other != id && g.State == Granted && g.Grant.Grantee == grantee {
			return nil
		}
	}

	for _, d := range s.contacts(grantee).Details {
		out = append(out, removed(grantee, d))
	}

	return out
}

// NotificationsSet records what a person wants to be told: nothing at all from a time on, or a reminder.
type NotificationsSet struct {
	Person   domain.MailboxID `cbor:"1,keyasint,omitzero" json:"person,omitzero"`
	OptedOut time.Time        `cbor:"2,keyasint,omitzero" json:"optedOut,omitzero"`
	Reminder uint8            `cbor:"3,keyasint,omitempty" json:"reminderAfterDays,omitempty"`
}

// EventType is the stored name.
func (NotificationsSet) EventType() string { return "mailbox.notifications-set" }

// Effect is on the mailbox's own row.
func (NotificationsSet) Effect() domain.Effect { return onBox() }

func (e NotificationsSet) evolve(s *State, at domain.Moment) {
	s.setContacts(e.Person, func(c *Contacts) {
		again := !c.OptedOut.IsZero() && e.OptedOut.IsZero()
		for i := range c.Details {
			if again { // of what has come meanwhile, nothing is told
				t := &c.Details[i].Told
				t.Through, t.Reminded = max(t.Through, at.Position), max(t.Reminded, at.Position)
			}
		}
		c.OptedOut, c.Reminder = e.OptedOut, e.Reminder
	})
}
