package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"digitalpost/eventstore"
)

// ErrInUse says that a view is open for writing, by a server.
var ErrInUse = errors.New("the view is in use")

// A ReadAll yields the events of a log beyond a position, as eventstore.Reader does.
type ReadAll func(after eventstore.Position) iter.Seq2[eventstore.Event, error]

// events is a log of which all can be read, and no more.
type events struct {
	eventstore.Reader
	all ReadAll
}

func (e events) ReadAll(_ context.Context, after eventstore.Position) iter.Seq2[eventstore.Event, error] {
	return e.all(after)
}

// Check compares a view's file with the log, at the position that it stands at, row by row, and changes neither: what
// the log says is built in a temporary file. False if there is no such view of the log yet, ErrInUse while a server has
// it open, a *DamagedError if it is not what was written.
func Check(path string, l Log, p Projection, all ReadAll) (r Rebuilt, ok bool, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return r, false, nil
	}

	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 20 * time.Millisecond, ReadOnly: true})
	if errors.Is(err, berrors.ErrTimeout) {
		return r, false, ErrInUse
	}
	if err != nil {
		return r, false, fmt.Errorf("view %s: %w", p.Name(), err)
	}
	defer db.Close()

	of, format, at, sound := standIn(db)
	if !sound || of != l || format != formatVersion {
		return r, false, nil
	}

	dir, err := os.MkdirTemp("", "digitalpost-verify-")
	if err != nil {
		return r, false, err
	}
	defer os.RemoveAll(dir)

	anew, err := OpenFile(filepath.Join(dir, p.Name()), l, at)
	if err != nil {
		return r, false, err
	}
	defer anew.Close()
	if err := anew.Fold(context.Background(), events{all: all}, p, at, rebuildLimit); err != nil {
		return r, false, err
	}

	old := &File{
		db: db, log: l, path: path, broken: make(chan struct{}, 1), reading: true,
		over: &layer{}, applied: at, moved: make(chan struct{}),
	}
	err = Guard(func() error {
		was, err := old.Snapshot()
		if err != nil {
			return err
		}
		defer was.Close()
		r = Rebuilt{View: p.Name(), Position: at}

		now, err := anew.Snapshot()
		if err != nil {
			return err
		}
		defer now.Close()
		compare(was, now, nil, &r, time.Now().Add(1<<62)) // in one piece: nobody waits

		return nil
	})

	return r, err == nil, err
}
