// Package viewtest makes random histories for tests of views, and reads whole views. What is drawn follows from the
// seed alone.
package viewtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/domain/streams"
	"digitalpost/domain/subscription"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// Boxes are the mailboxes of a history. The last is shredded now and then, the others never.
var Boxes = []domain.MailboxID{{0, 1}, {0, 2}, {0, 3}, {0, 4}}

// A History is a log that random commands make longer. It is for one goroutine at a time.
type History struct {
	Store eventstore.Store

	t       testing.TB
	rng     *rand.Rand
	step    int
	handler eventstore.Handler[mailbox.Order, mailbox.Event, mailbox.State]
	boxes   map[domain.MailboxID]*standing
}

type beginning = eventstore.Beginning[mailbox.Event, mailbox.State]

// A standing is what a mailbox has come to.
type standing struct {
	state   mailbox.State
	version eventstore.Version
}

// New gives a history of n commands in an empty store.
func New(t testing.TB, store eventstore.Store, seed uint64, n int) *History {
	t.Helper()

	h := &History{
		Store: store, t: t, rng: rand.New(rand.NewPCG(seed, seed)),
		handler: eventstore.NewHandler(store, mailbox.Decider, mailbox.Codec),
		boxes:   map[domain.MailboxID]*standing{},
	}
	for _, id := range Boxes {
		h.boxes[id] = &standing{state: mailbox.NewState()}
	}
	h.Grow(n)

	return h
}

// Stream is a mailbox's.
func Stream(id domain.MailboxID) eventstore.Stream {
	return eventstore.Stream{Kind: streams.Mailbox, ID: id}
}

// Grow appends what comes of n commands, with what is received before it and looked at between.
func (h *History) Grow(n int) {
	h.t.Helper()

	for range n {
		id := Boxes[h.rng.IntN(len(Boxes))]
		h.Execute(id, h.Order(id))
		h.beside(id)
	}
}

// Order gives a random order on a mailbox as it stands. It may be accepted or refused.
func (h *History) Order(id domain.MailboxID) mailbox.Order {
	return h.draw(id).order()
}

func (h *History) draw(id domain.MailboxID) draw {
	return draw{Rand: h.rng, box: id, state: &h.boxes[id].state}
}

// Execute runs an order on a mailbox. What it receives comes in by intake first. A refusal is no failure of the test.
func (h *History) Execute(id domain.MailboxID, o mailbox.Order) {
	h.t.Helper()

	h.step++
	meta := h.meta()
	if domain.CommandID(meta.Command).Given() {
		each := func(mailbox.Message) bool { return true }
		o.Noted = &mailbox.Unchanged{Message: h.draw(id).message(each)}
	}

	if r, ok := o.Command.(mailbox.Receive); ok && r.Letter.System != (domain.SystemID{}) {
		h.memo(r.Letter)
	}

	if r, ok := o.Command.(mailbox.QueueNemSMS); ok {
		h.memo(r.Letter)
	}

	ctx, b := context.Background(), h.boxes[id]
	begin := func(context.Context, eventstore.Stream, mailbox.Order) (beginning, error) {
		return beginning{
			Version: b.version, State: func([]mailbox.Event) (mailbox.State, error) { return b.state, nil },
		}, nil
	}

	_, _, err := h.handler.From(begin).Execute(ctx, Stream(id), meta, o)
	if _, refused := domain.Refused(err); err != nil && !refused && !partly(err) {
		h.t.Fatalf("Execute(%+v) = %v", o.Command, err)
	}

	for rec, err := range h.Store.ReadStream(ctx, Stream(id), b.version) {
		if err != nil {
			h.t.Fatal(err)
		}

		e, err := mailbox.Codec.Decode(rec.Type, rec.Data)
		if err != nil {
			h.t.Fatal(err)
		}
		b.state, b.version = mailbox.Decider.Evolve(b.state, e, rec.Moment()), rec.Version
	}

	if fault := b.state.Fault(); fault != nil {
		h.t.Fatalf("Execute(%+v): fault %v, want none", o.Command, fault)
	}
}

func partly(err error) bool {
	_, ok := err.(*domain.Partly)
	return ok
}

// meta is that of the next command: of each third, the caller gave the id.
func (h *History) meta() eventstore.Meta {
	m := eventstore.Meta{
		Command: domain.DeriveID("c", fmt.Append(nil, h.step)), Actor: eventstore.Actor{Kind: "owner", ID: [16]byte{9}},
		Platform: "app",
	}

	m.Command[0] &= 0x7f
	if h.step%3 == 0 {
		m.Command[0] |= 0x80
	}

	return m
}

