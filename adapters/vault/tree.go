package vault

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"

	"go.etcd.io/bbolt"
)

const (
	depth     = 32
	rowLength = 16 + 4 + 1
)

// rowKey names a node: owner, first leaf under it, height above the leaves.
func rowKey(o Owner, first uint32, height int) []byte {
	k := make([]byte, rowLength)
	copy(k, o[:])
	binary.BigEndian.PutUint32(k[16:], first)
	k[20] = byte(height)
	return k
}

func child(node []byte, bit byte) []byte {
	h := childOf([32]byte(node), bit)
	return h[:]
}

func childOf(node [32]byte, bit byte) [32]byte {
	var b [34]byte
	b[0] = 1
	copy(b[1:], node[:])
	b[33] = bit
	return sha256.Sum256(b[:])
}

// cover finds the row whose node has the leaf under it.
func (v *Vault) cover(tx *bbolt.Tx, o Owner, leaf uint32) (row, node []byte, first uint32, height int, err error) {
	c := tx.Bucket(bucketNodes).Cursor()
	after, _ := c.Seek(rowKey(o, leaf, 255))
	k, val := c.Prev()
	if after == nil {
		k, val = c.Last()
	}
	if len(k) != rowLength || Owner(k[:16]) != o {
		return nil, nil, 0, 0, ErrForgotten
	}

	first, height = binary.BigEndian.Uint32(k[16:]), int(k[20])
	if uint64(leaf) >= uint64(first)+1<<height {
		return nil, nil, 0, 0, ErrForgotten
	}
	node, err = openRow(v.wrap, k, val)
	return append([]byte{}, k...), node, first, height, err
}

// A Leaf names a thing's key.
type Leaf struct {
	Owner Owner
	Leaf  uint32
}

// A Key seals and opens the fields of one thing.
type Key struct {
	leaf Leaf
	key  []byte
}

// Key returns the key of a leaf, or ErrForgotten. The key stays good in the caller's hands whatever is forgotten later.
func (v *Vault) Key(o Owner, leaf uint32) (Key, error) {
	k := Key{leaf: Leaf{o, leaf}}
	err := v.view(func(tx *bbolt.Tx) error {
		_, node, _, height, err := v.cover(tx, o, leaf)
		for ; err == nil && height > 0; height-- {
			node = child(node, byte(leaf>>(height-1)&1))
		}
		k.key = node
		return err
	})
	return k, err
}

// A Walk opens fields of one owner's things by the million. Those in order are quick: what two leaves have in common is
// worked out once, and memory is used again. One goroutine uses it, and not for long: what is forgotten meanwhile may
// still be opened.
type Walk struct {
	v      *Vault
	owner  Owner
	first  uint32 // the row that is walked in
	height int    // of its node; -1: none yet
	last   uint32
	path   [depth + 1][32]byte // the nodes above the last leaf, by their height
	bound  []byte
	plain  []byte
}

// Walk begins a walk over one owner's leaves.
func (v *Vault) Walk(o Owner) *Walk { return &Walk{v: v, owner: o, height: -1} }

// Key returns the key of a leaf, or ErrForgotten.
func (w *Walk) Key(leaf uint32) (Key, error) {
	if err := w.to(leaf); err != nil {
		return Key{}, err
	}
	return Key{leaf: Leaf{w.owner, leaf}, key: append([]byte{}, w.path[0][:]...)}, nil
}

// Open opens a field of a leaf, or returns ErrForgotten. What it returns is good until the next call.
func (w *Walk) Open(leaf uint32, eventType, field string, sealed []byte) ([]byte, error) {
	if err := w.to(leaf); err != nil {
		return nil, err
	}
	if len(sealed) < 28 {
		return nil, fmt.Errorf("vault: %s of %s is cut short", field, eventType)
	}

	var b [33]byte
	b[0] = 2
	copy(b[1:], w.path[0][:])
	key := sha256.Sum256(b[:])
	aead, err := newAEAD(key[:])
	if err != nil {
		return nil, err
	}

	w.bound = Key{leaf: Leaf{w.owner, leaf}}.bind(w.bound[:0], eventType, field)
	if w.plain, err = aead.Open(w.plain[:0], sealed[:12], sealed[12:], w.bound); err != nil {
		return nil, fmt.Errorf("vault: %s of %s does not open: %w", field, eventType, err)
	}
	return w.plain, nil
}

// to walks to a leaf.
func (w *Walk) to(leaf uint32) error {
	from := w.height // the lowest node on the path that the leaf is under too
	if w.height < 0 || leaf < w.first || uint64(leaf) >= uint64(w.first)+1<<w.height {
		w.height = -1
		err := w.v.view(func(tx *bbolt.Tx) error {
			_, node, first, height, err := w.v.cover(tx, w.owner, leaf)
			if err == nil {
				w.first, w.height, w.path[height] = first, height, [32]byte(node)
			}
			return err
		})
		if err != nil {
			return err
		}
		from = w.height
	} else if same := bits.Len32(leaf ^ w.last); same < from {
		from = same
	}

	for h := from; h > 0; h-- {
		w.path[h-1] = childOf(w.path[h], byte(leaf>>(h-1)&1))
	}
	w.last = leaf
	return nil
}

