package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// with signs in with rights of development's choosing.
func (w *world) with(number, platform string, priv ...string) *client {
	w.t.Helper()
	name := "cpr"
	if len(number) == 8 {
		name = "cvr"
	}
	var out struct {
		AccessToken string `json:"access_token"`
	}
	form := url.Values{name: {number}, "client_id": {platform}, "priv": priv}
	_, err := (&client{url: w.url}).do("POST", "/dev/token", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, strings.NewReader(form.Encode()), &out)
	if err != nil {
		w.t.Fatal(err)
	}
	return &client{url: w.url, token: out.AccessToken}
}

type shownAccess struct {
	ID, State, MailboxID, IdentityID, OwnerName, IdentityName, RequestState, PrivilegeEndDate string
}

func (w *world) access(c *client, method, path, body string) (x shownAccess) {
	w.t.Helper()
	if _, err := c.do(method, "/apis/v1/"+path, map[string]string{"Content-Type": "application/json"}, strings.NewReader(body), &x); err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return x
}

// Access is asked for, approved, used on another platform, seen by both sides, and revoked: from the very next request on it is gone.
func TestAccessForAnother(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	w.send("Brev til Mette")
	insurer := w.d.SenderSystems[2]
	uuid := newUUID4()
	if _, err := (&client{url: w.url}).as(w.d, 2).post(uuid, strings.NewReader(write(uuid, insurer.CVR, insurer.Organisation, w.d.People[0].CPR, "Police", "Privat"))); err != nil {
		t.Fatal(err)
	}
	owner, helper := w.person(w.d.People[0].CPR, "eboks"), w.person(w.d.People[1].CPR, "app")
	box := "/apis/v1/mailboxes/" + w.d.People[0].Mailbox
	list := func(c *client) (int, string) {
		status, _, body := c.status("GET", box+"/messages/", nil, "")
		return status, body
	}
	if status, _ := list(helper); status != 403 {
		t.Fatalf("before: %d, want 403", status)
	}
	ask := func(first, last, number string) (int, string) {
		status, _, body := helper.status("POST", "/apis/v1/access-requests/", nil, fmt.Sprintf(`{"requestType":"PRIVILEGE_REQUEST","privileges":["READ"],"privilegeEndDate":"2099-12-31",
			"accessTo":{"externalId":%q,"externalIdType":"CPR","firstNameProvided":%q,"lastNameProvided":%q}}`, number, first, last))
		return status, body
	}
	wrongName, nobody := "", ""
	if status, body := ask("Mette", "Hansen", w.d.People[0].CPR); status != 422 {
		t.Errorf("wrong name: %d %s", status, body)
	} else {
		wrongName = body
	}
	if _, nobody = ask("Mette", "Made-Up Hansen", "6702901234"); nobody != wrongName {
		t.Errorf("an unknown number is told from a wrong name: %s and %s", nobody, wrongName)
	}
	status, body := ask("Mette", "Made-Up  Hansen", w.d.People[0].CPR)
	var asked shownAccess
	if json.Unmarshal([]byte(body), &asked); status != 201 || asked.RequestState != "SUBMITTED" {
		t.Fatalf("request: %d %s", status, body)
	}
	if status, _ := list(helper); status != 403 {
		t.Errorf("asked for, not approved: %d, want 403", status)
	}
	stranger := w.person(w.d.People[2].CPR, "app")
	w.want(404, "")(stranger.status("PUT", "/apis/v1/access-requests/"+asked.ID, nil, `{"requestState":"APPROVED"}`))
	w.want(404, "")(helper.status("PUT", "/apis/v1/access-requests/"+asked.ID, nil, `{"requestState":"APPROVED"}`))
	if x := w.access(owner, "PUT", "access-requests/"+asked.ID, `{"requestState":"APPROVED"}`); x.RequestState != "APPROVED" {
		t.Fatalf("approved: %+v", x)
	}
	status, body = list(helper)
	if status != 200 || !strings.Contains(body, "Brev til Mette") || strings.Contains(body, "Police") {
		t.Fatalf("the delegate's list: %d %s", status, body)
	}
	w.want(200, `"totalElements":2`)(helper.status("GET", "/apis/v1/mailboxes/", nil, ""))
	w.want(200, "Søren Påfund Jensen")(owner.status("GET", box+"/accesses/", nil, ""))
	w.want(200, "Mette Made-Up Hansen")(helper.status("GET", box+"/accesses/", nil, ""))
	w.want(200, `"READ"`)(helper.status("GET", "/apis/v1/privileges/direct/grantee/"+w.d.People[1].Mailbox, nil, ""))
	w.want(403, "")(helper.status("GET", "/apis/v1/privileges/direct/grantee/"+w.d.People[0].Mailbox, nil, ""))

	_, m := w.find(owner, "Brev til Mette")
	_, private := w.find(owner, "Police")
	letter := box + "/messages/" + m.ID
	content := "/documents/" + m.Documents[0].ID + "/files/" + m.Documents[0].Files[0].ID + "/content"
	for _, platform := range []string{"eboks", "mitdk", "app", "lifeindenmark", "borgerdk"} {
		d := w.person(w.d.People[1].CPR, platform)
		w.want(200, "Hej")(d.status("GET", letter+content, nil, ""))
		w.want(404, "")(d.status("GET", box+"/messages/"+private.ID, nil, ""))
		w.want(200, `"totalMessages":1`)(d.status("GET", box+"/folders/summary/", nil, ""))
	}
	w.want(200, `"read":true`)(helper.status("PATCH", letter, nil, `{"read":true}`))
	made := w.access(helper, "POST", "mailboxes/"+w.d.People[0].Mailbox+"/folders/", `{"name":"Til Søren"}`)
	w.want(200, "")(helper.status("PATCH", letter, nil, fmt.Sprintf(`{"folderId":%q}`, made.ID)))
	v, err := owner.look()
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]int{
		"DELETE":               first(helper.status("DELETE", letter, nil, "")),
		"PATCH to DELETED":     first(helper.status("PATCH", letter, nil, fmt.Sprintf(`{"folderId":%q}`, v.folder("DELETED")))),
		"read and trash":       first(helper.status("PATCH", letter, nil, fmt.Sprintf(`{"read":false,"folderId":%q}`, v.folder("DELETED")))),
		"delete a folder":      first(helper.status("DELETE", box+"/folders/"+made.ID, nil, "")),
		"grant to another":     first(helper.status("POST", box+"/accesses/", nil, fmt.Sprintf(`{"identityId":%q,"privileges":["READ"]}`, w.d.People[2].Mailbox))),
		"grant as a privilege": first(helper.status("POST", "/apis/v1/privileges/direct/", nil, fmt.Sprintf(`{"issuerId":%q,"scopeId":%q,"granteeId":%q,"type":"READ","source":"x"}`, w.d.People[0].Mailbox, w.d.People[0].Mailbox, w.d.People[2].Mailbox))),
	} {
		if got != 403 {
			t.Errorf("a read-only delegate may %s: %d, want 403", what, got)
		}
	}
	w.want(200, `"read":true`)(owner.status("GET", letter, nil, ""))
	_, _, looks := owner.status("GET", box+"/looks/", nil, "")
	for _, want := range []string{"LISTED", "CONTENT_OPENED", "REFUSED", "Søren Påfund Jensen", `"delegate"`, asked.ID, "mitdk"} {
		if !strings.Contains(looks, want) {
			t.Errorf("who has seen it does not say %s: %s", want, looks)
		}
	}
	w.want(403, "")(stranger.status("GET", box+"/looks/", nil, ""))
	_, _, history := owner.status("GET", letter, nil, "")
	if strings.Contains(history, asked.ID) {
		t.Error("a message tells of grants")
	}

	w.want(204, "")(owner.status("DELETE", box+"/accesses/"+asked.ID, nil, ""))
	if status, _ := list(helper); status != 403 {
		t.Errorf("revoked: %d, want 403 from the next request on", status)
	}
	w.want(404, "")(helper.status("GET", letter, nil, ""))
	w.want(404, "")(helper.status("PATCH", letter, nil, `{"read":false}`))
	w.want(200, `"REVOKED"`)(owner.status("GET", box+"/accesses/", nil, ""))
	w.want(200, `"totalElements":1`)(helper.status("GET", "/apis/v1/mailboxes/", nil, ""))

	// Read and write access, granted of the owner's own accord, and given up.
	given := w.access(owner, "POST", "mailboxes/"+w.d.People[0].Mailbox+"/accesses/", fmt.Sprintf(`{"identityId":%q,"privileges":["READ_WRITE"]}`, w.d.People[1].Mailbox))
	w.want(204, "")(helper.status("DELETE", letter, nil, ""))
	w.want(403, "access.limited")(helper.status("DELETE", letter, nil, "")) // it lies in DELETED: that would be for good
	w.want(200, "")(helper.status("POST", letter+"/restore", nil, ""))
	w.want(204, "")(helper.status("DELETE", "/apis/v1/privileges/direct/"+given.ID, nil, ""))
	if status, _ := list(helper); status != 403 {
		t.Errorf("given up: %d, want 403", status)
	}
	for what, in := range map[string]string{
		"access.self":               fmt.Sprintf(`{"identityId":%q,"privileges":["READ"]}`, w.d.People[0].Mailbox),
		"access.grantee.no.mailbox": `{"cprNumber":"6702901234","privileges":["READ"]}`,
		"access.until.past":         fmt.Sprintf(`{"identityId":%q,"privileges":["READ"],"privilegeEndDate":"2020-01-01"}`, w.d.People[1].Mailbox),
		"access.kind.not.allowed":   fmt.Sprintf(`{"identityId":%q,"privileges":["DESIGNATED"]}`, w.d.People[1].Mailbox),
	} {
		w.want(422, what)(owner.status("POST", box+"/accesses/", nil, in))
	}
	w.want(400, "privileges")(owner.status("POST", box+"/accesses/", nil, fmt.Sprintf(`{"identityId":%q,"privileges":["ALL"]}`, w.d.People[1].Mailbox)))
}

