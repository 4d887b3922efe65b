package backbone

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
)

// manifest is the file that a whole copy has: a copy without it was not finished.
const manifest = "BACKUP"

// A Copy says what a copy of the data holds. Epoch keys are no part of it.
type Copy struct {
	Log         string              `json:"log"` // id, in hexadecimal
	Incarnation uint64              `json:"incarnation"`
	Position    eventstore.Position `json:"position"` // of the last event
	Epoch       int                 `json:"epoch"`    // of the keys: without that epoch's key nothing opens
	Development bool                `json:"development,omitempty"`
	Made        time.Time           `json:"made"`
}

// Backup copies log, documents and keys into a directory that it makes, while everything goes on. Where the log ends
// and what the keys are is found at one moment, in which nothing is forgotten; the log up to there does not change any
// more, and documents come last: those that it names are there, or were forgotten since. The directory gets its name
// once all of it is on disk; a crash leaves it with .partial.
func (b *Backbone) Backup(to string) (out Copy, err error) {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("%s is there already: a backup makes its own directory", to)
	}

	partial := to + ".partial"
	if err := errors.Join(os.RemoveAll(partial), os.MkdirAll(partial, 0o700)); err != nil {
		return out, err
	}

	var beside *filestore.Beside
	keys, err := b.vault.Copy(func() (err error) {
		beside, err = filestore.OpenBeside(filepath.Join(b.dir, "log"))
		return err
	})
	if err != nil {
		return out, err
	}
	err = writeSynced(filepath.Join(partial, fmt.Sprintf("keys-%d.db", keys.Epoch)), func(w io.Writer) error {
		_, err := keys.WriteTo(w)
		return err
	})
	if err = errors.Join(err, keys.Close()); err == nil {
		err = beside.CopyTo(filepath.Join(partial, "log"))
	}
	if err != nil {
		return out, err
	}

	for _, dir := range documentFolders {
		if err := copyFolder(filepath.Join(b.dir, dir), filepath.Join(partial, dir)); err != nil {
			return out, err
		}
	}

	id := b.store.ID()
	out = Copy{
		Epoch: keys.Epoch, Log: hex.EncodeToString(id[:]), Incarnation: b.store.Incarnation(), Position: beside.Last(),
		Development: b.development, Made: time.Now().UTC(),
	}

	text, err := json.MarshalIndent(out, "", "  ")
	if err == nil {
		err = writeSynced(filepath.Join(partial, manifest), func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
	}
	if err == nil {
		err = syncFolder(partial)
	}
	if err == nil {
		err = os.Rename(partial, to)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(to))
	}

	return out, err
}

// documentFolders are where documents lie, below the data's directory.
var documentFolders = []string{"packs", "large"}

// writeSynced makes a file and makes it durable.
func writeSynced(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}

	return errors.Join(err, f.Close())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}

	return errors.Join(d.Sync(), d.Close())
}

// copyFolder copies the files of a folder. One that goes meanwhile was forgotten, and is forgotten again when the copy
// is restored.
func copyFolder(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}

	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".tmp") {
			continue
		}

		in, err := os.Open(filepath.Join(from, f.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = writeSynced(filepath.Join(to, f.Name()), func(w io.Writer) error { _, err := io.Copy(w, in); return err })
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
	}

	return syncFolder(to)
}

// A Cursor is a place in a feed: a position, in one incarnation of the log.
type Cursor struct {
	Incarnation uint64
	Position    eventstore.Position
}

// String gives the cursor as events have it for an id: the position, with the log's incarnation before it once it was
// restored.
func (c Cursor) String() string {
	p := strconv.FormatUint(uint64(c.Position), 10)
	if c.Incarnation == 1 {
		return p
	}

	return strconv.FormatUint(c.Incarnation, 10) + "." + p
}

// ErrOtherHistory says that a cursor is beyond where the log was restored: what stood there is another history.
var ErrOtherHistory = errors.New("backbone: the cursor is of another history")

// Cursor gives the place of a position.
func (b *Backbone) Cursor(p eventstore.Position) Cursor { return Cursor{b.store.Incarnation(), p} }

// Go gives the position to go on from, of a cursor that was given before. ErrOtherHistory if the log was restored from
// a copy that did not have it.
func (b *Backbone) Go(c Cursor) (eventstore.Position, error) {
	known := false
	for _, life := range b.store.Incarnations() {
		known = known || life.Number == c.Incarnation
		if life.Number > c.Incarnation && c.Position >= life.First {
			return 0, ErrOtherHistory
		}
	}
	if !known { // a life that was lost
		return 0, ErrOtherHistory
	}

	return c.Position, nil
}
