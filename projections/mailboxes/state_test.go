package mailboxes_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"reflect"
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

// A lagging log ends, for whoever follows it, at a position that others have gone beyond.
type lagging struct {
	eventstore.Reader
	last eventstore.Position
}

func (l lagging) Last() eventstore.Position { return l.last }

func (l lagging) Wait(ctx context.Context, after eventstore.Position) error {
	if after < l.last {
		return nil
	}
	<-ctx.Done()

	return ctx.Err()
}

// viewsAt opens the view with the log up to a position. It is closed when the test ends, or before by the caller.
func viewsAt(t *testing.T, dir string, store eventstore.Reader, at eventstore.Position) *engine.Views {
	t.Helper()

	cfg := engine.Config{
		Dir: dir, Projections: []engine.Projection{mailboxes.Projection{}}, Log: engine.Log{Incarnation: 1},
	}
	views, err := engine.Open(lagging{store, at}, cfg)
	if err == nil {
		err = views.Wait(context.Background(), at)
	}

	if err != nil {
		t.Fatal(err)
	}

	return views
}

// stored gives events as they are stored, so that they can be compared.
func stored(t *testing.T, events []mailbox.Event) (out []string) {
	t.Helper()

	for _, e := range events {
		b, err := mailbox.Codec.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.EventType()+" "+string(b))
	}

	return out
}

// knowsTheSame compares what a state of parts knows with the whole state: as rows, what only people see with them.
func knowsTheSame(t *testing.T, how string, o mailbox.Order, part, whole mailbox.State) {
	t.Helper()

	same := func(what any, got, want any) {
		t.Helper()

		a, err := engine.Encode(got)
		b, err2 := engine.Encode(want)
		if err != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Fatalf("%s, for %T %+v: %T %v = %+v, want %+v", how, o.Command, o.Command, what, what, got, want)
		}
	}

	same("", part.Box, whole.Box)
	for id, m := range part.Messages() {
		same(id, m, whole.Messages()[id])
	}

	for id, f := range part.Folders() {
		same(id, f, whole.Folders()[id])
	}

	for id, g := range part.Grants() {
		same(id, g, whole.Grants()[id])
	}

	for to, said := range part.Senders() {
		same(to, said, whole.Senders()[to])
	}

	if mailbox.Needs(o).Counts && !maps.Equal(part.Held(), whole.Held()) {
		t.Fatalf("%s, for %T %+v: counts %v, want %v", how, o.Command, o.Command, part.Held(), whole.Held())
	}
}

// decidesTheSame compares what an order comes to in two states.
func decidesTheSame(t *testing.T, how string, o mailbox.Order, part, whole mailbox.State) {
	t.Helper()
	knowsTheSame(t, how, o, part, whole)

	want, wantErr := mailbox.Decider.Decide(whole, o)
	got, err := mailbox.Decider.Decide(part, o)

	if fault := part.Fault(); fault != nil {
		t.Fatalf("%s: Decide(%T %+v): fault %v, want none", how, o.Command, o.Command, fault)
	}

	if !reflect.DeepEqual(stored(t, got), stored(t, want)) || !reflect.DeepEqual(err, wantErr) {
		t.Fatalf("%s: Decide(%T %+v) = %+v, %v, want %+v, %v", how, o.Command, o.Command, got, err, want, wantErr)
	}
}

// What the rules see of a mailbox in its view, in no more than a command needs, is what they see in its stream.
func TestStateFromTheViewIsTheStreams(t *testing.T) {
	store := memstore.New(nil)
	history := viewtest.New(t, store, 2, 200)
	dir := t.TempDir()
	accepted, faults := 0, 0

	for range 12 {
		history.Grow(100)
		views := viewsAt(t, dir, store, store.Last())
		s, err := mailboxes.At(views)
		if err != nil {
			t.Fatal(err)
		}

		for _, id := range viewtest.Boxes {
			whole, version := viewtest.Whole(t, store, id)
			for range 100 {
				o := history.Order(id)
				part, at, err := s.State(id, mailbox.Needs(o))
				if err != nil || at != version || part.NextLeaf != whole.NextLeaf {
					t.Fatalf("State = version %d, next leaf %d, %v; want %d, %d",
						at, part.NextLeaf, err, version, whole.NextLeaf)
				}
				decidesTheSame(t, "from the view", o, part, whole)

				if _, err := mailbox.Decider.Decide(whole, o); err == nil {
					accepted++
					faults += notLoaded(t, s, id, o)
				}
			}
		}

		s.Close()
		if err := views.Close(); err != nil {
			t.Fatal(err)
		}
	}

	if accepted < 1000 || faults < accepted/2 {
		t.Errorf("%d orders accepted, %d of them a fault with nothing loaded: too few", accepted, faults)
	}
}

// notLoaded decides an order that is accepted on the mailbox's own row alone: what it needs beside that is a fault, and
// never "not there". It gives 1 if the order needs anything.
func notLoaded(t *testing.T, s *mailboxes.Snapshot, id domain.MailboxID, o mailbox.Order) int {
	t.Helper()

	if reflect.DeepEqual(mailbox.Needs(o), domain.Parts{Box: true}) {
		return 0
	}

	empty, _, err := s.State(id, domain.Parts{})
	if err != nil {
		t.Fatal(err)
	}

	events, err := mailbox.Decider.Decide(empty, o)
	if _, refused := domain.Refused(err); err == nil || refused || len(events) > 0 || empty.Fault() == nil {
		t.Fatalf("Decide(%T %+v) with nothing loaded = %+v, %v, want a fault", o.Command, o.Command, events, err)
	}

	return 1
}

// What is decided on a parked mailbox would be decided on what is old: nothing is.
func TestAParkedMailboxBeginsNothing(t *testing.T) {
	store := memstore.New(nil)
	viewtest.New(t, store, 3, 100)
	id := viewtest.Boxes[0]
	viewtest.Append(t, store, viewtest.Stream(id), eventstore.Meta{},
		mailbox.MessageMarkedRead{Message: domain.MessageID{0xEE}})

	views := viewsAt(t, t.TempDir(), store, store.Last())
	defer views.Close()

	h := eventstore.NewHandler(store, mailbox.Decider, mailbox.Codec).From(mailboxes.Start(views))
	o := mailbox.Order{Command: mailbox.Shred{}, By: mailbox.Caller{Machine: access.Operations}}
	_, _, err := h.Execute(context.Background(), viewtest.Stream(id), eventstore.Meta{}, o)
	if !errors.Is(err, engine.ErrParked) {
		t.Errorf("Execute on a parked mailbox = %v, want ErrParked", err)
	}
}
