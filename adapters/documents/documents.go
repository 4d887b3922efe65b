// Package documents keeps documents: sealed, in pack files, found by the ids it gives.
//
// A document is sealed in chunks of 64 KiB: AES-256-GCM under a random key of its own, the nonce being the chunk's number. Who has id, key and
// length reads any range of it and nothing else; where it lies is told by the id, so nothing is indexed:
//
//	packs/pack-<n>    documents of up to 1 MiB sealed, one behind another; written by a grouped commit with one fdatasync
//	large/<id>        a larger one: temporary name, fsync, rename, fsync of the folder
//
// Before the sealed bytes stands a header of 44 bytes: magic "DPDC" (4), CRC32C of the bytes (4), their number (8), id (16), seconds since
// 1970 (8), CRC32C of the header before it (4). An id is the pack's number (4), the offset of its header (6) and 6 random bytes; the
// number of a large one is 0xffffffff. Space is given back by punching holes or unlinking, never by moving.
//
// A crash before Commit returns leaves bytes that no event names: in a pack they stay until they are swept, a temporary file is
// removed on open.
package documents

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

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
	dir  string
	read atomic.Int64
	err  atomic.Pointer[error] // why no more documents are taken; not under mu, which a sender holds while the queue is full

	queue chan *commit
	done  chan struct{}

	mu     sync.Mutex // guards what follows
	packs  map[uint32]*os.File
	closed bool
}

type commit struct {
	w    *Writer
	id   domain.DocumentID
	err  error
	done chan struct{}
}

// Open opens the store in dir for writing, or begins one.
func Open(dir string) (*Store, error) {
	for _, d := range []string{"packs", "large"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	temps, _ := filepath.Glob(filepath.Join(dir, "large", "*.tmp"))
	for _, f := range temps {
		if err := os.Remove(f); err != nil {
			return nil, err
		}
	}
	s := OpenReader(dir)
	s.queue, s.done = make(chan *commit, 1024), make(chan struct{})
	packs, _ := filepath.Glob(filepath.Join(dir, "packs", "pack-*"))
	go s.write(uint32(max(len(packs), 1)))
	return s, nil
}

// OpenReader opens a store for reading only.
func OpenReader(dir string) *Store { return &Store{dir: dir, packs: map[uint32]*os.File{}} }

// Close finishes what was committed and closes the files.
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

// Err tells why the store takes no more documents, nil while it does. Opening it again is the repair.
func (s *Store) Err() error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}

// BytesRead tells how many bytes were read from disk.
func (s *Store) BytesRead() int64 { return s.read.Load() }

func (s *Store) packPath(n uint32) string {
	return filepath.Join(s.dir, "packs", fmt.Sprintf("pack-%06d", n))
}

func (s *Store) largePath(id domain.DocumentID) string {
	return filepath.Join(s.dir, "large", id.String())
}

// write is the one goroutine that appends to packs.
func (s *Store) write(n uint32) {
	defer close(s.done)
	var f *os.File
	var end int64
	var failed error
	for c := range s.queue {
		batch := []*commit{c}
		size := len(c.w.buf)
		for size < 4<<20 {
			select {
			case c, ok := <-s.queue:
				if ok {
					batch = append(batch, c)
					size += len(c.w.buf)
					continue
				}
			default:
			}
			break
		}
		if failed == nil {
			if f == nil || end > packSize {
				if f != nil {
					failed = f.Close()
					n++
				}
				if failed == nil {
					f, end, failed = s.openPack(n)
				}
			}
		}
		if failed == nil {
			var buf []byte
			for _, c := range batch {
				binary.BigEndian.PutUint32(c.id[:], n)
				putUint48(c.id[4:], uint64(end)+uint64(len(buf)))
				rand.Read(c.id[10:])
				buf = append(buf, header(c.id, c.w.sum, int64(len(c.w.buf)))...)
				buf = append(buf, c.w.buf...)
			}
			if _, failed = f.WriteAt(buf, end); failed == nil {
				failed = unix.Fdatasync(int(f.Fd()))
			}
			end += int64(len(buf))
		}
		if failed != nil {
			err := failed
			s.err.Store(&err)
		}
		for _, c := range batch {
			c.err = failed
			close(c.done)
		}
	}
	if f != nil {
		f.Close()
	}
}

