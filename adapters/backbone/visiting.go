package backbone

import (
	"context"
	"errors"
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
	"digitalpost/projections/platform"
)

// Principal is who asks, and through which platform.
type Principal = access.Principal

// A visit is the mailboxes view for one who may look at a mailbox, as it stands: by which right, and under which grant. Close lets go of it.
type visit struct {
	*projections.Snapshot
	right access.Right
	grant domain.GrantID
	lens  projections.Lens
}

// enter opens the mailboxes view for a principal who may do something with a mailbox. A refusal is recorded before it is given, and so is another's look at lists.
func (b *Backbone) enter(ctx context.Context, p Principal, id domain.MailboxID, a access.Action) (*visit, error) {
	v, err := b.admit(p, id, a)
	if errors.Is(err, ErrForbidden) || isRefused(err) {
		if n, _ := b.store.Head(mailboxStream(id)); n > 0 {
			if lerr := b.look(ctx, p, &visit{}, id, looks.Refused{}); lerr != nil {
				return nil, lerr
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if (a == access.SeeAccess || a == access.SeeLooks) && !v.right.SeesContent() {
		v.Close()
		if err := b.look(ctx, p, v, id, looks.Inspected{}); err != nil {
			return nil, err
		}
		return b.admit(p, id, a)
	}
	if a != access.List || !v.right.SeesContent() {
		return v, nil
	}
	// What is recorded waits for the views and reads them: not under an open snapshot, which a file that must grow waits for in its turn.
	known := b.knownHere(p, v, id)
	if known && !v.right.Delegated() {
		return v, nil
	}
	v.Close()
	if v.right.Delegated() {
		if err := b.look(ctx, p, v, id, looks.Listed{}); err != nil {
			return nil, err
		}
	}
	if !known {
		if err := b.look(ctx, p, v, id, looks.SignedIn{}); err != nil {
			return nil, err
		}
	}
	return b.admit(p, id, a)
}

// knownHere tells whether a person has opened a mailbox through the platform before, which is recorded once.
func (b *Backbone) knownHere(p Principal, v *visit, id domain.MailboxID) bool {
	k := struct {
		who, box [16]byte
		platform string
	}{identityOf(p), id, p.Platform}
	if _, known := b.signedIn.Load(k); known {
		return true
	}
	if v.LastLook(id, looks.SignedIn{}, k.who, p.Platform).IsZero() {
		return false
	}
	b.signedIn.Store(k, true)
	return true
}

func isRefused(err error) bool { _, ok := domain.Refused(err); return ok }

func (b *Backbone) admit(p Principal, id domain.MailboxID, a access.Action) (*visit, error) {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return nil, err
	}
	v := &visit{Snapshot: s}
	if err := b.judge(v, p, id, a); err != nil {
		s.Close()
		return nil, err
	}
	return v, nil
}

func (b *Backbone) judge(v *visit, p Principal, id domain.MailboxID, a access.Action) error {
	grants, err := v.InForce(id)
	if err != nil {
		return err
	}
	d := access.Decide(p, a, access.Mailbox{ID: id, Grants: grants}, b.now())
	v.right, v.grant = d.Right, d.Grant
	switch {
	case d.Why == access.NotAllowed:
		return domain.Refuse(d.Why)
	case d.Right == access.None:
		return ErrForbidden
	case v.Parked(id):
		return ErrParked
	}
	row, ok, err := v.Mailbox(id)
	if err != nil {
		return err
	}
	lens, known := platform.Of(p.Platform)
	if !ok || d.Right.SeesContent() && (!known || !lens.Serves(row.Opened.Owner)) {
		return ErrForbidden // a platform for companies shows no citizen's post, nor the other way round
	}
	if d.Right == access.Officer && row.Opened.Owner != mailbox.Citizen || d.Right == access.BusinessOfficer && row.Opened.Owner != mailbox.Company {
		return ErrForbidden
	}
	if !d.Right.Delegated() {
		v.lens.Private = p.Platform
	}
	v.lens.Author = mailbox.AuthorOnly(identityOf(p))
	if lens.Consent { // whether it may show public post is for the one who reads there to say
		own, _, err := v.Mailbox(p.Identity)
		if err != nil {
			return err
		}
		v.lens.NoPublic = !own.Consents[p.Platform]
	}
	return nil
}

// may tells whether a principal may do something with a mailbox, without recording anything.
func (b *Backbone) may(p Principal, id domain.MailboxID, a access.Action) (access.Right, domain.GrantID, error) {
	v, err := b.admit(p, id, a)
	if err != nil {
		return access.None, domain.GrantID{}, err
	}
	defer v.Close()
	return v.right, v.grant, nil
}

// actorOf tells who acts, as it stands in the event: what they are to the mailbox, and their id.
func actorOf(p Principal, r access.Right) eventstore.Actor {
	kind := map[access.Right]string{access.None: "other", access.Owner: "owner", access.Read: "delegate", access.ReadWrite: "delegate", access.Designated: "delegate",
		access.Officer: "officer", access.BusinessOfficer: "officer", access.Operator: "operator", access.Auditor: "auditor"}[r]
	if kind == "" {
		kind = "user" // of a company or association
	}
	return eventstore.Actor{Kind: kind, ID: identityOf(p)}
}

// identityOf gives the id of who acts: a professional's own, not the company's.
func identityOf(p Principal) [16]byte {
	if p.Person != (domain.UUID{}) {
		return p.Person
	}
	return p.Identity
}

// lookAgain is how long one look stands for what follows it.
const lookAgain = 10 * time.Minute

// look records who looked, or was refused, once for each person, platform and thing in ten minutes.
func (b *Backbone) look(ctx context.Context, p Principal, by *visit, id domain.MailboxID, e looks.Event) error {
	stream := eventstore.Stream{Kind: "looks", ID: id}
	data, err := looks.Codec.Encode(e)
	if err != nil {
		return err
	}
	meta := eventstore.Meta{Actor: actorOf(p, by.right), Platform: p.Platform, Grant: by.grant}
	if by.right != access.Owner {
		meta.OnBehalfOf = id
	}
	for {
		v, last := b.store.Head(stream)
		if err := b.views.Wait(ctx, last); err != nil {
			return err
		}
		s, err := b.snapshot(projections.Mailboxes{})
		if err != nil {
			return err
		}
		before := s.LastLook(id, e, identityOf(p), p.Platform)
		s.Close()
		if !before.IsZero() && b.now().Sub(before) < lookAgain {
			return nil
		}
		meta.Command = b.newID()
		_, err = b.store.Append(ctx, stream, eventstore.ExpectedVersion(v), eventstore.NewEvent{Type: e.EventType(), Data: data, Meta: meta})
		if !errors.Is(err, eventstore.ErrConflict) {
			return err
		}
	}
}

// A Look is one who has seen a mailbox, or was refused.
type Look struct {
	Position eventstore.Position
	At       time.Time
	Event    looks.Event
	Meta     eventstore.Meta
	Name     string // of who looked, where that is known; empty: the mailbox is gone, or it is a professional
}

// maxLooks is how many of the newest looks can be asked for.
const maxLooks = 10_000

// Looks gives who has seen a mailbox, newest first, size of them from page on, and how many there are among the newest 10,000. They are for the owner and delegates
// to see; a look at post that is not shown to who asks is not shown either.
func (b *Backbone) Looks(ctx context.Context, p Principal, id domain.MailboxID, page, size int) (out []Look, total int, err error) {
	v, err := b.enter(ctx, p, id, access.SeeLooks)
	if err != nil {
		return nil, 0, err
	}
	defer v.Close()
	stream := eventstore.Stream{Kind: "looks", ID: id}
	head, _ := b.store.Head(stream)
	var all []Look
	for rec, err := range b.store.ReadStream(ctx, stream, eventstore.Version(max(int(head)-maxLooks, 0))) {
		if err != nil {
			return nil, 0, err
		}
		e, err := looks.Codec.Decode(rec.Type, rec.Data)
		if err != nil {
			return nil, 0, err
		}
		if o, ok := e.(looks.ContentOpened); ok {
			shown, err := v.ShowedAt(id, o.Message, rec.Position, v.lens)
			if err != nil {
				return nil, 0, err
			}
			if !shown {
				continue
			}
		}
		all = append(all, Look{Position: rec.Position, At: rec.Recorded, Event: e, Meta: rec.Meta})
	}
	slices.Reverse(all)
	from := min(page*size, len(all))
	out = all[from:min(from+size, len(all))]
	for i := range out {
		if out[i].Name, err = b.nameOf(v.Snapshot, out[i].Meta.Actor.ID); err != nil {
			return nil, 0, err
		}
	}
	return out, len(all), nil
}

// nameOf gives the name of a mailbox's owner; empty if there is none.
func (b *Backbone) nameOf(s *projections.Snapshot, id domain.MailboxID) (string, error) {
	row, ok, err := s.Mailbox(id)
	if err != nil || !ok {
		return "", err
	}
	p, err := b.Owner(id, row)
	return p.Name, err
}
