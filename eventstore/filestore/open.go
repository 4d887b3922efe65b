package filestore

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"digitalpost/eventstore"
)

// openSegments opens the segments named, checks that they follow one another, and brings the last one in order.
func (s *Store) openSegments(names []string, dur durable) error {
	next := eventstore.Position(1)
	for i, name := range names {
		f, err := s.fs.Open(name)
		if err != nil {
			return err
		}
		seg := &segment{name: name, file: f, first: next, sealed: i < len(names)-1}
		s.segs = append(s.segs, seg)
		h, err := readHeader(f, name)
		if err != nil {
			return err
		}
		if i == 0 {
			s.id, s.inc = h.id, h.incarnation
			if h.development != s.cfg.Development {
				is := "a production log"
				if h.development {
					is = "of made-up people (development)"
				}
				return fmt.Errorf("filestore: %w: the log is %s", ErrOtherMode, is)
			}
		}
		if h.id != s.id || h.incarnation < s.inc {
			return damage(h.first, name, "it belongs to another log")
		}
		s.inc, seg.incarnation = h.incarnation, h.incarnation
		if h.first != next {
			return damage(next, segmentName(next), fmt.Sprintf("the segment is missing; the next one is %s", name))
		}

		if seg.sealed {
			err = s.openSealed(seg)
		} else {
			err = s.openLive(seg, dur)
		}
		if err != nil {
			return err
		}
		next += eventstore.Position(seg.count())
	}
	return nil
}

// ErrOtherMode says that a development log was opened for production, or the other way round.
var ErrOtherMode = errors.New("log of another mode")

// end is the position behind the last record whose offset is known.
func (g *segment) end() eventstore.Position { return g.first + eventstore.Position(len(g.offsets)) }

// count is how many records the segment holds.
func (g *segment) count() int {
	if g.index != nil {
		return g.index.count
	}
	return len(g.offsets)
}

// openSealed takes the index of a sealed segment, or reads the segment and builds the index again: a crash may have
// come before it was written.
func (s *Store) openSealed(seg *segment) error {
	size, err := seg.file.Size()
	if err != nil {
		return err
	}

	seg.size = size
	if ix, err := openIndex(s.fs, seg.name, seg.first, size); err == nil {
		seg.index = ix
		return nil
	}

	if err := scanOffsets(seg, size, nil); err != nil {
		return err
	}

	if seg.size != size {
		return damage(seg.end(), placeOf(seg.name, seg.size), "a sealed segment holds something else than batches")
	}

	s.buildIndex(seg)
	return nil
}

// scanOffsets notes where the records of a segment lie, up to the first thing that is no whole batch, and hands the
// bytes to sum.
func scanOffsets(seg *segment, end int64, sum func([]byte)) error {
	sc := scanner{file: seg.file, at: segmentHeader, end: end, next: seg.first}
	for {
		at := sc.at
		b, err := sc.batch()
		if err != nil {
			return err
		}

		if b == nil {
			seg.size = at
			return nil
		}

		err = records(b, func(off int, _ []byte) error {
			seg.offsets = append(seg.offsets, uint32(at)+uint32(off))
			return nil
		})
		if err != nil {
			return damage(seg.end(), placeOf(seg.name, at), err.Error())
		}

		if sum != nil {
			sum(b)
		}
	}
}

// openLive reads the last segment and cuts off what a crash left of a batch that nobody was told of.
func (s *Store) openLive(seg *segment, dur durable) error {
	end, err := seg.file.Size()
	if err != nil {
		return err
	}
	seg.hash = sha256.New()
	head := make([]byte, segmentHeader)
	if _, err := seg.file.ReadAt(head, 0); err != nil {
		return err
	}
	seg.hash.Write(head)
	if err := scanOffsets(seg, end, func(b []byte) { seg.hash.Write(b) }); err != nil {
		return err
	}

	zeros, follows, err := remains(seg.file, seg.size, end)
	if err != nil {
		return err
	}
	next, place := seg.end(), placeOf(seg.name, seg.size)
	switch known := s.known(dur); {
	case known >= next:
		return damage(next, place, fmt.Sprintf("position %d was in the log, and is not", known))
	case follows:
		return damage(next, place, "a broken batch stands before a whole one")
	case !zeros: // a torn write: only the last commit can be, and nobody was told of it
		// Synced before the next batch is written over the place. A crash within this leaves the torn bytes or the cut
		// segment, and the next Open does the same again.
		if err := errors.Join(seg.file.Truncate(seg.size), seg.file.Sync()); err != nil {
			return err
		}
	}

	// A segment that was cut, here or by a seal that did not come to its end, gets its room with what is written next.
	if seg.room = end; !zeros {
		seg.room = seg.size
	}
	return s.harden(seg, dur)
}

// harden makes durable what Open takes up behind DURABLE. A kill between a batch's write and its sync leaves it in the
// page cache alone; a sync that failed leaves it there marked clean, so that a sync alone would not write it. It is
// therefore written again, synced, and read back from the disk where the platform can be asked to.
//
// A crash in here leaves what was there before: the bytes are the same, and nobody has been told of them yet.
func (s *Store) harden(seg *segment, dur durable) error {
	from, next := int64(segmentHeader), seg.first
	switch i := int(dur.position) - int(seg.first) + 1; {
	case i >= len(seg.offsets): // all of it was synced before DURABLE said so
		return errors.Join(seg.file.Sync(), s.fs.SyncDir())
	case i > 0:
		from, next = int64(seg.offsets[i])-batchHeader, dur.position+1
	}

	b := make([]byte, min(1<<20, seg.size-from))
	for at := from; at < seg.size; at += int64(len(b)) {
		b = b[:min(int64(len(b)), seg.size-at)]
		if _, err := seg.file.ReadAt(b, at); err != nil {
			return err
		}
		if _, err := seg.file.WriteAt(b, at); err != nil {
			return fmt.Errorf("write the tail of %s again: %w", seg.name, err)
		}
	}
	if err := errors.Join(seg.file.Sync(), s.fs.SyncDir()); err != nil {
		return fmt.Errorf("sync the tail of %s: %w", seg.name, err)
	}

	seg.file.Uncache(from, seg.size-from)
	sc := scanner{file: seg.file, at: from, end: seg.size, next: next}
	for sc.at < seg.size {
		if b, err := sc.batch(); err != nil {
			return err
		} else if b == nil {
			return damage(sc.next, placeOf(seg.name, sc.at), "the disk gives back something else than was written")
		}
	}
	return nil
}