func first(status int, _ any, _ string) int { return status }

// Officers and operators grant, and see no content; auditors see who has seen it; users of a company go as far as their rights.
func TestRightsOfOthers(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	w.send("Brev")
	box := "/apis/v1/mailboxes/" + w.d.People[0].Mailbox
	_, m := w.find(w.person(w.d.People[0].CPR, "app"), "Brev")
	helper := w.d.People[1].CPR
	grant := fmt.Sprintf(`{"identityId":%q,"privileges":["READ"]`, w.d.People[1].Mailbox)
	for _, right := range []string{"CITIZEN_SERVICE_EMPLOYEE", "DANISH_BUSINESS_AUTHORITY_SERVICE_EMPLOYEE", "OPERATOR", "AUDITOR"} {
		c := w.with(w.d.Companies[0].CVR, "virkdk", right)
		for _, path := range []string{"/messages/", "/folders/", "/folders/summary/"} {
			w.want(403, "")(c.status("GET", box+path, nil, ""))
		}
		for _, path := range []string{"", "/messages/" + m.ID, "/messages/" + m.ID + "/documents/" + m.Documents[0].ID + "/files/" + m.Documents[0].Files[0].ID + "/content"} {
			if status, _, _ := c.status("GET", box+path, nil, ""); status != 403 && status != 404 {
				t.Errorf("%s sees %s: %d", right, path, status)
			}
		}
		if want := map[bool]int{true: 200, false: 403}[right == "AUDITOR"]; first(c.status("GET", box+"/looks/", nil, "")) != want {
			t.Errorf("%s and who has seen it: want %d", right, want)
		}
		if want := map[bool]int{true: 403, false: 200}[strings.HasPrefix(right, "DANISH")]; first(c.status("GET", box+"/accesses/", nil, "")) != want {
			t.Errorf("%s and a citizen's accesses: want %d", right, want)
		}
	}
	w.want(200, "")(w.with(w.d.Companies[1].CVR, "virkdk", "DANISH_BUSINESS_AUTHORITY_SERVICE_EMPLOYEE").status("GET", "/apis/v1/mailboxes/"+w.d.Companies[0].Mailbox+"/accesses/", nil, ""))
	officer := w.with(w.d.Companies[0].CVR, "virkdk", "CITIZEN_SERVICE_EMPLOYEE")
	w.want(422, "access.documentation.missing")(officer.status("POST", box+"/accesses/", nil, grant+`}`))
	w.want(201, `"MUNICIPALITY"`)(officer.status("POST", box+"/accesses/", nil, grant+`,"documentation":"Pas set; fuldmagt underskrevet"}`))
	w.want(200, "Brev")(w.person(helper, "eboks").status("GET", box+"/messages/", nil, ""))
	w.want(422, "access.kind")(officer.status("POST", box+"/accesses/", nil, strings.Replace(grant, "READ", "DESIGNATED", 1)+`,"documentation":"x"}`))
	operator := w.with(w.d.Companies[0].CVR, "virkdk", "OPERATOR")
	curator := w.person(w.d.People[3].CPR, "app")
	w.want(201, `"OPERATOR"`)(operator.status("POST", box+"/accesses/", nil, fmt.Sprintf(`{"identityId":%q,"privileges":["DESIGNATED"],"documentation":"Skifteretsattest"}`, w.d.People[3].Mailbox)))
	w.want(200, "Brev")(curator.status("GET", box+"/messages/", nil, ""))
	w.want(403, "access.limited")(curator.status("PATCH", box+"/messages/"+m.ID, nil, `{"read":true}`))
	w.want(403, "access.limited")(w.with(w.d.Companies[0].CVR, "virkdk", "AUDITOR").status("POST", box+"/accesses/", nil, grant+`,"documentation":"x"}`))

	// A company's mailbox: its users, and a sole signatory with a private MitID.
	cvr := w.d.Companies[0].CVR
	uuid := newUUID4()
	xml := strings.Replace(w.letter(uuid, "Til bageriet", "Hej"), "<memo:recipientID>"+w.d.People[0].CPR+"</memo:recipientID><memo:idType>CPR", "<memo:recipientID>"+cvr+"</memo:recipientID><memo:idType>CVR", 1)
	if _, err := w.sender.post(uuid, strings.NewReader(xml)); err != nil {
		t.Fatal(err)
	}
	company := "/apis/v1/mailboxes/" + w.d.Companies[0].Mailbox
	_, letter := w.find(w.with(cvr, "virkdk"), "Til bageriet")
	for right, want := range map[string][3]int{ // list, mark, trash
		"MESSAGE_BASIC:" + cvr: {200, 200, 403}, "MESSAGE_WRITE:" + cvr: {200, 200, 204}, "ORGANISATION_ADMINISTRATOR:" + cvr: {200, 200, 204},
		"MESSAGE_WRITE:" + w.d.Companies[1].CVR: {403, 404, 404}, "UNKNOWN:" + cvr: {403, 404, 404},
	} {
		c := w.with(cvr, "virkdk", right)
		got := [3]int{first(c.status("GET", company+"/messages/", nil, "")), first(c.status("PATCH", company+"/messages/"+letter.ID, nil, `{"flag":true}`)),
			first(c.status("DELETE", company+"/messages/"+letter.ID, nil, ""))}
		if got != want {
			t.Errorf("%s: list, mark, trash = %v, want %v", right, got, want)
		}
		if got[2] == 204 {
			w.want(200, "")(w.with(cvr, "virkdk").status("POST", company+"/messages/"+letter.ID+"/restore", nil, ""))
		}
	}
	signatory := w.with(w.d.People[2].CPR, "virkdk", "LEGAL_OWNER:"+cvr)
	w.want(200, "Til bageriet")(signatory.status("GET", company+"/messages/", nil, ""))
	w.want(403, "")(w.with(w.d.People[2].CPR, "virkdk").status("GET", company+"/messages/", nil, ""))
}

