package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"digitalpost/eventstore"
)

const (
	batchEvents  = 1000 // applied before they are made visible, at most
	flushEvery   = time.Second
	overlayLimit = 64 << 20 // bytes that make a flush due before its time
	maxParked    = 100
)

// A Config says how views are opened.
type Config struct {
	Dir         string
	LogID       [16]byte
	Incarnation uint64
	Registerer  prometheus.Registerer // nil: no metrics
	// Slow, if not nil, is called before each batch is applied; tests hold views back with it.
	Slow func()
}

// Views are all projections' views, followed live. Open starts them and Close ends them.
type Views struct {
	cfg    Config
	store  eventstore.Reader
	views  map[string]*viewFile
	ctx    context.Context // until Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	rebuilding sync.Mutex // guards closed, and is held by a rebuild
	closed     bool

	ready   atomic.Bool
	applied *prometheus.CounterVec
	at      *prometheus.GaugeVec

	mu     sync.Mutex // guards failed
	failed error
}

// Known gives the highest position that a view file in dir has been flushed at: it was in the log.
func Known(dir string, logID [16]byte) eventstore.Position {
	var known eventstore.Position
	for _, p := range All() {
		path := filepath.Join(dir, p.Name()+".view")
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if at, ok := peek(path, logID); ok {
			known = max(known, at)
		}
	}
	return known
}

// Open opens every view and follows the log with it, from its checkpoint.
func Open(store eventstore.Reader, cfg Config) (*Views, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	v := &Views{cfg: cfg, store: store, views: map[string]*viewFile{},
		applied: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "digitalpost_projection_applied_total", Help: "Events applied since start."}, []string{"projection"}),
		at:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "digitalpost_projection_position", Help: "Position that the view stands at."}, []string{"projection"}),
	}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(v.applied, v.at)
	}
	ctx, cancel := context.WithCancel(context.Background())
	v.ctx, v.cancel = ctx, cancel
	start := store.Last()
	for _, p := range All() {
		path := filepath.Join(cfg.Dir, p.Name()+".view")
		if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) { // of a rebuild that ended half-way
			return nil, errors.Join(err, v.Close())
		}
		f, err := openView(path, cfg.LogID, cfg.Incarnation, start)
		if err != nil {
			return nil, errors.Join(err, v.Close())
		}
		v.views[p.Name()] = f
		if err := retryParked(ctx, store, p, f); err != nil {
			return nil, errors.Join(err, v.Close())
		}
		v.wg.Add(2)
		go func() { defer v.wg.Done(); v.stop(f, v.follow(ctx, p, f)) }()
		go func() { defer v.wg.Done(); v.stop(f, v.flushNowAndThen(ctx, f)) }()
	}
	v.wg.Add(1)
	go func() {
		defer v.wg.Done()
		if v.Wait(ctx, start) == nil {
			v.ready.Store(true)
		}
	}()
	return v, nil
}

// Ready tells whether the views have caught up with the log as it was at start, and none has failed.
func (v *Views) Ready() bool { return v.ready.Load() && v.Err() == nil }

// Err tells why a view has stopped, nil while all follow.
func (v *Views) Err() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failed
}

func (v *Views) stop(f *viewFile, err error) {
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
		errs = append(errs, f.flush(v.cfg.LogID, v.cfg.Incarnation), f.flush(v.cfg.LogID, v.cfg.Incarnation), f.db.Close())
	}
	return errors.Join(errs...)
}

