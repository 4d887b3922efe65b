// Package vault keeps the keys that open what people wrote, and forgets them.
//
// Each owner of sealed things (a mailbox, an intake stream, an organisation) has a random 32-byte root. Keys are the leaves of a binary tree
// under it (Goldreich, Goldwasser, Micali 1986): a node's children are SHA-256(0x01 ‖ node ‖ bit), 32 levels deep. A leaf belongs to one
// thing. Forgetting a leaf replaces the node above it by the siblings along the path, so that all other leaves stay.
//
// keys-<epoch>.db (bbolt) has a row for each node, wrapped by the epoch key: AES-256-GCM, bound to the row's key. The epoch key lies outside the data
// directory, in <keys>/epoch/<n>.key, and nowhere else. A deleted row's bytes may linger in the file's free pages and in copies; rolling
// the epoch is what forgets: the new key and a whole new file are made durable, then the old key is destroyed. From then on no copy opens what was
// forgotten before.
//
// The same file holds the directory: HMAC-SHA-256 of a number, under a key of its own, to the id of its owner. Row and root are put together,
// before the first event, so one number has one mailbox.
//
// # Crashes
//
//	root written, no event     the number has an id without a mailbox: opening it again uses that id
//	purge in the log, leaf not forgotten   Applied tells how far forgetting came; on start it is caught up before anything is served
//	epoch: new key written     the new key is unused and written again by the next roll
//	epoch: new file under its temporary name   removed on open
//	epoch: new file renamed, old key there     open takes the newest file with a living key, destroys the older key and removes the older file
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// ErrForgotten says that the key was destroyed, or never was.
var ErrForgotten = errors.New("vault: the key is forgotten")

// An Owner is what has a root: the id of a mailbox, intake stream or organisation.
type Owner [16]byte

// A Purpose keeps the numbers of people and of organisations apart in the directory.
type Purpose string

// Purposes of directory rows.
const (
	Citizen      Purpose = "citizen"
	Company      Purpose = "company"
	Organisation Purpose = "organisation"
)

// A Vault is open keys. It may be used by many goroutines at once.
type Vault struct {
	dir string
	kms KMS

	mu    sync.RWMutex // guards what follows; held for writing only while the epoch rolls or the vault closes
	db    *bbolt.DB
	epoch int
	wrap  cipher.AEAD
	names []byte // the directory's key

	failed error // why the vault must be opened again
}

var (
	bucketNodes     = []byte("nodes")
	bucketDirectory = []byte("directory")
	bucketMeta      = []byte("meta")
	keyNames        = []byte("directory key")
	keyApplied      = []byte("applied")
)

// Open opens the newest keys file in dir that kms has a key for, or begins the first epoch.
func Open(dir string, kms KMS) (*Vault, error) {
	v := &Vault{dir: dir, kms: kms}
	files, err := filepath.Glob(filepath.Join(dir, "keys-*.db"))
	if err != nil {
		return nil, err
	}
	var epochs []int
	for _, f := range files {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(f), "keys-%d.db", &n); err == nil {
			epochs = append(epochs, n)
		}
	}
	sort.Ints(epochs)
	temps, _ := filepath.Glob(filepath.Join(dir, "keys-*.tmp"))
	for _, f := range temps {
		if err := os.Remove(f); err != nil {
			return nil, err
		}
	}
	if len(epochs) == 0 {
		if err := v.begin(); err != nil {
			return nil, err
		}
		return v, nil
	}
	newest := epochs[len(epochs)-1]
	if err := v.use(newest); err != nil {
		return nil, err
	}
	for _, n := range epochs[:len(epochs)-1] {
		if err := errors.Join(kms.Destroy(n), os.Remove(v.path(n))); err != nil {
			return nil, errors.Join(err, v.db.Close())
		}
	}
	return v, nil
}

func (v *Vault) path(epoch int) string { return filepath.Join(v.dir, fmt.Sprintf("keys-%d.db", epoch)) }

