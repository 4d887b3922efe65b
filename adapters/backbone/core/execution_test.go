package core_test

import (
	"context"
	"errors"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// withKey gives the same ask under a key.
func withKey(ask core.Ask, key string) core.Ask {
	ask.Key = key
	return ask
}

func pointer[T any](v T) *T { return &v }

// A command's repeat under its key runs nothing and gets the first result: the message as it was then, also after
// others have changed it, after a restart, and where the message is gone.
func TestARepeatGetsTheFirstResult(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	m := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	ask := backbonetest.Owner(box, backbonetest.App)
	keyed := withKey(ask, "lost answer")
	read := messages.Patch{Read: pointer(true)}

	first, at, err := b.Messages.Patch(ctx, keyed, m, read)
	if err != nil || !first.Row.Read {
		t.Fatalf("Patch: read %v, %v", first.Row.Read, err)
	}

	repeat := func(when string) {
		t.Helper()

		last := b.Position()
		again, p, err := b.Messages.Patch(ctx, keyed, m, read)
		if err != nil || p != at || again.Row.Version != first.Row.Version || !again.Row.Read {
			t.Errorf("%s: at %d, version %d, read %v, error %v; want the first result: at %d, version %d, read",
				when, p, again.Row.Version, again.Row.Read, err, at, first.Row.Version)
		}

		if b.Position() != last {
			t.Errorf("%s: the log went from %d to %d", when, last, b.Position())
		}
	}
	repeat("at once")

	_, _, err = b.Messages.Patch(ctx, ask, m, messages.Patch{Read: pointer(false), Flag: pointer(true)})
	if err != nil {
		t.Fatal(err)
	}
	repeat("after others' changes")

	keyed.Version = first.Row.Version + 7 // no part of what the key is bound to
	repeat("with another If-Match")
	keyed.Version = 0

	b.Restart()
	repeat("after a restart")

	trash, purge := withKey(ask, "trash"), withKey(ask, "purge")
	for _, once := range []core.Ask{trash, purge, trash, purge} {
		if _, err := b.Messages.Delete(ctx, once, m); err != nil {
			t.Fatalf("Delete under key %s: %v", once.Key, err)
		}
	}

	if got := len(b.Box(box, 0, mailbox.MessagePurged{}.EventType())); got != 1 {
		t.Errorf("purged %d times", got)
	}

	if _, _, err := b.Messages.Patch(ctx, keyed, m, read); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("the repeat's message is gone: %v, want %v", err, core.ErrNotFound)
	}
}

// A key that is used for something else is refused, and nothing is run. It is its user's own: of one person, in one
// mailbox, through one platform.
func TestAKeyIsForOneRequest(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box, helper := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	b.Grant(box, helper, access.ReadWrite)
	sys := b.Authority(backbonetest.Municipality)
	m := b.Submit(sys, backbonetest.Mette, backbonetest.Letter{})
	other := b.Submit(sys, backbonetest.Mette, backbonetest.Letter{})
	ask := withKey(backbonetest.Owner(box, backbonetest.App), "key")
	read := messages.Patch{Read: pointer(true)}

	if _, _, err := b.Messages.Patch(ctx, ask, m, read); err != nil {
		t.Fatal(err)
	}

	last := b.Position()
	for what, run := range map[string]func() error{
		"another value":   func() error { return patch(b, ask, m, messages.Patch{Read: pointer(false)}) },
		"another field":   func() error { return patch(b, ask, m, messages.Patch{Flag: pointer(true)}) },
		"one more field":  func() error { return patch(b, ask, m, messages.Patch{Read: read.Read, Flag: read.Read}) },
		"another message": func() error { return patch(b, ask, other, read) },
		"another subject": func() error { _, err := b.Messages.Delete(ctx, ask, m); return err },
		"a folder":        func() error { _, _, err := b.Folders.Create(ctx, ask, "Arkiv", mailbox.Inbox); return err },
	} {
		if err := run(); !errors.Is(err, core.ErrKeyReused) {
			t.Errorf("%s under the key: %v, want %v", what, err, core.ErrKeyReused)
		}
	}

	if b.Position() != last {
		t.Errorf("the log went from %d to %d", last, b.Position())
	}

	elsewhere := map[string]core.Ask{
		"another platform": withKey(backbonetest.Owner(box, "lifeindenmark"), "key"),
		"another person":   withKey(backbonetest.Delegate(helper, box, backbonetest.App), "key"),
	}
	for who, ask := range elsewhere {
		before := len(b.Box(box, 0, mailbox.MessageFlagged{}.EventType(), mailbox.MessageUnflagged{}.EventType()))
		flag := pointer(before%2 == 0)
		if err := patch(b, ask, m, messages.Patch{Flag: flag}); err != nil {
			t.Errorf("the same key by %s: %v", who, err)
		}

		types := []string{mailbox.MessageFlagged{}.EventType(), mailbox.MessageUnflagged{}.EventType()}
		if after := len(b.Box(box, 0, types...)); after != before+1 {
			t.Errorf("the same key by %s: %d events, want %d", who, after, before+1)
		}
	}
}

