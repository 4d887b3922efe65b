package documents

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"digitalpost/domain"
)

// A Document is open for reading at any place. It may be used by many goroutines at once.
type Document struct {
	s      *Store
	f      *os.File
	at     int64
	done   func()
	aead   cipher.AEAD
	length int64
}

// Open opens a document of length bytes with its key. Close lets go of it. That the bytes are sound is found out when
// they are read, chunk by chunk.
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

// ReadAt reads and opens the chunks that the range touches, and no others. A chunk that is not what was written is
// ErrDamaged, and nothing of it is given.
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

// place returns the file that holds a document, and where its header begins.
func (s *Store) place(id domain.DocumentID) (f *os.File, at int64, done func(), err error) {
	n := binary.BigEndian.Uint32(id[:])
	if n == largeNumber {
		f, err := os.Open(s.largePath(id))
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%w: document %s: %w", ErrDamaged, id, err)
		}
		return f, 0, func() { f.Close() }, nil
	}

	// Held while a pack is opened, so that each is opened once; it stays open until the store closes.
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

// Check reads a document's sealed bytes in full and compares header, checksum and hash with what the event says. What
// does not agree is ErrDamaged, with the file and the byte where the document begins.
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
	case !headerSound(h) || string(h[:4]) != magic || domain.DocumentID(h[16:32]) != id:
		return fmt.Errorf("%w: %s: its header is wrong", ErrDamaged, where)
	case int64(binary.BigEndian.Uint64(h[8:])) != sealedLength(length):
		return fmt.Errorf("%w: %s: it is of another length", ErrDamaged, where)
	}

	sum, hash := crc32.New(castagnoli), sha256.New()
	sealed := io.NewSectionReader(f, at+headerSize, sealedLength(length))
	if _, err := io.Copy(io.MultiWriter(sum, hash), sealed); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if sum.Sum32() != binary.BigEndian.Uint32(h[4:]) || string(hash.Sum(nil)) != string(sealedHash) {
		return fmt.Errorf("%w: %s: its bytes are not those that were written", ErrDamaged, where)
	}
	return nil
}

func sealedLength(length int64) int64 {
	return length + tag*max(1, (length+chunk-1)/chunk)
}
