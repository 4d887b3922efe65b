package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tidwall/btree"
	"go.etcd.io/bbolt"

	"digitalpost/eventstore"
)

var (
	bucketRows = []byte("rows")
	bucketMeta = []byte("meta")
	keyStand   = []byte("stand")
	keyTally   = []byte("tally")
)

// formatVersion is that of all views; a file of another one is built anew.
const formatVersion = 17

// A layer is changes over a file; a nil value is a deletion.
type layer = btree.Map[string, []byte]

// A Log says whose events a view is made of. A file of another log or incarnation is emptied.
type Log struct {
	ID          [16]byte
	Incarnation uint64
}

// A File is one view: file, overlay and what they stand at. Any number of goroutines may read it; folding and flushing
// take turns by themselves. Locks are taken in the order folding, flushing, mu.
type File struct {
	db     *bbolt.DB
	log    Log
	path   string
	broken chan struct{} // the file was found to be damaged

	reading bool // it is read alone, and not put aside if it is damaged

	folding  sync.Mutex // held while a batch is applied; before flushing
	flushing sync.Mutex // held while the overlay is written: one flush at a time

	mu       sync.RWMutex        // guards what follows
	over     *layer              // changes since the last flush began
	frozen   *layer              // changes that are being flushed; nil if none are
	frozenAt eventstore.Position // what the view stands at with them
	failed   error               // why the view follows no more

	unwritten error // why the last flush failed: it is tried again
	damage    error // why nothing is read from it until it is built anew
	bytes     int
	applied   eventstore.Position // of the overlay
	flushed   eventstore.Position // of the file
	moved     chan struct{}       // closed when applied grows
}

// stand is the checkpoint: log id, incarnation, format version, position, and a checksum of them.
func (l Log) stand(p eventstore.Position) []byte {
	b := append([]byte{}, l.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, l.Incarnation)
	b = binary.BigEndian.AppendUint64(b, formatVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(p))

	return append(b, sum(keyStand, b)...)
}

// standOf reads a checkpoint; false if it is none, or was damaged: then it says nothing.
func standOf(b []byte) (l Log, format uint64, p eventstore.Position, ok bool) {
	const length = 40
	if len(b) != length+sumLength || !bytes.Equal(b[length:], sum(keyStand, b[:length])) {
		return l, 0, 0, false
	}
	l = Log{ID: [16]byte(b[:16]), Incarnation: binary.BigEndian.Uint64(b[16:])}

	return l, binary.BigEndian.Uint64(b[24:]), eventstore.Position(binary.BigEndian.Uint64(b[32:])), true
}

// standIn reads the checkpoint of a file; false if it has none, or it was damaged.
func standIn(db *bbolt.DB) (l Log, format uint64, p eventstore.Position, ok bool) {
	err := db.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(bucketMeta); meta != nil {
			l, format, p, ok = standOf(meta.Get(keyStand))
		}

		return nil
	})

	return l, format, p, ok && err == nil
}

// OpenFile opens a view's file for a log that ends at a position. One of another log, incarnation or format, or beyond
// the log's end, is emptied.
func OpenFile(path string, l Log, last eventstore.Position) (*File, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: time.Second, InitialMmapSize: 1 << 30, FreelistType: bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, fmt.Errorf("open view %s: %w", path, err)
	}

	v := &File{
		db: db, log: l, path: path, broken: make(chan struct{}, 1), over: &layer{}, moved: make(chan struct{}),
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(bucketMeta)
		if err != nil {
			return err
		}

		of, format, p, ok := standOf(meta.Get(keyStand))
		if ok && of == l && format == formatVersion && p <= last {
			v.flushed = p
		}

		if v.flushed == 0 {
			if err := meta.Delete(keyTally); err != nil {
				return err
			}
		}
		if v.flushed == 0 && tx.Bucket(bucketRows) != nil {
			if err := tx.DeleteBucket(bucketRows); err != nil {
				return err
			}
		}
		_, err = tx.CreateBucketIfNotExists(bucketRows)

		return err
	})
	v.applied = v.flushed

	if err != nil {
		return nil, errors.Join(err, db.Close())
	}

	return v, nil
}

// Close closes the file as it is: what was not flushed is applied again when it is opened. It waits for snapshots.
func (v *File) Close() error { return v.db.Close() }

// Applied gives the position that readers see.
func (v *File) Applied() eventstore.Position {
	v.mu.RLock()
	defer v.mu.RUnlock()

	return v.applied
}

