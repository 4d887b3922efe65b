package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/eventstore/storetest"
)

type (
	handler   = eventstore.Handler[mailbox.Order, mailbox.Event, mailbox.State]
	beginning = eventstore.Beginning[mailbox.Event, mailbox.State]
)

func handlerOn(s eventstore.Store) handler {
	return eventstore.NewHandler(s, mailbox.Decider, mailbox.Codec)
}

var (
	ctx = context.Background()
	own = domain.MailboxID{1}
	box = eventstore.Stream{Kind: "mailbox", ID: own}
)

// open opens the mailbox.
func open() mailbox.Order {
	by := mailbox.Caller{Machine: access.Register, Mailbox: own}
	return mailbox.Order{Command: mailbox.Open{Opened: mailbox.Opened{Owner: mailbox.Citizen}}, By: by}
}

// by is what the owner asks for.
func by(c mailbox.Command) mailbox.Order {
	return mailbox.Order{
		Command: c, By: mailbox.Caller{Principal: access.Principal{Identity: own, Platform: "app"}, Mailbox: own},
	}
}

// folder makes a folder of a number.
func folder(n byte) mailbox.Command {
	return mailbox.CreateFolder{
		Created: mailbox.FolderCreated{Folder: domain.FolderID{n}, NameKey: domain.UUID{n}}, Name: fmt.Sprint(n),
	}
}

func command(n byte) eventstore.Meta { return eventstore.Meta{Command: [16]byte{n}} }

// opened gives a handler on a store in which the mailbox is open.
func opened(t *testing.T, store eventstore.Store) handler {
	t.Helper()

	h := handlerOn(store)
	if _, _, err := h.Execute(ctx, box, command(100), open()); err != nil {
		t.Fatal(err)
	}

	return h
}

// The outcome of an append of unknown fate is read from the stream, never guessed.
func TestAppendOfUnknownFateIsResolvedByReading(t *testing.T) {
	for _, keep := range []bool{true, false} {
		store := &storetest.Faulty{Store: memstore.New(nil), FailAt: 2, Keep: keep}
		h := opened(t, store)

		events, p, err := h.Execute(ctx, box, command(2), by(folder(2)))
		if keep && (err != nil || p != 2 || len(events) != 1) {
			t.Errorf("kept: Execute = %d events, %d, %v; want 1, 2, nil", len(events), p, err)
		}

		if !keep && !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("lost: Execute error = %v, want ErrClosed", err)
		}

		if v, _ := store.Head(box); (v == 2) != keep {
			t.Errorf("keep %v: the stream is at %d", keep, v)
		}
	}
}

// Rivals on one stream all get through, one after another, and what is refused appends nothing.
func TestRivalsAreDecidedAgain(t *testing.T) {
	store := memstore.New(nil)
	h := opened(t, store)

	var wg sync.WaitGroup
	for n := range byte(16) {
		wg.Go(func() {
			if _, _, err := h.Execute(ctx, box, command(n+1), by(folder(n+1))); err != nil {
				t.Errorf("rival %d: %v", n, err)
			}
		})
	}
	wg.Wait()

	state, version, err := h.State(ctx, box, mailbox.Order{})
	if err != nil || version != 17 || len(state.Folders()) != 16 || state.NextLeaf != 17 {
		t.Fatalf("version %d, %d folders, next leaf %d, %v; want 17, 16, 17",
			version, len(state.Folders()), state.NextLeaf, err)
	}

	_, _, err = h.Execute(ctx, box, command(50), by(folder(3)))
	if reason, _ := domain.Refused(err); reason != mailbox.FolderTaken || store.Last() != 17 {
		t.Errorf("Execute = %v at %d, want %s at 17", err, store.Last(), mailbox.FolderTaken)
	}
}

