// Package exemption is exemption from public post (fritagelse, § 5 of the Act on Digital Post): at the municipality's
// counter, and online by its owner.
package exemption

import (
	"context"
	"slices"
	"strings"

	"digitalpost/adapters/backbone/contacts"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/people"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// An Application is what happens at the municipality's counter.
type Application struct {
	Criteria    []string // of mailbox.Criteria
	InPerson    bool
	IDShown     bool
	Declaration bool // signed
	Proxy       bool // by one with a power of attorney
	BothSigned  bool // of a proxy's form
	Decide      bool // and granted at once
	Address     string
}

// A Status is where an owner's exemption stands.
type Status struct {
	Grounds  string // of a refusal: for the owner too
	Mailbox  domain.MailboxID
	Row      mailbox.Exemption
	Criteria []string // for officers only
	Address  string   // for officers only
}

// Exemption decides and shows it. It may be used by many goroutines at once.
type Exemption struct {
	core     *core.Core
	people   *people.People
	contacts *contacts.Contacts
}

// New makes one.
func New(c *core.Core, p *people.People, x *contacts.Contacts) *Exemption { return &Exemption{c, p, x} }

// Decides reports whether a principal decides on exemptions at all.
func (x *Exemption) Decides(p access.Principal) bool {
	return slices.ContainsFunc(p.Privileges, func(m access.Privilege) bool { return m.Right.Allows(access.Exempt) })
}

// Apply takes an application for exemption, and grants it if it is to be decided at once.
func (x *Exemption) Apply(ctx context.Context, ask core.Ask, in Application) (Status, eventstore.Position, error) {
	id := domain.GrantID(x.core.NewID())
	all := mailbox.All{mailbox.ApplyForExemption{
		Exemption: id, Version: ask.Version, Criteria: in.Criteria, Proxy: in.Proxy, InPerson: in.InPerson,
		IDShown: in.IDShown, Declaration: in.Declaration, BothSigned: in.BothSigned,
		Seal: x.seal(ask.Mailbox, mailbox.ExemptionApplied{}, "criteria", strings.Join(in.Criteria, " ")),
	}}

	if in.Decide {
		all = append(all, mailbox.GrantExemption{Exemption: id})
	}

	if in.Address != "" {
		all = append(all, mailbox.SetPostalAddress{
			Address: in.Address, Seal: x.seal(ask.Mailbox, mailbox.PostalAddressSet{}, "address", in.Address),
		})
	}

	return x.run(ctx, ask, access.Exempt, in, all)
}

func (x *Exemption) seal(box domain.MailboxID, e mailbox.Event, field, words string) domain.Seal {
	return x.core.Sealing(box, e, field, []byte(words))
}

// run executes a command, and gives where the exemption stands then.
func (x *Exemption) run(
	ctx context.Context, ask core.Ask, action access.Action, asked any, cmd mailbox.Command,
) (Status, eventstore.Position, error) {
	// What an officer is told, or refused for, says where somebody's exemption stands: it is a look, too, and recorded
	// before anything is decided or answered.
	if action == access.Exempt {
		if err := x.lookAt(ctx, ask.Principal, ask.Mailbox); err != nil {
			return Status{}, 0, err
		}
	}

	a, err := x.core.Admit(ctx, ask.Principal, ask.Mailbox, action)
	if err != nil {
		return Status{}, 0, err
	}

	done, err := x.core.Execute(ctx, a, ask.Of(asked, domain.MessageID{}), cmd)
	if err != nil {
		return Status{}, 0, err
	}
	out, err := x.status(ask.Mailbox, true)

	return out, done.Position, err
}

// A Decision is what is decided on an application.
type Decision struct {
	Exemption domain.GrantID
	Grant     bool
	Grounds   string // of a refusal
}

// Decide grants an application, or refuses it on grounds.
func (x *Exemption) Decide(ctx context.Context, ask core.Ask, d Decision) (Status, eventstore.Position, error) {
	var cmd mailbox.Command = mailbox.GrantExemption{Exemption: d.Exemption, Version: ask.Version}
	if !d.Grant {
		cmd = mailbox.RefuseExemption{
			Exemption: d.Exemption, Version: ask.Version,
			Seal: x.seal(ask.Mailbox, mailbox.ExemptionRefused{}, "grounds", d.Grounds),
		}
	}

	return x.run(ctx, ask, access.Exempt, d, cmd)
}

// addressChange is the request to set a postal address.
type addressChange struct {
	Exemption domain.GrantID
	Address   string
}

// SetAddress says where paper goes; an empty one is the registered address.
func (x *Exemption) SetAddress(
	ctx context.Context, ask core.Ask, id domain.GrantID, address string,
) (Status, eventstore.Position, error) {
	return x.run(ctx, ask, access.Exempt, addressChange{id, address}, mailbox.SetPostalAddress{
		Exemption: id, Version: ask.Version, Address: address,
		Seal: x.seal(ask.Mailbox, mailbox.PostalAddressSet{}, "address", address),
	})
}

// exemptionEnd is the request to end an exemption at the municipality.
type exemptionEnd struct{ Exemption domain.GrantID }

// End ends an exemption at the municipality.
func (x *Exemption) End(ctx context.Context, ask core.Ask, id domain.GrantID) (Status, eventstore.Position, error) {
	return x.run(ctx, ask, access.Exempt, exemptionEnd{id}, mailbox.RevokeExemption{
		By: mailbox.ByMunicipality, Exemption: id, Version: ask.Version,
	})
}

// Contacts are contact details, as somebody names them; an empty one is not named.
type Contacts struct{ EMail, Mobile string }

// hashes gives those that are named as the rules know them.
func (x *Exemption) hashes(box domain.MailboxID, c Contacts) (out []domain.UUID, err error) {
	for kind, words := range map[mailbox.DetailKind]string{mailbox.EMail: c.EMail, mailbox.Mobile: c.Mobile} {
		if words == "" {
			continue
		}

		h, err := x.contacts.Hash(box, contacts.Kept(kind, words))
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}

	return out, nil
}

// Cancel is the owner's own: online, once they have confirmed an e-mail address or a Danish mobile number. Those that
// are named must be confirmed.
func (x *Exemption) Cancel(ctx context.Context, ask core.Ask, named Contacts) (Status, eventstore.Position, error) {
	hashes, err := x.hashes(ask.Mailbox, named)
	if err != nil {
		return Status{}, 0, err
	}

	return x.run(ctx, ask, access.Settings, named, mailbox.RevokeExemption{
		By: mailbox.BySelf, Version: ask.Version, Contacts: hashes,
	})
}

// IsExempt reports whether the owner of a number is exempt, and whether there is one; no reason is given to anybody.
func (x *Exemption) IsExempt(kind mailbox.OwnerKind, number string) (exempt, known bool, err error) {
	id, ok, err := x.people.Find(kind, number)
	if err != nil || !ok {
		return false, false, err
	}
	box, err := x.core.Mailbox(id)

	return box.Exemption.Exempt, true, err
}
