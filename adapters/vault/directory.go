package vault

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"go.etcd.io/bbolt"
)

// A Purpose keeps the numbers of people and of organisations apart in the directory.
type Purpose string

// Purposes of directory rows.
const (
	Citizen      Purpose = "citizen"
	Company      Purpose = "company"
	Organisation Purpose = "organisation"
)

// nameOf returns the directory row of a number, in which the number can't be read.
func (v *Vault) nameOf(p Purpose, number string) []byte {
	h := hmac.New(sha256.New, v.names)
	h.Write([]byte(p))
	h.Write([]byte{0})
	h.Write([]byte(number))
	return h.Sum(nil)
}

// Find returns the owner with a number, if the directory knows it.
func (v *Vault) Find(p Purpose, number string) (id Owner, ok bool, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	err = v.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketDirectory).Get(v.nameOf(p, number))
		if ok = len(b) == 16; ok {
			id = Owner(b)
		}
		return nil
	})
	return id, ok, err
}

// Enter puts a number and its owner's root into the vault, together and durably, if the number is not there; it gives
// the owner that the number has from then on.
func (v *Vault) Enter(p Purpose, number string, id Owner) (Owner, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	name := v.nameOf(p, number)
	err := v.db.Update(func(tx *bbolt.Tx) error {
		v.touched.name(name)
		v.touched.owner(id)
		dir := tx.Bucket(bucketDirectory)
		if b := dir.Get(name); len(b) == 16 {
			id = Owner(b)
			return nil
		}
		// Root and number in one transaction, synced before it returns: no event is ever sealed under a root that a
		// crash could take back, and none is left that no number finds.
		if err := v.putRoot(tx, id); err != nil {
			return err
		}
		return dir.Put(name, id[:])
	})
	return id, err
}

// EnterAll is Enter, of many numbers in one transaction, each with an id of its own; it gives the owners that they
// have.
func EnterAll(v *Vault, p Purpose, numbers []string, ids []Owner) ([]Owner, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	out := append([]Owner{}, ids...)
	names := make([][]byte, len(numbers))
	for i, n := range numbers {
		names[i] = v.nameOf(p, n)
	}

	err := v.db.Update(func(tx *bbolt.Tx) error {
		dir := tx.Bucket(bucketDirectory)
		for i, name := range names {
			if b := dir.Get(name); len(b) == 16 {
				out[i] = Owner(b)
				continue
			}
			v.touched.name(name)
			v.touched.owner(out[i])
			if err := v.putRoot(tx, out[i]); err != nil {
				return err
			}
			if err := dir.Put(name, out[i][:]); err != nil {
				return err
			}
		}
		return nil
	})

	return out, err
}

// Withdraw takes a number of an owner's away: it finds nobody from then on. Of a number that is another's, or nobody's,
// it does nothing.
func Withdraw(v *Vault, p Purpose, number string, of Owner) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	name := v.nameOf(p, number)
	return v.db.Update(func(tx *bbolt.Tx) error {
		v.touched.name(name)
		dir := tx.Bucket(bucketDirectory)
		if b := dir.Get(name); len(b) != 16 || Owner(b) != of {
			return nil
		}
		return dir.Delete(name)
	})
}

// EnterRoot gives owners a root each, if they have none, all in one transaction, durably.
func (v *Vault) EnterRoot(ids ...Owner) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.db.Update(func(tx *bbolt.Tx) error {
		for _, id := range ids {
			v.touched.owner(id)
			if err := v.putRoot(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// HasRoot reports whether an owner has any key left.
func (v *Vault) HasRoot(id Owner) (ok bool, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	err = v.db.View(func(tx *bbolt.Tx) error {
		k, _ := tx.Bucket(bucketNodes).Cursor().Seek(id[:])
		ok = len(k) == rowLength && Owner(k[:16]) == id
		return nil
	})
	return ok, err
}

func (v *Vault) putRoot(tx *bbolt.Tx, id Owner) error {
	nodes := tx.Bucket(bucketNodes)
	if k, _ := nodes.Cursor().Seek(id[:]); len(k) == rowLength && Owner(k[:16]) == id {
		return nil
	}
	root := make([]byte, 32)
	rand.Read(root)
	k := rowKey(id, 0, depth)
	return nodes.Put(k, sealRow(v.wrap, k, root))
}

// Secret derives a secret that lives as long as the data, for development's issuer and keys.
func (v *Vault) Secret(what string) []byte {
	v.mu.RLock()
	defer v.mu.RUnlock()
	h := hmac.New(sha256.New, v.names)
	h.Write([]byte("secret\x00" + what))
	return h.Sum(nil)
}