// A command that was allowed when it was asked for is refused if access ends before it is appended: the rule looks again. Revocations and a delegate's changes race.
func TestRevocationRacesChanges(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	w.send("Brev")
	owner, helper := w.person(w.d.People[0].CPR, "app"), w.person(w.d.People[1].CPR, "eboks")
	box := "mailboxes/" + w.d.People[0].Mailbox
	_, m := w.find(owner, "Brev")
	for round := range 20 {
		x := w.access(owner, "POST", box+"/accesses/", fmt.Sprintf(`{"identityId":%q,"privileges":["READ"]}`, w.d.People[1].Mailbox))
		done := make(chan string)
		go func() {
			var last string
			for i := range 30 {
				status, h, _ := helper.status("PATCH", "/apis/v1/"+box+"/messages/"+m.ID, nil, fmt.Sprintf(`{"flag":%v}`, i%2 == 0))
				if status == 200 {
					last = h.Get("Log-Position")
				}
			}
			done <- last
		}()
		time.Sleep(time.Duration(round) * time.Millisecond / 2)
		_, h, _ := owner.status("DELETE", "/apis/v1/"+box+"/accesses/"+x.ID, nil, "")
		last := <-done
		var revoked, changed int
		fmt.Sscan(h.Get("Log-Position"), &revoked)
		if fmt.Sscan(last, &changed); revoked == 0 || changed > revoked {
			t.Fatalf("round %d: a change at %d, after access was revoked at %d", round, changed, revoked)
		}
	}
}

