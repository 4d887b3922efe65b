package viewapi_test

import (
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// toPerson is the body that forwards a message to a citizen. more are fields beside it, each after a comma.
func toPerson(cpr string, more ...string) string {
	return `{"recipientId":"` + cpr + `","recipientIdType":"CPR"` + strings.Join(more, "") + `}`
}

// A command's repeat gets the first answer, whatever became of what it was about.
func TestRepeatsOfWriting(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "app"), w.Messages(0)
	w.SendAs(0, w.People[0].CPR, "Kan besvares", servertest.Replyable)
	_, m := me.Find("Kan besvares")
	reply := func() servertest.Thing {
		return me.Ask(200, "POST", box+m.ID+"/reply", "", "Idempotency-Key", "svar", "If-Match", "1")
	}
	forward := func() servertest.Thing {
		return me.Ask(200, "POST", box+m.ID+"/forward", toPerson(w.People[1].CPR), "Idempotency-Key", "videre")
	}
	replied, forwarded := reply().Text("id"), forward().Text("id")
	me.Ask(200, "PATCH", box+m.ID, `{"read":true}`)
	for range 2 {
		me.Ask(204, "DELETE", box+m.ID, "")
	}
	me.Ask(404, "GET", box+m.ID, "")
	if x := reply(); x.Text("id") != replied {
		t.Errorf("the repeated answer is %s, want %s", x.Text("id"), replied)
	}
	if x := forward(); x.Text("id") != forwarded {
		t.Errorf("the repeated forward is %s, want %s", x.Text("id"), forwarded)
	}
	me.Refuse(422, "idempotency.key.reused", "POST", box+m.ID+"/forward", toPerson(w.People[2].CPR),
		"Idempotency-Key", "videre")

	documents := box + replied + "/documents/"
	document := func() string {
		return me.Ask(201, "POST", documents, `{"documentType":"ADDITIONAL"}`, "Idempotency-Key", "dokument").Text("id")
	}
	d := document()
	file := func() string {
		files := documents + d + "/files/"
		return me.Ask(201, "POST", files, servertest.TextFile("a.txt"), "Idempotency-Key", "fil").Text("id")
	}
	f := file()
	for range 2 {
		me.Ask(204, "DELETE", documents+d+"/files/"+f, "", "Idempotency-Key", "slet fil")
	}
	me.Ask(204, "DELETE", documents+d, "")
	if again := file(); again != f {
		t.Errorf("the repeated file is %v, want %s", again, f)
	}
	if again := document(); again != d {
		t.Errorf("the repeated document is %v, want %s", again, d)
	}
}

// Letters of every kind can be answered and sent on, with the words that they have.
func TestStrangeLettersAreAnswered(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box, cpr := w.User(0, "app"), w.Messages(0), w.People[0].CPR
	earlier := "<memo:ReplyData><memo:messageUUID>8c2ea15d-61fb-4ba9-9366-42f8b194c114</memo:messageUUID>" +
		"<memo:comment>" + strings.Repeat("æ", 500) + "</memo:comment></memo:ReplyData>"
	w.SendAs(1, cpr, "To\nlinjer", func(s string) string {
		s = servertest.Replyable(s)
		return strings.Replace(s, "</memo:Recipient>", "</memo:Recipient>"+strings.Repeat(earlier, 40), 1)
	})
	list := me.Ask(200, "GET", box, "")
	draft := me.Ask(200, "POST", box+list.Text("messages", 0, "id")+"/reply", "")
	if draft.Text("label") != "SV: To linjer" {
		t.Errorf("the answer is called %q", draft.Text("label"))
	}
	if n := len(draft.List("replyData")); n < 5 || n > 21 {
		t.Errorf("the answer names %d messages of its thread", n)
	}

	w.SendAs(0, cpr, "Uden brev", func(s string) string {
		i, j := strings.Index(s, "<memo:MessageBody>"), strings.Index(s, "</memo:MessageBody>")
		return s[:i] + s[j+len("</memo:MessageBody>"):]
	})
	_, m := me.Find("Uden brev")
	to := toPerson(w.People[1].CPR, `,"comment":"To\nlinjer"`, `,"senderLabel":"Skattestyrelsen"`)
	me.Refuse(422, "forward.nothing", "POST", box+m.ID+"/forward", to)
	w.SendAs(0, cpr, "", nil)
	_, empty := me.Find("")
	x := me.Ask(200, "POST", box+empty.ID+"/forward", to)
	if x.Text("receipt", "receiptStatus") != "COMPLETED" || x.Text("forwardData", "comment") != "To\nlinjer" ||
		x.Text("sender", "label") != w.People[0].Name+" (Skattestyrelsen)" {
		t.Errorf("forwarded without a label, it is %v", x)
	}
}

// A draft's ids are the draft's: once it is sent they name nothing.
func TestDraftsIDsEndWithIt(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "app"), w.Messages(0)
	const body = `{"label":"Id'er","recipient":{"contactPoint":{"contactPointId":%q}}}`
	path := box + me.Ask(201, "POST", box, fmt.Sprintf(body, w.Point("SU").Text("id"))).Text("id")
	additional := me.Attach(path, "ADDITIONAL", "bilag.txt", "bilag")
	me.Attach(path, "MAIN", "brev.txt", "brev")
	me.Refuse(400, "body.not.valid", "PUT", additional+"/content",
		"--b\r\nContent-Disposition: form-data; name=\"multipartFile\"\r\n\r\nbrudt",
		"Content-Type", "multipart/form-data; boundary=b")
	me.Ask(200, "POST", path+"/send", "")
	me.Ask(404, "GET", documentOf(additional), "")
}
