// Package filestore keeps the log in plain append-only files. It is the default store.
//
// # Files
//
//	log-<first position, 20 digits>       a segment: header, then batches
//	log-<first position, 20 digits>.idx   stream index of a sealed segment; derived, built again when it is missing or bad
//	HEADS                                 stream -> last position and version; derived, ignored when it is bad or foreign
//	DURABLE                               how far the log is on disk, for other processes to see
//	LOCK                                  held (flock) by the one writer, and says who that is
//
// All integers are big-endian, all checksums CRC32C.
//
// Segment header, 512 bytes: magic "DPLOG\r\n\x1a" (8), format version 1 (4), flags (4; bit 0: development), log id
// (16), incarnation (8), first position (8), SHA-256 of the whole previous segment, zeros for the first (32), zeros,
// checksum of all before it (4).
//
// Batch, one commit: marker "DPB1" (4), length of the body (4), records (4), checksum of marker, length, records, first
// position and body (4), first position (8), body. The body is records, each: length (4), checksum (4), bytes
// (eventstore/record.go).
//
// A segment is allocated in full when it is begun; what lies behind its last batch is zeros. Sealing cuts it to its
// length, after which it never changes: archive, copy and check it freely. The next segment's header holds its SHA-256.
//
// DURABLE, 44 bytes: magic "DPDURABL" (8), log id (16), incarnation (8), position (8), checksum (4). It is rewritten
// after each commit's fsync and is not synced itself: whatever it says is true, and after a power cut it may say less.
//
// # Crashes
//
// The one writer goroutine does, for each commit: write the batch, fdatasync, publish (heads, DURABLE), acknowledge. A
// crash
//
//	before the write       leaves nothing; nobody was told
//	within the write       leaves a broken batch: Open cuts it off; nobody was told
//	before the fdatasync   leaves a whole, a broken or no batch; nobody was told
//	after the fdatasync    leaves the whole batch: Open takes it up, told or not
//	within sealing         leaves a cut segment and perhaps a temporary next one: Open removes that and goes on in the cut one
//	within HEADS           leaves a temporary file, or one that is older than the log: Open reads the rest from the log
//
// A broken batch is cut off only if it lies beyond every position that was published, and no whole batch follows;
// anything else is damage: Open names the position and refuses.
package filestore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"digitalpost/eventstore"
)

// A Config says how a store is opened. Its zero value is good for production, with no metrics.
type Config struct {
	// SegmentSize is at most how long a segment grows; 0 means 1 GiB. A batch is never split.
	SegmentSize int64
	// Development marks a new log as one of made-up people. A log that is marked otherwise is refused.
	Development bool
	// Known are positions that others (views, keys) know to have been in the log. A log that ends before one is
	// damaged.
	Known []eventstore.Position
	// Clock is the source of recorded time; nil means the machine's.
	Clock Clock
	// Free returns the free and total bytes of the file system; nil asks it. It is asked at most once a second.
	Free func() (free, total uint64, err error)
	// Metrics, if not nil, are kept up to date.
	Metrics *eventstore.Metrics
	// FS, if not nil, replaces the directory.
	FS FS
}

const (
	maxBatchRecords = 4096
	maxBatchBytes   = 4 << 20
)

// A Store is a log in a directory. It implements eventstore.Store.
type Store struct {
	cfg     Config
	fs      FS
	id      [16]byte
	inc     uint64
	lock    io.Closer
	durFile File
	metrics *eventstore.Metrics

	queue   chan *request
	closing chan struct{} // closed when the writer goroutine is to finish
	done    chan struct{} // closed when it has ended
	build   sync.WaitGroup

	heads *heads
	last  atomic.Uint64 // the durable position
	reads atomic.Uint64 // records read since start

	mu   sync.RWMutex // guards segs (the slice and each segment's fields), held by the writer for moments only
	segs []*segment   // in order; the last is live

	wake struct { // those who wait for the log to grow
		sync.Mutex
		ch chan struct{}
	}
	stop struct { // why no more appends are taken
		sync.RWMutex
		err error
	}

	saving sync.Mutex // held while HEADS is written

	clock clockGuard
	space spaceGuard
}

