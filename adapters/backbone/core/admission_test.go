package core_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/eventstore"
)

const minute = time.Minute

// list asks for the list of a mailbox's messages.
func list(b *backbonetest.Backbone, ask core.Ask) error {
	_, _, err := b.Messages.List(context.Background(), ask.Principal, ask.Mailbox, messages.Filter{})
	return err
}

// wantLooks looks for the looks at a mailbox beyond a position: so many, and the last of this kind, by who asked.
func wantLooks(
	t *testing.T, b *backbonetest.Backbone, ask core.Ask, after eventstore.Position, n int, last looks.Event,
) backbonetest.Record {
	t.Helper()

	got := b.LooksAt(ask.Mailbox, after)
	if len(got) != n {
		t.Fatalf("looks: %v, want %d", backbonetest.Types(got), n)
	}

	end := got[n-1]
	if end.Type != last.EventType() || end.Meta.Actor.ID != core.IdentityOf(ask.Principal) ||
		end.Meta.Platform != ask.Platform {
		t.Fatalf("the look is %s by %+v through %s, want %s by who asked", end.Type, end.Meta.Actor, end.Meta.Platform,
			last.EventType())
	}

	return end
}

// A refused look stands in the log by the time of its answer, once in ten minutes for each way of looking.
func TestRefusedLooksAreRecordedBeforeTheAnswer(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box, stranger := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	ask := backbonetest.Delegate(stranger, box, backbonetest.App)

	for _, x := range []struct {
		when     string
		later    time.Duration
		platform string
		want     int
	}{
		{"the first time", 0, backbonetest.App, 1},
		{"at once again", 0, backbonetest.App, 1},
		{"nine minutes later", 9 * minute, backbonetest.App, 1},
		{"through another platform", 0, "lifeindenmark", 2},
		{"after ten minutes", minute, backbonetest.App, 3},
	} {
		b.Clock.Advance(x.later)
		ask.Platform = x.platform

		if err := list(b, ask); !errors.Is(err, core.ErrForbidden) {
			t.Fatalf("%s: %v, want %v", x.when, err, core.ErrForbidden)
		}

		got := b.LooksAt(box, 0)
		if len(got) != x.want {
			t.Fatalf("%s: looks %v, want %d", x.when, backbonetest.Types(got), x.want)
		}
	}

	r := b.LooksAt(box, 0)[0]
	want := eventstore.Actor{Kind: "other", ID: [16]byte(stranger)}
	if r.Type != (looks.Refused{}).EventType() || r.Meta.Actor != want || r.Meta.OnBehalfOf != [16]byte(box) {
		t.Errorf("the refused look is %s, %+v", r.Type, r.Meta)
	}

	nobody := backbonetest.Delegate(stranger, domain.MailboxID{1}, backbonetest.App)
	last := b.Position()
	if err := list(b, nobody); !errors.Is(err, core.ErrForbidden) || b.Position() != last {
		t.Errorf("a mailbox that is none: %v, and the log went from %d to %d", err, last, b.Position())
	}
}

// One whose right does not go so far is told so, and it is recorded.
func TestALimitedRightIsRefusedAndRecorded(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box, helper := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	b.Grant(box, helper, access.Read)
	ask := backbonetest.Delegate(helper, box, backbonetest.App)
	after := b.Position()

	_, err := b.Folders.Delete(context.Background(), ask, domain.FolderID{1})
	if !core.IsReason(err, access.NotAllowed) {
		t.Fatalf("a reader deletes a folder: %v, want %s", err, access.NotAllowed)
	}
	wantLooks(t, b, ask, after, 1, looks.Refused{})
}

// Another's look at lists stands in the log by the time that they have them, under their grant, once in ten minutes.
// The owner's stands there once, as having signed in.
func TestAnothersLookAtListsIsRecorded(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box, helper := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	id := b.Grant(box, helper, access.Read)
	ask := backbonetest.Delegate(helper, box, backbonetest.App)

	see := func(ask core.Ask) {
		t.Helper()
		if err := list(b, ask); err != nil {
			t.Fatal(err)
		}
	}

	after := b.Position()
	see(ask)
	r := wantLooks(t, b, ask, after, 2, looks.SignedIn{})
	listed := b.LooksAt(box, after)[0]
	under := [16]byte(id)
	if listed.Type != (looks.Listed{}).EventType() || listed.Meta.Grant != under || r.Meta.Grant != under {
		t.Errorf("the delegate's look is %s, %+v, want it under grant %s", listed.Type, listed.Meta, id)
	}

	after = b.Position()
	see(ask)
	b.Clock.Advance(9 * minute)
	see(ask)
	if got := b.LooksAt(box, after); len(got) > 0 {
		t.Errorf("within ten minutes: %v", backbonetest.Types(got))
	}

	b.Clock.Advance(minute)
	see(ask)
	wantLooks(t, b, ask, after, 1, looks.Listed{})

	owner := backbonetest.Owner(box, backbonetest.App)
	after = b.Position()
	see(owner)
	b.Clock.Advance(time.Hour)
	see(owner)
	b.Restart() // which process has seen it does not count
	see(owner)
	wantLooks(t, b, owner, after, 1, looks.SignedIn{})
}

