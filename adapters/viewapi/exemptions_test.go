package viewapi_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore/filestore"
)

// application is the body that applies for somebody's exemption. more are fields beside it.
func application(cpr, criterion, more string) string {
	return fmt.Sprintf(`{"cprNumber":%q,"criteria":[%q],%s}`, cpr, criterion, more)
}

// An exemptionCase is one person's exemption, with those who deal with it.
type exemptionCase struct {
	w              *servertest.World
	officer, owner *servertest.Client
	cpr            string
	own            string // path of the owner's receipt
	path           string // of the case
}

// apply applies at the counter, and wants a status and a word.
func (x *exemptionCase) apply(status int, word string, c *servertest.Client, more string) {
	x.w.T.Helper()
	c.Want(status, word, "POST", "/apis/v1/exemptions/", application(x.cpr, "LIMITED_DANISH", more))
}

// receives sends a message to the person, and wants a final receipt.
func (x *exemptionCase) receives(sender int, label, want string) {
	x.w.T.Helper()
	r := x.w.SendAs(sender, x.cpr, label, nil)
	if got := fmt.Sprint(r.ReceiptStatus, " ", r.ErrorCode, r.ErrorMessage); !strings.HasPrefix(got, want) {
		x.w.T.Errorf("%s: the receipt is %+v, want %s", label, r, want)
	}
}

// Exemption: applied for, granted, and ended online; what it keeps out and what comes through; and who is told what of
// it.
func TestExemption(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	x := &exemptionCase{
		w: w, officer: w.Officer(), owner: w.User(0, "app"), cpr: w.People[0].CPR, own: w.Box(0) + "/exemption",
	}
	w.Send("Før")
	w.SendAs(0, x.cpr, "Senere", func(xml string) string {
		return servertest.Dated(xml, time.Now().AddDate(0, 0, 3).Format(time.DateOnly))
	})
	for code, more := range map[string]string{
		"exemption.not.in.person":       `"idShown":true,"declarationSigned":true`,
		"exemption.id.missing":          `"inPerson":true,"declarationSigned":true`,
		"exemption.declaration.missing": `"inPerson":true,"idShown":true`,
		"exemption.proxy.unsigned":      servertest.AtTheCounter + `,"exemptByProxy":true`,
	} {
		x.apply(422, code, x.officer, more)
	}
	x.apply(403, "", x.owner, servertest.AtTheCounter) // nobody exempts themselves
	x.owner.Want(404, "", "GET", x.own, "")

	address := servertest.AtTheCounter + `,"alternativeAddress":"Opdigtet Allé 1, 8000 Aarhus C"`
	granted := x.officer.Ask(201, "POST", "/apis/v1/exemptions/", application(x.cpr, "LIMITED_DANISH", address))
	if granted.Text("exemptionStatus") != "EXEMPT" {
		t.Fatalf("exempt: %v", granted)
	}
	x.path = "/apis/v1/exemptions/" + granted.Text("id")
	x.apply(422, "exemption.already", x.officer, servertest.AtTheCounter)
	x.receives(0, "Under", "INVALID recipient.is.exempt")
	x.receives(2, "Police", "COMPLETED ")
	r := w.SendAs(4, x.cpr, "SU", nil)
	if r.ReceiptStatus != "COMPLETED" || !strings.Contains(r.ErrorMessage, "SU-loven") {
		t.Errorf("post on a legal basis: %v", r)
	}
	x.isShown(t)
	x.isEnded(t)
	x.isAppliedForAgain()
}

// isShown looks at who is told what, while the person is exempt.
func (x *exemptionCase) isShown(t *testing.T) {
	contact := x.w.Sender.Body("GET", "/apis/v1/contacts/?cprNumber="+x.cpr, "")
	if !strings.Contains(contact, `"publicRegistrationStatus":"EXEMPT"`) || strings.Contains(contact, "LIMITED") {
		t.Errorf("contacts: %s", contact)
	}
	x.officer.Want(200, "LIMITED_DANISH", "GET", x.path, "")
	x.officer.Want(200, "Opdigtet Allé 2", "PUT", x.path, `{"alternativeAddress":"Opdigtet Allé 2"}`)
	x.owner.Want(403, "", "GET", x.path, "")
	receipt := x.owner.Body("GET", x.own, "")
	if !strings.Contains(receipt, `"EXEMPT"`) {
		t.Errorf("the owner's receipt: %s", receipt)
	}
	for _, word := range []string{"LIMITED", "criteria"} {
		if strings.Contains(receipt, word) {
			t.Errorf("the owner's receipt tells of the criteria: %s", receipt)
		}
	}
	if _, m := x.owner.Find("Før"); m.ID == "" {
		t.Error("what was there is gone")
	}
}

