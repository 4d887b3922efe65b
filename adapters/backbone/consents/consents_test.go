package consents_test

import (
	"context"
	"errors"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/consents"
	"digitalpost/adapters/backbone/core"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// A platform that needs consent has it from the owner, who takes it back; made-up people are asked once.
func TestConsentToAPlatform(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	ask := backbonetest.Owner(box, backbonetest.App)

	want := func(given bool) {
		t.Helper()

		all, err := b.Consents.Platforms(ctx, ask.Principal, box)
		if err != nil || len(all) != 1 || all[backbonetest.EBoks] != given {
			t.Errorf("consents: %v, %v; want %v to %s", all, err, given, backbonetest.EBoks)
		}
	}
	want(false)

	for _, given := range []bool{true, false} {
		to := consents.ToPlatform{Platform: backbonetest.EBoks, Given: given}
		if _, err := b.Consents.Set(ctx, ask, to); err != nil {
			t.Fatal(err)
		}
		want(given)
	}

	if err := b.Consents.GiveAtRegistration(ctx, box, backbonetest.EBoks); err != nil {
		t.Fatal(err)
	}
	want(false) // who has said no is not asked again

	for _, name := range []string{backbonetest.App, "nowhere"} {
		_, err := b.Consents.Set(ctx, ask, consents.ToPlatform{Platform: name, Given: true})
		if !core.IsReason(err, mailbox.NoConsentNeeded) {
			t.Errorf("to %s: %v, want %s", name, err, mailbox.NoConsentNeeded)
		}
	}
}

// What an owner says to a company is said on the company's platform, by nobody but the owner, and counts for its post.
func TestConsentToASender(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box, helper := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	b.Grant(box, helper, access.ReadWrite)
	insurer := b.Sender(backbonetest.Insurer, backbonetest.EBoks)
	owner, no := backbonetest.Owner(box, backbonetest.EBoks), consents.ToSender{Organisation: insurer.OrgID}

	elsewhere := backbonetest.Owner(box, "mitdk")
	if _, err := b.Consents.SetSender(ctx, elsewhere, no); !core.IsReason(err, mailbox.WrongPlatform) {
		t.Errorf("on another platform: %v, want %s", err, mailbox.WrongPlatform)
	}

	delegate := backbonetest.Delegate(helper, box, backbonetest.EBoks)
	if _, err := b.Consents.SetSender(ctx, delegate, no); !core.IsReason(err, access.NotAllowed) {
		t.Errorf("by a delegate: %v, want %s", err, access.NotAllowed)
	}

	unknown := consents.ToSender{Organisation: b.Authority(backbonetest.Municipality).OrgID}
	if _, err := b.Consents.SetSender(ctx, owner, unknown); !core.IsReason(err, mailbox.UnknownSender) {
		t.Errorf("to an authority: %v, want %s", err, mailbox.UnknownSender)
	}

	for _, given := range []bool{false, true} {
		no.Given = given
		if _, err := b.Consents.SetSender(ctx, owner, no); err != nil {
			t.Fatal(err)
		}

		r := b.Outcome(insurer, b.Submit(insurer, backbonetest.Mette, backbonetest.Letter{}))
		if (r.Status == "COMPLETED") != given {
			t.Errorf("consent %v: its post is %s %s", given, r.Status, r.Code)
		}

		all, exempt, err := b.Consents.Senders(ctx, owner.Principal, box)
		if err != nil || exempt || len(all) != 1 || !all[0].Asked || all[0].ID != insurer.OrgID {
			t.Errorf("senders: %+v, exempt %v, %v", all, exempt, err)
		}
	}

	if all, _, err := b.Consents.Senders(ctx, elsewhere.Principal, box); err != nil || len(all) > 0 {
		t.Errorf("another platform is told of %+v, %v", all, err)
	}

	stranger := backbonetest.Delegate(b.Citizen(backbonetest.Åse), box, backbonetest.EBoks)
	if _, err := b.Consents.Platforms(ctx, stranger.Principal, box); !errors.Is(err, core.ErrForbidden) {
		t.Errorf("a stranger: %v, want %v", err, core.ErrForbidden)
	}
}
