package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"digitalpost/eventstore"
)

const (
	flushEvery   = time.Second
	overlayLimit = 64 << 20 // bytes that make a flush due before its time
)

// A Config says how views are opened.
type Config struct {
	Dir         string
	Projections []Projection
	Log         Log
	Registerer  prometheus.Registerer // nil: no metrics
	// Slice is how long one slice of a rebuild's comparison reads; 0: 50 ms.
	Slice time.Duration
	// Slow, if not nil, is called before each batch is applied; tests hold views back with it.
	Slow func()
}

// Views are all projections' views, followed live. Open starts them and Close ends them.
//
// An event that can't be applied parks its stream, never the projection: what the view has of the stream is old from
// then on, and Snapshot.Parked says so. More than 100 parked streams stop the projection.
type Views struct {
	cfg    Config
	store  eventstore.Reader
	tail   *Tail
	views  map[string]*File
	ctx    context.Context // until Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	rebuilding sync.Mutex // guards closed, and is held by a rebuild
	closed     bool

	ready   atomic.Bool
	applied *prometheus.CounterVec
	at      *prometheus.GaugeVec

	damagedTotal *prometheus.CounterVec
	unwritten    *prometheus.CounterVec // by projection

	mu     sync.Mutex // guards failed
	failed error
}

// Open opens every view and follows the log with it, from its checkpoint.
func Open(store eventstore.Reader, cfg Config) (*Views, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}

	if cfg.Slice == 0 {
		cfg.Slice = sliceTime
	}

	v := &Views{cfg: cfg, store: store, tail: NewTail(store), views: map[string]*File{},
		applied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "digitalpost_projection_applied_total", Help: "Events applied since start.",
		}, []string{"projection"}),
		at: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "digitalpost_projection_position", Help: "Position that the view stands at.",
		}, []string{"projection"}),
		damagedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "digitalpost_projection_damaged_total", Help: "Times that a view was damaged and built anew.",
		}, []string{"projection"}),
		unwritten: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "digitalpost_projection_unwritten_total", Help: "Times that a view could not be written, and waited.",
		}, []string{"projection"}),
	}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(v.applied, v.at, v.damagedTotal, v.unwritten)
	}
	v.ctx, v.cancel = context.WithCancel(context.Background())

	start := store.Last()
	for _, p := range cfg.Projections {
		if err := v.open(p, start); err != nil {
			return nil, errors.Join(err, v.Close())
		}
	}

	v.wg.Add(1)
	go func() {
		defer v.wg.Done()
		if v.Wait(v.ctx, start) == nil {
			v.ready.Store(true)
		}
	}()

	return v, nil
}

// open opens one view and starts following with it.
func (v *Views) open(p Projection, last eventstore.Position) error {
	path := v.path(p)
	// A rebuild that ended half-way left a file that was never in use.
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}

	if err := takePrepared(path, v.cfg.Log, last); err != nil {
		return err
	}

	f, err := openSound(path, v.cfg.Log, last)
	if err != nil {
		return err
	}
	v.views[p.Name()] = f

	err = Guard(func() error { return retryParked(v.ctx, v.store, p, f) })
	var damage *DamagedError
	if err != nil && !errors.As(err, &damage) {
		return err
	}

	v.wg.Add(3)
	go func() { defer v.wg.Done(); v.stop(f, Guard(func() error { return v.mend(v.ctx, p, f) })) }()
	go func() { defer v.wg.Done(); v.stop(f, v.follow(v.ctx, p, f)) }()
	go func() { defer v.wg.Done(); v.stop(f, v.flushNowAndThen(v.ctx, f)) }()

	return nil
}

func (v *Views) path(p Projection) string { return viewPath(v.cfg.Dir, p) }

// Events yields what the log has beyond a position: read and decoded once for the views and all who follow beside them.
func (v *Views) Events(ctx context.Context, after eventstore.Position) iter.Seq2[*Entry, error] {
	return v.tail.Events(ctx, after)
}

// Ready reports whether the views have caught up with the log as it was at start, and none has failed.
func (v *Views) Ready() bool { return v.ready.Load() && v.Err() == nil }