func (s *Store) openPack(n uint32) (*os.File, int64, error) {
	f, err := os.OpenFile(s.packPath(n), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	return f, st.Size(), syncDir(filepath.Join(s.dir, "packs"))
}

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

// place gives the file that holds a document, and where its header begins.
func (s *Store) place(id domain.DocumentID) (f *os.File, at int64, done func(), err error) {
	n := binary.BigEndian.Uint32(id[:])
	if n == largeNumber {
		f, err := os.Open(s.largePath(id))
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%w: document %s: %w", ErrDamaged, id, err)
		}
		return f, 0, func() { f.Close() }, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.packs[n]
	if !ok {
		if f, err = os.Open(s.packPath(n)); err != nil {
			return nil, 0, nil, fmt.Errorf("%w: document %s: %w", ErrDamaged, id, err)
		}
		s.packs[n] = f
	}
	return f, uint48(id[4:]), func() {}, nil
}

func sealedLength(length int64) int64 {
	return length + tag*max(1, (length+chunk-1)/chunk)
}

// Check reads a document's sealed bytes in full and compares header, checksum and hash with what the event says.
func (s *Store) Check(id domain.DocumentID, length int64, sealedHash []byte) error {
	f, at, done, err := s.place(id)
	if err != nil {
		return err
	}
	defer done()
	where := fmt.Sprintf("document %s in %s byte %d", id, filepath.Base(f.Name()), at)
	h := make([]byte, headerSize)
	if _, err := f.ReadAt(h, at); err != nil {
		return fmt.Errorf("%w: %s: header is cut short", ErrDamaged, where)
	}
	switch {
	case crc32.Checksum(h[:40], castagnoli) != binary.BigEndian.Uint32(h[40:]) || string(h[:4]) != magic || domain.DocumentID(h[16:32]) != id:
		return fmt.Errorf("%w: %s: its header is wrong", ErrDamaged, where)
	case int64(binary.BigEndian.Uint64(h[8:])) != sealedLength(length):
		return fmt.Errorf("%w: %s: it is of another length", ErrDamaged, where)
	}
	sum, hash := crc32.New(castagnoli), newHash()
	if _, err := io.Copy(io.MultiWriter(sum, hash), io.NewSectionReader(f, at+headerSize, sealedLength(length))); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if sum.Sum32() != binary.BigEndian.Uint32(h[4:]) || string(hash.Sum(nil)) != string(sealedHash) {
		return fmt.Errorf("%w: %s: its bytes are not those that were written", ErrDamaged, where)
	}
	return nil
}

// Free gives a document's space back. One that is gone already is.
func (s *Store) Free(id domain.DocumentID) error {
	n := binary.BigEndian.Uint32(id[:])
	if n == largeNumber {
		err := os.Remove(s.largePath(id))
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
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
		return nil
	}
	size := headerSize + int64(binary.BigEndian.Uint64(h[8:]))
	err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		_, err = f.WriteAt(make([]byte, size), at)
	}
	return err
}

// A Document is open for reading at any place. It may be used by many goroutines at once.
type Document struct {
	s      *Store
	f      *os.File
	at     int64
	done   func()
	aead   cipher.AEAD
	length int64
}

// Open opens a document of length bytes with its key. Close lets go of it.
func (s *Store) Open(id domain.DocumentID, key []byte, length int64) (*Document, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	f, at, done, err := s.place(id)
	if err != nil {
		return nil, err
	}
	return &Document{s: s, f: f, at: at + headerSize, done: done, aead: aead, length: length}, nil
}

// Close lets go of the document.
func (d *Document) Close() error { d.done(); return nil }

// ReadAt reads and opens the chunks that the range touches, and no others.
func (d *Document) ReadAt(p []byte, off int64) (n int, err error) {
	var buf []byte
	for n < len(p) && off < d.length {
		i := off / chunk
		size := min(chunk, d.length-i*chunk) + tag
		if buf == nil {
			buf = make([]byte, chunk+tag)
		}
		b := buf[:size]
		if _, err := d.f.ReadAt(b, d.at+i*(chunk+tag)); err != nil {
			return n, fmt.Errorf("%w: chunk %d: %w", ErrDamaged, i, err)
		}
		d.s.read.Add(size)
		plain, err := d.aead.Open(b[:0], nonce(i), b, nil)
		if err != nil {
			return n, fmt.Errorf("%w: chunk %d does not open", ErrDamaged, i)
		}
		c := copy(p[n:], plain[off-i*chunk:])
		n, off = n+c, off+int64(c)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func nonce(i int64) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint64(b[4:], uint64(i))
	return b
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Sweep frees what no event names and is older than an hour; named tells of an id whether one does.
func (s *Store) Sweep(now time.Time, named func(domain.DocumentID) (bool, error)) (freed int, err error) {
	old := func(seconds uint64) bool { return now.Sub(time.Unix(int64(seconds), 0)) > time.Hour }
	try := func(h []byte) error {
		if crc32.Checksum(h[:40], castagnoli) != binary.BigEndian.Uint32(h[40:]) || !old(binary.BigEndian.Uint64(h[32:])) {
			return nil
		}
		id := domain.DocumentID(h[16:32])
		if is, err := named(id); err != nil || is {
			return err
		}
		freed++
		return s.Free(id)
	}
	files, _ := filepath.Glob(filepath.Join(s.dir, "*", "*"))
	for _, name := range files {
		if strings.HasSuffix(name, ".tmp") {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return freed, err
		}
		h := make([]byte, headerSize)
		for at := int64(0); ; {
			if _, err := f.ReadAt(h, at); err != nil {
				break
			}
			if string(h[:4]) != magic { // a hole, or what a crash left: go on at the next header
				next, ok := nextHeader(f, at+1)
				if !ok {
					break
				}
				at = next
				continue
			}
			if err := try(h); err != nil {
				return freed, errors.Join(err, f.Close())
			}
			at += headerSize + int64(binary.BigEndian.Uint64(h[8:]))
		}
		if err := f.Close(); err != nil {
			return freed, err
		}
	}
	return freed, nil
}

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
