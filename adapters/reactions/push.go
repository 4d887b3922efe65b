package reactions

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/oklog/ulid/v2"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/changes"
	"digitalpost/domain/subscription"
	"digitalpost/eventstore"
	"digitalpost/projections/platform"
	"digitalpost/projections/subscriptions"
)

// Bounds of what a platform is told at once, and how long it is tried.
const (
	batchEvents = 500
	batchBytes  = 1 << 20
	gatherFor   = 5 * time.Millisecond // after the first event of a batch
	heldEvents  = 64                   // read ahead of what is being told
	lookAtSet   = 500 * time.Millisecond
	stopAfter   = 7 * 24 * time.Hour
	warnEvery   = 24 * time.Hour
)

// A pushCursor is where the telling of a platform stands. What was attempted once is frozen: the same bytes under the
// same id, until they are taken.
type pushCursor struct {
	Set     eventstore.Position `cbor:"1,keyasint"` // of the subscription that it is of
	Told    eventstore.Position `cbor:"2,keyasint"` // all up to it was taken
	Frozen  []byte              `cbor:"3,keyasint,omitempty"`
	ID      string              `cbor:"4,keyasint,omitempty"` // of the frozen batch
	Through eventstore.Position `cbor:"5,keyasint,omitempty"` // what it reaches to
	Events  int                 `cbor:"6,keyasint,omitempty"`
	Failed  int                 `cbor:"7,keyasint,omitempty"` // attempts in a row
	Since   time.Time           `cbor:"8,keyasint,omitzero"`  // of the first of them
	Next    time.Time           `cbor:"9,keyasint,omitzero"`  // not before
}

// Push tells platforms by webhooks.
type Push struct {
	r    *Reactions
	b    *backbone.Backbone
	hook *webhook
	log  *slog.Logger
}

// Push starts telling every platform that wants it.
func (r *Reactions) Push(b *backbone.Backbone, o Outward) *Push {
	p := &Push{r: r, b: b, hook: newWebhook(o), log: r.cfg.Logger}
	for _, one := range platform.All {
		r.start(func(ctx context.Context) { p.tell(ctx, one.ID) })
	}

	return p
}

// Verify asks an address to repeat a challenge. The error is for who gave the address.
func (p *Push) Verify(ctx context.Context, url string) error { return p.hook.verify(ctx, url) }

// Told gives the position up to which a platform was told, by what is set.
func (p *Push) Told(name string, row subscriptions.Row) eventstore.Position {
	var c pushCursor
	if err := p.r.store.cursor(feedOf(name), &c); err != nil || c.Set != row.Set {
		return eventstore.Position(row.Push.From)
	}

	return c.Told
}

func feedOf(name string) string { return "push/" + name }

// tell tells a platform, as long as it wants to be told, until ctx ends.
func (p *Push) tell(ctx context.Context, name string) {
	l := &pushLane{Push: p, name: name, taken: make(chan error, 1)}
	if err := p.r.lanes.handle(ctx, feedOf(name), l.handle); err != nil {
		return
	}

	for ctx.Err() == nil {
		row, err := p.b.Subscriptions.Row(ctx, name)
		if err != nil || row.Push == (subscription.Push{}) || row.Stopped {
			pause(ctx, lookAtSet)
			continue
		}

		// What is set may change while it is told.
		one, cancel := context.WithCancel(ctx)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for one.Err() == nil {
				pause(one, lookAtSet)
				if now, err := p.b.Subscriptions.Row(one, name); err == nil && wants(now) != wants(row) {
					cancel()
				}
			}
		}()
		if err := l.run(one, row); err != nil && one.Err() == nil && !errors.Is(err, errStopped) {
			p.log.Error("a platform is told later", "platform", name, "error", err)
			pause(ctx, time.Second)
		}
		cancel()
		<-watched
	}
}

// wants is what a change of ends the telling, to begin anew.
func wants(r subscriptions.Row) [2]any {
	return [2]any{r.Set, r.Stopped || r.Push == subscription.Push{}}
}

// A pushLane is one platform's.
type pushLane struct {
	*Push
	name   string
	cursor pushCursor
	row    subscriptions.Row
	taken  chan error // how each attempt went
}

// A heard is an event on its way into a batch, or, without bytes, a position up to which all was told.
type heard struct {
	json []byte
	at   eventstore.Position // complete up to it
}

// run tells a platform from where it stands.
func (l *pushLane) run(ctx context.Context, row subscriptions.Row) error {
	l.row, l.cursor = row, pushCursor{}
	if err := l.r.store.cursor(feedOf(l.name), &l.cursor); err != nil {
		return err
	}

	if l.cursor.Set != row.Set {
		l.cursor = pushCursor{Set: row.Set, Told: eventstore.Position(row.Push.From)}
	}

	if len(l.cursor.Frozen) > 0 {
		if err := l.deliver(ctx); err != nil {
			return err
		}
	}

	events, told := make(chan heard, heldEvents), l.cursor.Told
	ended, left := make(chan error, 1), make(chan struct{})
	follow, cancel := context.WithCancel(ctx)
	defer func() { cancel(); <-left }()
	go func() { defer close(left); ended <- hear(follow, l.b, l.name, told, events) }()

	for {
		batch, err := l.gather(ctx, events, ended)
		if err != nil {
			return err
		}

		if batch.events == 0 {
			l.cursor.Told = max(l.cursor.Told, batch.through)
			continue
		}
		l.freeze(batch)
		if err := l.r.store.setCursor(feedOf(l.name), l.cursor); err != nil {
			return err
		}

		if err := l.deliver(ctx); err != nil {
			return err
		}
	}
}

