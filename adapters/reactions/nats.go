package reactions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/changes"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/platform"
)

// Headers of what is published, beside Nats-Msg-Id.
const (
	headerPosition = "Digitalpost-Position" // the event's cursor
	headerVersion  = "Digitalpost-Version"  // of the mailbox's stream with the event
	headerPart     = "Digitalpost-Part"     // from 1, of an event in parts; absent of the last, or the only one
	headerShape    = "Digitalpost-Shape"    // of the rows
)

// A NATS says to which servers platforms' events are published.
type NATS struct {
	URL         string
	Credentials string        // file; empty: none
	MaxAge      time.Duration // of what a stream holds; 0: 7 days
	Replicas    int           // 0: 1
}

const (
	natsAge     = 7 * 24 * time.Hour
	natsAtOnce  = 256 // messages that are published before their acknowledgements are waited for
	natsPause   = time.Second
	natsWindow  = 2 * time.Minute // in which the server knows messages again
	natsWaits   = 10 * time.Second
	natsTooLong = 100 * time.Millisecond // without an event, until acknowledgements are waited for
	natsNotes   = 10 * time.Second       // between two times that it is written down how far all is published
)

// StreamName is that of a platform's stream: one for each, since in one stream for all the second platform's events
// would be taken for the first's, and one platform could read another's.
func StreamName(name string) string { return "DIGITALPOST_PLATFORM_" + strings.ToUpper(name) }

// Subjects gives how the subjects of a platform begin, up to the mailbox's id.
func Subjects(name string) string { return "digitalpost.platform." + name + "." }

// NATS starts publishing every platform's events.
func (r *Reactions) NATS(b *backbone.Backbone, cfg NATS) error {
	options := []nats.Option{
		nats.Name("digitalpost"), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.Timeout(natsWaits),
	}
	if cfg.Credentials != "" {
		options = append(options, nats.UserCredentials(cfg.Credentials))
	}

	conn, err := nats.Connect(cfg.URL, options...)
	if err != nil {
		return fmt.Errorf("nats: %w", err)
	}

	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(natsAtOnce))
	if err != nil {
		conn.Close()
		return fmt.Errorf("nats: %w", err)
	}

	if cfg.MaxAge == 0 {
		cfg.MaxAge = natsAge
	}
	n := &publishing{r: r, b: b, js: js, cfg: cfg}
	for _, p := range platform.All {
		r.start(func(ctx context.Context) { n.keepUp(ctx, p.ID) })
	}
	r.start(func(ctx context.Context) { <-ctx.Done(); conn.Close() })

	return nil
}

// A natsCursor is how far all of a platform's events are published: for a stream in which all were too old.
type natsCursor struct {
	At eventstore.Position `cbor:"1,keyasint"`
}

type publishing struct {
	r   *Reactions
	b   *backbone.Backbone
	js  jetstream.JetStream
	cfg NATS
}

// keepUp publishes a platform's events, again from what the stream has where that fails, until ctx ends.
func (n *publishing) keepUp(ctx context.Context, name string) {
	for ctx.Err() == nil {
		if err := n.publish(ctx, name); err != nil && ctx.Err() == nil {
			n.r.metrics.attempts.WithLabelValues("nats", "failed").Inc()
			n.r.cfg.Logger.Warn("a platform's events are published later", "platform", name, "error", err)
			pause(ctx, natsPause)
		}
	}
}

// publish publishes from where the platform's stream ends. What of the last event is there already is known again by
// its id, or is the same rows once more.
func (n *publishing) publish(ctx context.Context, name string) error {
	g := &group{n: n, name: name}
	after, err := n.begin(ctx, g)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	return n.b.Changes.Tell(ctx, name, time.Time{}, changes.PlatformFollower{
		After: after, Beat: natsTooLong,
		Send: func(c changes.PlatformChange) error { return g.send(ctx, c) },
		Idle: func(at eventstore.Position) error { return g.flush(ctx, at) },
	})
}

