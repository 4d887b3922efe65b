package engine

import (
	"bytes"
	"slices"

	"go.etcd.io/bbolt"

	"digitalpost/eventstore"
)

// A Snapshot is a view as it stood at one position. Close lets go of it.
type Snapshot struct {
	Position eventstore.Position
	layers   []*layer // newest first
	file     *File
	tx       *bbolt.Tx
	rows     *bbolt.Bucket
}

// Snapshot gives the view as it stands; a *DamagedError while it is being built anew. Reading it panics with a
// *DamagedError where the file is not what was written: see Guard.
func (v *File) Snapshot() (*Snapshot, error) {
	v.mu.Lock() // Copy marks the tree shared, so it is a write
	defer v.mu.Unlock()

	if v.damage != nil {
		return nil, v.damage
	}

	tx, err := v.begin()
	if err != nil {
		return nil, err
	}

	layers := []*layer{v.over.Copy()}
	if v.frozen != nil {
		layers = append(layers, v.frozen)
	}

	return &Snapshot{Position: v.applied, layers: layers, file: v, tx: tx, rows: tx.Bucket(bucketRows)}, nil
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

	return s.stored(key)
}

// Scan calls fn for the rows whose keys begin with prefix, in key order, until it returns false.
func (s *Snapshot) Scan(prefix []byte, fn func(key, value []byte) bool) {
	s.scan(prefix, prefix, false, fn)
}

// ScanFrom is Scan, from the first key that is not before from on; which begins with prefix.
func (s *Snapshot) ScanFrom(prefix, from []byte, fn func(key, value []byte) bool) {
	s.scan(prefix, from, false, fn)
}

// ScanBack is Scan in the opposite order, from the last key before end on; which begins with prefix; nil: from the last
// that does.
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

func (s *Snapshot) fileSource(from []byte, back bool) *source {
	c := s.rows.Cursor()
	read := s.steps(back)
	seek := func() (k, val []byte) { return c.Seek(from) }
	if !back {
		src := &source{next: func() ([]byte, []byte) { return read(c.Next) }}
		src.key, src.val = read(seek)

		return src
	}

	src := &source{next: func() ([]byte, []byte) { return read(c.Prev) }}
	first := c.Last
	if from != nil {
		if k, _ := s.steps(false)(seek); k != nil {
			first = c.Prev
		}
	}
	src.key, src.val = read(first)

	return src
}

// scan merges layers and file, from a key on: forwards from the first that is not before it, backwards from the last
// that is.
func (s *Snapshot) scan(prefix, from []byte, back bool, fn func(key, value []byte) bool) {
	var sources []*source
	for _, l := range s.layers {
		sources = append(sources, layerSource(l, from, back))
	}
	sources = append(sources, s.fileSource(from, back))

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

// parkedKey is the row that says that a stream's events are not applied any more. It sorts behind all streams' rows.
func parkedKey(id [16]byte) []byte { return slices.Concat(parkedPrefix, id[:]) }

var parkedPrefix = []byte{0xFF, 'p'}

// Parked reports whether an event of a stream could not be applied, so that what the view has of it is old.
func (s *Snapshot) Parked(id [16]byte) bool { return s.Get(parkedKey(id)) != nil }

// retriedKey is the row that says that a stream was parked, and folded again since.
func retriedKey(id [16]byte) []byte { return slices.Concat(retriedPrefix, id[:]) }

var retriedPrefix = []byte{0xFF, 'r'}

// ParkedStreams gives the ids of all that are parked.
func (s *Snapshot) ParkedStreams() [][16]byte { return s.idsUnder(parkedPrefix) }

// RetriedStreams gives the ids of those that were parked, were folded again since, and of which Told was not called.
func (s *Snapshot) RetriedStreams() [][16]byte { return s.idsUnder(retriedPrefix) }

func (s *Snapshot) idsUnder(prefix []byte) (ids [][16]byte) {
	s.Scan(prefix, func(k, _ []byte) bool {
		ids = append(ids, [16]byte(k[len(prefix):]))
		return true
	})

	return ids
}

// Told notes that what follows from a stream's having been folded again is done.
func Told(v View, id [16]byte) {
	if k := retriedKey(id); v.Get(k) != nil {
		v.Delete(k)
	}
}
