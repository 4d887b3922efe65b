package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Many at once: each file gets its own id, and a click that comes many times sends once and is answered the same each time.
func TestDraftsAtOnce(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me, box := w.person(w.d.People[0].CPR, "app"), boxOf(w, 0)
	path := w.draft(me, box, "Mange på en gang", w.point("Borgerservice").text("id"), strings.Repeat("tekst ", 100_000))
	d := w.ask(me, 201, "POST", path+"/documents/", `{"documentType":"ADDITIONAL"}`)
	var mu sync.Mutex
	var wg sync.WaitGroup
	var ids []string
	for i := range 10 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			status, _, body := me.status("POST", path+"/documents/"+d.text("id")+"/files/", map[string]string{"Idempotency-Key": fmt.Sprint("fil ", i)}, fmt.Sprintf(`{"encodingFormat":"text/plain","filename":"%d.txt","language":"da"}`, i))
			x := parse(body)
			mu.Lock()
			defer mu.Unlock()
			if status != 201 || x.text("filename") != fmt.Sprint(i, ".txt") {
				t.Errorf("file %d: %d %v", i, status, x)
			}
			ids = append(ids, x.text("id"))
		}()
	}
	wg.Wait()
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 10 {
		t.Errorf("10 files have %d ids", n)
	}
	w.ask(me, 204, "DELETE", path+"/documents/"+d.text("id"), "", "Idempotency-Key", "væk")
	w.ask(me, 204, "DELETE", path+"/documents/"+d.text("id"), "", "Idempotency-Key", "væk")
	answers := map[string]int{}
	for range 12 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			status, _, body := me.status("POST", path+"/send", map[string]string{"Idempotency-Key": "dobbeltklik"}, "")
			mu.Lock()
			defer mu.Unlock()
			answers[fmt.Sprint(status, " ", parse(body).text("messageState"))]++
		}()
	}
	wg.Wait()
	if answers["200 SENT"] != 12 {
		t.Errorf("12 clicks were answered %v, want 12 times 200 SENT", answers)
	}
	if x := w.ask(w.sender, 200, "GET", "/apis/v1/memos/", ""); x.text("totalElements") != "1" {
		t.Errorf("12 clicks sent %s messages", x.text("totalElements"))
	}
	for range 2 {
		w.ask(me, 204, "DELETE", path, "")
	}
	if x := w.ask(w.sender, 200, "GET", "/apis/v1/memos/", ""); x.text("totalElements") != "1" {
		t.Errorf("after the writer purged it %s wait", x.text("totalElements"))
	}
}

func parse(body string) thing {
	x := thing{}
	_ = x.read(body)
	return x
}

