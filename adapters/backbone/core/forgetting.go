package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/documents"
)

// Forgetting follows the log: the event is the intent, and what it frees is destroyed after it. The position up to
// which that is done stands in the key file, in the same transaction; on start it is caught up before anything is
// served. An answer that says that something is gone waits for it. Err and Wait may be called by many goroutines at
// once; CatchUp and then Run are called once.
type Forgetting struct {
	Config
	mu    sync.Mutex // guards what follows
	at    eventstore.Position
	moved chan struct{}
	urge  chan struct{}
	err   error

	delayed error // why nothing is forgotten just now; it is tried again
}

func newForgetting(cfg Config) *Forgetting {
	return &Forgetting{Config: cfg, moved: make(chan struct{}), urge: make(chan struct{}, 1)}
}

// Err gives why forgetting has stopped, nil while it goes on.
func (f *Forgetting) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.err
}

// lull is how long forgetting that nobody waits for may gather.
const lull = 100 * time.Millisecond

// CatchUp forgets all that the log asks for by now. It is called before anything is served, and before Run.
func (f *Forgetting) CatchUp(ctx context.Context) error {
	applied, err := f.Vault.Applied()
	if err != nil {
		return err
	}
	f.at = eventstore.Position(applied)

	return f.forget(ctx, f.Log.Last())
}

// Run follows the log until ctx ends.
func (f *Forgetting) Run(ctx context.Context) {
	for {
		err := f.Log.Wait(ctx, f.at)
		if err == nil {
			select {
			case <-f.urge:
			case <-time.After(lull):
			case <-ctx.Done():
				return
			}
			err = f.forget(ctx, f.Log.Last())
		}

		if ctx.Err() != nil {
			return
		}

		if err != nil && !passing(err) {
			f.mu.Lock()
			f.err = err
			f.mu.Unlock()
			f.Logger.Error("forgetting stopped", "error", err)

			return
		}

		if err != nil && !f.later(ctx, err) {
			return
		}
	}
}

// passing reports whether an error of the disk, or of a process that has no descriptor left, may be gone when the same
// is tried again.
func passing(err error) bool {
	for _, e := range []error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EMFILE, syscall.ENFILE,
	} {
		if errors.Is(err, e) {
			return true
		}
	}

	return false
}

// later tells those who wait why nothing is forgotten now, and waits for a while before it is tried again. It gives
// false when ctx has ended.
func (f *Forgetting) later(ctx context.Context, err error) bool {
	f.Logger.Warn("forgetting is tried again", "error", err)
	f.mu.Lock()
	f.delayed = err
	f.tell()
	f.mu.Unlock()

	select {
	case <-time.After(time.Second):
		return true
	case <-ctx.Done():
		return false
	}
}

// tell has those who wait look again. The caller holds mu.
func (f *Forgetting) tell() {
	close(f.moved)
	f.moved = make(chan struct{})
}

// freed is what a stretch of the log frees.
type freed struct {
	leaves []vault.Leaf
	roots  []vault.Owner
	docs   []domain.DocumentID
}

// forget does all that the log asks for up to position last: keys first, in one transaction, then the space of
// documents.
func (f *Forgetting) forget(ctx context.Context, last eventstore.Position) error {
	if err := f.Views.Wait(ctx, last); err != nil {
		return err
	}

	all, err := f.freedThrough(ctx, last)
	if err != nil {
		return err
	}

	// A crash before the transaction leaves keys and bytes, one after it sealed bytes without a key: the first is
	// caught up at start, the second is for the sweep.
	f.Fail("purge in the log")
	if err := f.Vault.Forget(uint64(last), all.leaves, all.roots); err != nil {
		return err
	}
	f.Fail("leaf forgotten")

	for _, d := range all.docs {
		if err := f.Documents.Free(d); err != nil {
			return err
		}
	}

	f.mu.Lock()
	f.at, f.delayed = last, nil
	f.tell()
	f.mu.Unlock()

	return nil
}

// freedThrough asks the events up to a position what they free. Documents that they don't name are found in the lasting
// map of documents: rows of the mailboxes may be gone already.
func (f *Forgetting) freedThrough(ctx context.Context, last eventstore.Position) (all freed, err error) {
	kept, err := documents.At(f.Views)
	if err != nil {
		return all, err
	}
	defer kept.Close()

	for rec, err := range f.Views.Events(ctx, f.at) {
		if err != nil {
			return all, err
		}

		if rec.Position > last {
			break
		}

		if rec.Stream.Kind == streams.Looks {
			continue
		}

		e, err := rec.Says()
		if err != nil {
			// What it asks for is not known, and would never be done: the position goes on behind it.
			return all, fmt.Errorf("position %d can't be read by this program, which may be older than the log: %w",
				rec.Position, err)
		}
		all.add(rec.Stream.ID, e.Effect().Frees, kept)
	}

	return all, nil
}

func (f *freed) add(stream [16]byte, frees domain.Freed, kept *documents.Snapshot) {
	for _, l := range frees.Leaves {
		owner := vault.Owner(stream)
		if l.Other {
			owner = vault.Owner(l.Of)
		}
		f.leaves = append(f.leaves, vault.Leaf{Owner: owner, Leaf: l.Leaf})
	}

	for _, r := range frees.Roots {
		f.roots = append(f.roots, vault.Owner(r))
	}

	f.docs = append(f.docs, frees.Documents...)
	for _, m := range frees.Received {
		if d, ok := kept.Received(m); ok {
			f.docs = append(f.docs, d)
		}
	}

	if frees.All {
		f.roots = append(f.roots, vault.Owner(stream))
		f.docs = append(f.docs, kept.Under(stream)...)
	}
}

// Wait returns once all that the log asks for up to p is forgotten.
func (f *Forgetting) Wait(ctx context.Context, p eventstore.Position) error {
	for {
		f.mu.Lock()
		at, moved, err := f.at, f.moved, errors.Join(f.err, f.delayed)
		f.mu.Unlock()

		if at >= p {
			return nil
		}

		if err != nil {
			return err
		}

		select {
		case f.urge <- struct{}{}:
		default:
		}

		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// RunSweep sweeps once an hour, until ctx ends.
func (f *Forgetting) RunSweep(ctx context.Context) {
	for {
		freed, err := f.Sweep(f.Now())
		switch {
		case errors.Is(err, ErrParked):
			f.Logger.Warn("documents are not swept", "error", err)
		case err != nil:
			f.Logger.Error("sweep of documents", "error", err)
		case freed > 0:
			f.Logger.Info("sweep of documents", "freed", freed)
		}

		select {
		case <-time.After(time.Hour):
		case <-ctx.Done():
			return
		}
	}
}

// Sweep frees documents that no event names and that are older than an hour: what a crash between document and event
// left. It gives how many. While a stream is parked it frees none, and gives ErrParked: what that names is not known.
func (f *Forgetting) Sweep(now time.Time) (freed int, err error) {
	parked, err := f.Views.Parked()
	if err != nil {
		return 0, err
	}

	if parked > 0 {
		return 0, fmt.Errorf("%w: %d of them", ErrParked, parked)
	}

	return f.Documents.Sweep(now, func(d domain.DocumentID) (bool, error) {
		s, err := documents.At(f.Views)
		if err != nil {
			return true, err
		}
		defer s.Close()

		return s.Named(d), nil
	})
}
