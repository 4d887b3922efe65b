package core

import (
	"cmp"
	"context"
	"errors"

	lru "github.com/hashicorp/golang-lru/v2"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/oplog"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/platform"
)

// An Admission is the answer to who may do something with a mailbox: by which right, under which grant, and what is
// seen through the platform. It is a plain value, found once for each request.
type Admission struct {
	Principal access.Principal
	Mailbox   domain.MailboxID
	Action    access.Action
	Right     access.Right
	Grant     domain.GrantID
	Lens      mailbox.Lens
}

// Target names a message for a rule, as the admitted one sees it, at the version that they know; 0: any.
func (a Admission) Target(m domain.MessageID, version uint32) mailbox.Target {
	return mailbox.Target{Message: m, Lens: a.Lens, Version: version}
}

// Actor gives who acts, as it stands in the log: what they are to the mailbox, and their id.
func (a Admission) Actor() eventstore.Actor {
	return eventstore.Actor{Kind: actorKind(a.Right), ID: IdentityOf(a.Principal)}
}

// meta is what an event's record says of who is admitted.
func (a Admission) meta() eventstore.Meta {
	m := eventstore.Meta{
		Actor: a.Actor(), Platform: a.Principal.Platform, Grant: a.Grant, Assurance: a.Principal.Assurance,
	}
	if a.Right.InOffice() || a.Right == access.None { // who is refused may have come by an office
		m.Authority, m.Mandate = a.Principal.Authority, a.Principal.Mandate
	}
	if a.Right != access.Owner {
		m.OnBehalfOf = a.Mailbox
	}

	return m
}

// InOffice is what an event's record says of somebody who acts by an office and on no mailbox.
func InOffice(p access.Principal, r access.Right) eventstore.Meta {
	return eventstore.Meta{
		Actor: eventstore.Actor{Kind: actorKind(r), ID: IdentityOf(p)}, Platform: p.Platform,
		Authority: p.Authority, Mandate: p.Mandate, Assurance: p.Assurance,
	}
}

func actorKind(r access.Right) string {
	switch r {
	case access.None:
		return "other"
	case access.Owner:
		return "owner"
	case access.Read, access.ReadWrite, access.Designated:
		return "delegate"
	case access.Officer, access.BusinessOfficer:
		return "officer"
	case access.Operator:
		return "operator"
	case access.Auditor:
		return "auditor"
	}

	return "user" // of a company or association
}

// IdentityOf gives the id of who acts: a professional's own, not the company's.
func IdentityOf(p access.Principal) [16]byte {
	if p.Person != (domain.UUID{}) {
		return p.Person
	}

	return p.Identity
}

// Stranger admits one who has no right to a mailbox and needs none: to ask for access, or to give up a grant.
func Stranger(p access.Principal, id domain.MailboxID, grant domain.GrantID) Admission {
	return Admission{Principal: p, Mailbox: id, Grant: grant}
}

// A Visit is an admission with the view that it was judged on, as it stands. Close lets go of the view; the admission
// is good beyond that.
type Visit struct {
	Admission
	View *mailboxes.Snapshot
}

// Close lets go of the view.
func (v *Visit) Close() { v.View.Close() }

// Admit finds out whether a principal may do something with a mailbox. A refusal is recorded before it is given, and so
// is another's look at lists or at who has access. Whoever has nothing to do with the mailbox is refused with
// ErrForbidden; whoever's right does not go so far, with access.NotAllowed.
func (c *Core) Admit(ctx context.Context, p access.Principal, id domain.MailboxID, a access.Action) (Admission, error) {
	v, err := c.Enter(ctx, p, id, a)
	if err != nil {
		return Admission{}, err
	}
	v.Close()

	return v.Admission, nil
}

// Enter is Admit, and gives the view that the answer stands on.
func (c *Core) Enter(ctx context.Context, p access.Principal, id domain.MailboxID, a access.Action) (*Visit, error) {
	v, err := c.judged(p, id, a)
	if errors.Is(err, ErrForbidden) || IsRefused(err) {
		if n, _ := c.Log.Head(Stream(id)); n > 0 {
			refused := Admission{Principal: p, Mailbox: id, Action: a}
			if lookErr := c.Look(ctx, refused, looks.Refused{}); lookErr != nil {
				return nil, lookErr
			}
		}
	}

	if err != nil {
		return nil, err
	}

	look := c.toRecord(v)
	if len(look) == 0 {
		return v, nil
	}

	// What is recorded waits for the views and reads them: not under an open snapshot.
	v.Close()
	for _, l := range look {
		if err := c.Look(ctx, v.Admission, l); err != nil {
			return nil, err
		}
	}

	return c.judged(p, id, a)
}

// Return enters again by an admission, after a command or something else that waits. Nothing is recorded; what has
// ended meanwhile shows nothing any more.
func (c *Core) Return(a Admission) (*Visit, error) { return c.judged(a.Principal, a.Mailbox, a.Action) }

// toRecord gives the looks that are recorded before somebody is let in.
func (c *Core) toRecord(v *Visit) (out []looks.Event) {
	others := v.Action == access.SeeAccess || v.Action == access.SeeLooks

	switch {
	case others && !v.Right.SeesContent():
		return []looks.Event{looks.Inspected{}}
	case v.Action != access.List || !v.Right.SeesContent():
		return nil
	}

	if v.Right.Delegated() {
		out = append(out, looks.Listed{})
	}

	if !c.here.known(v) {
		out = append(out, looks.SignedIn{})
	}

	return out
}

