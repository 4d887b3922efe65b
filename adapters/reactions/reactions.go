// Package reactions is the one way out: what must happen elsewhere because of what the log says. It reads the log from
// a durable position, keeps a durable row for each effect that has not happened, and a cursor for each feed, and has
// Watermill's router run what tries them. Each effect has a key that is the same however often it is tried, so that
// whoever receives it twice can tell; what became of it goes back into the log.
//
// # Crashes
//
//	point of the crash                 what is left                      what repairs it
//	before the rows are committed      the position before               the events are planned again
//	between attempt and its outcome    a row that says nothing of it     it is tried again, with the same key
//	between result and outcome         a result in the log, and a row    it is tried again; the result is there once
//
// Effects of one receiver and one order (a mailbox) happen one after another. One that fails waits on disk, and what
// comes behind it in its order with it; others go on.
package reactions

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"digitalpost/adapters/backbone"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// closeTimeout is how long what is under way is waited for at the end.
const closeTimeout = 30 * time.Second

// A Source is a kind of effects.
type Source interface {
	// Kind names it: lower case, a closed set.
	Kind() string
	// Plan gives the effects of an event: their receivers, orders, things and keys. It is asked again after a crash,
	// and then gives the same.
	Plan(ctx context.Context, h *engine.Entry) ([]Effect, error)
	// Do tries an effect. It may be called again for one that has happened, with the same key. A *RefusedError says
	// that trying again is of little use.
	Do(ctx context.Context, e Effect) error
	// Done notes in the log that an effect has happened, or why it never will; once in effect, however often it is
	// called. An error has it called again.
	Done(ctx context.Context, e Effect, failed error) error
}

// A RefusedError is a receiver's no.
type RefusedError struct {
	Err     error
	ForGood bool // it is not tried again, and not set aside
}

// A LaterError says that an effect is not to happen before a time. It is no failure, and no attempt.
type LaterError struct {
	At  time.Time
	Why string
}

func (e *LaterError) Error() string { return "not yet: " + e.Why }

// errNotWanted says that nobody wants an effect any more: it is over, and not done.
var errNotWanted = errors.New("reactions: nobody wants it any more")

func (e *RefusedError) Error() string { return "refused: " + e.Err.Error() }

func (e *RefusedError) Unwrap() error { return e.Err }

// A Config says what happens. Dir, Log and Logger are needed.
type Config struct {
	Dir     string
	Log     backbone.Log
	Sources []Source
	// Events is how the log is followed; nil: for the reactions alone. Each event is decoded once, for all sources.
	Events     engine.Events
	Now        func() time.Time // nil: the machine's clock
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// Ready, if not nil, is waited for before an event is planned: the views have it.
	Ready func(ctx context.Context, p eventstore.Position) error
	// CheckpointFirst is a negative control: the position is written down before the effects are.
	CheckpointFirst bool
	// Fail, if not nil, is called at each named step; tests end the process in it.
	Fail func(step string)
}

// Reactions go on by themselves from Open to Close. They may be used by many goroutines at once.
type Reactions struct {
	cfg     Config
	store   *store
	lanes   *lanes
	metrics *metrics
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	mu        sync.Mutex // guards what follows
	receivers map[string]*receiver
	fed       map[string]bool // lanes that are fed
	moved     chan struct{}   // closed when effects were planned, or changed by an operator
}

// Open starts them, behind the last position that was written down.
func Open(cfg Config) (*Reactions, error) {
	if cfg.Fail == nil {
		cfg.Fail = func(string) {}
	}

	if cfg.Now == nil {
		cfg.Now = time.Now
	}

	if cfg.Events == nil {
		cfg.Events = engine.Each(cfg.Log)
	}

	s, err := openStore(cfg.Dir, cfg.Log.ID(), cfg.Log.Incarnation(), cfg.Log.Last())
	if err != nil {
		return nil, err
	}

	s.now = cfg.Now

	l, err := newLanes(cfg.Logger)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}

	r := &Reactions{
		cfg: cfg, store: s, lanes: l, metrics: newMetrics(cfg.Registerer),
		receivers: map[string]*receiver{}, fed: map[string]bool{}, moved: make(chan struct{}),
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.start(func(ctx context.Context) {
		if err := l.run(ctx); err != nil {
			cfg.Logger.Error("reactions have stopped", "error", err)
		}
	})
	r.start(r.planAll)
	r.start(r.feedAll)

	return r, nil
}

// start runs something until the end.
func (r *Reactions) start(run func(ctx context.Context)) {
	r.wg.Add(1)
	go func() { defer r.wg.Done(); run(r.ctx) }()
}

// Close ends what is under way. What has not happened happens after the next Open.
func (r *Reactions) Close() error {
	r.cancel()
	r.wg.Wait()

	return r.store.close()
}

// Wake has all lanes look for what is due by now: the clock was moved.
func (r *Reactions) Wake() {
	r.mu.Lock()
	for _, one := range r.receivers {
		one.changes.Add(1)
	}
	r.mu.Unlock()
	r.wake()
}

// wake has all lanes look for what there is to do.
func (r *Reactions) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.moved)
	r.moved = make(chan struct{})
}

// woken gives what is closed by the next wake.
func (r *Reactions) woken() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.moved
}

func (r *Reactions) source(kind string) Source {
	for _, s := range r.cfg.Sources {
		if s.Kind() == kind {
			return s
		}
	}

	return nil
}
