package access_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	hallaccess "digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// opens reports whether somebody may open a mailbox now.
func opens(t *testing.T, b *backbonetest.Backbone, ask core.Ask) bool {
	t.Helper()

	_, err := b.Access.Door(context.Background(), ask.Principal, ask.Mailbox)
	if err != nil && !errors.Is(err, core.ErrForbidden) {
		t.Fatal(err)
	}

	return err == nil
}

// Access lasts from its grant to the end of the named day in Copenhagen, or to its revocation, which counts at once.
func TestAccessLastsAsLongAsItWasGranted(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box, who := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	owner, helper := backbonetest.Owner(box, backbonetest.App), backbonetest.Delegate(who, box, backbonetest.App)

	if opens(t, b, helper) {
		t.Fatal("open before the grant")
	}

	today := time.Now().In(memo.Copenhagen).Format(time.DateOnly)
	given, _, err := b.Access.Grant(ctx, owner, hallaccess.Wish{Grantee: who, Right: access.Read, Until: today})
	if err != nil || !opens(t, b, helper) || given.Over || hallaccess.LastDay(given.Row.Grant.Until) != today {
		t.Fatalf("granted until %s: %+v, %v", today, given, err)
	}

	b.Clock.Set(given.Row.Grant.Until.Add(-time.Minute))
	if !opens(t, b, helper) {
		t.Error("closed a minute before the end of the day")
	}

	b.Clock.Set(given.Row.Grant.Until)
	if opens(t, b, helper) {
		t.Error("open when the day is over")
	}

	past := hallaccess.Wish{Grantee: who, Right: access.Read, Until: today}
	if _, _, err := b.Access.Grant(ctx, owner, past); !core.IsReason(err, mailbox.AccessPast) {
		t.Errorf("until a day that is over: %v, want %s", err, mailbox.AccessPast)
	}

	id := b.Grant(box, who, access.ReadWrite)
	if !opens(t, b, helper) {
		t.Fatal("closed after another grant")
	}

	if _, _, err := b.Access.Revoke(ctx, owner, id); err != nil || opens(t, b, helper) {
		t.Errorf("after the revocation: open, %v", err)
	}
}

// A delegate grants nothing, and neither does a stranger, who is not told who has a mailbox.
func TestWhoMayNotGrantIsNotToldWhoHasAMailbox(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box, who := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	b.Grant(box, who, access.ReadWrite)
	stranger := b.Citizen(backbonetest.Åse)

	for _, to := range []domain.MailboxID{stranger, {1}} {
		wish := hallaccess.Wish{Grantee: to, Right: access.Read}
		_, _, err := b.Access.Grant(context.Background(), backbonetest.Delegate(who, box, backbonetest.App), wish)
		if !core.IsReason(err, access.NotAllowed) {
			t.Errorf("a delegate grants to %s: %v, want %s", to, err, access.NotAllowed)
		}

		_, _, err = b.Access.Grant(context.Background(), backbonetest.Delegate(stranger, box, backbonetest.App), wish)
		if !errors.Is(err, core.ErrForbidden) {
			t.Errorf("a stranger grants to %s: %v, want %v", to, err, core.ErrForbidden)
		}
	}

	_, _, err := b.Access.Grant(context.Background(), backbonetest.Owner(box, backbonetest.App),
		hallaccess.Wish{Grantee: domain.MailboxID{1}, Right: access.Read})
	if !core.IsReason(err, mailbox.GranteeNoMailbox) {
		t.Errorf("the owner grants to nobody: %v, want %s", err, mailbox.GranteeNoMailbox)
	}
}

