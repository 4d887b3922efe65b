package vault_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"digitalpost/adapters/vault"
)

// keysOf gives what lies in a folder of keys.
func keysOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := filepath.Glob(filepath.Join(dir, "keys", "epoch", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = string(b)
	}
	return out
}

// Keys that are in use are not written over, whoever comes with another log or another data directory.
func TestKeysAreThoseOfOneLog(t *testing.T) {
	dir, v, id := begin(t)
	kms := vault.KeyFolder(filepath.Join(dir, "keys"))
	before := keysOf(t, dir)
	elsewhere := t.TempDir()

	try := func(what string, data string, log vault.Log, want error) {
		t.Helper()
		other, err := vault.Open(data, kms, log)
		if !errors.Is(err, want) {
			t.Errorf("%s: Open = %v, want %v", what, err, want)
		}
		if err == nil {
			other.Close()
		}
	}
	try("the same data, while they are held", filepath.Join(dir, "data"), theLog, vault.ErrInUse)
	try("an empty directory, while they are held", elsewhere, vault.Log{ID: [16]byte{8}, Empty: true}, vault.ErrInUse)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	try("a new log", elsewhere, vault.Log{ID: [16]byte{8}, Incarnation: 1, Empty: true}, vault.ErrOtherLog)
	try("another log", filepath.Join(dir, "data"), vault.Log{ID: [16]byte{8}, Incarnation: 1}, vault.ErrOtherLog)
	try("another incarnation", filepath.Join(dir, "data"), vault.Log{ID: theLog.ID, Incarnation: 2}, vault.ErrOtherLog)
	try("the log without its keys file", elsewhere, theLog, vault.ErrNoKeys)

	// A folder of before there was a binding: it belongs to those who have data for it.
	if err := os.Remove(filepath.Join(dir, "keys", "log")); err != nil {
		t.Fatal(err)
	}
	try("a new log, unbound", elsewhere, vault.Log{ID: [16]byte{8}, Incarnation: 1, Empty: true}, vault.ErrOtherLog)
	if _, err := open(t, dir).Key(id, 1); err != nil {
		t.Errorf("its own log: Key = %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys", "log")); err != nil {
		t.Errorf("its own log does not bind it: %v", err)
	}

	if after := keysOf(t, dir); len(after) != 1 || after["1.key"] != before["1.key"] {
		t.Error("the keys are not what they were")
	}
}

// Nothing is begun where a log has records: the keys that would open them are elsewhere.
func TestKeysAreNotBegunForALogWithRecords(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := vault.Open(filepath.Join(dir, "data"), vault.KeyFolder(filepath.Join(dir, "keys")), theLog)
	if !errors.Is(err, vault.ErrNoKeys) {
		t.Errorf("Open = %v, want ErrNoKeys", err)
	}
	if keys := keysOf(t, dir); len(keys) != 0 {
		t.Errorf("keys were made: %v", keys)
	}
}

// A reader changes nothing, in the data or in the keys: not even what a crash left.
func TestReadingChangesNothing(t *testing.T) {
	dir, v, id := begin(t)
	v.Close()
	tmp := filepath.Join(dir, "data", "keys-2.db.tmp")
	if err := os.WriteFile(tmp, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	kms := vault.KeyFolder(filepath.Join(dir, "keys"))

	r, err := vault.OpenReader(filepath.Join(dir, "data"), kms, theLog)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Key(id, 1); err != nil {
		t.Errorf("Key = %v", err)
	}
	if _, _, err := r.Check(); err != nil {
		t.Errorf("Check = %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(tmp); err != nil {
		t.Error("a reader removed a file")
	}

	empty := t.TempDir()
	if _, err := vault.OpenReader(empty, kms, theLog); !errors.Is(err, vault.ErrNoKeys) {
		t.Errorf("OpenReader of an empty directory = %v, want ErrNoKeys", err)
	}
	if left, _ := os.ReadDir(empty); len(left) != 0 {
		t.Errorf("a reader made %v", left)
	}
}

// A brokenKMS fails at one call of a kind.
type brokenKMS struct {
	vault.KeyFolder
	create, destroy int // the call that fails, from 1; 0: none
}

var errBroken = errors.New("input/output error")

func (k *brokenKMS) Create(epoch int) error {
	if k.create--; k.create == 0 {
		return errBroken
	}
	return k.KeyFolder.Create(epoch)
}

func (k *brokenKMS) Destroy(epoch int) error {
	if k.destroy--; k.destroy == 0 {
		return errBroken
	}
	return k.KeyFolder.Destroy(epoch)
}

// A step of a roll that fails leaves a vault that works on, and loses nothing of what is entered then, or one that says
// that it has failed. Opening it again is the repair: one file and one key are left.
func TestFailedStepOfARoll(t *testing.T) {
	for _, x := range []struct {
		step    string
		kms     brokenKMS
		sync    int
		stopped bool
	}{
		{step: "what an earlier roll left is destroyed", kms: brokenKMS{destroy: 1}},
		{step: "the new key is made", kms: brokenKMS{create: 1}},
		{step: "the new file's name is made durable", sync: 1, stopped: true},
		{step: "the old key is destroyed", kms: brokenKMS{destroy: 2}, stopped: true},
		{step: "the old file's end is made durable", sync: 2, stopped: true},
	} {
		t.Run(x.step, func(t *testing.T) {
			dir, v, id := begin(t)
			v.Close()
			x.kms.KeyFolder = vault.KeyFolder(filepath.Join(dir, "keys"))
			v, err := vault.Open(filepath.Join(dir, "data"), &x.kms, theLog)
			if err != nil {
				t.Fatal(err)
			}
			if x.sync > 0 {
				v.FailSync(x.sync, errBroken)
			}

			if _, err := v.Roll(); !errors.Is(err, errBroken) {
				t.Errorf("Roll = %v, want the error of the step", err)
			}
			if (v.Err() != nil) != x.stopped {
				t.Errorf("Err = %v, want stopped: %v", v.Err(), x.stopped)
			}

			// What is taken from here on must be there later.
			second, err := v.Enter(vault.Citizen, "6702902345", vault.Owner{9})
			if (err != nil) != x.stopped {
				t.Errorf("Enter = %v, want stopped: %v", err, x.stopped)
			}
			v.Close()

			v = open(t, dir)
			if _, err := v.Key(id, 1); err != nil {
				t.Errorf("after opening it again: Key = %v", err)
			}
			if got, ok, err := v.Find(vault.Citizen, "6702902345"); !x.stopped && (!ok || got != second || err != nil) {
				t.Errorf("after opening it again: Find = %v, %v, %v", got, ok, err)
			}
			if _, err := v.Roll(); err != nil {
				t.Errorf("after opening it again: Roll = %v", err)
			}
			files, _ := filepath.Glob(filepath.Join(dir, "data", "*"))
			if keys := keysOf(t, dir); len(files) != 1 || len(keys) != 1 {
				t.Errorf("left %v and %d keys, want one file and one key", files, len(keys))
			}
		})
	}
}
