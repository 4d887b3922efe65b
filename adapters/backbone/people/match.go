package people

import (
	"context"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
)

// How often a person may name a number that nobody has, or that is another's.
const (
	MostMismatches = 20
	MismatchesIn   = time.Hour
)

// Match gives the mailbox of one with a number and a name, for somebody who acts for themselves. That nobody has the
// number, that their mailbox is not open, and that it is another's name, are the same answer, which counts: after 20 in
// an hour comes a *core.LimitedError, and nothing is looked at. A mismatch is recorded in the looks of who asked,
// without the number.
func (p *People) Match(
	ctx context.Context, who access.Principal, kind mailbox.OwnerKind, number, name string,
) (domain.MailboxID, bool, error) {
	return p.guess(ctx, who, func() (domain.MailboxID, bool, error) { return p.Named(kind, number, name) })
}

// MatchNumber is Match, without a name.
func (p *People) MatchNumber(
	ctx context.Context, who access.Principal, kind mailbox.OwnerKind, number string,
) (domain.MailboxID, bool, error) {
	return p.guess(ctx, who, func() (domain.MailboxID, bool, error) { return p.Find(kind, number) })
}

func (p *People) guess(
	ctx context.Context, who access.Principal, look func() (domain.MailboxID, bool, error),
) (domain.MailboxID, bool, error) {
	id := core.IdentityOf(who)
	if err := p.guesses.Take(id, p.core.Now()); err != nil {
		return domain.MailboxID{}, false, err
	}

	box, ok, err := look()
	if err == nil && ok {
		p.guesses.GiveBack(id)
		return box, true, nil
	}

	if err == nil {
		own := core.Admission{Principal: who, Mailbox: who.Identity, Right: access.Owner}
		err = p.core.Look(ctx, own, looks.Mismatched{})
	}

	return domain.MailboxID{}, false, err
}
