// Package settings is what an owner sets of how platforms show their mailbox: the language of their texts.
package settings

import (
	"context"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/platform"
)

// Settings sets and shows them. It may be used by many goroutines at once.
type Settings struct{ core *core.Core }

// New makes one.
func New(c *core.Core) *Settings { return &Settings{c} }

// Language gives the language of a platform's texts for a mailbox: the one that was set, or the platform's usual one.
func (s *Settings) Language(p access.Principal, box domain.MailboxID) (string, error) {
	lens, ok := platform.Of(p.Platform)
	if !ok {
		return "", core.ErrForbidden
	}

	snap, err := mailboxes.At(s.core.Views)
	if err != nil {
		return "", err
	}
	defer snap.Close()

	row, _, err := snap.Mailbox(box)
	if set := row.Languages[p.Platform]; set != "" {
		return set, err
	}

	return lens.Languages[0], err
}

// A Language is what is set of a platform's texts.
type Language struct {
	Language string
	InApp    bool // for the platform's app, which may follow its device
}

// SetLanguage sets the language of the asker's platform for a mailbox.
func (s *Settings) SetLanguage(ctx context.Context, ask core.Ask, to Language) (eventstore.Position, error) {
	a, err := s.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Settings)
	if err != nil {
		return 0, err
	}

	p, ok := platform.Of(ask.Platform)
	done, err := s.core.Execute(ctx, a, ask.Of(to, domain.MessageID{}), mailbox.SetLanguage{
		Platform: ask.Platform, Language: to.Language,
		Offered: ok && p.Speaks(to.Language), Device: to.InApp && p.AppFollowsDevice,
	})

	return done.Position, err
}
