package backbone

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// Reasons that are known before a mailbox is asked.
const (
	GranteeNoMailbox domain.Reason = "access.grantee.no.mailbox"
	OwnerNotFound    domain.Reason = "access.owner.not.found"
	NoDocumentation  domain.Reason = "access.documentation.missing"
)

const maxDocumentation = 1000 // characters

// An Access is access of one mailbox's owner to another mailbox, granted or asked for, as both sides see it.
type Access struct {
	ID      domain.GrantID
	Mailbox domain.MailboxID
	Owner   string // name of the mailbox's owner
	Grantee string // name of who has access
	Row     projections.GrantRow
	Over    bool // its time is over
}

// endOfDay gives the moment at which access that is granted until a date ends: the end of that day in Copenhagen. An empty date is none.
func endOfDay(date string) (time.Time, error) {
	if date == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, date, memo.Copenhagen)
	return t.AddDate(0, 0, 1).UTC(), err
}

// LastDay gives the day at whose end access ends; empty for none.
func LastDay(until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return until.In(memo.Copenhagen).AddDate(0, 0, -1).Format(time.DateOnly)
}

// Grant gives another's owner access to a mailbox, until the end of a date (2006-01-02) if one is given. An officer says what documentation was shown.
func (b *Backbone) Grant(ctx context.Context, a Ask, grantee domain.MailboxID, right access.Right, until, documentation string) (Access, eventstore.Position, error) {
	end, err := endOfDay(until)
	if err != nil {
		return Access{}, 0, domain.Refuse(mailbox.AccessPast)
	}
	v, err := b.enter(ctx, a.Principal, a.Mailbox, access.GrantAccess) // who may not grant is not told who has a mailbox
	if err != nil {
		return Access{}, 0, err
	}
	_, open, err := v.Mailbox(grantee)
	v.Close()
	if err == nil && !open {
		err = domain.Refuse(GranteeNoMailbox)
	}
	if err != nil {
		return Access{}, 0, err
	}
	id := domain.GrantID(b.newID())
	if a.Key != "" {
		who := identityOf(a.Principal)
		id = domain.DeriveID("grant", a.Mailbox[:], who[:], []byte(a.Platform), []byte(a.Key))
	}
	what := strings.Join([]string{"grant", grantee.String(), string(right), until, documentation}, " ")
	_, at, err := b.run(ctx, &a, access.GrantAccess, domain.MessageID{}, domain.FolderID{}, what, func(mailbox.State) (mailbox.Command, []access.Action, error) {
		e := mailbox.AccessGranted{Grant: id, Grantee: grantee, Right: right, Until: end, Via: via(a.by.right)}
		if e.Via != mailbox.ViaOwner {
			if grantee == a.Identity { // nobody who has no part in a mailbox lets themselves in
				return nil, nil, domain.Refuse(mailbox.AccessSelf)
			}
			if documentation == "" || len([]rune(documentation)) > maxDocumentation {
				return nil, nil, domain.Refuse(NoDocumentation)
			}
			k, err := b.vault.Key(vault.Owner(a.Mailbox), 0)
			if err != nil {
				return nil, nil, err
			}
			e.Documentation = k.Seal(e.EventType(), "documentation", []byte(documentation))
		}
		return mailbox.GiveAccess{Granted: e, Mailbox: a.Mailbox, Now: b.now()}, nil, nil
	})
	if err != nil {
		return Access{}, 0, err
	}
	out, err := b.access(a.Mailbox, id)
	return out, at, err
}

// MayGrant tells whether a principal may grant access to a mailbox.
func (b *Backbone) MayGrant(ctx context.Context, p Principal, id domain.MailboxID) error {
	v, err := b.enter(ctx, p, id, access.GrantAccess)
	if err == nil {
		v.Close()
	}
	return err
}

func via(r access.Right) string {
	switch r {
	case access.Officer, access.BusinessOfficer:
		return mailbox.ViaMunicipality
	case access.Operator:
		return mailbox.ViaOperator
	}
	return mailbox.ViaOwner
}

// Named gives the mailbox of one with a number and a name. That nobody has that number, and that it is another's name, are the same answer.
func (b *Backbone) Named(kind mailbox.OwnerKind, number, name string) (domain.MailboxID, bool, error) {
	id, ok, err := b.Find(kind, number)
	if err != nil || !ok {
		return id, false, err
	}
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return id, false, err
	}
	defer s.Close()
	owner, err := b.nameOf(s, id)
	return id, err == nil && foldName(owner) == foldName(strings.Join(strings.Fields(name), " ")), err
}

