package viewapi_test

import (
	"fmt"
	"testing"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/server/servertest"
	"digitalpost/projections/platform"
)

// A citizen writes to an authority: a draft that is theirs on every platform lies in SENT on all of them once it is
// sent, and shows what became of it, also after a restart.
func TestWriting(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "app"), w.Messages(0)
	point := w.Point("Byggesager").Text("id")
	m := me.Ask(201, "POST", box, fmt.Sprintf(`{"label":"Ny carport","recipient":{"recipientId":"20000001",
		"recipientIdType":"CVR","contactPoint":{"contactPointId":%q}}}`, point))
	if m.Text("messageState") != "DRAFT" || m.Text("recipient", "label") != "Eksempel Kommune" ||
		m.Text("recipient", "contactPoint", "label") != "Byggesager" ||
		m.Text("recipient", "contactPoint", "contactGroup") != "Bolig og byggeri" {
		t.Errorf("the draft is %v", m)
	}
	path := box + m.Text("id")
	me.Refuse(422, "draft.main.document.missing", "POST", path+"/send", "")
	me.Attach(path, "MAIN", "ansøgning.txt", "Må jeg bygge en carport?")
	drawing := me.Attach(path, "ADDITIONAL", "tegning.txt", "en tegning")

	// Only the author sees it, on every platform.
	other := w.User(0, "mitdk")
	if x := other.Ask(200, "GET", path, ""); x.Text("label") != "Ny carport" || len(x.List("documents")) != 2 {
		t.Errorf("on mit.dk the draft is %v", x)
	}
	if status, _, body := other.Status("GET", drawing+"/content", ""); status != 200 || body != "en tegning" {
		t.Errorf("the draft's file: %d %q", status, body)
	}
	w.User(1, "app").Ask(404, "GET", path, "")

	sent := me.Ask(200, "POST", path+"/send", "")
	if sent.Text("messageState") != "SENT" || sent.Text("receipt", "receiptStatus") != "RECEIVED" ||
		sent.Text("receipt", "handedOver") != "false" {
		t.Errorf("sent, it is %v", sent)
	}
	me.Refuse(422, "message.not.draft", "POST", path+"/send", "")
	me.Refuse(422, "message.not.draft", "PUT", path, `{"label":"x"}`)
	for _, p := range platform.All {
		if !p.Citizens {
			continue
		}
		v := w.User(0, p.ID).See()
		if len(v.Messages) != 1 || v.Folder("SENT") != v.Messages[0].FolderID || v.Messages[0].Label != "Ny carport" {
			t.Errorf("%s shows %+v; want it in SENT", p.ID, v.Messages)
		}
	}
	isAnswered(t, w, path, sent.Text("messageUUID"), point)
}

// isAnswered has the recipient system fetch what was sent, and answer it; the writer sees that, after a restart too.
func isAnswered(t *testing.T, w *servertest.World, path, uuid, point string) {
	t.Helper()
	got, raw := w.Sender.Fetch(uuid)
	h := got.Header()
	if h.Get("Sender", "senderID") != w.People[0].CPR || h.Get("Recipient", "recipientID") != "20000001" ||
		h.Get("label") != "Ny carport" || got.Version != memo.V12 ||
		h.Get("Recipient", "ContactPoint", "contactPointID") != point || len(got.Documents()) != 2 {
		t.Errorf("the MeMo is\n%s", raw)
	}
	letter, drawing := servertest.Content(got, raw, 0), servertest.Content(got, raw, 1)
	if letter != "Må jeg bygge en carport?" || drawing != "en tegning" {
		t.Errorf("its documents are %q, %q", letter, drawing)
	}
	if x := w.User(0, "app").Ask(200, "GET", path, ""); x.Text("receipt", "handedOver") != "true" {
		t.Errorf("fetched, it is %v", x)
	}
	w.Sender.Ask(200, "POST", "/apis/v1/memos/"+uuid+"/receipt",
		`{"receiptStatus":"COMPLETED","errorMessage":"Sag 2026-117"}`)
	w.Sender.Ask(204, "DELETE", "/apis/v1/memos/"+uuid, "")

	w.Stop()
	w.Start()
	again := w.User(0, "eboks")
	x := again.Ask(200, "GET", path, "")
	if x.Text("receipt", "receiptStatus") != "COMPLETED" || x.Text("receipt", "errorMessage") != "Sag 2026-117" ||
		x.Text("messageState") != "SENT" {
		t.Errorf("after a restart the receipt is %v", x.At("receipt"))
	}
	file := path + "/documents/" + x.Text("documents", 1, "id") + "/files/" + x.Text("documents", 1, "files", 0, "id")
	if status, _, body := again.Status("GET", file+"/content", ""); status != 200 || body != "en tegning" {
		t.Errorf("the sent file: %d %q", status, body)
	}
	if n := w.Sender.Ask(200, "GET", "/apis/v1/memos/", ""); n.Text("totalElements") != "0" {
		t.Errorf("memos/ = %v, want nothing", n)
	}
}
