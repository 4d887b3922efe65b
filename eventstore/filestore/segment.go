package filestore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"digitalpost/eventstore"
)

const (
	segmentHeader = 512
	batchHeader   = 24
	recordHeader  = 8
	segmentMagic  = "DPLOG\r\n\x1a"
	batchMarker   = "DPB1"
	formatVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// damage says that what lies at a place is not what was written. The position is the first that is touched; 0: none is
// known.
func damage(p eventstore.Position, place, reason string) error {
	return &eventstore.DamageError{Position: p, Place: place, Reason: reason}
}

// placeOf names a byte of a file.
func placeOf(name string, at int64) string { return fmt.Sprintf("%s byte %d", name, at) }

func segmentName(first eventstore.Position) string { return fmt.Sprintf("log-%020d", first) }

func isSegment(name string) bool {
	return strings.HasPrefix(name, "log-") && len(name) == len("log-")+20
}

// A segment is one file of the log. The store's mutex guards its fields.
type segment struct {
	incarnation uint64
	name        string
	first       eventstore.Position
	file        File
	size        int64    // end of the last batch
	room        int64    // of the live segment: how long it is made, zeros behind size
	offsets     []uint32 // where each record's frame begins; nil once an index holds them
	index       *index
	hash        hash.Hash // over all bytes up to size; the live segment's only
	sum         [32]byte  // that of a segment sealed in this process
	sealed      bool
}

func (g *segment) close() error {
	if g.index != nil {
		return errors.Join(g.index.file.Close(), g.file.Close())
	}
	return g.file.Close()
}

// A header is what a segment begins with.
type header struct {
	development bool
	id          [16]byte
	incarnation uint64
	first       eventstore.Position
	previous    [32]byte
}

func (h header) bytes() []byte {
	b := make([]byte, segmentHeader)
	copy(b, segmentMagic)
	binary.BigEndian.PutUint32(b[8:], formatVersion)
	if h.development {
		b[15] = 1
	}
	copy(b[16:], h.id[:])
	binary.BigEndian.PutUint64(b[32:], h.incarnation)
	binary.BigEndian.PutUint64(b[40:], uint64(h.first))
	copy(b[48:], h.previous[:])
	binary.BigEndian.PutUint32(b[segmentHeader-4:], crc32.Checksum(b[:segmentHeader-4], castagnoli))
	return b
}

func readHeader(f io.ReaderAt, name string) (header, error) {
	b := make([]byte, segmentHeader)
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		return header{}, err
	}
	bad := func(reason string) (header, error) {
		var p eventstore.Position
		fmt.Sscanf(strings.TrimPrefix(name, "log-"), "%d", &p)
		return header{}, damage(p, name+" header", reason)
	}
	if crc32.Checksum(b[:segmentHeader-4], castagnoli) != binary.BigEndian.Uint32(b[segmentHeader-4:]) {
		return bad("its checksum is wrong")
	}
	if string(b[:8]) != segmentMagic || binary.BigEndian.Uint32(b[8:]) != formatVersion {
		return bad("it is of another format version")
	}

	h := header{
		development: b[15]&1 == 1,
		id:          [16]byte(b[16:32]),
		incarnation: binary.BigEndian.Uint64(b[32:]),
		first:       eventstore.Position(binary.BigEndian.Uint64(b[40:])),
		previous:    [32]byte(b[48:80]),
	}
	if segmentName(h.first) != name {
		return bad(fmt.Sprintf("it begins at position %d", h.first))
	}
	return h, nil
}

// appendRecord appends a framed record to a batch.
func appendRecord(buf []byte, d *eventstore.Draft, p eventstore.Position, now time.Time) ([]byte, error) {
	at := len(buf)
	buf = append(buf, 0, 0, 0, 0, 0, 0, 0, 0)
	buf, err := d.Finish(buf, p, now)
	if err != nil {
		return buf, err
	}
	body := buf[at+recordHeader:]
	binary.BigEndian.PutUint32(buf[at:], uint32(len(body)))
	binary.BigEndian.PutUint32(buf[at+4:], crc32.Checksum(body, castagnoli))
	return buf, nil
}

// sealBatch fills in the header of the batch that buf is.
func sealBatch(buf []byte, first eventstore.Position, count int) {
	copy(buf, batchMarker)
	binary.BigEndian.PutUint32(buf[4:], uint32(len(buf)-batchHeader))
	binary.BigEndian.PutUint32(buf[8:], uint32(count))
	binary.BigEndian.PutUint64(buf[16:], uint64(first))
	binary.BigEndian.PutUint32(buf[12:], batchSum(buf))
}

// batchSum is the checksum of a batch: of all its bytes but the checksum's own.
func batchSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[16:])
}

