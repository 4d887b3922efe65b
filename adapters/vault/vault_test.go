package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"digitalpost/adapters/vault"
)

func open(t *testing.T, dir string) *vault.Vault {
	t.Helper()
	_, err := os.Stat(filepath.Join(dir, "data", "keys-1.db"))
	log := theLog
	log.Empty = err != nil
	v, err := vault.Open(filepath.Join(dir, "data"), vault.KeyFolder(filepath.Join(dir, "keys")), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// theLog is a log that has records.
var theLog = vault.Log{ID: [16]byte{7}, Incarnation: 1}

func begin(t *testing.T) (string, *vault.Vault, vault.Owner) {
	t.Helper()
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "data"), 0o700)
	v := open(t, dir)
	id, err := v.Enter(vault.Citizen, "6701902345", vault.Owner{1})
	if err != nil {
		t.Fatal(err)
	}
	return dir, v, id
}

func TestForgettingOneLeafLeavesItsNeighbours(t *testing.T) {
	_, v, id := begin(t)
	sealed := map[uint32][]byte{}
	for leaf := range uint32(200) {
		k, err := v.Key(id, leaf)
		if err != nil {
			t.Fatal(err)
		}
		sealed[leaf] = k.Seal("test.event", "label", []byte{byte(leaf)})
	}
	gone := map[uint32]bool{0: true, 1: true, 7: true, 8: true, 100: true, 199: true}
	for leaf := range gone {
		twice := []vault.Leaf{{Owner: id, Leaf: leaf}, {Owner: id, Leaf: leaf}}
		if err := v.Forget(uint64(leaf), twice, nil); err != nil {
			t.Fatal(err)
		}
	}
	for leaf, s := range sealed {
		k, err := v.Key(id, leaf)
		if gone[leaf] {
			if !errors.Is(err, vault.ErrForgotten) {
				t.Errorf("Key of forgotten leaf %d: error = %v, want ErrForgotten", leaf, err)
			}
			continue
		}
		plain, err := k.Open("test.event", "label", s)
		if err != nil || !bytes.Equal(plain, []byte{byte(leaf)}) {
			t.Errorf("leaf %d: %v, %v", leaf, plain, err)
		}
		if _, err := k.Open("test.event", "note", s); err == nil {
			t.Errorf("leaf %d opens as another field", leaf)
		}
	}
}

func TestOneNumberHasOneOwner(t *testing.T) {
	dir, v, id := begin(t)
	again, err := v.Enter(vault.Citizen, "6701902345", vault.Owner{2})
	if err != nil || again != id {
		t.Fatalf("Enter again = %x, %v; want %x", again, err, id)
	}
	if _, ok, _ := v.Find(vault.Company, "6701902345"); ok {
		t.Fatal("a citizen's number is found as a company's")
	}
	v.Close()
	v = open(t, dir)
	if found, ok, err := v.Find(vault.Citizen, "6701902345"); !ok || found != id || err != nil {
		t.Fatalf("Find after opening again = %x, %v, %v", found, ok, err)
	}
}

// What was forgotten before a roll does not open with the old file and the keys that are left; without the roll it
// does.
func TestRollingTheEpochForgetsInEveryCopy(t *testing.T) {
	dir, v, id := begin(t)
	k, _ := v.Key(id, 5)
	sealed := k.Seal("test.event", "label", []byte("a title"))
	neighbour, _ := v.Key(id, 6)
	kept := neighbour.Seal("test.event", "label", []byte("another"))
	v.Close()
	before, err := os.ReadFile(filepath.Join(dir, "data", "keys-1.db"))
	if err != nil {
		t.Fatal(err)
	}
	v = open(t, dir)
	if err := v.Forget(1, []vault.Leaf{{Owner: id, Leaf: 5}}, nil); err != nil {
		t.Fatal(err)
	}
	fromCopy := func() error {
		c := t.TempDir()
		os.Mkdir(filepath.Join(c, "data"), 0o700)
		os.WriteFile(filepath.Join(c, "data", "keys-1.db"), before, 0o600)
		old, err := vault.OpenReader(filepath.Join(c, "data"), vault.KeyFolder(filepath.Join(dir, "keys")), theLog)
		if err != nil {
			return err
		}
		defer old.Close()
		k, err := old.Key(id, 5)
		if err != nil {
			return err
		}
		_, err = k.Open("test.event", "label", sealed)
		return err
	}
	if err := fromCopy(); err != nil {
		t.Fatalf("negative control: before the roll the copy must still open it, got %v", err)
	}
	if n, err := v.Roll(); n != 2 || err != nil {
		t.Fatalf("Roll = %d, %v", n, err)
	}
	if fromCopy() == nil {
		t.Fatal("after the roll an old copy opens what was forgotten")
	}
	if _, err := v.Key(id, 5); !errors.Is(err, vault.ErrForgotten) {
		t.Fatalf("Key = %v, want ErrForgotten", err)
	}
	k6, err := v.Key(id, 6)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := k6.Open("test.event", "label", kept); err != nil || string(plain) != "another" {
		t.Fatalf("the neighbour: %q, %v", plain, err)
	}
	if nodes, numbers, err := v.Check(); err != nil || nodes != 32 || numbers != 1 {
		t.Fatalf("Check = %d, %d, %v; want 32 nodes, 1 number", nodes, numbers, err)
	}
	if p, err := v.Applied(); p != 1 || err != nil {
		t.Fatalf("Applied = %d, %v", p, err)
	}
}