// Those who see no content are recorded where they look at who has access.
func TestAnOfficersLookAtAccessIsRecorded(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)

	for _, right := range []access.Right{access.Officer, access.Operator, access.Auditor} {
		ask := backbonetest.Official(core.NewUUID(), right, box, backbonetest.App)
		after := b.Position()

		for range 2 {
			if _, err := b.Access.To(context.Background(), ask.Principal, box); err != nil {
				t.Fatalf("%s: %v", right, err)
			}
		}
		wantLooks(t, b, ask, after, 1, looks.Inspected{})

		if err := list(b, ask); !core.IsReason(err, access.NotAllowed) {
			t.Errorf("%s sees the list: %v, want %s", right, err, access.NotAllowed)
		}
	}

	after := b.Position()
	owner := backbonetest.Owner(box, backbonetest.App).Principal
	if _, err := b.Access.To(context.Background(), owner, box); err != nil {
		t.Fatal(err)
	}

	if got := b.LooksAt(box, after); len(got) > 0 {
		t.Errorf("the owner's look at who has access: %v", backbonetest.Types(got))
	}
}

// What is admitted shows what the lens shows: private post to its platform, and to no delegate; public post where the
// platform has consent; and no citizen's post on a platform for companies.
func TestLenses(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box, helper := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	b.Grant(box, helper, access.Read)
	authority, insurer := b.Authority(backbonetest.Municipality), b.Sender(backbonetest.Insurer, backbonetest.EBoks)
	public := b.Submit(authority, backbonetest.Mette, backbonetest.Letter{})
	private := b.Submit(insurer, backbonetest.Mette, backbonetest.Letter{})

	sees := func(ask core.Ask, want ...domain.MessageID) {
		t.Helper()

		all, _, err := b.Messages.List(context.Background(), ask.Principal, box, messages.Filter{})
		if err != nil {
			t.Fatal(err)
		}

		var got []domain.MessageID
		for _, m := range all {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s through %s sees %v, want %v", ask.Identity, ask.Platform, got, want)
		}
	}

	owner := backbonetest.Owner(box, backbonetest.EBoks)
	sees(owner, private)
	sees(backbonetest.Owner(box, backbonetest.App), public)
	sees(backbonetest.Delegate(helper, box, backbonetest.EBoks))
	sees(backbonetest.Delegate(helper, box, backbonetest.App), public)

	if err := b.Consents.GiveAtRegistration(context.Background(), box, backbonetest.EBoks); err != nil {
		t.Fatal(err)
	}
	sees(owner, public, private)

	if err := list(b, backbonetest.Owner(box, "virkdk")); !errors.Is(err, core.ErrForbidden) {
		t.Errorf("a citizen through a platform for companies: %v, want %v", err, core.ErrForbidden)
	}
}

// A record says for which organisation somebody acted, and how surely they had signed in.
func TestARecordSaysForWhomAndHowSurely(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	ask := backbonetest.Official(core.NewUUID(), access.Auditor, box, backbonetest.App)
	ask.Authority, ask.Assurance, ask.Mandate = domain.OrganisationID{5}, 3, domain.UUID{6}
	after := b.Position()
	if _, _, err := b.Looks.List(context.Background(), ask.Principal, box, 0, 10); err != nil {
		t.Fatal(err)
	}

	all := b.Since(after)
	if len(all) == 0 {
		t.Fatal("nothing is in the log")
	}
	for _, rec := range all {
		if rec.Meta.Authority != [16]byte{5} || rec.Meta.Assurance != 3 || rec.Meta.Mandate != [16]byte{6} {
			t.Errorf("%s: %+v", rec.Type, rec.Meta)
		}
	}

	// Who acts in their own mailbox acts for no authority, whatever their sign-in says.
	own := backbonetest.Owner(box, backbonetest.App)
	own.Authority, own.Assurance, own.Mandate = domain.OrganisationID{5}, 3, domain.UUID{6}
	after = b.Position()
	if _, _, err := b.Folders.Create(context.Background(), own, "Mappe", domain.FolderID{}); err != nil {
		t.Fatal(err)
	}

	for _, rec := range b.Since(after) {
		if rec.Meta.Authority != [16]byte{} || rec.Meta.Mandate != [16]byte{} || rec.Meta.Assurance != 3 {
			t.Errorf("in one's own mailbox, %s: %+v", rec.Type, rec.Meta)
		}
	}
}
