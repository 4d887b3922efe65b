package viewapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// e-Boks shows public post to those alone who have consented; withdrawn, it is hidden there and nowhere else [40], and
// private post is not touched.
func TestConsentToPublicPost(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	const cpr = "6702901234"
	made := w.Nobody().Ask(201, "POST", "/dev/people", `{"cpr":"`+cpr+`","name":"Uden Samtykke","consents":[]}`)
	w.SendAs(0, cpr, "Offentlig", nil)
	w.SendAs(2, cpr, "Privat", nil)
	box := "/apis/v1/mailboxes/" + made.Text("mailbox")
	see := func(platform string, want ...string) {
		t.Helper()
		c := w.Person(cpr, platform)
		body := c.Body("GET", box+"/messages/", "")
		summary := c.Body("GET", box+"/folders/summary/", "")
		unread := c.Body("GET", "/apis/v1/mailboxes/messages/unread/exists/", "")
		for _, label := range []string{"Offentlig", "Privat"} {
			if strings.Contains(body, `"`+label+`"`) != (strings.Contains(strings.Join(want, " "), label)) {
				t.Errorf("%s shows %q: %s", platform, want, body)
			}
		}
		counted := strings.Contains(summary, fmt.Sprintf(`"totalMessages":%d`, len(want)))
		if !counted || strings.Contains(unread, "true") != (len(want) > 0) {
			t.Errorf("%s counts %s and %s, want %d", platform, summary, unread, len(want))
		}
	}
	see("eboks", "Privat")
	see("app", "Offentlig")
	owner := w.Person(cpr, "eboks")
	_, m := w.Person(cpr, "app").Find("Offentlig")
	owner.Want(404, "", "GET", box+"/messages/"+m.ID, "")
	owner.Want(404, "", "PATCH", box+"/messages/"+m.ID, `{"read":true}`)
	owner.Want(200, `"given":false`, "GET", box+"/platform-consents/", "")
	owner.Want(422, "consent.not.needed", "PUT", box+"/platform-consents/app", `{"given":true}`)
	owner.Want(200, `"given":true`, "PUT", box+"/platform-consents/eboks", `{"given":true}`)
	see("eboks", "Offentlig", "Privat")
	owner.Want(200, "", "PUT", box+"/platform-consents/eboks", `{"given":false}`)
	see("eboks", "Privat")
	see("mitdk", "Offentlig")
	w.Stop()
	w.Start()
	see("eboks", "Privat")
}

// Private post needs a consent: that of a contract, which sending it says there is, until the owner says no. Nothing of
// it shows on another platform.
func TestConsentToPrivateSenders(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	cpr, path := w.People[0].CPR, w.Box(0)+"/senders/"
	eboks, mitdk := w.User(0, "eboks"), w.User(0, "mitdk")
	senders := func(c *servertest.Client) string {
		t.Helper()
		var out []string
		for _, s := range c.Ask(200, "GET", path, "").List("senders") {
			out = append(out, s.Text("name")+" "+s.Text("registered")+" "+s.Text("consent"))
		}
		return strings.Join(out, ", ")
	}
	const authorities, shop = "Offentlige myndigheder true <nil>, ", ", Påfund Butik ApS false NONE"
	if got, want := senders(eboks), authorities+"Opdigtet Forsikring A/S false NONE"+shop; got != want {
		t.Errorf("e-Boks lists %s, want %s", got, want)
	}
	before, tomorrow := senders(mitdk), time.Now().AddDate(0, 0, 2).Format("2006-01-02")
	if r := w.SendAs(2, cpr, "Police", nil); r.ReceiptStatus != "COMPLETED" {
		t.Errorf("the first private message: %v", r)
	}
	if got, want := senders(eboks), authorities+"Opdigtet Forsikring A/S true INDIRECT"+shop; got != want {
		t.Errorf("e-Boks lists %s, want %s", got, want)
	}
	if after := senders(mitdk); after != before || strings.Contains(after, "Forsikring") {
		t.Errorf("mit.dk lists %s, want %s as before", after, before)
	}
	id := eboks.Ask(200, "GET", path, "").Text("senders", 1, "organisationId")
	w.SendAs(2, cpr, "Senere", func(s string) string { return servertest.Dated(s, tomorrow) })
	if x := eboks.Ask(200, "PUT", path+id, `{"registered":false}`); x.Text("consent") != "WITHDRAWN" {
		t.Errorf("withdrawn, it is %v", x)
	}
	r := w.SendAs(2, cpr, "Reklame", nil)
	if r.ReceiptStatus != "INVALID" || r.ErrorCode != "recipient.sender.declined" {
		t.Errorf("after the owner said no: %v", r)
	}
	eboks.Find("Police") // what is there stays
	if x := eboks.Ask(200, "PUT", path+id, `{"registered":true}`); x.Text("consent") != "DIRECT" {
		t.Errorf("given, it is %v", x)
	}
	if r := w.SendAs(2, cpr, "Ny police", nil); r.ReceiptStatus != "COMPLETED" {
		t.Errorf("after the owner said yes: %v", r)
	}
	mitdk.Refuse(422, "sender.not.on.platform", "PUT", path+id, `{"registered":true}`)
	eboks.Refuse(422, "sender.not.found", "PUT", path+servertest.NewUUID(), `{"registered":true}`)
	eboks.Refuse(400, "field.missing", "PUT", path+id, `{}`)
	w.User(1, "eboks").Ask(403, "GET", path, "")
	w.User(1, "eboks").Ask(404, "PUT", path+id, `{"registered":false}`)
	// Exemption is of authorities, and is cancelled from there.
	w.Exempt(cpr)
	cancel := eboks.Ask(200, "GET", path, "").Text("senders", 0, "cancelExemption")
	w.Reads(0, 0, "eboks").ToldAt("", "20123456")
	eboks.Ask(200, "POST", cancel, `{"mobileNumber":"20123456"}`)
	if x := eboks.Ask(200, "GET", path, ""); x.Text("senders", 0, "registered") != "true" {
		t.Errorf("cancelled, the authorities are %v", x.At("senders", 0))
	}
}

