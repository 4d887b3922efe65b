package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// One bit is flipped, a thousand times, in the log and in the packs: verify names a position each time.
func TestVerifyFindsEveryFlippedBit(t *testing.T) {
	t.Parallel()
	w := start(t)
	for i := range 20 {
		w.Send(fmt.Sprint("Brev ", i))
	}
	w.Stop()
	check := func() error { return (&verifyCmd{dataFlags{Data: w.Data}}).check(io.Discard) }
	if err := check(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(w.Data, "packs", "*"))
	logs, _ := filepath.Glob(filepath.Join(w.Data, "log", "log-*"))
	rng := rand.New(rand.NewPCG(8, 8))
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	for round := range rounds {
		name := append(files, logs...)[round%(len(files)+len(logs))]
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 64<<10)
		n, _ := f.ReadAt(head, 0)
		used := len(bytes.TrimRight(head[:n], "\x00"))
		at := int64(rng.IntN(used))
		if bytes.HasSuffix([]byte(name), []byte("pack-000001")) && at%7 == 0 {
			at = int64(rng.IntN(44)) // headers too
		}
		b := []byte{head[at] ^ 1<<rng.IntN(8)}
		f.WriteAt(b, at)
		err = check()
		if err == nil || !strings.Contains(err.Error(), "position") {
			// The seconds of a pack's header, and nothing else, could change its meaning to no one; its checksum
			// notices all the same.
			t.Fatalf("round %d: byte %d of %s: verify = %v, want an error that names a position",
				round, at, filepath.Base(name), err)
		}
		f.WriteAt(head[at:at+1], at)
		f.Close()
	}
	if err := check(); err != nil {
		t.Fatalf("mended: %v", err)
	}
}

// replay and verify read beside a server under load, without an error.
func TestReplayAndVerifyBesideAServer(t *testing.T) {
	t.Parallel()
	w := start(t)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			pace := time.NewTicker(20 * time.Millisecond) // of what one of them sends
			defer pace.Stop()
			for range 100 { // the readers give way: an endless log would grow faster than they read it
				select {
				case <-done:
					return
				case <-pace.C:
				}
				uuid := servertest.NewUUID()
				if _, err := w.Sender.Post(uuid, strings.NewReader(w.Letter(uuid, "Brev", "Hej"))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 30 {
		if err := (&replayCmd{Data: w.Data, From: 1, JSON: true}).print(io.Discard); err != nil {
			t.Errorf("replay %d: %v", i, err)
		}
		if err := (&verifyCmd{dataFlags{Data: w.Data}}).check(io.Discard); err != nil {
			t.Errorf("verify %d: %v", i, err)
		}
	}
	close(done)
	wg.Wait()
}

// verify compares the views with the log: one that is not what the log says is named, and the log is not blamed.
func TestVerifyComparesViews(t *testing.T) {
	t.Parallel()
	w := start(t)
	for i := range 20 {
		w.Send(fmt.Sprint("Brev ", i))
	}
	verify := func() (string, error) {
		var out strings.Builder
		err := (&verifyCmd{dataFlags{Data: w.Data}}).check(&out)
		return out.String(), err
	}
	if out, err := verify(); err != nil || !strings.Contains(out, "views were not checked") {
		t.Errorf("beside a server: %v, %s", err, out)
	}
	w.Stop()
	if out, err := verify(); err != nil || !strings.Contains(out, "6 views are as the log says") {
		t.Errorf("sound: %v, %s", err, out)
	}

	name := filepath.Join(w.Data, "views", "mailboxes.view")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(b, []byte("mailbox.message-delivered")) // in a row
	if at < 0 {
		t.Fatal("no row has it")
	}
	b[at] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := verify(); err == nil || !strings.Contains(err.Error(), "views: ") ||
		!strings.Contains(err.Error(), "mailboxes") || !strings.Contains(out, "sound: ") {
		t.Errorf("damaged: %v, %s", err, out)
	}
	w.Start() // it is built anew when it is read
	servertest.Eventually(t, "the list is whole", func() bool {
		code, _, body := w.Nobody().Status("POST", "/dev/token", "cpr="+w.People[0].CPR+"&client_id=app",
			"Content-Type", "application/x-www-form-urlencoded")
		if code != 200 {
			return false
		}
		list := "/apis/v1/mailboxes/" + w.People[0].Mailbox + "/messages/"
		code, _, body = w.Bearer(servertest.Parse(body).Text("access_token")).Status("GET", list, "")
		return code == 200 && len(servertest.Parse(body).List("messages")) == 20
	})
}