// hear gives what a platform is told beyond a position.
func hear(
	ctx context.Context, b *backbone.Backbone, name string, after eventstore.Position, events chan<- heard,
) error {
	last := after
	give := func(h heard) error {
		select {
		case events <- h:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}

	return b.Changes.Tell(ctx, name, time.Time{}, changes.PlatformFollower{
		After: after, Beat: time.Second,
		Send: func(c changes.PlatformChange) error {
			raw, err := json.Marshal(c.Event(cursorOf(b)))
			if err != nil {
				return err
			}

			if c.Part == 0 {
				last = c.Position
			}

			return give(heard{raw, last})
		},
		Idle: func(at eventstore.Position) error {
			last = max(last, at)
			return give(heard{nil, last})
		},
	})
}

// cursorOf shows positions as the feed does.
func cursorOf(b *backbone.Backbone) func(eventstore.Position) string {
	return func(at eventstore.Position) string { return b.Cursor(at).String() }
}

// A batch is being gathered.
type batch struct {
	body    bytes.Buffer
	events  int
	through eventstore.Position
}

// gather waits for an event, and takes what comes shortly after it. One without events says how far all is told.
func (l *pushLane) gather(ctx context.Context, events <-chan heard, ended <-chan error) (*batch, error) {
	out := &batch{through: l.cursor.Told}
	out.body.WriteByte('[')
	var enough <-chan time.Time

	for out.events < batchEvents && out.body.Len() < batchBytes {
		select {
		case h := <-events:
			out.through = max(out.through, h.at)
			if h.json == nil {
				if out.events == 0 {
					return out, nil
				}
				continue
			}

			if out.events > 0 {
				out.body.WriteByte(',')
			} else {
				enough = time.After(gatherFor)
			}
			out.events++
			out.body.Write(h.json)
		case <-enough:
			out.body.WriteByte(']')
			return out, nil
		case err := <-ended:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	out.body.WriteByte(']')

	return out, nil
}

func (l *pushLane) freeze(b *batch) {
	c := &l.cursor
	c.Frozen, c.Events, c.Through = b.body.Bytes(), b.events, b.through
	c.ID = "msg_" + ulid.MustNew(ulid.Now(), rand.Reader).String()
	c.Failed, c.Since, c.Next = 0, time.Time{}, time.Time{}
}

// errStopped ends the telling of a platform that was given up.
var errStopped = errors.New("reactions: the platform is not reached")

// deliver tries the frozen batch until it is taken, the platform is given up, or ctx ends.
func (l *pushLane) deliver(ctx context.Context) error {
	c, warned := &l.cursor, time.Time{}
	for {
		if wait := time.Until(c.Next); wait > 0 {
			pause(ctx, wait)
		}

		if ctx.Err() != nil {
			return ctx.Err()
		}

		m := message.NewMessage(c.ID, c.Frozen)
		m.SetContext(ctx)
		m.Metadata.Set(metaReceiver, l.name)
		m.Metadata.Set(metaCausation, strconv.FormatUint(uint64(c.Through), 10))
		m.Metadata.Set(metaAttempt, strconv.Itoa(c.Failed+1))
		if err := l.r.lanes.pass(feedOf(l.name), m); err != nil {
			return err
		}

		var taken error
		select {
		case taken = <-l.taken:
		case <-l.r.ctx.Done(): // the handler may not have been called
			return l.r.ctx.Err()
		}

		if taken == nil {
			l.r.metrics.attempts.WithLabelValues("push", "done").Inc()
			l.r.metrics.pushed.WithLabelValues(l.name, "webhook").Add(float64(c.Events))
			l.r.metrics.behind.WithLabelValues(l.name, "webhook").Set(float64(c.Through))
			*c = pushCursor{Set: c.Set, Told: c.Through}

			return l.r.store.setCursor(feedOf(l.name), *c)
		}

		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.r.metrics.attempts.WithLabelValues("push", "failed").Inc()

		if c.Failed++; c.Failed == 1 {
			c.Since = time.Now()
		}
		c.Next = time.Now().Add(pauseAfter(c.Failed))
		if err := l.r.store.setCursor(feedOf(l.name), *c); err != nil {
			return err
		}

		if c.Failed >= tooMany && time.Since(warned) > warnEvery {
			warned = time.Now()
			l.log.Warn("a platform is not reached", "platform", l.name, "since", c.Since, "attempts", c.Failed)
		}

		if time.Since(c.Since) > stopAfter {
			l.log.Warn("a platform is told no more: it goes on from its position when it asks", "platform", l.name)
			return errors.Join(errStopped, l.b.Subscriptions.StopPush(ctx, l.name, l.row.Push, c.Told))
		}
	}
}

// handle posts a batch, as long as it is wanted.
func (l *pushLane) handle(m *message.Message) {
	row, err := l.b.Subscriptions.Row(m.Context(), l.name) // which secrets sign may have changed
	if err == nil && wants(row) != wants(l.row) {
		err = context.Canceled
	}

	if err == nil {
		_, err = l.hook.post(m.Context(), delivery{
			url: l.row.Push.URL, contentType: "application/cloudevents-batch+json", body: m.Payload, id: m.UUID,
			secrets: l.b.Subscriptions.Secrets(l.name, row),
		})
	}
	l.taken <- err
}
