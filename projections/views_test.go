package projections_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/projections"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/viewtest"
)

// open follows a log with every view until the test ends.
func open(t *testing.T, store eventstore.Reader, dir string) *engine.Views {
	t.Helper()

	views := openAll(t, store, dir)
	t.Cleanup(func() { views.Close() })

	return views
}

func openAll(t *testing.T, store eventstore.Reader, dir string) *engine.Views {
	t.Helper()

	cfg := engine.Config{Dir: dir, Projections: projections.All(), Log: engine.Log{Incarnation: 1}}
	views, err := engine.Open(store, cfg)
	if err != nil {
		t.Fatal(err)
	}

	return views
}

// caughtUp waits until views have the whole log.
func caughtUp(t *testing.T, views *engine.Views, store eventstore.Reader) {
	t.Helper()

	if err := views.Wait(context.Background(), store.Last()); err != nil || views.Err() != nil {
		t.Fatal(err, views.Err())
	}
}

// dumpOf gives all rows of a living view.
func dumpOf(t *testing.T, views *engine.Views, p engine.Projection) string {
	t.Helper()

	s, err := views.Snapshot(p)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	if why := viewtest.Parked(s); len(why) > 0 {
		t.Fatalf("%s: streams are parked: %v", p.Name(), why)
	}

	return viewtest.Dump(s)
}

// A crashing view is flushed now and then, and crashes after each round.
type crashing struct {
	engine.Projection
	path string
	file *engine.File
}

// round folds what is new, flushes it perhaps, crashes and is opened again. It goes on from its checkpoint.
func (c *crashing) round(t *testing.T, store eventstore.Reader, flush bool) {
	t.Helper()

	viewtest.Fold(t, c.file, store, c.Projection)
	if flush {
		if err := c.file.Flush(); err != nil {
			t.Fatal(err)
		}
	}

	checkpoint := c.file.Flushed()
	if err := c.file.Close(); err != nil { // a crash: the overlay is gone
		t.Fatal(err)
	}

	c.file = viewtest.OpenFile(t, c.path, store)
	if at := c.file.Applied(); at != checkpoint || flush && at != store.Last() {
		t.Fatalf("%s goes on from %d, its checkpoint was %d", c.Name(), at, checkpoint)
	}
}

// A view that was followed, that crashed between batches and that was rebuilt has the same rows; and after a crash no
// more events are applied again than came since the checkpoint.
func TestViewsAreTheSameHoweverTheyWereMade(t *testing.T) {
	store := memstore.New(nil)
	history := viewtest.New(t, store, 1, 0)
	rng := rand.New(rand.NewPCG(1, 1))
	dir := t.TempDir()

	var crashed []*crashing
	for _, p := range projections.All() {
		path := filepath.Join(dir, p.Name())
		c := &crashing{p, path, viewtest.OpenFile(t, path, store)}
		defer func() { c.file.Close() }()
		crashed = append(crashed, c)
	}
	live := open(t, store, filepath.Join(dir, "live"))

	for range 25 {
		history.Grow(60)
		for _, c := range crashed {
			c.round(t, store, rng.IntN(3) == 0)
		}
	}
	caughtUp(t, live, store)

	for _, c := range crashed {
		viewtest.Fold(t, c.file, store, c.Projection)
		rebuilt := viewtest.Folded(t, store, c.Projection)

		want := dumpOf(t, live, c.Projection)
		if len(want) < 100 {
			t.Fatalf("%s: the live view is empty", c.Name())
		}

		if got := viewtest.DumpFile(t, c.file); got != want {
			t.Errorf("%s: crashed and followed differ", c.Name())
		}

		if got := viewtest.DumpFile(t, rebuilt); got != want {
			t.Errorf("%s: rebuilt and followed differ", c.Name())
		}

		for range 2 { // flushed, the rows are the same
			if err := rebuilt.Flush(); err != nil {
				t.Fatal(err)
			}

			if got := viewtest.DumpFile(t, rebuilt); got != want {
				t.Errorf("%s: flushed rows differ", c.Name())
			}
		}
	}
}

// impossible appends, to each mailbox named, an event about a message that never was.
func impossible(t *testing.T, store eventstore.Store, boxes ...domain.MailboxID) {
	t.Helper()

	for _, id := range boxes {
		e := mailbox.MessageMarkedRead{Message: domain.MessageID{0xEE}}
		viewtest.Append(t, store, viewtest.Stream(id), eventstore.Meta{}, e)
	}
}

// Two streams that fail in one batch are both parked.
func TestTwoFailingStreamsAreBothParked(t *testing.T) {
	store := memstore.New(nil)
	viewtest.New(t, store, 3, 100)
	impossible(t, store, viewtest.Boxes[0], viewtest.Boxes[1])

	live := open(t, store, t.TempDir())
	if err := live.Wait(context.Background(), store.Last()); err != nil {
		t.Fatal(err)
	}

	s, err := mailboxes.At(live)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	first, second := s.Parked(viewtest.Boxes[0]), s.Parked(viewtest.Boxes[1])
	if !first || !second {
		t.Errorf("parked: %v, %v; want both", first, second)
	}
}

// An event that can't be applied parks its stream; the others go on.
func TestAFailingEventParksItsStreamAlone(t *testing.T) {
	store := memstore.New(nil)
	viewtest.New(t, store, 3, 100)
	impossible(t, store, viewtest.Boxes[0])

	live := open(t, store, t.TempDir())
	caughtUp(t, live, store)

	s, err := mailboxes.At(live)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	box, _, err := s.State(viewtest.Boxes[1], domain.Parts{})
	if err != nil || box.Owner == "" {
		t.Errorf("the neighbour's state: %v, %v", box.Owner, err)
	}

	first, second := s.Parked(viewtest.Boxes[0]), s.Parked(viewtest.Boxes[1])
	if !first || second {
		t.Errorf("parked: %v, %v; want the first only", first, second)
	}

	if n, err := live.Parked(); n == 0 || err != nil {
		t.Errorf("%d streams are parked in all views, %v; want some", n, err)
	}

	all, err := live.Snapshot(mailboxes.Projection{})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()

	if why := viewtest.Parked(all); len(why) != 1 || !strings.Contains(why[0], "never was") {
		t.Errorf("why streams are parked: %q, want the one whose message never was", why)
	}
}
