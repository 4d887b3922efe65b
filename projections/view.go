package projections

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
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
)

// formatVersion is that of all views; a file of another one is built anew.
const formatVersion = 10

// A layer is changes over a file; a nil value is a deletion.
type layer = btree.Map[string, []byte]

// A viewFile is one view: file, overlay and what they stand at.
type viewFile struct {
	db *bbolt.DB

	folding  sync.Mutex // held while a batch is applied; before flushing
	flushing sync.Mutex // held while the overlay is written: one flush at a time

	mu       sync.RWMutex        // guards what follows
	over     *layer              // changes since the last flush began
	frozen   *layer              // changes that are being flushed; nil if none are
	frozenAt eventstore.Position // what the view stands at with them
	failed   error               // why the view follows no more
	bytes    int
	applied  eventstore.Position // of the overlay
	flushed  eventstore.Position // of the file
	moved    chan struct{}       // closed when applied grows
}

// stand is the checkpoint: log id, incarnation, position, format version.
func stand(logID [16]byte, incarnation uint64, p eventstore.Position) []byte {
	b := append([]byte{}, logID[:]...)
	b = binary.BigEndian.AppendUint64(b, incarnation)
	b = binary.BigEndian.AppendUint64(b, formatVersion)
	return binary.BigEndian.AppendUint64(b, uint64(p))
}

// openView opens a view's file. One of another log, incarnation or format, or beyond the log's end, is emptied.
func openView(path string, logID [16]byte, incarnation uint64, last eventstore.Position) (*viewFile, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, InitialMmapSize: 1 << 30, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, fmt.Errorf("open view %s: %w", path, err)
	}
	v := &viewFile{db: db, over: &layer{}, moved: make(chan struct{})}
	err = db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(bucketMeta)
		if err != nil {
			return err
		}
		b := meta.Get(keyStand)
		if len(b) == 40 && bytes.Equal(b[:32], stand(logID, incarnation, 0)[:32]) {
			if p := eventstore.Position(binary.BigEndian.Uint64(b[32:])); p <= last {
				v.flushed = p
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

// flush writes the overlay in key order, with the checkpoint, in one transaction.
func (v *viewFile) flush(logID [16]byte, incarnation uint64) error {
	v.flushing.Lock()
	defer v.flushing.Unlock()
	v.mu.Lock()
	if v.frozen == nil { // else an earlier flush failed: it is done again first
		if v.over.Len() == 0 && v.applied == v.flushed {
			v.mu.Unlock()
			return nil
		}
		v.frozen, v.frozenAt, v.over, v.bytes = v.over, v.applied, &layer{}, 0
	}
	frozen, at := v.frozen, v.frozenAt
	v.mu.Unlock()
	err := v.db.Update(func(tx *bbolt.Tx) error {
		rows := tx.Bucket(bucketRows)
		var failed error
		frozen.Scan(func(k string, val []byte) bool {
			if val == nil {
				failed = rows.Delete([]byte(k))
			} else {
				failed = rows.Put([]byte(k), val)
			}
			return failed == nil
		})
		return errors.Join(failed, tx.Bucket(bucketMeta).Put(keyStand, stand(logID, incarnation, at)))
	})
	if err != nil {
		return fmt.Errorf("flush view: %w", err)
	}
	v.mu.Lock()
	v.frozen, v.flushed = nil, at
	v.mu.Unlock()
	return nil
}

// A Snapshot is a view as it stood at one position. Close lets go of it.
type Snapshot struct {
	Position eventstore.Position
	layers   []*layer // newest first
	tx       *bbolt.Tx
	rows     *bbolt.Bucket
}

func (v *viewFile) snapshot() (*Snapshot, error) {
	v.mu.Lock() // Copy marks the tree shared, so it is a write
	defer v.mu.Unlock()
	tx, err := v.db.Begin(false)
	if err != nil {
		return nil, err
	}
	layers := []*layer{v.over.Copy()}
	if v.frozen != nil {
		layers = append(layers, v.frozen)
	}
	return &Snapshot{Position: v.applied, layers: layers, tx: tx, rows: tx.Bucket(bucketRows)}, nil
}

// Close lets go of the snapshot.
func (s *Snapshot) Close() { s.tx.Rollback() }

// Get gives a row, nil if there is none. It is not to be changed, nor kept beyond Close.
func (s *Snapshot) Get(key []byte) []byte {
	for _, l := range s.layers {
		if val, ok := l.Get(string(key)); ok {
			return val
		}
	}
	return s.rows.Get(key)
}

// Scan calls fn for the rows whose keys begin with prefix, in key order, until it returns false.
func (s *Snapshot) Scan(prefix []byte, fn func(key, value []byte) bool) {
	s.scan(prefix, prefix, false, fn)
}

// ScanBack is Scan in the opposite order, from the last key before end on; which begins with prefix; nil: from the last that does.
func (s *Snapshot) ScanBack(prefix, end []byte, fn func(key, value []byte) bool) {
	if end == nil {
		end = successor(prefix)
	}
	s.scan(prefix, end, true, fn)
}

// successor gives the least key that is greater than all that begin with prefix; nil if there is none.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xFF {
			out := append([]byte{}, prefix[:i+1]...)
			out[i]++
			return out
		}
	}
	return nil
}

