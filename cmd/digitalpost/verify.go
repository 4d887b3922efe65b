package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"

	"digitalpost/adapters/documents"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/projections"
)

type verifyCmd struct{ dataFlags }

// Run checks everything and says what it counted; its error names the position or place of the first damage.
func (c *verifyCmd) Run() error { quietly(); return c.check(os.Stdout) }

func (c *verifyCmd) check(out io.Writer) error {
	before := known(c.Data)
	b, err := filestore.OpenBeside(filepath.Join(c.Data, "log"))
	if err != nil {
		return err
	}
	docs := documents.OpenReader(c.Data)
	defer docs.Close()
	kept := keptDocuments{}
	counts, err := b.Check(before, func(rec eventstore.Event) error {
		e, err := projections.Decode(rec)
		if err != nil {
			return &eventstore.DamageError{Position: rec.Position, Place: "stream " + rec.Stream.String(), Reason: err.Error()}
		}
		kept.apply(rec, e)
		return nil
	})
	if err != nil {
		return err
	}
	for id, k := range kept.named {
		if err := docs.Check(id, k.length, k.hash); err != nil {
			if later, lerr := kept.after(c.Data, b.Last()); lerr == nil && !later[id] {
				continue // it was forgotten while this checked
			}
			return fmt.Errorf("position %d names it: %w", k.at, err)
		}
	}
	var keys struct{ Nodes, Numbers int }
	running, err := askServer(c.Data, "GET", "/keys/check", &keys)
	if !running && err == nil {
		keys.Nodes, keys.Numbers, err = c.checkKeys()
	}
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	fmt.Fprintf(out, "sound: %d events in %d streams and %d segments, through position %d; %d documents; %d keys, %d numbers\n",
		counts.Events, counts.Streams, counts.Segments, counts.Last, len(kept.named), keys.Nodes, keys.Numbers)
	return nil
}

// known gives the highest position that the views of a data directory have been flushed at; 0 while a server has them open.
func known(data string) eventstore.Position {
	id, ok := filestore.LogID(filepath.Join(data, "log"))
	if !ok {
		return 0
	}
	return projections.Known(filepath.Join(data, "views"), id)
}

func (c *verifyCmd) checkKeys() (int, int, error) {
	keys, err := c.keys()
	if err != nil {
		return 0, 0, err
	}
	v, err := vault.Open(c.Data, vault.KeyFolder(keys))
	if err != nil {
		return 0, 0, err
	}
	nodes, numbers, err := v.Check()
	return nodes, numbers, errors.Join(err, v.Close())
}

// keptDocuments folds the log to the documents that must be there.
type keptDocuments struct {
	named map[domain.DocumentID]keptDocument
	of    map[domain.MessageID]domain.DocumentID
	in    map[[16]byte][]domain.MessageID     // by mailbox
	parts map[domain.MessageID][]mailbox.Part // of drafts
}

type keptDocument struct {
	length int64
	hash   []byte
	at     eventstore.Position // that names it
}

func (k *keptDocuments) apply(rec eventstore.Event, e domain.Named) {
	if k.named == nil {
		*k = keptDocuments{map[domain.DocumentID]keptDocument{}, map[domain.MessageID]domain.DocumentID{}, map[[16]byte][]domain.MessageID{}, map[domain.MessageID][]mailbox.Part{}}
	}
	forgotten := func(m domain.MessageID) { delete(k.named, k.of[m]) }
	put := func(m domain.MessageID) { k.in[rec.Stream.ID] = append(k.in[rec.Stream.ID], m) }
	switch e := e.(type) {
	case intake.MemoReceived:
		k.named[e.Document] = keptDocument{e.Kept, e.SealedHash, rec.Position}
		k.of[e.Message] = e.Document
	case intake.MemoRefused:
		delete(k.named, e.Document)
	case mailbox.MessageDelivered:
		if e.Letter != nil {
			put(e.Message)
		}
		if e.Letter != nil && e.Letter.System == (domain.SystemID{}) { // forwarded from another mailbox
			k.letter(rec, *e.Letter)
		}
	case mailbox.DraftSaved:
		for _, p := range e.Parts {
			k.named[p.Document] = keptDocument{p.Length, p.SealedHash, rec.Position}
		}
		k.drop(e.Dropped)
		k.parts[e.Message] = e.Parts
		put(e.Message)
	case mailbox.MessageSent:
		k.drop(e.Dropped)
		delete(k.parts, e.Message)
		k.letter(rec, e.Letter)
		k.named[e.Handover.Document] = keptDocument{e.Handover.Length, e.Handover.SealedHash, rec.Position}
		put(e.Message)
	case mailbox.MessageTaken:
		delete(k.named, e.Copy)
	case mailbox.MessageScheduled:
		put(e.Letter.Message)
	case mailbox.MessagePurged:
		forgotten(e.Message)
		k.drop(e.Documents)
		delete(k.parts, e.Message)
	case mailbox.MessageRecalled:
		forgotten(e.Message)
	case mailbox.MessageRefused:
		forgotten(e.Message)
	case mailbox.Shredded:
		for _, m := range k.in[rec.Stream.ID] {
			forgotten(m)
			for _, p := range k.parts[m] {
				delete(k.named, p.Document)
			}
		}
	}
}

func (k *keptDocuments) drop(docs []domain.DocumentID) {
	for _, d := range docs {
		delete(k.named, d)
	}
}

func (k *keptDocuments) letter(rec eventstore.Event, l mailbox.Letter) {
	k.named[l.Document] = keptDocument{l.Kept, l.SealedHash, rec.Position}
	k.of[l.Message] = l.Document
}

// after folds what came beyond a position, and tells which of the documents must still be there.
func (k *keptDocuments) after(data string, p eventstore.Position) (map[domain.DocumentID]bool, error) {
	b, err := filestore.OpenBeside(filepath.Join(data, "log"))
	if err != nil {
		return nil, err
	}
	later := keptDocuments{maps.Clone(k.named), k.of, k.in, k.parts}
	for rec, err := range b.ReadAll(p) {
		if err != nil {
			return nil, err
		}
		if e, err := projections.Decode(rec); err == nil {
			later.apply(rec, e)
		}
	}
	out := map[domain.DocumentID]bool{}
	for id := range later.named {
		out[id] = true
	}
	return out, nil
}
