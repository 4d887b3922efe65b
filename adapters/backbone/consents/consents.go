// Package consents is what an owner has consented to: that a platform shows public post, and that a company sends them
// private post.
package consents

import (
	"cmp"
	"context"
	"slices"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/text"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections/platform"
)

// Consents gives, withdraws and shows them. It may be used by many goroutines at once.
type Consents struct {
	core          *core.Core
	organisations *organisations.Organisations
}

// New makes one.
func New(c *core.Core, o *organisations.Organisations) *Consents { return &Consents{c, o} }

// A ToPlatform is the owner's word on a platform that shows public post.
type ToPlatform struct {
	Platform string
	Given    bool
}

func (c ToPlatform) command() mailbox.Command {
	p, ok := platform.Of(c.Platform)
	return mailbox.Consent{Platform: c.Platform, Given: c.Given, Needed: ok && p.Consent}
}

// Set gives or withdraws the owner's consent that a platform shows public post.
func (c *Consents) Set(ctx context.Context, ask core.Ask, to ToPlatform) (eventstore.Position, error) {
	a, err := c.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Settings)
	if err != nil {
		return 0, err
	}
	done, err := c.core.Execute(ctx, a, ask.Of(to, domain.MessageID{}), to.command())

	return done.Position, err
}

// GiveAtRegistration is consent by a made-up person at their registration; one who has ever said yes or no is not asked
// again.
func (c *Consents) GiveAtRegistration(ctx context.Context, box domain.MailboxID, name string) error {
	row, err := c.core.Mailbox(box)
	if err != nil {
		return err
	}

	if _, asked := row.Consents[name]; asked {
		return nil
	}

	m := core.Machine{Kind: access.Register, Once: "consent " + name, Thing: box}
	_, err = c.core.ByMachine(ctx, m, box, ToPlatform{name, true}.command())

	return err
}

// Platforms gives the platforms that need the owner's consent, and whether they have it.
func (c *Consents) Platforms(ctx context.Context, p access.Principal, box domain.MailboxID) (map[string]bool, error) {
	if _, err := c.core.Admit(ctx, p, box, access.Settings); err != nil {
		return nil, err
	}

	row, err := c.core.Mailbox(box)
	out := map[string]bool{}
	for _, p := range platform.All {
		if p.Consent {
			out[p.ID] = row.Consents[p.ID]
		}
	}

	return out, err
}

// A Sender is a company that sends through a platform, and what the owner has said to it.
type Sender struct {
	ID        domain.OrganisationID
	CVR, Name string
	Asked     bool
	Consent   mailbox.SenderConsent
}

// Senders gives the companies that send through the asker's platform, by name, and whether the owner is exempt from
// public post. Other platforms' are not told of.
func (c *Consents) Senders(
	ctx context.Context, p access.Principal, box domain.MailboxID,
) (out []Sender, exempt bool, err error) {
	v, err := c.core.Enter(ctx, p, box, access.Settings)
	if err != nil {
		return nil, false, err
	}
	defer v.Close()

	row, _, err := v.View.Mailbox(box)
	if err != nil {
		return nil, false, err
	}

	said, err := v.View.PrivateSenders(box)
	if err != nil {
		return nil, false, err
	}

	companies, err := c.organisations.Companies(v.Lens.Private)
	if err != nil {
		return nil, false, err
	}

	for id, o := range companies {
		s := Sender{ID: id, CVR: o.CVR, Name: o.Name}
		s.Consent, s.Asked = said[mailbox.PrivateSender{Platform: v.Lens.Private, Organisation: id}]
		out = append(out, s)
	}
	slices.SortFunc(out, func(x, y Sender) int {
		return cmp.Or(cmp.Compare(text.Fold(x.Name), text.Fold(y.Name)), cmp.Compare(x.CVR, y.CVR))
	})

	return out, row.Exemption.Exempt, nil
}

// A ToSender is the owner's word on a company's private post.
type ToSender struct {
	Organisation domain.OrganisationID
	Given        bool
}

// SetSender gives or withdraws the owner's consent to a company's private post through the asker's platform.
func (c *Consents) SetSender(ctx context.Context, ask core.Ask, to ToSender) (eventstore.Position, error) {
	a, err := c.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Settings)
	if err != nil {
		return 0, err
	}

	if a.Lens.Private != ask.Platform {
		return 0, core.ErrForbidden // a delegate has nothing to say of private post
	}

	cmd := mailbox.ConsentToSender{
		Sender: mailbox.PrivateSender{Platform: ask.Platform, Organisation: to.Organisation}, Given: to.Given,
	}
	systems, err := c.organisations.Systems()
	if err != nil {
		return 0, err
	}

	for _, s := range systems { // one that was withdrawn, too: what it has sent or scheduled may still be declined
		if s.OrgID == to.Organisation && s.Organisation.Kind == organisation.Company && s.Platform != "" {
			cmd.Known, cmd.Here = true, cmd.Here || s.Platform == ask.Platform
		}
	}
	done, err := c.core.Execute(ctx, a, ask.Of(to, domain.MessageID{}), cmd)

	return done.Position, err
}
