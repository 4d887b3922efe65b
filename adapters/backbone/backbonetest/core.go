package backbonetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/documents"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/projections"
	"digitalpost/projections/engine"
)

// Core opens a core on a new directory, without the subjects that stand on it and without what goes on by itself:
// nothing is forgotten. It has one mailbox, a citizen's. It is closed when the test ends.
func Core(tb testing.TB) (*core.Core, domain.MailboxID) {
	tb.Helper()

	dir := tb.TempDir()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	closing := func(fn func() error) { tb.Cleanup(func() { must(fn()) }) }

	store, err := filestore.Open(filepath.Join(dir, "log"), filestore.Config{
		Development: true, SegmentSize: segmentSize,
	})
	must(err)
	closing(store.Close)

	keys, err := vault.Open(dir, vault.KeyFolder(filepath.Join(dir, "keys")),
		vault.Log{ID: store.ID(), Incarnation: store.Incarnation(), Empty: true})
	must(err)
	closing(keys.Close)

	docs, err := documents.Open(dir)
	must(err)
	closing(docs.Close)

	views, err := engine.Open(store, engine.Config{
		Dir: filepath.Join(dir, "views"), Projections: projections.All(),
		Log: engine.Log{ID: store.ID(), Incarnation: store.Incarnation()},
	})
	must(err)
	closing(views.Close)

	c := core.New(core.Config{
		Log:       store,
		Mailboxes: eventstore.NewHandler(store, mailbox.Decider, mailbox.Codec),
		Looks:     eventstore.NewHandler(store, looks.Decider, looks.Codec),
		Views:     views, Vault: keys, Documents: docs, HasRoom: store.IntakeHasRoom, Now: time.Now,
		Logger: slog.New(slog.DiscardHandler), Fail: func(string) {},
	})

	box, _, err := people.New(c).Register(context.Background(), people.Person{
		Kind: mailbox.Citizen, Number: Mette, Name: "Mette", BirthDate: time.Unix(0, 0),
	})
	must(err)

	return c, box
}
