package vault

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

func openHere(t *testing.T) (string, *Vault) {
	t.Helper()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	v, err := Open(data, KeyFolder(filepath.Join(dir, "keys")), Log{ID: [16]byte{7}, Incarnation: 1, Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return data, v
}

// What is forgotten while the keys are rolled does not stay in the new file, under the living key, where nothing refers
// to it.
func TestNothingLingersAfterARoll(t *testing.T) {
	data, v := openHere(t)
	var all []Owner
	for i := range 30_000 {
		o := Owner{1}
		copy(o[4:], fmt.Sprintf("%08d", i))
		all = append(all, o)
	}
	if err := v.EnterRoot(all...); err != nil {
		t.Fatal(err)
	}
	roots := map[Owner][]byte{}
	for i := 0; i < len(all); i += 1000 {
		err := v.view(func(tx *bbolt.Tx) (err error) {
			_, roots[all[i]], _, _, err = v.cover(tx, all[i], 7)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	for try := 0; ; try++ {
		before, rolled := v.Epoch(), make(chan error, 1)
		go func() { _, err := v.Roll(); rolled <- err }()
		for !v.touched.noting() {
		}
		var forgotten []Owner
		for o := range roots {
			if err := v.Forget(1, []Leaf{{o, 7}}, nil); err != nil {
				t.Fatal(err)
			}
			if v.Epoch() == before {
				forgotten = append(forgotten, o)
			}
		}
		if err := <-rolled; err != nil {
			t.Fatal(err)
		}

		file, err := os.ReadFile(keysFile(data, v.epoch))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range forgotten {
			if isIn(v, file, o, roots[o]) {
				t.Errorf("what opened a leaf of %x that was forgotten is still in the file", o)
			}
		}
		if len(forgotten) > 0 {
			return
		}
		if try == 20 {
			t.Fatal("nothing was forgotten while the keys were rolled")
		}
	}
}

// isIn reports whether a file has an owner's root, opened by the living key, somewhere.
func isIn(v *Vault, file []byte, o Owner, root []byte) bool {
	row := rowKey(o, 0, depth)
	for at := 0; ; at += len(row) {
		i := bytes.Index(file[at:], row)
		if i < 0 {
			return false
		}
		at += i
		if end := at + len(row) + 60; end <= len(file) {
			plain, err := openRow(v.wrap, row, file[at+len(row):end])
			if err == nil && bytes.Equal(plain, root) {
				return true
			}
		}
	}
}

func (t *touched) noting() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.on
}

// A roll whose file can't get its name leaves nothing that the next one takes up: it is of a key that is gone.
func TestARollAfterOneThatFailed(t *testing.T) {
	data, v := openHere(t)
	o, gone := Owner{1}, Owner{2}
	if err := v.EnterRoot(o, gone); err != nil {
		t.Fatal(err)
	}
	inTheWay := filepath.Join(keysFile(data, 2), "x")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Roll(); err == nil || v.Err() != nil {
		t.Fatalf("with something in the way: %v, stopped: %v", err, v.Err())
	}
	if err := os.RemoveAll(keysFile(data, 2)); err != nil {
		t.Fatal(err)
	}
	if err := v.Forget(1, []Leaf{{o, 7}}, []Owner{gone}); err != nil {
		t.Fatal(err)
	}

	for range 2 {
		if _, err := v.Roll(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := v.Check(); err != nil {
			t.Error(err)
		}
		if has, err := v.HasRoot(gone); has || err != nil {
			t.Errorf("one that was shredded: %v, %v", has, err)
		}
		for leaf := range uint32(10) {
			if _, err := v.Key(o, leaf); (err != nil) != (leaf == 7) {
				t.Errorf("leaf %d: %v", leaf, err)
			}
		}
	}
}
