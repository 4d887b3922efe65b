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
				return fmt.Errorf("filestore: %w: the log is %s", ErrOtherMode, map[bool]string{true: "of made-up people (development)", false: "a production log"}[h.development])
			}
		}
		if h.id != s.id || h.incarnation < s.inc {
			return &eventstore.DamageError{Position: h.first, Place: name, Reason: "it belongs to another log"}
		}
		s.inc = h.incarnation
		if h.first != next {
			return &eventstore.DamageError{Position: next, Place: segmentName(next), Reason: fmt.Sprintf("the segment is missing; the next one is %s", name)}
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

func (g *segment) count() int {
	if g.index != nil {
		return g.index.count
	}
	return len(g.offsets)
}

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
		return &eventstore.DamageError{Position: seg.first + eventstore.Position(len(seg.offsets)), Place: fmt.Sprintf("%s byte %d", seg.name, seg.size), Reason: "a sealed segment holds something else than batches"}
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
			return &eventstore.DamageError{Position: seg.first + eventstore.Position(len(seg.offsets)), Place: fmt.Sprintf("%s byte %d", seg.name, at), Reason: err.Error()}
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
	next := seg.first + eventstore.Position(len(seg.offsets))
	damage := func(reason string) error {
		return &eventstore.DamageError{Position: next, Place: fmt.Sprintf("%s byte %d", seg.name, seg.size), Reason: reason}
	}
	switch known := s.known(dur); {
	case known >= next:
		return damage(fmt.Sprintf("position %d was in the log, and is not", known))
	case follows:
		return damage("a broken batch stands before a whole one")
	case !zeros: // a torn write: only the last commit can be, and nobody was told of it
		if err := errors.Join(seg.file.Truncate(seg.size), seg.file.Sync()); err != nil {
			return err
		}
	}
	if end < s.cfg.SegmentSize || !zeros {
		if err := errors.Join(seg.file.Allocate(s.cfg.SegmentSize), seg.file.Sync()); err != nil {
			return fmt.Errorf("allocate %s: %w", seg.name, err)
		}
	}
	return nil
}
