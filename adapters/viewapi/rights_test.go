package viewapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// business is the right of an officer of the business authority.
const business = "DANISH_BUSINESS_AUTHORITY_SERVICE_EMPLOYEE"

// Officers and operators grant, and see no content; auditors see who has seen it.
func TestRightsOfOthers(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Send("Brev")
	box := w.Box(0)
	_, m := w.User(0, "app").Find("Brev")
	for _, right := range []string{"CITIZEN_SERVICE_EMPLOYEE", business, "OPERATOR", "AUDITOR"} {
		c := w.Person(w.Companies[0].CVR, "virkdk", right)
		for _, path := range []string{"/messages/", "/folders/", "/folders/summary/"} {
			c.Want(403, "", "GET", box+path, "")
		}
		for _, path := range []string{"", "/messages/" + m.ID, "/messages/" + m.ID + m.Content()} {
			if status := c.Code("GET", box+path, ""); status != 403 && status != 404 {
				t.Errorf("%s sees %s: %d", right, path, status)
			}
		}
		if want := codeIf(right == "AUDITOR"); c.Code("GET", box+"/looks/", "") != want {
			t.Errorf("%s and who has seen it: want %d", right, want)
		}
		if want := codeIf(right != business); c.Code("GET", box+"/accesses/", "") != want {
			t.Errorf("%s and a citizen's accesses: want %d", right, want)
		}
	}

	company := "/apis/v1/mailboxes/" + w.Companies[0].Mailbox
	w.Person(w.Companies[1].CVR, "virkdk", business).Want(200, "", "GET", company+"/accesses/", "")
	accesses, helper := box+"/accesses/", w.People[1].Mailbox
	officer := w.Officer()
	officer.Want(422, "access.documentation.missing", "POST", accesses, grant(helper, "READ"))
	officer.Want(201, `"MUNICIPALITY"`, "POST", accesses,
		grant(helper, "READ", `,"documentation":"Pas set; fuldmagt underskrevet"`))
	w.User(1, "eboks").Want(200, "Brev", "GET", box+"/messages/", "")
	officer.Want(422, "access.kind", "POST", accesses, grant(helper, "DESIGNATED", `,"documentation":"x"`))

	curator := w.User(3, "app")
	w.Person(w.Companies[0].CVR, "virkdk", "OPERATOR").Want(201, `"OPERATOR"`, "POST", accesses,
		grant(w.People[3].Mailbox, "DESIGNATED", `,"documentation":"Skifteretsattest"`))
	curator.Want(200, "Brev", "GET", box+"/messages/", "")
	curator.Want(403, "access.limited", "PATCH", box+"/messages/"+m.ID, `{"read":true}`)
	w.Person(w.Companies[0].CVR, "virkdk", "AUDITOR").Want(403, "access.limited", "POST", accesses,
		grant(helper, "READ", `,"documentation":"x"`))
}

// codeIf is the status of what may be done, or may not.
func codeIf(may bool) int {
	if may {
		return 200
	}
	return 403
}

// Users of a company go as far as their rights, and so does a sole signatory with a private MitID.
func TestRightsInACompany(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	cvr := w.Companies[0].CVR
	w.SendAs(0, "", "Til bageriet", func(s string) string { return servertest.ToCompany(s, cvr) })
	company := "/apis/v1/mailboxes/" + w.Companies[0].Mailbox
	_, m := w.Person(cvr, "virkdk").Find("Til bageriet")
	letter := company + "/messages/" + m.ID
	for right, want := range map[string][3]int{ // list, mark, trash
		"MESSAGE_BASIC:" + cvr:                {200, 200, 403},
		"MESSAGE_WRITE:" + cvr:                {200, 200, 204},
		"ORGANISATION_ADMINISTRATOR:" + cvr:   {200, 200, 204},
		"MESSAGE_WRITE:" + w.Companies[1].CVR: {403, 404, 404},
		"UNKNOWN:" + cvr:                      {403, 404, 404},
	} {
		c := w.Person(cvr, "virkdk", right)
		got := [3]int{
			c.Code("GET", company+"/messages/", ""), c.Code("PATCH", letter, `{"flag":true}`),
			c.Code("DELETE", letter, ""),
		}
		if got != want {
			t.Errorf("%s: list, mark, trash = %v, want %v", right, got, want)
		}
		if got[2] == 204 {
			w.Person(cvr, "virkdk").Want(200, "", "POST", letter+"/restore", "")
		}
	}

	signatory := w.Person(w.People[2].CPR, "virkdk", "LEGAL_OWNER:"+cvr)
	signatory.Want(200, "Til bageriet", "GET", company+"/messages/", "")
	w.User(2, "virkdk").Want(403, "", "GET", company+"/messages/", "")
}

// Ways around the rules, of which none leads anywhere.
func TestWaysAround(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Send("Brev")
	w.SendAs(2, w.People[0].CPR, "Police", nil)
	owner, helper := w.User(0, "eboks"), w.User(1, "app")
	owner.Grant(0, 1, "READ")

	privatePostIsNotTold(t, w, owner, helper)
	officersStayOut(w)
	numbersAreNotToldApart(t, w)
	companiesAccessIsNotTheirEmployees(t, w, owner)

	// Long notes in bulk.
	item := fmt.Sprintf(`{"id":%q,"note":%q}`, list(t, owner, w.Messages(0), "label=Brev").Messages[0].ID,
		strings.Repeat("€", 3900))
	owner.Want(200, `"status":200`, "PATCH", w.Messages(0),
		`{"messages":[`+strings.Repeat(item+",", 150)+item+`]}`)
}

