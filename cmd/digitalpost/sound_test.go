package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// What the writer purges stays for who has not fetched it; what they took stays for the writer. Data and keys are sound
// all the while.
func TestSentIsKeptForBoth(t *testing.T) {
	t.Parallel()
	w := start(t)
	me, box := w.User(0, "app"), w.Messages(0)
	point := w.Point("Dagtilbud").Text("id")
	purge := func(path string) {
		t.Helper()
		for range 2 {
			me.Ask(204, "DELETE", path, "")
		}
	}
	first := me.Draft(box, "Slettes af mig", point, "hemmelig tekst")
	uuid := me.Ask(200, "POST", first+"/send", "").Text("messageUUID")
	purge(first)
	me.Ask(404, "GET", first, "")
	m, raw := w.Sender.Fetch(uuid)
	if text := servertest.Content(m, raw, 0); text != "hemmelig tekst" {
		t.Errorf("purged by its writer, it reads %q", text)
	}
	w.Sender.Ask(200, "POST", "/apis/v1/memos/"+uuid+"/receipt",
		`{"receiptStatus":"INVALID","errorCode":"sag.lukket"}`)
	w.Sender.Ask(204, "DELETE", "/apis/v1/memos/"+uuid, "")

	dropped := me.Draft(box, "Kladde", point, "kasseret")
	me.Ask(204, "DELETE", dropped, "")
	me.Ask(200, "POST", dropped+"/restore", "")
	me.Refuse(422, "folder.not.allowed", "PATCH", dropped, `{"folderId":"`+me.See().Folder("INBOX")+`"}`)
	purge(dropped)
	me.Ask(200, "POST", me.Draft(box, "Bliver", point, "bliver")+"/send", "")
	me.Draft(box, "Kladde, der bliver", point, "stadig kladde")

	w.Stop()
	var out strings.Builder
	if err := (&verifyCmd{dataFlags: dataFlags{Data: w.Data}}).check(&out); err != nil {
		t.Errorf("verify: %v", err)
	}
	if !strings.Contains(out.String(), "3 documents") { // the sent one twice, the draft's file once
		t.Errorf("verify says %s, want 3 documents", out.String())
	}
}

// Data and keys are sound after a message was forwarded to a person, to one who is exempt, to nobody and to an
// authority, and purged by the one and by the other.
func TestSoundAfterForwarding(t *testing.T) {
	t.Parallel()
	w := start(t)
	me, friend := w.User(0, "app"), w.User(1, "mitdk")
	forward := func(label, body string) (path, sent string) {
		t.Helper()
		_, m := me.Find(label)
		path = w.Messages(0) + m.ID
		return path, w.Messages(0) + me.Ask(200, "POST", path+"/forward", body).Text("id")
	}
	toPerson := func(cpr string) string { return `{"recipientId":"` + cpr + `","recipientIdType":"CPR"}` }
	w.Send("Afgørelse")
	path, sent := forward("Afgørelse", toPerson(w.People[1].CPR))
	_, theirs := friend.Find("Afgørelse")
	for range 2 {
		me.Ask(204, "DELETE", path, "")
		me.Ask(204, "DELETE", sent, "")
	}
	for range 2 {
		friend.Ask(204, "DELETE", w.Messages(1)+theirs.ID, "")
	}

	w.Send("Nummer to")
	w.Exempt(w.People[2].CPR)
	forward("Nummer to", toPerson("6101010009"))
	forward("Nummer to", toPerson(w.People[2].CPR))
	_, sent = forward("Nummer to", fmt.Sprintf(`{"recipientId":"20000001","recipientIdType":"CVR","contactPointId":%q}`,
		w.Point("Borgerservice").Text("id")))
	w.Sender.Fetch(me.Ask(200, "GET", sent, "").Text("messageUUID"))
	w.Stop()
	isSound(t, w.Data)
}

// Data and keys are sound after somebody was exempt for a while, with post before, meanwhile and to come.
func TestSoundAfterExemption(t *testing.T) {
	t.Parallel()
	w := start(t)
	cpr, owner := w.People[0].CPR, w.User(0, "app")
	w.Send("Før")
	w.SendAs(0, cpr, "Senere", func(xml string) string {
		return servertest.Dated(xml, time.Now().AddDate(0, 0, 3).Format(time.DateOnly))
	})
	w.Exempt(cpr)
	for _, sender := range []int{0, 2, 4} { // refused; private; on a legal basis
		w.SendAs(sender, cpr, "Under", nil)
	}
	w.Reads(0, 0, "app").ToldAt("", "22345678")
	owner.Want(200, `"REVOKED"`, "POST", w.Box(0)+"/exemption/cancel", `{"mobileNumber":"0045 22 34 56 78"}`)
	w.SendAs(0, cpr, "Efter", nil)
	w.Officer().Ask(201, "POST", "/apis/v1/exemptions/", fmt.Sprintf(
		`{"cprNumber":%q,"criteria":["OTHER"],%s,"exemptionStatus":"APPLIED"}`, cpr, servertest.AtTheCounter))
	w.Stop()
	isSound(t, w.Data)
}
