package main

import (
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/memo"
)

// A message is sent on into another mailbox, to an authority; whether a number has a mailbox, or is exempt, shows in neither answer nor time.
func TestForwarding(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me, box := w.person(w.d.People[0].CPR, "app"), boxOf(w, 0)
	w.send("Afgørelse")
	insurer := w.sendPrivate("Police")
	_, m := w.find(me, "Afgørelse")
	path := box + m.ID
	for body, code := range map[string]string{
		`{"recipientId":"` + w.d.People[0].CPR + `","recipientIdType":"CPR"}`:                                              "forward.recipient.not.allowed",
		`{"recipientId":"12","recipientIdType":"CPR"}`:                                                                     "forward.recipient.not.allowed",
		`{"recipientId":"x@y.dk","recipientIdType":"FAX"}`:                                                                 "forward.recipient.not.allowed",
		`{"recipientId":"a@example.org","recipientIdType":"EMAIL","confirmed":true}`:                                       "forward.email.not.available",
		`{"recipientId":"20000001","recipientIdType":"CVR"}`:                                                               "contact.point.required",
		`{"recipientIdType":"CVR"}`:                                                                                        "field.missing",
		`{"recipientId":"` + w.d.People[1].CPR + `","recipientIdType":"CPR","comment":"` + strings.Repeat("x", 513) + `"}`: "forward.comment.too.long",
	} {
		if _, _, answer := me.status("POST", path+"/forward", nil, body); !strings.Contains(answer, `"`+code+`"`) {
			t.Errorf("forward %.80s: %.300s, want %s", body, answer, code)
		}
	}
	eboks := w.person(w.d.People[0].CPR, "eboks")
	_, private := w.find(eboks, "Police")
	w.refuse(eboks, 422, "message.is.private", "POST", box+private.ID+"/forward", `{"recipientId":"`+w.d.People[1].CPR+`","recipientIdType":"CPR"}`)
	if insurer != "COMPLETED" {
		t.Errorf("private post: %s", insurer)
	}
	// Into another mailbox.
	body := `{"recipientId":"` + w.d.People[1].CPR + `","recipientIdType":"CPR","comment":"Se her"}`
	sent := w.ask(me, 200, "POST", path+"/forward", body, "Idempotency-Key", "videre")
	if again := w.ask(me, 200, "POST", path+"/forward", body, "Idempotency-Key", "videre"); again.text("id") != sent.text("id") {
		t.Errorf("the repeat sent %s, want %s", again.text("id"), sent.text("id"))
	}
	if sent.text("messageState") != "SENT" || sent.text("receipt", "receiptStatus") != "COMPLETED" || sent.text("forward") != "true" {
		t.Errorf("forwarded, it is %v", sent)
	}
	friend := w.person(w.d.People[1].CPR, "mitdk")
	_, got := w.find(friend, "Afgørelse")
	x := w.ask(friend, 200, "GET", boxOf(w, 1)+got.ID, "")
	if x.text("messageState") != "RECEIVED" || x.text("read") != "false" || x.text("sender", "label") != w.d.People[0].Name || x.text("forwardData", "originalSender") != "Eksempel Kommune" ||
		x.text("forwardData", "comment") != "Se her" || x.text("forwardData", "originalMessageId") == sent.text("messageUUID") {
		t.Errorf("the friend's is %v", x)
	}
	file := boxOf(w, 1) + got.ID + "/documents/" + x.text("documents", 0, "id") + "/files/" + x.text("documents", 0, "files", 0, "id") + "/content"
	if status, _, body := friend.status("GET", file, nil, ""); status != 200 || body != "Hej Afgørelse" {
		t.Errorf("the friend's file: %d %q", status, body)
	}
	// What one purges stays with the other.
	for range 2 {
		w.ask(me, 204, "DELETE", path, "")
		w.ask(me, 204, "DELETE", box+sent.text("id"), "")
	}
	if status, _, body := friend.status("GET", file, nil, ""); status != 200 || body != "Hej Afgørelse" {
		t.Errorf("after the sender purged theirs: %d %q", status, body)
	}
	for range 2 {
		w.ask(friend, 204, "DELETE", boxOf(w, 1)+got.ID, "")
	}
	// Nobody's number, and one who is exempt: the same answer.
	w.send("Nummer to")
	_, m = w.find(me, "Nummer to")
	path = box + m.ID
	w.exempt(w.d.People[2].CPR)
	var answers []string
	for _, cpr := range []string{"6101010009", w.d.People[2].CPR} {
		x := w.ask(me, 200, "POST", path+"/forward", `{"recipientId":"`+cpr+`","recipientIdType":"CPR"}`)
		answers = append(answers, x.text("receipt", "receiptStatus")+" "+x.text("receipt", "errorCode")+" "+x.text("receipt", "errorMessage")+" "+x.text("errorMessage"))
	}
	if answers[0] != answers[1] || !strings.HasPrefix(answers[0], "INVALID recipient.not.found") {
		t.Errorf("nobody and one who is exempt: %q", answers)
	}
	// To an authority.
	toAuthority := w.ask(me, 200, "POST", path+"/forward", fmt.Sprintf(`{"recipientId":"20000001","recipientIdType":"CVR","contactPointId":%q}`, w.point("Borgerservice").text("id")))
	memo, raw := w.fetched(w.sender, toAuthority.text("messageUUID"))
	if memo.Header().Get("ForwardData", "messageUUID") != m.MessageUUID || content(memo, raw, 0) != "Hej Nummer to" {
		t.Errorf("to the authority:\n%s", raw)
	}
	w.stop()
	if err := (&verifyCmd{dataFlags: dataFlags{Data: w.data}}).check(&strings.Builder{}); err != nil {
		t.Errorf("verify: %v", err)
	}
}

