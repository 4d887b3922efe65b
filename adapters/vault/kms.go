package vault

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A Log is the log whose things the keys open.
type Log struct {
	ID          [16]byte
	Incarnation uint64
	Empty       bool // it has no record yet: keys may be begun for it
}

// Reasons for which keys are not opened.
var (
	ErrOtherLog = errors.New("vault: the keys are those of another log")
	ErrInUse    = errors.New("vault: the keys are in use")
	ErrNoKeys   = errors.New("vault: there are no keys")
)

// A KMS keeps epoch keys, where no backup of the data reaches them. The vault calls it from one goroutine at a time.
type KMS interface {
	// Hold takes the keys for a log, for this vault alone, until the result is closed. ErrOtherLog says that they are
	// another's, ErrInUse that another vault holds them.
	Hold(Log) (io.Closer, error)
	// Bind makes the keys those of a log for good, if they are nobody's. They are held.
	Bind(Log) error
	// Belongs returns ErrOtherLog for keys that are another log's. It changes nothing.
	Belongs(Log) error
	// Create makes the key of an epoch, durably. A key that is there is never written over: that is an error.
	Create(epoch int) error
	// Key gives the 32 bytes of an epoch's key.
	Key(epoch int) ([]byte, error)
	// Destroy makes the key of an epoch gone for good, with what was noted of it; one that is not there is.
	Destroy(epoch int) error
	// Note lists what is about to be destroyed in an epoch, durably; Forgotten gives all that was. It may be listed
	// twice.
	Note(epoch int, leaves []Leaf, owners []Owner) error
	Forgotten(epoch int) ([]Leaf, []Owner, error)
}

// A KeyFolder is a KMS for development: a folder outside the data directory, with files epoch/<n>.key, a file that
// names the log that they are for, and one that is locked while they are in use.
type KeyFolder string

func (f KeyFolder) path(epoch int) string {
	return filepath.Join(string(f), "epoch", fmt.Sprintf("%d.key", epoch))
}

func (f KeyFolder) notes(epoch int) string {
	return filepath.Join(string(f), fmt.Sprintf("forgotten-%d", epoch))
}

func (f KeyFolder) owner() string { return filepath.Join(string(f), "log") }

// line is what the folder says of its log.
func (l Log) line() string {
	return fmt.Sprintf("log %s, incarnation %d\n", hex.EncodeToString(l.ID[:]), l.Incarnation)
}

// Belongs compares the log with the one that the folder names. A folder that names none belongs to whoever has data
// that its keys open: to a log without a record it does not, if there is a key in it.
func (f KeyFolder) Belongs(l Log) error {
	b, err := os.ReadFile(f.owner())
	switch {
	case err == nil && string(b) != l.line():
		return fmt.Errorf("%w: %s is bound to %s, and this is %s",
			ErrOtherLog, string(f), strings.TrimSpace(string(b)), strings.TrimSpace(l.line()))
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrNotExist):
		return err
	}

	keys, err := filepath.Glob(filepath.Join(string(f), "epoch", "*.key"))
	if err == nil && len(keys) > 0 && l.Empty {
		err = fmt.Errorf("%w: %s has keys, and this log has no record that they could be for", ErrOtherLog, string(f))
	}
	return err
}

// ErrNotPrivate says that others than its owner can write in a directory.
var ErrNotPrivate = errors.New("others can write here")

// Private refuses a directory of data or keys in which others than its owner can write: what lies there could be
// theirs.
func Private(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm()&0o022 != 0 {
		err = fmt.Errorf("%s: %w (mode %o): chmod go-w takes that away", dir, ErrNotPrivate, info.Mode().Perm())
	}

	return err
}

// Hold locks the folder, and makes it if it is not there. The lock is the process's: a crash leaves none.
func (f KeyFolder) Hold(l Log) (io.Closer, error) {
	if err := os.MkdirAll(filepath.Join(string(f), "epoch"), 0o700); err != nil {
		return nil, err
	}
	if err := errors.Join(Private(string(f)), Private(filepath.Join(string(f), "epoch"))); err != nil {
		return nil, err
	}

	lock, err := os.OpenFile(filepath.Join(string(f), "LOCK"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s is locked by another process", ErrInUse, string(f)), lock.Close())
	}

	if err := f.Belongs(l); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// Bind writes whose keys they are. A crash before it returns leaves the folder bound or not, and the next Bind does the
// same again.
func (f KeyFolder) Bind(l Log) error {
	if _, err := os.Stat(f.owner()); err == nil {
		return f.Belongs(l)
	}
	return f.write(f.owner(), []byte(l.line()))
}

// write makes a file that is not there: under a temporary name, synced, and then given its name, if nobody has it. The
// folders are synced, so that a power cut does not take it.
func (f KeyFolder) write(path string, b []byte) error {
	tmp := path + ".tmp"
	file, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Link(tmp, path) // unlike a rename, it does not replace what is there
	}
	err = errors.Join(err, os.Remove(tmp))

	for _, dir := range []string{filepath.Dir(path), string(f), filepath.Dir(filepath.Clean(string(f)))} {
		if err == nil {
			err = syncDir(dir)
		}
	}
	return err
}

// Create writes a random key. A crash before it returns leaves the key or none: no file was sealed with it.
func (f KeyFolder) Create(epoch int) error {
	key := make([]byte, 32)
	rand.Read(key)
	if err := f.write(f.path(epoch), key); err != nil {
		return fmt.Errorf("vault: the key of epoch %d is not made: %w", epoch, err)
	}
	return nil
}

// Key reads a key.
func (f KeyFolder) Key(epoch int) ([]byte, error) {
	key, err := os.ReadFile(f.path(epoch))
	if err == nil && len(key) != 32 {
		err = fmt.Errorf("vault: epoch key %d is of %d bytes, 32 are needed", epoch, len(key))
	}
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w: the key of epoch %d is not in %s: "+
			"--keys must name the folder that the data was made with", ErrNoKeys, epoch, string(f))
	}
	return key, err
}

// Destroy writes over a key and removes it. A crash within it leaves the key, zeros or nothing; the vault destroys it
// again when it is opened, for as long as the file that it opened is there.
func (f KeyFolder) Destroy(epoch int) error {
	file, err := os.OpenFile(f.path(epoch), os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}

	// Zeros are synced before the removal: what stays in the file system's free blocks is no key. A key that could not
	// be written over stays, to be destroyed again.
	_, err = file.Write(make([]byte, 32))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Remove(f.path(epoch))
	}
	if nerr := os.Remove(f.notes(epoch)); err == nil && !errors.Is(nerr, os.ErrNotExist) {
		err = nerr
	}
	if err == nil {
		err = syncDir(filepath.Dir(f.path(epoch)))
	}
	return err
}
