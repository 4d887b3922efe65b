package reactions

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fxamacker/cbor/v2"
	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"digitalpost/eventstore"
)

// fileName is that of the file under the data's directory. What it holds is how far each reaction has come, and no
// fact: without it all that is told by the log would be told again.
const fileName = "reactions.db"

var (
	bucketMeta        = []byte("meta")
	bucketCheckpoints = []byte("checkpoints") // kind → position up to which effects are planned
	bucketEffects     = []byte("effects")     // kind 0 receiver 0 position index → Effect
	bucketCursors     = []byte("cursors")     // feed → cursor
	keyLog            = []byte("log")
)

// A store is the file. It may be used by many goroutines at once.
type store struct {
	db  *bbolt.DB
	now func() time.Time
}

// openStore opens the file for a log. One of another log, or of another incarnation of it, is emptied: its positions
// mean other events. Effects of a restored log begin at its end, so that nothing that was told is told again.
func openStore(dir string, log [16]byte, incarnation uint64, last eventstore.Position) (*store, error) {
	db, err := bbolt.Open(filepath.Join(dir, fileName), 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", fileName, err)
	}

	own := binary.BigEndian.AppendUint64(log[:], incarnation)
	err = db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(bucketMeta)
		if err != nil {
			return err
		}

		stood := meta.Get(keyLog)
		if stood != nil && string(stood) != string(own) {
			for _, b := range [][]byte{bucketCheckpoints, bucketEffects, bucketCursors} {
				if err := tx.DeleteBucket(b); err != nil && !errors.Is(err, bbolterrors.ErrBucketNotFound) {
					return err
				}
			}
		}

		for _, b := range [][]byte{bucketCheckpoints, bucketEffects, bucketCursors} {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return err
			}
		}

		if stood == nil && incarnation == 1 || string(stood) == string(own) {
			return meta.Put(keyLog, own)
		}

		if err := tx.Bucket(bucketCheckpoints).Put([]byte(everyKind), position(last)); err != nil {
			return err
		}

		return meta.Put(keyLog, own)
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}

	return &store{db, time.Now}, nil
}

// everyKind is the checkpoint of kinds that have none of their own.
const everyKind = "*"

func position(p eventstore.Position) []byte { return binary.BigEndian.AppendUint64(nil, uint64(p)) }

// An Effect is something that must happen outside, once.
type Effect struct {
	Kind     string              `cbor:"1,keyasint"`
	Receiver string              `cbor:"2,keyasint"` // a system, a platform, a means: a closed set, and nobody's number
	Order    [16]byte            `cbor:"3,keyasint"` // within which effects happen in order: a mailbox
	Position eventstore.Position `cbor:"4,keyasint"` // of the event that it follows from
	Index    uint16              `cbor:"5,keyasint"` // among those of the event and kind
	Thing    [16]byte            `cbor:"6,keyasint"` // what it is about
	Key      string              `cbor:"7,keyasint"` // the same however often it is tried
	Since    time.Time           `cbor:"8,keyasint"` // it was due: the event's recorded time, or later
	Attempts int                 `cbor:"9,keyasint,omitempty"`
	Next     time.Time           `cbor:"10,keyasint,omitzero"` // not before
	Poisoned bool                `cbor:"11,keyasint,omitempty"`
	Why      string              `cbor:"12,keyasint,omitempty"` // it failed last
	// Alive says, when it is given up, that its receiver has taken something else since it was due, or for days.
	Alive bool `cbor:"-"`
	Taken bool `cbor:"-"` // its receiver has just taken it
}

func (e Effect) storeKey() []byte {
	k := append([]byte(e.Kind), 0)
	k = append(append(k, e.Receiver...), 0)
	k = binary.BigEndian.AppendUint64(k, uint64(e.Position))

	return binary.BigEndian.AppendUint16(k, e.Index)
}

// plan adds effects, together with the position up to which all of their kind are planned: that is the commit point. A
// crash before it plans them again, one after it has them.
func (s *store) plan(kind string, through eventstore.Position, effects []Effect) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketEffects)
		for _, e := range effects {
			row, err := cbor.Marshal(e)
			if err != nil {
				return err
			}

			if err := b.Put(e.storeKey(), row); err != nil {
				return err
			}
		}

		return tx.Bucket(bucketCheckpoints).Put([]byte(kind), position(through))
	})
}

// planned gives the position up to which effects of a kind are planned.
func (s *store) planned(kind string) (p eventstore.Position, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketCheckpoints)
		row := b.Get([]byte(kind))
		if row == nil {
			row = b.Get([]byte(everyKind))
		}

		if len(row) == 8 {
			p = eventstore.Position(binary.BigEndian.Uint64(row))
		}

		return nil
	})

	return p, err
}

