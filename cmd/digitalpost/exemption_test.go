package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

const atTheCounter = `"inPerson":true,"idShown":true,"declarationSigned":true`

func (w *world) sendAs(i int, cpr, label string, change func(string) string) shownReceipt {
	w.t.Helper()
	s := w.d.SenderSystems[i]
	uuid := newUUID4()
	xml := write(uuid, s.CVR, s.Organisation, cpr, label, "Hej")
	if change != nil {
		xml = change(xml)
	}
	c := (&client{url: w.url}).as(w.d, i)
	r, err := c.post(uuid, strings.NewReader(xml))
	if err == nil {
		r, err = c.final(r.TransmissionID)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// Exemption: applied for, granted, and ended online; what it keeps out and what comes through; and who is told what of it.
func TestExemption(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	who := w.d.People[0]
	officer := w.with(w.d.Companies[0].CVR, "virkdk", "CITIZEN_SERVICE_EMPLOYEE")
	owner := w.person(who.CPR, "app")
	w.send("Før")
	later := w.sendAs(0, who.CPR, "Senere", func(xml string) string { return dated(xml, time.Now().AddDate(0, 0, 3).Format("2006-01-02")) })
	apply := func(c *client, more string) (int, string) {
		status, _, body := c.status("POST", "/apis/v1/exemptions/", nil, fmt.Sprintf(`{"cprNumber":%q,"criteria":["LIMITED_DANISH"],%s}`, who.CPR, more))
		return status, body
	}
	for code, more := range map[string]string{"exemption.not.in.person": `"idShown":true,"declarationSigned":true`, "exemption.id.missing": `"inPerson":true,"declarationSigned":true`,
		"exemption.declaration.missing": `"inPerson":true,"idShown":true`, "exemption.proxy.unsigned": atTheCounter + `,"exemptByProxy":true`} {
		if status, body := apply(officer, more); status != 422 || !strings.Contains(body, code) {
			t.Errorf("%s: %d %s", code, status, body)
		}
	}
	if status, body := apply(owner, atTheCounter); status != 403 {
		t.Errorf("the owner exempts themselves: %d %s", status, body)
	}
	w.want(404, "")(owner.status("GET", "/apis/v1/mailboxes/"+who.Mailbox+"/exemption", nil, ""))
	status, body := apply(officer, atTheCounter+`,"alternativeAddress":"Opdigtet Allé 1, 8000 Aarhus C"`)
	var x struct{ ID string }
	if json.Unmarshal([]byte(body), &x); status != 201 || !strings.Contains(body, `"EXEMPT"`) {
		t.Fatalf("exempt: %d %s", status, body)
	}
	if status, body := apply(officer, atTheCounter); status != 422 || !strings.Contains(body, "exemption.already") {
		t.Errorf("twice: %d %s", status, body)
	}

	if r := w.sendAs(0, who.CPR, "Under", nil); r.ReceiptStatus != "INVALID" || r.ErrorCode != "recipient.is.exempt" {
		t.Errorf("a message to one who is exempt: %v", r)
	}
	if r := w.sendAs(2, who.CPR, "Police", nil); r.ReceiptStatus != "COMPLETED" {
		t.Errorf("private post: %v", r)
	}
	if r := w.sendAs(4, who.CPR, "SU", nil); r.ReceiptStatus != "COMPLETED" || !strings.Contains(r.ErrorMessage, "SU-loven") {
		t.Errorf("post on a legal basis: %v", r)
	}
	contact := func() string {
		_, _, body := w.sender.status("GET", "/apis/v1/contacts/?cprNumber="+who.CPR, nil, "")
		return body
	}
	if c := contact(); !strings.Contains(c, `"publicRegistrationStatus":"EXEMPT"`) || strings.Contains(c, "LIMITED") {
		t.Errorf("contacts: %s", c)
	}
	w.want(200, `{"result":true}`)(w.sender.status("GET", "/apis/v1/self-service-exemptions?cprNumber="+who.CPR, nil, ""))
	w.want(200, `{"result":false}`)(w.sender.status("GET", "/apis/v1/self-service-exemptions?cprNumber="+w.d.People[1].CPR, nil, ""))
	w.want(200, `{"result":false}`)(w.sender.status("GET", "/apis/v1/self-service-exemptions?cprNumber=6702901234", nil, ""))
	w.want(403, "")((&client{url: w.url}).as(w.d, 2).status("GET", "/apis/v1/self-service-exemptions?cprNumber="+who.CPR, nil, ""))
	w.want(200, "LIMITED_DANISH")(officer.status("GET", "/apis/v1/exemptions/"+x.ID, nil, ""))
	w.want(200, "Opdigtet Allé 2")(officer.status("PUT", "/apis/v1/exemptions/"+x.ID, nil, `{"alternativeAddress":"Opdigtet Allé 2"}`))
	w.want(403, "")(owner.status("GET", "/apis/v1/exemptions/"+x.ID, nil, ""))
	_, _, receipt := owner.status("GET", "/apis/v1/mailboxes/"+who.Mailbox+"/exemption", nil, "")
	if !strings.Contains(receipt, `"EXEMPT"`) || strings.Contains(receipt, "LIMITED") || strings.Contains(receipt, "criteria") {
		t.Errorf("the owner's receipt: %s", receipt)
	}
	if _, m := w.find(owner, "Før"); m.ID == "" {
		t.Error("what was there is gone")
	}

	w.want(422, "exemption.contact")(owner.status("POST", "/apis/v1/mailboxes/"+who.Mailbox+"/exemption/cancel", nil, `{"mobileNumber":"+46 70 123 45 67"}`))
	w.want(422, "exemption.contact")(owner.status("POST", "/apis/v1/mailboxes/"+who.Mailbox+"/exemption/cancel", nil, `{"mobileNumber":"12345678"}`))
	w.refuse(officer, 409, "version.stale", "PUT", "/apis/v1/exemptions/"+x.ID, `{"alternativeAddress":"Opdigtet Allé 3"}`, "If-Match", "99")
	w.refuse(officer, 409, "version.stale", "DELETE", "/apis/v1/exemptions/"+x.ID, "", "If-Match", "99")
	w.want(200, `"REVOKED"`)(owner.status("POST", "/apis/v1/mailboxes/"+who.Mailbox+"/exemption/cancel", nil, `{"mobileNumber":"0045 22 34 56 78"}`))
	w.want(422, "exemption.none")(owner.status("POST", "/apis/v1/mailboxes/"+who.Mailbox+"/exemption/cancel", nil, `{"mobileNumber":"22345678"}`))
	if r := w.sendAs(0, who.CPR, "Efter", nil); r.ReceiptStatus != "COMPLETED" {
		t.Errorf("after it has ended: %v", r)
	}
	if !strings.Contains(contact(), `"REGISTERED"`) {
		t.Errorf("contacts after it has ended: %s", contact())
	}
	status, body = apply(officer, atTheCounter+`,"exemptionStatus":"APPLIED"`)
	if json.Unmarshal([]byte(body), &x); status != 201 || !strings.Contains(body, `"APPLIED"`) {
		t.Errorf("applied: %d %s", status, body)
	}
	w.want(400, "grounds")(officer.status("PUT", "/apis/v1/exemptions/"+x.ID, nil, `{"exemptionStatus":"REFUSED"}`))
	w.want(200, `"REFUSED"`)(officer.status("PUT", "/apis/v1/exemptions/"+x.ID, nil, `{"exemptionStatus":"REFUSED","grounds":"Ingen af kriterierne"}`))
	w.want(200, "Ingen af kriterierne")(owner.status("GET", "/apis/v1/mailboxes/"+who.Mailbox+"/exemption", nil, ""))
	_ = later
	w.stop()
	if err := (&verifyCmd{dataFlags{Data: w.data}}).Run(); err != nil {
		t.Errorf("verify: %v", err)
	}
}

// Who lives in the country again is no more exempt for having left it; one who is exempt for another reason is. Both may be told so twice.
func TestReturnEndsExemption(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	officer := w.with(w.d.Companies[0].CVR, "virkdk", "CITIZEN_SERVICE_EMPLOYEE")
	dev := &client{url: w.url}
	for i, criterion := range []string{"LEFT_DENMARK", "LIMITED_DANISH"} {
		cpr := w.d.People[i].CPR
		id := w.ask(officer, 201, "POST", "/apis/v1/exemptions/", fmt.Sprintf(`{"cprNumber":%q,"criteria":[%q],%s}`, cpr, criterion, atTheCounter)).text("id")
		for range 2 {
			w.ask(dev, 204, "POST", "/dev/returns", fmt.Sprintf(`{"cpr":%q}`, cpr))
		}
		status := w.ask(officer, 200, "GET", "/apis/v1/exemptions/"+id, "").text("exemptionStatus")
		if want := []string{"REVOKED", "EXEMPT"}[i]; status != want {
			t.Errorf("exempt for %s, back in the country: %s, want %s", criterion, status, want)
		}
		if r := w.sendAs(0, cpr, "Efter hjemkomst", nil); r.ReceiptStatus != []string{"COMPLETED", "INVALID"}[i] {
			t.Errorf("exempt for %s, back in the country: a message is %s", criterion, r.ReceiptStatus)
		}
	}
	w.ask(dev, 404, "POST", "/dev/returns", `{"cpr":"6101010009"}`)
	w.ask(dev, 400, "POST", "/dev/returns", `[]`)
}

// Exemptions and deliveries at once: every message is on exactly one side, and on the side that the order of the mailbox's stream says.
func TestExemptionRacesDelivery(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	officer := w.with(w.d.Companies[0].CVR, "virkdk", "CITIZEN_SERVICE_EMPLOYEE")
	who := w.d.People[0]
	owner := w.person(who.CPR, "app")
	const senders, each = 8, 25
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]string{}
	done := make(chan struct{})
	for n := range senders {
		wg.Go(func() {
			for i := range each {
				label := fmt.Sprintf("Brev %d-%d", n, i)
				r := w.sendAs(0, who.CPR, label, nil)
				mu.Lock()
				got[label] = r.ReceiptStatus + " " + r.ErrorCode
				mu.Unlock()
			}
		})
	}
	var officers sync.WaitGroup
	officers.Go(func() {
		for {
			status, _, body := officer.status("POST", "/apis/v1/exemptions/", nil, fmt.Sprintf(`{"cprNumber":%q,"criteria":["OTHER"],%s}`, who.CPR, atTheCounter))
			if status != 201 {
				t.Errorf("exempt: %d %s", status, body)
				return
			}
			time.Sleep(time.Millisecond)
			if status, _, body := owner.status("POST", "/apis/v1/mailboxes/"+who.Mailbox+"/exemption/cancel", nil, `{"email":"mette@eksempel.dk"}`); status != 200 {
				t.Errorf("cancel: %d %s", status, body)
				return
			}
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	wg.Wait()
	close(done)
	officers.Wait()
	v, err := owner.look()
	if err != nil {
		t.Fatal(err)
	}
	here := map[string]bool{}
	for _, m := range v.messages {
		here[m.Label] = true
	}
	in, out := 0, 0
	for label, r := range got {
		switch {
		case r == "COMPLETED " && here[label]:
			in++
		case r == "INVALID recipient.is.exempt" && !here[label]:
			out++
		default:
			t.Errorf("%s: receipt %s, in the mailbox: %v", label, r, here[label])
		}
	}
	t.Logf("%d delivered, %d refused", in, out)
	if in+out != senders*each || in == 0 || out == 0 {
		t.Errorf("%d and %d of %d: the race was none", in, out, senders*each)
	}
	// The stream itself: no public message is delivered between a grant and its end.
	var log strings.Builder
	if err := (&replayCmd{Data: w.data, Mailbox: who.Mailbox, From: 1, JSON: true}).print(&log); err != nil {
		t.Fatal(err)
	}
	exempt := false
	for _, line := range strings.Split(log.String(), "\n") {
		switch {
		case strings.Contains(line, `"mailbox.exemption-granted"`):
			exempt = true
		case strings.Contains(line, `"mailbox.exemption-revoked"`):
			exempt = false
		case strings.Contains(line, `"mailbox.message-delivered"`) && exempt:
			t.Errorf("delivered while exempt: %s", line)
		}
	}
}