// A command's repeat gets the first answer, whatever became of what it was about.
func TestRepeatsOfWriting(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me, box := w.person(w.d.People[0].CPR, "app"), boxOf(w, 0)
	w.sendAs(0, w.d.People[0].CPR, "Kan besvares", func(s string) string {
		return strings.Replace(s, "<memo:Sender>", "<memo:reply>true</memo:reply><memo:Sender>", 1)
	})
	_, m := w.find(me, "Kan besvares")
	body := `{"recipientId":"` + w.d.People[1].CPR + `","recipientIdType":"CPR"}`
	reply := w.ask(me, 200, "POST", box+m.ID+"/reply", "", "Idempotency-Key", "svar", "If-Match", "1")
	forward := w.ask(me, 200, "POST", box+m.ID+"/forward", body, "Idempotency-Key", "videre")
	w.ask(me, 200, "PATCH", box+m.ID, `{"read":true}`)
	for range 2 {
		w.ask(me, 204, "DELETE", box+m.ID, "")
	}
	w.ask(me, 404, "GET", box+m.ID, "")
	if x := w.ask(me, 200, "POST", box+m.ID+"/reply", "", "Idempotency-Key", "svar", "If-Match", "1"); x.text("id") != reply.text("id") {
		t.Errorf("the repeated answer is %s, want %s", x.text("id"), reply.text("id"))
	}
	if x := w.ask(me, 200, "POST", box+m.ID+"/forward", body, "Idempotency-Key", "videre"); x.text("id") != forward.text("id") {
		t.Errorf("the repeated forward is %s, want %s", x.text("id"), forward.text("id"))
	}
	w.refuse(me, 422, "idempotency.key.reused", "POST", box+m.ID+"/forward", strings.Replace(body, w.d.People[1].CPR, w.d.People[2].CPR, 1), "Idempotency-Key", "videre")
	draft := box + reply.text("id")
	d := w.ask(me, 201, "POST", draft+"/documents/", `{"documentType":"ADDITIONAL"}`, "Idempotency-Key", "dokument")
	files := draft + "/documents/" + d.text("id") + "/files/"
	f := w.ask(me, 201, "POST", files, `{"encodingFormat":"text/plain","filename":"a.txt","language":"da"}`, "Idempotency-Key", "fil")
	w.ask(me, 204, "DELETE", files+f.text("id"), "", "Idempotency-Key", "slet fil")
	w.ask(me, 204, "DELETE", files+f.text("id"), "", "Idempotency-Key", "slet fil")
	w.ask(me, 204, "DELETE", draft+"/documents/"+d.text("id"), "")
	if x := w.ask(me, 201, "POST", files, `{"encodingFormat":"text/plain","filename":"a.txt","language":"da"}`, "Idempotency-Key", "fil"); x.text("id") != f.text("id") {
		t.Errorf("the repeated file is %v, want %s", x, f.text("id"))
	}
	if x := w.ask(me, 201, "POST", draft+"/documents/", `{"documentType":"ADDITIONAL"}`, "Idempotency-Key", "dokument"); x.text("id") != d.text("id") {
		t.Errorf("the repeated document is %v, want %s", x, d.text("id"))
	}
}

// What an author did to a draft stays theirs: notes, marks and the feed's past; they can throw it away, and the folders count it for them alone.
func TestDraftsArePrivate(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	owner, helper := w.person(w.d.People[0].CPR, "app"), w.person(w.d.People[1].CPR, "app")
	box := boxOf(w, 0)
	w.access(owner, "POST", "mailboxes/"+w.d.People[0].Mailbox+"/accesses/", fmt.Sprintf(`{"cprNumber":%q,"name":%q,"privileges":["READ_WRITE"]}`, w.d.People[1].CPR, w.d.People[1].Name))
	counts := func(c *client) string {
		t.Helper()
		var out []string
		for _, x := range w.ask(c, 200, "GET", strings.TrimSuffix(box, "messages/")+"folders/summary/", "").at("folderMessageSummaryList").([]any) {
			s := thing(x.(map[string]any))
			out = append(out, s.text("folder", "folderType")+" "+s.text("messageCount", "totalMessages"))
		}
		return strings.Join(out, ", ")
	}
	path := w.draft(helper, box, "Med note", w.point("SU").text("id"), "x")
	w.ask(helper, 200, "PATCH", path, `{"note":"kun for mig","flag":true}`)
	if got, want := counts(helper), "INBOX 0, DRAFTS 1, SENT 0, DELETED 0"; got != want {
		t.Errorf("its author counts %s, want %s", got, want)
	}
	if got, want := counts(owner), "INBOX 0, DRAFTS 0, SENT 0, DELETED 0"; got != want {
		t.Errorf("the owner counts %s, want %s", got, want)
	}
	w.ask(helper, 200, "POST", path+"/send", "")
	if x := w.ask(owner, 200, "GET", path, ""); x.text("note") != "" || x.text("flag") != "false" {
		t.Errorf("sent, the owner sees note %q and flag %s", x.text("note"), x.text("flag"))
	}
	var types []string
	for _, e := range follow(t, owner, "mailboxes/"+w.d.People[0].Mailbox+"/changes", "0").past() {
		types = append(types, e.Type)
	}
	if told := strings.Join(types, " "); !strings.HasSuffix(told, "message-sent") || strings.Contains(told, "draft") || strings.Contains(told, "noted") || strings.Contains(told, "flagged") {
		t.Errorf("the owner's feed tells of the draft, or not of what was sent: %s", told)
	}
	other := w.draft(helper, box, "Kasseres", w.point("SU").text("id"), "x")
	for range 2 {
		w.ask(helper, 204, "DELETE", other, "")
	}
	w.ask(helper, 404, "GET", other, "")
}

