package documents

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"

	"digitalpost/domain"
)

// A Writer takes a document in, chunk by chunk. It holds at most 1 MiB of it; a larger one goes to its file as it
// comes. One goroutine uses it, and ends it with Commit or Abort.
type Writer struct {
	s      *Store
	key    []byte
	aead   cipher.AEAD
	plain  []byte // the chunk that is being filled
	chunks int64
	length int64
	buf    []byte // sealed bytes that are not in a file yet
	sum    uint32
	hash   hash.Hash
	file   *os.File
	id     domain.DocumentID // of a large document
	sealed int64
}

// A Ref is all that is needed to find, check and read a document.
type Ref struct {
	ID         domain.DocumentID
	Length     int64
	SealedHash []byte // SHA-256 of the sealed bytes
	Key        []byte
}

// chunks are lent to writers: each needs one of 64 KiB.
var chunks = sync.Pool{New: func() any { b := make([]byte, 0, chunk); return &b }}

// Create begins a document under a new random key. Nothing of it is kept before Commit.
func (s *Store) Create() *Writer {
	w := &Writer{s: s, key: make([]byte, 32), hash: sha256.New(), plain: *chunks.Get().(*[]byte)}
	rand.Read(w.key)
	block, err := aes.NewCipher(w.key)
	if err == nil {
		w.aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		panic(err) // the key is 32 bytes
	}
	return w
}

// Length returns how many bytes were written.
func (w *Writer) Length() int64 { return w.length }

// Write takes in more of the document. After an error the writer is good for Abort alone.
func (w *Writer) Write(p []byte) (n int, err error) {
	for n < len(p) {
		c := min(chunk-len(w.plain), len(p)-n)
		w.plain = append(w.plain, p[n:n+c]...)
		n += c
		w.length += int64(c)
		if len(w.plain) == chunk {
			if err := w.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// flush seals the chunk. Beyond 1 MiB the sealed bytes go to a file of their own.
func (w *Writer) flush() error {
	at := len(w.buf)
	w.buf = w.aead.Seal(w.buf, nonce(w.chunks), w.plain, nil)
	w.chunks++
	w.plain = w.plain[:0]
	w.hash.Write(w.buf[at:])
	w.sum = crc32.Update(w.sum, castagnoli, w.buf[at:])

	if w.file == nil && len(w.buf) > packable {
		binary.BigEndian.PutUint32(w.id[:], largeNumber)
		rand.Read(w.id[4:])
		name := w.s.largePath(w.id) + ".tmp"
		var err error
		if w.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return err
		}
	}

	if w.file == nil {
		return nil
	}
	_, err := w.file.WriteAt(w.buf, headerSize+w.sealed)
	w.sealed += int64(len(w.buf))
	w.buf = w.buf[:0]
	return err
}

// Commit makes the document durable. When it returns nil, the document outlives a power cut. An error may leave bytes
// that no event names, which are swept. It ends the writer, whatever it returns.
func (w *Writer) Commit() (Ref, error) {
	if len(w.plain) > 0 || w.chunks == 0 {
		if err := w.flush(); err != nil {
			return Ref{}, errors.Join(err, w.Abort())
		}
	}
	ref := Ref{Length: w.length, SealedHash: w.hash.Sum(nil), Key: w.key}
	w.recycle()

	if w.file != nil {
		return w.commitLarge(ref)
	}
	return w.commitPacked(ref)
}

// commitLarge gives a document that has a file of its own its name.
func (w *Writer) commitLarge(ref Ref) (Ref, error) {
	path := w.s.largePath(w.id)
	_, err := w.file.WriteAt(header(w.id, w.sum, w.sealed), 0)
	if err = errors.Join(err, w.file.Sync(), w.file.Close()); err != nil {
		return Ref{}, errors.Join(err, os.Remove(path+".tmp"))
	}

	// Synced before the rename, so that a file with a final name is whole. A crash before the rename leaves a
	// temporary file, which Open removes; after it a document that no event names yet, which Sweep frees. The folder is
	// synced before the id is given away: else a power cut could take the name back.
	ref.ID = w.id
	if err := os.Rename(path+".tmp", path); err != nil {
		return Ref{}, errors.Join(err, os.Remove(path+".tmp"))
	}
	return ref, syncDir(filepath.Dir(path))
}

// commitPacked hands the document to the goroutine that writes packs, and waits for its sync.
func (w *Writer) commitPacked(ref Ref) (Ref, error) {
	c := &commit{w: w, done: make(chan struct{})}
	w.s.mu.Lock()
	closed := w.s.closed
	if !closed {
		w.s.queue <- c
	}
	w.s.mu.Unlock()

	if closed {
		return Ref{}, os.ErrClosed
	}
	<-c.done
	ref.ID = c.id
	return ref, c.err
}

// Abort ends the writer, and forgets what was written.
func (w *Writer) Abort() error {
	w.recycle()
	if w.file == nil {
		return nil
	}
	return errors.Join(w.file.Close(), os.Remove(w.file.Name()))
}

func (w *Writer) recycle() {
	if w.plain != nil {
		p := w.plain[:0]
		chunks.Put(&p)
		w.plain = nil
	}
}