// Who has seen private post is not for delegates, nor for other platforms; nor when something happened to it.
func privatePostIsNotTold(t *testing.T, w *servertest.World, owner, helper *servertest.Client) {
	box := w.Box(0)
	_, private := owner.Find("Police")
	stream := follow(t, helper, "mailboxes/"+w.People[0].Mailbox+"/changes", "")
	stream.past()
	owner.Want(200, "", "GET", box+"/messages/"+private.ID+private.Content(), "")
	owner.Want(200, "", "PATCH", box+"/messages/"+private.ID, `{"read":true}`)
	owner.Want(200, private.ID, "GET", box+"/looks/", "")
	for _, c := range []*servertest.Client{helper, w.User(0, "mitdk")} {
		if body := c.Body("GET", box+"/looks/", ""); strings.Contains(body, private.ID) {
			t.Errorf("who has seen it tells of private post: %s", body)
		}
	}
	owner.Want(201, "", "POST", box+"/folders/", `{"name":"Synlig"}`)
	if e := stream.next(); !strings.HasSuffix(e.Type, "folder-created") {
		t.Errorf("a delegate is told of private post: %+v", e)
	}
}

// An officer does not let himself in: not by a request that he approves, nor directly.
func officersStayOut(w *servertest.World) {
	box := w.Box(0)
	officer := w.Person(w.People[2].CPR, "app", "CITIZEN_SERVICE_EMPLOYEE")
	x := officer.Access("POST", "access-requests/", request(w.People[0].CPR, "Mette", "Made-Up Hansen"))
	officer.Want(422, "access.documentation.missing", "PUT", "/apis/v1/access-requests/"+x.ID, approved)
	officer.Want(422, "access.self", "POST", box+"/accesses/",
		grant(w.People[2].Mailbox, "READ", `,"documentation":"Pas"`))
	officer.Want(403, "", "GET", box+"/messages/", "")
}

// A number without its name leads to nobody, and who may not grant or exempt is not told who has a mailbox.
func numbersAreNotToldApart(t *testing.T, w *servertest.World) {
	stranger := w.User(3, "app")
	give := func(path, number, name string) (int, string) {
		body := fmt.Sprintf(`{"cprNumber":%q,%s"privileges":["READ"]}`, number, name)
		status, _, answer := stranger.Status("POST", path+"/accesses/", body)
		return status, answer
	}
	_, known := give(w.Box(3), w.People[0].CPR, "")
	_, wrong := give(w.Box(3), w.People[0].CPR, `"name":"En Anden",`)
	_, unknown := give(w.Box(3), "6702901234", `"name":"En Anden",`)
	if known != unknown || wrong != unknown || !strings.Contains(unknown, "access.grantee.no.mailbox") {
		t.Errorf("numbers are told apart: %s, %s, %s", known, wrong, unknown)
	}

	for _, number := range []string{w.People[0].CPR, "6702901234"} {
		status, answer := give(w.Box(0), number, `"name":"x",`)
		if status != 403 || !strings.Contains(answer, "forbidden") {
			t.Errorf("grant for another's mailbox: %d %s, want 403", status, answer)
		}
		stranger.Want(403, "forbidden", "POST", "/apis/v1/exemptions/",
			fmt.Sprintf(`{"cprNumber":%q,"criteria":["OTHER"],%s}`, number, servertest.AtTheCounter))
	}
}

// The same Idempotency-Key of two who grant is two grants. What is granted to a company is for those who write for it,
// to use and to give up.
func companiesAccessIsNotTheirEmployees(t *testing.T, w *servertest.World, owner *servertest.Client) {
	company := w.Companies[0]
	path := "/apis/v1/mailboxes/" + company.Mailbox
	give := func(c *servertest.Client, to int) string {
		t.Helper()
		body := grant(w.People[to].Mailbox, "READ", `,"documentation":"Pas"`)
		status, _, answer := c.Status("POST", path+"/accesses/", body, "Idempotency-Key", "1")
		var x servertest.Access
		if json.Unmarshal([]byte(answer), &x); status != 201 {
			t.Fatalf("%d %s", status, answer)
		}
		return x.ID
	}
	admin, officer := w.Person(company.CVR, "virkdk"), w.Person(w.Companies[1].CVR, "virkdk", business)
	if a, b := give(admin, 3), give(officer, 4); a == b {
		t.Error("two grants have one id")
	}
	w.User(3, "app").Want(200, "", "GET", path+"/folders/", "")

	toCompany := owner.Access("POST", "mailboxes/"+w.People[0].Mailbox+"/accesses/", grant(company.Mailbox, "READ"))
	basic := w.Person(company.CVR, "eboks", "MESSAGE_BASIC:"+company.CVR)
	basic.Want(200, `"totalElements":0`, "GET", "/apis/v1/access-requests/", "")
	if status := basic.Code("DELETE", "/apis/v1/privileges/direct/"+toCompany.ID, ""); status < 400 {
		t.Errorf("an employee ends the company's access: %d", status)
	}
	w.Person(company.CVR, "eboks").Want(200, "Brev", "GET", w.Messages(0), "")
}
