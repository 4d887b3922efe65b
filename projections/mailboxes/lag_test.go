package mailboxes_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/viewtest"
)

// Lags are a test of views that lag behind.
type lags struct {
	*testing.T
	store   eventstore.Store
	history *viewtest.History
	handler mailboxes.Handler
	views   *engine.Views
	deleted int // folders that were deleted in a tail while messages lay in them
}

// A view that lags behind gives, with the stream's tail on top, the same state as the whole stream: also where the tail
// deletes the folder that the message lay in that the order is about.
func TestStateFromALaggingViewIsTheStreams(t *testing.T) {
	store, rng, dir := memstore.New(nil), rand.New(rand.NewPCG(7, 7)), t.TempDir()
	l := &lags{
		T: t, store: store, history: viewtest.New(t, store, 7, 300),
		handler: eventstore.NewHandler(store, mailbox.Decider, mailbox.Codec),
	}

	for round := range 60 {
		if round%2 == 0 {
			l.fill(folderX)
		}
		at := store.Last()

		l.history.Grow(rng.IntN(20))
		if round%2 == 0 {
			l.execute(mailbox.DeleteFolder{Folder: folderX, Platform: "app"})
		}
		l.history.Grow(1 + rng.IntN(20))
		l.views = viewsAt(t, dir, store, at)

		for _, id := range viewtest.Boxes {
			l.box(id)
		}

		if err := l.views.Close(); err != nil {
			t.Fatal(err)
		}
	}

	if l.deleted < 20 {
		t.Errorf("%d folders with messages in them were deleted in tails: too few", l.deleted)
	}
}

// folderX is deleted in tails.
var folderX = domain.FolderID{9}

// owner gives a mailbox's own order, through one platform.
func owner(id domain.MailboxID, platform string, c mailbox.Command) mailbox.Order {
	p := access.Principal{Identity: id, Platform: platform}
	return mailbox.Order{Command: c, By: mailbox.Caller{Principal: p, Mailbox: id}}
}

// execute runs a command of each mailbox's owner.
func (l *lags) execute(c mailbox.Command) {
	l.Helper()

	for _, id := range viewtest.Boxes {
		l.history.Execute(id, owner(id, "eboks", c))
	}
}

// fill moves some of each mailbox's private post to a folder: who sees none of that may delete it.
func (l *lags) fill(f domain.FolderID) {
	l.Helper()
	l.execute(mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: f, NameKey: domain.UUID(f)}, Name: "x"})

	for _, id := range viewtest.Boxes {
		whole, _ := viewtest.Whole(l.T, l.store, id)
		var private []domain.MessageID
		for m, row := range whole.Messages() {
			if row.Stage == mailbox.Here && row.Audience == "eboks" {
				private = append(private, m)
			}
		}
		slices.SortFunc(private, func(a, b domain.MessageID) int { return bytes.Compare(a[:], b[:]) })

		for _, m := range private[:min(3, len(private))] {
			at := mailbox.Target{Message: m, Lens: mailbox.Lens{Private: "eboks"}}
			l.history.Execute(id, owner(id, "eboks", mailbox.Move{Target: at, To: f}))
		}
	}
}

// box tries orders on one mailbox.
func (l *lags) box(id domain.MailboxID) {
	l.Helper()

	whole, version := viewtest.Whole(l.T, l.store, id)
	try := func(o mailbox.Order) {
		l.Helper()

		begin := mailboxes.Start(l.views)
		part, at, err := l.handler.From(begin).State(context.Background(), viewtest.Stream(id), o)
		if err != nil || at != version || part.NextLeaf != whole.NextLeaf {
			l.Fatalf("State for %T %+v = version %d, next leaf %d, %v; want %d, %d",
				o.Command, o.Command, at, part.NextLeaf, err, version, whole.NextLeaf)
		}
		decidesTheSame(l.T, "from a lagging view", o, part, whole)
	}

	for range 20 {
		try(l.history.Order(id))
	}

	for _, o := range l.ofDeletedFolders(id) {
		try(o)
	}
}

// ofDeletedFolders gives orders about messages that lie, as the view has it, in folders which the tail deletes.
func (l *lags) ofDeletedFolders(id domain.MailboxID) (out []mailbox.Order) {
	l.Helper()

	s, err := mailboxes.At(l.views)
	if err != nil {
		l.Fatal(err)
	}
	defer s.Close()

	_, behind, err := s.State(id, domain.Parts{})
	if err != nil {
		l.Fatal(err)
	}

	lens := mailbox.Lens{Private: "eboks"}

	for rec, err := range l.store.ReadStream(context.Background(), viewtest.Stream(id), behind) {
		if err != nil {
			l.Fatal(err)
		}

		e, _ := mailbox.Codec.Decode(rec.Type, rec.Data)
		d, ok := e.(mailbox.FolderDeleted)
		if !ok {
			continue
		}

		in, err := s.Messages(id, mailboxes.Range{Folder: d.Folder, Lens: lens})
		if err != nil {
			l.Fatal(err)
		}

		if len(in) > 0 {
			l.deleted++
		}

		for _, x := range in {
			m := mailbox.Target{Message: x.ID, Lens: lens}
			for _, c := range []mailbox.Command{
				mailbox.Delete{Target: m}, mailbox.Move{Target: m, To: mailbox.Inbox},
				mailbox.Move{Target: m, To: mailbox.Deleted},
				mailbox.Each{mailbox.MarkRead{Target: m, Read: true}, mailbox.DeleteFolder{Folder: d.Folder}},
			} {
				out = append(out, owner(id, "eboks", c))
			}
		}
	}

	return out
}