// RequestAccess asks for access to the mailbox of a person with a number and a name, for who asks. That nobody has that number, and that it is another's name, are
// the same answer.
func (b *Backbone) RequestAccess(ctx context.Context, p Principal, cpr, name string, right access.Right, until string) (Access, eventstore.Position, error) {
	if !access.UsesGrants(p) {
		return Access{}, 0, ErrForbidden
	}
	end, err := endOfDay(until)
	if err != nil {
		return Access{}, 0, domain.Refuse(mailbox.AccessPast)
	}
	id, ok, err := b.Named(mailbox.Citizen, cpr, name)
	if err != nil {
		return Access{}, 0, err
	}
	if !ok {
		return Access{}, 0, domain.Refuse(OwnerNotFound)
	}
	grant := domain.GrantID(b.newID())
	at, err := b.ofOthers(ctx, p, id, grant, func(mailbox.State) (mailbox.Command, error) {
		r := mailbox.AccessRequested{Grant: grant, Grantee: p.Identity, Right: right, Until: end}
		return mailbox.RequestAccess{Requested: r, Mailbox: id, Now: b.now()}, nil
	})
	if err != nil {
		return Access{}, 0, err
	}
	out, err := b.access(id, grant)
	return out, at, err
}

// ofOthers runs a command on a mailbox by one who has no right to it, and needs none.
func (b *Backbone) ofOthers(ctx context.Context, p Principal, id domain.MailboxID, grant domain.GrantID, make func(mailbox.State) (mailbox.Command, error)) (eventstore.Position, error) {
	h := b.mailboxes
	h.Start = b.startWith()
	meta := eventstore.Meta{Command: b.newID(), Actor: actorOf(p, access.None), Platform: p.Platform, OnBehalfOf: id, Grant: grant}
	_, at, err := h.Execute(ctx, mailboxStream(id), meta, make)
	if err != nil {
		return 0, err
	}
	if at == 0 {
		at = b.store.Last()
	}
	return at, b.Fresh(ctx, at)
}

// atVersion compares a thing's version with the one that the asker knows, if they gave one. It is asked while a command is decided: what comes between that and the append
// is a conflict, and asked again.
func (b *Backbone) atVersion(ctx context.Context, a Ask, of func(*projections.Snapshot) (uint32, error)) error {
	if a.Version == 0 {
		return nil
	}
	_, last := b.store.Head(mailboxStream(a.Mailbox))
	if err := b.views.Wait(ctx, last); err != nil {
		return err
	}
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return err
	}
	defer s.Close()
	now, err := of(s)
	if err == nil && now != a.Version {
		err = &domain.Rejection{Reason: mailbox.StaleVersion, Version: now}
	}
	return err
}

// grantAt is atVersion of a grant or a request.
func (b *Backbone) grantAt(ctx context.Context, a Ask, id domain.GrantID) error {
	return b.atVersion(ctx, a, func(s *projections.Snapshot) (uint32, error) {
		r, ok, err := s.Grant(a.Mailbox, id)
		if err == nil && !ok {
			err = ErrNotFound
		}
		return r.Version, err
	})
}

// Approve answers a request for access with yes; Decline with no, or, by who asked, takes it back.
func (b *Backbone) Approve(ctx context.Context, a Ask, id domain.GrantID) (Access, eventstore.Position, error) {
	_, at, err := b.run(ctx, &a, access.GrantAccess, domain.MessageID{}, domain.FolderID{}, "approve "+id.String(), func(mailbox.State) (mailbox.Command, []access.Action, error) {
		if via(a.by.right) != mailbox.ViaOwner { // an officer grants with documentation, of their own accord
			return nil, nil, domain.Refuse(NoDocumentation)
		}
		if err := b.grantAt(ctx, a, id); err != nil {
			return nil, nil, err
		}
		return mailbox.Approve{Grant: id, Mailbox: a.Mailbox, Via: mailbox.ViaOwner, Now: b.now()}, nil, nil
	})
	if err != nil {
		return Access{}, 0, err
	}
	out, err := b.access(a.Mailbox, id)
	return out, at, err
}

// Decline turns a request down: see Approve.
func (b *Backbone) Decline(ctx context.Context, a Ask, id domain.GrantID) (Access, eventstore.Position, error) {
	return b.end(ctx, a, id, mailbox.Decline{Grant: id})
}

// Revoke ends access at once: by the owner or an officer, or by who has it.
func (b *Backbone) Revoke(ctx context.Context, a Ask, id domain.GrantID) (Access, eventstore.Position, error) {
	return b.end(ctx, a, id, mailbox.Revoke{Grant: id})
}

