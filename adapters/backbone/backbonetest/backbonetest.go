// Package backbonetest starts a backbone for a test, on a directory of the test's own: with made-up people, sender
// systems and post, a clock that the test sets, and the log to read beside it. What goes wrong here ends the test.
package backbonetest

import (
	"context"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/adapters/vault"
)

// segmentSize of the logs of tests: a new one is allocated whole.
const segmentSize = 16 << 20

// A Backbone is an open one, with what a test does to it. Its methods but Restart may be used by many goroutines at
// once, as far as testing.TB may.
type Backbone struct {
	*backbone.Backbone
	Clock *Clock
	Dir   string // of the data; the keys lie beside it

	tb     testing.TB
	cfg    backbone.Config
	fail   atomic.Pointer[func(step string)]
	closed bool
}

// An Option changes how a backbone is opened.
type Option func(*backbone.Config)

// Mail gives the backbone a mailer: without one nothing leaves as e-mail.
func Mail(m sending.Mailer) Option { return func(c *backbone.Config) { c.Mail = m } }

// SlowViews is called before views apply what is new: see backbone.Config.
func SlowViews(fn func()) Option { return func(c *backbone.Config) { c.SlowViews = fn } }

// SegmentSize sets how large a segment of the log is.
func SegmentSize(n int64) Option { return func(c *backbone.Config) { c.SegmentSize = n } }

// Now takes another clock than the backbone's own; Backbone.Clock moves nothing then.
func Now(fn func() time.Time) Option { return func(c *backbone.Config) { c.Now = fn } }

// Open opens a backbone on a new directory. It is closed when the test ends.
func Open(tb testing.TB, options ...Option) *Backbone {
	tb.Helper()

	dir := tb.TempDir()
	b := &Backbone{Clock: &Clock{}, Dir: filepath.Join(dir, "var"), tb: tb}
	b.cfg = backbone.Config{
		Dir: b.Dir, KMS: vault.KeyFolder(filepath.Join(dir, "keys")), Development: true, SegmentSize: segmentSize,
		Now: b.Clock.Now, Fail: b.reached,
	}
	for _, option := range options {
		option(&b.cfg)
	}

	b.open()
	tb.Cleanup(func() {
		if !b.closed {
			b.must(b.Close())
		}
	})

	return b
}

func (b *Backbone) open() {
	b.tb.Helper()

	var err error
	b.Backbone, err = backbone.Open(b.cfg)
	b.must(err)
	b.closed = false
}

// Close closes the backbone. It may be opened again by Restart.
func (b *Backbone) Close() error {
	b.closed = true
	return b.Backbone.Close()
}

// Restart closes the backbone, if it is open, and opens it again on what lies on disk. Nothing is called at steps any
// more.
func (b *Backbone) Restart() {
	b.tb.Helper()

	if !b.closed {
		b.must(b.Close())
	}
	b.AtSteps(nil)
	b.open()
}

// KMS gives the keys' folder, for a vault that is opened while the backbone is closed.
func (b *Backbone) KMS() vault.KMS { return b.cfg.KMS }

// AtSteps has fn called at each named step, in the goroutine that has come to it; nil: none is any more. What calls
// runtime.Goexit there stands for a process that ends: the work stops between two steps, and a restart takes it up.
func (b *Backbone) AtSteps(fn func(step string)) { b.fail.Store(&fn) }

func (b *Backbone) reached(step string) {
	if fn := b.fail.Load(); fn != nil && *fn != nil {
		(*fn)(step)
	}
}

// must ends the test for an error that nothing is tested by.
func (b *Backbone) must(err error) {
	b.tb.Helper()

	if err != nil {
		b.tb.Fatal(err)
	}
}

// A Clock runs as the machine's, and is moved by tests. The log's recorded times stay the machine's own. It may be used
// by many goroutines at once.
type Clock struct{ ahead atomic.Int64 }

// Now is the time as the test has set it.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Advance moves the clock.
func (c *Clock) Advance(by time.Duration) { c.ahead.Add(int64(by)) }

// Set sets the clock to a time, from which it runs on.
func (c *Clock) Set(to time.Time) { c.ahead.Store(int64(time.Until(to))) }

// EndAt runs work, and ends it where it first comes to a named step, whichever goroutine comes there: that one stops
// for good, as in a process that ends, and no other goes on beyond any step. The backbone is good for Restart alone
// after this.
func (b *Backbone) EndAt(step string, work func(context.Context)) {
	b.tb.Helper()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	var ended atomic.Bool
	b.AtSteps(func(s string) {
		if s == step {
			ended.Store(true)
		}

		if ended.Load() {
			cancel()
			runtime.Goexit()
		}
	})

	done := make(chan struct{})
	go func() { defer close(done); work(ctx) }()
	<-done

	if !ended.Load() {
		b.tb.Fatalf("the work has not come to %q", step)
	}
}
