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
	err = v.write(1, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyNames, sealRow(wrap, keyNames, names))
	})
	if err != nil {
		return err
	}
	return v.use(1)
}

// write makes the keys file of an epoch: under a temporary name, synced, renamed, the directory synced. Its epoch's key
// must be durable before. A *renamedError says that the file has its name, and perhaps not durably.
func (v *Vault) write(epoch int, fill func(*bbolt.Tx) error) error {
	if err := draft(v.dir, epoch, fill); err != nil {
		return err
	}

	return publish(v.dir, epoch, v.syncDir)
}

// draft writes into the keys file of an epoch that has no name yet, and syncs it; nothing stays in its free pages of
// what was taken out again. A crash leaves a temporary file, which Open removes, and so does the next roll after an
// error.
func draft(dir string, epoch int, fill func(*bbolt.Tx) error) error {
	tmp := keysFile(dir, epoch) + ".tmp"
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
	var free []int64
	if err == nil {
		free, err = freePages(db)
	}
	size := int64(db.Info().PageSize)
	if err = errors.Join(err, db.Close()); err == nil {
		err = zero(tmp, free, size)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp)) // a file that found no room takes none
	}

	return nil
}

// freePages gives the numbers of the pages that hold nothing.
func freePages(db *bbolt.DB) (free []int64, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		for n := 0; ; n++ {
			p, err := tx.Page(n)
			if err != nil || p == nil {
				return err
			}
			if p.Type == "free" {
				free = append(free, int64(n))
			}
		}
	})

	return free, err
}

// zero writes zeros over the pages of a file that nobody has open, and syncs it.
func zero(path string, pages []int64, size int64) error {
	if len(pages) == 0 {
		return nil
	}

	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	blank := make([]byte, size)
	for _, n := range pages {
		if _, err := f.WriteAt(blank, n*size); err != nil {
			return errors.Join(err, f.Close())
		}
	}

	return errors.Join(f.Sync(), f.Close())
}

// publish gives a keys file its name.
//
// bbolt has synced the file in its commit. A crash before the rename leaves a temporary file, which Open removes; from
// the rename on this file counts. The directory is synced before anything that it replaces is destroyed: else a power
// cut could undo the rename when the old key is gone.
func publish(dir string, epoch int, syncDir func(string) error) error {
	if err := os.Rename(keysFile(dir, epoch)+".tmp", keysFile(dir, epoch)); err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
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
// complete file with a living key. It returns the new epoch. The file is written beside everybody else; they wait while
// what has changed meanwhile is written into it and the two change places. After an error from the rename on, the vault
// has failed (Err): opening it again is the repair. One roll runs at a time.
func (v *Vault) Roll() (int, error) {
	v.rolling.Lock()
	defer v.rolling.Unlock()

	r := roll{v: v}
	if err := r.prepare(); err != nil {
		return 0, err
	}

	v.mu.Lock()
	defer v.mu.Unlock()
	touched := v.touched.end()
	old, next := v.epoch, v.epoch+1

	err := draft(v.dir, next, func(to *bbolt.Tx) error {
		return v.db.View(func(from *bbolt.Tx) error { return r.copyTouched(from, to, touched) })
	})
	if err == nil {
		err = publish(v.dir, next, v.syncDir)
	}
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
