package filestore

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"sort"

	"digitalpost/eventstore"
)

// Last returns the durable position.
func (s *Store) Last() eventstore.Position { return eventstore.Position(s.last.Load()) }

// RecordsRead returns how many records were read since the log was opened, by whomever.
func (s *Store) RecordsRead() uint64 { return s.reads.Load() }

// Head returns a stream's version and last position.
func (s *Store) Head(st eventstore.Stream) (eventstore.Version, eventstore.Position) {
	h := s.heads.get(st)
	return h.version, h.position
}

// Wait returns once the log reaches beyond after; see eventstore.Reader. Once the store has stopped it returns why.
func (s *Store) Wait(ctx context.Context, after eventstore.Position) error {
	for {
		// The channel before the position: what grows the log in between closes this very channel.
		s.wake.Lock()
		ch := s.wake.ch
		s.wake.Unlock()
		if s.Last() > after {
			return nil
		}

		if err := s.stopped(); err != nil {
			return err
		}

		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wakeAll wakes those who wait. It comes after the position, or the reason to stop, is there to be seen.
func (s *Store) wakeAll() {
	s.wake.Lock()
	close(s.wake.ch)
	s.wake.ch = make(chan struct{})
	s.wake.Unlock()
}

// ReadAll yields the log beyond after; see eventstore.Reader.
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Event, error] {
	return func(yield func(eventstore.Event, error) bool) {
		n := 0
		for e, err := range s.readRange(after, s.Last()) {
			if n++; err == nil && n%256 == 1 {
				err = ctx.Err()
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// segmentOf returns the segment that holds position p, its offsets and its index, as they are now.
func (s *Store) segmentOf(p eventstore.Position) (seg *segment, offsets []uint32, ix *index, size int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i := sort.Search(len(s.segs), func(i int) bool { return s.segs[i].first > p }) - 1
	if i < 0 {
		return nil, nil, nil, 0
	}
	seg = s.segs[i]
	return seg, seg.offsets, seg.index, seg.size
}

// locate returns where the frame of position p begins.
func (s *Store) locate(p eventstore.Position) (*segment, int64, int64, error) {
	seg, offsets, ix, size := s.segmentOf(p)
	if seg == nil {
		return nil, 0, 0, fmt.Errorf("filestore: no segment holds position %d", p)
	}
	i := int(p - seg.first)
	if ix != nil {
		off, err := ix.offset(i)
		return seg, off, size, err
	}
	if i >= len(offsets) {
		return nil, 0, 0, fmt.Errorf("filestore: position %d is beyond the log", p)
	}
	return seg, int64(offsets[i]), size, nil
}

const (
	readChunk = 256 << 10
	few       = 16 // records that are read one by one: whoever follows the log reads what has just come
)

// readRange yields the events beyond after through last, which must be in the log.
func (s *Store) readRange(after, last eventstore.Position) iter.Seq2[eventstore.Event, error] {
	return func(yield func(eventstore.Event, error) bool) {
		if last <= after+few {
			for p := after + 1; p <= last; p++ {
				if e, err := s.readAt(p); !yield(e, err) || err != nil {
					return
				}
			}
			return
		}

		var buf []byte
		var seg *segment
		var from, upto int64 // what part of seg buf holds
		for p := after + 1; p <= last; p++ {
			at, off, size, err := s.locate(p)
			if err != nil {
				yield(eventstore.Event{}, err)
				return
			}
			if at != seg || off < from || off+recordHeader > upto || !whole(buf[off-from:upto-from]) {
				if buf == nil {
					buf = make([]byte, readChunk)
				}
				buf = buf[:min(int64(readChunk), size-off)] // it has room for any record
				n, err := at.file.ReadAt(buf, off)
				if err != nil && err != io.EOF {
					yield(eventstore.Event{}, fmt.Errorf("read %s: %w", at.name, err))
					return
				}
				seg, from, upto = at, off, off+int64(n)
			}

			s.reads.Add(1)
			e, err := decodeAt(buf[off-from:upto-from], p, seg.name, off)
			if err != nil {
				yield(eventstore.Event{}, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// whole reports whether b holds all of the frame that begins it.
func whole(b []byte) bool {
	return len(b) >= recordHeader && int(binary.BigEndian.Uint32(b))+recordHeader <= len(b)
}

// decodeAt reads the record whose frame begins b, and that is to be at position p.
func decodeAt(b []byte, p eventstore.Position, name string, off int64) (eventstore.Event, error) {
	bad := func(reason string) (eventstore.Event, error) {
		return eventstore.Event{}, damage(p, placeOf(name, off), reason)
	}
	rec, ok := frame(b)
	if !ok {
		return bad("the record's checksum or length is wrong")
	}

	e, err := eventstore.DecodeRecord(rec)
	if err != nil {
		return bad(err.Error())
	}

	if e.Position != p {
		return bad(fmt.Sprintf("the record says position %d", e.Position))
	}

	return e, nil
}

// readAt reads one record, and allocates no more than it takes.
func (s *Store) readAt(p eventstore.Position) (eventstore.Event, error) {
	seg, off, size, err := s.locate(p)
	if err != nil {
		return eventstore.Event{}, err
	}

	// Most records are shorter than this; of a longer one, its frame says how long it is.
	b := make([]byte, min(1024, size-off))
	n, err := seg.file.ReadAt(b, off)
	if b = b[:n]; n >= recordHeader && !whole(b) {
		long := min(int64(binary.BigEndian.Uint32(b)), eventstore.MaxRecord) + recordHeader
		more := make([]byte, min(long, size-off))
		at := copy(more, b)
		n, err = seg.file.ReadAt(more[at:], off+int64(at))
		b = more[:at+n]
	}
	if err != nil && err != io.EOF {
		return eventstore.Event{}, fmt.Errorf("read %s: %w", seg.name, err)
	}

	s.reads.Add(1)
	return decodeAt(b, p, seg.name, off)
}

// ReadStream yields a stream beyond version after; see eventstore.Reader. In the live segment it goes back from the
// head by the previous positions; in sealed ones the index says where its events lie.
func (s *Store) ReadStream(
	ctx context.Context, st eventstore.Stream, after eventstore.Version,
) iter.Seq2[eventstore.Event, error] {
	return func(yield func(eventstore.Event, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(eventstore.Event{}, err)
			return
		}
		places, err := s.places(st, after)
		if err != nil {
			yield(eventstore.Event{}, err)
			return
		}
		for i, p := range places {
			e, err := s.readAt(p)
			if want := after + eventstore.Version(i) + 1; err == nil && (e.Stream != st || e.Version != want) {
				err = damage(p, "stream "+st.String(), fmt.Sprintf("version %d was expected there", want))
			}

			if err == nil && i%256 == 255 {
				err = ctx.Err()
			}

			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// places returns the positions of a stream's events beyond version after, in order.
func (s *Store) places(st eventstore.Stream, after eventstore.Version) ([]eventstore.Position, error) {
	h := s.heads.get(st)
	if h.version <= after {
		return nil, nil
	}
	places := make([]eventstore.Position, h.version-after)
	left := len(places)
	p := h.position
	for left > 0 {
		seg, _, ix, _ := s.segmentOf(p)
		if seg != nil && ix != nil {
			in, err := ix.stream(st)
			if err != nil {
				return nil, err
			}
			for len(in) > 0 && seg.first+eventstore.Position(in[len(in)-1]) > p {
				in = in[:len(in)-1]
			}
			if len(in) == 0 {
				return nil, damage(p, seg.name+".idx", "the index does not know the event")
			}
			for len(in) > 1 && left > 1 {
				left--
				places[left] = seg.first + eventstore.Position(in[len(in)-1])
				in = in[:len(in)-1]
			}
			p = seg.first + eventstore.Position(in[len(in)-1])
		}

		left--
		places[left] = p
		if left == 0 {
			break
		}
		e, err := s.readAt(p)
		if err != nil {
			return nil, err
		}
		if e.Stream != st || e.Previous == 0 {
			return nil, damage(p, "stream "+st.String(), "its events do not lead back to the first")
		}
		p = e.Previous
	}
	return places, nil
}