func TestShreddingAnOwnerLeavesTheOthers(t *testing.T) {
	_, v, id := begin(t)
	other, _ := v.Enter(vault.Citizen, "6702902345", vault.Owner{9})
	v.Forget(1, []vault.Leaf{{Owner: id, Leaf: 3}}, nil)
	if err := v.Forget(2, nil, []vault.Owner{id}); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Key(id, 1); !errors.Is(err, vault.ErrForgotten) {
		t.Fatalf("Key of a shredded owner = %v", err)
	}
	if _, err := v.Key(other, 1); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := v.Find(vault.Citizen, "6702902345"); !ok || err != nil {
		t.Errorf("Find of the other = %v, %v", ok, err)
	}
	if _, numbers, err := v.Check(); numbers != 2 || err != nil {
		t.Errorf("Check = %d numbers, %v; want 2: the shredded owner's says that there was one", numbers, err)
	}
}

// A roll that a crash stopped, at each step, leaves one complete file with a living key.
func TestCrashWhileRolling(t *testing.T) {
	for _, step := range []string{"new key written", "temporary file", "renamed, old key there"} {
		dir, v, id := begin(t)
		kms := vault.KeyFolder(filepath.Join(dir, "keys"))
		data := filepath.Join(dir, "data")
		switch step {
		case "new key written":
			kms.Create(2)
			v.Close()
		case "temporary file":
			kms.Create(2)
			os.WriteFile(filepath.Join(data, "keys-2.db.tmp"), []byte("half"), 0o600)
			v.Close()
		default:
			old, _ := os.ReadFile(filepath.Join(data, "keys-1.db"))
			key, _ := kms.Key(1)
			v.Roll()
			v.Close()
			os.WriteFile(filepath.Join(data, "keys-1.db"), old, 0o600)
			os.WriteFile(filepath.Join(dir, "keys", "epoch", "1.key"), key, 0o600)
		}
		v = open(t, dir)
		if _, err := v.Key(id, 1); err != nil {
			t.Errorf("%s: Key = %v", step, err)
		}
		if n, err := v.Roll(); err != nil {
			t.Errorf("%s: Roll = %d, %v", step, n, err)
		}
		files, _ := filepath.Glob(filepath.Join(data, "*"))
		keys, _ := filepath.Glob(filepath.Join(dir, "keys", "epoch", "*"))
		if len(files) != 1 || len(keys) != 1 {
			t.Errorf("%s: left %v and %v, want one file and one key", step, files, keys)
		}
		v.Close()
	}
}

// A walk gives the same keys as asking for each, in any order, also where leaves are forgotten.
func TestWalkGivesTheSameKeys(t *testing.T) {
	_, v, o := begin(t)
	gone := []vault.Leaf{{Owner: o, Leaf: 5}, {Owner: o, Leaf: 6}, {Owner: o, Leaf: 70}}
	if err := v.Forget(1, gone, nil); err != nil {
		t.Fatal(err)
	}
	leaves := []uint32{0, 4, 5, 6, 7, 8, 69, 70, 71, 1 << 31, 1<<32 - 1, 3, 2, 1}
	for i := range uint32(100) {
		leaves = append(leaves, i)
	}
	w := v.Walk(o)
	for _, leaf := range leaves {
		one, err1 := v.Key(o, leaf)
		other, err2 := w.Key(leaf)
		if err1 != err2 || err1 == nil && one.Hash("x", "y") != other.Hash("x", "y") {
			t.Errorf("leaf %d: Key gives %v, Walk %v, or another key", leaf, err1, err2)
			continue
		}
		if err1 == nil {
			plain, err := w.Open(leaf, "type", "field", one.Seal("type", "field", []byte("hemmeligt")))
			if string(plain) != "hemmeligt" || err != nil {
				t.Errorf("leaf %d: Open = %q, %v", leaf, plain, err)
			}
			if _, err := w.Open(leaf, "type", "other", one.Seal("type", "field", nil)); err == nil {
				t.Errorf("leaf %d: another field opens", leaf)
			}
		}
	}
}
