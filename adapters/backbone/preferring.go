package backbone

import (
	"cmp"
	"context"
	"slices"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections"
	"digitalpost/projections/platform"
)

// Reasons of what an owner prefers.
const (
	UnknownSender domain.Reason = "sender.not.found"
	WrongPlatform domain.Reason = "sender.not.on.platform"
	NotOffered    domain.Reason = "language.not.offered"
	FollowsDevice domain.Reason = "language.follows.device"
)

// Language gives the language of a platform's texts for a mailbox: the one that was set, or the platform's usual one.
func (b *Backbone) Language(p Principal, id domain.MailboxID) (string, error) {
	lens, ok := platform.Of(p.Platform)
	if !ok {
		return "", ErrForbidden
	}
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return "", err
	}
	defer s.Close()
	row, _, err := s.Mailbox(id)
	if set := row.Languages[p.Platform]; set != "" {
		return set, err
	}
	return lens.Languages[0], err
}

// SetLanguage sets the language of the asker's platform for a mailbox. inApp says that it is for the platform's app, which may follow its device.
func (b *Backbone) SetLanguage(ctx context.Context, a Ask, language string, inApp bool) (eventstore.Position, error) {
	p, ok := platform.Of(a.Platform)
	switch {
	case !ok || !p.Speaks(language):
		return 0, domain.Refuse(NotOffered)
	case inApp && p.AppFollowsDevice:
		return 0, domain.Refuse(FollowsDevice)
	}
	_, at, err := b.run(ctx, &a, access.Settings, domain.MessageID{}, domain.FolderID{}, "language "+language, func(mailbox.State) (mailbox.Command, []access.Action, error) {
		return mailbox.SetLanguage{Platform: a.Platform, Language: language}, nil, nil
	})
	return at, err
}

// A PrivateSender is a company that sends through a platform, and what the owner has said to it.
type PrivateSender struct {
	ID        domain.OrganisationID
	CVR, Name string
	Asked     bool
	Consent   mailbox.SenderConsent
}

// PrivateSenders gives the companies that send through the asker's platform, by name, and whether the owner is exempt from public post. Other platforms' are not told of.
func (b *Backbone) PrivateSenders(ctx context.Context, p Principal, id domain.MailboxID) (out []PrivateSender, exempt bool, err error) {
	v, err := b.enter(ctx, p, id, access.Settings)
	if err != nil {
		return nil, false, err
	}
	defer v.Close()
	row, _, err := v.Mailbox(id)
	if err != nil {
		return nil, false, err
	}
	said, err := v.PrivateSenders(id)
	if err != nil {
		return nil, false, err
	}
	companies, err := b.companiesOn(v.lens.Private)
	if err != nil {
		return nil, false, err
	}
	for _, s := range companies {
		s.Consent, s.Asked = said[mailbox.PrivateSender{Platform: v.lens.Private, Organisation: s.ID}]
		out = append(out, s)
	}
	slices.SortFunc(out, func(x, y PrivateSender) int {
		return cmp.Or(cmp.Compare(Fold(x.Name), Fold(y.Name)), cmp.Compare(x.CVR, y.CVR))
	})
	return out, row.Exemption.State.Exempt, nil
}

// companiesOn gives the companies whose systems are registered with a platform.
func (b *Backbone) companiesOn(name string) (out []PrivateSender, err error) {
	if name == "" {
		return nil, nil
	}
	systems, err := b.Systems()
	for _, s := range systems {
		if s.Organisation.Kind == organisation.Company && s.Platform == name && !slices.ContainsFunc(out, func(x PrivateSender) bool { return x.ID == s.OrgID }) {
			out = append(out, PrivateSender{ID: s.OrgID, CVR: s.Organisation.CVR, Name: s.Organisation.Name})
		}
	}
	return out, err
}

// ConsentToSender gives or withdraws the owner's consent to a company's private post through the asker's platform.
func (b *Backbone) ConsentToSender(ctx context.Context, a Ask, id domain.OrganisationID, given bool) (eventstore.Position, error) {
	known, here := false, false
	systems, err := b.Systems()
	if err != nil {
		return 0, err
	}
	for _, s := range systems {
		if s.OrgID == id && s.Organisation.Kind == organisation.Company && s.Platform != "" {
			known, here = true, here || s.Platform == a.Platform
		}
	}
	switch {
	case !known:
		return 0, domain.Refuse(UnknownSender)
	case !here:
		return 0, domain.Refuse(WrongPlatform)
	}
	what := "take post of " + id.String()
	if !given {
		what = "do not " + what
	}
	_, at, err := b.run(ctx, &a, access.Settings, domain.MessageID{}, domain.FolderID{}, what, func(mailbox.State) (mailbox.Command, []access.Action, error) {
		if a.by.lens.Private != a.Platform {
			return nil, nil, ErrForbidden // a delegate has nothing to say of private post
		}
		return mailbox.ConsentToSender{Sender: mailbox.PrivateSender{Platform: a.Platform, Organisation: id}, Given: given}, nil, nil
	})
	return at, err
}
