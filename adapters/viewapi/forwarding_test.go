package viewapi_test

import (
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/server/servertest"
)

// What may not be forwarded, or not to there, is refused.
func TestForwardingIsRefused(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "app"), w.Messages(0)
	w.Send("Afgørelse")
	_, m := me.Find("Afgørelse")
	for body, code := range map[string]string{
		toPerson(w.People[0].CPR): "forward.recipient.not.allowed",
		toPerson("12"):            "forward.recipient.not.allowed",
		`{"recipientId":"x@y.dk","recipientIdType":"FAX"}`:                           "forward.recipient.not.allowed",
		`{"recipientId":"a@example.org","recipientIdType":"EMAIL","confirmed":true}`: "forward.email.not.available",
		`{"recipientId":"20000001","recipientIdType":"CVR"}`:                         "contact.point.required",
		`{"recipientIdType":"CVR"}`:                                                  "field.missing",

		toPerson(w.People[1].CPR, `,"comment":"`+strings.Repeat("x", 513)+`"`): "forward.comment.too.long",
	} {
		if answer := me.Body("POST", box+m.ID+"/forward", body); !strings.Contains(answer, `"`+code+`"`) {
			t.Errorf("forward %.80s: %.300s, want %s", body, answer, code)
		}
	}

	if r := w.SendAs(2, w.People[0].CPR, "Police", nil); r.ReceiptStatus != "COMPLETED" {
		t.Errorf("private post: %s", r)
	}
	eboks := w.User(0, "eboks")
	_, private := eboks.Find("Police")
	eboks.Refuse(422, "message.is.private", "POST", box+private.ID+"/forward", toPerson(w.People[1].CPR))
}

// A message is sent on into another mailbox; what one of the two purges stays with the other.
func TestForwarding(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "app"), w.Messages(0)
	w.Send("Afgørelse")
	_, m := me.Find("Afgørelse")
	path := box + m.ID
	forward := func() servertest.Thing {
		body := toPerson(w.People[1].CPR, `,"comment":"Se her"`)
		return me.Ask(200, "POST", path+"/forward", body, "Idempotency-Key", "videre")
	}
	sent := forward()
	if again := forward(); again.Text("id") != sent.Text("id") {
		t.Errorf("the repeat sent %s, want %s", again.Text("id"), sent.Text("id"))
	}
	if sent.Text("messageState") != "SENT" || sent.Text("receipt", "receiptStatus") != "COMPLETED" ||
		sent.Text("forward") != "true" {
		t.Errorf("forwarded, it is %v", sent)
	}

	friend := w.User(1, "mitdk")
	_, got := friend.Find("Afgørelse")
	theirs := w.Messages(1) + got.ID
	x := friend.Ask(200, "GET", theirs, "")
	if x.Text("messageState") != "RECEIVED" || x.Text("read") != "false" ||
		x.Text("sender", "label") != w.People[0].Name || x.Text("forwardData", "comment") != "Se her" ||
		x.Text("forwardData", "originalSender") != "Eksempel Kommune" ||
		x.Text("forwardData", "originalMessageId") == sent.Text("messageUUID") {
		t.Errorf("the friend's is %v", x)
	}
	read := func(when string) {
		t.Helper()
		if status, _, body := friend.Status("GET", theirs+got.Content(), ""); status != 200 || body != "Hej Afgørelse" {
			t.Errorf("the friend's file %s: %d %q", when, status, body)
		}
	}
	read("as it came")
	for range 2 {
		me.Ask(204, "DELETE", path, "")
		me.Ask(204, "DELETE", box+sent.Text("id"), "")
	}
	read("after the sender purged theirs")
	for range 2 {
		friend.Ask(204, "DELETE", theirs, "")
	}
}

// Whether a number has a mailbox, or is exempt, does not show in the answer. An authority gets what is forwarded to it,
// with word of where it came from.
func TestForwardingTellsNothing(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me := w.User(0, "app")
	w.Send("Nummer to")
	_, m := me.Find("Nummer to")
	path := w.Messages(0) + m.ID
	w.Exempt(w.People[2].CPR)
	var answers []string
	for _, cpr := range []string{"6101010009", w.People[2].CPR} {
		x := me.Ask(200, "POST", path+"/forward", toPerson(cpr))
		answers = append(answers, fmt.Sprint(x.At("receipt", "receiptStatus"), " ", x.At("receipt", "errorCode"), " ",
			x.At("receipt", "errorMessage"), " ", x.At("errorMessage")))
	}
	if answers[0] != answers[1] || !strings.HasPrefix(answers[0], "INVALID recipient.not.found") {
		t.Errorf("nobody and one who is exempt: %q", answers)
	}

	toAuthority := fmt.Sprintf(`{"recipientId":"20000001","recipientIdType":"CVR","contactPointId":%q}`,
		w.Point("Borgerservice").Text("id"))
	got, raw := w.Sender.Fetch(me.Ask(200, "POST", path+"/forward", toAuthority).Text("messageUUID"))
	if got.Header().Get("ForwardData", "messageUUID") != m.MessageUUID ||
		servertest.Content(got, raw, 0) != "Hej Nummer to" {
		t.Errorf("to the authority:\n%s", raw)
	}
}

