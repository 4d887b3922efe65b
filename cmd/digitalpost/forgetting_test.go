package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
	"digitalpost/domain"
	"digitalpost/domain/intake"
)

// program runs one of the program's commands on data, beside a server or without one.
func program(t *testing.T, data string, args ...string) {
	t.Helper()
	if out, err := command(append(args, "--data", data)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v %s", args, err, out)
	}
}

// keysBefore is a copy of the keys as they are in the first epoch.
func keysBefore(t *testing.T, data string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(data, "keys-1.db"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// end ends a server as its operator would.
func (c *child) end() {
	c.Process.Signal(os.Interrupt)
	c.Wait()
}

// post sends a message to a person, by place in the directory, and gives its id.
func post(w *servertest.World, person int, label string) domain.MessageID {
	w.T.Helper()
	s, uuid := w.SenderSystems[0], servertest.NewUUID()
	xml := servertest.MeMo(uuid, s.CVR, "Afsender", w.People[person].CPR, label, "Hej")
	if _, err := w.Sender.Post(uuid, strings.NewReader(xml)); err != nil {
		w.T.Fatal(err)
	}
	u, err := domain.ParseUUID(uuid)
	if err != nil {
		w.T.Fatal(err)
	}
	system, err := domain.ParseUUID(s.ID)
	if err != nil {
		w.T.Fatal(err)
	}
	return intake.MessageOf(system, u)
}

// After a message is purged, a mailbox shredded and the epoch rolled, no file and no key that is left opens them, nor
// does a copy of the keys from before; their neighbours open, and replay, verify and rebuilds run.
func TestForgottenPostCannotBeOpened(t *testing.T) {
	t.Parallel()
	data := t.TempDir() + "/var"
	c := spawn(t, data)
	w := servertest.At(t, data, c.url)
	purged, neighbour := post(w, 0, "Slettes"), post(w, 0, "Naboen")
	other, shredded := post(w, 1, "En anden"), post(w, 2, "Makuleres")
	before := keysBefore(t, data)
	me := w.User(0, "app")
	for range 2 {
		me.Ask(204, "DELETE", w.Messages(0)+purged.String(), "")
	}
	program(t, data, "keys", "shred", "--mailbox", w.People[2].Mailbox)
	control := newThief(t, data, before).reads(t, data)
	if !control[purged] || !control[shredded] || !control[neighbour] || !control[other] {
		t.Fatalf("negative control: before the roll a copy of the keys opens all four, got %v", control)
	}

	program(t, data, "keys", "roll")
	check := func() {
		t.Helper()
		got := newThief(t, data, before).reads(t, data)
		if got[purged] || got[shredded] || !got[neighbour] || !got[other] {
			t.Fatalf("purged %v, shredded %v: want false; its neighbours %v, %v: want true",
				got[purged], got[shredded], got[neighbour], got[other])
		}
	}
	check()
	program(t, data, "replay")
	program(t, data, "verify")
	program(t, data, "rebuild")
	c.end()
	check()
	program(t, data, "rebuild")
	program(t, data, "verify")
	if err := (&replayCmd{Data: data, From: 1, JSON: true}).print(io.Discard); err != nil {
		t.Error(err)
	}

	gone := w.Messages(2) // the number stays closed
	w.Move(spawn(t, data).url)
	if v := w.User(0, "app").See(); len(v.Messages) != 1 || v.Messages[0].Label != "Naboen" {
		t.Errorf("the neighbour in its mailbox: %+v", v)
	}
	if status := w.Bearer(token(w, w.People[2].CPR)).Code("GET", gone, ""); status == 200 {
		t.Error("a shredded mailbox is listed")
	}
}

// token is what somebody is given who may have no mailbox any more; empty if they are not let in.
func token(w *servertest.World, cpr string) string {
	return servertest.Parse(w.Nobody().Body("POST", "/dev/token", "cpr="+cpr+"&client_id=app",
		"Content-Type", "application/x-www-form-urlencoded")).Text("access_token")
}

// After a roll the copy that a recipient system took, and the one that its writer purged, open with no key that is left
// nor with a copy of the keys from before: each side is forgotten by itself, and what neither has ended opens on both.
func TestSentPostThatIsForgottenCannotBeOpened(t *testing.T) {
	t.Parallel()
	data := t.TempDir() + "/var"
	c := spawn(t, data)
	w := servertest.At(t, data, c.url)
	me, box, point := w.User(0, "app"), w.Messages(0), w.Point("Borgerservice").Text("id")
	ids, uuids := map[string]domain.MessageID{}, map[string]string{}
	for _, label := range []string{"Begge", "Skriveren", "Modtageren", "Ingen"} {
		x := me.Ask(200, "POST", me.Draft(box, label, point, "Hej "+label)+"/send", "")
		id, err := domain.ParseUUID(x.Text("id"))
		if err != nil {
			t.Fatal(err)
		}
		ids[label], uuids[label] = id, x.Text("messageUUID")
	}
	before := keysBefore(t, data)
	for _, label := range []string{"Begge", "Skriveren"} { // purged
		for range 2 {
			me.Ask(204, "DELETE", box+ids[label].String(), "")
		}
	}
	for _, label := range []string{"Begge", "Modtageren"} { // taken
		w.Sender.Fetch(uuids[label])
		w.Sender.Ask(204, "DELETE", "/apis/v1/memos/"+uuids[label], "")
	}

	check := func(when string, forgotten bool) {
		t.Helper()
		own, theirs := newThief(t, data, before).readsSent(t, data)
		for label, id := range ids {
			wantOwn := !forgotten || label == "Modtageren" || label == "Ingen"
			wantTheirs := !forgotten || label == "Skriveren" || label == "Ingen"
			if own[id] != wantOwn || theirs[id] != wantTheirs {
				t.Errorf("%s, %s: the writer's copy opens: %v, want %v; the recipient's: %v, want %v",
					when, label, own[id], wantOwn, theirs[id], wantTheirs)
			}
		}
	}
	check("negative control, before the roll", false)
	program(t, data, "keys", "roll")
	check("after the roll", true)
	c.end()
	check("after the server's end", true)
}
