package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"digitalpost/adapters/memo"
	"digitalpost/projections/platform"
)

// A thing is a JSON object.
type thing map[string]any

func (x *thing) read(body string) error { return json.Unmarshal([]byte(body), x) }

// at gives what lies at a path of names, and of places in lists.
func (x thing) at(path ...any) any {
	var v any = map[string]any(x)
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (x thing) text(path ...any) string { return fmt.Sprint(x.at(path...)) }

// ask sends a request, and wants a status.
func (w *world) ask(c *client, status int, method, path, body string, header ...string) thing {
	w.t.Helper()
	h := map[string]string{}
	for i := 0; i+1 < len(header); i += 2 {
		h[header[i]] = header[i+1]
	}
	got, _, answer := c.status(method, path, h, body)
	if got != status {
		w.t.Fatalf("%s %s %.200s: %d %.600s, want %d", method, path, body, got, answer, status)
	}
	return parse(answer)
}

// refuse sends a request that a rule says no to.
func (w *world) refuse(c *client, status int, code, method, path, body string, header ...string) thing {
	w.t.Helper()
	x := w.ask(c, status, method, path, body, header...)
	if x.text("code") != code {
		w.t.Errorf("%s %s %.200s: code %s, want %s", method, path, body, x.text("code"), code)
	}
	return x
}

func boxOf(w *world, i int) string {
	return "/apis/v1/mailboxes/" + w.d.People[i].Mailbox + "/messages/"
}

// point finds a contact point by its name.
func (w *world) point(name string) thing {
	w.t.Helper()
	x := w.ask(&client{url: w.url}, 200, "GET", "/apis/v1/contact-points/?searchTerm="+url.QueryEscape(name), "")
	p, ok := x.at("contactPoints", 0).(map[string]any)
	if !ok || p["name"] != name {
		w.t.Fatalf("contact point %s: %v", name, x)
	}
	return p
}

// draft begins a draft with a main document that has one file, and gives its path.
func (w *world) draft(c *client, box, label, point, text string) string {
	w.t.Helper()
	m := w.ask(c, 201, "POST", box, fmt.Sprintf(`{"label":%q,"recipient":{"contactPoint":{"contactPointId":%q}}}`, label, point))
	path := box + m.text("id")
	w.attach(c, path, "MAIN", "brev.txt", text)
	return path
}

// attach adds a document with one file, and gives the file's path.
func (w *world) attach(c *client, path, kind, name, text string) string {
	w.t.Helper()
	d := w.ask(c, 201, "POST", path+"/documents/", fmt.Sprintf(`{"documentType":%q,"label":%q}`, kind, "Dokument "+name))
	f := w.ask(c, 201, "POST", path+"/documents/"+d.text("id")+"/files/", fmt.Sprintf(`{"encodingFormat":"text/plain","filename":%q,"language":"da"}`, name))
	file := path + "/documents/" + d.text("id") + "/files/" + f.text("id")
	put := w.ask(c, 200, "PUT", file+"/content", text, "Content-Type", "text/plain")
	if put.text("fileSize") != fmt.Sprint(len(text)) {
		w.t.Errorf("%s has %s bytes, want %d", name, put.text("fileSize"), len(text))
	}
	return file
}

// fetched reads a MeMo that the recipient system fetched with our own reader, and with the schema where it is there.
func (w *world) fetched(c *client, uuid string) (*memo.Message, string) {
	w.t.Helper()
	status, h, raw := c.status("GET", "/apis/v1/memos/"+uuid, nil, "")
	if status != 200 || h.Get("Content-Type") != "application/xml" || !strings.Contains(h.Get("Content-Disposition"), uuid) {
		w.t.Fatalf("GET memos/%s: %d %v %.300s", uuid, status, h, raw)
	}
	m, err := memo.Read(strings.NewReader(raw))
	if err != nil {
		w.t.Fatalf("%s is no MeMo: %v\n%s", uuid, err, raw)
	}
	const xsd = "../../../shared/memo/xsd-1.2/"
	schema := map[int]string{memo.V11: xsd + "MeMo_core.xsd", memo.V12: xsd + "Version1.2/MeMo_core.xsd"}[m.Version]
	if _, err := os.Stat(schema); err != nil {
		w.t.Log("the official schemas are not there: their verdict is not asked for")
		return m, raw
	}
	if _, err := exec.LookPath("xmllint"); err != nil {
		w.t.Log("xmllint is not installed: the schema's verdict is not asked for")
		return m, raw
	}
	name := filepath.Join(w.t.TempDir(), "memo.xml")
	if err := os.WriteFile(name, []byte(raw), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if out, err := exec.Command("xmllint", "--noout", "--nonet", "--schema", schema, name).CombinedOutput(); err != nil {
		w.t.Errorf("the schema refuses %s: %s\n%s", uuid, out, raw)
	}
	return m, raw
}

func content(m *memo.Message, raw string, i int) string {
	f := m.Documents()[i].All("File")[0].Child("content").File
	b := make([]byte, f.Size)
	m.Content(strings.NewReader(raw), int64(len(raw)), *f).Read(b)
	return string(b)
}

// A citizen writes to an authority; it lies in SENT on all platforms, its recipient system fetches it, answers, and the citizen sees the answer.
func TestWriting(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me, box := w.person(w.d.People[0].CPR, "app"), boxOf(w, 0)
	point := w.point("Byggesager")
	m := w.ask(me, 201, "POST", box, fmt.Sprintf(`{"label":"Ny carport","recipient":{"recipientId":"20000001","recipientIdType":"CVR","contactPoint":{"contactPointId":%q}}}`, point.text("id")))
	if m.text("messageState") != "DRAFT" || m.text("recipient", "label") != "Eksempel Kommune" || m.text("recipient", "contactPoint", "label") != "Byggesager" || m.text("recipient", "contactPoint", "contactGroup") != "Bolig og byggeri" {
		t.Errorf("the draft is %v", m)
	}
	path := box + m.text("id")
	w.refuse(me, 422, "draft.main.document.missing", "POST", path+"/send", "")
	w.attach(me, path, "MAIN", "ansøgning.txt", "Må jeg bygge en carport?")
	drawing := w.attach(me, path, "ADDITIONAL", "tegning.txt", "en tegning")
	// Only the author sees it, on every platform.
	other := w.person(w.d.People[0].CPR, "mitdk")
	if x := w.ask(other, 200, "GET", path, ""); x.text("label") != "Ny carport" || len(x.at("documents").([]any)) != 2 {
		t.Errorf("on mit.dk the draft is %v", x)
	}
	if status, _, body := other.status("GET", drawing+"/content", nil, ""); status != 200 || body != "en tegning" {
		t.Errorf("the draft's file: %d %q", status, body)
	}
	w.ask(w.person(w.d.People[1].CPR, "app"), 404, "GET", path, "")
	sent := w.ask(me, 200, "POST", path+"/send", "")
	if sent.text("messageState") != "SENT" || sent.text("receipt", "receiptStatus") != "RECEIVED" || sent.text("receipt", "handedOver") != "false" {
		t.Errorf("sent, it is %v", sent)
	}
	w.refuse(me, 422, "message.not.draft", "POST", path+"/send", "")
	w.refuse(me, 422, "message.not.draft", "PUT", path, `{"label":"x"}`)
	for _, p := range platform.All {
		if p.ID == "virkdk" {
			continue
		}
		v, err := w.person(w.d.People[0].CPR, p.ID).look()
		if err != nil || len(v.messages) != 1 || v.folder("SENT") != v.messages[0].FolderID || v.messages[0].Label != "Ny carport" {
			t.Errorf("%s shows %+v, %v; want it in SENT", p.ID, v.messages, err)
		}
	}
	// The recipient system.
	uuid := sent.text("messageUUID")
	list := w.ask(w.sender, 200, "GET", "/apis/v1/memos/", "")
	if list.text("content", 0) != uuid || list.text("totalElements") != "1" {
		t.Errorf("memos/ = %v, want %s", list, uuid)
	}
	w.refuse(w.sender, 409, "memo.not.fetched", "DELETE", "/apis/v1/memos/"+uuid, "")
	w.refuse(w.sender, 409, "memo.not.fetched", "POST", "/apis/v1/memos/"+uuid+"/receipt", `{"receiptStatus":"COMPLETED"}`)
	got, raw := w.fetched(w.sender, uuid)
	h := got.Header()
	if h.Get("Sender", "senderID") != w.d.People[0].CPR || h.Get("Recipient", "recipientID") != "20000001" || h.Get("label") != "Ny carport" || got.Version != memo.V12 ||
		h.Get("Recipient", "ContactPoint", "contactPointID") != point.text("id") || len(got.Documents()) != 2 {
		t.Errorf("the MeMo is\n%s", raw)
	}
	if content(got, raw, 0) != "Må jeg bygge en carport?" || content(got, raw, 1) != "en tegning" {
		t.Errorf("its documents are %q, %q", content(got, raw, 0), content(got, raw, 1))
	}
	if x := w.ask(me, 200, "GET", path, ""); x.text("receipt", "handedOver") != "true" {
		t.Errorf("fetched, it is %v", x)
	}
	region := (&client{url: w.url}).as(w.d, 1)
	for _, x := range []struct{ method, path, body string }{{"GET", "", ""}, {"DELETE", "", ""}, {"POST", "/receipt", `{"receiptStatus":"COMPLETED"}`}} {
		w.ask(region, 404, x.method, "/apis/v1/memos/"+uuid+x.path, x.body)
	}
	w.ask(w.sender, 400, "POST", "/apis/v1/memos/"+uuid+"/receipt", `{"receiptStatus":"READ"}`)
	w.ask(w.sender, 200, "POST", "/apis/v1/memos/"+uuid+"/receipt", `{"receiptStatus":"RECEIVED"}`)
	w.ask(region, 404, "POST", "/apis/v1/memos/"+uuid+"/receipt", `{"receiptStatus":"RECEIVED"}`)
	w.ask(w.sender, 200, "POST", "/apis/v1/memos/"+uuid+"/receipt", `{"receiptStatus":"COMPLETED","messageUUID":"`+uuid+`","errorCode":null,"errorMessage":"Sag 2026-117"}`)
	w.ask(w.sender, 200, "POST", "/apis/v1/memos/"+uuid+"/receipt", `{"receiptStatus":"COMPLETED"}`)
	w.refuse(w.sender, 422, "receipt.already.given", "POST", "/apis/v1/memos/"+uuid+"/receipt", `{"receiptStatus":"INVALID"}`)
	w.ask(w.sender, 204, "DELETE", "/apis/v1/memos/"+uuid, "")
	w.ask(w.sender, 404, "GET", "/apis/v1/memos/"+uuid, "")
	w.ask(w.sender, 404, "DELETE", "/apis/v1/memos/"+uuid, "")
	w.stop()
	w2 := start(t, w.data)
	again := w2.person(w.d.People[0].CPR, "eboks")
	x := w2.ask(again, 200, "GET", path, "")
	if x.text("receipt", "receiptStatus") != "COMPLETED" || x.text("receipt", "errorMessage") != "Sag 2026-117" || x.text("messageState") != "SENT" {
		t.Errorf("after a restart the receipt is %v", x.at("receipt"))
	}
	if status, _, body := again.status("GET", path+"/documents/"+x.text("documents", 1, "id")+"/files/"+x.text("documents", 1, "files", 0, "id")+"/content", nil, ""); status != 200 || body != "en tegning" {
		t.Errorf("the sent file: %d %q", status, body)
	}
	if n := w2.ask(w2.sender, 200, "GET", "/apis/v1/memos/", ""); n.text("totalElements") != "0" {
		t.Errorf("memos/ = %v, want nothing", n)
	}
}

// What the writer purges stays for who has not fetched it; what they took stays for the writer. Data and keys are sound all the while.
func TestSentIsKeptForBoth(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me, box := w.person(w.d.People[0].CPR, "app"), boxOf(w, 0)
	point := w.point("Dagtilbud").text("id")
	first := w.draft(me, box, "Slettes af mig", point, "hemmelig tekst")
	uuid := w.ask(me, 200, "POST", first+"/send", "").text("messageUUID")
	w.ask(me, 204, "DELETE", first, "")
	w.ask(me, 204, "DELETE", first, "")
	w.ask(me, 404, "GET", first, "")
	m, raw := w.fetched(w.sender, uuid)
	if content(m, raw, 0) != "hemmelig tekst" {
		t.Errorf("purged by its writer, it reads %q", content(m, raw, 0))
	}
	w.ask(w.sender, 200, "POST", "/apis/v1/memos/"+uuid+"/receipt", `{"receiptStatus":"INVALID","errorCode":"sag.lukket"}`)
	w.ask(w.sender, 204, "DELETE", "/apis/v1/memos/"+uuid, "")
	dropped := w.draft(me, box, "Kladde", point, "kasseret")
	w.ask(me, 204, "DELETE", dropped, "")
	w.ask(me, 200, "POST", dropped+"/restore", "")
	w.refuse(me, 422, "folder.not.allowed", "PATCH", dropped, `{"folderId":"`+folderOf(w, me, "INBOX")+`"}`)
	w.ask(me, 204, "DELETE", dropped, "")
	w.ask(me, 204, "DELETE", dropped, "")
	kept := w.draft(me, box, "Bliver", point, "bliver")
	w.ask(me, 200, "POST", kept+"/send", "")
	w.draft(me, box, "Kladde, der bliver", point, "stadig kladde")
	w.stop()
	var out strings.Builder
	if err := (&verifyCmd{dataFlags: dataFlags{Data: w.data}}).check(&out); err != nil {
		t.Errorf("verify: %v", err)
	}
	if !strings.Contains(out.String(), "3 documents") { // the sent one twice, the draft's file once
		t.Errorf("verify says %s, want 3 documents", out.String())
	}
}

func folderOf(w *world, c *client, kind string) string {
	w.t.Helper()
	v, err := c.look()
	if err != nil {
		w.t.Fatal(err)
	}
	return v.folder(kind)
}

// An answer goes to where the message came from, with the thread; a late one says so; a region whose system takes 1.1 gets 1.1.
func TestReply(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me, box := w.person(w.d.People[0].CPR, "lifeindenmark"), boxOf(w, 0)
	point := w.point("Patientkontoret").text("id")
	reply := func(s, by string) string {
		s = strings.Replace(s, "<memo:Sender>", "<memo:reply>true</memo:reply>"+by+"<memo:Sender>", 1)
		s = strings.Replace(s, "</memo:Sender>", "<memo:ContactPoint><memo:contactPointID>"+point+"</memo:contactPointID></memo:ContactPoint></memo:Sender>", 1)
		return strings.Replace(s, "</memo:Recipient>", "</memo:Recipient><memo:ContentData><memo:CaseID><memo:caseID>J-17</memo:caseID><memo:caseSystem>ESDH</memo:caseSystem></memo:CaseID></memo:ContentData><memo:ReplyData><memo:messageUUID>8c2ea15d-61fb-4ba9-9366-42f8b194c114</memo:messageUUID></memo:ReplyData>", 1)
	}
	w.sendAs(1, w.d.People[0].CPR, "Indkaldelse", func(s string) string { return reply(s, "") })
	w.sendAs(1, w.d.People[0].CPR, "Svar inden maj", func(s string) string {
		return reply(s, "<memo:replyByDateTime>2026-05-01T00:00:00Z</memo:replyByDateTime>")
	})
	w.sendAs(1, w.d.People[0].CPR, "Kan ikke besvares", func(s string) string { return s })
	_, no := w.find(me, "Kan ikke besvares")
	w.refuse(me, 422, "message.not.replyable", "POST", box+no.ID+"/reply", "")
	for label, late := range map[string]bool{"Indkaldelse": false, "Svar inden maj": true} {
		_, original := w.find(me, label)
		draft := w.ask(me, 200, "POST", box+original.ID+"/reply", "", "Idempotency-Key", "svar på "+label)
		if again := w.ask(me, 200, "POST", box+original.ID+"/reply", "", "Idempotency-Key", "svar på "+label); again.text("id") != draft.text("id") {
			t.Errorf("the repeat began draft %s, want %s", again.text("id"), draft.text("id"))
		}
		if draft.text("label") != "SV: "+label || draft.text("recipient", "contactPoint", "contactPointId") != point {
			t.Errorf("the answer's draft is %v", draft)
		}
		path := box + draft.text("id")
		w.attach(me, path, "MAIN", "svar.txt", "Jeg kommer")
		sent := w.ask(me, 200, "PUT", path+"/send", "", "Idempotency-Key", "send "+label)
		if again := w.ask(me, 200, "PUT", path+"/send", "", "Idempotency-Key", "send "+label); again.text("version") != sent.text("version") {
			t.Errorf("sent twice: version %s, want %s", again.text("version"), sent.text("version"))
		}
		if sent.text("lateReply") != fmt.Sprint(late) {
			t.Errorf("%s: lateReply %s, want %v", label, sent.text("lateReply"), late)
		}
		m, raw := w.fetched((&client{url: w.url}).as(w.d, 1), sent.text("messageUUID"))
		thread := m.Header().All("ReplyData")
		if m.Version != memo.V11 || len(thread) != 2 || thread[0].Get("messageUUID") != "8c2ea15d-61fb-4ba9-9366-42f8b194c114" || thread[1].Get("caseID") != "J-17" ||
			thread[1].Get("replyUUID") != sent.text("messageUUID") || thread[1].Get("contactPointID") != point {
			t.Errorf("the answer's MeMo is\n%s", raw)
		}
		if got := thread[len(thread)-1].Get("AdditionalReplyData", "label") == "late"; got != late {
			t.Errorf("%s is marked late: %v, want %v", label, got, late)
		}
	}
	// An answer goes to who wrote; one who named no contact point is answered all the same.
	_, first := w.find(me, "Indkaldelse")
	elsewhere := box + w.ask(me, 200, "POST", box+first.ID+"/reply", "").text("id")
	w.refuse(me, 422, "draft.recipient.of.reply", "PUT", elsewhere, `{"recipient":{"recipientId":"20000001","recipientIdType":"CVR"}}`)
	w.sendAs(0, w.d.People[0].CPR, "Uden kontaktpunkt", func(s string) string {
		return strings.Replace(s, "<memo:Sender>", "<memo:reply>true</memo:reply><memo:Sender>", 1)
	})
	_, plain := w.find(me, "Uden kontaktpunkt")
	answer := box + w.ask(me, 200, "POST", box+plain.ID+"/reply", "").text("id")
	w.attach(me, answer, "MAIN", "svar.txt", "Tak")
	if m, raw := w.fetched(w.sender, w.ask(me, 200, "POST", answer+"/send", "").text("messageUUID")); m.Header().Child("Recipient").Child("ContactPoint") != nil {
		t.Errorf("the answer to no contact point is\n%s", raw)
	}
	// The contact point closes: what named it can't be answered, and a draft to it is not sent.
	sys := (&client{url: w.url}).as(w.d, 1)
	org := w.ask(me, 200, "GET", "/apis/v1/organisations/?cvrNumber=20000002", "").text("organisations", 0, "id")
	at := "/apis/v1/organisations/" + org + "/contact-points/"
	_, original := w.find(me, "Indkaldelse")
	draft := box + w.ask(me, 200, "POST", box+original.ID+"/reply", "").text("id")
	w.attach(me, draft, "MAIN", "svar.txt", "For sent")
	w.refuse(sys, 422, "contact.point.last.visible", "DELETE", at+point, "")
	w.refuse(sys, 422, "contact.point.last.visible", "PUT", at+point, `{"name":"Patientkontoret","Targets":[]}`)
	w.ask(sys, 201, "POST", at, `{"name":"Ny indgang","Targets":["CITIZEN"]}`)
	w.ask(sys, 204, "DELETE", at+point, "")
	w.refuse(me, 422, "sender.closed", "POST", draft+"/send", "")
	w.refuse(me, 422, "sender.closed", "POST", box+original.ID+"/reply", "")
}

// Uploads in pieces go on where the last one ended; whatever is wrong with a draft is said, and nothing of it goes out.
func TestDrafts(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me, box := w.person(w.d.People[0].CPR, "app"), boxOf(w, 0)
	build := w.point("Byggesager").text("id")
	for body, code := range map[string]string{
		`{"label":"` + strings.Repeat("x", 257) + `"}`:                           "draft.label.not.allowed",
		`{"recipient":{"recipientId":"12"}}`:                                     "draft.recipient.not.found",
		`{"recipient":{"recipientId":"20000003","recipientIdType":"CVR"}}`:       "draft.recipient.not.found",
		`{"recipient":{"contactPoint":{"contactPointId":"` + newUUID4() + `"}}}`: "contact.point.not.found",
		`{"recipient":{}}`: "field.not.valid",
		`{"sender":{}}`:    "field.not.allowed",
		`{"recipient":{"recipientId":"20000002","contactPoint":{"contactPointId":"` + build + `"}}}`: "contact.point.not.found",
	} {
		if _, _, answer := me.status("POST", box, nil, body); !strings.Contains(answer, `"`+code+`"`) {
			t.Errorf("POST %.80s: %.300s, want %s", body, answer, code)
		}
	}
	m := w.ask(me, 201, "POST", box, `{}`)
	path := box + m.text("id")
	w.refuse(me, 422, "draft.label.missing", "POST", path+"/send", "")
	w.ask(me, 200, "PUT", path, `{"label":"Et brev"}`)
	w.refuse(me, 422, "draft.recipient.missing", "POST", path+"/send", "")
	w.refuse(me, 409, "version.stale", "PUT", path, `{"label":"y"}`, "If-Match", "1")
	w.ask(me, 200, "PUT", path, `{"recipient":{"recipientId":"20000001","recipientIdType":"CVR"}}`, "If-Match", "2")
	d := w.ask(me, 201, "POST", path+"/documents/", `{"documentType":"MAIN"}`)
	w.refuse(me, 422, "draft.documents.too.many", "POST", path+"/documents/", `{"documentType":"MAIN"}`)
	w.refuse(me, 422, "draft.main.document.missing", "POST", path+"/send", "")
	doc := path + "/documents/" + d.text("id")
	w.refuse(me, 400, "draft.file.not.allowed", "POST", doc+"/files/", `{"encodingFormat":"text/plain","filename":"a.txt","language":"dan"}`)
	w.refuse(me, 422, "file.extension.not.allowed", "POST", doc+"/files/", `{"encodingFormat":"text/plain","filename":"a.exe","language":"da"}`)
	w.refuse(me, 422, "file.name.not.allowed", "POST", doc+"/files/", `{"encodingFormat":"text/plain","filename":"a/b.txt","language":"da"}`)
	f := w.ask(me, 201, "POST", doc+"/files/", `{"encodingFormat":"text/plain","filename":"a.txt","language":"da"}`)
	file := doc + "/files/" + f.text("id")
	w.refuse(me, 422, "contact.point.required", "POST", path+"/send", "")
	w.ask(me, 200, "PUT", path, fmt.Sprintf(`{"recipient":{"contactPoint":{"contactPointId":%q}}}`, build))
	w.refuse(me, 422, "file.empty.not.allowed", "POST", path+"/send", "")
	piece := func(status int, from int, text, total string) thing {
		t.Helper()
		return w.ask(me, status, "PUT", file+"/content", text, "Content-Type", "text/plain", "Content-Range", fmt.Sprintf("bytes %d-%d/%s", from, from+len(text)-1, total))
	}
	piece(200, 0, "hej ", "11")
	w.refuse(me, 422, "draft.file.incomplete", "POST", path+"/send", "")
	if x := piece(422, 6, "du", "11"); x.text("code") != "file.part.not.next" {
		t.Errorf("a piece that leaves a gap: %v", x)
	}
	piece(200, 4, "med ", "11")
	piece(422, 4, "med ", "11")
	at := w.ask(me, 200, "GET", path, "").text("version")
	if x := w.ask(me, 200, "GET", file, ""); x.text("fileSize") != "8" || x.text("version") != at || w.ask(me, 200, "GET", doc, "").text("version") != at {
		t.Errorf("after two pieces the file is %v", x)
	}
	piece(400, 8, "digigi", "11")
	if x := piece(200, 8, "dig", "11"); x.text("fileSize") != "11" {
		t.Errorf("the last piece: %v", x)
	}
	for _, bad := range []string{"bytes 1-0/2", "bytes x-1/2", "0-1/2", "bytes 0-9/5", "bytes 0-1/2/3", "bytes 0-0/100"} {
		if status, _, _ := me.status("PUT", file+"/content", map[string]string{"Content-Type": "text/plain", "Content-Range": bad}, "ab"); status != 400 {
			t.Errorf("Content-Range %s: %d, want 400", bad, status)
		}
	}
	for ranged, want := range map[string]string{"bytes=2-5": "j me", "bytes=-3": "dig", "bytes=0-": "hej med dig"} {
		if status, _, body := me.status("GET", file+"/content", map[string]string{"Range": ranged}, ""); status != 206 || body != want {
			t.Errorf("%s: %d %q, want %q", ranged, status, body, want)
		}
	}
	first := w.attach(me, path, "ADDITIONAL", "1.txt", "1")
	w.attach(me, path, "ADDITIONAL", "2.txt", "2")
	last := w.attach(me, path, "ADDITIONAL", "3.txt", "3")
	w.refuse(me, 422, "contact.point.attachments.too.many", "POST", path+"/send", "")
	w.ask(me, 204, "DELETE", strings.Split(first, "/files/")[0], "")
	if status, _, body := me.status("GET", last+"/content", nil, ""); status != 200 || body != "3" { // its name stays
		t.Errorf("after another was dropped: %d %q", status, body)
	}
	big := w.ask(me, 200, "PUT", last+"/content", strings.Repeat("stor ", 2_000_000), "Content-Type", "text/plain")
	if big.at("fileSize") != 1e7 {
		t.Errorf("replaced, the file is %v", big)
	}
	w.refuse(me, 422, "contact.point.size.too.large", "POST", path+"/send", "")
	w.ask(me, 204, "DELETE", last, "")
	w.refuse(me, 422, "draft.main.document.missing", "POST", path+"/send", "")
	w.ask(me, 200, "PUT", strings.Split(last, "/files/")[0], `{"label":"Tom"}`)
	f = w.ask(me, 201, "POST", strings.Split(last, "/files/")[0]+"/files/", `{"encodingFormat":"text/plain","filename":"4.txt","language":"da"}`)
	four := strings.Split(last, "/files/")[0] + "/files/" + f.text("id")
	w.ask(me, 200, "PUT", four, `{"filename":"fire.txt"}`)
	w.ask(me, 200, "PUT", four+"/content", "--b\r\nContent-Disposition: form-data; name=\"multipartFile\"; filename=\"x\"\r\n\r\nfire\r\n--b--\r\n", "Content-Type", "multipart/form-data; boundary=b")
	sent := w.ask(me, 200, "POST", path+"/send", "")
	got, raw := w.fetched(w.sender, sent.text("messageUUID"))
	if len(got.Documents()) != 3 || content(got, raw, 0) != "hej med dig" || content(got, raw, 2) != "fire" || got.Documents()[2].All("File")[0].Get("filename") != "fire.txt" {
		t.Errorf("the MeMo is\n%.3000s", raw)
	}
	// Hidden and closed to them.
	for _, name := range []string{"Andre myndigheder", "Dagtilbud"} {
		company := w.with(w.d.Companies[0].CVR, "virkdk")
		path := w.draft(company, "/apis/v1/mailboxes/"+w.d.Companies[0].Mailbox+"/messages/", "Fra firmaet", w.point(name).text("id"), "hej")
		w.refuse(company, 422, "contact.point.not.open", "POST", path+"/send", "")
	}
}
