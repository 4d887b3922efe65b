package backbone

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// Words are what a search looks in, of one message, folded. They are sealed with the message, small enough to be opened by the million.
type Words struct {
	Label, Sender, SenderID string
	Rest                    string // identifiers, contact points, names of documents and files, parted by wordsPart
	Note                    string
}

const (
	wordsPart  = "\x1f"
	maxWords   = 1 << 10 // bytes; a message that has more is opened by a search
	wordsField = "words"
)

// wordsOf gives what a search looks in, of a MeMo; false if that is too much to be kept apart.
func wordsOf(m *memo.Message) (Words, bool) {
	h := m.Header()
	w := Words{Label: Fold(h.Get("label")), Sender: Fold(h.Get("Sender", "label")), SenderID: h.Get("Sender", "senderID")}
	var rest []string
	add := func(texts ...string) {
		for _, t := range texts {
			if t != "" {
				rest = append(rest, Fold(t))
			}
		}
	}
	add(h.Get("messageID"), h.Get("messageCode"), h.Get("Recipient", "label"), h.Get("Sender", "ContactPoint", "label"), h.Get("Recipient", "ContactPoint", "label"),
		h.Get("Sender", "Representative", "label"), h.Get("ContentData", "CaseID", "caseID"))
	for _, d := range m.Documents() {
		add(d.Get("label"))
		for _, f := range d.All("File") {
			add(f.Get("filename"))
		}
	}
	w.Rest = strings.Join(rest, wordsPart)
	return w, len(w.text()) <= maxWords && !strings.Contains(w.Label+w.Sender+w.SenderID, wordsPart)
}

// Texts gives them one by one.
func (w Words) Texts() []string {
	return append([]string{w.Label, w.Sender, w.SenderID, w.Note}, strings.Split(w.Rest, wordsPart)...)
}

func (w Words) text() string {
	return strings.Join([]string{w.Label, w.Sender, w.SenderID, w.Rest}, wordsPart)
}

// sealWords seals what a search looks in; nil, if the message is to be opened instead.
func sealWords(k vault.Key, eventType string, w Words, whole bool) domain.Sealed {
	if !whole {
		return nil
	}
	return k.Seal(eventType, wordsField, []byte(w.text()))
}

// WordsOf gives what a search looks in, of a message that is open: all of it, whether or not it is kept apart.
func WordsOf(m Message) Words {
	w, _ := wordsOf(m.Memo)
	w.Note = Fold(m.Note)
	return w
}

func readWords(text string) (w Words) {
	w.Label, text, _ = strings.Cut(text, wordsPart)
	w.Sender, text, _ = strings.Cut(text, wordsPart)
	w.SenderID, w.Rest, _ = strings.Cut(text, wordsPart)
	return w
}

// A Found is a message that a search found.
type Found struct {
	Message  domain.MessageID
	Position eventstore.Position
	Unsure   bool // its words are not kept apart: it must be opened to know
}

// searchBatch is how many messages one goroutine looks at in one go.
const searchBatch = 2048

// Search gives the messages of a mailbox whose words match, oldest first, without opening them. It is recorded before anything is looked at. Drafts, and what came
// before words were kept apart, come as Unsure; so does everything if looking at words would tell nothing. match is called by several goroutines at once. Of the
// filter, Folder, Read and the asker's lens count.
func (b *Backbone) Search(ctx context.Context, p Principal, id domain.MailboxID, f Filter, byWords bool, match func(Words) bool) ([]Found, error) {
	v, err := b.enter(ctx, p, id, access.List)
	if err != nil {
		return nil, err
	}
	v.Close()
	if err := b.look(ctx, p, v, id, looks.Searched{}); err != nil {
		return nil, err
	}
	if v, err = b.admit(p, id, access.List); err != nil {
		return nil, err
	}
	defer v.Close()
	f.Lens = v.lens
	s := &searcher{ctx: ctx, b: b, id: id, match: match, work: make(chan batch, 4)}
	var wg sync.WaitGroup
	for range max(1, runtime.GOMAXPROCS(0)) {
		wg.Add(1)
		go func() { defer wg.Done(); s.run() }()
	}
	n, next := 0, make([]projections.Searchable, 0, searchBatch)
	err = v.Searchables(id, f, func(x projections.Searchable) bool {
		if !byWords {
			x.Sealed = ""
		}
		if next = append(next, x); len(next) == searchBatch {
			s.work <- batch{n, next}
			n, next = n+1, make([]projections.Searchable, 0, searchBatch)
		}
		return ctx.Err() == nil
	})
	s.work <- batch{n, next}
	close(s.work)
	wg.Wait() // before the snapshot is let go: the batches lie in it
	if err := errors.Join(ctx.Err(), s.err, err); err != nil {
		return nil, err
	}
	slices.SortFunc(s.found, func(x, y foundBatch) int { return x.n - y.n })
	var out []Found
	for _, x := range s.found {
		out = append(out, x.found...)
	}
	return out, nil
}

type batch struct {
	n    int
	some []projections.Searchable
}

type foundBatch struct {
	n     int
	found []Found
}

type searcher struct {
	ctx   context.Context // of the one request that it is for
	b     *Backbone
	id    domain.MailboxID
	match func(Words) bool
	work  chan batch

	mu    sync.Mutex // guards what follows
	found []foundBatch
	err   error
}

func (s *searcher) run() {
	walk := s.b.vault.Walk(vault.Owner(s.id))
	for w := range s.work {
		out := foundBatch{n: w.n}
		for _, x := range w.some {
			if s.ctx.Err() != nil {
				break // nobody waits for it any more
			}
			hit, unsure, err := s.look(walk, x)
			if err != nil && !errors.Is(err, vault.ErrForgotten) { // purged since
				s.mu.Lock()
				s.err = err
				s.mu.Unlock()
				break
			}
			if hit || unsure {
				out.found = append(out.found, Found{x.Message, x.Position, unsure})
			}
		}
		s.mu.Lock()
		s.found = append(s.found, out)
		s.mu.Unlock()
	}
}

func (s *searcher) look(walk *vault.Walk, x projections.Searchable) (hit, unsure bool, err error) {
	if x.Sealed == "" {
		return false, true, nil
	}
	text, err := walk.Open(x.Leaf, x.Sealed, wordsField, x.Words)
	if err != nil {
		return false, false, err
	}
	words := readWords(string(text))
	if x.Note != nil {
		note, err := walk.Open(x.Leaf, mailbox.MessageNoted{}.EventType(), "note", x.Note)
		if err != nil {
			return false, false, err
		}
		words.Note = Fold(string(note))
	}
	return s.match(words), false, nil
}

// Rows gives the rows of messages that a search found, without opening them; those that are gone are left out.
func (b *Backbone) Rows(id domain.MailboxID, found []Found) (out []Message, err error) {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for _, x := range found {
		row, ok, err := s.Row(id, x.Message)
		if err != nil {
			return nil, err
		}
		if ok && row.State.Stage == mailbox.Here {
			out = append(out, Message{ID: x.Message, Mailbox: id, Row: row})
		}
	}
	return out, nil
}