// end ends a grant or a request. Who has it, or asked for it, may always give it up.
func (b *Backbone) end(ctx context.Context, a Ask, id domain.GrantID, c mailbox.Command) (Access, eventstore.Position, error) {
	before, err := b.access(a.Mailbox, id)
	if err != nil {
		return before, 0, err
	}
	var at eventstore.Position
	if before.Row.Grant.Grantee == a.Identity && access.UsesGrants(a.Principal) {
		at, err = b.ofOthers(ctx, a.Principal, a.Mailbox, id, func(mailbox.State) (mailbox.Command, error) { return c, b.grantAt(ctx, a, id) })
	} else {
		_, at, err = b.run(ctx, &a, access.GrantAccess, domain.MessageID{}, domain.FolderID{}, "end "+id.String(), func(mailbox.State) (mailbox.Command, []access.Action, error) {
			return c, nil, b.grantAt(ctx, a, id)
		})
	}
	if err != nil {
		return Access{}, 0, err
	}
	out, err := b.access(a.Mailbox, id)
	return out, at, err
}

func (b *Backbone) access(box domain.MailboxID, id domain.GrantID) (Access, error) {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return Access{}, err
	}
	defer s.Close()
	r, ok, err := s.Grant(box, id)
	if err != nil || !ok {
		return Access{}, errors.Join(err, ErrNotFound)
	}
	return b.showAccess(s, box, id, r)
}

func (b *Backbone) showAccess(s *projections.Snapshot, box domain.MailboxID, id domain.GrantID, r projections.GrantRow) (out Access, err error) {
	out = Access{ID: id, Mailbox: box, Row: r, Over: !r.Grant.InForce(b.now())}
	if out.Owner, err = b.nameOf(s, box); err != nil {
		return out, err
	}
	out.Grantee, err = b.nameOf(s, r.Grant.Grantee)
	return out, err
}

// maxEnded is how many ended grants and requests of a mailbox are shown.
const maxEnded = 1000

// Accesses gives all access to a mailbox that was granted or asked for, and of what was ended at most 1,000, oldest first, for those who may see it.
func (b *Backbone) Accesses(ctx context.Context, p Principal, id domain.MailboxID) (out []Access, err error) {
	v, err := b.enter(ctx, p, id, access.SeeAccess)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	rows, err := v.Grants(id)
	if err != nil {
		return nil, err
	}
	ended, err := v.Ended(id, maxEnded)
	if err != nil {
		return nil, err
	}
	maps.Copy(rows, ended)
	for g, r := range rows {
		x, err := b.showAccess(v.Snapshot, id, g, r)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	sortAccesses(out)
	return out, nil
}

func sortAccesses(all []Access) {
	slices.SortFunc(all, func(a, b Access) int {
		return cmp.Or(a.Row.At.Compare(b.Row.At), strings.Compare(a.ID.String(), b.ID.String()))
	})
}

// AccessesOf gives all access that was ever granted to who asks, or asked for by them, oldest first.
func (b *Backbone) AccessesOf(p Principal) (out []Access, err error) {
	if !access.UsesGrants(p) {
		return nil, nil
	}
	d, err := b.snapshot(projections.Directory{})
	if err != nil {
		return nil, err
	}
	given := d.GrantedTo(p.Identity)
	d.Close()
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for _, g := range given {
		r, ok, err := s.Grant(g.Mailbox, g.Grant)
		if err != nil {
			return nil, err
		}
		if ok && r.Grant.Grantee == p.Identity {
			x, err := b.showAccess(s, g.Mailbox, g.Grant, r)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
	}
	sortAccesses(out)
	return out, nil
}

// A Door is a mailbox that somebody may open, and by which right.
type Door struct {
	Mailbox domain.MailboxID
	Right   access.Right
	Grant   domain.GrantID
}

// Doors gives all mailboxes that a principal may open through the platform: their own, those of mandates, those of grants.
func (b *Backbone) Doors(p Principal) (out []Door, err error) {
	candidates := []domain.MailboxID{p.Identity}
	for _, m := range p.Mandates {
		candidates = append(candidates, m.Mailbox)
	}
	d, err := b.snapshot(projections.Directory{})
	if err != nil {
		return nil, err
	}
	for _, g := range d.GrantedTo(p.Identity) {
		candidates = append(candidates, g.Mailbox)
	}
	d.Close()
	seen := map[domain.MailboxID]bool{{}: true}
	for _, id := range candidates {
		if seen[id] {
			continue
		}
		seen[id] = true
		right, grant, err := b.may(p, id, access.List)
		switch {
		case err == nil:
			out = append(out, Door{id, right, grant})
		case !errors.Is(err, ErrForbidden) && !isRefused(err) && !errors.Is(err, ErrParked):
			return nil, err
		}
	}
	return out, nil
}
