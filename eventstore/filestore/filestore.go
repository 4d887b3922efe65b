// Package filestore keeps the log in plain append-only files. It is the default store.
//
// # Files
//
//	log-<first position, 20 digits>       a segment: header, then batches
//	log-<first position, 20 digits>.idx   stream index of a sealed segment; derived, built again when it is missing
//	                                      or bad
//	HEADS                                 stream -> last position and version; derived, ignored when it is bad or
//	                                      foreign
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
// A live segment is allocated ahead, 64 MiB at a time; what lies behind its last batch is zeros. Sealing cuts it to its
// length, after which it never changes: archive, copy and check it freely. The next segment's header holds its SHA-256.
//
// # No space, no descriptors
//
// Room is made before anything is written: where there is none, or no descriptor for the next segment, the append gets
// ErrDiskFull and nothing has happened. The next append tries again. An error of a write or a sync stops the store.
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
//	within sealing         leaves a cut segment and perhaps a temporary next one: Open removes that and goes on in the
//	                       cut one
//	within HEADS           leaves a temporary file, or one that is older than the log: Open reads the rest from the
//	                       log
//
// A broken batch is cut off only if it lies beyond every position that was published, and no whole batch follows;
// anything else is damage: Open names the position and refuses.
package filestore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

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
	// Restored, if not 0, begins that incarnation of the log, which is a copy: see Incarnations.
	Restored uint64
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

// A Store is a log in a directory. It implements eventstore.Store. It may be used by many goroutines at once.
//
// It has more than 30 methods because writing, reading and recovering are one subject: all three go by the same
// segments and by what is durable of them, and each is a few functions.
//
// Its locks are short and none is taken while another is held, but for saving, which the shards of heads are read
// under.
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
		sync.Mutex // guards ch, which is closed when the log has grown or the store has stopped
		ch         chan struct{}
	}
	stop struct { // why no more appends are taken
		sync.RWMutex // guards err, which is set once and for all, or by Close
		err          error
	}

	saving sync.Mutex // held while HEADS is written: two seals may come close to one another, and Close behind them

	clock clockGuard
	space spaceGuard
}

// States of a request. It leaves queued once: the writer takes it, or its caller abandons it. From taken on the outcome
// is the writer's, whatever the caller's context says.
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

	// Before anything is read: what another writer is at looks like what a crash left. The lock is the process's and
	// goes with it, so that a crash leaves none.
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

	// Temporary files are what crashes left of a segment, an index or HEADS that did not get its name yet. Whatever
	// they were to replace is still there, or is made again.
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
			return damage(1, segmentName(1), fmt.Sprintf("no segment is there, and position %d was in the log", known))
		}
		if _, err := rand.Read(s.id[:]); err != nil {
			return err
		}
		s.inc = 1
		c, err := s.cfg.prepare(s.fs, 1)
		if err == nil {
			err = s.begin(c, 1, [32]byte{})
		}
		if err != nil {
			return err
		}
	} else if err := s.openSegments(firsts, dur); err != nil {
		return err
	}
	if durOK && dur.id != s.id {
		return damage(0, "DURABLE", "it belongs to another log")
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
		s.metrics.ClockGap.Set(s.clock.gap().Seconds())
	}
	s.report()

	if s.cfg.Restored > 0 {
		if err := s.reincarnate(); err != nil {
			return err
		}
	}

	// A batch that a kill left between its write and its sync is in the log from here on, and others may see it: harden
	// has made it durable.
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

// fail stops the store: no append is taken any more. What was durable can still be read.
func (s *Store) fail(err error) {
	s.stop.Lock()
	if s.stop.err == nil {
		s.stop.err = fmt.Errorf("%w: %w", eventstore.ErrClosed, err)
	}
	s.stop.Unlock()
	s.wakeAll()
}

// stopped returns why no more appends are taken, nil while they are.
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

// Close finishes the appends that were taken, writes the heads and lets go of the log. Whoever reads must be done
// before. Closing again does nothing.
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

	// A crash before this leaves older heads and DURABLE, and the next Open reads the rest from the log. After a failed
	// write nothing more is written: what it left is for Open to judge.
	var err error
	if was == nil {
		err = errors.Join(s.saveHeads(), s.durFile.Sync())
	}

	// The lock goes last: with it another process may begin to write.
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

// report brings the gauges up to date.
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
