package register

import (
	"context"
	"errors"
	"slices"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/policy"
	"digitalpost/domain/register"
	"digitalpost/projections/mailboxes"
)

// sealed gives what a line says of its owner, sealed as the fields of mailbox.Opened are.
func sealed(l register.Line, number string, k vault.Key) mailbox.Facts {
	seal := func(field, s string) domain.Sealed {
		if s == "" {
			return nil
		}
		return k.Seal(mailbox.Opened{}.EventType(), field, []byte(s))
	}

	f := mailbox.Facts{
		Owner: mailbox.Citizen, Number: seal("number", number), Name: seal("name", l.Name),
		Address: seal("address", l.Address), Residence: l.Municipality,
	}
	if l.CVR != "" {
		f.Owner = mailbox.Company
	}

	if l.BirthDate != "" || begins(l) {
		if born, ok := l.Born(); ok {
			f.BirthDate = seal("birthDate", born.Format(time.DateOnly))
		}
	}

	if l.Protected != nil && *l.Protected {
		f.Protected = seal("protected", "yes")
	} else if l.Protected != nil {
		f.Protected = seal("protected", "no")
	}

	return f
}

// event gives what a line is to the mailbox of whom it is about.
func (r *Registers) event(l register.Line, k vault.Key, id domain.MailboxID) mailbox.Event {
	at := l.On(memo.Copenhagen)
	p := policy.On(at)

	switch l.Type {
	case register.Born:
		return mailbox.OwnerRegistered{Facts: sealed(l, l.CPR, k), Opens: r.opens(l, k, id, time.Time{}), Line: l.Seq}
	case register.MovedIn:
		return mailbox.OwnerRegistered{
			Facts: sealed(l, l.CPR, k), Opens: r.opens(l, k, id, p.Arrival.After(at)), Line: l.Seq,
			Arrived: p.Arrival.After(at).UTC(),
		}
	case register.Founded:
		return mailbox.OwnerRegistered{Facts: sealed(l, l.CVR, k), Opens: p.Grace.After(at).UTC(), Line: l.Seq}
	case register.Left:
		return mailbox.OwnerLeft{Line: l.Seq}
	case register.Returned:
		arrived := p.Arrival.After(at)
		return mailbox.OwnerReturned{Opens: r.opens(l, k, id, arrived), Arrived: arrived.UTC(), Line: l.Seq}
	case register.Died:
		return mailbox.Closed{Why: mailbox.Died, Purge: p.AfterDeath.After(at).UTC(), Line: l.Seq}
	case register.Ceased:
		return mailbox.Closed{Why: mailbox.Ceased, Purge: p.AfterEnd.After(at).UTC(), Line: l.Seq}
	case register.DeathCorrected:
		return mailbox.Reopened{Line: l.Seq}
	case register.Reopened:
		return mailbox.Reopened{Line: l.Seq}
	}

	changed := mailbox.OwnerChanged{Facts: sealed(l, "", k), Line: l.Seq} // named, renamed, moved
	if l.BirthDate != "" {
		changed.Opens = r.moved(l, k, id)
	}

	return changed
}

// opens gives when the mailbox of a citizen opens: once they are old enough, and not before another time. Zero where
// their birth date is not known.
func (r *Registers) opens(l register.Line, k vault.Key, id domain.MailboxID, notBefore time.Time) time.Time {
	born, ok := l.Born()
	if l.BirthDate == "" && !begins(l) { // what the register said before outranks the number
		if before, known := r.bornBefore(k, id); known {
			born, ok = before, true
		}
	}

	if !ok {
		return time.Time{}
	}

	// The policy of the day on which they come of age: the one that is known of that day now.
	of := policy.On(born.AddDate(15, 0, 0)).ComesOfAge(born, memo.Copenhagen)
	if of.Before(notBefore) {
		of = notBefore
	}

	return of.UTC()
}

// moved gives when a mailbox that waits opens by the birth date of a line; zero where it does not wait.
func (r *Registers) moved(l register.Line, k vault.Key, id domain.MailboxID) time.Time {
	box, err := r.box(id)
	if err != nil || box.Life.Opens.IsZero() {
		return time.Time{}
	}

	return r.opens(l, k, id, box.Life.Arrived)
}

// bornBefore gives the birth date that a register has said before.
func (r *Registers) bornBefore(k vault.Key, id domain.MailboxID) (born time.Time, ok bool) {
	box, err := r.box(id)
	sealed := box.Facts().BirthDate
	if err != nil || len(sealed) == 0 {
		return born, false
	}

	text, err := k.Open(mailbox.Opened{}.EventType(), "birthDate", sealed)
	if err != nil {
		return born, false
	}
	born, err = time.Parse(time.DateOnly, string(text))

	return born, err == nil
}

