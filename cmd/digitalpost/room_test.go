package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"digitalpost/adapters/server/servertest"
)

// A disk of its own, in memory, that is full at a size; it is made larger while it is in use.
type smallDisk struct {
	t    *testing.T
	path string
}

func mountSmall(t *testing.T, path string, kib int) *smallDisk {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("small", path, "tmpfs", 0, fmt.Sprintf("size=%dk,mode=0700", kib)); err != nil {
		t.Skipf("a file system of its own can't be mounted here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(path, unix.MNT_DETACH) })
	return &smallDisk{t, path}
}

func (d *smallDisk) grow(kib int) {
	d.t.Helper()
	if err := unix.Mount("small", d.path, "", unix.MS_REMOUNT, fmt.Sprintf("size=%dk", kib)); err != nil {
		d.t.Fatal(err)
	}
}

// The disk of the packs, and that of the views, fill up: what needs room is refused with 503, all else goes on, nothing
// that was accepted is lost, and it is taken once there is room, without a restart.
func TestDiskFillsWithGrace(t *testing.T) {
	data := filepath.Join(t.TempDir(), "var")
	packs := mountSmall(t, filepath.Join(data, "packs"), 256)
	views := mountSmall(t, filepath.Join(data, "views"), 4096)
	c := spawn(t, data)
	w := servertest.At(t, data, c.url)
	me := w.User(0, "app")

	send := func() (status int, answer string) {
		uuid := servertest.NewUUID()
		xml := w.Letter(uuid, "Brev", strings.Repeat("Hej ", 2000))
		status, _, answer = w.Sender.Status("POST", servertest.PostPath(uuid), xml, servertest.AsXML...)
		return status, answer
	}
	accepted := 0
	full := func() bool {
		status, answer := send()
		if status == 201 {
			accepted++
		} else if status != 503 || !strings.Contains(answer, "storage.full") {
			t.Fatalf("a MeMo without room: %d %s", status, answer)
		}
		return status == 503
	}
	goesOn := func(what string) {
		t.Helper()
		if n := me.Ask(200, "GET", w.Messages(0)+"?size=1", "").At("totalElements"); n != float64(accepted) {
			t.Errorf("%s: %v messages are listed, %d were accepted", what, n, accepted)
		}
		_, m := me.Find("Brev")
		me.Ask(200, "GET", w.Messages(0)+m.ID, "")
		me.Ask(200, "PATCH", w.Messages(0)+m.ID, `{"read":true}`)
	}

	for !full() {
		if accepted > 1000 {
			t.Fatal("the packs are never full")
		}
	}
	goesOn("with full packs")
	packs.grow(64 << 10)
	if full() {
		t.Error("the packs have room, and a MeMo is refused")
	}
	goesOn("once there is room")

	// The views: what is written into memory is shown though it can't be written down, and is written once it can.
	hog := filepath.Join(views.path, "hog")
	if err := os.WriteFile(hog, make([]byte, 4<<20), 0o600); err == nil {
		t.Fatal("the views' disk is not full")
	}
	for range 20 {
		if full() {
			t.Fatal("a MeMo is refused since views can't be written")
		}
	}
	time.Sleep(3 * flushInterval)
	goesOn("with full views")
	if err := os.Remove(hog); err != nil {
		t.Fatal(err)
	}
	views.grow(64 << 10)
	time.Sleep(3 * flushInterval)
	goesOn("once the views have room")

	c.kill() // what was accepted is there, whatever was written of the views
	c = spawn(t, data)
	w.Move(c.url)
	me = w.User(0, "app")
	goesOn("after a kill")
	c.end()
	isSound(t, data)
}

// flushInterval is a little more than how often views are written.
const flushInterval = 1100 * time.Millisecond