func patch(b *backbonetest.Backbone, ask core.Ask, m domain.MessageID, p messages.Patch) error {
	_, _, err := b.Messages.Patch(context.Background(), ask, m, p)
	return err
}

// A command that changes nothing is noted where its repeat must be known, and not where it need not be.
func TestWhatIsSoAlreadyIsNotedUnderItsKey(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	m := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	ask := backbonetest.Owner(box, backbonetest.App)
	unread := messages.Patch{Read: pointer(false)}

	after := b.Position()
	if err := patch(b, ask, m, unread); err != nil || len(b.Box(box, after)) > 0 {
		t.Errorf("without a key: %v, %v", err, backbonetest.Types(b.Box(box, after)))
	}

	keyed := withKey(ask, "key")
	if err := patch(b, keyed, m, unread); err != nil {
		t.Fatal(err)
	}

	noted := b.Box(box, after)
	if len(noted) != 1 || noted[0].Says != (mailbox.Unchanged{Message: m}) {
		t.Fatalf("under a key: %v, want %s", backbonetest.Types(noted), mailbox.Unchanged{}.EventType())
	}

	if err := patch(b, ask, m, messages.Patch{Read: pointer(true)}); err != nil {
		t.Fatal(err)
	}

	again, at, err := b.Messages.Patch(context.Background(), keyed, m, unread)
	if err != nil || at != noted[0].Position || again.Row.Read {
		t.Errorf("its repeat: at %d, read %v, %v; want the first result, at %d", at, again.Row.Read, err,
			noted[0].Position)
	}
}

// A change is refused to one who knows an older version of the thing, and says which it has.
func TestAnOldVersionIsRefused(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	m := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	ask := backbonetest.Owner(box, backbonetest.App)

	ask.Version = 1
	if err := patch(b, ask, m, messages.Patch{Read: pointer(true)}); err != nil {
		t.Fatal(err)
	}

	err := patch(b, ask, m, messages.Patch{Flag: pointer(true)})
	var no *domain.Rejection
	if !errors.As(err, &no) || no.Reason != mailbox.StaleVersion || no.Version != 2 {
		t.Errorf("at version 1 of a message at 2: %v, want %s", err, mailbox.StaleVersion)
	}
}

// Grants are looked at where the command is decided, too: one that ended after the admission counts no more.
func TestLeaveIsAskedForWhereACommandIsDecided(t *testing.T) {
	t.Parallel()

	c, box := backbonetest.Core(t)
	ctx := context.Background()
	owner := backbonetest.Owner(box, backbonetest.App)
	admitted, err := c.Admit(ctx, owner.Principal, box, access.Settings)
	if err != nil {
		t.Fatal(err)
	}

	stranger := admitted
	stranger.Principal = access.Principal{Identity: domain.MailboxID{1}, Platform: backbonetest.App}
	cmd := mailbox.SetLanguage{Platform: backbonetest.App, Language: "da", Offered: true}
	before, _ := c.Log.Head(core.Stream(box))

	if _, err := c.Execute(ctx, stranger, core.Request{}, cmd); !core.IsReason(err, access.NoAccess) {
		t.Errorf("a command by one who has nothing to do with the mailbox: %v, want %s", err, access.NoAccess)
	}

	machine := core.Machine{Kind: access.Clock, Thing: c.NewID()}
	if _, err := c.ByMachine(ctx, machine, box, cmd); !core.IsReason(err, access.NotAllowed) {
		t.Errorf("a person's command by the clock: %v, want %s", err, access.NotAllowed)
	}

	if after, _ := c.Log.Head(core.Stream(box)); after != before {
		t.Errorf("the mailbox went from version %d to %d", before, after)
	}
	last := c.Log.Last() // of the look that records the refusal

	done, err := c.Execute(ctx, admitted, core.Request{}, cmd)
	if err != nil || done.Position != last+1 {
		t.Errorf("the same by the owner: at %d, %v; want at %d", done.Position, err, last+1)
	}
}

// What a machine does once for a thing has one id, and is one event, however often it is asked for.
func TestMachinesCommandsAreNoCallersKeys(t *testing.T) {
	t.Parallel()

	command := func(once string, thing byte) [16]byte {
		return core.Machine{Once: once, Thing: [16]byte{thing}}.Meta().Command
	}

	id := command("deliver", 1)
	if domain.CommandID(id).Given() {
		t.Error("a machine's command passes for one whose id a caller gave")
	}

	if id != command("deliver", 1) || id == command("deliver", 2) || id == command("refuse", 1) {
		t.Error("machines' commands do not follow from what they are about")
	}
}
