package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// files gives the content of every file below some folders.
func files(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			out[path] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// Commands that only read run on a read-only mount, and change nothing.
func TestReadingCommandsOnAReadOnlyMount(t *testing.T) {
	w := start(t)
	w.Send("Brev")
	w.Stop()
	keys := w.Data + ".keys"
	before := files(t, w.Data, keys)

	for _, dir := range []string{w.Data, keys} {
		if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
			t.Skipf("this user may not mount: %v", err)
		}
		t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			t.Skipf("this user may not mount: %v", err)
		}
	}
	if err := os.WriteFile(filepath.Join(w.Data, "x"), nil, 0o600); err == nil {
		t.Fatal("the mount is not read-only")
	}

	if err := (&verifyCmd{dataFlags{Data: w.Data}}).check(io.Discard); err != nil {
		t.Errorf("verify: %v", err)
	}
	if err := (&replayCmd{Data: w.Data, From: 1, JSON: true}).print(io.Discard); err != nil {
		t.Errorf("replay: %v", err)
	}
	for path, b := range files(t, w.Data, keys) {
		if before[path] != b {
			t.Errorf("%s was changed", path)
		}
	}
}

// verify of a copy that has no keys of its own, or those of another log, says that the keys were not checked, and
// leaves what it was given as it is.
func TestVerifyOfACopyLeavesTheKeys(t *testing.T) {
	t.Parallel()
	one, other := start(t), start(t)
	one.Send("Brev")
	one.Stop()
	other.Stop()
	living := one.Data + ".keys"
	before := files(t, living)

	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(one.Data)); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(copied, "keys-*.db"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}

	said := func(data, keys string) string {
		t.Helper()
		var out bytes.Buffer
		if err := (&verifyCmd{dataFlags{Data: data, Keys: keys}}).check(&out); err == nil {
			t.Errorf("verify of %s with %s finds nothing", data, keys)
		}
		return out.String()
	}
	if s := said(other.Data, living); !strings.Contains(s, "the keys were not checked") {
		t.Errorf("with another log's keys, verify says %q", s)
	}
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	if s := said(copied, living); !strings.Contains(s, "the keys were not checked") {
		t.Errorf("without its keys file, verify says %q", s)
	}

	for path, b := range files(t, living) {
		if before[path] != b {
			t.Errorf("%s was changed", path)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(copied, "keys-*.db")); len(left) != 0 {
		t.Errorf("verify made %v", left)
	}
}