// Of several commands of which some are refused, the others' events are appended, and the refusals come back beside
// them.
func TestWhatIsRefusedPartlyIsAppendedPartly(t *testing.T) {
	store := memstore.New(nil)
	h := opened(t, store)

	// The rules are asked for all three, and say no to one.
	events, p, err := h.Execute(ctx, box, command(2), by(mailbox.Each{folder(1), folder(1), folder(2)}))
	var partly *domain.Partly
	if !errors.As(err, &partly) {
		t.Fatalf("Execute = %v, want a *domain.Partly", err)
	}

	if len(events) != 2 || p != 3 || store.Last() != 3 {
		t.Errorf("Execute = %d events, position %d, log at %d; want 2, 3, 3", len(events), p, store.Last())
	}

	reason, _ := domain.Refused(partly.Refused[1])
	if partly.Refused[0] != nil || reason != mailbox.FolderTaken || partly.Refused[2] != nil {
		t.Errorf("refused = %v, want the second alone, as %s", partly.Refused, mailbox.FolderTaken)
	}

	// If all are refused there is nothing to append, and the refusals come back all the same.
	events, p, err = h.Execute(ctx, box, command(3), by(mailbox.Each{folder(1), folder(2)}))
	if !errors.As(err, &partly) || len(events) != 0 || p != 0 || store.Last() != 3 {
		t.Errorf("Execute = %d events, %d, %v, log at %d; want none, 0, a *domain.Partly, 3",
			len(events), p, err, store.Last())
	}
}

// What is refused partly and in conflict is decided again, too.
func TestPartlyRefusedIsDecidedAgain(t *testing.T) {
	store := memstore.New(nil)
	h := opened(t, store)
	s := &starts{store: store, rival: func() {
		if _, _, err := h.Execute(ctx, box, command(9), by(folder(2))); err != nil {
			t.Fatal(err)
		}
	}}

	events, p, err := h.From(s.start).Execute(ctx, box, command(2), by(mailbox.Each{folder(1), folder(2)}))
	var partly *domain.Partly
	if !errors.As(err, &partly) || partly.Refused[1] == nil || len(events) != 1 || p != 3 {
		t.Errorf("Execute = %d events, %d, %v; want the first folder's at 3, the second refused", len(events), p, err)
	}
}

// Starts is a start whose beginning stands at the first version, and what it was asked for.
type starts struct {
	store eventstore.Store
	err   error  // that Start gives
	state error  // that State gives
	rival func() // acts once, when the first tail has been read

	tails  [][]string // the types of the events that each State was told
	closed int
}

func (s *starts) start(_ context.Context, _ eventstore.Stream, _ mailbox.Order) (beginning, error) {
	if s.err != nil {
		return beginning{}, s.err
	}

	return beginning{Version: 1, State: s.given, Close: func() { s.closed++ }}, nil
}

// given gives the state at version 1: the mailbox is open, and has no folders.
func (s *starts) given(tail []mailbox.Event) (mailbox.State, error) {
	types := []string{}
	for _, e := range tail {
		types = append(types, e.EventType())
	}
	s.tails = append(s.tails, types)

	if rival := s.rival; rival != nil {
		s.rival = nil
		rival()
	}

	return domain.Fold(mailbox.Decider, mailbox.Event(mailbox.Opened{Owner: mailbox.Citizen})), s.state
}

// A start is asked again after a conflict, and each state that it gives is told the stream's events beyond it.
func TestAStartIsAskedAgainAfterAConflict(t *testing.T) {
	store := memstore.New(nil)
	h := opened(t, store)
	if _, _, err := h.Execute(ctx, box, command(8), by(folder(8))); err != nil {
		t.Fatal(err)
	}

	s := &starts{store: store, rival: func() {
		if _, _, err := h.Execute(ctx, box, command(9), by(folder(9))); err != nil {
			t.Fatal(err)
		}
	}}
	events, p, err := h.From(s.start).Execute(ctx, box, command(2), by(folder(2)))
	if err != nil || p != 4 || len(events) != 1 {
		t.Fatalf("Execute = %d events, %d, %v; want 1, 4, nil", len(events), p, err)
	}

	if e := events[0].(mailbox.FolderCreated); e.Leaf != 3 {
		t.Errorf("the folder has leaf %d, want 3: those of the tail are taken", e.Leaf)
	}

	created := mailbox.FolderCreated{}.EventType()
	want := [][]string{{created}, {created, created}}
	if !slices.EqualFunc(s.tails, want, slices.Equal) || s.closed != 2 {
		t.Errorf("told %v, closed %d times; want %v, 2", s.tails, s.closed, want)
	}

	state, version, err := h.State(ctx, box, mailbox.Order{})
	if err != nil || version != 4 || len(state.Folders()) != 3 {
		t.Errorf("version %d, %d folders, %v; want 4, 3, nil", version, len(state.Folders()), err)
	}
}

