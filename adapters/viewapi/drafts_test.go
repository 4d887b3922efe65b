package viewapi_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// toPoint is the body that addresses a draft to a contact point.
func toPoint(id string) string {
	return fmt.Sprintf(`{"recipient":{"contactPoint":{"contactPointId":%q}}}`, id)
}

// documentOf gives the path of the document that a file belongs to.
func documentOf(file string) string {
	document, _, _ := strings.Cut(file, "/files/")
	return document
}

// Whatever is wrong with a draft is said, and nothing of it goes out.
func TestDrafts(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "app"), w.Messages(0)
	build := w.Point("Byggesager").Text("id")
	elsewhere := `{"recipient":{"recipientId":"20000002","contactPoint":{"contactPointId":"` + build + `"}}}`
	for body, code := range map[string]string{
		`{"label":"` + strings.Repeat("x", 257) + `"}`:                     "draft.label.not.allowed",
		`{"recipient":{"recipientId":"12"}}`:                               "draft.recipient.not.found",
		`{"recipient":{"recipientId":"20000003","recipientIdType":"CVR"}}`: "draft.recipient.not.found",
		toPoint(servertest.NewUUID()):                                      "contact.point.not.found",
		`{"recipient":{}}`:                                                 "field.not.valid",
		`{"sender":{}}`:                                                    "field.not.allowed",
		elsewhere:                                                          "contact.point.not.found",
	} {
		if answer := me.Body("POST", box, body); !strings.Contains(answer, `"`+code+`"`) {
			t.Errorf("POST %.80s: %.300s, want %s", body, answer, code)
		}
	}

	path := box + me.Ask(201, "POST", box, `{}`).Text("id")
	unsent := func(code string) { t.Helper(); me.Refuse(422, code, "POST", path+"/send", "") }
	unsent("draft.label.missing")
	me.Ask(200, "PUT", path, `{"label":"Et brev"}`)
	unsent("draft.recipient.missing")
	me.Refuse(409, "version.stale", "PUT", path, `{"label":"y"}`, "If-Match", "1")
	me.Ask(200, "PUT", path, `{"recipient":{"recipientId":"20000001","recipientIdType":"CVR"}}`, "If-Match", "2")
	d := me.Ask(201, "POST", path+"/documents/", `{"documentType":"MAIN"}`)
	me.Refuse(422, "draft.documents.too.many", "POST", path+"/documents/", `{"documentType":"MAIN"}`)
	unsent("draft.main.document.missing")

	files := path + "/documents/" + d.Text("id") + "/files/"
	danish := strings.Replace(servertest.TextFile("a.txt"), `"da"`, `"dan"`, 1)
	me.Refuse(400, "draft.file.not.allowed", "POST", files, danish)
	me.Refuse(422, "file.extension.not.allowed", "POST", files, servertest.TextFile("a.exe"))
	me.Refuse(422, "file.name.not.allowed", "POST", files, servertest.TextFile("a/b.txt"))
	file := files + me.Ask(201, "POST", files, servertest.TextFile("a.txt")).Text("id")
	unsent("contact.point.required")
	me.Ask(200, "PUT", path, toPoint(build))
	unsent("file.empty.not.allowed")
	me.Ask(200, "PUT", file+"/content", "hej ", "Content-Type", "text/plain", "Content-Range", "bytes 0-3/11")
	unsent("draft.file.incomplete")

	// Hidden and closed to them.
	for _, name := range []string{"Andre myndigheder", "Dagtilbud"} {
		company := w.Person(w.Companies[0].CVR, "virkdk")
		path := company.Draft("/apis/v1/mailboxes/"+w.Companies[0].Mailbox+"/messages/", "Fra firmaet",
			w.Point(name).Text("id"), "hej")
		company.Refuse(422, "contact.point.not.open", "POST", path+"/send", "")
	}
}

