package receipts

import (
	"context"
	"encoding/binary"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// A Snapshot is the view as it stands at one position. Close lets go of it.
type Snapshot struct{ s *engine.Snapshot }

// At gives the view as it stands.
func At(views *engine.Views) (*Snapshot, error) {
	s, err := views.Snapshot(Projection{})
	if err != nil {
		return nil, err
	}

	return &Snapshot{s}, nil
}

// Close lets go of the snapshot.
func (s *Snapshot) Close() { s.s.Close() }

// Memo gives a MeMo that came in; false if it never did.
func (s *Snapshot) Memo(m domain.MessageID) (Row, bool, error) {
	return engine.Row[Row](s.s, memoKey(m))
}

// Parked reports whether what the view has of an intake stream is old: see engine.ErrParked.
func (s *Snapshot) Parked(shard [16]byte) bool { return s.s.Parked(shard) }

// Final gives the MeMo of a final receipt; false if there is none, or it was deleted.
func (s *Snapshot) Final(id domain.ReceiptID) (Row, bool, error) {
	m := s.s.Get(receiptKey(id))
	if m == nil {
		return Row{}, false, nil
	}

	return s.Memo(domain.MessageID(m))
}

// Finals gives a system's final receipts, oldest first, size of them from page on, and how many there are.
func (s *Snapshot) Finals(system domain.SystemID, page, size int) (out []Row, total int, err error) {
	return engine.Page(s.s, engine.Key(kindFinal, [16]byte(system)), page, size, s.Memo)
}

// Pending gives what came in and has no outcome.
func (s *Snapshot) Pending() (out []domain.MessageID) {
	s.s.Scan([]byte{kindPending}, func(_, m []byte) bool {
		out = append(out, domain.MessageID(m))
		return true
	})

	return out
}

// A DueMessage waits for its date.
type DueMessage struct {
	Mailbox domain.MailboxID
	Message domain.MessageID
	Due     time.Time
}

// Due gives what is due at a time, by date, at most limit from the one behind the given one on, and the date at which
// it ended; zero: there is no more. The zero DueMessage stands before all.
func (s *Snapshot) Due(now time.Time, behind DueMessage, limit int) (out []DueMessage, next time.Time) {
	from := []byte{kindDue}
	if !behind.Due.IsZero() {
		from = append(dueKey(behind.Due, behind.Message), 0)
	}

	s.s.ScanFrom([]byte{kindDue}, from, func(k, box []byte) bool {
		at := time.Unix(0, int64(binary.BigEndian.Uint64(k[1:9])))
		if at.After(now) || len(out) == limit {
			next = at
			return false
		}
		out = append(out, DueMessage{domain.MailboxID(box), domain.MessageID(k[9:25]), at})

		return true
	})

	return out, next
}

// Handler runs orders on intake streams, from a Beginning.
type (
	Handler   = eventstore.Handler[intake.Order, intake.Event, intake.State]
	Beginning = eventstore.Beginning[intake.Event, intake.State]
)

// Start begins an intake stream's state from the view, with the MeMo that the order is about. The view is waited for:
// it must have the whole stream, and where the order asks for an outcome, what stands in mailboxes' streams too. A
// parked stream is engine.ErrParked.
func Start(views *engine.Views, store eventstore.Reader) eventstore.Start[intake.Order, intake.Event, intake.State] {
	return func(ctx context.Context, s eventstore.Stream, o intake.Order) (b Beginning, err error) {
		_, known := store.Head(s)
		if intake.AsksOutcome(o) {
			known = store.Last()
		}

		if err := views.Wait(ctx, known); err != nil {
			return b, err
		}

		snap, err := At(views)
		if err != nil {
			return b, err
		}
		defer snap.Close()

		if snap.Parked(s.ID) {
			return b, engine.ErrParked
		}

		standing, _, err := engine.Row[Standing](snap.s, standingKey(s.ID))
		if err != nil {
			return b, err
		}

		m := intake.About(o)
		row, seen, err := snap.Memo(m)
		state := intake.NewState(standing.NextLeaf)
		state.Memos[m] = intake.Memo{
			Received: seen, Settled: row.Final.Status != "" || row.Waiting, Deleted: row.Final.Deleted,
			Pushed: row.Final.Pushed,
		}

		b.Version = standing.Version
		b.State = func([]intake.Event) (intake.State, error) { return state, nil }

		return b, err
	}
}