// known says why a line can't make its owner known: the number was another's before, who has a new one; or somebody is
// known by it already. Empty: it can. Who moves here is known anew.
func (r *Registers) known(l register.Line, id domain.MailboxID, k vault.Key) (what string, err error) {
	if version, _ := r.core.Log.Head(core.Stream(id)); version == 0 {
		return "", nil
	}

	box, err := r.box(id)
	if err != nil || l.Seq <= box.Life.Line { // it was taken before
		return "", err
	}

	now, err := currentNumber(box, k)
	if err != nil || now != l.Number() {
		return register.OldNumber, err
	}

	if l.Type != register.MovedIn {
		return register.KnownAlready, nil
	}

	return "", nil
}

// box gives a mailbox's own row, whether or not it is open.
func (r *Registers) box(id domain.MailboxID) (mailbox.State, error) {
	s, err := mailboxes.At(r.core.Views)
	if err != nil {
		return mailbox.State{}, err
	}
	defer s.Close()
	state, _, err := s.State(id, domain.Parts{})

	return state, err
}

// renumber gives an owner another number. The old one finds them for a while. Where the new one is another's, nothing
// is changed: the two are never mixed, and an operator sees to it.
func (r *Registers) renumber(ctx context.Context, id domain.MailboxID, k vault.Key, l register.Line) error {
	box, err := r.box(id)
	if err != nil {
		return err
	}

	now, err := currentNumber(box, k)
	switch {
	case err != nil || now == l.NewCPR:
		return err
	case now == "":
		return r.raise(ctx, register.CPR, l, register.Nobody)
	}

	owner, err := r.core.Vault.Enter(vault.Citizen, l.NewCPR, vault.Owner(id))
	if err != nil {
		return err
	}
	r.core.Fail("number entered")

	if other := domain.MailboxID(owner); other != id {
		return r.raise(ctx, register.CPR, l, register.TwoMailboxes, id, other)
	}

	at := l.On(memo.Copenhagen)
	number := l
	number.Name, number.Address, number.Municipality = "", "", ""
	if number.CPR = l.NewCPR; number.BirthDate == "" { // a wrong one is why numbers change
		if born, ok := number.Born(); ok {
			number.BirthDate = born.Format(time.DateOnly)
		}
	}

	err = r.say(ctx, register.CPR, l, id, mailbox.NumberChanged{
		Facts: sealed(number, l.NewCPR, k), Opens: r.moved(number, k, id),
		Old:   k.Seal(mailbox.NumberChanged{}.EventType(), "old", []byte(now)),
		Until: policy.On(at).Alias.After(at).UTC(), Line: l.Seq,
	})
	if core.IsReason(err, mailbox.NotOpen) {
		return r.raise(ctx, register.CPR, l, register.Nobody)
	}

	return err
}

// currentNumber gives the number that an owner has now; empty for one whom no register knows.
func currentNumber(box mailbox.State, k vault.Key) (string, error) {
	sealed := box.Facts().Number
	if len(sealed) == 0 {
		return "", nil
	}
	b, err := k.Open(mailbox.Opened{}.EventType(), "number", sealed)

	return string(b), err
}

// endAlias has an old number find nobody any more, if its time is over.
func (r *Registers) endAlias(ctx context.Context, id domain.MailboxID, now time.Time) error {
	box, err := r.box(id)
	over := slices.DeleteFunc(slices.Clone(box.Life.Olds), func(o mailbox.OldNumber) bool { return o.Until.After(now) })
	if err != nil || len(over) == 0 {
		return err
	}

	r.lanes[register.CPR].Lock() // no number changes meanwhile
	defer r.lanes[register.CPR].Unlock()

	k, err := r.core.Key(id, 0)
	if err != nil {
		return err
	}

	if box, err = r.box(id); err != nil {
		return err
	}

	current, err := currentNumber(box, k)
	if err != nil {
		return err
	}

	// The numbers first: a crash before the event leaves them due.
	for _, o := range over {
		old, err := k.Open(mailbox.NumberChanged{}.EventType(), "old", o.Number)
		if err != nil {
			return err
		}

		if string(old) == current {
			continue // it has come back to its owner
		}

		if err := vault.Withdraw(r.core.Vault, vault.Citizen, string(old), vault.Owner(id)); err != nil {
			return err
		}
	}

	m := core.Machine{Kind: access.Clock, Thing: r.core.NewID()}
	_, err = r.core.ByMachine(ctx, m, id, mailbox.EndAlias{At: now})

	return err
}

// SignedIn opens the mailbox of a company before the end of its grace period, because it signs in; false if it has none
// that waits.
func (r *Registers) SignedIn(ctx context.Context, cvr string) (domain.MailboxID, bool, error) {
	owner, known, err := r.core.Vault.Find(vault.Company, cvr)
	id := domain.MailboxID(owner)
	if err != nil || !known {
		return id, false, err
	}

	box, err := r.box(id)
	if err != nil || box.Life.Opens.IsZero() {
		return id, false, err
	}

	m := core.Machine{Kind: access.Register, Once: "signed in", Thing: id}
	_, err = r.core.ByMachine(ctx, m, id, mailbox.OpenDue{At: r.core.Now(), SignIn: true})
	if err == nil {
		_, err = r.core.Mailbox(id)
	}

	if errors.Is(err, core.ErrNotFound) {
		return id, false, nil
	}

	return id, err == nil, err
}
