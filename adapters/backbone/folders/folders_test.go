package folders_test

import (
	"context"
	"errors"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/folders"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

func pointer[T any](v T) *T { return &v }

// create makes a folder at the top.
func create(t *testing.T, b *backbonetest.Backbone, ask core.Ask, name string) folders.Folder {
	t.Helper()

	f, _, err := b.Folders.Create(context.Background(), ask, name, domain.FolderID{})
	if err != nil {
		t.Fatal(err)
	}

	return f
}

// Names are compared as people read them, beside their neighbours, and kept as they were written.
func TestNamesAreComparedFolded(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	ask := backbonetest.Owner(b.Citizen(backbonetest.Mette), backbonetest.App)
	parent := create(t, b, ask, "  Årets post ")
	if parent.Name != "Årets post" || parent.Type != "USER_DEFINED" {
		t.Errorf("the folder is %q, %s", parent.Name, parent.Type)
	}

	for _, same := range []string{"Årets post", "årets POST", "A\u030arets post"} {
		if _, _, err := b.Folders.Create(ctx, ask, same, domain.FolderID{}); !core.IsReason(err, mailbox.NameTaken) {
			t.Errorf("another %q: %v, want %s", same, err, mailbox.NameTaken)
		}
	}

	if _, _, err := b.Folders.Create(ctx, ask, "Aarets post", domain.FolderID{}); err != nil {
		t.Errorf("Aa is not Å: %v", err)
	}

	if _, _, err := b.Folders.Create(ctx, ask, "Årets post", parent.ID); err != nil {
		t.Errorf("the same name elsewhere: %v", err)
	}

	if f, _, err := b.Folders.Change(ctx, ask, parent.ID, folders.Change{Name: pointer("ÅRETS POST")}); err != nil ||
		f.Name != "ÅRETS POST" {
		t.Errorf("its own name, otherwise written: %q, %v", f.Name, err)
	}
}

// A folder is renamed and moved in one append, or not at all; asking for nothing asks that it is there, at its version.
func TestChangesAreOneAppend(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	ask := backbonetest.Owner(box, backbonetest.App)
	f, parent := create(t, b, ask, "Skat"), create(t, b, ask, "Arkiv")

	after := b.Position()
	got, at, err := b.Folders.Change(ctx, ask, f.ID, folders.Change{Name: pointer("Skat 2025"), Parent: &parent.ID})
	if err != nil || got.Name != "Skat 2025" || got.Parent != parent.ID {
		t.Fatalf("Change = %+v, %v", got, err)
	}

	log := b.Box(box, after)
	if len(log) != 2 || log[0].Count != 2 || log[1].Position != at {
		t.Errorf("the log has %v, want two events of one append", backbonetest.Types(log))
	}

	after = b.Position()
	_, _, err = b.Folders.Change(ctx, ask, parent.ID, folders.Change{Name: pointer("Nyt"), Parent: &f.ID})
	if !core.IsReason(err, mailbox.Cycle) || len(b.Box(box, after)) > 0 {
		t.Errorf("into itself: %v, %v; want %s and nothing", err, backbonetest.Types(b.Box(box, after)), mailbox.Cycle)
	}

	ask.Version = got.Row.Version
	if same, _, err := b.Folders.Change(ctx, ask, f.ID, folders.Change{}); err != nil || same.Name != got.Name {
		t.Errorf("nothing is asked for: %q, %v", same.Name, err)
	}

	ask.Version = 1
	if _, _, err := b.Folders.Change(ctx, ask, f.ID, folders.Change{}); !core.IsReason(err, mailbox.StaleVersion) {
		t.Errorf("nothing is asked for, of an old version: %v, want %s", err, mailbox.StaleVersion)
	}

	ask.Version = 0
	if _, _, err := b.Folders.Change(ctx, ask, domain.FolderID{1}, folders.Change{}); err == nil {
		t.Error("a folder that is none was changed")
	}
}

// A folder that is not empty is not deleted. When a deletion is answered the name's key is gone; its repeat, and that
// of the folder's making, are answered all the same or say that it is gone.
func TestADeletedFoldersNameIsForgotten(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	m := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	ask := backbonetest.Owner(box, backbonetest.App)
	f := create(t, b, ask, "Skat")

	move := func(to domain.FolderID) {
		t.Helper()
		if _, _, err := b.Messages.Patch(ctx, ask, m, messages.Patch{Folder: &to}); err != nil {
			t.Fatal(err)
		}
	}

	move(f.ID)
	if _, err := b.Folders.Delete(ctx, ask, f.ID); !core.IsReason(err, mailbox.FolderNotEmpty) {
		t.Fatalf("with a message in it: %v, want %s", err, mailbox.FolderNotEmpty)
	}
	move(mailbox.Inbox)

	keyed := ask
	keyed.Key = "delete"
	at, err := b.Folders.Delete(ctx, keyed, f.ID)
	if err != nil {
		t.Fatal(err)
	}

	if again, err := b.Folders.Delete(ctx, keyed, f.ID); err != nil || again != at {
		t.Errorf("the repeat: at %d, %v; want at %d", again, err, at)
	}

	if _, err := b.Folders.Delete(ctx, ask, f.ID); err == nil {
		t.Error("it was deleted twice")
	}

	if !b.Forgotten(box, f.Row.Leaf) {
		t.Error("the name's key is there")
	}

	if again := create(t, b, ask, "Skat"); again.ID == f.ID {
		t.Error("a new folder of the same name is the old one")
	}
}

// The making of a folder, repeated under its key, gives the folder as it was then.
func TestARepeatedCreationGivesTheSameFolder(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	ask := backbonetest.Owner(b.Citizen(backbonetest.Mette), backbonetest.App)
	keyed := ask
	keyed.Key = "create"
	first := create(t, b, keyed, "Skat")

	if _, _, err := b.Folders.Change(ctx, ask, first.ID, folders.Change{Name: pointer("Andet")}); err != nil {
		t.Fatal(err)
	}

	again := create(t, b, keyed, "Skat")
	if again.ID != first.ID || again.Name != "Skat" || again.Row.Version != first.Row.Version {
		t.Errorf("the repeat gives %s %q, version %d; want %s %q, %d",
			again.ID, again.Name, again.Row.Version, first.ID, first.Name, first.Row.Version)
	}
}

// Counts and the newest arrival are of what who asks is shown.
func TestCountsAreOfWhatIsShown(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box, helper := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	b.Grant(box, helper, access.Read)
	b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	private := b.Submit(b.Sender(backbonetest.Insurer, "mitdk"), backbonetest.Mette, backbonetest.Letter{})

	inbox := func(ask core.Ask) folders.Folder {
		t.Helper()

		all, err := b.Folders.All(context.Background(), ask.Principal, box, true)
		if err != nil || len(all) != len(mailbox.SystemFolders) || all[0].Type != "INBOX" {
			t.Fatalf("folders %+v, %v", all, err)
		}

		return all[0]
	}

	owner, one := backbonetest.Owner(box, "mitdk"), mailbox.Count{Total: 1, Unread: 1}
	if _, _, err := b.Messages.Patch(
		context.Background(), owner, private, messages.Patch{Read: pointer(true)},
	); err != nil {
		t.Fatal(err)
	}

	for who, x := range map[string]struct {
		ask  core.Ask
		want mailbox.Count
	}{
		"the owner on the platform":   {owner, mailbox.Count{Total: 2, Unread: 1}},
		"the owner elsewhere":         {backbonetest.Owner(box, backbonetest.App), one},
		"a delegate on the platform":  {backbonetest.Delegate(helper, box, "mitdk"), one},
		"the owner without a consent": {backbonetest.Owner(box, backbonetest.EBoks), mailbox.Count{}},
	} {
		got := inbox(x.ask)
		if got.Count != x.want || got.Latest.IsZero() != (x.want.Total == 0) {
			t.Errorf("%s: %+v, newest %v; want %+v", who, got.Count, got.Latest, x.want)
		}
	}

	stranger := backbonetest.Delegate(b.Citizen(backbonetest.Åse), box, backbonetest.App)
	_, err := b.Folders.All(context.Background(), stranger.Principal, box, false)
	if !errors.Is(err, core.ErrForbidden) {
		t.Errorf("a stranger: %v, want %v", err, core.ErrForbidden)
	}
}