// A stream that is never at rest gives the conflict to the caller, after 32 attempts.
func TestAConflictWithoutEndIsGivenToTheCaller(t *testing.T) {
	store := memstore.New(nil)
	h := opened(t, store)
	s := &starts{store: store}

	var again func()
	n := byte(0)
	again = func() {
		n++
		if _, _, err := h.Execute(ctx, box, command(n), by(folder(n+100))); err != nil {
			t.Fatal(err)
		}
		s.rival = again
	}
	s.rival = again

	_, _, err := h.From(s.start).Execute(ctx, box, command(99), by(folder(1)))
	if !errors.Is(err, eventstore.ErrConflict) || len(s.tails) != 32 || s.closed != 32 {
		t.Errorf("Execute = %v after %d attempts, closed %d times; want a conflict, 32, 32",
			err, len(s.tails), s.closed)
	}
}

// An unreadable store gives an error in the middle of a stream, or an event that nobody knows.
type unreadable struct {
	eventstore.Store
	err error
}

func (u unreadable) ReadStream(
	ctx context.Context, s eventstore.Stream, after eventstore.Version,
) iter.Seq2[eventstore.Event, error] {
	return func(yield func(eventstore.Event, error) bool) {
		if u.err != nil {
			yield(eventstore.Event{}, u.err)
			return
		}
		yield(eventstore.Event{Type: "mailbox.of-tomorrow", Version: after + 1}, nil)
	}
}

// A beginning is closed on every way out, and one that there never was is not.
func TestABeginningIsClosedOnEveryWayOut(t *testing.T) {
	broken := errors.New("broken")
	taken := by(mailbox.All{folder(1), folder(1)})

	for _, way := range []struct {
		name   string
		store  func(eventstore.Store) eventstore.Store
		starts starts
		order  mailbox.Order
		closed int
		err    func(error) bool
	}{
		{name: "appended", order: by(folder(1)), closed: 1, err: func(err error) bool { return err == nil }},
		{name: "so already", order: by(mailbox.SetLanguage{Offered: true}), closed: 1,
			err: func(err error) bool { return err == nil }},
		{name: "refused", order: taken, closed: 1,
			err: func(err error) bool { r, _ := domain.Refused(err); return r == mailbox.FolderTaken }},
		{name: "no start", starts: starts{err: broken}, order: by(folder(1)), closed: 0,
			err: func(err error) bool { return errors.Is(err, broken) }},
		{name: "no state", starts: starts{state: broken}, order: by(folder(1)), closed: 1,
			err: func(err error) bool { return errors.Is(err, broken) }},
		{name: "stream unread", order: by(folder(1)), closed: 1,
			store: func(s eventstore.Store) eventstore.Store { return unreadable{s, eventstore.ErrDamaged} },
			err:   func(err error) bool { return errors.Is(err, eventstore.ErrDamaged) }},
		{name: "event unknown", order: by(folder(1)), closed: 1,
			store: func(s eventstore.Store) eventstore.Store { return unreadable{Store: s} },
			err:   func(err error) bool { return err != nil }},
		{name: "store stopped", order: by(folder(1)), closed: 1,
			store: func(s eventstore.Store) eventstore.Store { return &storetest.Faulty{Store: s, FailAt: 1} },
			err:   func(err error) bool { return errors.Is(err, eventstore.ErrClosed) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			store := eventstore.Store(memstore.New(nil))
			opened(t, store)
			if way.store != nil {
				store = way.store(store)
			}

			s := way.starts
			_, _, err := handlerOn(store).From(s.start).Execute(ctx, box, command(1), way.order)
			if !way.err(err) || s.closed != way.closed {
				t.Errorf("Execute = %v, closed %d times, want %d", err, s.closed, way.closed)
			}
		})
	}
}