// Flushed gives the position that the file was last written at.
func (v *File) Flushed() eventstore.Position {
	v.mu.RLock()
	defer v.mu.RUnlock()

	return v.flushed
}

// Flush writes the overlay in key order, with the checkpoint, in one fsynced transaction. A crash before it ends leaves
// the rows and the checkpoint of the last one. Readers and folding go on meanwhile: they see the overlay that is being
// written as a layer of its own.
func (v *File) Flush() error {
	v.flushing.Lock()
	defer v.flushing.Unlock()

	v.mu.Lock()
	if v.damage != nil {
		defer v.mu.Unlock()
		return v.damage
	}

	if v.frozen == nil { // else an earlier flush failed: it is done again first
		if v.over.Len() == 0 && v.applied == v.flushed {
			v.mu.Unlock()
			return nil
		}
		v.frozen, v.frozenAt, v.over, v.bytes = v.over, v.applied, &layer{}, 0
	}
	frozen, at := v.frozen, v.frozenAt
	v.mu.Unlock()

	if err := v.write(frozen, at); err != nil {
		err = fmt.Errorf("flush view: %w", err)
		v.mu.Lock()
		v.unwritten = err
		v.tellWaiting()
		v.mu.Unlock()

		return err
	}

	// Only now may the layer go: until the transaction is there, readers find its rows nowhere else.
	v.mu.Lock()
	v.frozen, v.flushed, v.unwritten = nil, at, nil
	v.mu.Unlock()

	return nil
}

// write writes a layer with the checkpoint. That the file's pages are damaged is a *DamagedError.
func (v *File) write(frozen *layer, at eventstore.Position) (err error) {
	defer func() {
		if r := recover(); r != nil {
			damage := &DamagedError{View: v.name(), Place: fmt.Sprint(r)}
			v.damaged(damage)
			err = damage
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))

	return v.db.Update(func(tx *bbolt.Tx) error {
		rows, meta := tx.Bucket(bucketRows), tx.Bucket(bucketMeta)
		tally, failed := tallyOf(meta.Get(keyTally))
		frozen.Scan(func(k string, val []byte) bool {
			if failed != nil {
				return false
			}
			tally.change(rows.Get([]byte(k)), val, []byte(k))
			if val == nil {
				failed = rows.Delete([]byte(k))
			} else {
				failed = rows.Put([]byte(k), append(val[:len(val):len(val)], sum([]byte(k), val)...))
			}
			return failed == nil
		})

		return errors.Join(failed, meta.Put(keyTally, tally.bytes()), meta.Put(keyStand, v.log.stand(at)))
	})
}

// publish makes a batch's changes and its position visible, together.
func (v *File) publish(w *writer, p eventstore.Position) {
	v.mu.Lock()
	w.changes.Scan(func(k string, val []byte) bool { v.over.Set(k, val); return true })
	v.bytes += w.bytes
	v.applied = p
	v.tellWaiting()
	v.mu.Unlock()
}

// tellWaiting has those who wait look again. The caller holds mu.
func (v *File) tellWaiting() {
	close(v.moved)
	v.moved = make(chan struct{})
}

// Wait returns once the view has position p.
func (v *File) Wait(ctx context.Context, p eventstore.Position) error {
	for {
		v.mu.RLock()
		at, moved, failed := v.applied, v.moved, v.failed
		if failed == nil && v.bytes > overlayLimit {
			failed = v.unwritten // it follows again once it can be written
		}
		v.mu.RUnlock()

		if at >= p {
			return nil
		}

		if failed != nil {
			return failed
		}

		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fail makes those who wait for the view know that it follows no more.
func (v *File) fail(err error) {
	v.mu.Lock()
	v.failed = errors.Join(v.failed, err)
	v.tellWaiting()
	v.mu.Unlock()
}

// Peek reads a view file's checkpoint without opening it for writing; false if it is another log's, damaged, or none.
func Peek(path string, logID [16]byte) (eventstore.Position, bool) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 20 * time.Millisecond, ReadOnly: true})
	if err != nil {
		return 0, false
	}
	defer db.Close()

	of, _, p, ok := standIn(db)

	return p, ok && of.ID == logID
}

// Known gives the highest position that a view in dir has been flushed at: it was in the log.
func Known(dir string, logID [16]byte, all []Projection) (known eventstore.Position) {
	for _, p := range all {
		path := filepath.Join(dir, p.Name()+".view")
		if _, err := os.Stat(path); err != nil {
			continue
		}

		if at, ok := Peek(path, logID); ok {
			known = max(known, at)
		}
	}

	return known
}
