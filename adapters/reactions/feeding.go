package reactions

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/fxamacker/cbor/v2"
)

// Bounds of trying.
const (
	shards       = 4 // lanes of one kind and receiver, by order
	passAtOnce   = 64
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Minute
	tooMany      = 10 // failures in a row that open a receiver's breaker, if they are
	ofMany       = 5  // of so many orders: a few can't close it to all others
	refusals     = 10 // of one effect, after which it is set aside
	triedFor     = 7 * 24 * time.Hour
	lookEvery    = time.Minute // for what nobody has said a word of
)

// pauseAfter gives how long an effect waits after so many attempts: doubled each time, and spread a little.
func pauseAfter(attempts int) time.Duration {
	p := longestPause
	if attempts < 12 {
		p = min(longestPause, firstPause<<max(attempts-1, 0))
	}

	return p - time.Duration(rand.Int64N(int64(p)/5+1))
}

// countEvery is how often all effects are counted.
const countEvery = 15 * time.Second

// feedAll sees to it that each lane for which there are effects is fed, and counts them.
func (r *Reactions) feedAll(ctx context.Context) {
	for ctx.Err() == nil {
		kinds := map[string]gauge{}
		err := r.store.effects(func(e Effect) bool {
			g := kinds[e.Kind]
			g.add(e)
			kinds[e.Kind] = g
			r.feed(e)

			return true
		})
		if err != nil {
			r.cfg.Logger.Error("effects are not read", "error", err)
		}
		r.metrics.show(r.cfg.Sources, kinds, r.cfg.Now())
		pause(ctx, countEvery)
	}
}

// feed sees to it that an effect's lane is fed.
func (r *Reactions) feed(e Effect) {
	r.receiver(e.Receiver).changes.Add(1)
	r.feedLane(e.Kind, e.Receiver, e.Order[15]%shards)
}

// feedLane starts feeding a lane, if nobody does.
func (r *Reactions) feedLane(kind, name string, shard byte) {
	source, lane := r.source(kind), fmt.Sprintf("%s/%s/%d", kind, name, shard)
	r.mu.Lock()
	fed := r.fed[lane]
	r.fed[lane] = true
	r.mu.Unlock()

	if fed || source == nil {
		return
	}

	l := &feeding{r: r, source: source, kind: kind, receiver: name, shard: shard, name: lane, at: r.receiver(name)}
	r.start(func(ctx context.Context) {
		if err := r.lanes.handle(ctx, lane, l.handle); err != nil {
			r.mu.Lock()
			delete(r.fed, lane) // it is tried again when effects are counted
			r.mu.Unlock()

			if ctx.Err() == nil {
				r.cfg.Logger.Error("a lane does not open", "lane", lane, "error", err)
			}

			return
		}
		l.run(ctx)
	})
}

// A feeding is one lane, and what goes over it.
type feeding struct {
	r              *Reactions
	source         Source
	kind, receiver string
	shard          byte
	name           string
	at             *receiver

	mu      sync.Mutex // guards outcome, which the handler writes and the feeder reads
	outcome map[string]Effect

	// Of the feeder alone: nothing is due before idle, unless effects have come since so many changes.
	seen int64
	idle time.Time
}

