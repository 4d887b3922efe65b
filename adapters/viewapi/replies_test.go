package viewapi_test

import (
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/server/servertest"
)

// thread is the message that what is answered answers.
const thread = "8c2ea15d-61fb-4ba9-9366-42f8b194c114"

// toBeAnswered makes a MeMo one that can be answered, of a case, at a contact point; more goes into its header.
func toBeAnswered(point, more string) func(string) string {
	return func(s string) string {
		s = servertest.InHeader(s, "<memo:reply>true</memo:reply>"+more)
		s = strings.Replace(s, "</memo:Sender>", "<memo:ContactPoint><memo:contactPointID>"+point+
			"</memo:contactPointID></memo:ContactPoint></memo:Sender>", 1)
		return strings.Replace(s, "</memo:Recipient>", "</memo:Recipient><memo:ContentData><memo:CaseID>"+
			"<memo:caseID>J-17</memo:caseID><memo:caseSystem>ESDH</memo:caseSystem></memo:CaseID></memo:ContentData>"+
			"<memo:ReplyData><memo:messageUUID>"+thread+"</memo:messageUUID></memo:ReplyData>", 1)
	}
}

// An answer goes to where the message came from, with the thread; a late one says so; a region whose system takes 1.1
// gets 1.1.
func TestReply(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box, cpr := w.User(0, "lifeindenmark"), w.Messages(0), w.People[0].CPR
	point := w.Point("Patientkontoret").Text("id")
	w.SendAs(1, cpr, "Indkaldelse", toBeAnswered(point, ""))
	w.SendAs(1, cpr, "Svar inden maj",
		toBeAnswered(point, "<memo:replyByDateTime>2026-05-01T00:00:00Z</memo:replyByDateTime>"))
	w.SendAs(1, cpr, "Kan ikke besvares", nil)
	_, no := me.Find("Kan ikke besvares")
	me.Refuse(422, "message.not.replyable", "POST", box+no.ID+"/reply", "")

	for label, late := range map[string]bool{"Indkaldelse": false, "Svar inden maj": true} {
		_, original := me.Find(label)
		begin := func() servertest.Thing {
			return me.Ask(200, "POST", box+original.ID+"/reply", "", "Idempotency-Key", "svar på "+label)
		}
		draft := begin()
		if again := begin(); again.Text("id") != draft.Text("id") {
			t.Errorf("the repeat began draft %s, want %s", again.Text("id"), draft.Text("id"))
		}
		if draft.Text("label") != "SV: "+label || draft.Text("recipient", "contactPoint", "contactPointId") != point {
			t.Errorf("the answer's draft is %v", draft)
		}
		path := box + draft.Text("id")
		me.Attach(path, "MAIN", "svar.txt", "Jeg kommer")
		send := func() servertest.Thing {
			return me.Ask(200, "PUT", path+"/send", "", "Idempotency-Key", "send "+label)
		}
		sent := send()
		if again := send(); again.Text("version") != sent.Text("version") {
			t.Errorf("sent twice: version %s, want %s", again.Text("version"), sent.Text("version"))
		}
		if sent.Text("lateReply") != fmt.Sprint(late) {
			t.Errorf("%s: lateReply %s, want %v", label, sent.Text("lateReply"), late)
		}

		m, raw := w.System(1).Fetch(sent.Text("messageUUID"))
		got := m.Header().All("ReplyData")
		if m.Version != memo.V11 || len(got) != 2 || got[0].Get("messageUUID") != thread ||
			got[1].Get("caseID") != "J-17" || got[1].Get("replyUUID") != sent.Text("messageUUID") ||
			got[1].Get("contactPointID") != point {
			t.Fatalf("the answer's MeMo is\n%s", raw)
		}
		if marked := got[1].Get("AdditionalReplyData", "label") == "late"; marked != late {
			t.Errorf("%s is marked late: %v, want %v", label, marked, late)
		}
	}
}

// An answer goes to who wrote; one who named no contact point is answered all the same.
func TestReplyGoesToWhoWrote(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box, cpr := w.User(0, "lifeindenmark"), w.Messages(0), w.People[0].CPR
	w.SendAs(1, cpr, "Indkaldelse", toBeAnswered(w.Point("Patientkontoret").Text("id"), ""))
	_, first := me.Find("Indkaldelse")
	elsewhere := box + me.Ask(200, "POST", box+first.ID+"/reply", "").Text("id")
	me.Refuse(422, "draft.recipient.of.reply", "PUT", elsewhere,
		`{"recipient":{"recipientId":"20000001","recipientIdType":"CVR"}}`)

	w.SendAs(0, cpr, "Uden kontaktpunkt", servertest.Replyable)
	_, plain := me.Find("Uden kontaktpunkt")
	answer := box + me.Ask(200, "POST", box+plain.ID+"/reply", "").Text("id")
	me.Attach(answer, "MAIN", "svar.txt", "Tak")
	m, raw := w.Sender.Fetch(me.Ask(200, "POST", answer+"/send", "").Text("messageUUID"))
	if m.Header().Child("Recipient").Child("ContactPoint") != nil {
		t.Errorf("the answer to no contact point is\n%s", raw)
	}
}

// The contact point closes: what named it can't be answered, which its message says, and a draft to it is not sent.
func TestReplyToAClosedContactPoint(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, sys, box := w.User(0, "lifeindenmark"), w.System(1), w.Messages(0)
	point := w.Point("Patientkontoret").Text("id")
	w.SendAs(1, w.People[0].CPR, "Indkaldelse", toBeAnswered(point, ""))
	org := me.Ask(200, "GET", "/apis/v1/organisations/?cvrNumber=20000002", "").Text("organisations", 0, "id")
	at := "/apis/v1/organisations/" + org + "/contact-points/"
	_, original := me.Find("Indkaldelse")
	draft := box + me.Ask(200, "POST", box+original.ID+"/reply", "").Text("id")
	me.Attach(draft, "MAIN", "svar.txt", "For sent")
	reply := func(want string) {
		t.Helper()
		if _, listed := me.Find("Indkaldelse"); listed.Reply != (want == "true") {
			t.Errorf("reply is %v in the list, want %s", listed.Reply, want)
		}
		if x := me.Ask(200, "GET", box+original.ID, ""); x.Text("reply") != want {
			t.Errorf("reply is %s in the message, want %s", x.Text("reply"), want)
		}
	}
	reply("true")
	sys.Refuse(422, "contact.point.last.visible", "DELETE", at+point, "")
	sys.Refuse(422, "contact.point.last.visible", "PUT", at+point, `{"name":"Patientkontoret","Targets":[]}`)
	sys.Ask(201, "POST", at, `{"name":"Ny indgang","Targets":["CITIZEN"]}`)
	sys.Ask(204, "DELETE", at+point, "")
	reply("false")
	me.Refuse(422, "sender.closed", "POST", draft+"/send", "")
	me.Refuse(422, "sender.closed", "POST", box+original.ID+"/reply", "")
}

// Private post is not answered, whatever its sender asks for.
func TestPrivatePostIsNotAnswered(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "eboks"), w.Messages(0)
	w.SendAs(2, w.People[0].CPR, "Police", servertest.Replyable)
	_, m := me.Find("Police")
	if x := me.Ask(200, "GET", box+m.ID, ""); x.Text("reply") != "false" || m.Reply {
		t.Errorf("reply is %s, in the list %v; want false", x.Text("reply"), m.Reply)
	}
	me.Refuse(422, "message.not.replyable", "POST", box+m.ID+"/reply", "")
}
