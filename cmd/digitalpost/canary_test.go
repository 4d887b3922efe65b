package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// canary is the number of somebody whose every word is a canary.
const canary = "7812994321"

var canaries = []string{
	canary, "Kanarie", "kanarie", base64.StdEncoding.EncodeToString([]byte("Kanarietekst i dokumentet"))[:20],
}

// What people wrote, and who they are, is in no file, no log line and no metric; after a purge and a roll it can't be
// opened.
func TestCanary(t *testing.T) {
	t.Parallel()
	w, admin := startWithAdmin(t)
	path := sing(w)
	metrics := metricsOf(t, admin)
	noCanaryIn(t, w.Data)
	var replayed bytes.Buffer
	if err := (&replayCmd{Data: w.Data, From: 1, JSON: true}).print(&replayed); err != nil {
		t.Fatal(err)
	}
	for _, c := range canaries {
		for what, text := range map[string]string{
			"log output": w.Log.String(), "metrics": metrics, "replay": replayed.String(),
		} {
			if strings.Contains(text, c) {
				t.Errorf("%q is in the %s", c, what)
			}
		}
	}
	w.Stop() // and so with the views flushed
	noCanaryIn(t, w.Data)

	w.Start()
	me := w.Person(canary, "app")
	me.Want(204, "", "DELETE", path, "")
	me.Want(204, "", "DELETE", path, "")
	roll := rollCmd{dataFlags: dataFlags{Data: w.Data}}
	if err := roll.Run(); err != nil {
		t.Fatalf("roll: %v", err)
	}
	isSound(t, w.Data)
	w.Send("Efter")
	w.Stop()
	isSound(t, w.Data)
	os.RemoveAll(filepath.Join(w.Data, "views"))
	w.Start()
	w.User(0, "app").Find("Efter")
}

// sing has somebody receive, note, file, write, be answered, forward and search canaries. It gives the path of the
// message that they got.
func sing(w *servertest.World) (path string) {
	w.T.Helper()
	w.Nobody().Ask(201, "POST", "/dev/people", `{"cpr":"`+canary+`","name":"Kanariefugl Navnesen"}`)
	uuid := servertest.NewUUID()
	memo := servertest.MeMo(uuid, w.SenderSystems[0].CVR, "Kanarieafsender", canary, "Kanarietitel",
		"Kanarietekst i dokumentet")
	if _, err := w.Sender.Post(uuid, strings.NewReader(memo)); err != nil {
		w.T.Fatal(err)
	}
	me := w.Person(canary, "app")
	box, m := me.Find("Kanarietitel")
	messages := "/apis/v1/mailboxes/" + box + "/messages/"
	path = messages + m.ID
	me.Want(200, "", "PATCH", path, `{"note":"Kanarienote"}`)
	me.Want(201, "", "POST", "/apis/v1/mailboxes/"+box+"/folders/", `{"name":"Kanariemappe"}`)

	// What a person writes, forwards and is answered, a draft that stays one, and a search for it all.
	me.Draft(messages, "Kanariekladde", w.Point("SU").Text("id"), "Kanarietekst i kladden")
	draft := me.Draft(messages, "Kanariebrev", w.Point("Borgerservice").Text("id"), "Kanarietekst i brevet")
	me.Attach(draft, "ADDITIONAL", "kanariefil.txt", "Kanarietekst i bilaget")
	sent := me.Ask(200, "POST", draft+"/send", "").Text("messageUUID")
	w.Sender.Fetch(sent)
	w.Sender.Ask(200, "POST", "/apis/v1/memos/"+sent+"/receipt",
		`{"receiptStatus":"INVALID","errorCode":"kanarie.kode","errorMessage":"Kanariesvar"}`)
	me.Ask(200, "POST", path+"/forward", `{"recipientId":"`+w.People[1].CPR+`","recipientIdType":"CPR",
		"comment":"Kanariekommentar","senderLabel":"Kanarielabel"}`)
	if x := me.Ask(200, "GET", messages+"?any=kanarie", ""); x.Text("totalElements") != "4" {
		w.T.Errorf("a search finds %s, want 4", x.Text("totalElements"))
	}
	return path
}

// noCanaryIn looks for canaries in every byte of every file.
func noCanaryIn(t *testing.T, data string) {
	t.Helper()
	err := filepath.Walk(data, func(name string, info os.FileInfo, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a server beside the test has taken it away
			return nil
		}
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		for _, c := range canaries {
			if bytes.Contains(b, []byte(c)) {
				t.Errorf("%q is in %s", c, name)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// isSound has verify look at data, on which a server may run.
func isSound(t *testing.T, data string) {
	t.Helper()
	if err := (&verifyCmd{dataFlags{Data: data}}).check(io.Discard); err != nil {
		t.Fatalf("verify: %v", err)
	}
}
