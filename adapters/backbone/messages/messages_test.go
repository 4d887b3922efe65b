package messages_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
)

func pointer[T any](v T) *T { return &v }

// A page is the same from either end: it is read from the one that is nearer.
func TestPagesAreTheSameFromEitherEnd(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	sys, p := b.Authority(backbonetest.Municipality), backbonetest.Owner(box, backbonetest.App).Principal

	var sent []domain.MessageID
	for range 7 {
		sent = append(sent, b.Submit(sys, backbonetest.Mette, backbonetest.Letter{}))
	}

	for _, newest := range []bool{false, true} {
		want := slices.Clone(sent)
		if newest {
			slices.Reverse(want)
		}

		for skip := range 9 {
			for _, limit := range []int{1, 3, 9} {
				all, total, err := b.Messages.List(context.Background(), p, box, messages.Filter{
					Newest: newest, Skip: skip, Limit: limit,
				})

				var got []domain.MessageID
				for _, m := range all {
					got = append(got, m.ID)
				}

				from := min(skip, len(want))
				page := want[from:min(from+limit, len(want))]
				if err != nil || total != len(sent) || !slices.Equal(got, page) {
					t.Errorf("newest %v, %d from %d on: %v of %d, %v; want %v",
						newest, limit, skip, got, total, err, page)
				}
			}
		}
	}
}

// Many messages are changed in one append; one that is refused holds up no other, and is told why.
func TestOneThatIsRefusedHoldsUpNoOther(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	sys, ask := b.Authority(backbonetest.Municipality), backbonetest.Owner(box, backbonetest.App)
	one := b.Submit(sys, backbonetest.Mette, backbonetest.Letter{})
	two := b.Submit(sys, backbonetest.Mette, backbonetest.Letter{})
	read := messages.Patch{Read: pointer(true)}

	after := b.Position()
	got, at, err := b.Messages.PatchAll(ctx, ask, []messages.Item{
		{Message: one, Patch: read}, {Message: domain.MessageID{1}, Patch: read},
		{Message: two, Version: 9, Patch: read}, {Message: two, Patch: messages.Patch{Flag: pointer(true)}},
	})
	if err != nil || len(got) != 4 {
		t.Fatalf("PatchAll = %+v, %v", got, err)
	}

	for i, want := range []domain.Reason{"", mailbox.NoSuchMessage, mailbox.StaleVersion, ""} {
		if want == "" && got[i].Err != nil || want != "" && !core.IsReason(got[i].Err, want) {
			t.Errorf("item %d: %v, want %q", i, got[i].Err, want)
		}
	}

	if got[0].Version != 2 || got[1].Version != 0 || got[3].Version != 2 {
		t.Errorf("the versions afterwards: %+v", got)
	}

	log := b.Box(box, after)
	if len(log) != 2 || log[0].Count != 2 || log[1].Position != at {
		t.Errorf("the log has %v, want two events of one append", backbonetest.Types(log))
	}
}

// A look at a file stands in the log before a byte of it is given.
func TestALookAtAFileIsRecorded(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	id := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{Text: "hej"})
	p := backbonetest.Owner(box, backbonetest.App).Principal

	m, err := b.Messages.Message(ctx, p, box, id)
	if err != nil {
		t.Fatal(err)
	}
	file := m.Memo.Documents()[0].All("File")[0]

	// opens reads the file, and wants so many looks at it to be recorded by then.
	opens := func(when string, want int) {
		t.Helper()

		in, done, err := b.Messages.File(ctx, p, m, file)
		if err != nil {
			t.Fatal(err)
		}
		defer done.Close()

		opened := 0
		for _, r := range b.LooksAt(box, 0) {
			if r.Says == (looks.ContentOpened{Message: id}) && r.Meta.Actor.ID == [16]byte(box) {
				opened++
			}
		}

		raw, err := io.ReadAll(in)
		if err != nil || string(raw) != "Text: hej" || opened != want {
			t.Errorf("%s: the file reads %q, %v; recorded %d times, want %d", when, raw, err, opened, want)
		}
	}
	opens("at first", 1)
	opens("at once again", 1)
	b.Clock.Advance(looks.Again + time.Second)
	opens("later", 2)

	stranger := backbonetest.Owner(b.Citizen(backbonetest.Søren), backbonetest.App).Principal
	if _, _, err := b.Messages.File(ctx, stranger, m, file); !errors.Is(err, core.ErrForbidden) {
		t.Errorf("a stranger: %v, want %v", err, core.ErrForbidden)
	}
}