// frame returns the record at the start of b, or false if what lies there is none.
func frame(b []byte) (record []byte, ok bool) {
	if len(b) < recordHeader {
		return nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if n > eventstore.MaxRecord || int(n) > len(b)-recordHeader {
		return nil, false
	}
	record = b[recordHeader : recordHeader+n]
	return record, crc32.Checksum(record, castagnoli) == binary.BigEndian.Uint32(b[4:])
}

// A scanner reads the batches of a segment one after another.
type scanner struct {
	file io.ReaderAt
	at   int64 // where the next batch begins
	end  int64 // where the file ends
	next eventstore.Position
	buf  []byte
}

const maxBody = maxBatchBytes + 2*eventstore.MaxAppendBytes + maxBatchRecords*64

// batch reads the next whole batch. It returns nil, nil where no batch begins: at the end, or at something broken.
func (s *scanner) batch() ([]byte, error) {
	var h [batchHeader]byte
	if s.at+batchHeader > s.end {
		return nil, nil
	}
	if _, err := s.file.ReadAt(h[:], s.at); err != nil && err != io.EOF {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(h[4:]))
	first := eventstore.Position(binary.BigEndian.Uint64(h[16:]))
	if string(h[:4]) != batchMarker || n > maxBody || s.at+batchHeader+n > s.end || first != s.next {
		return nil, nil
	}

	if int64(cap(s.buf)) < batchHeader+n {
		s.buf = make([]byte, batchHeader+n)
	}
	b := s.buf[:batchHeader+n]
	if _, err := s.file.ReadAt(b, s.at); err != nil && err != io.EOF {
		return nil, err
	}
	if batchSum(b) != binary.BigEndian.Uint32(b[12:]) {
		return nil, nil
	}

	s.at += int64(len(b))
	s.next += eventstore.Position(binary.BigEndian.Uint32(b[8:]))
	return b, nil
}

// records calls fn with the offset within b, and the bytes, of each record of a whole batch.
func records(b []byte, fn func(offset int, record []byte) error) error {
	count := int(binary.BigEndian.Uint32(b[8:]))
	at := batchHeader
	for range count {
		rec, ok := frame(b[at:])
		if !ok {
			return fmt.Errorf("record at byte %d of its batch: its checksum or length is wrong", at)
		}

		if err := fn(at, rec); err != nil {
			return err
		}

		at += recordHeader + len(rec)
	}

	if at != len(b) {
		return fmt.Errorf("batch is %d bytes longer than its records", len(b)-at)
	}

	return nil
}

// remains returns what lies in a file from byte at on: only zeros, or else whether a whole batch begins somewhere after
// it.
func remains(f io.ReaderAt, at, end int64) (zeros, wholeBatch bool, err error) {
	zeros = true
	buf := make([]byte, 1<<20)
	for off := at; off < end; {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), end-off)], off)
		if err != nil && err != io.EOF {
			return false, false, err
		}

		if n == 0 {
			break
		}

		b := buf[:n]
		if zeros && len(bytes.TrimLeft(b, "\x00")) > 0 {
			zeros = false
		}

		for i := 0; ; {
			j := bytes.Index(b[i:], []byte(batchMarker))
			if j < 0 {
				break
			}

			i += j
			if wholeBatchAt(f, off+int64(i), end) {
				return false, true, nil
			}

			i++
		}

		if n < len(batchMarker) {
			break
		}

		off += int64(n) - int64(len(batchMarker)) + 1
		if off+int64(len(batchMarker)) > end {
			break
		}
	}

	return zeros, false, nil
}

// wholeBatchAt reports whether a whole batch, of whatever position, begins at a byte.
func wholeBatchAt(f io.ReaderAt, at, end int64) bool {
	var h [batchHeader]byte
	if _, err := f.ReadAt(h[:], at); err != nil {
		return false
	}
	s := scanner{file: f, at: at, end: end, next: eventstore.Position(binary.BigEndian.Uint64(h[16:]))}
	b, err := s.batch()
	return err == nil && b != nil
}

// begin makes a segment that was prepared the live one: header, sync, rename, sync of the directory. A crash leaves
// either no new segment or an empty one.
func (s *Store) begin(c *coming, first eventstore.Position, previous [32]byte) error {
	name, f := c.name, c.file
	head := header{
		development: s.cfg.Development,
		id:          s.id,
		incarnation: s.inc,
		first:       first,
		previous:    previous,
	}.bytes()

	if _, err := f.WriteAt(head, 0); err != nil {
		return errors.Join(err, f.Close())
	}

	// A file has a segment's name only with a whole header, synced. A crash before the rename leaves a temporary file,
	// which Open removes; after it an empty segment, in which Open goes on. The directory is synced before anything is
	// appended: a power cut must not take the name of what holds acknowledged events.
	// Nothing is done after a step that failed.
	err := f.Sync()
	if err == nil {
		err = s.fs.Rename(name+".tmp", name)
	}
	if err == nil {
		err = s.fs.SyncDir()
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}

	h := sha256.New()
	h.Write(head)
	s.mu.Lock()
	s.segs = append(s.segs, &segment{
		name: name, first: first, incarnation: s.inc, file: f, size: segmentHeader, room: c.room, hash: h,
	})
	s.mu.Unlock()
	return nil
}

// roll seals the live segment and begins the next one. Only the writer calls it, between two batches.
func (s *Store) roll() error {
	live := s.segs[len(s.segs)-1]
	first := live.first + eventstore.Position(len(live.offsets))

	// The next one's room first: where there is none, nothing has happened, and the live one goes on.
	next, err := s.cfg.prepare(s.fs, first)
	if err != nil {
		return err
	}

	// Cut to its length and synced, before the next one's header holds its hash. A crash after the cut leaves a short
	// last segment: Open allocates it again and goes on in it. DURABLE is synced here, and so is never further behind
	// than the live segment's beginning.
	if err := errors.Join(live.file.Truncate(live.size), live.file.Sync(), s.durFile.Sync()); err != nil {
		return fmt.Errorf("seal %s: %w", live.name, err)
	}

	sum := [32]byte(live.hash.Sum(nil))
	if err := s.begin(next, first, sum); err != nil {
		return err
	}
	s.mu.Lock()
	live.sealed, live.sum, live.hash = true, sum, nil
	s.mu.Unlock()

	// Beside the writer: index and HEADS are derived. Without the index, the offsets in memory serve, and the next Open
	// builds it; without the heads, the next Open reads more of the log. Close waits for this.
	s.build.Add(1)
	go func() {
		defer s.build.Done()
		s.buildIndex(live)
		if s.stopped() == nil {
			s.saveHeads()
		}
	}()
	return nil
}
