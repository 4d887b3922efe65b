package mailbox

import (
	"cmp"
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// A Life is what the registers say of a mailbox's owner: from before it opens until after it closes.
type Life struct {
	// Facts are those that Shown.Opened does not have: of one that is open, the address alone.
	Facts  Facts       `cbor:"1,keyasint,omitzero"`
	Abroad bool        `cbor:"2,keyasint,omitempty"`
	Opens  time.Time   `cbor:"3,keyasint,omitzero"` // when it opens by itself; zero: it does not
	Ended  Ended       `cbor:"4,keyasint,omitempty"`
	Purge  time.Time   `cbor:"5,keyasint,omitzero"`  // of one that is closed: when the law has it destroyed
	Olds   []OldNumber `cbor:"6,keyasint,omitempty"` // by which it is found, too, in the order of their ends
	// Held is when one that closed before it opened would have opened by itself.
	Held time.Time `cbor:"7,keyasint,omitzero"`
	// Arrived is before when one who moved here has no mailbox, whatever their age.
	Arrived time.Time `cbor:"9,keyasint,omitzero"`
	// Line is the register's last line that anything followed from: it is taken once.
	Line uint64 `cbor:"8,keyasint,omitempty"`
}

// An OldNumber is one that finds the mailbox for a while.
type OldNumber struct {
	Number domain.Sealed `cbor:"1,keyasint"`
	Until  time.Time     `cbor:"2,keyasint"`
}

// An Ended says why a mailbox is closed; empty: it is not.
type Ended string

// Why mailboxes close.
const (
	Died   Ended = "DIED"
	Ceased Ended = "CEASED"
)

// Facts are what a register knows of an owner, sealed under the mailbox's lasting leaf as the fields of Opened are.
type Facts struct {
	Owner     OwnerKind     `cbor:"1,keyasint" json:"owner"`
	Number    domain.Sealed `cbor:"2,keyasint" json:"number"`
	Name      domain.Sealed `cbor:"3,keyasint" json:"name"`
	BirthDate domain.Sealed `cbor:"4,keyasint,omitempty" json:"birthDate,omitempty"`
	// Address is where they live, for paper alone; and Protected whether that is shown to nobody else.
	Address   domain.Sealed `cbor:"5,keyasint,omitempty" json:"address,omitempty"`
	Residence string        `cbor:"6,keyasint,omitempty" json:"municipality,omitempty"`
	Protected domain.Sealed `cbor:"7,keyasint,omitempty" json:"protected,omitempty"`
}

// with gives the facts with those of another that it says.
func (f Facts) with(more Facts) Facts {
	sealed := func(to *domain.Sealed, s domain.Sealed) {
		if len(s) > 0 {
			*to = s
		}
	}
	sealed(&f.Number, more.Number)
	sealed(&f.Name, more.Name)
	sealed(&f.BirthDate, more.BirthDate)
	sealed(&f.Address, more.Address)
	sealed(&f.Protected, more.Protected)
	f.Owner, f.Residence = cmp.Or(more.Owner, f.Owner), cmp.Or(more.Residence, f.Residence)

	return f
}

// lifeEvents are the zero values of this file's event types.
var lifeEvents = []Event{
	OwnerRegistered{}, OwnerChanged{}, OwnerLeft{}, OwnerReturned{}, Closed{}, Reopened{}, NumberChanged{},
	AliasEnded{},
}

// OwnerRegistered records that a register knows somebody who has no mailbox yet, and when it opens by itself.
type OwnerRegistered struct {
	Facts   Facts     `cbor:"1,keyasint" json:"facts"`
	Opens   time.Time `cbor:"2,keyasint,omitzero" json:"opens,omitzero"`
	Line    uint64    `cbor:"9,keyasint,omitempty" json:"line,omitempty"`  // of the register
	Arrived time.Time `cbor:"3,keyasint,omitzero" json:"arrived,omitzero"` // see Life
}

// EventType is the stored name.
func (OwnerRegistered) EventType() string { return "mailbox.owner-registered" }

// Effect is on the mailbox's own row.
func (OwnerRegistered) Effect() domain.Effect { return onBox() }

func (e OwnerRegistered) evolve(s *State, _ domain.Moment) {
	s.known(e.Facts)
	s.Life.Opens, s.Life.Abroad, s.Life.Line, s.Life.Arrived = e.Opens, false, e.Line, e.Arrived
}

// OwnerChanged records what a register says of the owner from now on: name, municipality, address. What it does not
// say is as before.
type OwnerChanged struct {
	Facts Facts     `cbor:"1,keyasint" json:"facts"`
	Line  uint64    `cbor:"9,keyasint,omitempty" json:"line,omitempty"` // of the register
	Opens time.Time `cbor:"2,keyasint,omitzero" json:"opens,omitzero"`  // of one that waits, if that is another date
}

// EventType is the stored name.
func (OwnerChanged) EventType() string { return "mailbox.owner-changed" }

// Effect is on the mailbox's own row.
func (OwnerChanged) Effect() domain.Effect { return onBox() }

func (e OwnerChanged) evolve(s *State, _ domain.Moment) {
	s.known(e.Facts)
	s.Life.Line = e.Line
	s.Life.waits(e.Opens)
}

// waits moves the date at which a mailbox that waits opens; zero: it stays.
func (l *Life) waits(opens time.Time) {
	if !opens.IsZero() && !l.Opens.IsZero() {
		l.Opens = opens
	}
}

// Facts gives all that is known of the owner now, whether or not the mailbox is open.
func (b Box) Facts() Facts {
	o := b.Shown.Opened
	return b.Life.Facts.with(Facts{
		Owner: o.Owner, Number: o.Number, Name: o.Name, BirthDate: o.BirthDate, Residence: o.Residence,
	})
}

// known takes over what a register says, for people to see, too.
func (s *State) known(more Facts) {
	o := &s.Shown.Opened
	if o.Owner == "" {
		s.Life.Facts = s.Life.Facts.with(more)
		return
	}

	f := s.Facts().with(more)
	o.Number, o.Name, o.BirthDate, o.Residence = f.Number, f.Name, f.BirthDate, f.Residence
	s.Life.Facts = s.Life.Facts.with(Facts{Owner: more.Owner, Address: more.Address, Protected: more.Protected})
}

// OwnerLeft records that the owner has left the country. The mailbox stays as it is; one that is not open does not open
// by itself.
type OwnerLeft struct {
	Line uint64 `cbor:"9,keyasint,omitempty" json:"line,omitempty"`
}

// EventType is the stored name.
func (OwnerLeft) EventType() string { return "mailbox.owner-left" }

// Effect is on the mailbox's own row.
func (OwnerLeft) Effect() domain.Effect { return onBox() }

func (e OwnerLeft) evolve(s *State, _ domain.Moment) {
	s.Life.Abroad, s.Life.Opens, s.Life.Line = true, time.Time{}, e.Line
}

// OwnerReturned records that they live in the country again.
type OwnerReturned struct {
	Opens   time.Time `cbor:"1,keyasint,omitzero" json:"opens,omitzero"` // of one that is not open
	Line    uint64    `cbor:"9,keyasint,omitempty" json:"line,omitempty"`
	Arrived time.Time `cbor:"3,keyasint,omitzero" json:"arrived,omitzero"`
}

// EventType is the stored name.
func (OwnerReturned) EventType() string { return "mailbox.owner-returned" }

// Effect is on the mailbox's own row.
func (OwnerReturned) Effect() domain.Effect { return onBox() }

func (e OwnerReturned) evolve(s *State, _ domain.Moment) {
	s.Life.Abroad, s.Life.Opens = false, e.Opens
}

// Closed records that the mailbox is closed: nothing comes in any more, and nobody sees it. All that is in it stays,
// and is destroyed by law years later, unless that is deferred.
type Closed struct {
	Why   Ended     `cbor:"1,keyasint" json:"why"`
	Purge time.Time `cbor:"2,keyasint" json:"purge"`
	Line  uint64    `cbor:"9,keyasint,omitempty" json:"line,omitempty"`
}

// EventType is the stored name.
func (Closed) EventType() string { return "mailbox.closed" }

// Effect is on the mailbox's own row.
func (Closed) Effect() domain.Effect { return onReaders(onBox()) }

func (e Closed) evolve(s *State, _ domain.Moment) {
	s.Life.Held = s.Life.Opens
	s.Owner, s.Life.Ended, s.Life.Purge, s.Life.Opens = "", e.Why, e.Purge, time.Time{}
	s.Life.Line = e.Line
}

// Reopened records that a register has taken back what the mailbox was closed for: all is as it was. What was refused
// meanwhile stays refused.
type Reopened struct {
	Opens time.Time `cbor:"1,keyasint,omitzero" json:"opens,omitzero"` // of one that was not open
	Line  uint64    `cbor:"9,keyasint,omitempty" json:"line,omitempty"`
}

// EventType is the stored name.
func (Reopened) EventType() string { return "mailbox.reopened" }

// Effect is on the mailbox's own row.
func (Reopened) Effect() domain.Effect { return onReaders(onBox()) }

func (e Reopened) evolve(s *State, _ domain.Moment) {
	s.Owner, s.Life.Ended, s.Life.Purge, s.Life.Opens = s.Shown.Opened.Owner, "", time.Time{}, e.Opens
	s.Life.Held = time.Time{}
	s.Life.Line = e.Line
}

// NumberChanged records that the owner has another number. The old one finds the mailbox for a while.
type NumberChanged struct {
	Facts Facts         `cbor:"1,keyasint" json:"facts"`
	Old   domain.Sealed `cbor:"2,keyasint" json:"old"`
	Until time.Time     `cbor:"3,keyasint" json:"until"`
	Line  uint64        `cbor:"9,keyasint,omitempty" json:"line,omitempty"`
	Opens time.Time     `cbor:"4,keyasint,omitzero" json:"opens,omitzero"` // as in OwnerChanged
}

// EventType is the stored name.
func (NumberChanged) EventType() string { return "mailbox.number-changed" }

// Effect is on the mailbox's own row.
func (NumberChanged) Effect() domain.Effect { return onBox() }

func (e NumberChanged) evolve(s *State, _ domain.Moment) {
	s.known(e.Facts)
	s.Life.Olds = append(slices.Clone(s.Life.Olds), OldNumber{e.Old, e.Until})
	s.Life.Line = e.Line
	s.Life.waits(e.Opens)
}

// AliasEnded records that old numbers find nothing any more whose time was over at one.
type AliasEnded struct {
	Through time.Time `cbor:"1,keyasint" json:"through"`
}

// EventType is the stored name.
func (AliasEnded) EventType() string { return "mailbox.alias-ended" }

// Effect is on the mailbox's own row.
func (AliasEnded) Effect() domain.Effect { return onBox() }

func (e AliasEnded) evolve(s *State, _ domain.Moment) {
	s.Life.Olds = slices.DeleteFunc(slices.Clone(s.Life.Olds), func(o OldNumber) bool {
		return !o.Until.After(e.Through)
	})
	if len(s.Life.Olds) == 0 {
		s.Life.Olds = nil
	}
}

func byRegister() Leave { return Leave{Machines: []access.Machine{access.Register}} }

// A RegisterSays is what a line of a register says of an owner, once. Of one who is gone, it changes nothing.
type RegisterSays struct {
	Line uint64 // as in the event; 0: it is not known again
	// Event is what is recorded if it says anything new: one of this file's.
	Event Event
}

func (RegisterSays) needs() domain.Parts { return domain.Parts{} }

func (RegisterSays) leave(*State) Leave { return byRegister() }

func (c RegisterSays) decide(s *State) ([]Event, error) {
	if s.Shown.Gone {
		return nil, domain.Refuse(RecipientClosed)
	}

	if c.Line != 0 && c.Line <= s.Life.Line {
		return nil, nil
	}

	open, known := s.Owner != "", s.Life.Facts.Owner != "" || s.Shown.Opened.Owner != ""
	switch e := c.Event.(type) {
	case OwnerRegistered:
		switch {
		case s.Life.Ended != "":
			return nil, domain.Refuse(RecipientClosed)
		case open:
			return []Event{OwnerChanged{Facts: e.Facts, Line: e.Line}}, nil
		case !e.Opens.IsZero() && !e.Opens.After(s.by.Now):
			f := s.Life.Facts.with(e.Facts)
			o := f.opened()
			o.Address, o.Protected, o.Line = f.Address, f.Protected, e.Line

			return []Event{o}, nil
		}

		return []Event{e}, nil
	case Closed:
		switch {
		case s.Life.Ended != "":
			return nil, nil
		case !known:
			return nil, domain.Refuse(NotOpen)
		}

		return append(s.hidden(), e), nil
	case Reopened:
		switch {
		case !known:
			return nil, domain.Refuse(NotOpen)
		case s.Life.Ended == "":
			return nil, nil
		}

		if e.Opens = s.Life.Held; s.Life.Abroad {
			e.Opens = time.Time{}
		}

		return []Event{e}, nil
	case OwnerLeft:
		if s.Life.Abroad || !known {
			return nil, nil
		}
	case OwnerReturned:
		if open || s.Life.Ended != "" {
			e.Opens = time.Time{}
		}

		return returned(s, e), nil
	}

	if !known {
		return nil, domain.Refuse(NotOpen)
	}

	return []Event{c.Event}, nil
}

// returned gives what follows from the owner's return: an exemption on the ground that they had left ends.
func returned(s *State, e OwnerReturned) (out []Event) {
	if s.Life.Abroad {
		out = append(out, e)
	}

	if s.Exemption.Exempt && s.Exemption.Departure {
		out = append(out, ExemptionRevoked{s.Exemption.ID, ByReturn})
	}

	return out
}

// OpenDue opens the mailbox, if its date has come, or before it where the owner of a company has signed in.
type OpenDue struct {
	At     time.Time
	SignIn bool
}

func (OpenDue) needs() domain.Parts { return domain.Parts{} }

func (c OpenDue) leave(*State) Leave {
	if c.SignIn {
		return byRegister()
	}

	return Leave{Machines: []access.Machine{access.Clock}}
}

func (c OpenDue) decide(s *State) ([]Event, error) {
	f := s.Life.Facts
	early := c.SignIn && f.Owner == Company
	if s.Owner != "" || s.Life.Opens.IsZero() || s.Life.Opens.After(c.At) && !early {
		return nil, nil
	}

	return []Event{f.opened()}, nil
}

// opened is the event that opens the mailbox of whom a register knows.
func (f Facts) opened() Opened {
	return Opened{Owner: f.Owner, Number: f.Number, Name: f.Name, BirthDate: f.BirthDate, Residence: f.Residence}
}

// EndAlias has the old number find nothing any more, once its time is over.
type EndAlias struct{ At time.Time }

func (EndAlias) needs() domain.Parts { return domain.Parts{} }

func (EndAlias) leave(*State) Leave { return Leave{Machines: []access.Machine{access.Clock}} }

func (c EndAlias) decide(s *State) ([]Event, error) {
	over := slices.ContainsFunc(s.Life.Olds, func(o OldNumber) bool { return !o.Until.After(c.At) })
	if !over {
		return nil, nil
	}

	return []Event{AliasEnded{c.At}}, nil
}
