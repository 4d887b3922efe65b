package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

func keysFile(dir string, epoch int) string {
	return filepath.Join(dir, fmt.Sprintf("keys-%d.db", epoch))
}

// begin makes the first epoch of a log without a record. A crash after the key and before the file leaves a key that
// nothing was sealed with: it is destroyed here, since the keys are bound to this log, and held.
func (v *Vault) begin(log Log) error {
	if !log.Empty {
		return fmt.Errorf("%w: the log has records, and %s is not there", ErrNoKeys, keysFile(v.dir, 1))
	}

	err := v.kms.Bind(log)
	if err == nil {
		err = v.kms.Destroy(1)
	}
	if err == nil {
		err = v.kms.Create(1)
	}
	if err != nil {
		return err
	}
	wrap, err := v.cipherOf(1)
	if err != nil {
		return err
	}
	names := make([]byte, 32)
	rand.Read(names)
	err = v.write(1, wrap, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyNames, sealRow(wrap, keyNames, names))
	})
	if err != nil {
		return err
	}
	return v.use(1)
}

// write makes the keys file of an epoch: under a temporary name, synced, renamed, the directory synced. Its epoch's key
// must be durable before. A *renamedError says that the file has its name, and perhaps not durably.
func (v *Vault) write(epoch int, wrap cipher.AEAD, fill func(*bbolt.Tx) error) error {
	tmp := keysFile(v.dir, epoch) + ".tmp"
	db, err := bbolt.Open(tmp, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, b := range [][]byte{bucketNodes, bucketDirectory, bucketMeta} {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return err
			}
		}
		return fill(tx)
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp)) // a file that found no room takes none
	}

	// bbolt has synced the file in its commit. A crash before the rename leaves a temporary file, which Open removes;
	// from the rename on this file counts. The directory is synced before anything that it replaces is destroyed: else
	// a power cut could undo the rename when the old key is gone.
	if err := os.Rename(tmp, keysFile(v.dir, epoch)); err != nil {
		return err
	}
	if err := v.syncDir(v.dir); err != nil {
		return &renamedError{err}
	}
	return nil
}

// A renamedError is what went wrong after a file got its name: there is no way back from there.
type renamedError struct{ error }

func (e *renamedError) Unwrap() error { return e.error }

func (v *Vault) cipherOf(epoch int) (cipher.AEAD, error) {
	key, err := v.kms.Key(epoch)
	if err != nil {
		return nil, err
	}
	return newAEAD(key)
}

// use makes an epoch's file the one that is open. It closes nothing: the caller has the one before.
func (v *Vault) use(epoch int) error {
	wrap, err := v.cipherOf(epoch)
	if err != nil {
		return err
	}

	db, err := bbolt.Open(keysFile(v.dir, epoch), 0o600, &bbolt.Options{Timeout: time.Second, ReadOnly: v.held == nil})
	if err != nil {
		return fmt.Errorf("open %s: %w", keysFile(v.dir, epoch), err)
	}

	err = db.View(func(tx *bbolt.Tx) (err error) {
		v.names, err = openRow(wrap, keyNames, tx.Bucket(bucketMeta).Get(keyNames))
		return err
	})
	if err != nil {
		return errors.Join(fmt.Errorf("keys of epoch %d do not open with their epoch key: %w", epoch, err), db.Close())
	}

	v.db, v.epoch, v.wrap = db, epoch, wrap
	return nil
}

// Roll ends the epoch: new key, whole new file, then the old key and file are destroyed. A crash at any step leaves one
// complete file with a living key. It returns the new epoch. Everybody else waits for it. After an error from the
// rename on, the vault has failed (Err): opening it again is the repair.
func (v *Vault) Roll() (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	old, next := v.epoch, v.epoch+1

	if v.failed != nil {
		return 0, v.failed
	}

	// Running out of descriptors in the midst of it would end the process.
	if err := descriptors(v.dir); err != nil {
		return 0, err
	}

	// The key first, and durable: a file without its key would be lost. A crash after it leaves a key that nothing was
	// sealed with; the next roll destroys it and makes another.
	err := v.kms.Destroy(next)
	if err == nil {
		err = v.kms.Create(next)
	}
	if err != nil {
		return 0, err
	}
	wrap, err := v.cipherOf(next)
	if err != nil {
		return 0, err
	}

	// A crash in here leaves a temporary file, and after the rename both files with both keys: Open removes the one, or
	// finishes the roll.
	err = v.db.View(func(from *bbolt.Tx) error {
		return v.write(next, wrap, func(to *bbolt.Tx) error {
			return errors.Join(
				from.Bucket(bucketDirectory).ForEach(to.Bucket(bucketDirectory).Put),
				from.Bucket(bucketNodes).ForEach(func(k, val []byte) error {
					plain, err := openRow(v.wrap, k, val)
					if err != nil {
						return err
					}
					b := to.Bucket(bucketNodes)
					b.FillPercent = 0.9
					return b.Put(k, sealRow(wrap, k, plain))
				}),
				to.Bucket(bucketMeta).Put(keyNames, sealRow(wrap, keyNames, v.names)),
				to.Bucket(bucketMeta).Put(keyApplied, append([]byte{}, from.Bucket(bucketMeta).Get(keyApplied)...)),
			)
		})
	})
	var renamed *renamedError
	switch {
	case errors.As(err, &renamed): // the new file counts: what was written to the old one from here on would be lost
		return 0, v.fail(fmt.Errorf("the file of epoch %d: %w", next, err))
	case err != nil:
		return 0, fmt.Errorf("write keys of epoch %d: %w", next, err)
	}

	was := v.db
	if err := v.use(next); err != nil {
		return 0, v.fail(fmt.Errorf("epoch %d does not open: %w", next, err))
	}

	// What was forgotten is gone from every copy once the old key is. Until then a crash leaves both, and Open destroys
	// the old key; if the file alone is left it opens for nobody, and Open removes it. The file goes last, and only
	// after its key: it is what tells Open that the key is still to be destroyed.
	err = was.Close()
	if err == nil {
		err = v.kms.Destroy(old)
	}
	if err == nil {
		err = os.Remove(keysFile(v.dir, old))
	}
	if err == nil {
		err = v.syncDir(v.dir)
	}
	if err != nil {
		return next, v.fail(fmt.Errorf("epoch %d is not destroyed: %w", old, err))
	}
	return next, nil
}

// rollNeeds is how many descriptors a roll has open at once.
const rollNeeds = 8

// descriptors reports whether there are as many descriptors as a roll needs.
func descriptors(dir string) (err error) {
	var held []*os.File
	for range rollNeeds {
		f, openErr := os.Open(dir)
		if err = openErr; err != nil {
			break
		}
		held = append(held, f)
	}

	for _, f := range held {
		f.Close()
	}

	return err
}

// fail notes that the vault must be opened again, and closes its file: nothing is entered or forgotten any more.
func (v *Vault) fail(err error) error {
	v.failed = fmt.Errorf("vault: %w; open it again", err)
	return errors.Join(v.failed, v.db.Close())
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func sealRow(wrap cipher.AEAD, row, plain []byte) []byte {
	nonce := make([]byte, 12, 12+len(plain)+16)
	rand.Read(nonce)
	return wrap.Seal(nonce, nonce, plain, row)
}

func openRow(wrap cipher.AEAD, row, sealed []byte) ([]byte, error) {
	if len(sealed) < 28 {
		return nil, errors.New("vault: a row is cut short")
	}
	return wrap.Open(nil, sealed[:12], sealed[12:], row)
}

// syncDir makes durable what was created, renamed and removed in a directory.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
