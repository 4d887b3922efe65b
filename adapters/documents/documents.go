// Package documents keeps documents: sealed, in pack files, found by the ids it gives.
//
// A document is sealed in chunks of 64 KiB: AES-256-GCM under a random key of its own, the nonce being the chunk's
// number. Who has id, key and length reads any range of it and nothing else; where it lies is told by the id, so
// nothing is indexed:
//
//	packs/pack-<n>    documents of up to 1 MiB sealed, one behind another; a grouped commit with one fdatasync
//	large/<id>        a larger one: temporary name, fsync, rename, fsync of the folder
//
// Before the sealed bytes stands a header of 44 bytes: magic "DPDC" (4), CRC32C of the bytes (4), their number (8), id
// (16), seconds since 1970 (8), CRC32C of the header before it (4). An id is the pack's number (4), the offset of its
// header (6) and 6 random bytes; the number of a large one is 0xffffffff. Space is given back by punching holes or
// unlinking, never by moving.
//
// A crash before Commit returns leaves bytes that no event names: in a pack they stay until they are swept, a temporary
// file is removed on open.
package documents

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"digitalpost/domain"
)

const (
	chunk       = 64 << 10
	tag         = 16
	packable    = 1 << 20 // sealed bytes beyond which a document has a file of its own
	packSize    = 1 << 30
	headerSize  = 44
	magic       = "DPDC"
	largeNumber = 0xffffffff
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamaged says that a document is not what was written, or is not there.
var ErrDamaged = errors.New("documents: document is damaged")

// A Store keeps documents in a directory. One process writes; others may read beside it.
type Store struct {
	dir      string
	read     atomic.Int64
	failures atomic.Int64 // commits that failed

	queue chan *commit  // to the one goroutine that writes packs; nil for a reader
	done  chan struct{} // closed when that has ended

	// mu guards what follows. Whoever commits holds it while they queue, so that the queue is not closed under them,
	// and so also while the queue is full: the goroutine that empties it never takes mu.
	mu     sync.Mutex
	packs  map[uint32]*os.File // open for reading, by number
	closed bool
}

// Open opens the store in dir for writing, or begins one. One process at a time may: the caller sees to that.
func Open(dir string) (*Store, error) {
	for _, d := range []string{"packs", "large"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, err
		}
	}

	// A temporary file is a large document whose Commit a crash forestalled: no event names it.
	temps, _ := filepath.Glob(filepath.Join(dir, "large", "*.tmp"))
	for _, f := range temps {
		if err := os.Remove(f); err != nil {
			return nil, err
		}
	}

	// The folders are there before anything in them is named.
	if err := errors.Join(syncDir(dir), syncDir(filepath.Dir(filepath.Clean(dir)))); err != nil {
		return nil, err
	}

	s := OpenReader(dir)
	s.queue, s.done = make(chan *commit, 1024), make(chan struct{})
	go s.write(nextPack(dir))
	return s, nil
}

// nextPack gives the number of a pack that is not there yet. What a kill left at the end of the last one may be any
// part of a document, so nothing is ever written behind it.
func nextPack(dir string) uint32 {
	next := uint32(1)
	packs, _ := filepath.Glob(filepath.Join(dir, "packs", "pack-*"))
	for _, p := range packs {
		var n uint32
		if _, err := fmt.Sscanf(filepath.Base(p), "pack-%d", &n); err == nil {
			next = max(next, n+1)
		}
	}
	return next
}

// OpenReader opens a store for reading only, beside one that writes or not. Nothing may be created in it.
func OpenReader(dir string) *Store { return &Store{dir: dir, packs: map[uint32]*os.File{}} }

// Close finishes what was committed and closes the files. Documents that are open must be closed before.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()

	if s.queue != nil {
		close(s.queue)
		<-s.done
	}
	var errs []error
	for _, f := range s.packs {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Failures returns how often documents could not be made durable since the store was opened. It takes others all the
// same, once there is room.
func (s *Store) Failures() int64 { return s.failures.Load() }

// BytesRead returns how many bytes were read from disk since the store was opened.
func (s *Store) BytesRead() int64 { return s.read.Load() }

func (s *Store) largePath(id domain.DocumentID) string {
	return filepath.Join(s.dir, "large", id.String())
}

// header makes what stands before the sealed bytes of a document; see the package comment.
func header(id domain.DocumentID, sum uint32, length int64) []byte {
	h := make([]byte, headerSize)
	copy(h, magic)
	binary.BigEndian.PutUint32(h[4:], sum)
	binary.BigEndian.PutUint64(h[8:], uint64(length))
	copy(h[16:], id[:])
	binary.BigEndian.PutUint64(h[32:], uint64(time.Now().Unix()))
	binary.BigEndian.PutUint32(h[40:], crc32.Checksum(h[:40], castagnoli))
	return h
}

// headerSound reports whether a header's own checksum is right.
func headerSound(h []byte) bool {
	return crc32.Checksum(h[:40], castagnoli) == binary.BigEndian.Uint32(h[40:])
}

func putUint48(b []byte, v uint64) {
	for i := range 6 {
		b[i] = byte(v >> (40 - 8*i))
	}
}

func uint48(b []byte) (v int64) {
	for i := range 6 {
		v = v<<8 | int64(b[i])
	}
	return v
}

// syncDir makes durable what was created, renamed and removed in a directory.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
