package vault

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A KMS keeps epoch keys, where no backup of the data reaches them. The vault calls it from one goroutine at a time.
type KMS interface {
	// Create makes the key of an epoch durable; a key that is there already is made anew.
	Create(epoch int) error
	// Key gives the 32 bytes of an epoch's key.
	Key(epoch int) ([]byte, error)
	// Destroy makes the key of an epoch gone for good; one that is not there is.
	Destroy(epoch int) error
}

// A KeyFolder is a KMS for development: files epoch/<n>.key in a folder outside the data directory.
type KeyFolder string

func (f KeyFolder) path(epoch int) string {
	return filepath.Join(string(f), "epoch", fmt.Sprintf("%d.key", epoch))
}

// Create writes a random key: synced, and its folder too. A crash before it returns leaves no key, or one of any
// length: no file was sealed with it yet, and whoever makes the epoch calls Create again.
func (f KeyFolder) Create(epoch int) error {
	dir := filepath.Join(string(f), "epoch")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}

	key := make([]byte, 32)
	rand.Read(key)
	file, err := os.OpenFile(f.path(epoch), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(key)
	return errors.Join(err, file.Sync(), file.Close(), syncDir(dir), syncDir(string(f)))
}

// Key reads a key.
func (f KeyFolder) Key(epoch int) ([]byte, error) {
	key, err := os.ReadFile(f.path(epoch))
	if err == nil && len(key) != 32 {
		err = fmt.Errorf("vault: epoch key %d is of %d bytes, 32 are needed", epoch, len(key))
	}
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("vault: the key of epoch %d is not in %s: "+
			"--keys must name the folder that the data was made with", epoch, string(f))
	}
	return key, err
}

// Destroy writes over a key and removes it. A crash within it leaves the key, zeros or nothing; the vault destroys it
// again when it is opened, for as long as the file that it opened is there.
func (f KeyFolder) Destroy(epoch int) error {
	file, err := os.OpenFile(f.path(epoch), os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}

	// Zeros are synced before the removal: what stays in the file system's free blocks is no key.
	_, err = file.Write(make([]byte, 32))
	return errors.Join(err, file.Sync(), file.Close(), os.Remove(f.path(epoch)), syncDir(filepath.Dir(f.path(epoch))))
}
