package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"digitalpost/eventstore"
)

// rebuildLimit is how many bytes of rows a rebuild folds in memory before it writes them, in key order.
const rebuildLimit = 256 << 20

// A Rebuilt says what came of building a view anew. Unlike counts the rows that the living view had otherwise at
// Position, parked streams included: the rows of the log's own telling stand from now on.
type Rebuilt struct {
	View     string              `json:"view"`
	Position eventstore.Position `json:"position"` // where both were compared
	Rows     int                 `json:"rows"`
	Unlike   int                 `json:"unlike"`
	First    string              `json:"first,omitempty"` // key of the first row that was unlike, in hexadecimal
}

// Rebuild builds every view anew from the log's first event, beside the living one, which goes on meanwhile; compares
// both at one position; and puts the new one in the place of the old. One rebuild runs at a time. A crash at any step
// leaves one whole view: the new file is renamed over the old when it is on disk.
func (v *Views) Rebuild(ctx context.Context) ([]Rebuilt, error) {
	v.rebuilding.Lock()
	defer v.rebuilding.Unlock()

	if v.closed { // Close waits for a rebuild under way, and none begins after it
		return nil, eventstore.ErrClosed
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.ctx, cancel)()

	var out []Rebuilt
	for _, p := range v.cfg.Projections {
		r, err := v.rebuild(ctx, p)
		if err != nil {
			return out, fmt.Errorf("rebuild %s: %w", p.Name(), err)
		}
		out = append(out, r)
	}

	return out, nil
}

func (v *Views) rebuild(ctx context.Context, p Projection) (r Rebuilt, err error) {
	old, path := v.views[p.Name()], v.path(p)
	if err := os.Remove(path + ".new"); err != nil && !os.IsNotExist(err) {
		return r, err
	}

	anew, err := OpenFile(path+".new", v.cfg.Log, v.store.Last())
	if err != nil {
		return r, err
	}

	switched := false
	defer func() {
		if !switched {
			anew.Close()
			os.Remove(path + ".new")
		}
	}()

	if err := anew.Fold(ctx, v.store, p, v.store.Last(), rebuildLimit); err != nil {
		return r, err
	}

	if r, err = v.compareAlongside(ctx, p, old, anew); err != nil {
		return r, err
	}

	// What came meanwhile is folded and on disk before folding of the living view is held for the second time.
	if err := anew.Fold(ctx, v.store, p, v.store.Last(), rebuildLimit); err != nil {
		return r, err
	}

	if err := anew.Flush(); err != nil {
		return r, err
	}

	if err := v.alongside(ctx, p, old, anew); err != nil {
		return r, err
	}
	before := old.db
	switched, err = old.become(anew, path)
	old.folding.Unlock()

	if switched {
		err = errors.Join(err, before.Close()) // waits for those who still read it
	}

	return r, err
}

// sliceTime is how long one slice of a comparison reads: as long, nothing of the living view is flushed, and a file
// that must grow waits.
const sliceTime = 50 * time.Millisecond

// compareAlongside compares both views, slice by slice. Each slice is of one position at which both stand; the living
// view is held for the moment alone in which both are brought there.
func (v *Views) compareAlongside(ctx context.Context, p Projection, old, anew *File) (r Rebuilt, err error) {
	r = Rebuilt{View: p.Name()}
	for from := []byte{}; from != nil; {
		if from, err = v.compareSlice(ctx, p, old, anew, from, &r); err != nil {
			return r, err
		}
	}

	return r, nil
}

// compareSlice compares rows from a key on, and gives the key where it stopped; nil at the end.
func (v *Views) compareSlice(
	ctx context.Context, p Projection, old, anew *File, from []byte, r *Rebuilt,
) ([]byte, error) {
	if err := v.alongside(ctx, p, old, anew); err != nil {
		return nil, err
	}

	old.flushing.Lock() // a file that must grow would wait for this reader, and all others for it
	defer old.flushing.Unlock()
	was, err := old.Snapshot()
	old.folding.Unlock()

	if err != nil {
		return nil, err
	}
	defer was.Close()

	now, err := anew.Snapshot()
	if err != nil {
		return nil, err
	}
	defer now.Close()
	r.Position = was.Position

	return compare(was, now, from, r, time.Now().Add(v.cfg.Slice)), nil
}

// alongside brings both views to the same position, and returns with the living one held there, its folding locked,
// unless it gives an error.
func (v *Views) alongside(ctx context.Context, p Projection, old, anew *File) error {
	// The new one may be ahead: it is never folded beyond a position that the old one has.
	if err := old.Wait(ctx, anew.Applied()); err != nil {
		return err
	}

	old.folding.Lock()
	err := anew.Fold(ctx, v.store, p, old.Applied(), rebuildLimit)
	if err != nil {
		old.folding.Unlock()
	}

	return err
}

// compare counts the rows that are not the same in the living view and in the new one, from a key on, and gives the key
// where it stopped since its time was over; nil at the end.
func compare(was, now *Snapshot, from []byte, r *Rebuilt, until time.Time) []byte {
	nextOld, stopOld := iter.Pull2(was.from(from))
	defer stopOld()
	nextNew, stopNew := iter.Pull2(now.from(from))
	defer stopNew()
	unlike := func(k []byte) {
		if r.Unlike++; r.Unlike == 1 {
			r.First = fmt.Sprintf("%x", k)
		}
	}

	ko, vo, okOld := nextOld()
	kn, vn, okNew := nextNew()
	for n := 1; okOld || okNew; n++ {
		if n%lookAtClock == 0 && time.Now().After(until) {
			return append([]byte{}, first(ko, okOld, kn, okNew)...)
		}

		switch c := bytes.Compare(ko, kn); {
		case !okNew || okOld && c < 0:
			unlike(ko)
			ko, vo, okOld = nextOld()
			continue
		case !okOld || c > 0:
			unlike(kn)
		default:
			if !bytes.Equal(vo, vn) {
				unlike(kn)
			}
			ko, vo, okOld = nextOld()
		}
		r.Rows++
		kn, vn, okNew = nextNew()
	}

	return nil
}

// lookAtClock is after how many rows a comparison looks whether its time is over.
const lookAtClock = 100

// first gives the smaller of two keys, of those that there are.
func first(ko []byte, okOld bool, kn []byte, okNew bool) []byte {
	if !okNew || okOld && bytes.Compare(ko, kn) < 0 {
		return ko
	}

	return kn
}

// from gives the rows from a key on.
func (s *Snapshot) from(key []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) { s.ScanFrom(nil, key, yield) }
}

// become puts another view, which stands at the same position, in this one's place; its file is renamed to path.
// Readers keep the snapshots that they have. It reports whether anew is in use now: from the rename on.
func (v *File) become(anew *File, path string) (bool, error) {
	v.flushing.Lock()
	defer v.flushing.Unlock()

	// A crash before the rename leaves the old file, one after it the new one: both whole, both of this log.
	if err := os.Rename(path+".new", path); err != nil {
		return false, err
	}

	dir, err := os.Open(filepath.Dir(path))
	if err == nil {
		err = dir.Sync()
		dir.Close()
	}

	v.mu.Lock()
	v.db, v.over, v.bytes, v.frozen, v.flushed = anew.db, anew.over, anew.bytes, nil, anew.flushed
	v.applied, v.damage = anew.applied, nil // of a damaged view the new one may be ahead
	close(v.moved)
	v.moved = make(chan struct{})
	v.mu.Unlock()

	return true, err
}
