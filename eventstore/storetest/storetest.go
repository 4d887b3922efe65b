// Package storetest is the suite that every event store passes: a case for each sentence of the interfaces in
// eventstore.
package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"digitalpost/eventstore"
)

// StreamN returns a stream for tests: the same for the same n, another for another.
func StreamN(n int) eventstore.Stream {
	s := eventstore.Stream{Kind: "test"}
	binary.BigEndian.PutUint64(s.ID[8:], uint64(n))
	return s
}

// Event returns an event whose command id is made of n.
func Event(n int) eventstore.NewEvent {
	e := eventstore.NewEvent{Type: "test.happened", Data: fmt.Appendf(nil, "event %d", n)}
	binary.BigEndian.PutUint64(e.Meta.Command[8:], uint64(n))
	return e
}

// Test runs the suite; open gives an empty store, and closes it when the test ends.
func Test(t *testing.T, open func(*testing.T) eventstore.Store) {
	for _, c := range slices.Concat(appends(), reads(), follows()) {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// A promise is a sentence of the contract, and what holds a store to it.
type promise struct {
	name string
	run  func(*testing.T, eventstore.Store)
}

// appends are the promises about appends.
func appends() []promise {
	ctx := context.Background()
	a, b := StreamN(1), StreamN(2)
	return []promise{
		{"an append returns the last of its neighbouring positions", func(t *testing.T, s eventstore.Store) {
			mustAppend(t, s, a, 0, Event(1))
			p, err := s.Append(ctx, b, 0, Event(2), Event(3), Event(4))
			if err != nil || p != 4 || s.Last() != 4 {
				t.Fatalf("Append of three = %d, %v, Last %d; want 4, nil, 4", p, err, s.Last())
			}
		}},
		{"another version gives a conflict and nothing changes", func(t *testing.T, s eventstore.Store) {
			mustAppend(t, s, a, 0, Event(1))
			for _, v := range []eventstore.ExpectedVersion{0, 2, 7} {
				_, err := s.Append(ctx, a, v, Event(2), Event(3))
				var conflict *eventstore.ConflictError
				if !errors.Is(err, eventstore.ErrConflict) || !errors.As(err, &conflict) || conflict.Actual != 1 {
					t.Fatalf("Append at version %d of a stream at 1: error = %v, want ErrConflict with 1", v, err)
				}
			}
			if n := len(all(t, s, 0)); n != 1 {
				t.Fatalf("after conflicts the log has %d events, want 1", n)
			}
		}},
		{"no events is no append", func(t *testing.T, s eventstore.Store) {
			if p, err := s.Append(ctx, a, 9); p != 0 || err != nil {
				t.Fatalf("Append of nothing = %d, %v; want 0, nil", p, err)
			}
		}},
		{"what is beyond the limits is refused whole", func(t *testing.T, s eventstore.Store) {
			big := Event(1)
			big.Data = make([]byte, eventstore.MaxRecord)
			half := Event(1)
			half.Data = make([]byte, eventstore.MaxRecord-1000)
			for name, events := range map[string][]eventstore.NewEvent{
				"a record": {Event(1), big}, "a count": repeat(Event(1), 257), "an append": repeat(half, 9),
				"no type": {{Data: []byte("x")}}, "a long type": {{Type: string(make([]byte, 65))}},
			} {
				if _, err := s.Append(ctx, a, 0, events...); !errors.Is(err, eventstore.ErrTooLarge) {
					t.Errorf("Append of %s beyond the limit: error = %v, want ErrTooLarge", name, err)
				}
			}

			if s.Last() != 0 {
				t.Fatalf("Last = %d, want 0", s.Last())
			}

			mustAppend(t, s, a, 0, repeat(Event(1), 256)...)
		}},
		{"if ctx ends before the commit nothing is written", func(t *testing.T, s eventstore.Store) {
			ended, cancel := context.WithCancel(ctx)
			cancel()
			if _, err := s.Append(ended, a, 0, Event(1)); !errors.Is(err, context.Canceled) || s.Last() != 0 {
				t.Fatalf("Append = %v, Last %d; want context.Canceled, 0", err, s.Last())
			}
		}},
		{"many writers at once leave no gap, and one of two rivals wins", testRivals},
	}
}

// reads are the promises about what is in the log.
func reads() []promise {
	ctx := context.Background()
	a := StreamN(1)
	return []promise{
		{"what was appended is read back, field by field", func(t *testing.T, s eventstore.Store) {
			in := eventstore.NewEvent{Type: "test.full", Data: []byte{0, 1, 2}, Meta: eventstore.Meta{
				Command: [16]byte{1}, Actor: eventstore.Actor{Kind: "owner", ID: [16]byte{2}}, Platform: "eboks",
				OnBehalfOf: [16]byte{3}, Grant: [16]byte{4}, Causation: 5}}
			before := time.Now().Add(-time.Second)
			mustAppend(t, s, a, 0, Event(9))
			mustAppend(t, s, a, 1, in, in)
			e := all(t, s, 1)[1]
			if e.Type != in.Type || !bytes.Equal(e.Data, in.Data) || e.Meta != in.Meta || e.Stream != a ||
				e.Position != 3 || e.Version != 3 || e.Index != 2 || e.Count != 2 || e.Previous != 2 ||
				e.ID != eventstore.EventID(a, in.Meta.Command, 2) || e.Recorded.Before(before) {
				t.Fatalf("read back %+v", e)
			}

			if again, err := eventstore.EncodeRecord(e); err != nil {
				t.Fatal(err)
			} else if f, err := eventstore.DecodeRecord(again); err != nil || f.ID != e.ID || f.Previous != 2 {
				t.Fatalf("EncodeRecord does not read back: %+v, %v", f, err)
			}
		}},
		{"a stream is read in order, without gaps, beyond a version", func(t *testing.T, s eventstore.Store) {
			for i := range 40 {
				mustAppend(t, s, StreamN(i%3), eventstore.ExpectedVersion(i/3), Event(i))
			}
			for after := range eventstore.Version(15) {
				want := after
				for e, err := range s.ReadStream(ctx, StreamN(0), after) {
					if want++; err != nil || e.Version != want || e.Stream != StreamN(0) {
						t.Fatalf("ReadStream after %d gave version %d of %s, %v; want %d",
							after, e.Version, e.Stream, err, want)
					}
				}
				if want != max(after, 14) {
					t.Fatalf("ReadStream after %d ended at %d, want 14", after, want)
				}
			}
			if v, p := s.Head(StreamN(0)); v != 14 || p != 40 {
				t.Fatalf("Head = %d, %d; want 14, 40", v, p)
			}
		}},
		{"a stream without events yields nothing", func(t *testing.T, s eventstore.Store) {
			for e, err := range s.ReadStream(ctx, a, 0) {
				t.Fatalf("ReadStream gave %v, %v", e, err)
			}
			if v, p := s.Head(a); v != 0 || p != 0 {
				t.Fatalf("Head = %d, %d; want zeros", v, p)
			}
		}},
		{"streams of one id and two kinds are two streams", func(t *testing.T, s eventstore.Store) {
			other := eventstore.Stream{Kind: "other", ID: a.ID}
			mustAppend(t, s, a, 0, Event(1))
			mustAppend(t, s, other, 0, Event(2))
			for e := range s.ReadStream(ctx, other, 0) {
				if e.Position != 2 {
					t.Fatalf("ReadStream gave position %d, want 2", e.Position)
				}
			}
		}},
	}
}

// follows are the promises to those who wait for what comes.
func follows() []promise {
	ctx := context.Background()
	a := StreamN(1)
	return []promise{
		{"wait returns once the log reaches beyond", func(t *testing.T, s eventstore.Store) {
			short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			if err := s.Wait(short, 0); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("Wait on an empty log = %v, want the deadline", err)
			}

			done := make(chan error)
			go func() { done <- s.Wait(ctx, 0) }()
			mustAppend(t, s, a, 0, Event(1))
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}},
		{"a subscription catches up, then follows", func(t *testing.T, s eventstore.Store) {
			mustAppend(t, s, a, 0, Event(1), Event(2))
			end := errors.New("enough")
			got := make(chan eventstore.Position, 10)
			done := make(chan error)
			go func() {
				done <- eventstore.Subscribe(ctx, s, 1, func(_ context.Context, e eventstore.Event) error {
					if got <- e.Position; e.Position == 4 {
						return end
					}
					return nil
				})
			}()
			if p := <-got; p != 2 {
				t.Fatalf("first %d, want 2", p)
			}

			mustAppend(t, s, a, 2, Event(3), Event(4))
			if err := <-done; err != end || <-got != 3 || <-got != 4 {
				t.Fatalf("Subscribe = %v, want its function's error", err)
			}
		}},
	}
}

func testRivals(t *testing.T, s eventstore.Store) {
	const writers, each = 32, 20
	var wg sync.WaitGroup
	var mu sync.Mutex
	acked := map[eventstore.Position]bool{}
	for w := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; n < each; {
				st := StreamN(w % 8)
				v, _ := s.Head(st)
				e := Event(w*1000 + n)
				p, err := s.Append(context.Background(), st, eventstore.ExpectedVersion(v), e, e)
				if errors.Is(err, eventstore.ErrConflict) {
					continue
				}

				if err != nil {
					t.Error(err)
					return
				}

				mu.Lock()
				if acked[p] {
					t.Errorf("position %d was given twice", p)
				}

				acked[p] = true
				mu.Unlock()
				n++
			}
		}()
	}

	wg.Wait()
	CheckLog(t, s)
	if got := s.Last(); got != writers*each*2 {
		t.Fatalf("Last = %d, want %d", got, writers*each*2)
	}
}

