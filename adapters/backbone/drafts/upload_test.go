package drafts_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/drafts"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
)

func pointer[T any](v T) *T { return &v }

// A piece whose answer can't be given, since access ended between its append and the reading of it, is kept: the draft
// names it.
func TestUploadedPieceIsKeptThoughItsAnswerIsNot(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box, who := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	owner, helper := backbonetest.Owner(box, backbonetest.App), backbonetest.Delegate(who, box, backbonetest.App)
	grant := b.Grant(box, who, access.ReadWrite)
	part := draftWithFile(t, b, helper)

	b.AtSteps(func(step string) {
		if step != "draft saved" {
			return
		}

		b.AtSteps(nil)
		if _, _, err := b.Access.Revoke(ctx, owner, grant); err != nil {
			t.Error(err)
		}
	})

	piece := drafts.Piece{Total: -1, Body: strings.NewReader("hej med dig")}
	if _, _, err := b.Drafts.Upload(ctx, helper, part, piece); !errors.Is(err, core.ErrForbidden) {
		t.Errorf("Upload = %v, want %v", err, core.ErrForbidden)
	}

	b.Grant(box, who, access.ReadWrite)
	m, err := b.Messages.Message(ctx, helper.Principal, box, part.Message)
	if err != nil {
		t.Fatal(err)
	}

	var file *memo.Node = m.Memo.Documents()[0].All("File")[0]
	in, done, err := b.Messages.File(ctx, helper.Principal, m, file)
	if err != nil {
		t.Fatal(err)
	}
	defer done.Close()

	if got, err := io.ReadAll(in); string(got) != "hej med dig" || err != nil {
		t.Errorf("the piece reads %q, %v", got, err)
	}
}

// draftWithFile begins a draft with a main document that has one file without content.
func draftWithFile(t *testing.T, b *backbonetest.Backbone, ask core.Ask) content.Part {
	t.Helper()

	ctx := context.Background()
	m, _, err := b.Drafts.Begin(ctx, ask, drafts.Words{Label: pointer("Emne")})
	if err != nil {
		t.Fatal(err)
	}

	part := content.Part{Message: m.ID}
	added, err := b.Drafts.AddDocument(ctx, ask, m.ID, drafts.Document{Main: true})
	if err != nil {
		t.Fatal(err)
	}

	part.Document = added.Part
	added, err = b.Drafts.AddFile(ctx, ask, part, drafts.File{
		Format: pointer("text/plain"), Name: pointer("a.txt"), Language: pointer("da"),
	})
	if err != nil {
		t.Fatal(err)
	}
	part.File = added.Part

	return part
}

// The repeat of an addition names the part that the first one added, also after others were.
func TestARepeatedAdditionNamesTheSamePart(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	ask := backbonetest.Owner(b.Citizen(backbonetest.Mette), backbonetest.App)
	part := draftWithFile(t, b, ask)
	keyed := ask
	keyed.Key = "document"
	label := drafts.Document{Label: pointer("Bilag")}

	first, err := b.Drafts.AddDocument(ctx, keyed, part.Message, label)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := b.Drafts.AddDocument(ctx, ask, part.Message, label); err != nil {
		t.Fatal(err)
	}

	again, err := b.Drafts.AddDocument(ctx, keyed, part.Message, label)
	if err != nil || again.Part != first.Part || again.Position != first.Position || first.Part == (domain.UUID{}) {
		t.Errorf("the repeat: part %s at %d, %v; want %s at %d", again.Part, again.Position, err, first.Part,
			first.Position)
	}

	keyed.Key = "file"
	file := drafts.File{Format: pointer("text/plain"), Name: pointer("b.txt"), Language: pointer("da")}
	one, err := b.Drafts.AddFile(ctx, keyed, part, file)
	if err != nil {
		t.Fatal(err)
	}

	two, err := b.Drafts.AddFile(ctx, keyed, part, file)
	if err != nil || two.Part != one.Part || one.Part == part.File {
		t.Errorf("the repeat: file %s, %v; want %s", two.Part, err, one.Part)
	}
}

// A draft is its author's alone: nobody else sees it, not even who shares the mailbox.
func TestADraftIsItsAuthorsAlone(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box, who := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	b.Grant(box, who, access.ReadWrite)
	owner, helper := backbonetest.Owner(box, backbonetest.App), backbonetest.Delegate(who, box, backbonetest.App)

	for _, x := range []struct{ author, other core.Ask }{{owner, helper}, {helper, owner}} {
		part := draftWithFile(t, b, x.author)
		for _, platform := range []string{backbonetest.App, "lifeindenmark"} {
			x.author.Platform = platform
			if _, err := b.Messages.Message(ctx, x.author.Principal, box, part.Message); err != nil {
				t.Errorf("its author through %s: %v", platform, err)
			}
		}

		if _, err := b.Messages.Message(ctx, x.other.Principal, box, part.Message); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("another: %v, want %v", err, core.ErrNotFound)
		}

		_, _, err := b.Drafts.Change(ctx, x.other, part.Message, drafts.Words{Label: pointer("x")})
		if !core.IsReason(err, "message.not.found") && !errors.Is(err, core.ErrNotFound) {
			t.Errorf("another changes it: %v", err)
		}
	}
}
