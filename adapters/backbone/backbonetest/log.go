package backbonetest

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"digitalpost/adapters/documents"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
)

// A Record is an event of the log, read beside the backbone.
type Record struct {
	eventstore.Event
	Says domain.Event
}

// Since gives what the log has beyond a position.
func (b *Backbone) Since(after eventstore.Position) (out []Record) {
	b.tb.Helper()

	log, err := filestore.OpenBeside(filepath.Join(b.Dir, "log"))
	b.must(err)

	for rec, err := range log.ReadAll(after) {
		b.must(err)
		rec.Data = bytes.Clone(rec.Data)
		says, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data)
		b.must(err)
		out = append(out, Record{rec, says})
	}

	return out
}

// Stream gives what the log has of a stream beyond a position; of the types named, if any are.
func (b *Backbone) Stream(kind eventstore.Kind, id [16]byte, after eventstore.Position, types ...string) []Record {
	b.tb.Helper()

	stream := eventstore.Stream{Kind: kind, ID: id}
	return slices.DeleteFunc(b.Since(after), func(r Record) bool {
		return r.Stream != stream || len(types) > 0 && !slices.Contains(types, r.Type)
	})
}

// Box gives what the log has of a mailbox beyond a position; of the types named, if any are, and if none are without
// what platforms may hold of it.
func (b *Backbone) Box(id domain.MailboxID, after eventstore.Position, types ...string) []Record {
	b.tb.Helper()

	records := b.Stream(streams.Mailbox, id, after, types...)
	if len(types) == 0 {
		records = WithoutVisibility(records)
	}

	return records
}

// WithoutVisibility leaves out what platforms may hold of mailboxes, which follows from other events.
func WithoutVisibility(records []Record) []Record {
	return slices.DeleteFunc(records, func(r Record) bool {
		return r.Type == mailbox.MailboxVisible{}.EventType() || r.Type == mailbox.MailboxHidden{}.EventType()
	})
}

// LooksAt gives who has looked at a mailbox, beyond a position.
func (b *Backbone) LooksAt(id domain.MailboxID, after eventstore.Position) []Record {
	b.tb.Helper()
	return b.Stream(streams.Looks, id, after)
}

// Types gives the records' event types, in order.
func Types(records []Record) (out []string) {
	for _, r := range records {
		out = append(out, r.Type)
	}

	return out
}

// Kept reports whether the bytes of a document lie on disk as an event names it.
func (b *Backbone) Kept(d domain.Document) bool {
	b.tb.Helper()

	reader := documents.OpenReader(b.Dir)
	err := reader.Check(d.ID, d.Length, d.Hash)
	b.must(reader.Close())

	return err == nil
}

// Until returns once something is so, which is asked again whenever the log has grown, and the views have all that the
// log has then. It ends the test after a minute.
func (b *Backbone) Until(so func() bool) {
	b.tb.Helper()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	for at := b.Position(); !so(); at = b.Position() {
		b.must(b.Fresh(ctx, at+1)) // what was appended while it was asked counts
	}
	b.must(b.Fresh(ctx, b.Position()))
}

// Forgotten reports whether the key of a leaf is destroyed. The backbone is closed for it, and opened again.
func (b *Backbone) Forgotten(owner [16]byte, leaf uint32) bool {
	b.tb.Helper()

	b.must(b.Close())
	beside, err := filestore.OpenBeside(filepath.Join(b.Dir, "log"))
	b.must(err)
	id, incarnation, err := beside.Identity()
	b.must(err)
	v, err := vault.OpenReader(b.Dir, b.KMS(), vault.Log{ID: id, Incarnation: incarnation})
	b.must(err)

	_, err = v.Key(vault.Owner(owner), leaf)
	if err != nil && !errors.Is(err, vault.ErrForgotten) {
		b.tb.Fatal(err)
	}
	b.must(v.Close())
	b.Restart()

	return err != nil
}