// A delegate who may write shows as such to the receiver, and keeps drafts to themselves; one who may only read
// forwards, and writes nothing.
func TestDelegatesWrite(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	owner, helper, reader := w.User(0, "app"), w.User(1, "app"), w.User(2, "app")
	given := owner.Grant(0, 1, "READ_WRITE")
	owner.Grant(0, 2, "READ")
	box, point := w.Messages(0), w.Point("Dagtilbud").Text("id")
	reader.Refuse(403, "access.limited", "POST", box, `{"label":"x"}`)
	path := helper.Draft(box, "På dine vegne", point, "Vi søger plads")
	draftIsTheDelegates(t, path, helper, owner, reader)
	reader.Refuse(403, "access.limited", "POST", path+"/send", "")
	reader.Refuse(403, "access.limited", "PUT", path, `{"label":"y"}`)

	sent := helper.Ask(200, "POST", path+"/send", "")
	m, raw := w.Sender.Fetch(sent.Text("messageUUID"))
	if s := m.Header().Child("Sender"); s.Get("senderID") != w.People[0].CPR ||
		s.Get("Representative", "representativeID") != w.People[1].CPR ||
		s.Get("Representative", "label") != w.People[1].Name {
		t.Errorf("the MeMo is\n%s", raw)
	}
	x := reader.Ask(200, "GET", path, "")
	if x.Text("messageState") != "SENT" || x.Text("sender", "representative", "label") != w.People[1].Name {
		t.Errorf("sent, the reader sees %v", x)
	}
	region := helper.Draft(box, "Til regionen", w.Point("Patientkontoret").Text("id"), "x") // which takes 1.1
	m, raw = w.System(1).Fetch(helper.Ask(200, "POST", region+"/send", "").Text("messageUUID"))
	if s := m.Header().Child("Sender"); m.Version != memo.V11 ||
		s.Get("AttentionData", "AttentionPerson", "personID") != w.People[1].CPR ||
		s.Get("AttentionData", "AttentionPerson", "label") != w.People[1].Name {
		t.Errorf("the region's MeMo is\n%s", raw)
	}

	reader.Refuse(403, "access.limited", "POST", path+"/reply", "")
	reader.Ask(200, "POST", path+"/forward", toPerson(w.People[3].CPR))
	friend := w.User(3, "app")
	_, got := friend.Find("På dine vegne")
	x = friend.Ask(200, "GET", w.Messages(3)+got.ID, "")
	if x.Text("sender", "representative", "label") != w.People[2].Name {
		t.Errorf("forwarded by a reader, it comes from %v", x.At("sender"))
	}

	// Judged at send [30]: access that ended meanwhile.
	late := helper.Draft(box, "For sent", point, "x")
	owner.Ask(204, "DELETE", w.Box(0)+"/accesses/"+given.ID, "")
	if status := helper.Code("POST", late+"/send", ""); status != 404 {
		t.Errorf("sent after access had ended: %d", status)
	}
	if n := w.Sender.Ask(200, "GET", "/apis/v1/memos/", ""); n.Text("totalElements") != "1" {
		t.Errorf("memos/ = %v, want the one that was sent", n)
	}
}

// draftIsTheDelegates tries to see and to change a delegate's draft, as its mailbox's owner and as another delegate.
func draftIsTheDelegates(t *testing.T, path string, author, owner, reader *servertest.Client) {
	t.Helper()
	before := author.Ask(200, "GET", path, "").Text("version")
	for _, c := range []*servertest.Client{owner, reader} {
		c.Ask(404, "GET", path, "")
		c.Ask(404, "PATCH", path, `{"read":false}`)
		owner.Ask(404, "DELETE", path, "")
		if now := author.Ask(200, "GET", path, "").Text("version"); now != before {
			t.Errorf("somebody else changed a draft: version %s, want %s", now, before)
		}
		if v := c.See(); len(v.Messages) != 0 {
			t.Errorf("another's draft is listed: %+v", v.Messages)
		}
	}
	owner.Ask(404, "POST", path+"/send", "")
}