// memo appends that a letter's MeMo came in.
func (h *History) memo(l mailbox.Letter) {
	h.t.Helper()

	e := intake.MemoReceived{
		System: l.System, UUID: l.UUID, Message: l.Message, Leaf: l.IntakeLeaf, Document: l.Document, Kept: l.Kept,
	}
	h.append(eventstore.Stream{Kind: streams.Intake, ID: intake.ShardID(l.Shard)}, e)
}

// beside appends, now and then, what other streams have.
func (h *History) beside(id domain.MailboxID) {
	h.t.Helper()

	switch n := byte(h.step); h.step % 50 {
	case 10:
		e := looks.ContentOpened{Message: domain.MessageID{n % 3}}
		h.append(eventstore.Stream{Kind: streams.Looks, ID: id}, e)
	case 30:
		e := subscription.CopyAttested{
			Platform: "eboks", Position: uint64(h.step), Digest: make([]byte, 32), Verdict: subscription.Equal,
		}
		h.append(eventstore.Stream{Kind: streams.Subscription, ID: subscription.StreamOf("eboks")}, e)
	case 20:
		e := organisation.SystemRegistered{System: domain.SystemID{n}}
		h.append(eventstore.Stream{Kind: streams.Organisation, ID: [16]byte{n}}, e)
	}
}

// append appends an event that no rule is asked about.
func (h *History) append(s eventstore.Stream, e domain.Event) {
	h.t.Helper()
	Append(h.t, h.Store, s, h.meta(), e)
}

// Append appends an event to a stream as it stands, and gives its position. No rule is asked.
func Append(
	t testing.TB, store eventstore.Store, s eventstore.Stream, meta eventstore.Meta, e domain.Event,
) eventstore.Position {
	t.Helper()

	data, err := streams.Kinds[string(s.Kind)].Encode(e)
	if err != nil {
		t.Fatal(err)
	}

	v, _ := store.Head(s)
	p, err := store.Append(context.Background(), s, eventstore.ExpectedVersion(v),
		eventstore.NewEvent{Type: e.EventType(), Data: data, Meta: meta})
	if err != nil {
		t.Fatal(err)
	}

	return p
}

// Whole folds a mailbox's stream from its first event, and gives the version that it stands at.
func Whole(t testing.TB, store eventstore.Store, id domain.MailboxID) (mailbox.State, eventstore.Version) {
	t.Helper()

	h := eventstore.NewHandler(store, mailbox.Decider, mailbox.Codec)
	s, v, err := h.State(context.Background(), Stream(id), mailbox.Order{})
	if err == nil {
		err = s.Fault()
	}

	if err != nil {
		t.Fatalf("the state of %s, folded from the first event: %v", id, err)
	}

	return s, v
}

// Folded gives a view that has the whole log, in a file of the test's own. It is closed when the test ends.
func Folded(t testing.TB, store eventstore.Reader, p engine.Projection) *engine.File {
	t.Helper()

	f := OpenFile(t, filepath.Join(t.TempDir(), p.Name()), store)
	t.Cleanup(func() { f.Close() })
	Fold(t, f, store, p)

	return f
}

// OpenFile opens a view's file.
func OpenFile(t testing.TB, path string, store eventstore.Reader) *engine.File {
	t.Helper()

	f, err := engine.OpenFile(path, engine.Log{Incarnation: 1}, store.Last())
	if err != nil {
		t.Fatal(err)
	}

	return f
}

// Fold brings a view to the log's end.
func Fold(t testing.TB, f *engine.File, store eventstore.Reader, p engine.Projection) {
	t.Helper()

	if err := f.Fold(context.Background(), store, p, store.Last(), 0); err != nil {
		t.Fatal(err)
	}
}

// Dump gives all rows of a snapshot as text, parked streams among them.
func Dump(s *engine.Snapshot) string {
	var b strings.Builder
	s.Scan(nil, func(k, v []byte) bool { fmt.Fprintf(&b, "%x=%x\n", k, v); return true })

	return b.String()
}

// DumpFile gives all rows of a view as text.
func DumpFile(t testing.TB, f *engine.File) string {
	t.Helper()

	s, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	return Dump(s)
}

// Parked gives why streams are parked in a snapshot: nothing where none is.
func Parked(s *engine.Snapshot) (why []string) {
	s.Scan([]byte{0xFF, 'p'}, func(_, v []byte) bool { why = append(why, string(v)); return true })
	return why
}
