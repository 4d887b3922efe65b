package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// died waits until a child has ended by itself, and kills it if it does not.
func died(t *testing.T, c *child, step string) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Errorf("%s: the step was never reached", step)
		c.Process.Kill()
		<-done
	}
}

// crashAt is the environment of a server that dies at a step.
func crashAt(step string) string { return "DIGITALPOST_CRASH_AT=" + step }

// Killed at each step of taking a MeMo in, the MeMo gets exactly one outcome once it is there, and the sender's repeat
// gets the same receipt.
func TestKilledAtEachStepOfIntake(t *testing.T) {
	t.Parallel()
	data := t.TempDir() + "/var"
	first := spawn(t, data)
	w := servertest.At(t, data, first.url)
	first.kill()
	for i, step := range []string{
		"document written", "event appended", "before outcome", "purge in the log", "leaf forgotten",
	} {
		c := spawn(t, data, crashAt(step))
		uuid, label := servertest.NewUUID(), fmt.Sprint("Brev ", i)
		xml := w.Letter(uuid, label, "Hej")
		if w.URL = c.url; c.url != "" { // at the last steps it may die before it serves: forgetting is caught up first
			w.System(0).Post(uuid, strings.NewReader(xml))
		}
		died(t, c, step)

		c = spawn(t, data)
		w.URL = c.url
		s := w.System(0)
		r, err := s.Post(uuid, strings.NewReader(xml))
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		var final servertest.Receipt
		servertest.Soon(func() bool { // what had no outcome is taken up again at start, beside the first requests
			final, err = s.Final(r.TransmissionID)
			return err != nil || final.ReceiptStatus == "COMPLETED"
		})
		receipts, shown := 0, 0
		for _, x := range s.Ask(200, "GET", "/apis/v1/receipts-bulk/?size=1000", "").List("receipts") {
			if x.Text("messageUUID") == uuid {
				receipts++
			}
		}
		for _, m := range w.User(0, "app").See().Messages {
			if m.Label == label {
				shown++
			}
		}
		if err != nil || receipts != 1 || shown != 1 || final.ReceiptStatus != "COMPLETED" {
			t.Errorf("%s: %d final receipts (%v), %d messages, %v; want one of each", step, receipts, final, shown, err)
		}
		c.kill()
	}
	isSound(t, data)
}

// Killed between the purge's event and the destruction of its keys, the server forgets all the same before it serves
// again.
func TestKilledBetweenPurgeAndForgetting(t *testing.T) {
	t.Parallel()
	data := t.TempDir() + "/var"
	c := spawn(t, data)
	w := servertest.At(t, data, c.url)
	w.Send("Væk")
	me := w.User(0, "app")
	_, m := me.Find("Væk")
	path := w.Messages(0) + m.ID
	me.Ask(204, "DELETE", path, "")

	// A roll waits until the intake's key is forgotten: the next that is forgotten is the purge's.
	roll := rollCmd{dataFlags: dataFlags{Data: data}}
	if err := roll.Run(); err != nil {
		t.Fatalf("roll: %v", err)
	}
	c.kill()
	c = spawn(t, data, crashAt("deleted"))
	w.Move(c.url)
	w.User(0, "app").Status("DELETE", path, "")
	died(t, c, "deleted")

	packs, _ := filepath.Glob(filepath.Join(data, "packs", "*"))
	w.Move(spawn(t, data).url)
	if status := w.User(0, "app").Code("GET", path, ""); status != 404 {
		t.Errorf("a purged message answers %d", status)
	}
	b, err := os.ReadFile(packs[0])
	if left := bytes.Trim(b, "\x00"); err != nil || len(left) != 0 {
		t.Errorf("the document's bytes are still there (%d), %v", len(left), err)
	}
}

// Killed between a number's root and the mailbox's first event, the next registration opens the mailbox: one number,
// one mailbox.
func TestKilledBetweenRootAndOpening(t *testing.T) {
	t.Parallel()
	data := t.TempDir() + "/var"
	c := spawn(t, data, crashAt("root written"))
	if c.Wait(); c.url != "" {
		t.Fatal("it served, though the first made-up person's registration kills it")
	}
	w := servertest.At(t, data, spawn(t, data).url)
	if len(w.People) != 5 {
		t.Fatalf("%d people; want 5", len(w.People))
	}
	boxes := map[string]bool{}
	for _, p := range w.People {
		boxes[p.Mailbox] = true
	}
	if len(boxes) != 5 {
		t.Errorf("%d mailboxes for 5 people", len(boxes))
	}
}
