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

	path := viewPath(dir, p) + prepared
	f, err := openSound(path, l, upto) // it is begun anew where it is damaged
	if rerr := os.Remove(path + damagedEnd); rerr != nil && !errors.Is(rerr, os.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
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
	err = errors.Join(err, f.Close())

	var damage *DamagedError
	if errors.As(err, &damage) {
		err = errors.Join(err, os.Remove(path)) // the next call begins anew
	}

	return err
}

// viewPath gives the file of a view.
func viewPath(dir string, p Projection) string { return filepath.Join(dir, p.Name()+".view") }

// takePrepared puts a view that was prepared in the place of one that is of another log or format, or behind it. One
// that is no use is removed; one that is being made, that can't be read, or that is of a newer format stays.
//
// A crash before the rename leaves both, after it the prepared one, or both again if the folder was not synced: each is
// whole, and the next start decides the same.
func takePrepared(path string, l Log, last eventstore.Position) error {
	there, leave := stands(path+prepared, l, last)
	if leave {
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

// stands gives the position that a view's file stands at; 0 if it is of another log or format, or no view. leave says
// that it is nobody's to remove: another program has it open, it is of a newer format, or of another user.
func stands(path string, l Log, last eventstore.Position) (at eventstore.Position, leave bool) {
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
		return 0, errors.Is(err, berrors.ErrTimeout) || errors.Is(err, os.ErrPermission)
	}
	defer db.Close()

	of, format, p, sound := standIn(db)
	if !sound || of != l || format != formatVersion || p > last {
		return 0, sound && of == l && format > formatVersion
	}

	return p, false
}
