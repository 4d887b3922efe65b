package vault

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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

// Restored forgets again, in keys that were copied with a log, what was forgotten since in any history: the leaves and
// owners that it gives. None of these leaves may be begun again: the log that goes on passes over them.
func (v *Vault) Restored() (leaves []Leaf, owners []Owner, err error) {
	applied, err := v.Applied()
	if err != nil {
		return nil, nil, err
	}
	if leaves, owners, err = v.kms.Forgotten(v.Epoch()); err != nil {
		return nil, nil, err
	}

	v.mu.RLock()
	defer v.mu.RUnlock()

	return leaves, owners, v.forget(applied, leaves, owners)
}

// Bound gives the incarnation of a log that a folder's keys are bound to; 0 if they are bound to none. ErrOtherLog says
// that they are another log's.
func (f KeyFolder) Bound(id [16]byte) (incarnation uint64, err error) {
	b, err := os.ReadFile(f.owner())
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}

	var of string
	line := strings.ReplaceAll(string(b), ",", "")
	if _, err := fmt.Sscanf(line, "log %s incarnation %d", &of, &incarnation); err != nil {
		return 0, fmt.Errorf("%s does not say whose keys these are: %w", f.owner(), err)
	}
	if of != hex.EncodeToString(id[:]) {
		return 0, fmt.Errorf("%w: %s is bound to %s", ErrOtherLog, string(f), strings.TrimSpace(string(b)))
	}

	return incarnation, nil
}

// Rebind makes a folder's keys those of a later incarnation of their log, durably: what came before is not served any
// more. ErrInUse says that a server holds them: it must end before its log has another life.
func (f KeyFolder) Rebind(to Log) error {
	bound, err := f.Bound(to.ID)
	if err != nil {
		return err
	}
	if bound >= to.Incarnation {
		return fmt.Errorf("%w: %s is bound to incarnation %d already", ErrOtherLog, string(f), bound)
	}

	held, err := f.Hold(Log{ID: to.ID, Incarnation: bound})
	if err != nil {
		return err
	}

	tmp := f.owner() + ".new"
	if err = os.Remove(tmp); errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = f.write(tmp, []byte(to.line()))
	}
	if err == nil {
		err = os.Rename(tmp, f.owner())
	}
	if err == nil {
		err = syncDir(string(f))
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
