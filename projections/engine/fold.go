package engine

import (
	"context"
	"fmt"

	"digitalpost/eventstore"
)

const (
	batchEvents = 1000 // applied before they are made visible, at most
	maxParked   = 100
)

// Fold applies the log to a view that nobody else folds, up to and including a position, and flushes it whenever its
// overlay grows beyond limit bytes; 0: never.
func (f *File) Fold(
	ctx context.Context, store eventstore.Reader, p Projection, upto eventstore.Position, limit int,
) error {
	for f.Applied() < upto {
		if _, err := f.applyBatch(ctx, Each(store), p, upto); err != nil {
			return err
		}

		if limit > 0 && f.bytes > limit {
			if err := f.Flush(); err != nil {
				return err
			}
		}
	}

	return nil
}

// applyBatch applies what follows, through upto, at most batchEvents, and makes it visible. An event that fails parks
// its stream, not the projection. The caller alone folds.
func (f *File) applyBatch(
	ctx context.Context, events Events, p Projection, upto eventstore.Position,
) (n int, err error) {
	snap, err := f.Snapshot()
	if err != nil {
		return 0, err
	}
	defer func() { snap.Close() }() // it may be closed already
	w, after := snap.writer(), snap.Position

	for rec, rerr := range events(ctx, after) {
		if err = rerr; err != nil || rec.Position > upto {
			break
		}

		if err = apply(p, w, rec); err != nil {
			break
		}
		after = rec.Position

		if n++; n == batchEvents {
			break
		}
	}

	// Before anything is locked: a flush that must grow the file waits for every reader of it.
	snap.Close()

	if n > 0 && err == nil {
		f.publish(w, after)
	}

	return n, err
}

func apply(p Projection, w *writer, rec *Entry) error {
	if !p.Wants(rec.Stream.Kind, rec.Type) || w.Get(parkedKey(rec.Stream.ID)) != nil {
		return nil
	}

	e, err := rec.Says()
	if err == nil {
		if err = p.Apply(w, rec.Event, e); err == nil {
			w.keep()
			return nil
		}
		w.drop() // an event that fails leaves nothing
	}

	parked := 0
	w.Scan(parkedPrefix, func([]byte, []byte) bool { parked++; return true })
	if parked >= maxParked {
		return fmt.Errorf("position %d: %w (and %d streams are parked already)", rec.Position, err, parked)
	}

	if parks, ok := p.(Parker); ok {
		parks.Park(w, rec.Stream.ID)
	}
	w.Put(parkedKey(rec.Stream.ID), fmt.Appendf(nil, "position %d: %v", rec.Position, err))
	w.keep() // else the next event that fails would take it back

	return nil
}

// retryParked folds the streams of parked ids again, from the first event to where the view stands; what fails again
// stays parked. It is for Owned projections: others have to be built anew.
func retryParked(ctx context.Context, store eventstore.Reader, p Projection, f *File) error {
	owned, ok := p.(Owned)
	if !ok {
		return nil
	}

	snap, err := f.Snapshot()
	if err != nil {
		return err
	}

	ids := snap.ParkedStreams()
	w := snap.writer()
	for _, id := range ids {
		if err = retryOne(ctx, store, owned, w, id); err != nil {
			break
		}
	}

	at := snap.Position
	snap.Close()

	if len(ids) > 0 && err == nil {
		f.publish(w, at)
	}

	return err
}

// retryOne folds the streams of one id into w, if none of their events fails. An error is of reading them.
func retryOne(ctx context.Context, store eventstore.Reader, p Owned, w *writer, id [16]byte) error {
	one := w.writer()
	one.Delete(parkedKey(id))

	var rows [][]byte
	w.Scan(id[:], func(k, _ []byte) bool { rows = append(rows, append([]byte{}, k...)); return true })
	for _, k := range rows {
		one.Delete(k)
	}

	for _, kind := range p.Kinds() {
		for rec, err := range store.ReadStream(ctx, eventstore.Stream{Kind: kind, ID: id}, 0) {
			if err != nil {
				return err
			}

			if rec.Position > w.Position {
				break
			}

			e, err := (&Entry{Event: rec}).Says()
			if err == nil {
				err = p.Apply(one, rec, e)
			}

			if err != nil {
				return nil // it stays parked
			}
		}
	}

	one.Put(retriedKey(id), nil)
	one.changes.Scan(func(k string, val []byte) bool { w.changes.Set(k, val); return true })
	w.bytes += one.bytes

	return nil
}
