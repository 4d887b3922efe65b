package filestore

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sort"
	"time"

	"digitalpost/eventstore"
)

// A Beside reads the log in a directory without a lock, with a writer running in another process or not, up to the
// durable position that was published when it was opened. It writes nothing.
type Beside struct {
	dir   string
	names []string
	dur   durable
	ok    bool
	way   way
}

// OpenBeside opens a log for reading only, up to where it is durable now. One goroutine uses what it returns.
func OpenBeside(dir string) (*Beside, error) {
	b := &Beside{dir: dir}
	f, err := os.Open(filepath.Join(dir, "DURABLE"))
	if errors.Is(err, os.ErrNotExist) {
		if _, serr := os.Stat(dir); serr != nil {
			return nil, fmt.Errorf("filestore: there is no log in %s", dir)
		}
	} else if err != nil {
		return nil, err
	} else {
		b.dur, b.ok = readDurable(f)
		b.way = way{looked: time.Now(), last: b.dur.position}
		if st, err := f.Stat(); err == nil && time.Since(st.ModTime()) < lookEvery {
			b.way.pause = underLoad // until the first look tells
		}
		f.Close()
	}

	// After DURABLE: a segment that begins meanwhile holds nothing that was durable then.
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if isSegment(e.Name()) {
			b.names = append(b.names, e.Name())
		}
	}
	sort.Strings(b.names)
	return b, nil
}

// Last returns the position up to which it reads.
func (b *Beside) Last() eventstore.Position { return b.dur.position }

// Development reports whether the log is one of made-up people.
func (b *Beside) Development() (bool, error) {
	if len(b.names) == 0 {
		return false, fmt.Errorf("filestore: no segment in %s", b.dir)
	}
	f, err := os.Open(filepath.Join(b.dir, b.names[0]))
	if err != nil {
		return false, err
	}
	defer f.Close()
	h, err := readHeader(f, b.names[0])
	return h.development, err
}

// Identity gives the log's id, and its incarnation as of the last segment.
func (b *Beside) Identity() (id [16]byte, incarnation uint64, err error) {
	if len(b.names) == 0 {
		return id, 0, fmt.Errorf("filestore: no segment in %s", b.dir)
	}
	last := b.names[len(b.names)-1]
	f, err := os.Open(filepath.Join(b.dir, last))
	if err != nil {
		return id, 0, err
	}
	defer f.Close()
	h, err := readHeader(f, last)
	return h.id, h.incarnation, err
}

// ReadAll yields the events beyond after, checking each record, and ends with a *eventstore.DamageError where the log
// is not what was written.
func (b *Beside) ReadAll(after eventstore.Position) iter.Seq2[eventstore.Event, error] {
	return func(yield func(eventstore.Event, error) bool) {
		if err := b.walk(after, false, func(e eventstore.Event) bool { return yield(e, nil) }); err != nil {
			yield(eventstore.Event{}, err)
		}
	}
}

// Check reads the whole log, with every checksum, the hash of each sealed segment, the versions and previous positions
// of every stream and the order of recorded times, and calls fn for each event. known are positions that others know to
// have been durable.
func (b *Beside) Check(known eventstore.Position, fn func(eventstore.Event) error) (Counts, error) {
	var n Counts
	heads := map[eventstore.Stream]head{}
	var last eventstore.Event
	var failed error
	if !b.ok {
		return n, damage(0, "DURABLE", "it is missing, or its checksum is wrong")
	}

	err := b.walk(0, true, func(e eventstore.Event) bool {
		h := heads[e.Stream]
		switch {
		case e.Version != h.version+1 || e.Previous != h.position:
			failed = damage(e.Position, "stream "+e.Stream.String(),
				fmt.Sprintf("version %d follows version %d", e.Version, h.version))
		case e.Recorded.Before(last.Recorded):
			failed = damage(e.Position, "recorded time", "it runs backwards")
		case e.ID != eventstore.EventID(e.Stream, e.Meta.Command, e.Index):
			failed = damage(e.Position, "event id", "it is not that of its stream, command and index")
		default:
			failed = fn(e)
		}
		heads[e.Stream] = head{e.Position, e.Version}
		last = e
		n.Events++
		return failed == nil
	})

	n.Segments, n.Streams, n.Last = len(b.names), len(heads), last.Position
	if err = errors.Join(err, failed); err != nil {
		return n, err
	}
	if known > last.Position {
		return n, damage(last.Position+1, "end of the log",
			fmt.Sprintf("position %d was in the log, and is not", known))
	}
	return n, nil
}

