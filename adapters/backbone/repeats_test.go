package backbone_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/drafts"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/streams"
	"digitalpost/projections/documents"
)

func pointerTo[T any](v T) *T { return &v }

// A repeat shows the message as it was when the first answer was given, and no word that came later.
func TestARepeatShowsNoLaterWord(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	id := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	ask := backbonetest.Owner(box, backbonetest.App)
	keyed := ask
	keyed.Key = "first"

	read := messages.Patch{Read: pointerTo(true)}
	if _, _, err := b.Messages.Patch(ctx, keyed, id, read); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Messages.Patch(ctx, ask, id, messages.Patch{Note: pointerTo("senere")}); err != nil {
		t.Fatal(err)
	}
	again, _, err := b.Messages.Patch(ctx, keyed, id, read)
	if err != nil || again.Note != "" {
		t.Errorf("the repeat shows note %q, %v; there was none", again.Note, err)
	}
}

// A key that began a draft is not one that changes it, though both say the same words.
func TestAKeyIsForOneOperation(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := backbonetest.Open(t)
	ask := backbonetest.Owner(b.Citizen(backbonetest.Mette), backbonetest.App)
	keyed := ask
	keyed.Key = "one key"

	words := drafts.Words{Label: pointerTo("a")}
	m, _, err := b.Drafts.Begin(ctx, keyed, words)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Drafts.Change(ctx, keyed, m.ID, words); !errors.Is(err, core.ErrKeyReused) {
		t.Errorf("Change under the key of Begin = %v, want ErrKeyReused", err)
	}
}

// A folder that was made, and deleted since, is not there for the repeat of its making.
func TestARepeatOfADeletedFoldersCreation(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := backbonetest.Open(t)
	ask := backbonetest.Owner(b.Citizen(backbonetest.Mette), backbonetest.App)
	keyed := ask
	keyed.Key = "one key"

	f, _, err := b.Folders.Create(ctx, keyed, "Mappe", domain.FolderID{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Folders.Delete(ctx, ask, f.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Folders.Create(ctx, keyed, "Mappe", domain.FolderID{}); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Create again = %v, want ErrNotFound", err)
	}
}

// That somebody was refused for lack of a right is recorded, whatever they asked for.
func TestARefusalWhereACommandIsDecidedIsRecorded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := backbonetest.Open(t)
	box, helper := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Åse)
	id := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	b.Grant(box, helper, access.Read)
	ask := backbonetest.Delegate(helper, box, backbonetest.App)

	after := b.Position()
	if _, err := b.Messages.Delete(ctx, ask, id); !core.IsReason(err, access.NotAllowed) {
		t.Fatalf("Delete = %v, want it refused", err)
	}
	refused := 0
	for _, r := range b.LooksAt(box, after) {
		if _, ok := r.Says.(looks.Refused); ok {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d refusals are recorded, want one: %v", refused, backbonetest.Types(b.LooksAt(box, after)))
	}
}

// A crash after the keys of a mailbox are destroyed leaves sealed bytes, which the sweep finds.
func TestShreddingThatWasKilledLeavesNothingForGood(t *testing.T) {
	t.Parallel()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	from := b.Authority(backbonetest.Municipality)
	for range 3 {
		b.Submit(from, backbonetest.Mette, backbonetest.Letter{})
	}
	var all []domain.DocumentID
	for _, rec := range b.Since(0) {
		e, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data)
		if err == nil && rec.Stream.Kind == streams.Mailbox && rec.Stream.ID == [16]byte(box) {
			for _, d := range e.Effect().Keeps {
				all = append(all, d.ID)
			}
		}
	}
	settle(t, b) // what intake knew is forgotten: the next that is forgotten is the mailbox
	b.EndAt("leaf forgotten", func(ctx context.Context) { b.People.Shred(ctx, box, 0) })
	b.Restart()

	s, err := documents.At(b.Core().Views)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	named := func(d domain.DocumentID) (bool, error) { return s.Named(d), nil }
	freed, err := b.Core().Documents.Sweep(time.Now().Add(2*time.Hour), named)
	if err != nil || len(all) == 0 || freed < len(all) {
		t.Errorf("of %d documents the sweep frees %d, %v", len(all), freed, err)
	}
}