// An officer shows documentation, which is sealed; and grants nothing to themselves. Designated access is the
// operator's.
func TestOfficesGrantOnDocumentation(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box, who := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	officer := backbonetest.Official(core.NewUUID(), access.Officer, box, backbonetest.App)
	operator := backbonetest.Official(core.NewUUID(), access.Operator, box, backbonetest.App)

	for _, x := range []struct {
		what string
		ask  core.Ask
		wish hallaccess.Wish
		want domain.Reason
		via  string
	}{
		{"an officer without documentation", officer,
			hallaccess.Wish{Grantee: who, Right: access.Read}, mailbox.NoDocumentation, ""},
		{"an officer, designated", officer,
			hallaccess.Wish{Grantee: who, Right: access.Designated, Documentation: "x"}, mailbox.AccessKind, ""},
		{"an operator, not designated", operator,
			hallaccess.Wish{Grantee: who, Right: access.Read, Documentation: "x"}, mailbox.AccessKind, ""},
		{"an officer", officer,
			hallaccess.Wish{Grantee: who, Right: access.Read, Documentation: "Fuldmagt"}, "", mailbox.ViaMunicipality},
		{"an operator", operator,
			hallaccess.Wish{Grantee: who, Right: access.Designated, Documentation: "Dom"}, "", mailbox.ViaOperator},
	} {
		after := b.Position()
		given, _, err := b.Access.Grant(context.Background(), x.ask, x.wish)
		if x.want != "" && !core.IsReason(err, x.want) || x.want == "" && err != nil {
			t.Errorf("%s: %v, want %s", x.what, err, x.want)
		}

		if x.want != "" {
			continue
		}

		log := b.Box(box, after)
		if len(log) != 1 || len(log[0].Says.(mailbox.AccessGranted).Documentation) <= len(x.wish.Documentation) ||
			given.Row.Shown.Via != x.via {
			t.Errorf("%s: %v via %s, want it sealed, via %s",
				x.what, backbonetest.Types(log), given.Row.Shown.Via, x.via)
		}
	}
}

// A request is made in one's own name, to a number and a name that belong together; it is answered once.
func TestRequests(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box, who := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	owner, helper := backbonetest.Owner(box, backbonetest.App), backbonetest.Delegate(who, box, backbonetest.App)
	person, err := b.People.Owner(box)
	if err != nil {
		t.Fatal(err)
	}

	for what, to := range map[string]hallaccess.Owner{
		"another's name":  {CPR: backbonetest.Mette, Name: "Nobody"},
		"nobody's number": {CPR: backbonetest.Åse, Name: person.Name},
	} {
		_, _, err := b.Access.Request(ctx, helper.Principal, to, access.Read, "")
		if !core.IsReason(err, mailbox.OwnerNotFound) {
			t.Errorf("%s: %v, want %s", what, err, mailbox.OwnerNotFound)
		}
	}

	to := hallaccess.Owner{CPR: backbonetest.Mette, Name: person.Name}
	asked, _, err := b.Access.Request(ctx, helper.Principal, to, access.Read, "")
	if err != nil || asked.Row.State != mailbox.Requested || opens(t, b, helper) {
		t.Fatalf("asked: %+v, %v", asked.Row, err)
	}

	if _, _, err := b.Access.Approve(ctx, helper, asked.ID); err == nil {
		t.Error("who asked approved of it")
	}

	given, _, err := b.Access.Approve(ctx, owner, asked.ID)
	if err != nil || given.Row.State != mailbox.Granted || !opens(t, b, helper) {
		t.Errorf("approved: %+v, %v", given.Row, err)
	}

	if _, _, err := b.Access.Decline(ctx, owner, asked.ID); !core.IsReason(err, mailbox.RequestClosed) {
		t.Errorf("declined after it was approved: %v, want %s", err, mailbox.RequestClosed)
	}

	doors, err := b.Access.Doors(helper.Principal)
	if err != nil || !slices.ContainsFunc(doors, func(d hallaccess.Door) bool {
		return d == hallaccess.Door{Mailbox: box, Right: access.Read, Grant: asked.ID}
	}) {
		t.Errorf("the doors: %+v, %v", doors, err)
	}

	if _, _, err := b.Access.Revoke(ctx, helper, asked.ID); err != nil || opens(t, b, helper) {
		t.Errorf("given up: open, %v", err)
	}

	all, err := b.Access.Of(helper.Principal)
	if err != nil || len(all) != 1 || all[0].Row.State != mailbox.Revoked || all[0].Owner != person.Name {
		t.Errorf("what was ever granted: %+v, %v", all, err)
	}
}