// isEnded ends the exemption online.
func (x *exemptionCase) isEnded(t *testing.T) {
	x.owner.Want(422, "exemption.contact", "POST", x.own+"/cancel", `{"mobileNumber":"+46 70 123 45 67"}`)
	x.owner.Want(422, "exemption.contact", "POST", x.own+"/cancel", `{"mobileNumber":"12345678"}`)
	x.owner.Want(422, "exemption.contact", "POST", x.own+"/cancel",
		`{"email":"mette@eksempel.dk","mobileNumber":"12345678"}`)
	x.officer.Refuse(409, "version.stale", "PUT", x.path, `{"alternativeAddress":"Opdigtet Allé 3"}`, "If-Match", "99")
	x.officer.Refuse(409, "version.stale", "DELETE", x.path, "", "If-Match", "99")
	x.owner.Want(422, "exemption.contact", "POST", x.own+"/cancel", `{"mobileNumber":"0045 22 34 56 78"}`)
	x.w.Reads(0, 0, "app").ToldAt("", "22345678")
	x.owner.Want(200, `"REVOKED"`, "POST", x.own+"/cancel", `{"mobileNumber":"0045 22 34 56 78"}`)
	x.owner.Want(422, "exemption.none", "POST", x.own+"/cancel", `{"mobileNumber":"22345678"}`)

	x.receives(0, "Efter", "COMPLETED ")
	contact := x.w.Sender.Body("GET", "/apis/v1/contacts/?cprNumber="+x.cpr, "")
	if !strings.Contains(contact, `"REGISTERED"`) {
		t.Errorf("contacts after it has ended: %s", contact)
	}
}

// isAppliedForAgain leaves it to an officer to decide, who refuses and says why.
func (x *exemptionCase) isAppliedForAgain() {
	applied := application(x.cpr, "LIMITED_DANISH", servertest.AtTheCounter+`,"exemptionStatus":"APPLIED"`)
	again := x.officer.Ask(201, "POST", "/apis/v1/exemptions/", applied)
	if again.Text("exemptionStatus") != "APPLIED" {
		x.w.T.Errorf("applied: %v", again)
	}
	path := "/apis/v1/exemptions/" + again.Text("id")
	x.officer.Want(400, "grounds", "PUT", path, `{"exemptionStatus":"REFUSED"}`)
	x.officer.Want(200, `"REFUSED"`, "PUT", path, `{"exemptionStatus":"REFUSED","grounds":"Ingen af kriterierne"}`)
	x.owner.Want(200, "Ingen af kriterierne", "GET", x.own, "")
}

// Who lives in the country again is no more exempt for having left it; one who is exempt for another reason is. Both
// may be told so twice.
func TestReturnEndsExemption(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	officer, dev := w.Officer(), w.Nobody()
	for i, criterion := range []string{"LEFT_DENMARK", "LIMITED_DANISH"} {
		cpr := w.People[i].CPR
		id := officer.Ask(201, "POST", "/apis/v1/exemptions/",
			application(cpr, criterion, servertest.AtTheCounter)).Text("id")
		for range 2 {
			dev.Ask(204, "POST", "/dev/returns", fmt.Sprintf(`{"cpr":%q}`, cpr))
		}
		status := officer.Ask(200, "GET", "/apis/v1/exemptions/"+id, "").Text("exemptionStatus")
		if want := []string{"REVOKED", "EXEMPT"}[i]; status != want {
			t.Errorf("exempt for %s, back in the country: %s, want %s", criterion, status, want)
		}
		if r := w.SendAs(0, cpr, "Efter hjemkomst", nil); r.ReceiptStatus != []string{"COMPLETED", "INVALID"}[i] {
			t.Errorf("exempt for %s, back in the country: a message is %s", criterion, r.ReceiptStatus)
		}
	}
}