// A source is one layer of a scan, or the file.
type source struct {
	key  []byte
	val  []byte
	next func() ([]byte, []byte)
}

func layerSource(l *layer, from []byte, back bool) *source {
	it := l.Iter()
	at := func(ok bool) ([]byte, []byte) {
		if !ok {
			return nil, nil
		}
		return []byte(it.Key()), it.Value()
	}
	if !back {
		src := &source{next: func() ([]byte, []byte) { return at(it.Next()) }}
		src.key, src.val = at(it.Seek(string(from)))
		return src
	}
	src := &source{next: func() ([]byte, []byte) { return at(it.Prev()) }}
	if from != nil && it.Seek(string(from)) {
		src.key, src.val = at(it.Prev())
	} else {
		src.key, src.val = at(it.Last())
	}
	return src
}

func fileSource(b *bbolt.Bucket, from []byte, back bool) *source {
	c := b.Cursor()
	if !back {
		src := &source{next: c.Next}
		src.key, src.val = c.Seek(from)
		return src
	}
	src := &source{next: c.Prev}
	if k, _ := c.Seek(from); from != nil && k != nil {
		src.key, src.val = c.Prev()
	} else {
		src.key, src.val = c.Last()
	}
	return src
}

// scan merges layers and file, from a key on: forwards from the first that is not before it, backwards from the last that is.
func (s *Snapshot) scan(prefix, from []byte, back bool, fn func(key, value []byte) bool) {
	var sources []*source
	for _, l := range s.layers {
		sources = append(sources, layerSource(l, from, back))
	}
	sources = append(sources, fileSource(s.rows, from, back))
	for {
		var best, val []byte
		for _, src := range sources { // the first source that has the nearest key is the newest
			if src.key == nil {
				continue
			}
			if c := bytes.Compare(src.key, best); best == nil || !back && c < 0 || back && c > 0 {
				best, val = src.key, src.val
			}
		}
		if best == nil || !bytes.HasPrefix(best, prefix) {
			return
		}
		for _, src := range sources {
			if bytes.Equal(src.key, best) {
				src.key, src.val = src.next()
			}
		}
		if val != nil && !fn(best, val) {
			return
		}
	}
}

// A writer is the View that a projection applies events to: changes of its own, the newest layer, over a snapshot.
type writer struct {
	*Snapshot
	changes *layer
	bytes   int
	undo    []undo // what the event that is being applied has changed in changes
}

// An undo is what stood in a writer's changes before.
type undo struct {
	key string
	val []byte
	had bool
}

// keep makes what was applied since the last keep part of the writer.
func (w *writer) keep() { w.undo = w.undo[:0] }

// drop takes back what was applied since the last keep.
func (w *writer) drop() {
	for i := len(w.undo) - 1; i >= 0; i-- {
		if u := w.undo[i]; u.had {
			w.changes.Set(u.key, u.val)
		} else {
			w.changes.Delete(u.key)
		}
	}
	w.keep()
}

func (w *writer) set(key string, val []byte) {
	old, had := w.changes.Set(key, val)
	w.undo = append(w.undo, undo{key, old, had})
	w.bytes += len(key) + len(val) + 64
}

func (s *Snapshot) writer() *writer {
	l := &layer{}
	return &writer{changes: l, Snapshot: &Snapshot{Position: s.Position, layers: append([]*layer{l}, s.layers...), tx: s.tx, rows: s.rows}}
}

func (w *writer) Put(key, value []byte) { w.set(string(key), append([]byte{}, value...)) }

func (w *writer) Delete(key []byte) { w.set(string(key), nil) }

// publish makes a batch's changes and its position visible, together.
func (v *viewFile) publish(w *writer, p eventstore.Position) {
	v.mu.Lock()
	w.changes.Scan(func(k string, val []byte) bool { v.over.Set(k, val); return true })
	v.bytes += w.bytes
	v.applied = p
	close(v.moved)
	v.moved = make(chan struct{})
	v.mu.Unlock()
}

func (v *viewFile) wait(ctx context.Context, p eventstore.Position) error {
	for {
		v.mu.RLock()
		at, moved, failed := v.applied, v.moved, v.failed
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
func (v *viewFile) fail(err error) {
	v.mu.Lock()
	v.failed = errors.Join(v.failed, err)
	close(v.moved)
	v.moved = make(chan struct{})
	v.mu.Unlock()
}