// maxSignedIn is how many of those who have signed in are remembered: more are looked up.
const maxSignedIn = 100_000

// A signIn is that somebody has opened a mailbox through a platform.
type signIn struct {
	who, box [16]byte
	platform string
}

// signedIn remembers some of those that this process has seen.
type signedIn struct{ seen *lru.Cache[signIn, bool] }

func newSignedIn() signedIn {
	seen, err := lru.New[signIn, bool](maxSignedIn)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}

	return signedIn{seen}
}

func (s *signedIn) known(v *Visit) bool {
	k := signIn{IdentityOf(v.Principal), v.Mailbox, v.Principal.Platform}
	if s.seen.Contains(k) {
		return true
	}

	if v.View.LastLook(v.Mailbox, looks.SignedIn{}, k.who, k.platform).IsZero() {
		return false
	}
	s.seen.Add(k, true)

	return true
}

// judged opens the view for a principal who may do something with a mailbox.
func (c *Core) judged(p access.Principal, id domain.MailboxID, a access.Action) (*Visit, error) {
	s, err := mailboxes.At(c.Views)
	if err != nil {
		return nil, err
	}

	v := &Visit{Admission: Admission{Principal: p, Mailbox: id, Action: a}, View: s}
	if err := c.judge(v); err != nil {
		s.Close()
		return nil, err
	}

	return v, nil
}

// judge finds the right, the grant and the lens of a visit, or why there are none.
func (c *Core) judge(v *Visit) error {
	p, id := v.Principal, v.Mailbox
	grants, err := v.View.InForce(id)
	if err != nil {
		return err
	}

	d := access.Decide(p, v.Action, access.Mailbox{ID: id, Grants: grants}, c.Now())
	v.Right, v.Grant = d.Right, d.Grant
	switch {
	case d.Why == access.NotAllowed:
		return domain.Refuse(d.Why)
	case d.Right == access.None:
		return ErrForbidden
	case c.Mandates && p.Mandate == domain.UUID{} && (d.Right == access.Operator || d.Right == access.Auditor):
		return domain.Refuse(oplog.MandateMissing)
	case v.View.Parked(id):
		return ErrParked
	}

	box, ok, err := v.View.Mailbox(id)
	if err != nil {
		return err
	}

	lens, known := platform.Of(p.Platform)
	if !ok || d.Right.SeesContent() && (!known || !lens.Serves(box.Owner)) {
		return ErrForbidden // a platform for companies shows no citizen's post, nor the other way round
	}

	if d.Right == access.Officer && box.Owner != mailbox.Citizen ||
		d.Right == access.BusinessOfficer && box.Owner != mailbox.Company {
		return ErrForbidden
	}

	if d.Right.Delegated() { // the access of one who has died, or ceased, is good for nothing
		if _, lives, err := v.View.Mailbox(p.Identity); err != nil || !lives {
			return cmp.Or(err, ErrForbidden)
		}
	}

	return v.focus(lens)
}

// focus finds what the visitor is shown.
func (v *Visit) focus(on platform.Platform) error {
	p := v.Principal
	if !v.Right.Delegated() {
		v.Lens.Private = p.Platform
	}
	v.Lens.Author = mailbox.AuthorOnly(IdentityOf(p))

	if !on.Consent {
		return nil
	}

	// Whether the platform may show public post is for the one who reads there to say.
	own, _, err := v.View.Mailbox(p.Identity)
	v.Lens.NoPublic = !own.Consents[p.Platform]

	return err
}

// May reports by which right and grant a principal may do something with a mailbox, without recording anything.
func (c *Core) May(p access.Principal, id domain.MailboxID, a access.Action) (Admission, error) {
	v, err := c.judged(p, id, a)
	if err != nil {
		return Admission{}, err
	}
	v.Close()

	return v.Admission, nil
}

type lookBeginning = eventstore.Beginning[looks.Event, looks.State]

// Look records who looked, or was refused, unless an earlier look stands for it: see looks.Again.
func (c *Core) Look(ctx context.Context, a Admission, e looks.Event) error {
	stream := eventstore.Stream{Kind: streams.Looks, ID: a.Mailbox}
	meta := a.meta()
	meta.Command = c.NewID()

	start := func(ctx context.Context, s eventstore.Stream, l looks.Look) (b lookBeginning, err error) {
		version, last := c.Log.Head(s)
		if err := c.Views.Wait(ctx, last); err != nil {
			return b, err
		}

		snap, err := mailboxes.At(c.Views)
		if err != nil {
			return b, err
		}
		defer snap.Close()

		state := looks.State{}
		if last := snap.LastLook(a.Mailbox, l.Look, l.Who, l.Platform); !last.IsZero() {
			state[l.Way()] = last
		}
		b.Version = version
		b.State = func([]looks.Event) (looks.State, error) { return state, nil }

		return b, nil
	}

	look := looks.Look{Look: e, Who: IdentityOf(a.Principal), Platform: a.Principal.Platform, Now: c.Now()}
	events, at, err := c.Looks.From(start).Execute(ctx, stream, meta, look)
	if err == nil && othersRead(events) {
		err = c.Settle(ctx, a.Mailbox, at)
	}

	return err
}
