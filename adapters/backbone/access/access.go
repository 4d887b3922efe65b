// Package access is access for others: granted by owners and offices, asked for, given up; and which mailboxes somebody
// may open.
package access

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/directory"
	"digitalpost/projections/mailboxes"
)

// Given is access of one mailbox's owner to another mailbox, granted or asked for, as both sides see it.
type Given struct {
	ID      domain.GrantID
	Mailbox domain.MailboxID
	Owner   string // name of the mailbox's owner
	Grantee string // name of who has access
	Row     mailbox.Grant
	Over    bool // its time is over
}

// Access grants and shows it. It may be used by many goroutines at once.
type Access struct {
	core   *core.Core
	people *people.People
	asked  *core.Guesses // requests of each person
	of     *core.Guesses // and of each person to another
}

// New makes one.
func New(c *core.Core, p *people.People) *Access {
	return &Access{
		c, p, core.NewGuesses(core.LimitRequests, MostRequests, RequestsIn),
		core.NewGuesses(core.LimitRequests, MostRequestsOf, RequestsIn),
	}
}

// How often a person may ask for access: of all others, and of the same one.
const (
	MostRequests   = 50
	MostRequestsOf = 5
	RequestsIn     = 24 * time.Hour
)

// endOfDay gives the moment at which access that is granted until a date ends: the end of that day in Copenhagen. An
// empty date is none.
func endOfDay(date string) (time.Time, error) {
	if date == "" {
		return time.Time{}, nil
	}

	t, err := time.ParseInLocation(time.DateOnly, date, memo.Copenhagen)
	if err != nil {
		return time.Time{}, domain.Refuse(mailbox.AccessPast)
	}

	return t.AddDate(0, 0, 1).UTC(), nil
}

// LastDay gives the day at whose end access ends; empty for none.
func LastDay(until time.Time) string {
	if until.IsZero() {
		return ""
	}

	return until.In(memo.Copenhagen).AddDate(0, 0, -1).Format(time.DateOnly)
}

// A Wish is what access is granted or asked for.
type Wish struct {
	Grantee       domain.MailboxID
	Right         access.Right
	Until         string // a date, 2006-01-02; empty: no end
	Documentation string // what was shown to an officer
}

// Grant gives another's owner access to a mailbox, until the end of a date if one is given. An officer says what
// documentation was shown.
func (x *Access) Grant(ctx context.Context, ask core.Ask, w Wish) (Given, eventstore.Position, error) {
	end, err := endOfDay(w.Until)
	if err != nil {
		return Given{}, 0, err
	}

	// Who may not grant is not told who has a mailbox.
	v, err := x.core.Enter(ctx, ask.Principal, ask.Mailbox, access.GrantAccess)
	if err != nil {
		return Given{}, 0, err
	}
	_, open, err := v.View.Mailbox(w.Grantee)
	v.Close()

	if err != nil {
		return Given{}, 0, err
	}

	e := mailbox.AccessGranted{Grant: x.core.ID(ask, "grant"), Grantee: w.Grantee, Right: w.Right, Until: end}
	done, err := x.core.Execute(ctx, v.Admission, ask.Of(w, domain.MessageID{}), mailbox.GrantAccess{
		Granted: e, GranteeOpen: open, Documentation: w.Documentation,
		Seal: x.core.Sealing(ask.Mailbox, e, "documentation", []byte(w.Documentation)),
	})

	return x.after(ask.Mailbox, e.Grant, done, err)
}

// after gives access as a command left it.
func (x *Access) after(
	box domain.MailboxID, id domain.GrantID, done core.Done, err error,
) (Given, eventstore.Position, error) {
	if err != nil {
		return Given{}, 0, err
	}
	out, err := x.given(box, id)

	return out, done.Position, err
}

// MayGrant refuses a principal who may not grant access to a mailbox, or not until that date, whoever gets it: before
// it is found out who that is.
func (x *Access) MayGrant(ctx context.Context, p access.Principal, box domain.MailboxID, until string) error {
	if _, err := x.core.Admit(ctx, p, box, access.GrantAccess); err != nil {
		return err
	}

	return x.notPast(until)
}

// notPast refuses a date that is over; an empty one is none.
func (x *Access) notPast(date string) error {
	end, err := endOfDay(date)
	if err == nil && !end.IsZero() && !x.core.Now().Before(end) {
		err = domain.Refuse(mailbox.AccessPast)
	}

	return err
}

// An Owner names the person whose mailbox access is asked for.
type Owner struct{ CPR, Name string }

// Request asks for access to the mailbox of a person with a number and a name, for who asks. That nobody has that
// number, and that it is another's name, are the same answer.
func (x *Access) Request(
	ctx context.Context, p access.Principal, to Owner, right access.Right, until string,
) (Given, eventstore.Position, error) {
	if !access.UsesGrants(p) {
		return Given{}, 0, core.ErrForbidden
	}

	end, err := endOfDay(until)
	if err != nil {
		return Given{}, 0, err
	}

	// Judged before the number is looked at: else what is refused here would tell that it fits.
	if err := x.notPast(until); err != nil {
		return Given{}, 0, err
	}
	if right == access.Designated {
		return Given{}, 0, domain.Refuse(mailbox.AccessKind)
	}

	box, ok, err := x.people.Match(ctx, p, mailbox.Citizen, to.CPR, to.Name)
	if err != nil {
		return Given{}, 0, err
	}

	if !ok {
		return Given{}, 0, domain.Refuse(mailbox.OwnerNotFound)
	}

	who := core.IdentityOf(p)
	err = x.asked.Take(who, x.core.Now())
	if err == nil {
		err = x.of.Take(domain.DeriveID("request", who[:], box[:]), x.core.Now())
	}
	if err != nil {
		return Given{}, 0, err
	}

	r := mailbox.AccessRequested{Grant: x.core.NewID(), Grantee: p.Identity, Right: right, Until: end}
	a := core.Stranger(p, box, r.Grant)
	done, err := x.core.Execute(ctx, a, core.Request{}, mailbox.RequestAccess{Requested: r})

	return x.after(box, r.Grant, done, err)
}

