package directory

import (
	"encoding/binary"
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/engine"
)

// A LifeRow is when what is due of a mailbox by itself: that it opens, is destroyed, or is found by no old number.
type LifeRow struct {
	Opens time.Time   `cbor:"1,keyasint,omitzero"`
	Purge time.Time   `cbor:"2,keyasint,omitzero"`
	Olds  []time.Time `cbor:"3,keyasint,omitempty"` // ends of old numbers, in order
	Open  bool        `cbor:"4,keyasint,omitempty"` // it was opened, and is not gone
}

func lifeKey(m domain.MailboxID) []byte { return engine.Key(kindLife, [16]byte(m)) }

func dueKey(at time.Time, m domain.MailboxID) []byte {
	return append(append([]byte{kindDue}, nanoseconds(at)...), m[:]...)
}

// next gives the first of the dates; zero: there is none.
func (r LifeRow) next() (at time.Time) {
	at = r.Opens
	if len(r.Olds) > 0 && (at.IsZero() || r.Olds[0].Before(at)) {
		at = r.Olds[0]
	}

	return at
}

// waits moves the date at which one that waits opens; zero: it stays.
func (r *LifeRow) waits(opens time.Time) {
	if !opens.IsZero() && !r.Opens.IsZero() {
		r.Opens = opens
	}
}

// lives follows what the registers say of a mailbox, and what becomes of it.
func lives(v engine.View, id domain.MailboxID, e mailbox.Event) error {
	r, _, err := engine.Row[LifeRow](v, lifeKey(id))
	if err != nil {
		return err
	}
	was := r.next()

	switch e := e.(type) {
	case mailbox.Opened:
		r.Opens, r.Open = time.Time{}, true
		v.Put(mailboxKey(id), nil)
	case mailbox.OwnerRegistered:
		r.Opens = e.Opens
	case mailbox.OwnerLeft:
		r.Opens = time.Time{}
	case mailbox.OwnerReturned:
		r.Opens = e.Opens
	case mailbox.Closed:
		r.Opens, r.Purge = time.Time{}, e.Purge
		v.Delete(mailboxKey(id))
	case mailbox.Reopened:
		r.Opens, r.Purge = e.Opens, time.Time{}
		if r.Open {
			v.Put(mailboxKey(id), nil)
		}
	case mailbox.OwnerChanged:
		r.waits(e.Opens)
	case mailbox.NumberChanged:
		r.waits(e.Opens)
		r.Olds = append(r.Olds, e.Until)
		slices.SortFunc(r.Olds, time.Time.Compare)
	case mailbox.AliasEnded:
		r.Olds = slices.DeleteFunc(r.Olds, func(t time.Time) bool { return !t.After(e.Through) })
		if len(r.Olds) == 0 {
			r.Olds = nil
		}
	case mailbox.Shredded:
		r = LifeRow{}
		v.Delete(mailboxKey(id))
	default:
		return nil
	}

	if now := r.next(); !now.Equal(was) {
		if !was.IsZero() {
			v.Delete(dueKey(was, id))
		}

		if !now.IsZero() {
			v.Put(dueKey(now, id), nil)
		}
	}

	if r.Opens.IsZero() && r.Purge.IsZero() && len(r.Olds) == 0 && !r.Open {
		v.Delete(lifeKey(id))
		return nil
	}

	return engine.Put(v, lifeKey(id), r)
}

// A Due is a mailbox of which something is due by itself.
type Due struct {
	At      time.Time
	Mailbox domain.MailboxID
}

// Due gives mailboxes of which something is due at a time, by date, beyond one of them; at most most.
func (s *Snapshot) Due(now time.Time, beyond Due, most int) (out []Due) {
	from := []byte{kindDue}
	if !beyond.At.IsZero() {
		from = append(dueKey(beyond.At, beyond.Mailbox), 0)
	}

	s.s.ScanFrom([]byte{kindDue}, from, func(k, _ []byte) bool {
		at := time.Unix(0, int64(binary.BigEndian.Uint64(k[1:9])))
		if at.After(now) {
			return false
		}
		out = append(out, Due{at, domain.MailboxID(k[9:])})

		return len(out) < most
	})

	return out
}
