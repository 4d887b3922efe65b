package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"digitalpost/adapters/server/servertest"
)

const (
	largest = 99_500_000 // bytes of the longest MeMo
	forOne  = 32 << 10   // kB by which one may raise peak memory
	forMany = 256 << 10  // kB by which many at once may
)

// peak is the most memory that a process has had, in kB.
func peak(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("no /proc here: peak memory is not known")
	}
	var kb int
	_, after, _ := strings.Cut(string(b), "VmHWM:")
	fmt.Sscanf(after, "%d", &kb)
	return kb
}

// sendLargest sends a MeMo of the greatest length, which is never whole in memory here either.
func sendLargest(w *servertest.World) error {
	uuid := servertest.NewUUID()
	head, tail, _ := strings.Cut(w.Letter(uuid, "Stort", "x"), base64.StdEncoding.EncodeToString([]byte("x")))
	size := (largest - len(head) - len(tail)) / 4 * 4
	r, err := w.Sender.Post(uuid, io.MultiReader(
		strings.NewReader(head), io.LimitReader(zeros{}, int64(size)), strings.NewReader(tail)))
	if err == nil && r.ReceiptStatus != "RECEIVED" {
		err = fmt.Errorf("receipt %v", r)
	}
	return err
}

// zeros is base64 of zeros, without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

// A MeMo of 99.5 MB raises peak memory by less than 32 MB; 16 at once by less than 256 MB. Its last byte is served
// without the rest.
func TestLargeMeMosAreNotHeld(t *testing.T) {
	t.Parallel()
	data := t.TempDir() + "/var"
	c := spawn(t, data)
	w := servertest.At(t, data, c.url)
	atOnce := 16
	if testing.Short() {
		atOnce = 2
	}
	base := peak(t, c.Process.Pid)
	if err := sendLargest(w); err != nil {
		t.Fatal(err)
	}
	one := peak(t, c.Process.Pid) - base
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			if err := sendLargest(w); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	many := peak(t, c.Process.Pid) - base
	t.Logf("peak memory: %d MB, +%d MB for one of 99.5 MB, +%d MB for %d at once",
		base>>10, one>>10, many>>10, atOnce)
	if one > forOne || many > forMany {
		t.Errorf("one raises the peak by %d kB (%d allowed), %d by %d kB (%d allowed)",
			one, forOne, atOnce, many, forMany)
	}

	me := w.User(0, "app")
	v := me.See()
	if len(v.Messages) != atOnce+1 {
		t.Fatalf("%d messages", len(v.Messages))
	}
	m := v.Messages[0]
	status, h, _ := me.Status("GET", w.Messages(0)+m.ID+m.Content(), "", "Range", "bytes=-1")
	if status != http.StatusPartialContent || h.Get("Content-Length") != "1" {
		t.Errorf("last byte: %d, %v", status, h)
	}
	uuid := servertest.NewUUID()
	tooLong := w.Letter(uuid, "For stort", strings.Repeat("x", 75_000_000))
	w.Sender.Want(413, "", "POST", servertest.PostPath(uuid), tooLong, servertest.AsXML...)
}