func (w *world) sendPrivate(label string) string {
	return w.sendAs(2, w.d.People[0].CPR, label, nil).ReceiptStatus
}

// A delegate who may write shows as such to the receiver, and keeps drafts to themselves; one who may only read forwards, and writes nothing.
func TestDelegatesWrite(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	owner, helper, reader := w.person(w.d.People[0].CPR, "app"), w.person(w.d.People[1].CPR, "app"), w.person(w.d.People[2].CPR, "app")
	box := boxOf(w, 0)
	for i, right := range map[int]string{1: "READ_WRITE", 2: "READ"} {
		w.access(owner, "POST", "mailboxes/"+w.d.People[0].Mailbox+"/accesses/", fmt.Sprintf(`{"cprNumber":%q,"name":%q,"privileges":[%q]}`, w.d.People[i].CPR, w.d.People[i].Name, right))
	}
	point := w.point("Dagtilbud").text("id")
	w.refuse(reader, 403, "access.limited", "POST", box, `{"label":"x"}`)
	path := w.draft(helper, box, "På dine vegne", point, "Vi søger plads")
	before := w.ask(helper, 200, "GET", path, "").text("version")
	for _, c := range []*client{owner, reader} {
		w.ask(c, 404, "GET", path, "")
		w.ask(c, 404, "PATCH", path, `{"read":false}`)
		w.ask(owner, 404, "DELETE", path, "")
		if now := w.ask(helper, 200, "GET", path, "").text("version"); now != before {
			t.Errorf("somebody else changed a draft: version %s, want %s", now, before)
		}
		if v, err := c.look(); err != nil || len(v.messages) != 0 {
			t.Errorf("another's draft is listed: %+v, %v", v.messages, err)
		}
	}
	w.ask(owner, 404, "POST", path+"/send", "")
	w.refuse(reader, 403, "access.limited", "POST", path+"/send", "")
	w.refuse(reader, 403, "access.limited", "PUT", path, `{"label":"y"}`)
	sent := w.ask(helper, 200, "POST", path+"/send", "")
	m, raw := w.fetched(w.sender, sent.text("messageUUID"))
	if s := m.Header().Child("Sender"); s.Get("senderID") != w.d.People[0].CPR || s.Get("Representative", "representativeID") != w.d.People[1].CPR || s.Get("Representative", "label") != w.d.People[1].Name {
		t.Errorf("the MeMo is\n%s", raw)
	}
	x := w.ask(reader, 200, "GET", path, "")
	if x.text("messageState") != "SENT" || x.text("sender", "representative", "label") != w.d.People[1].Name {
		t.Errorf("sent, the reader sees %v", x)
	}
	region := w.draft(helper, box, "Til regionen", w.point("Patientkontoret").text("id"), "x") // which takes 1.1
	m, raw = w.fetched((&client{url: w.url}).as(w.d, 1), w.ask(helper, 200, "POST", region+"/send", "").text("messageUUID"))
	if s := m.Header().Child("Sender"); m.Version != memo.V11 || s.Get("AttentionData", "AttentionPerson", "personID") != w.d.People[1].CPR || s.Get("AttentionData", "AttentionPerson", "label") != w.d.People[1].Name {
		t.Errorf("the region's MeMo is\n%s", raw)
	}
	w.refuse(reader, 403, "access.limited", "POST", path+"/reply", "")
	w.ask(reader, 200, "POST", path+"/forward", `{"recipientId":"`+w.d.People[3].CPR+`","recipientIdType":"CPR"}`)
	_, got := w.find(w.person(w.d.People[3].CPR, "app"), "På dine vegne")
	if x := w.ask(w.person(w.d.People[3].CPR, "app"), 200, "GET", boxOf(w, 3)+got.ID, ""); x.text("sender", "representative", "label") != w.d.People[2].Name {
		t.Errorf("forwarded by a reader, it comes from %v", x.at("sender"))
	}
	// Judged at send [30]: access that ended meanwhile.
	late := w.draft(helper, box, "For sent", point, "x")
	accesses := w.ask(owner, 200, "GET", "/apis/v1/mailboxes/"+w.d.People[0].Mailbox+"/accesses/", "")
	for _, a := range accesses.at("accesses").([]any) {
		if x := thing(a.(map[string]any)); x.text("identityId") == w.d.People[1].Mailbox {
			w.ask(owner, 204, "DELETE", "/apis/v1/mailboxes/"+w.d.People[0].Mailbox+"/accesses/"+x.text("id"), "")
		}
	}
	if status, _, _ := helper.status("POST", late+"/send", nil, ""); status != 404 {
		t.Errorf("sent after access had ended: %d", status)
	}
	if n := w.ask(w.sender, 200, "GET", "/apis/v1/memos/", ""); n.text("totalElements") != "1" {
		t.Errorf("memos/ = %v, want the one that was sent", n)
	}
}

// exempt has an officer exempt somebody.
func (w *world) exempt(cpr string) {
	w.t.Helper()
	officer := w.with(w.d.Companies[0].CVR, "virkdk", "CITIZEN_SERVICE_EMPLOYEE")
	w.ask(officer, 201, "POST", "/apis/v1/exemptions/", fmt.Sprintf(`{"cprNumber":%q,"criteria":["LIMITED_DANISH"],%s}`, cpr, atTheCounter))
}
