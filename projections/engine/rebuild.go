package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

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

// compareAlongside compares both views at one position.
func (v *Views) compareAlongside(ctx context.Context, p Projection, old, anew *File) (r Rebuilt, err error) {
	if err := v.alongside(ctx, p, old, anew); err != nil {
		return r, err
	}

	old.flushing.Lock() // a file that must grow would wait for this reader, and all others for it
	defer old.flushing.Unlock()
	was, err := old.Snapshot()
	old.folding.Unlock()

	if err != nil {
		return r, err
	}
	defer was.Close()

	r = Rebuilt{View: p.Name(), Position: was.Position}
	err = compare(was, anew, &r)

	return r, err
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

// compare counts the rows that are not the same in the living view, as it was, and in the new one.
func compare(was *Snapshot, anew *File, r *Rebuilt) error {
	now, err := anew.Snapshot()
	if err != nil {
		return err
	}

	defer now.Close()
	nextOld, stopOld := iter.Pull2(was.all)
	defer stopOld()
	nextNew, stopNew := iter.Pull2(now.all)
	defer stopNew()
	unlike := func(k []byte) {
		if r.Unlike++; r.Unlike == 1 {
			r.First = fmt.Sprintf("%x", k)
		}
	}
	ko, vo, okOld := nextOld()
	kn, vn, okNew := nextNew()
	for okOld || okNew {
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

func (s *Snapshot) all(yield func(k, v []byte) bool) { s.Scan(nil, yield) }

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