func (v *Vault) begin() error {
	if err := v.kms.Create(1); err != nil {
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

// write makes the keys file of an epoch: under a temporary name, synced, renamed, the directory synced.
func (v *Vault) write(epoch int, wrap cipher.AEAD, fill func(*bbolt.Tx) error) error {
	tmp := v.path(epoch) + ".tmp"
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
		return err
	}
	return errors.Join(os.Rename(tmp, v.path(epoch)), syncDir(v.dir))
}

func (v *Vault) cipherOf(epoch int) (cipher.AEAD, error) {
	key, err := v.kms.Key(epoch)
	if err != nil {
		return nil, err
	}
	return newAEAD(key)
}

func (v *Vault) use(epoch int) error {
	wrap, err := v.cipherOf(epoch)
	if err != nil {
		return err
	}
	db, err := bbolt.Open(v.path(epoch), 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return fmt.Errorf("open %s: %w", v.path(epoch), err)
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

// Close closes the vault.
func (v *Vault) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.db.Close()
}

// Err tells why the vault must be opened again, nil while it works.
func (v *Vault) Err() error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.failed
}

// Epoch tells the epoch, from 1.
func (v *Vault) Epoch() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.epoch
}

func (v *Vault) nameOf(p Purpose, number string) []byte {
	h := hmac.New(sha256.New, v.names)
	h.Write([]byte(p))
	h.Write([]byte{0})
	h.Write([]byte(number))
	return h.Sum(nil)
}

// Find gives the owner with a number, if the directory knows it.
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

// Enter puts a number and its owner's root into the vault, together and durably, if the number is not there; it gives the owner that the
// number has from then on.
func (v *Vault) Enter(p Purpose, number string, id Owner) (Owner, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	err := v.db.Update(func(tx *bbolt.Tx) error {
		dir, name := tx.Bucket(bucketDirectory), v.nameOf(p, number)
		if b := dir.Get(name); len(b) == 16 {
			id = Owner(b)
			return nil
		}
		if err := v.putRoot(tx, id); err != nil {
			return err
		}
		return dir.Put(name, id[:])
	})
	return id, err
}

// EnterRoot gives owners a root each, if they have none, durably.
func (v *Vault) EnterRoot(ids ...Owner) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.db.Update(func(tx *bbolt.Tx) error {
		for _, id := range ids {
			if err := v.putRoot(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// HasRoot tells whether an owner has any key left.
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

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Applied is the log position up to which everything to be forgotten is forgotten.
func (v *Vault) Applied() (p uint64, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	err = v.db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(bucketMeta).Get(keyApplied); len(b) == 8 {
			p = binary.BigEndian.Uint64(b)
		}
		return nil
	})
	return p, err
}

// Roll ends the epoch: new key, whole new file, then the old key and file are destroyed. A crash at any step leaves one
// complete file with a living key. It returns the new epoch.
func (v *Vault) Roll() (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	old, next := v.epoch, v.epoch+1
	if err := v.kms.Create(next); err != nil {
		return 0, err
	}
	wrap, err := v.cipherOf(next)
	if err != nil {
		return 0, err
	}
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
	if err != nil {
		return 0, fmt.Errorf("write keys of epoch %d: %w", next, err)
	}
	was := v.db
	if err := v.use(next); err != nil { // the new file is the one that counts: nothing may be written to the old one any more
		v.failed = fmt.Errorf("vault: epoch %d does not open: %w", next, err)
		return 0, errors.Join(v.failed, was.Close())
	}
	return next, errors.Join(was.Close(), v.kms.Destroy(old), os.Remove(v.path(old)), syncDir(v.dir))
}

// Check opens every row with the epoch key and lets bbolt check its pages. It returns how many nodes and numbers there are.
func (v *Vault) Check() (nodes, numbers int, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	tx, err := v.db.Begin(true) // pages are only sound to one who sees no other writer
	if err != nil {
		return 0, 0, err
	}
	for cerr := range tx.Check() {
		err = errors.Join(err, cerr)
	}
	if err = errors.Join(err, tx.Rollback()); err != nil {
		return 0, 0, err
	}
	err = v.db.View(func(tx *bbolt.Tx) error {
		numbers = tx.Bucket(bucketDirectory).Stats().KeyN
		return tx.Bucket(bucketNodes).ForEach(func(k, val []byte) error {
			nodes++
			if _, err := openRow(v.wrap, k, val); err != nil {
				return fmt.Errorf("vault: the node of owner %x, leaf %d does not open: %w", k[:16], binary.BigEndian.Uint32(k[16:]), err)
			}
			return nil
		})
	})
	return nodes, numbers, err
}

// Secret derives a secret that lives as long as the data, for development's issuer and keys.
func (v *Vault) Secret(what string) []byte {
	v.mu.RLock()
	defer v.mu.RUnlock()
	h := hmac.New(sha256.New, v.names)
	h.Write([]byte("secret\x00" + what))
	return h.Sum(nil)
}