// run passes effects whose time has come, in order, until ctx ends.
func (f *feeding) run(ctx context.Context) {
	for ctx.Err() == nil {
		woken := f.r.woken()
		due, next, err := f.due(f.r.cfg.Now())
		if err != nil {
			f.r.cfg.Logger.Error("effects are not read", "lane", f.name, "error", err)
			next = f.r.cfg.Now().Add(time.Second)
		}

		for _, e := range due {
			if ctx.Err() != nil {
				break
			}

			if until := f.at.open(); !until.IsZero() {
				next = until
				break
			}
			f.pass(e)
		}

		failed, err := f.settle()
		if err != nil {
			f.r.cfg.Logger.Error("what became of effects is not written: they are tried again", "error", err)
			pause(ctx, time.Second)
		}

		again := slices.ContainsFunc(due, func(e Effect) bool { return e.Attempts > 0 }) // what waited behind it is due
		if failed || (again || len(due) >= passAtOnce) && f.at.open().IsZero() {
			continue // when the next is due is looked up again
		}
		wait := lookEvery
		if !next.IsZero() {
			wait = max(time.Millisecond, min(wait, next.Sub(f.r.cfg.Now())))
		}

		select {
		case <-woken:
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// due gives the first effects of the lane whose time has come, those that were never tried before the others, none
// behind another of its order that was tried and waits; and when the next is due, if none is. What waits for its date
// holds up nobody.
func (f *feeding) due(now time.Time) (due []Effect, next time.Time, err error) {
	if until := f.at.open(); !until.IsZero() {
		return nil, until, nil
	}

	changes := f.at.changes.Load()
	if changes == f.seen && now.Before(f.idle) {
		return nil, f.idle, nil // nothing has come since it was seen that nothing is due
	}
	defer func() {
		if f.seen, f.idle = changes, next; err != nil || len(due) > 0 {
			f.idle = time.Time{}
		}
	}()

	var tried []Effect
	waiting := map[[16]byte]bool{}
	err = f.r.store.effectsOf(f.kind, f.receiver, func(e Effect) bool {
		switch {
		case e.Order[15]%shards != f.shard || e.Poisoned || waiting[e.Order]:
		case now.Before(e.Next):
			waiting[e.Order] = e.Attempts > 0
			if next.IsZero() || e.Next.Before(next) {
				next = e.Next
			}
		case e.Attempts > 0:
			waiting[e.Order] = true
			if len(tried) < passAtOnce {
				tried = append(tried, e)
			}
		default:
			due = append(due, e)
		}

		return len(due) < passAtOnce
	})

	return append(due, tried...), next, err
}

// pass has the lane's handler try an effect, unless an earlier one of its order has failed meanwhile.
func (f *feeding) pass(e Effect) {
	f.mu.Lock()
	for _, before := range f.outcome {
		if before.Order == e.Order && before.Attempts > 0 {
			f.mu.Unlock()
			return
		}
	}
	f.mu.Unlock()

	row, err := cbor.Marshal(e)
	if err != nil {
		f.r.cfg.Logger.Error("an effect is not passed on", "error", err)
		return
	}

	m := message.NewMessage(e.Key, row)
	middleware.SetCorrelationID(e.Key, m)
	m.Metadata.Set(metaCausation, strconv.FormatUint(uint64(e.Position), 10))
	m.Metadata.Set(metaAttempt, strconv.Itoa(e.Attempts+1))
	m.Metadata.Set(metaReceiver, e.Receiver)
	if err := f.r.lanes.pass(f.name, m); err != nil && f.r.ctx.Err() == nil {
		f.r.cfg.Logger.Error("an effect is not passed on", "error", err)
	}
}

// handle tries an effect, and notes what became of it.
func (f *feeding) handle(m *message.Message) {
	var e Effect
	if err := cbor.Unmarshal(m.Payload, &e); err != nil {
		f.r.lanes.router.Logger().Error("no effect", err, watermill.LogFields{"lane": f.name})
		return
	}

	err := guarded(func() error { return f.source.Do(f.r.ctx, e) })
	if f.r.ctx.Err() != nil && err != nil {
		return // the end came first
	}
	var later *LaterError
	if errors.As(err, &later) {
		e.Attempts, e.Next, e.Why = 1, later.At, later.Why
		if later.At.After(e.Since) {
			e.Since = later.At // what it was put off for counts against nobody
		}
		f.note(e)
		return
	}

	if errors.Is(err, errNotWanted) {
		e.Attempts = 0
		f.note(e)
		return
	}
	f.at.note(e.Order, err)

	e.Attempts++
	if err == nil {
		f.r.metrics.attempts.WithLabelValues(f.kind, "done").Inc()
		if err = guarded(func() error { return f.source.Done(f.r.ctx, e, nil) }); err == nil {
			e.Attempts, e.Taken = 0, true
			f.note(e)

			return
		}
	} else {
		f.r.metrics.attempts.WithLabelValues(f.kind, "failed").Inc()
	}

	f.failed(&e, err)
	f.note(e)
}

// guarded makes a panic of a source a failure like any other.
func guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()

	return fn()
}

// failed says when an effect is tried again, or sets it aside.
func (f *feeding) failed(e *Effect, err error) {
	var refused *RefusedError
	e.Next, e.Why = f.r.cfg.Now().Add(pauseAfter(e.Attempts)), err.Error()
	e.Why = strings.ToValidUTF8(e.Why[:min(len(e.Why), maxWhy)], "") // an invalid text would not be read again

	last := errors.As(err, &refused) || f.r.cfg.Now().Sub(e.Since) > triedFor
	forGood := refused != nil && refused.ForGood
	if !last || e.Attempts < refusals && !forGood {
		return
	}

	took, tookErr := f.r.store.took(f.kind, f.receiver)
	e.Alive = tookErr != nil || f.r.cfg.Now().Sub(took) < triedFor
	if err := guarded(func() error { return f.source.Done(f.r.ctx, *e, err) }); err != nil {
		return // it is tried again, and set aside then
	}

	if forGood { // the log says so, and there is nothing for operators to do
		e.Attempts = 0
		return
	}
	e.Poisoned = true
	f.r.cfg.Logger.Warn("an effect is set aside", "kind", e.Kind, "receiver", e.Receiver,
		"position", uint64(e.Position), "attempts", e.Attempts)
}

// maxWhy is how many bytes are kept of why an effect failed.
const maxWhy = 200

func (f *feeding) note(e Effect) {
	f.mu.Lock()
	defer f.mu.Unlock()

	if f.outcome == nil {
		f.outcome = map[string]Effect{}
	}
	f.outcome[string(e.storeKey())] = e
}

// settle writes down what became of the effects that were passed: all in one transaction. Until then they have not
// happened, and are tried again after a crash. Failed says that some have failed.
func (f *feeding) settle() (failed bool, err error) {
	f.mu.Lock()
	outcome := f.outcome
	f.outcome = nil
	f.mu.Unlock()

	if len(outcome) == 0 {
		return false, nil
	}
	f.r.cfg.Fail("tried")

	for _, e := range outcome {
		failed = failed || e.Attempts > 0
	}

	return failed, f.r.store.settle(outcome)
}