// Ways around the rules, of which none leads anywhere.
func TestWaysAround(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	w.send("Brev")
	w.sendAs(2, w.d.People[0].CPR, "Police", nil)
	box := "/apis/v1/mailboxes/" + w.d.People[0].Mailbox
	owner, helper := w.person(w.d.People[0].CPR, "eboks"), w.person(w.d.People[1].CPR, "app")
	_, private := w.find(owner, "Police")
	content := "/documents/" + private.Documents[0].ID + "/files/" + private.Documents[0].Files[0].ID + "/content"
	w.access(owner, "POST", "mailboxes/"+w.d.People[0].Mailbox+"/accesses/", fmt.Sprintf(`{"cprNumber":%q,"name":%q,"privileges":["READ"]}`, w.d.People[1].CPR, w.d.People[1].Name))

	// Who has seen private post is not for delegates, nor for other platforms; nor when something happened to it.
	stream := follow(t, helper, "mailboxes/"+w.d.People[0].Mailbox+"/changes", "")
	stream.past()
	w.want(200, "")(owner.status("GET", box+"/messages/"+private.ID+content, nil, ""))
	w.want(200, "")(owner.status("PATCH", box+"/messages/"+private.ID, nil, `{"read":true}`))
	w.want(200, private.ID)(owner.status("GET", box+"/looks/", nil, ""))
	for _, c := range []*client{helper, w.person(w.d.People[0].CPR, "mitdk")} {
		if _, _, body := c.status("GET", box+"/looks/", nil, ""); strings.Contains(body, private.ID) {
			t.Errorf("who has seen it tells of private post: %s", body)
		}
	}
	w.want(201, "")(owner.status("POST", box+"/folders/", nil, `{"name":"Synlig"}`))
	if e := stream.next(); !strings.HasSuffix(e.Type, "folder-created") {
		t.Errorf("a delegate is told of private post: %+v", e)
	}

	// An officer does not let himself in: not by a request that he approves, nor directly.
	officer := w.with(w.d.People[2].CPR, "app", "CITIZEN_SERVICE_EMPLOYEE")
	x := w.access(officer, "POST", "access-requests/", fmt.Sprintf(`{"privileges":["READ"],"accessTo":{"externalId":%q,"firstNameProvided":"Mette","lastNameProvided":"Made-Up Hansen"}}`, w.d.People[0].CPR))
	w.want(422, "access.documentation.missing")(officer.status("PUT", "/apis/v1/access-requests/"+x.ID, nil, `{"requestState":"APPROVED"}`))
	w.want(422, "access.self")(officer.status("POST", box+"/accesses/", nil, fmt.Sprintf(`{"identityId":%q,"privileges":["READ"],"documentation":"Pas"}`, w.d.People[2].Mailbox)))
	w.want(403, "")(officer.status("GET", box+"/messages/", nil, ""))

	// A number without its name leads to nobody, and who may not grant or exempt is not told who has a mailbox.
	own := "/apis/v1/mailboxes/" + w.d.People[3].Mailbox + "/accesses/"
	stranger := w.person(w.d.People[3].CPR, "app")
	_, _, known := stranger.status("POST", own, nil, fmt.Sprintf(`{"cprNumber":%q,"privileges":["READ"]}`, w.d.People[0].CPR))
	_, _, wrong := stranger.status("POST", own, nil, fmt.Sprintf(`{"cprNumber":%q,"name":"En Anden","privileges":["READ"]}`, w.d.People[0].CPR))
	_, _, unknown := stranger.status("POST", own, nil, `{"cprNumber":"6702901234","name":"En Anden","privileges":["READ"]}`)
	if known != unknown || wrong != unknown || !strings.Contains(unknown, "access.grantee.no.mailbox") {
		t.Errorf("numbers are told apart: %s, %s, %s", known, wrong, unknown)
	}
	for _, number := range []string{w.d.People[0].CPR, "6702901234"} {
		w.want(403, "forbidden")(stranger.status("POST", box+"/accesses/", nil, fmt.Sprintf(`{"cprNumber":%q,"name":"x","privileges":["READ"]}`, number)))
		w.want(403, "forbidden")(stranger.status("POST", "/apis/v1/exemptions/", nil, fmt.Sprintf(`{"cprNumber":%q,"criteria":["OTHER"],%s}`, number, atTheCounter)))
	}

	// The same Idempotency-Key of two who grant is two grants.
	company := w.d.Companies[0]
	admin, business := w.with(company.CVR, "virkdk"), w.with(w.d.Companies[1].CVR, "virkdk", "DANISH_BUSINESS_AUTHORITY_SERVICE_EMPLOYEE")
	key := map[string]string{"Idempotency-Key": "1"}
	give := func(c *client, to string) (id string) {
		t.Helper()
		status, _, body := c.status("POST", "/apis/v1/mailboxes/"+company.Mailbox+"/accesses/", key, fmt.Sprintf(`{"identityId":%q,"privileges":["READ"],"documentation":"Pas"}`, to))
		var x shownAccess
		if json.Unmarshal([]byte(body), &x); status != 201 {
			t.Fatalf("%d %s", status, body)
		}
		return x.ID
	}
	if a, b := give(admin, w.d.People[3].Mailbox), give(business, w.d.People[4].Mailbox); a == b {
		t.Error("two grants have one id")
	}
	w.want(200, "")(w.person(w.d.People[3].CPR, "app").status("GET", "/apis/v1/mailboxes/"+company.Mailbox+"/folders/", nil, ""))

	// What is granted to a company is for those who write for it, to use and to give up.
	toCompany := w.access(owner, "POST", "mailboxes/"+w.d.People[0].Mailbox+"/accesses/", fmt.Sprintf(`{"identityId":%q,"privileges":["READ"]}`, company.Mailbox))
	basic := w.with(company.CVR, "eboks", "MESSAGE_BASIC:"+company.CVR)
	w.want(200, `"totalElements":0`)(basic.status("GET", "/apis/v1/access-requests/", nil, ""))
	if status, _, _ := basic.status("DELETE", "/apis/v1/privileges/direct/"+toCompany.ID, nil, ""); status < 400 {
		t.Errorf("an employee ends the company's access: %d", status)
	}
	w.want(200, "Brev")(w.with(company.CVR, "eboks").status("GET", box+"/messages/", nil, ""))

	// Long notes in bulk.
	p, _ := w.list(owner, "label=Brev")
	item := fmt.Sprintf(`{"id":%q,"note":%q}`, p.Messages[0].ID, strings.Repeat("€", 3900))
	w.want(200, `"status":200`)(owner.status("PATCH", box+"/messages/", nil, `{"messages":[`+strings.Repeat(item+",", 150)+item+`]}`))
}