// Exemptions and deliveries at once: every message is on exactly one side, and on the side that the order of the
// mailbox's stream says.
func TestExemptionRacesDelivery(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	officer, owner, cpr := w.Officer(), w.User(0, "app"), w.People[0].CPR
	w.Reads(0, 0, "app").ToldAt("mette@eksempel.dk", "")
	const senders, each = 8, 25
	var wg, officers sync.WaitGroup
	var mu sync.Mutex
	got := map[string]string{}
	done, receipt := make(chan struct{}), make(chan struct{}, 1)
	for n := range senders {
		wg.Go(func() {
			for i := range each {
				label := fmt.Sprintf("Brev %d-%d", n, i)
				r := w.SendAs(0, cpr, label, nil)
				mu.Lock()
				got[label] = r.ReceiptStatus + " " + r.ErrorCode
				mu.Unlock()
				select {
				case receipt <- struct{}{}:
				default:
				}
			}
		})
	}
	officers.Go(func() { // each lasts for a receipt, or a few
		body := application(cpr, "OTHER", servertest.AtTheCounter)
		for {
			officer.Want(201, "", "POST", "/apis/v1/exemptions/", body)
			waitFor(receipt, done)
			owner.Want(200, "", "POST", w.Box(0)+"/exemption/cancel", `{"email":"mette@eksempel.dk"}`)
			if !waitFor(receipt, done) {
				return
			}
		}
	})
	wg.Wait()
	close(done)
	officers.Wait()

	here := map[string]bool{}
	for _, m := range owner.See().Messages {
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
	nothingCameWhileExempt(t, w.Data, w.People[0].Mailbox)
}

// waitFor waits for the first of two, and reports whether that was something.
func waitFor(something, done <-chan struct{}) bool {
	select {
	case <-done:
		return false
	case <-something:
		return true
	}
}

// nothingCameWhileExempt looks at the mailbox's stream itself: no public message is delivered between a grant and its
// end.
func nothingCameWhileExempt(t *testing.T, data, box string) {
	t.Helper()
	id, err := domain.ParseUUID(box)
	if err != nil {
		t.Fatal(err)
	}
	b, err := filestore.OpenBeside(filepath.Join(data, "log"))
	if err != nil {
		t.Fatal(err)
	}
	exempt, events := false, 0
	for rec, err := range b.ReadAll(0) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Stream.Kind != streams.Mailbox || rec.Stream.ID != id {
			continue
		}
		events++
		switch rec.Type {
		case mailbox.ExemptionGranted{}.EventType():
			exempt = true
		case mailbox.ExemptionRevoked{}.EventType():
			exempt = false
		case mailbox.MessageDelivered{}.EventType():
			if exempt {
				t.Errorf("position %d: delivered while exempt", rec.Position)
			}
		}
	}
	if events < 3 {
		t.Errorf("the mailbox's stream has %d events: none was looked at", events)
	}
}

// An officer finds a citizen by number and an exemption by citizen. Each is recorded with the officer's authority, and
// a number that nobody has is, too; others find nobody.
func TestOfficersFindByNumber(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	officer, owner, mette := w.Officer(), w.User(0, "app"), w.People[0]
	const search = "/apis/v1/citizens/search/"
	body := fmt.Sprintf(`{"cprNumber":%q}`, mette.CPR)

	found := officer.Ask(200, "POST", search, body)
	if found.Text("mailboxId") != mette.Mailbox || found.Text("ownerName") != mette.Name || found["exemption"] != nil {
		t.Errorf("found: %v", found)
	}

	list := "/apis/v1/exemptions/?mailboxId=" + mette.Mailbox
	if x := officer.Ask(200, "GET", list, ""); x.At("totalElements") != 0.0 {
		t.Errorf("exemptions before there is one: %v", x)
	}

	w.Exempt(mette.CPR)
	officer.Want(200, "LIMITED_DANISH", "GET", list, "")
	officer.Want(200, "LIMITED_DANISH", "POST", search, body)
	officer.Want(400, "person.not.found", "POST", search, `{"cprNumber":"6701909999"}`)
	officer.Want(400, "parameter.not.valid", "GET", "/apis/v1/exemptions/", "")

	owner.Want(403, "", "POST", search, body)
	owner.Want(403, "", "GET", list, "")
	w.Person(w.Companies[0].CVR, "virkdk", "AUDITOR").Want(403, "", "POST", search, body)
	noAuthority := w.Person(w.People[1].CPR, "app", "CITIZEN_SERVICE_EMPLOYEE")
	noAuthority.Want(403, "office.authority.missing", "POST", search, body)

	looks := owner.Body("GET", w.Box(0)+"/looks/", "")
	if n := strings.Count(looks, "CASE_OPENED"); n != 1 { // the later ones follow within ten minutes
		t.Errorf("%d looks of the officer's stand there, want 1: %s", n, looks)
	}
	recorded := 0
	for _, rec := range w.Records() {
		if rec.Type == "looks.case-opened" && rec.Meta.Authority != (domain.OrganisationID{}) {
			recorded++
		}
	}

	if recorded != 1 {
		t.Errorf("%d records say for which authority, want 1", recorded)
	}
}
