package vault

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"sync"

	"go.etcd.io/bbolt"
)

// touched notes what is changed while a roll writes the new file beside it. Whoever changes something notes it within
// their transaction, and noting begins within one: of two transactions the later sees what the earlier has done, so
// that nothing is changed after the beginning without being noted.
type touched struct {
	mu     sync.Mutex // guards what follows
	on     bool
	owners map[Owner]bool
	names  map[string]bool
}

// begin begins to note.
func (t *touched) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.on, t.owners, t.names = true, map[Owner]bool{}, map[string]bool{}
}

// end ends that, and gives what was noted.
func (t *touched) end() (out noted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out = noted{t.owners, t.names}
	t.on, t.owners, t.names = false, nil, nil

	return out
}

// again gives what was noted, and begins anew.
func (t *touched) again() (out noted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out = noted{t.owners, t.names}
	t.owners, t.names = map[Owner]bool{}, map[string]bool{}

	return out
}

// owner notes that an owner's nodes are about to change.
func (t *touched) owner(o Owner) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.on {
		t.owners[o] = true
	}
}

// name notes that a row of the directory is about to change.
func (t *touched) name(n []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.on {
		t.names[string(n)] = true
	}
}

// noted is what a roll must copy again.
type noted struct {
	owners map[Owner]bool
	names  map[string]bool
}

// errNothing ends a transaction that changes nothing.
var errNothing = errors.New("nothing is changed")

// A roll is one on its way, under the next epoch's key.
type roll struct {
	v    *Vault
	wrap cipher.AEAD
}

// prepare makes the next epoch's key, and a file under it that has all; what changes meanwhile is noted.
func (r *roll) prepare() (err error) {
	v := r.v
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.failed != nil {
		return v.failed
	}

	// Running out of descriptors in the midst of it would end the process.
	if err := descriptors(v.dir); err != nil {
		return err
	}

	// The key first, and durable: a file without its key would be lost. A crash after it leaves a key that nothing was
	// sealed with; the next roll destroys it and makes another.
	next := v.epoch + 1
	if err = v.kms.Destroy(next); err == nil {
		err = v.kms.Create(next)
	}
	if err == nil {
		r.wrap, err = v.cipherOf(next)
	}
	if err != nil {
		return err
	}

	err = v.db.Update(func(*bbolt.Tx) error { v.touched.begin(); return errNothing })
	if !errors.Is(err, errNothing) {
		return err
	}

	// What an earlier roll may have left is of a key that is gone.
	err = os.Remove(keysFile(v.dir, next) + ".tmp")
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = draft(v.dir, next, r.copyAll)
	}
	if err == nil {
		err = r.catchUp(next)
	}
	if err != nil {
		v.touched.end()
		return fmt.Errorf("write keys of epoch %d: %w", next, err)
	}

	return nil
}

// Whoever needs a key waits while the last that was noted is copied: less than fewNoted, unless it is changed faster
// than it is copied.
const (
	fewNoted = 200
	catchUps = 8
)

// catchUp copies what was changed while all was copied, and what was changed meanwhile, until that is little.
func (r *roll) catchUp(next int) error {
	for range catchUps {
		var what noted
		// Within a transaction, since what was noted is then committed.
		err := r.v.db.Update(func(*bbolt.Tx) error { what = r.v.touched.again(); return errNothing })
		if !errors.Is(err, errNothing) {
			return err
		}

		err = draft(r.v.dir, next, func(to *bbolt.Tx) error {
			return r.v.db.View(func(from *bbolt.Tx) error { return r.copyTouched(from, to, what) })
		})
		if err != nil || len(what.owners)+len(what.names) < fewNoted {
			return err
		}
	}

	return nil
}

// copyAll copies every row, sealed anew, some at a time: a file that must grow waits for those who read it, and they
// for it. What changes between two is noted, and copied again.
func (r *roll) copyAll(to *bbolt.Tx) error {
	nodes, names := to.Bucket(bucketNodes), to.Bucket(bucketDirectory)
	nodes.FillPercent = 0.9

	return errors.Join(
		r.inParts(bucketDirectory, names.Put),
		r.inParts(bucketNodes, func(k, val []byte) error { return r.copyNode(nodes, k, val) }),
		to.Bucket(bucketMeta).Put(keyNames, sealRow(r.wrap, keyNames, r.v.names)),
	)
}

// inPart is how many rows are read in one transaction.
const inPart = 10_000

// inParts calls fn for each row of a bucket, in order, in transactions that are short.
func (r *roll) inParts(bucket []byte, fn func(k, val []byte) error) error {
	var from []byte
	for more := true; more; {
		err := r.v.db.View(func(tx *bbolt.Tx) error {
			c, n := tx.Bucket(bucket).Cursor(), 0
			k, val := c.Seek(from)
			for ; k != nil && n < inPart; k, val = c.Next() {
				if err := fn(bytes.Clone(k), bytes.Clone(val)); err != nil { // they are good in this transaction alone
					return err
				}
				n++
			}
			from, more = bytes.Clone(k), k != nil

			return nil
		})
		if err != nil {
			return err
		}
	}

	return nil
}

// copyTouched copies again what was changed, as it is now: what is gone is taken away. What it writes is its own: from
// may end before to is written.
func (r *roll) copyTouched(from, to *bbolt.Tx, what noted) error {
	nodes := to.Bucket(bucketNodes)
	for o := range what.owners {
		if err := shredOwner(to, o); err != nil {
			return err
		}

		c := from.Bucket(bucketNodes).Cursor()
		for k, val := c.Seek(o[:]); len(k) == rowLength && Owner(k[:16]) == o; k, val = c.Next() {
			if err := r.copyNode(nodes, k, val); err != nil {
				return err
			}
		}
	}

	for n := range what.names {
		id := from.Bucket(bucketDirectory).Get([]byte(n))
		if id == nil { // the number was not entered after all, or was withdrawn
			if err := to.Bucket(bucketDirectory).Delete([]byte(n)); err != nil {
				return err
			}
			continue
		}
		if err := to.Bucket(bucketDirectory).Put([]byte(n), bytes.Clone(id)); err != nil {
			return err
		}
	}

	return copyApplied(from, to)
}

// copyNode copies a node, which is sealed under the next epoch's key.
func (r *roll) copyNode(to *bbolt.Bucket, k, val []byte) error {
	plain, err := openRow(r.v.wrap, k, val)
	if err != nil {
		return err
	}

	return to.Put(k, sealRow(r.wrap, k, plain))
}

func copyApplied(from, to *bbolt.Tx) error {
	return to.Bucket(bucketMeta).Put(keyApplied, append([]byte{}, from.Bucket(bucketMeta).Get(keyApplied)...))
}
