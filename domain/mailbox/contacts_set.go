package mailbox

import (
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// A Given is a contact detail as a person gives it.
type Given struct {
	Kind    DetailKind
	Allowed bool        // that it is an e-mail address, or a Danish mobile number
	Hash    domain.UUID // keyed hash of its words
	Anytime bool
	ID      domain.UUID // that it gets, if it is new
	Seal    domain.Seal // of its words
	Code    NewCode
}

// A NewCode is a code for a contact detail.
type NewCode struct {
	Hash domain.UUID // keyed, of detail and code
	Seal domain.Seal // of the code
}

// SetContacts sets a person's own contact details for the mailbox, of some kinds, and what they want to be told. One
// that stays as it is stays confirmed; one that is new is sent a code.
type SetContacts struct {
	Person   domain.MailboxID // who has access; zero: the owner
	Version  uint32           // that the caller knows; 0: any
	Kinds    []DetailKind
	Given    []Given // of those kinds; others that are there are taken away
	OptOut   *bool   // nil: as it is
	Reminder *uint8  // days; nil: as it is
	Platform string
}

func (SetContacts) needs() domain.Parts { return domain.Parts{AllGrants: true} }

func (c SetContacts) leave(*State) Leave { return contactsOf(c.Person) }

// contactsOf lets those set the owner's contact details who may set what is the owner's, and others their own.
func contactsOf(person domain.MailboxID) Leave {
	if person == (domain.MailboxID{}) {
		return Leave{Actions: []access.Action{access.Settings}}
	}

	return Leave{Grantee: person}
}

// letIn refuses a person who has no access to the mailbox; the owner is let in.
func (k *Known) letIn(person domain.MailboxID, now time.Time) error {
	if person == (domain.MailboxID{}) {
		return nil
	}

	for _, g := range k.inForce() {
		if g.Grantee == person && g.InForce(now) {
			return nil
		}
	}

	return domain.Refuse(NoAccess)
}

func (c SetContacts) decide(s *State) ([]Event, error) {
	if err := s.letIn(c.Person, s.by.Now); err != nil {
		return nil, err
	}

	now := s.contacts(c.Person)
	if err := domain.AtVersion(now.Version+1, c.Version); err != nil {
		return nil, err
	}

	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case c.Reminder != nil && *c.Reminder > MaxReminder:
		return nil, domain.Refuse(DetailNotAllowed)
	}

	events, err := c.replace(s, now)
	if err != nil {
		return nil, err
	}

	set := NotificationsSet{Person: c.Person, OptedOut: now.OptedOut, Reminder: now.Reminder}
	switch {
	case c.OptOut != nil && !*c.OptOut:
		set.OptedOut = time.Time{}
	case c.OptOut != nil && set.OptedOut.IsZero():
		set.OptedOut = s.by.Now
	}

	if c.Reminder != nil {
		set.Reminder = *c.Reminder
	}

	if !set.OptedOut.Equal(now.OptedOut) || set.Reminder != now.Reminder {
		events = append(events, set)
	}

	return events, nil
}

// replace gives the events that put those that are given in the place of those that are there.
func (c SetContacts) replace(s *State, now Contacts) (events []Event, err error) {
	mostOf := map[DetailKind]int{EMail: MaxEMails, Mobile: 1, NemSMSNumber: 1}
	stays, pending := map[domain.UUID]bool{}, map[DetailKind]bool{}
	var fresh []Given

	for i, g := range c.Given {
		if slices.ContainsFunc(c.Given[:i], func(x Given) bool { return x.Kind == g.Kind && x.Hash == g.Hash }) {
			continue // it is given twice
		}

		if !g.Allowed || !slices.Contains(c.Kinds, g.Kind) {
			return nil, domain.Refuse(DetailNotAllowed)
		}

		if mostOf[g.Kind]--; mostOf[g.Kind] < 0 {
			return nil, domain.Refuse(TooManyDetails)
		}

		same := slices.IndexFunc(now.Details, func(d Detail) bool { return d.Kind == g.Kind && d.Hash == g.Hash })
		if same < 0 {
			fresh, pending[g.Kind] = append(fresh, g), true
			continue
		}

		d := now.Details[same]
		stays[d.ID] = true
		pending[d.Kind] = pending[d.Kind] || !d.Confirmed
		if d.Shown.Anytime != g.Anytime {
			events = append(events, ContactHoursSet{d.ID, g.Anytime})
		}
	}

	for _, d := range now.Details {
		// A number is used until the one in its place is confirmed.
		replaced := d.Kind != EMail && d.Confirmed && pending[d.Kind]
		if slices.Contains(c.Kinds, d.Kind) && !stays[d.ID] && !replaced {
			events = append(events, removed(now.Person, d))
		}
	}

	leaf := s.NextLeaf
	for i, g := range fresh {
		if err := now.mayIssue(i+1, s.by.Now); err != nil {
			return nil, err
		}

		set := ContactSet{
			Detail: g.ID, Person: now.Person, Kind: g.Kind, Leaf: leaf, Hash: g.Hash, Platform: c.Platform,
			Anytime: g.Anytime,
		}
		if set.Words, err = g.Seal.Under(leaf, nil); err != nil {
			return nil, err
		}

		code, err := g.Code.issue(s, g.ID, leaf)
		if err != nil {
			return nil, err
		}
		events = append(events, set, code)
		leaf++
	}

	return events, nil
}

