package filestore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"digitalpost/eventstore"
)

// A request is an append on its way to the writer.
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

// Append adds events; see eventstore.Appender.
func (s *Store) Append(
	ctx context.Context, st eventstore.Stream, expected eventstore.ExpectedVersion, events ...eventstore.NewEvent,
) (eventstore.Position, error) {
	return s.append(ctx, st, expected, events, false)
}

// ConfirmClock appends events as Append does and accepts the clock as it is: an operator has looked at it. The events
// say so.
func (s *Store) ConfirmClock(
	ctx context.Context, st eventstore.Stream, expected eventstore.ExpectedVersion, events ...eventstore.NewEvent,
) (eventstore.Position, error) {
	return s.append(ctx, st, expected, events, true)
}

func (s *Store) append(
	ctx context.Context, st eventstore.Stream, expected eventstore.ExpectedVersion, events []eventstore.NewEvent,
	confirm bool,
) (eventstore.Position, error) {
	if len(events) == 0 {
		return 0, nil
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	began := time.Now()

	// A conflict that is seen here needs no place in the queue. The writer looks again: this look binds nobody.
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

		// What waits shares one sync, up to the bounds of a batch. Who gave up before this is passed over.
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

		// Acknowledged last, when the batch is durable and published: who is told finds it with every reader.
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
	if err := s.put(buf, first, ends); errors.Is(err, eventstore.ErrDiskFull) { // nothing was written
		for _, r := range accepted {
			r.pos, r.err = 0, err
		}
		return buf, nil
	} else if err != nil {
		return buf, err
	}
	return buf, s.show(accepted, moved, first, next, now)
}

// show makes a batch that is durable visible, to this process and to others.
//
// A crash from here on loses nothing: Open finds the batch in the log and takes it up, whether or not anybody was told.
// The order is that of who relies on what: heads before last, since readers of a stream go back from its head; DURABLE
// after last and before any acknowledgement, so that a position that somebody was told is never cut off as a torn
// write.
func (s *Store) show(
	accepted []*request, moved map[eventstore.Stream]eventstore.Version, first, next eventstore.Position, now time.Time,
) error {
	for _, r := range accepted {
		s.heads.set(r.stream, head{position: r.pos, version: moved[r.stream]})
		for i := range r.drafts {
			s.metrics.Events.WithLabelValues(r.drafts[i].Event.Type).Inc()
		}
	}
	s.clock.committed(now)
	s.last.Store(uint64(next - 1))
	if err := s.publish(); err != nil {
		return err
	}

	s.metrics.Batch.Observe(float64(next - first))
	s.report()
	s.wakeAll()
	return nil
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
	if err := s.cfg.makeRoom(live, live.size+int64(len(buf))); err != nil {
		return err
	}

	// The commit point is the sync. A crash within the write, or before the sync is done, leaves the batch whole,
	// broken or not at all: Open takes up the first, cuts off the second, and nobody was told of any. After an error of
	// either call it is not known which, so the store stops, and opening it again is what finds out.
	if _, err := live.file.WriteAt(buf, live.size); err != nil {
		return fmt.Errorf("write %s: %w", live.name, err)
	}
	if err := live.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", live.name, err)
	}

	// The hash is the writer's alone; offsets and size are read under mu, by those who look for a record.
	live.hash.Write(buf)
	s.mu.Lock()
	for _, e := range ends {
		live.offsets = append(live.offsets, uint32(live.size)+uint32(e))
	}
	live.size += int64(len(buf))
	s.mu.Unlock()
	return nil
}