type request struct {
	ctx      context.Context
	stream   eventstore.Stream
	expected eventstore.ExpectedVersion
	drafts   []eventstore.Draft
	confirm  bool // accept the clock as it is
	state    atomic.Int32
	pos      eventstore.Position
	err      error
	done     chan struct{}
}

const (
	queued = iota
	taken
	abandoned
)

var _ eventstore.Store = (*Store)(nil)

// Open opens the log in dir, or begins one there, for this process alone. It returns a *LockedError if another process
// has it open for writing, and a *eventstore.DamageError if the log is not what was written.
func Open(dir string, cfg Config) (*Store, error) {
	fs := cfg.FS
	if fs == nil {
		var err error
		if fs, err = OpenDir(dir); err != nil {
			return nil, err
		}
	}
	if cfg.SegmentSize == 0 {
		cfg.SegmentSize = 1 << 30
	}
	if cfg.Clock == nil {
		cfg.Clock = systemClock{}
	}
	if cfg.Metrics == nil {
		cfg.Metrics = eventstore.NewMetrics(nil)
	}
	lock, err := fs.Lock("LOCK")
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, fs: fs, lock: lock, metrics: cfg.Metrics, heads: newHeads(),
		queue: make(chan *request, 4*maxBatchRecords), closing: make(chan struct{}), done: make(chan struct{}),
		clock: clockGuard{clock: cfg.Clock}, space: spaceGuard{free: cfg.Free},
	}
	if s.space.free == nil {
		s.space.free = fs.Free
	}
	s.wake.ch = make(chan struct{})
	if err := s.recover(); err != nil {
		s.closeFiles()
		lock.Close()
		return nil, err
	}
	go s.write()
	return s, nil
}

// recover reads what is there, repairs what a crash may leave, and refuses the rest.
func (s *Store) recover() error {
	names, err := s.fs.List()
	if err != nil {
		return err
	}
	var firsts []string
	for _, n := range names {
		if strings.HasSuffix(n, ".tmp") {
			if err := s.fs.Remove(n); err != nil {
				return err
			}
		} else if isSegment(n) {
			firsts = append(firsts, n)
		}
	}
	sort.Strings(firsts)
	if s.durFile, err = s.fs.Open("DURABLE"); err != nil {
		return err
	}
	dur, durOK := readDurable(s.durFile)
	if len(firsts) == 0 {
		if known := s.known(dur); known > 0 {
			return &eventstore.DamageError{Position: 1, Place: segmentName(1), Reason: fmt.Sprintf("no segment is there, and position %d was in the log", known)}
		}
		if _, err := rand.Read(s.id[:]); err != nil {
			return err
		}
		s.inc = 1
		if err := s.begin(1, [32]byte{}); err != nil {
			return err
		}
	} else if err := s.openSegments(firsts, dur); err != nil {
		return err
	}
	if durOK && dur.id != s.id {
		return &eventstore.DamageError{Place: "DURABLE", Reason: "it belongs to another log"}
	}
	if err := s.loadHeads(); err != nil {
		return err
	}
	live := s.segs[len(s.segs)-1]
	end := live.first + eventstore.Position(len(live.offsets)) - 1
	s.last.Store(uint64(end))
	if end > 0 {
		e, err := s.readAt(end)
		if err != nil {
			return err
		}
		s.clock.start(e.Recorded)
	}
	s.report()
	return s.publish()
}

// known is the highest position that anyone knows to have been durable.
func (s *Store) known(d durable) eventstore.Position {
	k := d.position
	for _, p := range s.cfg.Known {
		k = max(k, p)
	}
	return k
}

// Append adds events; see eventstore.Appender.
func (s *Store) Append(ctx context.Context, st eventstore.Stream, expected eventstore.ExpectedVersion, events ...eventstore.NewEvent) (eventstore.Position, error) {
	return s.append(ctx, st, expected, events, false)
}