// e-Boks shows public post to those alone who have consented; withdrawn, it is hidden there and nowhere else [40], and private post is not touched.
func TestConsentToPublicPost(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	var made struct{ Mailbox string }
	const cpr = "6702901234"
	if _, err := (&client{url: w.url}).do("POST", "/dev/people", map[string]string{"Content-Type": "application/json"}, strings.NewReader(`{"cpr":"`+cpr+`","name":"Uden Samtykke","consents":[]}`), &made); err != nil {
		t.Fatal(err)
	}
	w.sendAs(0, cpr, "Offentlig", nil)
	w.sendAs(2, cpr, "Privat", nil)
	box := "/apis/v1/mailboxes/" + made.Mailbox
	see := func(platform string, want ...string) {
		t.Helper()
		c := w.person(cpr, platform)
		_, _, body := c.status("GET", box+"/messages/", nil, "")
		_, _, summary := c.status("GET", box+"/folders/summary/", nil, "")
		_, _, unread := c.status("GET", "/apis/v1/mailboxes/messages/unread/exists/", nil, "")
		for _, label := range []string{"Offentlig", "Privat"} {
			if strings.Contains(body, `"`+label+`"`) != (strings.Contains(strings.Join(want, " "), label)) {
				t.Errorf("%s shows %q: %s", platform, want, body)
			}
		}
		if !strings.Contains(summary, fmt.Sprintf(`"totalMessages":%d`, len(want))) || strings.Contains(unread, "true") != (len(want) > 0) {
			t.Errorf("%s counts %s and %s, want %d", platform, summary, unread, len(want))
		}
	}
	see("eboks", "Privat")
	see("app", "Offentlig")
	owner := w.person(cpr, "eboks")
	_, m := w.find(w.person(cpr, "app"), "Offentlig")
	w.want(404, "")(owner.status("GET", box+"/messages/"+m.ID, nil, ""))
	w.want(404, "")(owner.status("PATCH", box+"/messages/"+m.ID, nil, `{"read":true}`))
	w.want(200, `"given":false`)(owner.status("GET", box+"/platform-consents/", nil, ""))
	w.want(422, "consent.not.needed")(owner.status("PUT", box+"/platform-consents/app", nil, `{"given":true}`))
	w.want(200, `"given":true`)(owner.status("PUT", box+"/platform-consents/eboks", nil, `{"given":true}`))
	see("eboks", "Offentlig", "Privat")
	w.want(200, "")(owner.status("PUT", box+"/platform-consents/eboks", nil, `{"given":false}`))
	see("eboks", "Privat")
	see("mitdk", "Offentlig")
	w.stop()
	w2 := start(t, w.data)
	w.url = w2.url
	see("eboks", "Privat")
}
