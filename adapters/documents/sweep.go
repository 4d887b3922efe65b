package documents

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"digitalpost/domain"
)

// Free gives a document's space back. One that is gone already is. It is called when no event names the document any
// more, or when its key is forgotten.
func (s *Store) Free(id domain.DocumentID) error {
	n := binary.BigEndian.Uint32(id[:])
	if n == largeNumber {
		err := os.Remove(s.largePath(id))
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		// A power cut before the sync may bring the name back, whole: Sweep frees it again.
		return errors.Join(err, syncDir(filepath.Join(s.dir, "large")))
	}

	f, err := os.OpenFile(s.packPath(n), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	h := make([]byte, headerSize)
	at := uint48(id[4:])
	if _, err := f.ReadAt(h, at); err != nil || domain.DocumentID(h[16:32]) != id {
		return nil // a hole already, or never written
	}

	// Not synced: a power cut may bring the bytes back, which open for nobody whose key is forgotten, and Sweep frees
	// them. The header goes with the document, so that one that is half gone is not looked at again.
	size := headerSize + int64(binary.BigEndian.Uint64(h[8:]))
	err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		_, err = f.WriteAt(make([]byte, size), at)
	}
	return err
}

// Sweep frees what no event names and is older than an hour, and returns how many documents that were; named reports of
// an id whether an event names it. Younger ones may be on the way from Commit into an event.
func (s *Store) Sweep(now time.Time, named func(domain.DocumentID) (bool, error)) (freed int, err error) {
	files, _ := filepath.Glob(filepath.Join(s.dir, "*", "*"))
	for _, name := range files {
		if strings.HasSuffix(name, ".tmp") {
			continue
		}
		n, err := s.sweepFile(name, now, named)
		if freed += n; err != nil {
			return freed, err
		}
	}
	return freed, nil
}

func (s *Store) sweepFile(
	name string, now time.Time, named func(domain.DocumentID) (bool, error),
) (freed int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()

	h := make([]byte, headerSize)
	for at := int64(0); ; {
		if _, err := f.ReadAt(h, at); err != nil {
			return freed, nil
		}
		length := int64(binary.BigEndian.Uint64(h[8:]))
		if string(h[:4]) != magic || !headerSound(h) { // a hole, or what a crash left: go on at the next header
			next, ok := nextHeader(f, at+1)
			if !ok {
				return freed, nil
			}
			at = next
			continue
		}

		id, since := domain.DocumentID(h[16:32]), time.Unix(int64(binary.BigEndian.Uint64(h[32:])), 0)
		is := now.Sub(since) <= time.Hour
		if !is {
			if is, err = named(id); err != nil {
				return freed, err
			}
		}
		switch {
		case is:
			at += headerSize + length
		case !bytesSound(f, h, at):
			// A kill within its write: it may be shorter than it says, and what lies there another's. It stays: nothing
			// says how much of it is there.
			at += headerSize
		default:
			if err := s.Free(id); err != nil {
				return freed, err
			}
			freed++
			at += headerSize + length
		}
	}
}

// bytesSound reports whether the bytes behind a header are those that it was written for.
func bytesSound(f *os.File, h []byte, at int64) bool {
	sum := crc32.New(castagnoli)
	n, err := io.Copy(sum, io.NewSectionReader(f, at+headerSize, int64(binary.BigEndian.Uint64(h[8:]))))
	return err == nil && n == int64(binary.BigEndian.Uint64(h[8:])) && sum.Sum32() == binary.BigEndian.Uint32(h[4:])
}

// nextHeader finds where the next header may begin, from at on. It passes over holes.
func nextHeader(f *os.File, at int64) (int64, bool) {
	if data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA); err == nil && data > at {
		at = data
	}

	buf := make([]byte, 1<<20)
	for {
		n, err := f.ReadAt(buf, at)
		if i := strings.Index(string(buf[:n]), magic); i >= 0 {
			return at + int64(i), true
		}

		if err != nil || n < len(magic) {
			return 0, false
		}

		at += int64(n - len(magic) + 1)
	}
}
