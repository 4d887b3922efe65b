package documents

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"digitalpost/domain"
)

// A commit is a document on its way into a pack.
type commit struct {
	w    *Writer
	id   domain.DocumentID
	err  error
	done chan struct{} // closed when id and err are there
}

func (s *Store) packPath(n uint32) string {
	return filepath.Join(s.dir, "packs", fmt.Sprintf("pack-%06d", n))
}

// write is the one goroutine that appends to packs, from pack n on, which is not there yet. What a failed write or sync
// left in a pack is not known: nothing is written behind it, and the next commit begins another pack. Documents before
// it were synced, and nobody was given the ids of those that failed: Sweep frees what is whole of them.
func (s *Store) write(n uint32) {
	defer close(s.done)
	var f *os.File
	var end int64
	leave := func() {
		if f != nil {
			f.Close() // synced already, as far as anybody was told
		}
		f, end = nil, 0
		n++
	}

	for c := range s.queue {
		batch := s.gather(c)
		if end > packSize {
			leave()
		}

		var err error
		if f == nil {
			f, err = s.beginPack(n)
		}
		if err == nil {
			end, err = writeBatch(f, n, end, batch)
		}

		if err != nil {
			s.failures.Add(1)
			leave()
		}
		for _, c := range batch {
			c.err = err
			close(c.done)
		}
	}

	if f != nil {
		f.Close()
	}
}

// gather adds to a commit those that wait behind it, up to about 4 MiB: they share one sync.
func (s *Store) gather(first *commit) []*commit {
	batch := []*commit{first}
	for size := len(first.w.buf); size < 4<<20; {
		select {
		case c, ok := <-s.queue:
			if !ok {
				return batch
			}
			batch = append(batch, c)
			size += len(c.w.buf)
		default:
			return batch
		}
	}

	return batch
}

// writeBatch writes documents at the end of pack n, makes them durable, and returns where the pack ends then.
func writeBatch(f *os.File, n uint32, end int64, batch []*commit) (int64, error) {
	var buf []byte
	for _, c := range batch {
		binary.BigEndian.PutUint32(c.id[:], n)
		putUint48(c.id[4:], uint64(end)+uint64(len(buf)))
		rand.Read(c.id[10:])
		buf = append(buf, header(c.id, c.w.sum, int64(len(c.w.buf)))...)
		buf = append(buf, c.w.buf...)
	}

	// A crash before or within the write or the sync leaves any part of the bytes. Nobody was given their ids, so no
	// event names them: the next start begins another pack, and Sweep frees those that are whole. Only after the sync
	// are the ids given away.
	if _, err := f.WriteAt(buf, end); err != nil {
		return end, err
	}
	return end + int64(len(buf)), unix.Fdatasync(int(f.Fd()))
}

// beginPack begins a pack. The folder is synced before anything is written: a document whose pack a power cut took away
// would be lost after it was acknowledged.
func (s *Store) beginPack(n uint32) (*os.File, error) {
	f, err := os.OpenFile(s.packPath(n), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Join(s.dir, "packs")); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(s.packPath(n)))
	}
	return f, nil
}
