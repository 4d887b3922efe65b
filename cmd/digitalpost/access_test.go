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
		"grant to another":     first(helper.status("POST", box+"/accesses/", nil, fmt.Sprintf(`{"cprNumber":%q,"privileges":["READ"]}`, w.d.People[2].CPR))),
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
	given := w.access(owner, "POST", "mailboxes/"+w.d.People[0].Mailbox+"/accesses/", fmt.Sprintf(`{"cprNumber":%q,"privileges":["READ_WRITE"]}`, w.d.People[1].CPR))
	w.want(204, "")(helper.status("DELETE", letter, nil, ""))
	w.want(403, "access.limited")(helper.status("DELETE", letter, nil, "")) // it lies in DELETED: that would be for good
	w.want(200, "")(helper.status("POST", letter+"/restore", nil, ""))
	w.want(204, "")(helper.status("DELETE", "/apis/v1/privileges/direct/"+given.ID, nil, ""))
	if status, _ := list(helper); status != 403 {
		t.Errorf("given up: %d, want 403", status)
	}
	for what, in := range map[string]string{
		"access.self":               fmt.Sprintf(`{"cprNumber":%q,"privileges":["READ"]}`, w.d.People[0].CPR),
		"access.grantee.no.mailbox": `{"cprNumber":"6702901234","privileges":["READ"]}`,
		"access.until.past":         fmt.Sprintf(`{"cprNumber":%q,"privileges":["READ"],"privilegeEndDate":"2020-01-01"}`, w.d.People[1].CPR),
		"access.kind.not.allowed":   fmt.Sprintf(`{"cprNumber":%q,"privileges":["DESIGNATED"]}`, w.d.People[1].CPR),
	} {
		w.want(422, what)(owner.status("POST", box+"/accesses/", nil, in))
	}
	w.want(400, "privileges")(owner.status("POST", box+"/accesses/", nil, fmt.Sprintf(`{"cprNumber":%q,"privileges":["ALL"]}`, w.d.People[1].CPR)))
}

func first(status int, _ any, _ string) int { return status }

// Officers and operators grant, and see no content; auditors see who has seen it; users of a company go as far as their rights.
func TestRightsOfOthers(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	w.send("Brev")
	box := "/apis/v1/mailboxes/" + w.d.People[0].Mailbox
	_, m := w.find(w.person(w.d.People[0].CPR, "app"), "Brev")
	helper := w.d.People[1].CPR
	grant := fmt.Sprintf(`{"cprNumber":%q,"privileges":["READ"]`, helper)
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
	w.want(201, `"OPERATOR"`)(operator.status("POST", box+"/accesses/", nil, fmt.Sprintf(`{"cprNumber":%q,"privileges":["DESIGNATED"],"documentation":"Skifteretsattest"}`, w.d.People[3].CPR)))
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
		x := w.access(owner, "POST", box+"/accesses/", fmt.Sprintf(`{"cprNumber":%q,"privileges":["READ"]}`, w.d.People[1].CPR))
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
