package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
)

// A tally is how many rows a file has, and a sum over the checksums of all: what a page's damage hides leaves a trace
// in it, though no row that is left is wrong.
type tally struct {
	rows int64
	sum  uint64
}

func (t *tally) bytes() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(t.rows))
	b = binary.BigEndian.AppendUint64(b, t.sum)

	return append(b, sum(keyTally, b)...)
}

// tallyOf reads a tally; the zero one where there is none yet.
func tallyOf(b []byte) (t tally, err error) {
	if b == nil {
		return t, nil
	}
	if len(b) != 16+sumLength || !bytes.Equal(b[16:], sum(keyTally, b[:16])) {
		return t, &DamagedError{Place: "the tally of its rows"}
	}

	return tally{int64(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint64(b[8:])}, nil
}

// change counts a row that is written over or deleted (val nil), of what was stored before; nil: nothing was.
func (t *tally) change(stored, val, key []byte) {
	if n := len(stored) - sumLength; n >= 0 {
		t.rows--
		t.sum -= spread(stored[n:])
	}
	if val != nil {
		t.rows++
		t.sum += spread(sum(key, val))
	}
}

// spread makes a checksum fill 64 bits, so that sums of several are seldom alike.
func spread(checksum []byte) uint64 {
	x := uint64(binary.BigEndian.Uint32(checksum)) * 0x9e3779b97f4a7c15
	return x ^ x>>29
}

// Files of up to smallFile bytes are scrubbed each minute, larger ones each hour.
const (
	smallFile  = 64 << 20
	scrubSmall = time.Minute
	scrubLarge = time.Hour
)

func (v *File) scrubEvery() time.Duration {
	if info, err := os.Stat(v.path); err == nil && info.Size() <= smallFile {
		return scrubSmall
	}

	return scrubLarge
}

// scrubIfSound scrubs a file that is being read and written, and notes damage.
func (v *File) scrubIfSound() {
	v.mu.RLock()
	damaged := v.damage != nil
	v.mu.RUnlock()
	if damaged {
		return
	}

	err := Guard(func() error {
		defer func() {
			if r := recover(); r != nil {
				panic(&DamagedError{View: v.name(), Place: fmt.Sprint(r)})
			}
		}()
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))

		return v.scrub()
	})
	if damage := (*DamagedError)(nil); errors.As(err, &damage) {
		v.damaged(damage)
	}
}

// scrub reads every row of the file and compares what there is with the tally.
func (v *File) scrub() error {
	v.mu.RLock()
	db := v.db
	v.mu.RUnlock()

	return db.View(func(tx *bbolt.Tx) error {
		want, err := tallyOf(tx.Bucket(bucketMeta).Get(keyTally))
		if err != nil {
			return err
		}

		got := tally{}
		var last []byte
		err = tx.Bucket(bucketRows).ForEach(func(k, stored []byte) error {
			n := len(stored) - sumLength
			if n < 0 || !bytes.Equal(stored[n:], sum(k, stored[:n])) || last != nil && bytes.Compare(k, last) <= 0 {
				return &DamagedError{View: v.name(), Place: "a row's checksum or place is wrong"}
			}
			got.rows++
			got.sum += spread(stored[n:])
			last = k

			return nil
		})
		if err == nil && got != want {
			err = &DamagedError{View: v.name(), Place: fmt.Sprintf("it has %d of its %d rows", got.rows, want.rows)}
		}

		return err
	})
}