// ConfirmClock appends events as Append does and accepts the clock as it is: an operator has looked at it. The events
// say so.
func (s *Store) ConfirmClock(ctx context.Context, st eventstore.Stream, expected eventstore.ExpectedVersion, events ...eventstore.NewEvent) (eventstore.Position, error) {
	return s.append(ctx, st, expected, events, true)
}

func (s *Store) append(ctx context.Context, st eventstore.Stream, expected eventstore.ExpectedVersion, events []eventstore.NewEvent, confirm bool) (eventstore.Position, error) {
	if len(events) == 0 {
		return 0, nil
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	began := time.Now()
	h := s.heads.get(st)
	if h.version != eventstore.Version(expected) {
		return 0, &eventstore.ConflictError{Stream: st, Expected: expected, Actual: h.version}
	}
	drafts, err := eventstore.Drafts(st, expected, h.position, events)
	if err != nil {
		return 0, err
	}
	r := &request{ctx: ctx, stream: st, expected: expected, drafts: drafts, confirm: confirm, done: make(chan struct{})}
	if err := s.stopped(); err != nil {
		return 0, err
	}
	select {
	case s.queue <- r:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-s.done:
		return 0, s.stopped()
	}
	select {
	case <-r.done:
	case <-s.done: // the writer has ended: it took the request before that, or nobody ever will
		select {
		case <-r.done:
		default:
			return 0, s.stopped()
		}
	case <-ctx.Done():
		if r.state.CompareAndSwap(queued, abandoned) {
			return 0, ctx.Err()
		}
		<-r.done // taken: the writer finishes it, and every one that it has taken, before it ends
	}
	if r.err == nil {
		s.metrics.Append.Observe(time.Since(began).Seconds())
	}
	return r.pos, r.err
}

// write is the one writer: it takes all that waits, commits it, and acknowledges.
func (s *Store) write() {
	defer close(s.done)
	var batch []*request
	var buf []byte
	for {
		var r *request
		select {
		case r = <-s.queue:
		case <-s.closing:
			select { // what was queued before is finished
			case r = <-s.queue:
			default:
				return
			}
		}
		batch = batch[:0]
		records, size := 0, 0
		for r != nil {
			if r.state.CompareAndSwap(queued, taken) {
				batch = append(batch, r)
				records += len(r.drafts)
				for i := range r.drafts {
					size += r.drafts[i].Size() + len(r.drafts[i].Event.Data)
				}
			}
			r = nil
			if records < maxBatchRecords-eventstore.MaxAppendRecords && size < maxBatchBytes-eventstore.MaxAppendBytes {
				select {
				case r = <-s.queue:
				default:
				}
			}
		}
		if len(batch) == 0 {
			continue
		}
		var err error
		if buf, err = s.commit(batch, buf[:0]); err != nil {
			s.fail(err)
			for _, r := range batch {
				r.err = s.stopped()
			}
		}
		for _, r := range batch {
			close(r.done)
		}
	}
}

// commit writes one batch. It sets each request's outcome; an error means that the store must stop.
func (s *Store) commit(batch []*request, buf []byte) ([]byte, error) {
	if err := s.stopped(); err != nil {
		for _, r := range batch {
			r.err = err
		}
		return buf, nil
	}
	confirm := false
	for _, r := range batch {
		confirm = confirm || r.confirm
	}
	now, err := s.clock.now(confirm)
	if err == nil {
		err = s.space.appends()
	}
	if err != nil {
		for _, r := range batch {
			r.err = err
		}
		return buf, nil
	}
	first := eventstore.Position(s.last.Load()) + 1
	next := first
	buf = append(buf, make([]byte, batchHeader)...)
	ends := make([]int, 0, len(batch)*2) // where each record's frame begins in buf
	moved := make(map[eventstore.Stream]eventstore.Version, len(batch))
	var accepted []*request
	for _, r := range batch {
		version, again := moved[r.stream]
		if !again {
			version = s.heads.get(r.stream).version
		}
		if version != eventstore.Version(r.expected) || again {
			r.err = &eventstore.ConflictError{Stream: r.stream, Expected: r.expected, Actual: version}
			continue
		}
		for i := range r.drafts {
			ends = append(ends, len(buf))
			if buf, err = appendRecord(buf, &r.drafts[i], next, now); err != nil {
				return buf, err
			}
			next++
		}
		moved[r.stream] = version + eventstore.Version(len(r.drafts))
		r.pos = next - 1
		accepted = append(accepted, r)
	}
	if next == first {
		return buf, nil
	}
	sealBatch(buf, first, int(next-first))
	if err := s.put(buf, first, ends); err != nil {
		return buf, err
	}
	for _, r := range accepted {
		s.heads.set(r.stream, head{position: r.pos, version: moved[r.stream]})
		for i := range r.drafts {
			s.metrics.Events.WithLabelValues(r.drafts[i].Event.Type).Inc()
		}
	}
	s.clock.committed(now)
	s.last.Store(uint64(next - 1))
	if err := s.publish(); err != nil {
		return buf, err
	}
	s.metrics.Batch.Observe(float64(next - first))
	s.report()
	s.wakeAll()
	return buf, nil
}

// put writes a batch behind the last one and syncs it, in a new segment if the live one has no room.
func (s *Store) put(buf []byte, first eventstore.Position, ends []int) error {
	live := s.segs[len(s.segs)-1]
	if live.size+int64(len(buf)) > s.cfg.SegmentSize && len(live.offsets) > 0 {
		if err := s.roll(); err != nil {
			return err
		}
		live = s.segs[len(s.segs)-1]
	}
	if _, err := live.file.WriteAt(buf, live.size); err != nil {
		return fmt.Errorf("write %s: %w", live.name, err)
	}
	if err := live.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", live.name, err)
	}
	live.hash.Write(buf)
	s.mu.Lock()
	for _, e := range ends {
		live.offsets = append(live.offsets, uint32(live.size)+uint32(e))
	}
	live.size += int64(len(buf))
	s.mu.Unlock()
	return nil
}