// done takes an effect away.
func (s *store) done(e Effect) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketEffects).Delete(e.storeKey()) })
}

// again makes an effect due, as if it had never been tried; ErrNoEffect if it has happened.
func (s *store) again(key []byte) (e Effect, err error) {
	err = s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketEffects)
		stored := b.Get(key)
		if stored == nil || cbor.Unmarshal(stored, &e) != nil {
			return ErrNoEffect
		}

		e.Poisoned, e.Attempts, e.Next = false, 0, time.Time{}
		row, err := cbor.Marshal(e)
		if err != nil {
			return err
		}

		return b.Put(key, row)
	})

	return e, err
}

// effects calls fn for all that have not happened, by kind, receiver and position, until it returns false.
func (s *store) effects(fn func(Effect) bool) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketEffects).Cursor()
		for k, row := c.First(); k != nil; k, row = c.Next() {
			var e Effect
			if err := cbor.Unmarshal(row, &e); err != nil {
				e = unreadable(k)
			}

			if !fn(e) {
				return nil
			}
		}

		return nil
	})
}

// effect gives one by its key; ErrNoEffect if it has happened, or never was.
func (s *store) effect(key []byte) (e Effect, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		row := tx.Bucket(bucketEffects).Get(key)
		if row == nil {
			return ErrNoEffect
		}

		if cbor.Unmarshal(row, &e) != nil {
			e = unreadable(key)
		}

		return nil
	})

	return e, err
}

// unreadable is what is known of an effect whose row can't be read: it is set aside, and operators see it.
func unreadable(key []byte) (e Effect) {
	parts := bytes.SplitN(key, []byte{0}, 3)
	if len(parts) == 3 && len(parts[2]) == 10 {
		e.Kind, e.Receiver = string(parts[0]), string(parts[1])
		e.Position = eventstore.Position(binary.BigEndian.Uint64(parts[2]))
		e.Index = binary.BigEndian.Uint16(parts[2][8:])
	}
	e.Poisoned, e.Why = true, "its row can't be read"

	return e
}

// cursor gives where a feed stands; the zero value if it has not begun.
func (s *store) cursor(feed string, into any) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		row := tx.Bucket(bucketCursors).Get([]byte(feed))
		if row == nil {
			return nil
		}

		return cbor.Unmarshal(row, into)
	})
}

// setCursor moves a feed. Many who call it at once share a transaction.
func (s *store) setCursor(feed string, cursor any) error {
	row, err := cbor.Marshal(cursor)
	if err != nil {
		return err
	}

	return s.db.Batch(func(tx *bbolt.Tx) error { return tx.Bucket(bucketCursors).Put([]byte(feed), row) })
}

func (s *store) close() error { return s.db.Close() }

// effectsOf is effects, of one kind and receiver.
func (s *store) effectsOf(kind, receiver string, fn func(Effect) bool) error {
	prefix := append(append(append([]byte(kind), 0), receiver...), 0)
	return s.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketEffects).Cursor()
		for k, row := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, row = c.Next() {
			var e Effect
			if err := cbor.Unmarshal(row, &e); err != nil {
				e = unreadable(k)
			}

			if !fn(e) {
				return nil
			}
		}

		return nil
	})
}

// settle notes what became of effects: one without attempts has happened. One that an operator has dropped meanwhile
// stays dropped.
func (s *store) settle(outcome map[string]Effect) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketEffects)
		for k, e := range outcome {
			if b.Get([]byte(k)) == nil {
				continue
			}

			if e.Attempts == 0 {
				if err := b.Delete([]byte(k)); err != nil {
					return err
				}

				if e.Taken {
					if err := takes(tx, e, s.now()); err != nil {
						return err
					}
				}
				continue
			}

			row, err := cbor.Marshal(e)
			if err != nil {
				return err
			}

			if err := b.Put([]byte(k), row); err != nil {
				return err
			}
		}

		return nil
	})
}

// takes notes when a receiver last took something, to the minute.
func takes(tx *bbolt.Tx, e Effect, at time.Time) error {
	b, k := tx.Bucket(bucketCursors), []byte("took "+e.Kind+" "+e.Receiver)
	now := position(eventstore.Position(at.Unix() / 60))
	if bytes.Equal(b.Get(k), now) {
		return nil
	}

	return b.Put(k, now)
}

// took gives when a receiver last took something of a kind; the zero time if it never has.
func (s *store) took(kind, receiver string) (at time.Time, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		if row := tx.Bucket(bucketCursors).Get([]byte("took " + kind + " " + receiver)); len(row) == 8 {
			at = time.Unix(int64(binary.BigEndian.Uint64(row))*60, 0)
		}

		return nil
	})

	return at, err
}
