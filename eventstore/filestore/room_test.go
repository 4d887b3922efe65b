package filestore_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/eventstore/storetest"
)

// A fullFS has no more to give while it is told so: no space, or no descriptor for what is not open yet.
type fullFS struct {
	filestore.FS
	space, descriptors atomic.Bool
}

func (f *fullFS) Open(name string) (filestore.File, error) {
	if f.descriptors.Load() {
		return nil, &os.PathError{Op: "open", Path: name, Err: unix.EMFILE}
	}
	file, err := f.FS.Open(name)
	return &fullFile{file, f}, err
}

type fullFile struct {
	filestore.File
	fs *fullFS
}

func (f *fullFile) Allocate(size int64) error {
	if f.fs.space.Load() {
		return unix.ENOSPC
	}
	return f.File.Allocate(size)
}

// Where there is no room for the next segment, or no descriptor, an append is refused and nothing has happened: the
// store goes on, reads everything, and takes the append once there is room.
func TestRoomThatRunsOut(t *testing.T) {
	for what, out := range map[string]func(*fullFS) *atomic.Bool{
		"space":       func(f *fullFS) *atomic.Bool { return &f.space },
		"descriptors": func(f *fullFS) *atomic.Bool { return &f.descriptors },
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			own, err := filestore.OpenDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			fs := &fullFS{FS: own}
			cfg := small()
			cfg.FS = fs
			s, err := filestore.Open("", cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()

			ctx, st := context.Background(), storetest.StreamN(1)
			version := eventstore.ExpectedVersion(0)
			refused := func() error {
				for range 1000 {
					if _, err := s.Append(ctx, st, version, storetest.Event(1)); err != nil {
						return err
					}
					version++
				}
				return nil
			}

			out(fs).Store(true)
			if err := refused(); !errors.Is(err, eventstore.ErrDiskFull) {
				t.Fatalf("Append without %s: %v, want %v", what, err, eventstore.ErrDiskFull)
			}
			if err := refused(); !errors.Is(err, eventstore.ErrDiskFull) || s.Err() != nil {
				t.Errorf("again: %v, the store stopped with %v", err, s.Err())
			}
			if names, _ := own.List(); strings.Contains(strings.Join(names, " "), ".tmp") {
				t.Errorf("left behind: %v", names)
			}
			if n := int(s.Last()); n != int(version) || n == 0 {
				t.Errorf("%d events, %d were acknowledged", n, version)
			}
			read := 0
			for _, err := range s.ReadAll(ctx, 0) {
				if err != nil {
					t.Fatal(err)
				}
				read++
			}
			if read != int(version) {
				t.Errorf("%d events are read, %d were acknowledged", read, version)
			}

			out(fs).Store(false)
			if err := refused(); err != nil || s.Err() != nil {
				t.Errorf("once there is some: %v, %v", err, s.Err())
			}
			last := s.Last()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if n, err := check(dir); err != nil || n.Last != last {
				t.Errorf("afterwards: %+v, %v; want %d events", n, err, last)
			}
		})
	}
}

// A log opens and is read though there is no room to go on.
func TestOpenWithoutRoom(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, small())
	fill(t, s, 100)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	own, err := filestore.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	fs := &fullFS{FS: own}
	fs.space.Store(true)
	cfg := small()
	cfg.FS = fs
	s, err = filestore.Open("", cfg)
	if err != nil || s.Last() != 100 {
		t.Fatalf("Open without room = %v, at %v", err, s)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
