package backbone_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
)

// A log with an event that this program does not know, since a newer one wrote it, is not served: what the event asks
// to be forgotten, and which documents it names, is not known. Nothing is swept or passed by.
func TestALogOfANewerProgramIsNotServed(t *testing.T) {
	t.Parallel()
	b := backbonetest.Open(t, backbonetest.SegmentSize(4<<20))
	box := b.Citizen(backbonetest.Mette)
	b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	var kept []domain.Document
	for _, rec := range b.Since(0) {
		if e, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data); err == nil {
			if rec.Stream == core.Stream(box) {
				kept = append(kept, e.Effect().Keeps...)
			}
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	log, err := filestore.Open(filepath.Join(b.Dir, "log"), filestore.Config{Development: true, SegmentSize: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	version, _ := log.Head(core.Stream(box))
	_, err = log.Append(context.Background(), core.Stream(box), eventstore.ExpectedVersion(version),
		eventstore.NewEvent{Type: "mailbox.message-of-tomorrow", Data: []byte{0xA0}})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}

	newer, err := backbone.Open(backbone.Config{Dir: b.Dir, KMS: b.KMS(), Development: true, SegmentSize: 4 << 20})
	if err == nil {
		newer.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "older than the log") {
		t.Errorf("Open = %v, want it refused", err)
	}
	if len(kept) == 0 {
		t.Fatal("no document was kept")
	}
	for _, d := range kept {
		if !b.Kept(d) {
			t.Errorf("document %s is gone", d.ID)
		}
	}
}

// While a stream is parked nothing is swept: not even a document that no event names.
func TestNothingIsSweptWhileAStreamIsParked(t *testing.T) {
	t.Parallel()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	w := b.Core().Documents.Create()
	if _, err := w.Write([]byte("named by nothing")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(2 * time.Hour)

	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	log, err := filestore.Open(filepath.Join(b.Dir, "log"), filestore.Config{Development: true})
	if err != nil {
		t.Fatal(err)
	}
	version, _ := log.Head(core.Stream(box))
	impossible := mailbox.MessageMarkedRead{Message: domain.MessageID{9}} // of a message that never was
	data, err := mailbox.Codec.Encode(impossible)
	if err != nil {
		t.Fatal(err)
	}
	_, err = log.Append(context.Background(), core.Stream(box), eventstore.ExpectedVersion(version),
		eventstore.NewEvent{Type: impossible.EventType(), Data: data})
	if err := errors.Join(err, log.Close()); err != nil {
		t.Fatal(err)
	}

	b.Restart()
	if freed, err := b.Core().Forgetting.Sweep(later); freed != 0 || !errors.Is(err, core.ErrParked) {
		t.Errorf("Sweep = %d, %v; want ErrParked", freed, err)
	}
}

// A directory of data, or of keys, in which others can write is not opened.
func TestDirectoriesOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"data", "keys", "keys/epoch"} {
		dir := t.TempDir()
		open := func() error {
			b, err := backbone.Open(backbone.Config{
				Dir: filepath.Join(dir, "data"), KMS: vault.KeyFolder(filepath.Join(dir, "keys")), Development: true,
				SegmentSize: 4 << 20,
			})
			if err != nil {
				return err
			}

			return b.Close()
		}
		if err := open(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, of), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := open(); !errors.Is(err, vault.ErrNotPrivate) {
			t.Errorf("%s: %v", of, err)
		}
	}
}