// All that is changed of a message is one append, at one version, or nothing is.
func TestAPatchIsWhole(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	id := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	ask := backbonetest.Owner(box, backbonetest.App)
	ask.Version = 1

	after := b.Position()
	nowhere := domain.FolderID{1}
	_, _, err := b.Messages.Patch(ctx, ask, id, messages.Patch{Read: pointer(true), Folder: &nowhere})
	if !core.IsRefused(err) && !errors.Is(err, core.ErrNotFound) || len(b.Box(box, after)) > 0 {
		t.Errorf("into a folder that is none: %v, %v", err, backbonetest.Types(b.Box(box, after)))
	}

	m, at, err := b.Messages.Patch(ctx, ask, id, messages.Patch{
		Read: pointer(true), Flag: pointer(true), Note: pointer("Husk"), Folder: pointer(mailbox.Deleted),
	})
	if err != nil || !m.Row.Read || !m.Row.Flag || m.Note != "Husk" || m.Row.Folder != mailbox.Deleted {
		t.Fatalf("Patch = %+v, %q, %v", m.Row, m.Note, err)
	}

	log := b.Box(box, after)
	if len(log) != 4 || log[0].Count != 4 || log[3].Position != at {
		t.Errorf("the log has %v, want four events of one append", backbonetest.Types(log))
	}

	for _, r := range log {
		if n, ok := r.Says.(mailbox.MessageNoted); ok && string(n.Note) == "Husk" {
			t.Error("the note stands in the open")
		}
	}
}

// Who is reading a file is given no more of it once the message is purged, or their access has ended.
func TestReadingEndsWithThePurge(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	owner := backbonetest.Owner(box, backbonetest.App)
	id := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{
		Text: strings.Repeat("long ", 1<<20), // a document in a file of its own, which stays open
	})
	ctx := context.Background()

	m, err := b.Messages.Message(ctx, owner.Principal, box, id)
	if err != nil {
		t.Fatal(err)
	}
	in, closer, err := b.Messages.File(ctx, owner.Principal, m, m.Memo.Documents()[0].All("File")[0])
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()

	read := func() error {
		_, err := in.Seek(0, io.SeekStart)
		if err == nil {
			_, err = in.Read(make([]byte, 1))
		}

		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}

	for range 2 { // into DELETED, and out of it for good
		if _, err := b.Messages.Delete(ctx, owner, id); err != nil {
			t.Fatal(err)
		}
	}
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err := read(); err != nil {
			break
		}
		if time.Now().After(until) {
			t.Fatal("what was purged is still read")
		}
	}
}

// A list that is being given ends with the access of who reads it: no more is shown than what was taken out already.
func TestListsEndWithAccess(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box, who := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	sys, p := b.Authority(backbonetest.Municipality), backbonetest.Delegate(who, box, backbonetest.App).Principal
	const sent = 70
	for range sent {
		b.Submit(sys, backbonetest.Mette, backbonetest.Letter{})
	}
	grant := b.Grant(box, who, access.Read)

	all, _, err := b.Messages.List(ctx, p, box, messages.Filter{})
	if err != nil || len(all) != sent {
		t.Fatalf("%d messages are listed, %v", len(all), err)
	}

	shown := 0
	err = b.Messages.Each(p, box, all, func(messages.Message) error {
		if shown++; shown > 1 {
			return nil
		}
		_, _, err := b.Access.Revoke(ctx, backbonetest.Owner(box, backbonetest.App), grant)
		return err
	})
	if !errors.Is(err, core.ErrForbidden) || shown > sent/2 {
		t.Errorf("after the revocation %d of %d are shown, %v", shown, sent, err)
	}
}
