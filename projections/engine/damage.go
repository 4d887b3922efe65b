package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"runtime/debug"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"digitalpost/eventstore"
)

// A DamagedError says that a view's file is not what was written to it. The view is built anew from the log; until then
// nothing is read from it.
type DamagedError struct{ View, Place string }

func (e *DamagedError) Error() string { return fmt.Sprintf("view %s is damaged: %s", e.View, e.Place) }

// Guard runs fn. That fn came upon a damaged view is given as its error: a *DamagedError, which reading a snapshot
// panics with, since none of its readers can go on. Every goroutine that reads snapshots has a Guard somewhere above.
func Guard(fn func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *DamagedError:
			err = r
		default:
			panic(r)
		}
	}()

	return fn()
}

const sumLength = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of a row: of its key and its value.
func sum(key, val []byte) []byte {
	s := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, val)
	return binary.BigEndian.AppendUint32(nil, s)
}

// checked gives a stored row's value, once its checksum is right.
func (s *Snapshot) checked(key, stored []byte) []byte {
	n := len(stored) - sumLength
	if n < 0 || !bytes.Equal(stored[n:], sum(key, stored[:n])) {
		s.damaged("a row's checksum is wrong")
	}

	return stored[:n:n]
}

// damaged ends whatever reads the snapshot.
func (s *Snapshot) damaged(place string) {
	err := &DamagedError{View: s.file.name(), Place: place}
	s.file.damaged(err)
	panic(err)
}

// fault makes what the file's pages do to whoever reads them (a page of no known kind, a place beyond the file) damage
// like any other. It is deferred around each step in the file.
func (s *Snapshot) fault() {
	switch r := recover().(type) {
	case nil:
	case *DamagedError:
		panic(r)
	default:
		s.damaged(fmt.Sprint(r))
	}
}

// stored gives a row of the file; nil if there is none. Where there is none its neighbours are looked at: a row whose
// key was damaged lies between them.
func (s *Snapshot) stored(key []byte) []byte {
	defer s.fault()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))

	c := s.rows.Cursor()
	k, val := c.Seek(key)
	if k != nil && bytes.Equal(k, key) {
		return s.checked(k, val)
	}

	before := c.Prev
	if k == nil {
		before = c.Last
	} else {
		s.checked(k, val)
	}
	if k, val = before(); k != nil {
		s.checked(k, val)
	}

	return nil
}

// steps gives a way through the file's rows by a cursor's steps, in which each row is checked, and that keys only go
// up, or down.
func (s *Snapshot) steps(back bool) func(step func() (k, val []byte)) (k, val []byte) {
	var last []byte

	return func(step func() (k, val []byte)) (k, val []byte) {
		defer s.fault()
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))

		k, val = step()
		if k == nil {
			return nil, nil
		}

		if c := bytes.Compare(k, last); last != nil && (c == 0 || back == (c > 0)) {
			s.damaged("rows are out of order")
		}
		val = s.checked(k, val)
		last = k

		return k, val
	}
}

func (v *File) name() string { return v.path }

// begin begins to read the file. The page that says where everything lies has a second, older copy, which bbolt takes
// where the newer one is damaged: what the file then stands at is older than what was flushed. The lock is held.
func (v *File) begin() (tx *bbolt.Tx, err error) {
	defer func() {
		if r := recover(); r != nil { // both are damaged
			damage := &DamagedError{View: v.name(), Place: fmt.Sprint(r)}
			v.setAside(damage)
			err = damage
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))

	if tx, err = v.db.Begin(false); err != nil {
		return nil, err
	}

	if meta := tx.Bucket(bucketMeta); meta != nil && tx.Bucket(bucketRows) != nil {
		if _, _, at, ok := standOf(meta.Get(keyStand)); ok && at >= v.flushed || v.flushed == 0 {
			return tx, nil
		}
	}

	damage := &DamagedError{View: v.name(), Place: "it stands at an earlier position than it was written at"}
	v.setAside(damage)

	return nil, errors.Join(damage, tx.Rollback())
}

// damaged notes that the file is not to be read any more.
func (v *File) damaged(err *DamagedError) {
	v.mu.Lock()
	defer v.mu.Unlock()

	v.setAside(err)
}

// setAside notes that the file is not to be read any more, and gives it another name, so that it is not opened again
// either. The lock is held.
func (v *File) setAside(err *DamagedError) {
	if v.damage != nil {
		return
	}
	v.damage = err
	if !v.reading {
		_ = os.Rename(v.path, v.path+damagedEnd) // if that fails, it is found again
	}

	select {
	case v.broken <- struct{}{}:
	default:
	}
}

// sound returns once the view is not damaged, or is mended.
func (v *File) sound(ctx context.Context) error {
	for {
		v.mu.RLock()
		damage, moved := v.damage, v.moved
		v.mu.RUnlock()

		if damage == nil {
			return nil
		}

		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// mend waits for damage to a view, and builds the view anew beside those who wait for it, until ctx ends.
func (v *Views) mend(ctx context.Context, p Projection, f *File) error {
	for {
		select {
		case <-f.broken:
		case <-ctx.Done():
			return nil
		}

		v.damagedTotal.WithLabelValues(p.Name()).Inc()
		if err := v.buildAnew(ctx, p, f); err != nil {
			return fmt.Errorf("view %s is damaged, and can't be built anew: %w", p.Name(), err)
		}
	}
}

// buildAnew puts a view that is made from the log's first event in the place of a damaged one.
func (v *Views) buildAnew(ctx context.Context, p Projection, f *File) error {
	v.rebuilding.Lock()
	defer v.rebuilding.Unlock()

	if v.closed {
		return eventstore.ErrClosed
	}

	path := v.path(p)
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	anew, err := OpenFile(path+".new", v.cfg.Log, v.store.Last())
	if err != nil {
		return err
	}

	f.folding.Lock()
	defer f.folding.Unlock()
	for anew.Applied() < max(f.Applied(), v.store.Last()) && err == nil {
		err = anew.Fold(ctx, v.store, p, max(f.Applied(), v.store.Last()), rebuildLimit)
	}
	if err == nil {
		err = anew.Flush()
	}
	if err != nil {
		return errors.Join(err, anew.Close(), os.Remove(path+".new"))
	}

	before := f.db
	if _, err := f.become(anew, path); err != nil {
		return err
	}
	go before.Close() // once all who read it have seen that it is damaged

	return nil
}

// damagedEnd is what the name of a file ends with that was put aside.
const damagedEnd = ".damaged"

// openSound opens a view's file, and puts one aside that is no view any more: it is made from the log's first event.
func openSound(path string, l Log, last eventstore.Position) (*File, error) {
	var f *File
	err := Guard(func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				panic(&DamagedError{View: path, Place: fmt.Sprint(r)})
			}
		}()
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		if f, err = OpenFile(path, l, last); err != nil {
			return err
		}
		if err := f.scrub(); err != nil {
			return errors.Join(err, f.Close())
		}

		return nil
	})

	var damage *DamagedError
	if !errors.As(err, &damage) && !errors.Is(err, berrors.ErrChecksum) && !errors.Is(err, berrors.ErrInvalid) &&
		!errors.Is(err, berrors.ErrVersionMismatch) {
		return f, err
	}

	if err := os.Rename(path, path+damagedEnd); err != nil {
		return nil, err
	}

	return OpenFile(path, l, last)
}
