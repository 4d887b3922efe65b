// Package search looks in the words of a mailbox's messages, without opening the messages.
package search

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/text"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
)

// WordsOf gives what a search looks in, of a message that is open: all of it, whether or not it is kept apart.
func WordsOf(m messages.Message) content.Words {
	w, _ := content.WordsOf(m.Memo)
	w.Note = text.Fold(m.Note)

	return w
}

// A Found is a message that a search found.
type Found struct {
	Message  domain.MessageID
	Position eventstore.Position
	Unsure   bool // its words are not kept apart: it must be opened to know
}

// Search searches. It may be used by many goroutines at once.
type Search struct{ core *core.Core }

// New makes one.
func New(c *core.Core) *Search { return &Search{c} }

// batchSize is how many messages one goroutine looks at in one go.
const batchSize = 2048

// A Query is what is searched for. Of the filter, Folder, Read and the asker's lens count.
type Query struct {
	Filter messages.Filter
	// ByWords says that looking at words tells something; else everything is found, Unsure.
	ByWords bool
	// Match reports whether words are what is searched for. It is called by several goroutines at once.
	Match func(content.Words) bool
}

// Find gives the messages of a mailbox that a query is for, oldest first, without opening them. It is recorded before
// anything is looked at. Drafts, and what came before words were kept apart, come as Unsure.
func (s *Search) Find(ctx context.Context, p access.Principal, box domain.MailboxID, q Query) ([]Found, error) {
	a, err := s.core.Admit(ctx, p, box, access.List)
	if err != nil {
		return nil, err
	}

	if err := s.core.Look(ctx, a, looks.Searched{}); err != nil {
		return nil, err
	}

	v, err := s.core.Return(a)
	if err != nil {
		return nil, err
	}
	defer v.Close()

	q.Filter.Lens = v.Lens
	w := &worker{ctx: ctx, vault: s.core.Vault, box: box, match: q.Match, work: make(chan batch, 4)}

	return w.search(v.View, q)
}

type batch struct {
	n    int
	some []mailboxes.Searchable
}

type foundBatch struct {
	n     int
	found []Found
}

// A worker looks in the words of one search, in all processors.
type worker struct {
	ctx   context.Context // of the one request that it is for
	vault *vault.Vault
	box   domain.MailboxID
	match func(content.Words) bool
	work  chan batch

	mu    sync.Mutex // guards what follows
	found []foundBatch
	err   error
}

func (w *worker) search(view *mailboxes.Snapshot, q Query) ([]Found, error) {
	var wg sync.WaitGroup
	for range max(1, runtime.GOMAXPROCS(0)) {
		wg.Add(1)
		go func() { defer wg.Done(); w.run() }()
	}

	err := w.give(view, q)
	wg.Wait() // before the snapshot is let go: the batches lie in it

	if err := errors.Join(w.ctx.Err(), w.err, err); err != nil {
		return nil, err
	}

	slices.SortFunc(w.found, func(x, y foundBatch) int { return x.n - y.n })
	var out []Found
	for _, x := range w.found {
		out = append(out, x.found...)
	}

	return out, nil
}

// give gives the workers what is to be looked at, and ends their work.
func (w *worker) give(view *mailboxes.Snapshot, q Query) error {
	defer close(w.work)

	n, next := 0, make([]mailboxes.Searchable, 0, batchSize)
	err := view.Searchables(w.box, q.Filter, func(x mailboxes.Searchable) bool {
		if !q.ByWords {
			x.Sealed = ""
		}

		if next = append(next, x); len(next) == batchSize {
			w.work <- batch{n, next}
			n, next = n+1, make([]mailboxes.Searchable, 0, batchSize)
		}

		return w.ctx.Err() == nil
	})
	w.work <- batch{n, next}

	return err
}

func (w *worker) run() {
	walk := w.vault.Walk(vault.Owner(w.box))
	for b := range w.work {
		out := foundBatch{n: b.n}
		for _, x := range b.some {
			if w.ctx.Err() != nil {
				break // nobody waits for it any more
			}

			hit, unsure, err := w.look(walk, x)
			if err != nil && !errors.Is(err, vault.ErrForgotten) { // purged since
				w.mu.Lock()
				w.err = err
				w.mu.Unlock()

				break
			}

			if hit || unsure {
				out.found = append(out.found, Found{x.Message, x.Position, unsure})
			}
		}

		w.mu.Lock()
		w.found = append(w.found, out)
		w.mu.Unlock()
	}
}

func (w *worker) look(walk *vault.Walk, x mailboxes.Searchable) (hit, unsure bool, err error) {
	if x.Sealed == "" {
		return false, true, nil
	}

	plain, err := walk.Open(x.Leaf, x.Sealed, content.WordsField, x.Words)
	if err != nil {
		return false, false, err
	}

	words := content.ReadWords(string(plain))
	if x.Note != nil {
		note, err := walk.Open(x.Leaf, mailbox.MessageNoted{}.EventType(), "note", x.Note)
		if err != nil {
			return false, false, err
		}
		words.Note = text.Fold(string(note))
	}

	return w.match(words), false, nil
}
