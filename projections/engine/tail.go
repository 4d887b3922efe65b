package engine

import (
	"context"
	"iter"
	"sort"
	"sync"

	"digitalpost/domain"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
)

// What a tail keeps, at most twice of it, and how many events it reads at once.
const (
	tailEvents = 4096
	tailBytes  = 16 << 20 // of the events' data
	tailReads  = 256
)

// An Entry is an event of the log. It is decoded once, for all who ask. It may be used by many goroutines at once; what
// it says is theirs to read, not to change.
type Entry struct {
	eventstore.Event
	once sync.Once
	says domain.Event
	err  error
}

// Says gives what the event says; an error if this program does not know: the event's stream is parked then.
func (e *Entry) Says() (domain.Event, error) {
	e.once.Do(func() { e.says, e.err = streams.Decode(string(e.Stream.Kind), e.Type, e.Data) })
	return e.says, e.err
}

// Events yields the events of a log beyond a position, in order, up to its end at some time after the call.
type Events func(ctx context.Context, after eventstore.Position) iter.Seq2[*Entry, error]

// Each reads a log for one reader alone.
func Each(store eventstore.Reader) Events {
	return func(ctx context.Context, after eventstore.Position) iter.Seq2[*Entry, error] {
		return func(yield func(*Entry, error) bool) {
			for rec, err := range store.ReadAll(ctx, after) {
				if !yield(&Entry{Event: rec}, err) {
					return
				}
			}
		}
	}
}

// A Tail is the one reader of a log for all who follow it: whoever is first at an event reads it, and it is kept for
// the others. Who is further behind than what is kept reads for themselves. It may be used by many goroutines at once.
type Tail struct {
	store eventstore.Reader

	mu             sync.Mutex // guards what follows, and is held while the log is read
	kept           []*Entry   // in order: all events beyond first, up to through
	first, through eventstore.Position
	bytes          int
}

// NewTail makes one that keeps nothing yet.
func NewTail(store eventstore.Reader) *Tail { return &Tail{store: store} }

// Events yields what is beyond a position: see Events.
func (t *Tail) Events(ctx context.Context, after eventstore.Position) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		for {
			some, behind, err := t.next(ctx, after)
			if behind {
				some, err = t.own(ctx, after)
			}

			for _, e := range some {
				if !yield(e, nil) {
					return
				}
				after = e.Position
			}

			if err != nil {
				yield(nil, err)
				return
			}

			if len(some) == 0 {
				return
			}
		}
	}
}

// next gives what is kept beyond a position, and reads on if nothing is; behind says that less is kept than is asked.
func (t *Tail) next(ctx context.Context, after eventstore.Position) (some []*Entry, behind bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()

	switch {
	case after > t.through:
		t.kept, t.bytes, t.first, t.through = nil, 0, after, after // whoever is further behind reads alone
	case after < t.first:
		return nil, true, nil
	case after < t.through:
		i := sort.Search(len(t.kept), func(i int) bool { return t.kept[i].Position > after })
		return t.kept[i:len(t.kept):len(t.kept)], false, nil
	}

	for rec, rerr := range t.store.ReadAll(ctx, after) {
		if rerr != nil {
			err = rerr
			break
		}

		some = append(some, &Entry{Event: rec})
		if len(some) == tailReads {
			break
		}
	}
	t.keep(some)

	return some, false, err
}

// keep adds events, and lets the oldest go that are too many. The caller holds mu.
func (t *Tail) keep(some []*Entry) {
	for _, e := range some {
		t.bytes += len(e.Data)
		t.through = e.Position
	}
	t.kept = append(t.kept, some...)

	if len(t.kept) <= 2*tailEvents && t.bytes <= 2*tailBytes {
		return // the oldest go many at a time
	}

	n := 0
	for n < len(t.kept) && (len(t.kept)-n > tailEvents || t.bytes > tailBytes) {
		t.bytes -= len(t.kept[n].Data)
		t.first = t.kept[n].Position
		n++
	}

	// In an array of its own: what was given out keeps the old one.
	t.kept = append(make([]*Entry, 0, 2*tailEvents+tailReads), t.kept[n:]...)
}

// own reads for one who is behind.
func (t *Tail) own(ctx context.Context, after eventstore.Position) (some []*Entry, err error) {
	for rec, err := range t.store.ReadAll(ctx, after) {
		if err != nil {
			return some, err
		}

		if some = append(some, &Entry{Event: rec}); len(some) == tailReads {
			break
		}
	}

	return some, nil
}
