package filestore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An FS is the directory that the log lies in. Tests put one in its place that forgets what was not synced.
type FS interface {
	// Open opens a file for reading and writing, and makes it if it is not there. A new one is durable after SyncDir.
	Open(name string) (File, error)
	// Rename gives a file another name, in the place of whatever had it. It is durable after SyncDir.
	Rename(from, to string) error
	Remove(name string) error
	// List gives the names of all files, in any order.
	List() ([]string, error)
	// SyncDir makes what was made, renamed and removed durable.
	SyncDir() error
	// Lock takes the one lock of the log, for as long as the result is not closed, or returns a *LockedError.
	Lock(name string) (io.Closer, error)
	// Free returns the free and total bytes of the file system.
	Free() (free, total uint64, err error)
}

// A File is a file of the log.
type File interface {
	io.ReaderAt
	io.WriterAt
	// Sync makes what was written durable (fdatasync).
	Sync() error
	Truncate(size int64) error
	// Allocate makes the file size bytes long, with room for them on disk.
	Allocate(size int64) error
	Size() (int64, error)
	// Uncache asks that bytes which were synced are read from the disk the next time, where that can be asked.
	Uncache(at, size int64)
	Close() error
}

// A LockedError says that another process has the log open for writing.
type LockedError struct {
	Path  string
	Owner string // who that is, as it says itself
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("filestore: %s is held by another process (%s)", e.Path, e.Owner)
}

type dirFS struct {
	dir string
	own *os.File // the directory itself: to sync it takes no descriptor
}

// OpenDir returns a directory as an FS, and makes it if it is not there.
func OpenDir(dir string) (FS, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	own, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	return dirFS{dir, own}, nil
}

func (d dirFS) path(name string) string { return filepath.Join(d.dir, name) }

func (d dirFS) Open(name string) (File, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d dirFS) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }
func (d dirFS) Remove(name string) error     { return os.Remove(d.path(name)) }

func (d dirFS) List() ([]string, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

func (d dirFS) SyncDir() error { return d.own.Sync() }

func (d dirFS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner, _ := io.ReadAll(io.LimitReader(f, 256))
		f.Close()
		return nil, &LockedError{Path: d.path(name), Owner: strings.TrimSpace(string(owner))}
	}

	who := fmt.Sprintf("process %d, since %s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := f.WriteAt([]byte(who), 0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (d dirFS) Free() (free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(d.dir, &st); err != nil {
		return 0, 0, err
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}

type osFile struct{ *os.File }

func (f osFile) Sync() error { return unix.Fdatasync(int(f.Fd())) }

func (f osFile) Uncache(at, size int64) {
	_ = unix.Fadvise(int(f.Fd()), at, size, unix.FADV_DONTNEED) // advice: there is nothing to do without it
}

func (f osFile) Allocate(size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return f.Truncate(size) // a file system that can't allocate ahead: blocks come with the writes
	}
	return err
}

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}
