package access

import (
	"context"
	"errors"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/people"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// A Door is a mailbox that somebody may open, and by which right.
type Door struct {
	Mailbox domain.MailboxID
	Right   access.Right
	Grant   domain.GrantID
}

// Door gives the right by which a principal may open a mailbox.
func (x *Access) Door(ctx context.Context, p access.Principal, box domain.MailboxID) (Door, error) {
	a, err := x.core.Admit(ctx, p, box, access.List)
	return Door{a.Mailbox, a.Right, a.Grant}, err
}

// Behind gives whose mailbox lies behind a door, and its own row.
func (x *Access) Behind(d Door) (people.Person, mailbox.Box, error) {
	box, err := x.core.Mailbox(d.Mailbox)
	if err != nil {
		return people.Person{}, box, err
	}
	owner, err := x.people.Of(d.Mailbox, box)

	return owner, box, err
}

// Doors gives all mailboxes that a principal may open through the platform: their own, those of privileges, those of
// grants.
func (x *Access) Doors(p access.Principal) (out []Door, err error) {
	candidates := []domain.MailboxID{p.Identity}
	for _, m := range p.Privileges {
		candidates = append(candidates, m.Mailbox)
	}

	granted, err := x.grantedTo(p.Identity)
	if err != nil {
		return nil, err
	}

	for _, g := range granted {
		candidates = append(candidates, g.Mailbox)
	}

	seen := map[domain.MailboxID]bool{{}: true}
	for _, id := range candidates {
		if seen[id] {
			continue
		}
		seen[id] = true

		a, err := x.core.May(p, id, access.List)
		switch {
		case err == nil:
			out = append(out, Door{id, a.Right, a.Grant})
		case !errors.Is(err, core.ErrForbidden) && !core.IsRefused(err) && !errors.Is(err, core.ErrParked):
			return nil, err
		}
	}

	return out, nil
}