// A company's first letter makes no consent by itself: it says what gives it one, in the call or when its system is
// registered. A withdrawal stands against any basis that is claimed later, until the person consents.
func TestConsentNeedsABasis(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	const shop, contract = 5, "CONTRACT"
	cpr, eboks := w.People[0].CPR, w.User(0, "eboks")
	send := func(who int, basis, status, code string) {
		t.Helper()
		s, uuid := w.SenderSystems[who], servertest.NewUUID()
		xml := servertest.MeMo(uuid, s.CVR, s.Organisation, cpr, "Brev", "Hej")
		path := servertest.PostPath(uuid)
		if basis != "" {
			path += "&consentBasis=" + basis
		}
		got, _, answer := w.System(who).Status("POST", path, xml, servertest.AsXML...)
		if got != 201 {
			if !strings.Contains(answer, code) || status != "" {
				t.Errorf("%s by %s: %d %s, want %s", basis, s.Name, got, answer, code)
			}
			return
		}
		var r servertest.Receipt
		if err := json.Unmarshal([]byte(answer), &r); err != nil {
			t.Fatal(err)
		}
		r, err := w.System(who).Final(r.TransmissionID)
		if err != nil || r.ReceiptStatus != status || r.ErrorCode != code {
			t.Errorf("%s by %s: %+v, %v; want %s %s", basis, s.Name, r, err, status, code)
		}
	}

	send(shop, "", "INVALID", "recipient.consent.missing")
	send(shop, "WHIM", "", "consent.basis.not.allowed")
	send(0, contract, "", "consent.basis.not.allowed") // an authority needs none
	send(shop, contract, "COMPLETED", "")
	send(shop, "", "COMPLETED", "") // the consent stands

	path := w.Box(0) + "/senders/"
	for _, s := range eboks.Ask(200, "GET", path, "").List("senders") {
		if s.Text("name") == "Påfund Butik ApS" {
			eboks.Ask(200, "PUT", path+s.Text("organisationId"), `{"registered":false}`)
			send(shop, contract, "INVALID", "recipient.sender.declined")
			send(shop, "EMPLOYMENT", "INVALID", "recipient.sender.declined")
			eboks.Ask(200, "PUT", path+s.Text("organisationId"), `{"registered":true}`)
		}
	}
	send(shop, "", "COMPLETED", "")

	send(0, "", "COMPLETED", "")
	legal := func(xml string) string {
		return servertest.InHeader(xml, "<memo:legalNotification>true</memo:legalNotification>")
	}
	if r := w.SendAs(0, cpr, "Stævning", legal); r.ErrorCode != "legal.notification.not.served" {
		t.Errorf("a legal notification: %+v", r)
	}
	if r := w.SendAs(1, cpr, "Stævning", legal); r.ErrorCode != "legal.notification.not.allowed" {
		t.Errorf("a legal notification without the right: %+v", r)
	}
}
