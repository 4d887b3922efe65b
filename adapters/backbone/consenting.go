package backbone

import (
	"context"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
	"digitalpost/projections/platform"
)

// NoConsentNeeded refuses consent for a platform that shows public post anyway, or that does not exist.
const NoConsentNeeded domain.Reason = "consent.not.needed"

// Consent gives or withdraws the owner's consent that a platform shows public post.
func (b *Backbone) Consent(ctx context.Context, a Ask, name string, given bool) (eventstore.Position, error) {
	if p, ok := platform.Of(name); !ok || !p.Consent {
		return 0, domain.Refuse(NoConsentNeeded)
	}
	what := "consent " + name
	if !given {
		what = "no " + what
	}
	_, at, err := b.run(ctx, &a, access.Settings, domain.MessageID{}, domain.FolderID{}, what, func(mailbox.State) (mailbox.Command, []access.Action, error) {
		return mailbox.Consent{Platform: name, Given: given}, nil, nil
	})
	return at, err
}

// GiveConsent is Consent by a made-up person at their registration; one who has ever said yes or no is not asked again.
func (b *Backbone) GiveConsent(ctx context.Context, id domain.MailboxID, name string) error {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return err
	}
	row, _, err := s.Mailbox(id)
	s.Close()
	if _, asked := row.Consents[name]; asked || err != nil {
		return err
	}
	h := b.mailboxes
	h.Start = b.startWith()
	meta := eventstore.Meta{Command: derivedCommand("consent "+name, id[:]), Actor: eventstore.Actor{Kind: "register"}}
	_, at, err := h.Execute(ctx, mailboxStream(id), meta, func(mailbox.State) (mailbox.Command, error) { return mailbox.Consent{Platform: name, Given: true}, nil })
	if err != nil {
		return err
	}
	return b.views.Wait(ctx, at)
}

// Consents gives the platforms that need the owner's consent, and whether they have it.
func (b *Backbone) Consents(ctx context.Context, p Principal, id domain.MailboxID) (map[string]bool, error) {
	v, err := b.enter(ctx, p, id, access.Settings)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	row, ok, err := v.Mailbox(id)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return consents(row), err
}

func consents(row projections.MailboxRow) map[string]bool {
	out := map[string]bool{}
	for _, p := range platform.All {
		if p.Consent {
			out[p.ID] = row.Consents[p.ID]
		}
	}
	return out
}
