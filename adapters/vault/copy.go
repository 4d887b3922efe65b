package vault

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"

	"go.etcd.io/bbolt"
)

// A Copy is the keys file as it was at one moment, beside those who use it. Without the epoch's key, which lies
// elsewhere, nothing opens in it. Close lets go of it; until then the epoch does not roll.
type Copy struct {
	Epoch int

	v  *Vault
	tx *bbolt.Tx
}

// Copy takes a copy. Nothing is forgotten while now is called, which finds out where the log ends: the copy has all
// roots that the log needs up to there, and nothing of it is forgotten for what comes later. A log that went on from
// there would number new things as those were numbered, and find their keys destroyed.
func (v *Vault) Copy(now func() error) (*Copy, error) {
	v.forgetting.Lock()
	defer v.forgetting.Unlock()

	if err := now(); err != nil {
		return nil, err
	}

	v.mu.RLock() // until Close
	tx, err := v.db.Begin(false)
	if err != nil {
		v.mu.RUnlock()
		return nil, err
	}

	return &Copy{v.epoch, v, tx}, nil
}

// WriteTo writes the file.
func (c *Copy) WriteTo(w io.Writer) (int64, error) { return c.tx.WriteTo(w) }

// Close lets go of the copy.
func (c *Copy) Close() error {
	defer c.v.mu.RUnlock()
	return c.tx.Rollback()
}

// Restored forgets again, in keys that were copied with a log, what was forgotten since. begun gives the last leaf that
// the log has begun of an owner, and whether it has any: what was begun later belongs to a history that is lost, and
// its numbers are given again. It gives how many things were forgotten.
func (v *Vault) Restored(begun func(Owner) (uint32, bool)) (forgotten int, err error) {
	applied, err := v.Applied()
	if err != nil {
		return 0, err
	}

	leaves, owners, err := v.kms.Forgotten(v.Epoch())
	if err != nil {
		return 0, err
	}
	leaves = slices.DeleteFunc(leaves, func(l Leaf) bool {
		last, any := begun(l.Owner)
		return !any || l.Leaf > last
	})

	v.mu.RLock()
	defer v.mu.RUnlock()

	return len(leaves) + len(owners), v.forget(applied, leaves, owners)
}

// Rebind makes a folder's keys those of another incarnation of its log, durably. ErrOtherLog says that they are neither
// one's, ErrInUse that a server holds them: it must end before its log has another life.
func (f KeyFolder) Rebind(from, to Log) error {
	err := f.Belongs(from)
	if err != nil {
		if f.Belongs(to) == nil {
			return nil // done before, and then stopped
		}
		return err
	}

	held, err := f.Hold(from)
	if err != nil {
		return err
	}

	if err = os.Rename(f.owner(), f.owner()+".before"); errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = f.Bind(to)
	}

	return errors.Join(err, held.Close())
}

const noteLength = 16 + 4 + 1 // owner, leaf, whether the whole owner

// Note appends what is destroyed to a list beside the epoch's key, durably, before it is destroyed: a copy of the data
// that was made before must forget it again when it is restored. The list goes with its epoch.
func (f KeyFolder) Note(epoch int, leaves []Leaf, owners []Owner) error {
	var b []byte
	for _, l := range leaves {
		b = append(binary.BigEndian.AppendUint32(append(b, l.Owner[:]...), l.Leaf), 0)
	}
	for _, o := range owners {
		b = append(append(b, o[:]...), 0, 0, 0, 0, 1)
	}

	file, err := os.OpenFile(f.notes(epoch), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if torn := info.Size() % noteLength; torn > 0 { // a crash stopped the last one: nothing of it was destroyed
		err = file.Truncate(info.Size() - torn)
	}
	if err == nil {
		_, err = file.Write(b)
	}
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil && info.Size() == 0 {
		err = syncDir(string(f))
	}

	return err
}

// Forgotten gives what was noted of an epoch.
func (f KeyFolder) Forgotten(epoch int) (leaves []Leaf, owners []Owner, err error) {
	b, err := os.ReadFile(f.notes(epoch))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}

	for ; err == nil && len(b) >= noteLength; b = b[noteLength:] {
		if b[20] == 1 {
			owners = append(owners, Owner(b[:16]))
		} else {
			leaves = append(leaves, Leaf{Owner(b[:16]), binary.BigEndian.Uint32(b[16:])})
		}
	}

	return leaves, owners, err
}
