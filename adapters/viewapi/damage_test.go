package viewapi_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// While bits of a view's file flip under a server, a list is whole or is not given: never a part of it.
func TestDamagedViewShowsAllOrNothing(t *testing.T) {
	t.Parallel()
	const messages, rounds = 40, 20
	w := servertest.StartWith(t, servertest.Config{NotDescribed: true})
	for i := range messages {
		w.Send(fmt.Sprint("Brev ", i))
	}
	w.Stop() // so that all of it lies in the file
	w.Start()
	me := w.User(0, "app")

	rng := rand.New(rand.NewPCG(7, 7))
	refused := 0
	for range rounds {
		flipBits(t, rng, filepath.Join(w.Data, "views", "mailboxes.view"), 200)
		servertest.Eventually(t, "the list is whole again", func() bool {
			status, _, body := me.Status("GET", w.Messages(0)+"?size=1000", "")
			if status == 503 {
				refused++
				return false
			}
			if n := len(servertest.Parse(body).List("messages")); status != 200 || n != messages {
				t.Fatalf("%d with %d of %d messages", status, n, messages)
			}
			return true
		})
	}
	if refused == 0 {
		t.Error("nothing was damaged: the test tries nothing")
	}
}

// flipBits flips bits of a file in place, the first two pages left out, of which there is a second copy in memory.
func flipBits(t *testing.T, rng *rand.Rand, path string, n int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		at := 8192 + rng.Int64N(info.Size()-8192)
		b := make([]byte, 1)
		if _, err := f.ReadAt(b, at); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 1 << rng.IntN(8)
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
}