// Counts is what Check saw.
type Counts struct {
	Segments, Streams, Events int
	Last                      eventstore.Position
}

// walk reads batch after batch. With sums it also compares the hash that each segment holds of the one before.
func (b *Beside) walk(after eventstore.Position, sums bool, fn func(eventstore.Event) bool) error {
	next := eventstore.Position(1)
	var sum [32]byte
	if len(b.names) == 0 && b.dur.position > 0 {
		return damage(1, segmentName(1), "the segment is missing")
	}

	for i, name := range b.names {
		goOn, err := b.walkSegment(name, i == len(b.names)-1, after, sums, &next, &sum, fn)
		if err != nil || !goOn {
			return err
		}
	}
	if next <= b.dur.position {
		return damage(next, "end of the log", fmt.Sprintf("position %d was in the log, and is not", b.dur.position))
	}
	return nil
}

// walkSegment reads one segment, which must begin at next and follow one with the hash sum; it sets both to what the
// one behind it must have. It returns false when fn did.
func (b *Beside) walkSegment(
	name string, live bool, after eventstore.Position, sums bool, next *eventstore.Position, sum *[32]byte,
	fn func(eventstore.Event) bool,
) (bool, error) {
	f, err := os.Open(filepath.Join(b.dir, name))
	if err != nil {
		return false, err
	}
	defer f.Close()
	h, err := readHeader(f, name)
	if err != nil {
		return false, err
	}
	if h.id != b.dur.id && b.ok {
		return false, damage(h.first, name, "it belongs to another log")
	}
	if h.first != *next {
		return false, damage(*next, segmentName(*next), "the segment is missing")
	}
	if sums && h.previous != *sum {
		return false, damage(h.first, name+" header", "the segment before it is not the one that it followed")
	}
	st, err := f.Stat()
	if err != nil {
		return false, err
	}

	hash := sha256.New()
	hash.Write(h.bytes())
	sc := scanner{file: f, at: segmentHeader, end: st.Size(), next: h.first}
	for *next <= b.dur.position {
		at := sc.at
		batch, err := sc.batch()
		if err != nil {
			return false, err
		}
		if batch == nil {
			if live || at < st.Size() {
				return false, b.broken(f, at, st.Size(), *next, name)
			}
			break
		}

		b.way.give(b.dir)
		if sums {
			hash.Write(batch)
		}
		if *next = sc.next; *next <= after+1 && !sums {
			continue
		}

		stop := false
		p := *next - eventstore.Position(binary.BigEndian.Uint32(batch[8:])) // of its first record
		err = records(batch, func(off int, _ []byte) error {
			e, err := decodeAt(batch[off:], p, name, at+int64(off))
			p++
			b.way.give(b.dir)
			if err == nil && e.Position > after && e.Position <= b.dur.position && !fn(e) {
				stop = true
				return io.EOF
			}
			return err
		})
		if stop {
			return false, nil
		}
		if err != nil {
			if !errors.Is(err, eventstore.ErrDamaged) {
				err = damage(p, placeOf(name, at), err.Error())
			}
			return false, err
		}
	}
	*sum = [32]byte(hash.Sum(nil))
	return true, nil
}

// broken finds, in a batch that is not whole, the record that is not.
func (b *Beside) broken(f io.ReaderAt, at, end int64, p eventstore.Position, name string) error {
	buf := make([]byte, min(end-at, maxBody+batchHeader))
	n, _ := f.ReadAt(buf, at)
	buf = buf[:n]
	if len(buf) > batchHeader && string(buf[:4]) == batchMarker {
		count := int(binary.BigEndian.Uint32(buf[8:]))
		off := batchHeader
		for i := 0; i < count && off < len(buf); i++ {
			rec, ok := frame(buf[off:])
			if !ok {
				return damage(p+eventstore.Position(i), placeOf(name, at+int64(off)),
					"the record's checksum or length is wrong")
			}
			off += recordHeader + len(rec)
		}
	}

	return damage(p, placeOf(name, at), "the batch is cut short, or its header or checksum is wrong")
}

// LogID returns the id of the log in dir, if there is one.
func LogID(dir string) (id [16]byte, ok bool) {
	b, err := OpenBeside(dir)
	if err != nil || len(b.names) == 0 {
		return id, false
	}
	f, err := os.Open(filepath.Join(dir, b.names[0]))
	if err != nil {
		return id, false
	}
	defer f.Close()
	h, err := readHeader(f, b.names[0])
	return h.id, err == nil
}
