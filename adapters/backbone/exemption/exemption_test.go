package exemption_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/exemption"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
)

// atCounter is a form that lacks nothing.
func atCounter(criteria ...string) exemption.Application {
	return exemption.Application{Criteria: criteria, InPerson: true, IDShown: true, Declaration: true}
}

func officer(box domain.MailboxID) core.Ask {
	return backbonetest.Official(core.NewUUID(), access.Officer, box, backbonetest.App)
}

// One who is exempt gets no public post from the moment of the grant, private post as before, and both again once they
// have ended it.
func TestWhoIsExemptGetsNoPublicPost(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	authority, insurer := b.Authority(backbonetest.Municipality), b.Sender(backbonetest.Insurer, backbonetest.EBoks)

	sends := func(when, public, code string) {
		t.Helper()

		r := b.Outcome(authority, b.Submit(authority, backbonetest.Mette, backbonetest.Letter{}))
		if r.Status != public || r.Code != code {
			t.Errorf("public post %s: %s %s, want %s %s", when, r.Status, r.Code, public, code)
		}

		r = b.Outcome(insurer, b.Submit(insurer, backbonetest.Mette, backbonetest.Letter{}))
		if r.Status != "COMPLETED" {
			t.Errorf("private post %s: %s %s", when, r.Status, r.Code)
		}
	}
	sends("before", "COMPLETED", "")

	in := atCounter("DISABILITY")
	in.Decide, in.Address = true, "Vej 1, 1000 By"
	s, _, err := b.Exemption.Apply(ctx, officer(box), in)
	if err != nil || !s.Row.Exempt || s.Address != in.Address || !slices.Equal(s.Criteria, in.Criteria) {
		t.Fatalf("Apply = %+v, %v", s, err)
	}
	sends("to one who is exempt", "INVALID", string(mailbox.RecipientExempt))

	exempt, known, err := b.Exemption.IsExempt(mailbox.Citizen, backbonetest.Mette)
	if err != nil || !exempt || !known {
		t.Errorf("IsExempt = %v, %v, %v", exempt, known, err)
	}

	owner := backbonetest.Owner(box, backbonetest.App)
	for _, bad := range []exemption.Contacts{
		{}, {EMail: "hej"}, {Mobile: "hej"}, {Mobile: "a@example.org"}, {EMail: "20304050"},
		{EMail: "a@example.org", Mobile: "12345678"}, {EMail: "a@", Mobile: "20304050"},
	} {
		if _, _, err := b.Exemption.Cancel(ctx, owner, bad); !core.IsReason(err, mailbox.ContactNotAllowed) {
			t.Errorf("ended with %+v: %v, want %s", bad, err, mailbox.ContactNotAllowed)
		}
	}

	both := exemption.Contacts{EMail: "a@example.org", Mobile: "20 30 40 50"}
	b.Give(owner, both.EMail, both.Mobile)
	if _, _, err := b.Exemption.Cancel(ctx, owner, both); !core.IsReason(err, mailbox.ContactNotAllowed) {
		t.Errorf("ended with what is not confirmed: %v, want %s", err, mailbox.ContactNotAllowed)
	}

	b.Confirm(owner, "b@example.org", "0045 21304050")
	if _, _, err := b.Exemption.Cancel(ctx, owner, both); !core.IsReason(err, mailbox.ContactNotAllowed) {
		t.Errorf("ended with an address that is another: %v, want %s", err, mailbox.ContactNotAllowed)
	}

	named := exemption.Contacts{Mobile: "21 30 40 50"}
	if s, _, err = b.Exemption.Cancel(ctx, owner, named); err != nil || s.Row.Exempt {
		t.Errorf("Cancel = %+v, %v", s.Row, err)
	}
	sends("afterwards", "COMPLETED", "")
}