// Letters of every kind can be answered and sent on, with the words that they have.
func TestStrangeLettersAreAnswered(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me, box := w.person(w.d.People[0].CPR, "app"), boxOf(w, 0)
	thread := strings.Repeat("<memo:ReplyData><memo:messageUUID>8c2ea15d-61fb-4ba9-9366-42f8b194c114</memo:messageUUID><memo:comment>"+strings.Repeat("æ", 500)+"</memo:comment></memo:ReplyData>", 40)
	w.sendAs(1, w.d.People[0].CPR, "To\nlinjer", func(s string) string {
		s = strings.Replace(s, "<memo:Sender>", "<memo:reply>true</memo:reply><memo:Sender>", 1)
		return strings.Replace(s, "</memo:Recipient>", "</memo:Recipient>"+thread, 1)
	})
	list := w.ask(me, 200, "GET", box, "")
	draft := w.ask(me, 200, "POST", box+list.text("messages", 0, "id")+"/reply", "")
	if draft.text("label") != "SV: To linjer" {
		t.Errorf("the answer is called %q", draft.text("label"))
	}
	if n := len(draft.at("replyData").([]any)); n < 5 || n > 21 {
		t.Errorf("the answer names %d messages of its thread", n)
	}
	w.sendAs(0, w.d.People[0].CPR, "Uden brev", func(s string) string {
		i, j := strings.Index(s, "<memo:MessageBody>"), strings.Index(s, "</memo:MessageBody>")
		return s[:i] + s[j+len("</memo:MessageBody>"):]
	})
	_, m := w.find(me, "Uden brev")
	to := `{"recipientId":"` + w.d.People[1].CPR + `","recipientIdType":"CPR","comment":"To\nlinjer","senderLabel":"Skattestyrelsen"}`
	w.refuse(me, 422, "forward.nothing", "POST", box+m.ID+"/forward", to)
	w.sendAs(0, w.d.People[0].CPR, "", nil)
	empty := ""
	for _, x := range w.ask(me, 200, "GET", box, "").at("messages").([]any) {
		if thing(x.(map[string]any)).text("label") == "" {
			empty = thing(x.(map[string]any)).text("id")
		}
	}
	if x := w.ask(me, 200, "POST", box+empty+"/forward", to); x.text("receipt", "receiptStatus") != "COMPLETED" || x.text("forwardData", "comment") != "To\nlinjer" ||
		x.text("sender", "label") != w.d.People[0].Name+" (Skattestyrelsen)" {
		t.Errorf("forwarded without a label, it is %v", x)
	}
	// A draft's ids are the draft's: once it is sent they name nothing.
	path := box + w.ask(me, 201, "POST", box, fmt.Sprintf(`{"label":"Id'er","recipient":{"contactPoint":{"contactPointId":%q}}}`, w.point("SU").text("id"))).text("id")
	additional := w.attach(me, path, "ADDITIONAL", "bilag.txt", "bilag")
	w.attach(me, path, "MAIN", "brev.txt", "brev")
	w.refuse(me, 400, "body.not.valid", "PUT", additional+"/content", "--b\r\nContent-Disposition: form-data; name=\"multipartFile\"\r\n\r\nbrudt", "Content-Type", "multipart/form-data; boundary=b")
	w.ask(me, 200, "POST", path+"/send", "")
	w.ask(me, 404, "GET", strings.Split(additional, "/files/")[0], "")
}
