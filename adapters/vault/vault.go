// Package vault keeps the keys that open what people wrote, and forgets them.
//
// Each owner of sealed things (a mailbox, an intake stream, an organisation) has a random 32-byte root. Keys are the
// leaves of a binary tree under it (Goldreich, Goldwasser, Micali 1986): a node's children are SHA-256(0x01 ‖ node ‖
// bit), 32 levels deep. A leaf belongs to one thing. Forgetting a leaf replaces the node above it by the siblings along
// the path, so that all other leaves stay.
//
// keys-<epoch>.db (bbolt) has a row for each node, wrapped by the epoch key: AES-256-GCM, bound to the row's key. The
// epoch key lies outside the data directory, in <keys>/epoch/<n>.key, and nowhere else: keys are bound to one log, and
// held by one process. A deleted row's bytes may linger in the file's free pages and in copies; rolling the epoch is
// what forgets: the new key and a whole new file are made durable, then the old key is destroyed. From then on no copy
// opens what was forgotten before.
//
// The same file holds the directory: HMAC-SHA-256 of a number, under a key of its own, to the id of its owner. Row and
// root are put together, before the first event, so one number has one mailbox.
//
// # Crashes
//
//	root written, no event      the number has an id without a mailbox: opening it again uses that id
//	purge in the log,           Applied says how far forgetting came; on start it is caught up before anything is
//	  leaf not forgotten        served
//	epoch: new key written      the new key is unused, and destroyed by the next roll
//	epoch: new file under       removed on open
//	  its temporary name
//	epoch: new file renamed,    open takes the newest file, whose key is there, destroys the older key and removes the
//	  old key there             older file
package vault

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"sync"

	"go.etcd.io/bbolt"
)

// ErrForgotten says that the key was destroyed, or never was.
var ErrForgotten = errors.New("vault: the key is forgotten")

// An Owner is what has a root: the id of a mailbox, intake stream or organisation.
type Owner [16]byte

// A Vault is open keys. It may be used by many goroutines at once.
type Vault struct {
	dir     string
	kms     KMS
	held    io.Closer // of the keys; nil for a reader
	syncDir func(string) error

	// mu guards what follows. It is held for writing only while the epoch rolls or the vault closes; everybody else
	// holds it for reading as long as they use db, so that the file is not closed under them. Transactions of bbolt are
	// begun under it, never the other way round.
	mu    sync.RWMutex
	db    *bbolt.DB
	epoch int
	wrap  cipher.AEAD
	names []byte // the directory's key

	failed error // why the vault must be opened again

	rolling sync.Mutex // held by the one roll, before mu
	touched touched

	forgetting sync.RWMutex // held for reading while something is forgotten, before mu
}

var (
	bucketNodes     = []byte("nodes")
	bucketDirectory = []byte("directory")
	bucketMeta      = []byte("meta")
	keyNames        = []byte("directory key")
	keyApplied      = []byte("applied")
)

// Open opens the newest keys file in dir, whose epoch key kms must have, for a log and for this process alone. It
// begins the first epoch if the log has no record, and finishes a roll that a crash stopped. ErrOtherLog, ErrInUse and
// ErrNoKeys say why it does not.
func Open(dir string, kms KMS, log Log) (*Vault, error) {
	held, err := kms.Hold(log)
	if err != nil {
		return nil, err
	}
	v := &Vault{dir: dir, kms: kms, held: held, syncDir: syncDir}
	if err := v.open(log); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return v, nil
}

// OpenReader opens the newest keys file in dir for reading only, beside nobody who writes: see Open. It changes
// nothing, in dir or in kms. What writes must not be called.
func OpenReader(dir string, kms KMS, log Log) (*Vault, error) {
	if err := kms.Belongs(log); err != nil {
		return nil, err
	}
	epochs, err := epochsIn(dir)
	if err != nil {
		return nil, err
	}
	if len(epochs) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoKeys, dir)
	}

	v := &Vault{dir: dir, kms: kms, syncDir: syncDir}
	if err := v.use(epochs[len(epochs)-1]); err != nil {
		return nil, err
	}
	return v, nil
}

// epochsIn gives the epochs whose file is in dir, in order.
func epochsIn(dir string) (epochs []int, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "keys-*.db"))
	for _, f := range files {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(f), "keys-%d.db", &n); err == nil {
			epochs = append(epochs, n)
		}
	}
	sort.Ints(epochs)
	return epochs, err
}

func (v *Vault) open(log Log) error {
	epochs, err := epochsIn(v.dir)
	if err != nil {
		return err
	}

	// A temporary file is one whose rename a crash forestalled: the file before it has all that there is.
	temps, _ := filepath.Glob(filepath.Join(v.dir, "keys-*.tmp"))
	for _, f := range temps {
		if err := os.Remove(f); err != nil {
			return err
		}
	}

	if len(epochs) == 0 {
		return v.begin(log)
	}

	// A file has its final name only once it is whole and its epoch's key durable, so the newest is the one that
	// counts. Its name is made durable before anything older is destroyed: a power cut may have come before that.
	newest := epochs[len(epochs)-1]
	if err := v.use(newest); err != nil {
		return err
	}
	if err := errors.Join(v.syncDir(v.dir), v.kms.Bind(log)); err != nil {
		return errors.Join(err, v.db.Close())
	}

	// An older one beside it is a roll that crashed after the rename: what the roll had left to do is done here. First
	// the key, then the file: a crash between the two leaves a file that nobody opens, which the next Open removes.
	for _, n := range epochs[:len(epochs)-1] {
		err := v.kms.Destroy(n)
		if err == nil {
			err = os.Remove(keysFile(v.dir, n))
		}
		if err != nil {
			return errors.Join(err, v.db.Close())
		}
	}
	return nil
}

// Close closes the vault, once those who use it are done. It must not be used afterwards.
func (v *Vault) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	err := v.db.Close()
	if v.held != nil {
		err = errors.Join(err, v.held.Close())
	}
	return err
}

// Err returns why the vault must be opened again, nil while it works.
func (v *Vault) Err() error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.failed
}

// Epoch returns the epoch, from 1.
func (v *Vault) Epoch() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.epoch
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

// Check opens every row with the epoch key and lets bbolt check its pages. It returns how many nodes and numbers there
// are.
func (v *Vault) Check() (nodes, numbers int, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	tx, err := v.db.Begin(v.held != nil) // pages are only sound to one who sees no other writer
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
				return fmt.Errorf("vault: the node of owner %x, leaf %d does not open: %w",
					k[:16], binary.BigEndian.Uint32(k[16:]), err)
			}
			return nil
		})
	})
	return nodes, numbers, err
}
