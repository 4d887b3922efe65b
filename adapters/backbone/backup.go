package backbone

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"digitalpost/adapters/vault"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/oplog"
	"digitalpost/domain/streams"
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

// copyFolder copies the files of a folder. One that goes meanwhile was forgotten: no event that the copy has needs it
// once the keys are copied, too.
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

// A Restoration is what came of restoring a copy.
type Restoration struct {
	Copy
	Incarnation uint64 // that has begun
	Forgotten   int    // things that were destroyed since the copy was made, and are again
}

// ErrNotWhole says that a directory holds no whole copy.
var ErrNotWhole = errors.New("this is no whole backup")

// Restore makes the data of a copy, in a directory that is not there, and begins a new incarnation of its log: views,
// heads and cursors of what came after the copy elsewhere are those of another history, and refused. The keys folder
// is bound to the new incarnation, so that the data from before is not served any more; a server that still holds it
// is vault.ErrInUse. What was destroyed since the copy was made is destroyed again. Keys that were rolled since open
// nothing of the copy: vault.ErrNoKeys. A crash leaves the directory with .partial, and restoring may begin again.
func Restore(from, dir string, keys vault.KeyFolder) (out Restoration, err error) {
	text, err := os.ReadFile(filepath.Join(from, manifest))
	if err != nil || json.Unmarshal(text, &out.Copy) != nil {
		return out, fmt.Errorf("%s: %w: the file %s does not say what is in it", from, ErrNotWhole, manifest)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("%s is there already: restore makes the data's directory", dir)
	}

	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return out, err
	}
	for _, folder := range append([]string{"log"}, documentFolders...) {
		if err := copyFolder(filepath.Join(from, folder), filepath.Join(partial, folder)); err != nil {
			return out, err
		}
	}
	name := fmt.Sprintf("keys-%d.db", out.Epoch)
	in, err := os.Open(filepath.Join(from, name))
	if err != nil {
		return out, fmt.Errorf("%s: %w: %w", from, ErrNotWhole, err)
	}
	err = writeSynced(filepath.Join(partial, name), func(w io.Writer) error { _, err := io.Copy(w, in); return err })
	if err = errors.Join(err, in.Close(), syncFolder(partial)); err != nil {
		return out, err
	}

	if err := out.reincarnate(partial, keys); err != nil {
		return out, err
	}

	if err := errors.Join(os.Rename(partial, dir), syncFolder(filepath.Dir(dir))); err != nil {
		return out, err
	}

	return out, out.note(dir, keys)
}

// reincarnate begins the log's new incarnation, and brings the keys in line with it.
func (out *Restoration) reincarnate(dir string, keys vault.KeyFolder) error {
	log, err := filestore.Open(filepath.Join(dir, "log"),
		filestore.Config{Restored: true, Development: out.Development, SegmentSize: restoredSegment})
	if err != nil {
		return err
	}
	defer log.Close()

	id := log.ID()
	if hex.EncodeToString(id[:]) != out.Log || log.Last() != out.Position ||
		log.Incarnation() != out.Copy.Incarnation+1 {
		return fmt.Errorf("%w: its log is %x, incarnation %d, through position %d; it says %s, %d, %d", ErrNotWhole,
			id, log.Incarnation()-1, log.Last(), out.Log, out.Copy.Incarnation, out.Position)
	}
	out.Incarnation = log.Incarnation()

	now := vault.Log{ID: id, Incarnation: out.Incarnation}
	if err := keys.Rebind(vault.Log{ID: id, Incarnation: out.Copy.Incarnation}, now); err != nil {
		return err
	}
	v, err := vault.Open(dir, keys, now)
	if err != nil {
		return fmt.Errorf("the keys of the copy: %w", err)
	}
	defer v.Close()

	return out.inLine(log, v)
}

// restoredSegment is how long the segment is that begins a new incarnation; the server goes on with its own length.
const restoredSegment = 64 << 20

// begun reads from the log what it has begun: mailboxes that are there, and the last leaf of each stream.
func begun(log *filestore.Store) (opened map[[16]byte]eventstore.Position, leaves map[[16]byte]uint32, err error) {
	opened, leaves = map[[16]byte]eventstore.Position{}, map[[16]byte]uint32{}
	for rec, err := range log.ReadAll(context.Background(), 0) {
		if err != nil {
			return nil, nil, err
		}

		e, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data)
		if err != nil {
			return nil, nil, fmt.Errorf("position %d: %w", rec.Position, err)
		}
		id := rec.Stream.ID
		leaves[id] = max(leaves[id], e.Effect().Begins)
		switch e.(type) {
		case mailbox.Opened:
			opened[id] = rec.Position
		case mailbox.Shredded:
			delete(opened, id)
		}
	}

	return opened, leaves, nil
}

// inLine refuses keys that are older than the log, in which a mailbox that was opened since has no root, and forgets
// again what was forgotten since.
func (out *Restoration) inLine(log *filestore.Store, v *vault.Vault) error {
	opened, leaves, err := begun(log)
	if err != nil {
		return err
	}

	for id, at := range opened {
		ok, err := v.HasRoot(vault.Owner(id))
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("the keys are older than the log: the mailbox that position %d opened has none", at)
		}
	}

	out.Forgotten, err = v.Restored(func(o vault.Owner) (uint32, bool) { last, ok := leaves[o]; return last, ok })

	return err
}

// note opens the restored data, which makes its views, and notes in its log that it was restored.
func (out *Restoration) note(dir string, keys vault.KeyFolder) error {
	b, err := Open(Config{Dir: dir, KMS: keys, Development: out.Development, SegmentSize: restoredSegment})
	if err != nil {
		return err
	}
	if err := b.ClockErr(); err != nil { // as the last event stands, the clock may have run on by days
		if err := b.ConfirmClock(context.Background()); err != nil {
			return errors.Join(err, b.Close())
		}
	}
	err = b.note(context.Background(), b.log, access.Operations, oplog.NoteRestore{Restored: oplog.Restored{
		Incarnation: out.Incarnation, Position: uint64(out.Position),
	}})

	return errors.Join(err, b.Close())
}

// A Cursor is a place in a feed: a position, in one incarnation of the log.
type Cursor struct {
	Incarnation uint64
	Position    eventstore.Position
}

// ErrOtherHistory says that a cursor is beyond where the log was restored: what stood there is another history.
var ErrOtherHistory = errors.New("backbone: the cursor is of another history")

// Cursor gives the place of a position.
func (b *Backbone) Cursor(p eventstore.Position) Cursor { return Cursor{b.store.Incarnation(), p} }

// Go gives the position to go on from, of a cursor that was given before. ErrOtherHistory if the log was restored from
// a copy that did not have it.
func (b *Backbone) Go(c Cursor) (eventstore.Position, error) {
	for _, life := range b.store.Incarnations() {
		if life.Number > c.Incarnation && c.Position >= life.First {
			return 0, ErrOtherHistory
		}
	}

	return c.Position, nil
}