// Parked gives how many streams are parked, in whichever view.
func (v *Views) Parked() (n int, err error) {
	for _, f := range v.views {
		s, err := f.Snapshot()
		if err != nil {
			return n, err
		}
		s.Scan(parkedPrefix, func([]byte, []byte) bool { n++; return true })
		s.Close()
	}

	return n, nil
}

// Err gives why a view has stopped, nil while all follow.
func (v *Views) Err() error {
	v.mu.Lock()
	defer v.mu.Unlock()

	return v.failed
}

func (v *Views) stop(f *File, err error) {
	if err != nil {
		f.fail(err)
	}

	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, eventstore.ErrClosed) {
		return
	}

	v.mu.Lock()
	v.failed = errors.Join(v.failed, err)
	v.mu.Unlock()
}

// Close flushes and closes the views.
func (v *Views) Close() error {
	v.cancel()
	v.rebuilding.Lock()
	v.closed = true
	v.rebuilding.Unlock()
	v.wg.Wait()

	var errs []error
	for _, f := range v.views {
		// Twice: the first writes what an earlier flush that failed has left.
		errs = append(errs, f.flushIfSound(), f.flushIfSound(), f.Close())
	}

	return errors.Join(errs...)
}

// Wait returns once every view has position p.
func (v *Views) Wait(ctx context.Context, p eventstore.Position) error {
	for _, f := range v.views {
		if err := f.Wait(ctx, p); err != nil {
			return err
		}
	}

	return nil
}

// Snapshot gives the view of a projection as it stands.
func (v *Views) Snapshot(p Projection) (*Snapshot, error) { return v.views[p.Name()].Snapshot() }

// follow applies the log to a view, batch by batch.
func (v *Views) follow(ctx context.Context, p Projection, f *File) error {
	for {
		if v.cfg.Slow != nil {
			v.cfg.Slow()
		}

		n, after, err := v.applyNext(ctx, p, f)
		if damage := (*DamagedError)(nil); errors.As(err, &damage) {
			if err := f.sound(ctx); err != nil {
				return err
			}
			continue
		}

		if err != nil {
			return fmt.Errorf("projection %s: %w", p.Name(), err)
		}

		v.applied.WithLabelValues(p.Name()).Add(float64(n))
		v.at.WithLabelValues(p.Name()).Set(float64(after) + float64(n))

		for f.full() && f.flushIfSound() != nil { // what is held in memory is bounded: who waits is told why
			select {
			case <-time.After(flushEvery):
			case <-ctx.Done():
				return ctx.Err()
			}
		}

		if n == 0 {
			if err := v.store.Wait(ctx, after); err != nil {
				return err
			}
		}
	}
}

// applyNext applies the next batch, and gives how many events it had, beyond which position.
func (v *Views) applyNext(ctx context.Context, p Projection, f *File) (n int, after eventstore.Position, err error) {
	f.folding.Lock()
	defer f.folding.Unlock()

	after = f.Applied()
	err = Guard(func() error { n, err = f.applyBatch(ctx, v.tail.Events, p, v.store.Last()); return err })

	return n, after, err
}

// flushIfSound is Flush, of a view that is not damaged: one that is has nothing that the log does not have.
func (f *File) flushIfSound() error {
	err := f.Flush()
	if damage := (*DamagedError)(nil); errors.As(err, &damage) {
		return nil
	}

	return err
}

func (f *File) full() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()

	return f.bytes > overlayLimit && (f.frozen == nil || f.unwritten != nil)
}

func (v *Views) flushNowAndThen(ctx context.Context, f *File) error {
	t := time.NewTicker(flushEvery)
	defer t.Stop()

	scrubbed := time.Now()
	for {
		select {
		case <-t.C:
			if err := f.flushIfSound(); err != nil {
				v.unwritten.WithLabelValues(f.name()).Inc()
				continue // what is not written is applied again after a crash
			}
			if time.Since(scrubbed) > f.scrubEvery() {
				f.scrubIfSound()
				scrubbed = time.Now()
			}
		case <-ctx.Done():
			return nil
		}
	}
}