// answer is the request to approve or to end access.
type answer struct {
	Grant domain.GrantID
	Yes   bool
}

// Approve answers a request for access with yes; Decline with no, or, by who asked, takes it back.
func (x *Access) Approve(ctx context.Context, ask core.Ask, id domain.GrantID) (Given, eventstore.Position, error) {
	a, err := x.core.Admit(ctx, ask.Principal, ask.Mailbox, access.GrantAccess)
	if err != nil {
		return Given{}, 0, err
	}

	request := ask.Of(answer{id, true}, domain.MessageID{})
	done, err := x.core.Execute(ctx, a, request, mailbox.Approve{Grant: id, Version: ask.Version})

	return x.after(ask.Mailbox, id, done, err)
}

// Decline turns a request down: see Approve.
func (x *Access) Decline(ctx context.Context, ask core.Ask, id domain.GrantID) (Given, eventstore.Position, error) {
	return x.end(ctx, ask, id, answer{id, false}, mailbox.Decline{Grant: id, Version: ask.Version})
}

// revocation is the request to end access.
type revocation struct{ Grant domain.GrantID }

// Revoke ends access at once: by the owner or an officer, or by who has it.
func (x *Access) Revoke(ctx context.Context, ask core.Ask, id domain.GrantID) (Given, eventstore.Position, error) {
	return x.end(ctx, ask, id, revocation{id}, mailbox.Revoke{Grant: id, Version: ask.Version})
}

// end ends a grant or a request. Who has it, or asked for it, may always give it up.
func (x *Access) end(
	ctx context.Context, ask core.Ask, id domain.GrantID, asked any, cmd mailbox.Command,
) (Given, eventstore.Position, error) {
	before, err := x.given(ask.Mailbox, id)
	if err != nil {
		return before, 0, err
	}

	a := core.Stranger(ask.Principal, ask.Mailbox, id)
	if before.Row.Grant.Grantee != ask.Identity || !access.UsesGrants(ask.Principal) {
		if a, err = x.core.Admit(ctx, ask.Principal, ask.Mailbox, access.GrantAccess); err != nil {
			return Given{}, 0, err
		}
	}
	done, err := x.core.Execute(ctx, a, ask.Of(asked, domain.MessageID{}), cmd)

	return x.after(ask.Mailbox, id, done, err)
}

func (x *Access) given(box domain.MailboxID, id domain.GrantID) (Given, error) {
	s, err := mailboxes.At(x.core.Views)
	if err != nil {
		return Given{}, err
	}
	defer s.Close()

	row, ok, err := s.Grant(box, id)
	if err != nil || !ok {
		return Given{}, errors.Join(err, core.ErrNotFound)
	}

	return x.show(s, box, id, row)
}

func (x *Access) show(
	s *mailboxes.Snapshot, box domain.MailboxID, id domain.GrantID, row mailbox.Grant,
) (out Given, err error) {
	out = Given{ID: id, Mailbox: box, Row: row, Over: !row.Grant.InForce(x.core.Now())}
	if out.Owner, err = x.people.NameIn(s, box); err != nil {
		return out, err
	}
	out.Grantee, err = x.people.NameIn(s, row.Grant.Grantee)

	return out, err
}

// To gives all access to a mailbox that was granted or asked for, ended or not, the newest first, for those who may see
// it.
func (x *Access) To(ctx context.Context, p access.Principal, box domain.MailboxID) (out []Given, err error) {
	v, err := x.core.Enter(ctx, p, box, access.SeeAccess)
	if err != nil {
		return nil, err
	}
	defer v.Close()

	rows, err := v.View.Grants(box)
	if err != nil {
		return nil, err
	}

	ended, err := v.View.Ended(box)
	if err != nil {
		return nil, err
	}
	maps.Copy(rows, ended)

	for id, row := range rows {
		given, err := x.show(v.View, box, id, row)
		if err != nil {
			return nil, err
		}
		out = append(out, given)
	}
	sortGiven(out)

	return out, nil
}

func sortGiven(all []Given) {
	slices.SortFunc(all, func(a, b Given) int {
		return cmp.Or(b.Row.Shown.At.Compare(a.Row.Shown.At), strings.Compare(b.ID.String(), a.ID.String()))
	})
}

// Of gives all access that was ever granted to who asks, or asked for by them, the newest first.
func (x *Access) Of(p access.Principal) (out []Given, err error) {
	if !access.UsesGrants(p) {
		return nil, nil
	}

	granted, err := x.grantedTo(p.Identity)
	if err != nil {
		return nil, err
	}

	s, err := mailboxes.At(x.core.Views)
	if err != nil {
		return nil, err
	}
	defer s.Close()

	for _, g := range granted {
		row, ok, err := s.Grant(g.Mailbox, g.Grant)
		if err != nil {
			return nil, err
		}

		if !ok || row.Grant.Grantee != p.Identity {
			continue
		}

		given, err := x.show(s, g.Mailbox, g.Grant, row)
		if err != nil {
			return nil, err
		}
		out = append(out, given)
	}
	sortGiven(out)

	return out, nil
}

func (x *Access) grantedTo(id domain.MailboxID) ([]directory.Given, error) {
	d, err := directory.At(x.core.Views)
	if err != nil {
		return nil, err
	}
	defer d.Close()

	return d.GrantedTo(id), nil
}