// mayIssue refuses more codes than a person gets on a day.
func (c Contacts) mayIssue(more int, now time.Time) error {
	if c.CodeDay == codeDay(now.Add(CodeLives)) {
		more += int(c.Codes)
	}

	if more > MaxCodes {
		return domain.Refuse(TooManyCodes)
	}

	return nil
}

func (n NewCode) issue(s *State, detail domain.UUID, leaf uint32) (ContactCodeIssued, error) {
	sealed, err := n.Seal.Under(leaf, nil)
	return ContactCodeIssued{
		Detail: detail, Leaf: leaf, Code: sealed, Hash: n.Hash, Until: s.by.Now.Add(CodeLives).Truncate(time.Second),
	}, err
}

// theirs gives a contact detail of a person's.
func (s *State) theirs(person domain.MailboxID, id domain.UUID) (Contacts, Detail, error) {
	if err := s.letIn(person, s.by.Now); err != nil {
		return Contacts{}, Detail{}, err
	}

	c, d, ok := s.Box.Detail(id)
	if !ok || c.Person != person {
		return c, d, domain.Refuse(domain.NotFound)
	}

	return c, d, nil
}

// ConfirmContact confirms a person's own contact detail by a code. A wrong one is recorded, and is one try of
// MaxTries.
type ConfirmContact struct {
	Person domain.MailboxID // who has access; zero: the owner
	Detail domain.UUID
	Hash   domain.UUID // keyed, of detail and code
}

func (ConfirmContact) needs() domain.Parts { return domain.Parts{AllGrants: true} }

func (c ConfirmContact) leave(s *State) Leave { return confirms(s, c.Person, c.Detail) }

// confirms lets those confirm a contact detail who may set it.
func confirms(s *State, person domain.MailboxID, detail domain.UUID) Leave {
	if _, d, _ := s.Box.Detail(detail); d.Kind == NemSMSNumber {
		return texting()
	}

	return contactsOf(person)
}

func (c ConfirmContact) decide(s *State) ([]Event, error) {
	of, d, err := s.theirs(c.Person, c.Detail)
	switch {
	case err != nil:
		return nil, err
	case d.Confirmed:
		return nil, nil
	case d.Code == domain.UUID{} || d.Tries >= MaxTries || !s.by.Now.Before(d.Until):
		return nil, domain.Refuse(CodeSpent)
	case d.Code != c.Hash:
		return []Event{ContactCodeFailed{d.ID}}, nil // whoever asked finds it not confirmed
	}

	events := []Event{ContactConfirmed{Detail: d.ID}}
	for _, before := range of.Details {
		if d.Kind != EMail && before.Kind == d.Kind && before.ID != d.ID {
			events = append(events, removed(of.Person, before)) // it takes its place
		}
	}

	return events, nil
}

// RenewCode sends another code to a person's own contact detail that is not confirmed. The one before is void.
type RenewCode struct {
	Person domain.MailboxID // who has access; zero: the owner
	Detail domain.UUID
	Code   NewCode
}

func (RenewCode) needs() domain.Parts { return domain.Parts{AllGrants: true} }

func (c RenewCode) leave(s *State) Leave { return confirms(s, c.Person, c.Detail) }

func (c RenewCode) decide(s *State) ([]Event, error) {
	of, d, err := s.theirs(c.Person, c.Detail)
	if err != nil || d.Confirmed {
		return nil, err
	}

	if err := of.mayIssue(1, s.by.Now); err != nil {
		return nil, err
	}

	e, err := c.Code.issue(s, d.ID, d.Shown.Leaf)
	if err != nil {
		return nil, err
	}

	return []Event{e}, nil
}