// Wait returns once every view has position p.
func (v *Views) Wait(ctx context.Context, p eventstore.Position) error {
	for _, f := range v.views {
		if err := f.wait(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// Snapshot gives a view as it stands.
func (v *Views) Snapshot(p Projection) (*Snapshot, error) { return v.views[p.Name()].snapshot() }

// follow applies the log to a view, batch by batch.
func (v *Views) follow(ctx context.Context, p Projection, f *viewFile) error {
	for {
		if v.cfg.Slow != nil {
			v.cfg.Slow()
		}
		f.folding.Lock()
		after := f.at()
		n, err := applyBatch(ctx, v.store, p, f, after, v.store.Last())
		f.folding.Unlock()
		if err != nil {
			return fmt.Errorf("projection %s: %w", p.Name(), err)
		}
		v.applied.WithLabelValues(p.Name()).Add(float64(n))
		v.at.WithLabelValues(p.Name()).Set(float64(after) + float64(n))
		if f.full() {
			if err := f.flush(v.cfg.LogID, v.cfg.Incarnation); err != nil {
				return err
			}
		}
		if n == 0 {
			if err := v.store.Wait(ctx, after); err != nil {
				return err
			}
		}
	}
}

func (f *viewFile) at() eventstore.Position {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.applied
}

func (f *viewFile) full() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.bytes > overlayLimit && f.frozen == nil
}

func (v *Views) flushNowAndThen(ctx context.Context, f *viewFile) error {
	t := time.NewTicker(flushEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := f.flush(v.cfg.LogID, v.cfg.Incarnation); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// parkedKey is the row that says that an owner's events are not applied any more. It sorts behind all owners.
func parkedKey(id [16]byte) []byte { return append([]byte{0xFF, 'p'}, id[:]...) }

// Parked tells whether an event of a mailbox could not be applied, so that what the view has of it is old.
func (s *Snapshot) Parked(id [16]byte) bool { return s.Get(parkedKey(id)) != nil }

// applyBatch applies what follows after, through upto, at most batchEvents, and makes it visible. An event that fails parks its stream's owner, not the projection.
func applyBatch(ctx context.Context, store eventstore.Reader, p Projection, f *viewFile, after, upto eventstore.Position) (int, error) {
	snap, err := f.snapshot()
	if err != nil {
		return 0, err
	}
	open := true
	defer func() {
		if open {
			snap.Close()
		}
	}()
	w := snap.writer()
	n := 0
	for rec, err := range store.ReadAll(ctx, after) {
		if err != nil {
			return n, err
		}
		if rec.Position > upto {
			break
		}
		if err := apply(p, w, rec); err != nil {
			return n, err
		}
		after = rec.Position
		if n++; n == batchEvents {
			break
		}
	}
	// Before anything is locked: a flush that must grow the file waits for every reader of it.
	open = false
	snap.Close()
	if n > 0 {
		f.publish(w, after)
	}
	return n, nil
}

// retryParked applies the streams of parked owners again, from the first event to where the view stands; what fails again stays parked. It is for
// projections whose keys begin with the owner's id: others would have to be built anew.
func retryParked(ctx context.Context, store eventstore.Reader, p Projection, f *viewFile) error {
	if _, own := p.(Mailboxes); !own {
		return nil
	}
	snap, err := f.snapshot()
	if err != nil {
		return err
	}
	var owners [][16]byte
	snap.Scan([]byte{0xFF, 'p'}, func(k, _ []byte) bool { owners = append(owners, [16]byte(k[2:])); return true })
	w := snap.writer()
	for _, id := range owners {
		one := w.writer()
		one.Delete(parkedKey(id))
		var rows [][]byte
		w.Scan(id[:], func(k, _ []byte) bool { rows = append(rows, append([]byte{}, k...)); return true })
		for _, k := range rows {
			one.Delete(k)
		}
		var failed error
		for _, kind := range []eventstore.Kind{"mailbox", "looks"} {
			for rec, err := range store.ReadStream(ctx, eventstore.Stream{Kind: kind, ID: id}, 0) {
				if err != nil {
					snap.Close()
					return err
				}
				e, err := Decode(rec)
				if rec.Position > snap.Position || failed != nil {
					break
				}
				if failed = err; err == nil {
					failed = p.Apply(one, rec, e)
				}
			}
		}
		if failed == nil {
			one.changes.Scan(func(k string, val []byte) bool { w.changes.Set(k, val); return true })
			w.bytes += one.bytes
		}
	}
	at := snap.Position
	snap.Close()
	if len(owners) > 0 {
		f.publish(w, at)
	}
	return nil
}

func apply(p Projection, w *writer, rec eventstore.Event) error {
	if w.Get(parkedKey(rec.Stream.ID)) != nil {
		return nil
	}
	e, err := Decode(rec)
	if err == nil {
		if err = p.Apply(w, rec, e); err == nil {
			w.keep()
			return nil
		}
		w.drop() // an event that fails leaves nothing
	}
	parked := 0
	w.Scan([]byte{0xFF, 'p'}, func([]byte, []byte) bool { parked++; return true })
	if parked >= maxParked {
		return fmt.Errorf("position %d: %w (and %d streams are parked already)", rec.Position, err, parked)
	}
	w.Put(parkedKey(rec.Stream.ID), []byte(fmt.Sprintf("position %d: %v", rec.Position, err)))
	w.keep() // else the next event that fails would take it back
	return nil
}
