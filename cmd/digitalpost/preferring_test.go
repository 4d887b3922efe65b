package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Private post needs a consent: that of a contract, which sending it says there is, until the owner says no. Nothing of it shows on another platform.
func TestConsentToPrivateSenders(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	who := w.d.People[0]
	eboks, mitdk := w.person(who.CPR, "eboks"), w.person(who.CPR, "mitdk")
	path := "/apis/v1/mailboxes/" + who.Mailbox + "/senders/"
	senders := func(c *client) string {
		t.Helper()
		var out []string
		for _, x := range w.ask(c, 200, "GET", path, "").at("senders").([]any) {
			s := thing(x.(map[string]any))
			out = append(out, s.text("name")+" "+s.text("registered")+" "+s.text("consent"))
		}
		return strings.Join(out, ", ")
	}
	if got, want := senders(eboks), "Offentlige myndigheder true <nil>, Opdigtet Forsikring A/S false NONE"; got != want {
		t.Errorf("e-Boks lists %s, want %s", got, want)
	}
	before, tomorrow := senders(mitdk), time.Now().AddDate(0, 0, 2).Format("2006-01-02")
	if r := w.sendAs(2, who.CPR, "Police", nil); r.ReceiptStatus != "COMPLETED" {
		t.Errorf("the first private message: %v", r)
	}
	if got, want := senders(eboks), "Offentlige myndigheder true <nil>, Opdigtet Forsikring A/S true INDIRECT"; got != want {
		t.Errorf("e-Boks lists %s, want %s", got, want)
	}
	if after := senders(mitdk); after != before || strings.Contains(after, "Forsikring") {
		t.Errorf("mit.dk lists %s, want %s as before", after, before)
	}
	id := w.ask(eboks, 200, "GET", path, "").text("senders", 1, "organisationId")
	w.sendAs(2, who.CPR, "Senere", func(s string) string { return dated(s, tomorrow) })
	if x := w.ask(eboks, 200, "PUT", path+id, `{"registered":false}`); x.text("consent") != "WITHDRAWN" {
		t.Errorf("withdrawn, it is %v", x)
	}
	if r := w.sendAs(2, who.CPR, "Reklame", nil); r.ReceiptStatus != "INVALID" || r.ErrorCode != "recipient.sender.declined" {
		t.Errorf("after the owner said no: %v", r)
	}
	w.find(eboks, "Police") // what is there stays
	if x := w.ask(eboks, 200, "PUT", path+id, `{"registered":true}`); x.text("consent") != "DIRECT" {
		t.Errorf("given, it is %v", x)
	}
	if r := w.sendAs(2, who.CPR, "Ny police", nil); r.ReceiptStatus != "COMPLETED" {
		t.Errorf("after the owner said yes: %v", r)
	}
	w.refuse(mitdk, 422, "sender.not.on.platform", "PUT", path+id, `{"registered":true}`)
	w.refuse(eboks, 422, "sender.not.found", "PUT", path+newUUID4(), `{"registered":true}`)
	w.refuse(eboks, 400, "field.missing", "PUT", path+id, `{}`)
	w.ask(w.person(w.d.People[1].CPR, "eboks"), 403, "GET", path, "")
	w.ask(w.person(w.d.People[1].CPR, "eboks"), 404, "PUT", path+id, `{"registered":false}`)
	// Exemption is of authorities, and is cancelled from there.
	w.exempt(who.CPR)
	cancel := w.ask(eboks, 200, "GET", path, "").text("senders", 0, "cancelExemption")
	w.ask(eboks, 200, "POST", cancel, `{"mobileNumber":"20123456"}`)
	if x := w.ask(eboks, 200, "GET", path, ""); x.text("senders", 0, "registered") != "true" {
		t.Errorf("cancelled, the authorities are %v", x.at("senders", 0))
	}
}

// Each platform has its languages; the choice is the platform's own, and messages stay as they are.
func TestLanguages(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	who := w.d.People[0]
	w.send("Påmindelse")
	path := "/apis/v1/mailboxes/" + who.Mailbox + "/language"
	for p, want := range map[string]string{"lifeindenmark": "en", "app": "da", "eboks": "da", "mitdk": "da", "borgerdk": "da"} {
		if x := w.ask(w.person(who.CPR, p), 200, "GET", path, ""); x.text("language") != want {
			t.Errorf("%s begins in %s, want %s", p, x.text("language"), want)
		}
	}
	app, eboks := w.person(who.CPR, "app"), w.person(who.CPR, "eboks")
	w.ask(app, 200, "PUT", path, `{"language":"en"}`)
	w.refuse(w.person(who.CPR, "borgerdk"), 422, "language.not.offered", "PUT", path, `{"language":"en"}`)
	w.refuse(app, 422, "language.not.offered", "PUT", path, `{"language":"kl"}`)
	w.refuse(eboks, 422, "language.follows.device", "PUT", path, `{"language":"en","device":"APP"}`)
	w.ask(eboks, 200, "PUT", path, `{"language":"en","device":"DESKTOP"}`)
	w.ask(eboks, 200, "PUT", path, `{"language":"da"}`)
	w.ask(w.person(w.d.People[1].CPR, "app"), 404, "PUT", path, `{"language":"da"}`)
	w.stop()
	w = start(t, w.data)
	for p, want := range map[string]string{"app": "en", "eboks": "da", "mitdk": "da"} {
		if x := w.ask(w.person(who.CPR, p), 200, "GET", path, ""); x.text("language") != want {
			t.Errorf("%s is in %s, want %s", p, x.text("language"), want)
		}
	}
	w.find(w.person(who.CPR, "app"), "Påmindelse")
	none := &client{url: w.url}
	for language, inbox := range map[string]string{"": "Indbakke", "?language=da": "Indbakke", "?language=en": "Inbox"} {
		x := w.ask(none, 200, "GET", "/apis/v1/interface-texts/"+language, "")
		if x.text("texts", "folder.INBOX") != inbox || x.at("texts", "error.version.stale") == nil {
			t.Errorf("interface-texts%s: INBOX is %s, want %s", language, x.text("texts", "folder.INBOX"), inbox)
		}
	}
	w.ask(none, 400, "GET", "/apis/v1/interface-texts/?language=kl", "")
	shown := fmt.Sprint(w.ask(none, 200, "GET", "/apis/v1/platforms/", ""))
	for _, p := range []string{"lifeindenmark", "app", "eboks", "mitdk", "borgerdk", "virkdk"} {
		if !strings.Contains(shown, "id:"+p) {
			t.Errorf("platforms/ does not show %s: %s", p, shown)
		}
	}
}

// A citizen gets a mailbox on the day they turn 15, in Copenhagen.
func TestMailboxFromFifteen(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	here, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	today := time.Now().In(here)
	dev := &client{url: w.url}
	register := func(days int) (int, string) {
		born := today.AddDate(-15, 0, days)
		cpr := fmt.Sprintf("%02d%02d%02d4%03d", born.Day()+60, born.Month(), born.Year()%100, 100+days)
		status, _, body := dev.status("POST", "/dev/people", nil, fmt.Sprintf(`{"cpr":%q,"name":"Ung Påfund"}`, cpr))
		return status, body
	}
	if status, body := register(1); status != 422 || !strings.Contains(body, "mailbox.under.age") {
		t.Errorf("15 tomorrow: %d %s", status, body)
	}
	if status, body := register(0); status != 201 {
		t.Errorf("15 today: %d %s", status, body)
	}
}
