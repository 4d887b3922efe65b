package backbone

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// A piece whose answer can't be given, since access ended between its append and the reading of it, is kept: the draft names it.
func TestUploadedPieceIsKeptThoughItsAnswerIsNot(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	revoke := func() {}
	b, err := Open(Config{Dir: dir + "/var", KMS: vault.KeyFolder(dir + "/keys"), Development: true, SegmentSize: 16 << 20, Fail: func(step string) {
		if step == "draft saved" {
			revoke()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var asks []Ask
	for _, n := range []string{"6701901234", "6702901234"} {
		box, _, err := b.Register(ctx, Person{Kind: mailbox.Citizen, Number: n, Name: "Mette", BirthDate: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		asks = append(asks, Ask{Principal: Principal{Identity: box, Platform: "app"}, Mailbox: box})
	}
	owner, helper := asks[0], asks[1]
	helper.Mailbox = owner.Mailbox
	grant, _, err := b.Grant(ctx, owner, helper.Identity, access.ReadWrite, "", "")
	if err != nil {
		t.Fatal(err)
	}
	label, main, name, kind, language := "Emne", true, "a.txt", "text/plain", "da"
	m, _, err := b.BeginDraft(ctx, helper, DraftWords{Label: &label})
	if err != nil {
		t.Fatal(err)
	}
	part := Part{Message: m.ID}
	if _, part.Document, _, err = b.AddDocument(ctx, helper, m.ID, DraftDocument{Main: main}); err != nil {
		t.Fatal(err)
	}
	if _, part.File, _, err = b.AddFile(ctx, helper, part, DraftFile{Format: &kind, Name: &name, Language: &language}); err != nil {
		t.Fatal(err)
	}
	revoke = func() {
		revoke = func() {}
		if _, _, err := b.Revoke(ctx, owner, grant.ID); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := b.PutContent(ctx, helper, part, Piece{Total: -1, Body: strings.NewReader("hej med dig")}); !errors.Is(err, ErrForbidden) {
		t.Errorf("PutContent = %v, want %v", err, ErrForbidden)
	}
	if _, _, err := b.Grant(ctx, owner, helper.Identity, access.ReadWrite, "", ""); err != nil {
		t.Fatal(err)
	}
	if m, err = b.Message(ctx, helper.Principal, helper.Mailbox, m.ID); err != nil {
		t.Fatal(err)
	}
	var file *memo.Node = m.Memo.Documents()[0].All("File")[0]
	in, done, err := b.Content(ctx, helper.Principal, m, file)
	if err != nil {
		t.Fatal(err)
	}
	defer done.Close()
	if got, err := io.ReadAll(in); string(got) != "hej med dig" || err != nil {
		t.Errorf("the piece reads %q, %v", got, err)
	}
}

// A draft that is edited while it is sent is sent as it is then, or not at all: never without what its author wrote.
func TestEditedWhileSent(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	var edit atomic.Pointer[func()]
	var wait atomic.Int32
	b, err := Open(Config{Dir: dir + "/var", KMS: vault.KeyFolder(dir + "/keys"), Development: true, SegmentSize: 16 << 20, Now: func() time.Time {
		if wait.Add(-1) < 0 {
			if f := edit.Swap(nil); f != nil {
				(*f)()
			}
		}
		return time.Now()
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	box, _, err := b.Register(ctx, Person{Kind: mailbox.Citizen, Number: "6701901234", Name: "Mette", BirthDate: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	a := Ask{Principal: Principal{Identity: box, Platform: "app"}, Mailbox: box}
	label, other := "Emne", "Et andet emne"
	m, _, err := b.BeginDraft(ctx, a, DraftWords{Label: &label})
	if err != nil {
		t.Fatal(err)
	}
	for when := range int32(12) { // wherever the edit comes in
		f := func() {
			if _, _, err := b.ChangeDraft(ctx, a, m.ID, DraftWords{Label: &other}); err != nil {
				t.Error(err)
			}
		}
		wait.Store(when)
		edit.Store(&f)
		ahead := a
		ahead.Version = m.Row.State.Version + 1
		if _, _, err := b.Send(ctx, ahead, m.ID); err == nil {
			t.Fatal("a draft that has no recipient was sent")
		}
		edit.Store(nil)
		if m, err = b.Message(ctx, a.Principal, box, m.ID); err != nil || m.Row.State.Draft == nil {
			t.Fatalf("the draft is %+v, %v", m.Row.State, err)
		}
	}
}