func (v *Vault) view(fn func(*bbolt.Tx) error) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.db.View(fn)
}

// Seal closes a field of an event: AES-256-GCM with a random nonce before it, bound to owner, leaf, event type and
// field.
func (k Key) Seal(eventType, field string, plain []byte) []byte {
	aead, err := newAEAD(k.sub(2))
	if err != nil {
		panic(err) // a key is always 32 bytes
	}
	nonce := make([]byte, 12, 12+len(plain)+16)
	rand.Read(nonce)
	return aead.Seal(nonce, nonce, plain, k.bound(eventType, field))
}

// Open opens what Seal closed, with the same event type and field.
func (k Key) Open(eventType, field string, sealed []byte) ([]byte, error) {
	if len(sealed) < 28 {
		return nil, fmt.Errorf("vault: %s of %s is cut short", field, eventType)
	}
	aead, err := newAEAD(k.sub(2))
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, sealed[:12], sealed[12:], k.bound(eventType, field))
	if err != nil {
		return nil, fmt.Errorf("vault: %s of %s does not open: %w", field, eventType, err)
	}
	return plain, nil
}

// Hash is a keyed hash of 16 bytes: equal for equal words, and nothing to one without the key.
func (k Key) Hash(what, word string) [16]byte {
	h := hmac.New(sha256.New, k.sub(3))
	h.Write([]byte(what))
	h.Write([]byte{0})
	h.Write([]byte(word))
	return [16]byte(h.Sum(nil)[:16])
}

func (k Key) sub(n byte) []byte {
	h := sha256.Sum256(append([]byte{n}, k.key...))
	return h[:]
}

func (k Key) bound(eventType, field string) []byte { return k.bind(nil, eventType, field) }

// bind appends what a field is bound to.
func (k Key) bind(b []byte, eventType, field string) []byte {
	b = append(b, k.leaf.Owner[:]...)
	b = binary.BigEndian.AppendUint32(b, k.leaf.Leaf)
	b = append(append(b, eventType...), 0)
	return append(b, field...)
}

// Discard destroys an owner's root under which nothing was ever kept. A crash before it leaves a root that seals
// nothing.
func (v *Vault) Discard(o Owner) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.db.Update(func(tx *bbolt.Tx) error {
		v.touched.owner(o)
		return tx.Bucket(bucketNodes).Delete(rowKey(o, 0, depth))
	})
}

// Forget destroys leaves, and every key of the owners to shred with the numbers by which they were found, and notes in
// the same transaction that the log is applied up to position. What is forgotten already stays so.
//
// One transaction, one sync: a crash before it leaves the keys and the position before, so that forgetting starts there
// again; after it both are new. The keys' bytes stay in the file's free pages until the epoch rolls. Before that it is
// noted beside the epoch's key, so that a restored copy forgets it again.
func (v *Vault) Forget(position uint64, leaves []Leaf, shred []Owner) error {
	v.forgetting.RLock()
	defer v.forgetting.RUnlock()
	v.mu.RLock() // the epoch that it is noted of does not roll meanwhile
	defer v.mu.RUnlock()

	if len(leaves)+len(shred) > 0 {
		if err := v.kms.Note(v.epoch, leaves, shred); err != nil {
			return err
		}
	}

	return v.forget(position, leaves, shred)
}

// forget is Forget, without the note. The lock is held for reading.
func (v *Vault) forget(position uint64, leaves []Leaf, shred []Owner) error {
	return v.db.Update(func(tx *bbolt.Tx) error {
		for _, o := range shred {
			v.touched.owner(o)
		}
		for _, l := range leaves {
			v.touched.owner(l.Owner)
			if err := v.forgetLeaf(tx, l); err != nil {
				return err
			}
		}
		for _, o := range shred {
			if err := shredOwner(tx, o); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyApplied, binary.BigEndian.AppendUint64(nil, position))
	})
}

// forgetLeaf puts the siblings along the path to a leaf in the place of the node above it.
func (v *Vault) forgetLeaf(tx *bbolt.Tx, l Leaf) error {
	nodes := tx.Bucket(bucketNodes)
	row, node, first, height, err := v.cover(tx, l.Owner, l.Leaf)
	if err == ErrForgotten {
		return nil
	}
	if err != nil {
		return err
	}
	if err := nodes.Delete(row); err != nil {
		return err
	}

	for ; height > 0; height-- {
		bit := byte(l.Leaf >> (height - 1) & 1)
		other := first
		if bit == 0 {
			other += 1 << (height - 1)
		} else {
			first += 1 << (height - 1)
		}
		k := rowKey(l.Owner, other, height-1)
		if err := nodes.Put(k, sealRow(v.wrap, k, child(node, 1-bit))); err != nil {
			return err
		}
		node = child(node, bit)
	}
	return nil
}

// shredOwner removes every node of an owner. The number by which it was found stays in the directory, which can't be
// read: it says that there was one, and that its keys are gone.
func shredOwner(tx *bbolt.Tx, o Owner) error {
	nodes := tx.Bucket(bucketNodes)
	c := nodes.Cursor()
	for k, _ := c.Seek(o[:]); len(k) == rowLength && Owner(k[:16]) == o; k, _ = c.Seek(o[:]) {
		if err := nodes.Delete(k); err != nil {
			return err
		}
	}

	return nil
}
