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
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/projections"
	"digitalpost/projections/engine"
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
	must := newKept()
	counts, err := b.Check(before, func(rec eventstore.Event) error {
		e, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data)
		if err != nil {
			return &eventstore.DamageError{
				Position: rec.Position, Place: "stream " + rec.Stream.String(), Reason: err.Error(),
			}
		}
		must.apply(rec, e)
		return nil
	})
	if err != nil {
		return err
	}
	for id, k := range must.named {
		if err := docs.Check(id, k.Length, k.Hash); err != nil {
			if later, lerr := must.after(c.Data, b.Last()); lerr == nil {
				if _, still := later[id]; !still {
					continue // it was forgotten while this checked
				}
			}
			return fmt.Errorf("position %d names it: %w", k.at, err)
		}
	}
	fmt.Fprintf(out, "sound: %d events in %d streams and %d segments, through position %d; %d documents",
		counts.Events, counts.Streams, counts.Segments, counts.Last, len(must.named))

	var keys struct{ Nodes, Numbers int }
	running, err := askServer(c.Data, question{method: "GET", path: "operations/keys/check"}, &keys)
	if !running && err == nil {
		keys.Nodes, keys.Numbers, err = c.checkKeys(b)
	}
	if err != nil {
		fmt.Fprintln(out, "; the keys were not checked")
		return fmt.Errorf("keys: %w", err)
	}
	fmt.Fprintf(out, "; %d keys, %d numbers", keys.Nodes, keys.Numbers)

	return c.checkViews(out, b)
}

// checkViews compares the views with the log, unless a server has them open.
func (c *verifyCmd) checkViews(out io.Writer, b *filestore.Beside) error {
	id, incarnation, err := b.Identity()
	if err != nil {
		return err
	}

	checked := 0
	for _, p := range projections.All() {
		path := filepath.Join(c.Data, "views", p.Name()+".view")
		r, ok, err := engine.Check(path, engine.Log{ID: id, Incarnation: incarnation}, p, b.ReadAll)
		if errors.Is(err, engine.ErrInUse) {
			fmt.Fprintln(out, "; the views were not checked: a server has them open")
			return nil
		}

		if err == nil && r.Unlike > 0 {
			err = fmt.Errorf("%d of %d rows of view %s are not what the log says, the first is %s",
				r.Unlike, r.Rows, r.View, r.First)
		}
		if err != nil {
			fmt.Fprintln(out)
			return fmt.Errorf("views: %w; the log is sound, and serve builds them anew", err)
		}

		if ok {
			checked++
		}
	}
	fmt.Fprintf(out, "; %d views are as the log says\n", checked)

	return nil
}

// known gives the highest position that the views of a data directory have been flushed at; 0 while a server has them
// open.
func known(data string) eventstore.Position {
	id, ok := filestore.LogID(filepath.Join(data, "log"))
	if !ok {
		return 0
	}
	return engine.Known(filepath.Join(data, "views"), id, projections.All())
}

// checkKeys checks the keys of a log that no server has open. It changes nothing.
func (c *verifyCmd) checkKeys(b *filestore.Beside) (nodes, numbers int, err error) {
	keys, err := c.keys()
	if err != nil {
		return 0, 0, err
	}

	id, incarnation, err := b.Identity()
	if err != nil {
		return 0, 0, err
	}

	log := vault.Log{ID: id, Incarnation: incarnation, Empty: b.Last() == 0}
	v, err := vault.OpenReader(c.Data, vault.KeyFolder(keys), log)
	if err != nil {
		return 0, 0, err
	}

	nodes, numbers, err = v.Check()
	return nodes, numbers, errors.Join(err, v.Close())
}

// kept folds the log to the documents that must be there. What each event keeps and frees is the event's own word.
type kept struct {
	named    map[domain.DocumentID]keptDocument
	received map[domain.MessageID]domain.DocumentID // as MeMos came in
}

type keptDocument struct {
	domain.Document
	at    eventstore.Position // that names it
	under [16]byte            // stream whose root it lies under; zero: none that is ever destroyed whole
}

func newKept() kept {
	return kept{map[domain.DocumentID]keptDocument{}, map[domain.MessageID]domain.DocumentID{}}
}

func (k kept) apply(rec eventstore.Event, e domain.Event) {
	effect := e.Effect()
	for _, d := range effect.Keeps {
		doc := keptDocument{Document: d, at: rec.Position}
		switch {
		case rec.Stream.Kind == streams.Intake:
			k.received[d.Of] = d.ID
		case !d.Apart:
			doc.under = rec.Stream.ID
		}
		k.named[d.ID] = doc
	}

	for _, d := range effect.Frees.Documents {
		delete(k.named, d)
	}

	for _, m := range effect.Frees.Received {
		delete(k.named, k.received[m])
	}

	if effect.Frees.All {
		maps.DeleteFunc(k.named, func(_ domain.DocumentID, d keptDocument) bool { return d.under == rec.Stream.ID })
	}
}

// after folds what came beyond a position, and gives the documents that must still be there.
func (k kept) after(data string, p eventstore.Position) (map[domain.DocumentID]keptDocument, error) {
	b, err := filestore.OpenBeside(filepath.Join(data, "log"))
	if err != nil {
		return nil, err
	}

	later := kept{maps.Clone(k.named), maps.Clone(k.received)}
	for rec, err := range b.ReadAll(p) {
		if err != nil {
			return nil, err
		}

		if e, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data); err == nil {
			later.apply(rec, e)
		}
	}

	return later.named, nil
}