// Uploads in pieces go on where the last one ended.
func TestUploadsInPieces(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "app"), w.Messages(0)
	path := box + me.Ask(201, "POST", box, `{"label":"Et brev"}`).Text("id")
	doc := path + "/documents/" + me.Ask(201, "POST", path+"/documents/", `{"documentType":"MAIN"}`).Text("id")
	file := doc + "/files/" + me.Ask(201, "POST", doc+"/files/", servertest.TextFile("a.txt")).Text("id")
	piece := func(status int, from int, text string) servertest.Thing {
		t.Helper()
		return me.Ask(status, "PUT", file+"/content", text, "Content-Type", "text/plain",
			"Content-Range", fmt.Sprintf("bytes %d-%d/11", from, from+len(text)-1))
	}

	piece(200, 0, "hej ")
	if x := piece(422, 6, "du"); x.Text("code") != "file.part.not.next" {
		t.Errorf("a piece that leaves a gap: %v", x)
	}
	piece(200, 4, "med ")
	piece(422, 4, "med ")
	at := me.Ask(200, "GET", path, "").Text("version")
	x := me.Ask(200, "GET", file, "")
	if x.Text("fileSize") != "8" || x.Text("version") != at || me.Ask(200, "GET", doc, "").Text("version") != at {
		t.Errorf("after two pieces the file is %v", x)
	}
	piece(400, 8, "digigi")
	if x := piece(200, 8, "dig"); x.Text("fileSize") != "11" {
		t.Errorf("the last piece: %v", x)
	}

	for _, bad := range []string{
		"bytes 1-0/2", "bytes x-1/2", "0-1/2", "bytes 0-9/5", "bytes 0-1/2/3", "bytes 0-0/100",
	} {
		status := me.Code("PUT", file+"/content", "ab", "Content-Type", "text/plain", "Content-Range", bad)
		if status != 400 {
			t.Errorf("Content-Range %s: %d, want 400", bad, status)
		}
	}
	me.Want(400, "Idempotency-Key", "PUT", file+"/content", "hej", "Idempotency-Key", "k")
	for ranged, want := range map[string]string{"bytes=2-5": "j me", "bytes=-3": "dig", "bytes=0-": "hej med dig"} {
		if status, _, body := me.Status("GET", file+"/content", "", "Range", ranged); status != 206 || body != want {
			t.Errorf("%s: %d %q, want %q", ranged, status, body, want)
		}
	}
}

// A draft goes out once it is as its contact point takes it, and with the files that it has then.
func TestDraftsAreMended(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me := w.User(0, "app")
	path := me.Draft(w.Messages(0), "Et brev", w.Point("Byggesager").Text("id"), "hej med dig")
	unsent := func(code string) { t.Helper(); me.Refuse(422, code, "POST", path+"/send", "") }
	first := me.Attach(path, "ADDITIONAL", "1.txt", "1")
	me.Attach(path, "ADDITIONAL", "2.txt", "2")
	last := me.Attach(path, "ADDITIONAL", "3.txt", "3")
	unsent("contact.point.attachments.too.many")
	me.Ask(204, "DELETE", documentOf(first), "")
	if status, _, body := me.Status("GET", last+"/content", ""); status != 200 || body != "3" { // its name stays
		t.Errorf("after another was dropped: %d %q", status, body)
	}
	big := me.Ask(200, "PUT", last+"/content", strings.Repeat("stor ", 2_000_000), "Content-Type", "text/plain")
	if big.At("fileSize") != 1e7 {
		t.Errorf("replaced, the file is %v", big)
	}
	unsent("contact.point.size.too.large")
	me.Ask(204, "DELETE", last, "")
	unsent("draft.main.document.missing")

	document := documentOf(last)
	me.Ask(200, "PUT", document, `{"label":"Tom"}`)
	four := document + "/files/" + me.Ask(201, "POST", document+"/files/", servertest.TextFile("4.txt")).Text("id")
	me.Ask(200, "PUT", four, `{"filename":"fire.txt"}`)
	me.Ask(200, "PUT", four+"/content", "--b\r\nContent-Disposition: form-data; name=\"multipartFile\"; "+
		"filename=\"x\"\r\n\r\nfire\r\n--b--\r\n", "Content-Type", "multipart/form-data; boundary=b")
	got, raw := w.Sender.Fetch(me.Ask(200, "POST", path+"/send", "").Text("messageUUID"))
	if len(got.Documents()) != 3 || servertest.Content(got, raw, 0) != "hej med dig" ||
		servertest.Content(got, raw, 2) != "fire" || got.Documents()[2].All("File")[0].Get("filename") != "fire.txt" {
		t.Errorf("the MeMo is\n%.3000s", raw)
	}
}