// fail stops the store: no append is taken any more. What was durable can still be read.
func (s *Store) fail(err error) {
	s.stop.Lock()
	if s.stop.err == nil {
		s.stop.err = fmt.Errorf("%w: %w", eventstore.ErrClosed, err)
	}
	s.stop.Unlock()
	s.wakeAll()
}

func (s *Store) stopped() error {
	s.stop.RLock()
	defer s.stop.RUnlock()
	return s.stop.err
}

// Err returns why the store has stopped, nil while it takes appends.
func (s *Store) Err() error { return s.stopped() }

// ID is the log's id, drawn when it was begun.
func (s *Store) ID() [16]byte { return s.id }

// Incarnation counts the times that the log was restored from a copy, from 1.
func (s *Store) Incarnation() uint64 { return s.inc }

// IntakeHasRoom reports whether there is room for what strangers send; people's own commands need less.
func (s *Store) IntakeHasRoom() bool { return s.space.intake() }

// Close finishes the appends that were taken, writes the heads and lets go of the log.
func (s *Store) Close() error {
	s.stop.Lock()
	was := s.stop.err
	if errors.Is(was, errClosedByUser) {
		s.stop.Unlock()
		return nil
	}
	s.stop.err = fmt.Errorf("%w: %w", eventstore.ErrClosed, errClosedByUser)
	s.stop.Unlock()
	close(s.closing)
	<-s.done
	s.build.Wait()
	var err error
	if was == nil { // after a failed write nothing more is written
		err = errors.Join(s.saveHeads(), s.durFile.Sync())
	}
	s.wakeAll()
	return errors.Join(err, s.closeFiles(), s.lock.Close())
}

var errClosedByUser = errors.New("closed")

func (s *Store) closeFiles() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, seg := range s.segs {
		errs = append(errs, seg.close())
	}
	if s.durFile != nil {
		errs = append(errs, s.durFile.Close())
	}
	return errors.Join(errs...)
}

func (s *Store) report() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	bytes := int64(0)
	for _, seg := range s.segs {
		bytes += seg.size
	}
	s.metrics.Position.Set(float64(s.last.Load()))
	s.metrics.Segments.Set(float64(len(s.segs)))
	s.metrics.Bytes.Set(float64(bytes))
}