// begin makes the stream, if it is not there, and gives the position beyond which events are published: that of the
// last event in it, or, of a new one, the log's end.
func (n *publishing) begin(ctx context.Context, g *group) (eventstore.Position, error) {
	name := g.name
	wait, cancel := context.WithTimeout(ctx, natsWaits)
	defer cancel()

	s, err := n.js.CreateOrUpdateStream(wait, jetstream.StreamConfig{
		Name: StreamName(name), Subjects: []string{Subjects(name) + "*"}, MaxAge: n.cfg.MaxAge,
		Storage: jetstream.FileStorage, Replicas: max(n.cfg.Replicas, 1), Duplicates: natsWindow, DenyDelete: true,
		DenyPurge: true, Description: "what " + name + " may hold: shape " + strconv.Itoa(mailboxes.Shape),
	})
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", StreamName(name), err)
	}

	info, err := s.Info(wait)
	if err != nil {
		return 0, err
	}

	var stood natsCursor
	if err := n.r.store.cursor("nats/"+name, &stood); err != nil {
		return 0, err
	}

	if g.last = info.State.LastSeq; info.State.Msgs == 0 { // new, or all in it was too old
		if stood.At == 0 {
			stood.At = n.b.Position()
		}

		return stood.At, n.r.store.setCursor("nats/"+name, stood)
	}

	last, err := s.GetMsg(wait, info.State.LastSeq)
	if err != nil {
		return 0, err
	}

	at, err := n.positionOf(last.Header.Get(headerPosition))
	if err != nil {
		return 0, fmt.Errorf(
			"stream %s ends with what is not of this log: delete it, and have the platform take a snapshot: %w",
			StreamName(name), err)
	}

	if last.Header.Get(headerPart) != "" && at > 0 {
		g.anew, g.suffix = at, fmt.Sprintf("@%d", g.last) // whose parts may have other rows by now
		at--
	}

	return max(at, stood.At), nil
}

var errForeign = errors.New("the position is of another history")

// positionOf reads a cursor that was published.
func (n *publishing) positionOf(s string) (eventstore.Position, error) {
	c := backbone.Cursor{Incarnation: 1}
	if first, rest, restored := strings.Cut(s, "."); restored {
		i, err := strconv.ParseUint(first, 10, 63)
		if err != nil {
			return 0, errForeign
		}
		c.Incarnation, s = i, rest
	}

	p, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, errForeign
	}
	c.Position = eventstore.Position(p)

	return n.b.Go(c)
}

// A group is messages that are published before their acknowledgements are waited for. Each names the one before it, so
// that where one is lost none behind it is taken.
type group struct {
	n       *publishing
	name    string
	last    uint64 // sequence of the last message
	pending []jetstream.PubAckFuture
	noted   time.Time           // when it was written down last how far all is published
	anew    eventstore.Position // of the event that is told anew, under other ids; 0: of none
	suffix  string
}

func (g *group) send(ctx context.Context, c changes.PlatformChange) error {
	e := c.Event(cursorOf(g.n.b))
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}

	m := nats.NewMsg(Subjects(g.name) + c.Mailbox.String())
	m.Data = body
	m.Header.Set(headerPosition, g.n.b.Cursor(c.Position).String())
	m.Header.Set(headerVersion, strconv.FormatUint(uint64(c.Version), 10))
	m.Header.Set(headerShape, strconv.Itoa(mailboxes.Shape))
	m.Header.Set("Content-Type", "application/cloudevents+json")
	if c.Part > 0 {
		m.Header.Set(headerPart, strconv.Itoa(c.Part))
	}

	id := g.name + ":" + e.ID
	if c.Position == g.anew {
		id += g.suffix
	}

	future, err := g.n.js.PublishMsgAsync(m, jetstream.WithMsgID(id), jetstream.WithExpectLastSequence(g.last))
	if err != nil {
		return err
	}
	g.last++

	g.pending = append(g.pending, future)
	if len(g.pending) >= natsAtOnce {
		return g.flush(ctx, 0)
	}

	return nil
}

// flush waits until all that was published is on the servers' disks.
func (g *group) flush(ctx context.Context, at eventstore.Position) error {
	wait, cancel := context.WithTimeout(ctx, natsWaits)
	defer cancel()

	for _, f := range g.pending {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return err
		case <-wait.Done():
			return wait.Err()
		}
	}

	if len(g.pending) > 0 {
		g.n.r.metrics.attempts.WithLabelValues("nats", "done").Inc()
		g.n.r.metrics.pushed.WithLabelValues(g.name, "nats").Add(float64(len(g.pending)))
	}

	if g.pending = nil; at == 0 {
		return nil
	}
	g.n.r.metrics.behind.WithLabelValues(g.name, "nats").Set(float64(at))

	if time.Since(g.noted) < natsNotes {
		return nil
	}
	g.noted = time.Now()

	return g.n.r.store.setCursor("nats/"+g.name, natsCursor{at})
}
