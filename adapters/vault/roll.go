package vault

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
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

// prepareRoll makes the next epoch's key, and a file under it that has all; what changes meanwhile is noted. It gives
// the key.
func (v *Vault) prepareRoll() (wrap cipher.AEAD, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.failed != nil {
		return nil, v.failed
	}

	// Running out of descriptors in the midst of it would end the process.
	if err := descriptors(v.dir); err != nil {
		return nil, err
	}

	// The key first, and durable: a file without its key would be lost. A crash after it leaves a key that nothing was
	// sealed with; the next roll destroys it and makes another.
	next := v.epoch + 1
	if err = v.kms.Destroy(next); err == nil {
		err = v.kms.Create(next)
	}
	if err == nil {
		wrap, err = v.cipherOf(next)
	}
	if err != nil {
		return nil, err
	}

	if err := v.db.Update(func(*bbolt.Tx) error { v.touched.begin(); return errNothing }); !errors.Is(err, errNothing) {
		return nil, err
	}

	err = v.draft(next, func(to *bbolt.Tx) error { return v.copyAll(to, wrap) })
	if err != nil {
		v.touched.end()
		return nil, fmt.Errorf("write keys of epoch %d: %w", next, err)
	}

	return wrap, nil
}

// copyAll copies every row, sealed anew, some at a time: a file that must grow waits for those who read it, and they
// for it. What changes between two is noted, and copied again.
func (v *Vault) copyAll(to *bbolt.Tx, wrap cipher.AEAD) error {
	nodes, names := to.Bucket(bucketNodes), to.Bucket(bucketDirectory)
	nodes.FillPercent = 0.9

	return errors.Join(
		v.inParts(bucketDirectory, names.Put),
		v.inParts(bucketNodes, func(k, val []byte) error { return v.copyNode(nodes, k, val, wrap) }),
		to.Bucket(bucketMeta).Put(keyNames, sealRow(wrap, keyNames, v.names)),
	)
}

// inPart is how many rows are read in one transaction.
const inPart = 10_000

// inParts calls fn for each row of a bucket, in order, in transactions that are short.
func (v *Vault) inParts(bucket []byte, fn func(k, val []byte) error) error {
	var from []byte
	for more := true; more; {
		err := v.db.View(func(tx *bbolt.Tx) error {
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

// copyTouched copies again what was changed, as it is now: what is gone is taken away.
func (v *Vault) copyTouched(from, to *bbolt.Tx, wrap cipher.AEAD, what noted) error {
	nodes := to.Bucket(bucketNodes)
	for o := range what.owners {
		if err := shredOwner(to, o); err != nil {
			return err
		}

		c := from.Bucket(bucketNodes).Cursor()
		for k, val := c.Seek(o[:]); len(k) == rowLength && Owner(k[:16]) == o; k, val = c.Next() {
			if err := v.copyNode(nodes, k, val, wrap); err != nil {
				return err
			}
		}
	}

	for n := range what.names {
		id := from.Bucket(bucketDirectory).Get([]byte(n))
		if id == nil {
			continue // the number was not entered after all
		}
		if err := to.Bucket(bucketDirectory).Put([]byte(n), id); err != nil {
			return err
		}
	}

	return copyApplied(from, to)
}

// copyNode copies a node, which is sealed under the next epoch's key.
func (v *Vault) copyNode(to *bbolt.Bucket, k, val []byte, wrap cipher.AEAD) error {
	plain, err := openRow(v.wrap, k, val)
	if err != nil {
		return err
	}

	return to.Put(k, sealRow(wrap, k, plain))
}

func copyApplied(from, to *bbolt.Tx) error {
	return to.Bucket(bucketMeta).Put(keyApplied, append([]byte{}, from.Bucket(bucketMeta).Get(keyApplied)...))
}