// Many at once: each file gets its own id, and a click that comes many times sends once and is answered the same each
// time.
func TestDraftsAtOnce(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "app"), w.Messages(0)
	point := w.Point("Borgerservice").Text("id")
	path := me.Draft(box, "Mange på en gang", point, strings.Repeat("tekst ", 100_000))
	d := me.Ask(201, "POST", path+"/documents/", `{"documentType":"ADDITIONAL"}`)
	document := path + "/documents/" + d.Text("id")
	var mu sync.Mutex
	var wg sync.WaitGroup
	var ids []string
	for i := range 10 {
		wg.Go(func() {
			status, _, body := me.Status("POST", document+"/files/", servertest.TextFile(fmt.Sprint(i, ".txt")),
				"Idempotency-Key", fmt.Sprint("fil ", i))
			x := servertest.Parse(body)
			mu.Lock()
			defer mu.Unlock()
			if status != 201 || x.Text("filename") != fmt.Sprint(i, ".txt") {
				t.Errorf("file %d: %d %v", i, status, x)
			}
			ids = append(ids, x.Text("id"))
		})
	}
	wg.Wait()
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 10 {
		t.Errorf("10 files have %d ids", n)
	}
	for range 2 {
		me.Ask(204, "DELETE", document, "", "Idempotency-Key", "væk")
	}

	answers := map[string]int{}
	for range 12 {
		wg.Go(func() {
			status, _, body := me.Status("POST", path+"/send", "", "Idempotency-Key", "dobbeltklik")
			mu.Lock()
			defer mu.Unlock()
			answers[fmt.Sprint(status, " ", servertest.Parse(body).Text("messageState"))]++
		})
	}
	wg.Wait()
	if answers["200 SENT"] != 12 {
		t.Errorf("12 clicks were answered %v, want 12 times 200 SENT", answers)
	}
	if x := w.Sender.Ask(200, "GET", "/apis/v1/memos/", ""); x.Text("totalElements") != "1" {
		t.Errorf("12 clicks sent %s messages", x.Text("totalElements"))
	}
	for range 2 {
		me.Ask(204, "DELETE", path, "")
	}
	if x := w.Sender.Ask(200, "GET", "/apis/v1/memos/", ""); x.Text("totalElements") != "1" {
		t.Errorf("after the writer purged it %s wait", x.Text("totalElements"))
	}
}

// What an author did to a draft stays theirs: notes, marks and the feed's past; they can throw it away, and the folders
// count it for them alone.
func TestDraftsArePrivate(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	owner, helper := w.User(0, "app"), w.User(1, "app")
	box := w.Messages(0)
	owner.Grant(0, 1, "READ_WRITE")
	counts := func(c *servertest.Client) string {
		t.Helper()
		var out []string
		for _, x := range c.Ask(200, "GET", w.Box(0)+"/folders/summary/", "").List("folderMessageSummaryList") {
			out = append(out, x.Text("folder", "folderType")+" "+x.Text("messageCount", "totalMessages"))
		}
		return strings.Join(out, ", ")
	}
	path := helper.Draft(box, "Med note", w.Point("SU").Text("id"), "x")
	helper.Ask(200, "PATCH", path, `{"note":"kun for mig","flag":true}`)
	if got, want := counts(helper), "INBOX 0, DRAFTS 1, SENT 0, DELETED 0"; got != want {
		t.Errorf("its author counts %s, want %s", got, want)
	}
	if got, want := counts(owner), "INBOX 0, DRAFTS 0, SENT 0, DELETED 0"; got != want {
		t.Errorf("the owner counts %s, want %s", got, want)
	}
	helper.Ask(200, "POST", path+"/send", "")
	if x := owner.Ask(200, "GET", path, ""); x.Text("note") != "" || x.Text("flag") != "false" {
		t.Errorf("sent, the owner sees note %q and flag %s", x.Text("note"), x.Text("flag"))
	}

	var types []string
	for _, e := range follow(t, owner, "mailboxes/"+w.People[0].Mailbox+"/changes", "0").past() {
		types = append(types, e.Type)
	}
	all := strings.Join(types, " ")
	if !strings.HasSuffix(all, "message-sent") {
		t.Errorf("the owner's feed does not tell of what was sent: %s", all)
	}
	for _, word := range []string{"draft", "noted", "flagged"} {
		if strings.Contains(all, word) {
			t.Errorf("the owner's feed tells of the draft: %s", all)
		}
	}
	other := helper.Draft(box, "Kasseres", w.Point("SU").Text("id"), "x")
	for range 2 {
		helper.Ask(204, "DELETE", other, "")
	}
	helper.Ask(404, "GET", other, "")
}
