package exemption

import (
	"context"
	"slices"
	"strings"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/people"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/directory"
)

// A Found is one whom an officer has found by their number.
type Found struct {
	Person    people.Person
	Exemption Status // of version 0: there never was any
}

// Find finds the owner of a number for an officer, who says for which municipality they act. The look is recorded in
// the owner's looks before the answer, and so is a number that nobody has in the officer's own, who may ask for 20 such
// in an hour. ErrNotFound for a number that nobody has.
func (x *Exemption) Find(
	ctx context.Context, p access.Principal, kind mailbox.OwnerKind, number string,
) (out Found, err error) {
	if !x.Decides(p) {
		return out, core.ErrForbidden
	}

	if p.Authority == (domain.OrganisationID{}) {
		return out, domain.Refuse(access.NoAuthority)
	}

	box, ok, err := x.people.MatchNumber(ctx, p, kind, number)
	if err == nil && !ok {
		err = core.ErrNotFound
	}

	if err != nil {
		return out, err
	}

	if err := x.lookAt(ctx, p, box); err != nil {
		return out, err
	}

	if out.Person, err = x.people.Owner(box); err != nil {
		return out, err
	}
	out.Exemption, err = x.status(box, true)

	return out, err
}

// lookAt records that an officer looks at an owner's case, who may; where people are real, for which authority.
func (x *Exemption) lookAt(ctx context.Context, p access.Principal, box domain.MailboxID) error {
	if x.core.Mandates && x.Decides(p) && p.Authority == (domain.OrganisationID{}) {
		return domain.Refuse(access.NoAuthority)
	}

	a, err := x.core.Admit(ctx, p, box, access.Exempt)
	if err != nil {
		return err
	}

	return x.core.Look(ctx, a, looks.CaseOpened{})
}

// status reads where an exemption stands; what is for officers only is unsealed for them.
func (x *Exemption) status(box domain.MailboxID, officer bool) (out Status, err error) {
	row, err := x.core.Mailbox(box)
	if err != nil {
		return out, err
	}

	out = Status{Mailbox: box, Row: row.Exemption}
	shown := row.Exemption.Shown
	open := func(leaf uint32, e mailbox.Event, field string, sealed domain.Sealed) string {
		plain, openErr := x.core.Opened(box, leaf, e.EventType(), field, sealed)
		if err == nil {
			err = openErr
		}

		return string(plain)
	}

	out.Grounds = open(shown.GroundsLeaf, mailbox.ExemptionRefused{}, "grounds", shown.Grounds)
	if !officer {
		return out, err
	}

	out.Criteria = strings.Fields(open(shown.Leaf, mailbox.ExemptionApplied{}, "criteria", shown.Criteria))
	slices.Sort(out.Criteria)
	out.Address = open(shown.AddressLeaf, mailbox.PostalAddressSet{}, "address", shown.Address)

	return out, err
}

// Status shows an officer where an owner's exemption stands, with its criteria, which is recorded; the owner sees that
// it stands, and no criterion.
func (x *Exemption) Status(
	ctx context.Context, p access.Principal, box domain.MailboxID, officer bool,
) (out Status, err error) {
	if officer {
		err = x.lookAt(ctx, p, box)
	} else {
		_, err = x.core.Admit(ctx, p, box, access.Settings)
	}

	if err != nil {
		return out, err
	}

	out, err = x.status(box, officer)
	if err == nil && out.Row.Version == 0 {
		err = core.ErrNotFound
	}

	return out, err
}

// Mailbox gives the mailbox that an exemption is of.
func (x *Exemption) Mailbox(id domain.GrantID) (domain.MailboxID, error) {
	d, err := directory.At(x.core.Views)
	if err != nil {
		return domain.MailboxID{}, err
	}
	defer d.Close()

	box, ok := d.ExemptionOf(id)
	if !ok {
		return box, core.ErrNotFound
	}

	return box, nil
}
