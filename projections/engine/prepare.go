package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"digitalpost/eventstore"
)

// prepared is what the name of a view's file ends with that waits for the next start.
const prepared = ".next"

// Prepare makes a view of this program's format in a file of its own, from a log that another program may be serving
// from, through a position: the next start of this program takes it, if it is ahead of what is there then, and folds
// the rest alone. What an earlier call has made goes on from there. ErrInUse says that another makes it now. A crash
// leaves what was written last, which the next call goes on from.
func Prepare(
	ctx context.Context, dir string, l Log, p Projection, all ReadAll, upto eventstore.Position,
) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}

	f, err := OpenFile(viewPath(dir, p)+prepared, l, upto)
	if errors.Is(err, berrors.ErrTimeout) {
		return fmt.Errorf("view %s is being prepared already: %w", p.Name(), ErrInUse)
	}
	if err != nil {
		return err
	}

	err = Guard(func() error { return f.Fold(ctx, events{all: all}, p, upto, rebuildLimit) })
	if err == nil {
		err = f.Flush()
	}

	return errors.Join(err, f.Close())
}

// viewPath gives the file of a view.
func viewPath(dir string, p Projection) string { return filepath.Join(dir, p.Name()+".view") }

// takePrepared puts a view that was prepared in the place of one that is of another log or format, or behind it. One
// that is no use is removed.
//
// A crash before the rename leaves both, after it the prepared one, or both again if the folder was not synced: each is
// whole, and the next start decides the same.
func takePrepared(path string, l Log, last eventstore.Position) error {
	there, busy := stands(path+prepared, l, last)
	if busy { // it is still being made
		return nil
	}
	if here, _ := stands(path, l, last); there <= here {
		if err := os.Remove(path + prepared); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}

	if err := os.Rename(path+prepared, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}

	return errors.Join(dir.Sync(), dir.Close())
}

// stands gives the position that a view's file stands at; 0 if it is of another log or format, or no view. busy says
// that another program has it open.
func stands(path string, l Log, last eventstore.Position) (at eventstore.Position, busy bool) {
	if _, err := os.Stat(path); err != nil {
		return 0, false
	}

	defer func() {
		if recover() != nil {
			at = 0 // it is damaged: opening it says so
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 20 * time.Millisecond, ReadOnly: true})
	if err != nil {
		return 0, errors.Is(err, berrors.ErrTimeout)
	}
	defer db.Close()

	err = db.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(bucketMeta); meta != nil {
			of, format, p, sound := standOf(meta.Get(keyStand))
			if sound && of == l && format == formatVersion && p <= last {
				at = p
			}
		}

		return nil
	})
	if err != nil {
		at = 0
	}

	return at, false
}