// CheckLog reads the whole log and checks that positions and versions have no gap, that recorded time never runs
// backwards, that no append is there by half, and that each stream read by itself and its head agree with the log.
func CheckLog(t testing.TB, s eventstore.Store) []eventstore.Event {
	t.Helper()
	log, err := checkLog(s)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func checkLog(s eventstore.Store) ([]eventstore.Event, error) {
	var log []eventstore.Event
	streams := map[eventstore.Stream][]eventstore.Position{}
	for e, err := range s.ReadAll(context.Background(), 0) {
		if err != nil {
			return nil, err
		}

		places := streams[e.Stream]
		if int(e.Position) != len(log)+1 || int(e.Version) != len(places)+1 {
			return nil, fmt.Errorf("position %d, version %d of %s stand where %d, %d belong",
				e.Position, e.Version, e.Stream, len(log)+1, len(places)+1)
		}

		if len(log) > 0 {
			last := log[len(log)-1]
			if e.Recorded.Before(last.Recorded) {
				return nil, fmt.Errorf("recorded time runs backwards at %d", e.Position)
			}
			if last.Index < last.Count && (e.Index != last.Index+1 || e.Stream != last.Stream) {
				return nil, fmt.Errorf("position %d breaks the append before it", e.Position)
			}
		}

		log = append(log, e)
		streams[e.Stream] = append(places, e.Position)
	}

	if n := len(log); n > 0 && log[n-1].Index != log[n-1].Count {
		return nil, fmt.Errorf("the last append is there by half")
	}

	for st, places := range streams {
		if v, p := s.Head(st); int(v) != len(places) || p != places[len(places)-1] {
			return nil, fmt.Errorf("head of %s is %d, %d; the log says %d, %d",
				st, v, p, len(places), places[len(places)-1])
		}
		i := 0
		for e, err := range s.ReadStream(context.Background(), st, 0) {
			if err != nil || e.Position != places[i] {
				return nil, fmt.Errorf("stream %s gives position %d as event %d, %v; want %d",
					st, e.Position, i+1, err, places[i])
			}
			i++
		}
	}

	return log, nil
}

// Verify is CheckLog for those who expect it to fail.
func Verify(s eventstore.Store) ([]eventstore.Event, error) { return checkLog(s) }

func mustAppend(
	t *testing.T, s eventstore.Store, st eventstore.Stream, v eventstore.ExpectedVersion, events ...eventstore.NewEvent,
) {
	t.Helper()
	if _, err := s.Append(context.Background(), st, v, events...); err != nil {
		t.Fatalf("Append to %s at %d: %v", st, v, err)
	}
}

func all(t *testing.T, s eventstore.Store, after eventstore.Position) []eventstore.Event {
	t.Helper()
	var log []eventstore.Event
	for e, err := range s.ReadAll(context.Background(), after) {
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, e)
	}
	return log
}

func repeat(e eventstore.NewEvent, n int) []eventstore.NewEvent {
	out := make([]eventstore.NewEvent, n)
	for i := range out {
		out[i] = e
	}
	return out
}