// The criteria are for officers alone, and stand sealed in the log; the owner sees that the exemption stands.
func TestCriteriaAreForOfficersAlone(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	ask, owner := officer(box), backbonetest.Owner(box, backbonetest.App)

	if _, err := b.Exemption.Status(ctx, owner.Principal, box, false); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("before there is one: %v, want %v", err, core.ErrNotFound)
	}

	applied, _, err := b.Exemption.Apply(ctx, ask, atCounter("OTHER", "DISABILITY"))
	if err != nil || !applied.Row.Applied || applied.Row.Exempt {
		t.Fatalf("Apply = %+v, %v", applied.Row, err)
	}

	for _, r := range b.Box(box, 0, mailbox.ExemptionApplied{}.EventType()) {
		if sealed := string(r.Says.(mailbox.ExemptionApplied).Criteria); sealed == "OTHER DISABILITY" || sealed == "" {
			t.Errorf("the log says %q", sealed)
		}
	}

	seen, err := b.Exemption.Status(ctx, ask.Principal, box, true)
	if err != nil || !slices.Equal(seen.Criteria, []string{"DISABILITY", "OTHER"}) {
		t.Errorf("an officer sees %v, %v", seen.Criteria, err)
	}

	seen, err = b.Exemption.Status(ctx, owner.Principal, box, false)
	if err != nil || len(seen.Criteria) > 0 || seen.Row.Shown.Status != mailbox.StatusApplied {
		t.Errorf("the owner sees %+v, %v", seen, err)
	}

	if _, err := b.Exemption.Status(ctx, owner.Principal, box, true); !core.IsReason(err, access.NotAllowed) {
		t.Errorf("the owner asks as an officer: %v, want %s", err, access.NotAllowed)
	}

	d := exemption.Decision{Exemption: applied.Row.ID, Grounds: "Ikke opfyldt"}
	if _, _, err := b.Exemption.Decide(ctx, ask, d); err != nil {
		t.Fatal(err)
	}

	if seen, err = b.Exemption.Status(ctx, owner.Principal, box, false); err != nil || seen.Grounds != d.Grounds {
		t.Errorf("the owner sees the grounds %q, %v", seen.Grounds, err)
	}
}

// What the form lacks is refused, and nothing is kept of it; an exemption that is asked for under another's id is none.
func TestTheFormIsWhole(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	ask := officer(box)
	before := b.Position()

	for want, change := range map[domain.Reason]func(*exemption.Application){
		mailbox.NotInPerson:       func(a *exemption.Application) { a.InPerson = false },
		mailbox.NoID:              func(a *exemption.Application) { a.IDShown = false },
		mailbox.NoDeclaration:     func(a *exemption.Application) { a.Declaration = false },
		mailbox.ProxyUnsigned:     func(a *exemption.Application) { a.Proxy = true },
		mailbox.CriterionUnknown:  func(a *exemption.Application) { a.Criteria = []string{"LAZY"} },
		mailbox.CompanyCriterion:  func(a *exemption.Application) { a.Criteria = []string{"MANAGER_UNABLE"} },
		mailbox.AddressNotAllowed: func(a *exemption.Application) { a.Address = string(make([]byte, 501)) },
	} {
		in := atCounter("OTHER")
		in.Decide = true
		change(&in)
		if _, _, err := b.Exemption.Apply(ctx, ask, in); !core.IsReason(err, want) {
			t.Errorf("Apply(%+v) = %v, want %s", in, err, want)
		}
	}

	if got := b.Box(box, before); len(got) > 0 {
		t.Errorf("the log has %v", backbonetest.Types(got))
	}

	if _, _, err := b.Exemption.Apply(ctx, backbonetest.Owner(box, backbonetest.App), atCounter("OTHER")); err == nil {
		t.Error("the owner applied without an officer")
	}

	s, _, err := b.Exemption.Apply(ctx, ask, atCounter("OTHER"))
	if err != nil {
		t.Fatal(err)
	}

	if at, err := b.Exemption.Mailbox(s.Row.ID); err != nil || at != box {
		t.Errorf("the exemption's mailbox is %s, %v; want %s", at, err, box)
	}

	if _, err := b.Exemption.Mailbox(domain.GrantID{1}); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("an exemption that is none: %v, want %v", err, core.ErrNotFound)
	}
}

// Whatever an officer is told of a citizen's exemption is recorded in the citizen's looks before: that an application
// is refused, and what its repeat shows, too.
func TestOfficersLookWhenTheyApply(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)

	ask := officer(box)
	after := b.Position()
	if _, _, err := b.Exemption.Apply(ctx, ask, exemption.Application{}); !core.IsRefused(err) {
		t.Fatalf("an empty form: %v", err)
	}
	if n := len(b.Stream(streams.Looks, box, after, looks.CaseOpened{}.EventType())); n != 1 {
		t.Errorf("%d looks are recorded of a form that was refused, want 1", n)
	}

	in := atCounter("DISABILITY")
	in.Decide = true
	ask.Key = "a key"
	if _, _, err := b.Exemption.Apply(ctx, ask, in); err != nil {
		t.Fatal(err)
	}
	b.Clock.Advance(looks.Again)
	after = b.Position()
	if _, _, err := b.Exemption.Apply(ctx, ask, in); err != nil {
		t.Fatal(err)
	}
	if n := len(b.Stream(streams.Looks, box, after, looks.CaseOpened{}.EventType())); n != 1 {
		t.Errorf("%d looks are recorded of a repeat, want 1", n)
	}
}
