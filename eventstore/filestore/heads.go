package filestore

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"digitalpost/eventstore"
)

// A head is where a stream ends.
type head struct {
	position eventstore.Position
	version  eventstore.Version
}

// heads knows where each stream stands, in shards so that a copy never holds up the writer for long.
type heads struct {
	shards [64]struct {
		sync.RWMutex
		m map[eventstore.Stream]head
	}
}

func newHeads() *heads {
	h := &heads{}
	for i := range h.shards {
		h.shards[i].m = map[eventstore.Stream]head{}
	}
	return h
}

func (h *heads) get(s eventstore.Stream) head {
	sh := &h.shards[s.ID[15]%64]
	sh.RLock()
	defer sh.RUnlock()
	return sh.m[s]
}

func (h *heads) set(s eventstore.Stream, to head) {
	sh := &h.shards[s.ID[15]%64]
	sh.Lock()
	sh.m[s] = to
	sh.Unlock()
}

// all copies the heads shard by shard. Heads of later shards may be newer than those of earlier ones; all are durable.
func (h *heads) all(fn func(eventstore.Stream, head) error) error {
	for i := range h.shards {
		sh := &h.shards[i]
		sh.RLock()
		copied := make(map[eventstore.Stream]head, len(sh.m))
		for k, v := range sh.m {
			copied[k] = v
		}

		sh.RUnlock()
		for k, v := range copied {
			if err := fn(k, v); err != nil {
				return err
			}
		}
	}

	return nil
}

// The heads file: magic "DPHEADS1" (8), log id (16), incarnation (8), position (8), then entries: length of kind (1),
// kind, id (16), position (8), version (8); an entry of kind length 0 ends it; checksum of all before it (4).
const headsMagic = "DPHEADS1"

// saveHeads writes HEADS: temporary file, fsync, rename, fsync of the directory. A crash leaves the old one.
func (s *Store) saveHeads() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	if err := s.fs.Remove("HEADS.tmp"); err != nil {
		_ = err // it is not there, as a rule
	}
	f, err := s.fs.Open("HEADS.tmp")
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	out := &offsetWriter{f: f}
	w := bufio.NewWriterSize(io.MultiWriter(out, sum), 1<<18)
	at := s.last.Load() // before the heads: those that are newer than it are set again when the log is read from it on
	w.WriteString(headsMagic)
	w.Write(s.id[:])
	w.Write(binary.BigEndian.AppendUint64(nil, s.inc))
	w.Write(binary.BigEndian.AppendUint64(nil, at))

	var b []byte
	err = s.heads.all(func(st eventstore.Stream, h head) error {
		b = append(b[:0], byte(len(st.Kind)))
		b = append(b, st.Kind...)
		b = append(b, st.ID[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(h.position))
		b = binary.BigEndian.AppendUint64(b, uint64(h.version))
		_, err := w.Write(b)
		return err
	})
	w.WriteByte(0)
	err = errors.Join(err, w.Flush())
	_, werr := out.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	if err = errors.Join(err, werr, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write HEADS: %w", err)
	}

	// Synced before the rename, so that a file with this name is whole. A crash before the rename leaves the old one
	// and a temporary file, which Open removes; after it the new one, or the old one if the directory was not synced.
	// Either is true as far as it goes, and Open reads the rest from the log.
	return errors.Join(s.fs.Rename("HEADS.tmp", "HEADS"), s.fs.SyncDir())
}

// An offsetWriter writes a file from its beginning on.
type offsetWriter struct {
	f  File
	at int64
}

func (w *offsetWriter) Write(b []byte) (int, error) {
	n, err := w.f.WriteAt(b, w.at)
	w.at += int64(n)
	return n, err
}

// loadHeads takes the heads from their file, if it is whole, of this log and not beyond it, and the rest from the log.
func (s *Store) loadHeads() error {
	from := eventstore.Position(0)
	live := s.segs[len(s.segs)-1]
	end := live.first + eventstore.Position(live.count()) - 1
	if h, at, ok := s.readHeads(); ok && at <= end {
		s.heads, from = h, at
	}
	for e, err := range s.readRange(from, end) {
		if err != nil {
			return err
		}
		s.heads.set(e.Stream, head{position: e.Position, version: e.Version})
	}
	return nil
}

// readHeads reads HEADS, and up to which position it has all; false if it is not there, not whole or of another log.
func (s *Store) readHeads() (*heads, eventstore.Position, bool) {
	f, err := s.fs.Open("HEADS")
	if err != nil {
		return nil, 0, false
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil || size < 45 {
		return nil, 0, false
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, 0, false
	}

	body := b[:size-4]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[size-4:]) || string(b[:8]) != headsMagic ||
		[16]byte(b[8:24]) != s.id || binary.BigEndian.Uint64(b[24:]) != s.inc {
		return nil, 0, false
	}

	h := newHeads()
	for b := body[40:]; len(b) > 0 && b[0] > 0; {
		n := int(b[0])
		if len(b) < 1+n+32 {
			return nil, 0, false
		}
		st := eventstore.Stream{Kind: eventstore.Kind(b[1 : 1+n]), ID: [16]byte(b[1+n : 17+n])}
		h.set(st, head{
			position: eventstore.Position(binary.BigEndian.Uint64(b[17+n:])),
			version:  eventstore.Version(binary.BigEndian.Uint64(b[25+n:])),
		})
		b = b[33+n:]
	}
	return h, eventstore.Position(binary.BigEndian.Uint64(b[32:])), true
}
