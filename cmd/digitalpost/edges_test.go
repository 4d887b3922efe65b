package main

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
)

// Every list has the same habits: next leads on and ends, sortFields, fields, any and filters by field do what they say, and what is no field is refused.
func TestListsHaveOneHabit(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me := w.person(w.d.People[0].CPR, "app")
	box := "mailboxes/" + w.d.People[0].Mailbox
	for i := range 7 {
		w.ask(me, 201, "POST", "/apis/v1/"+box+"/folders/", fmt.Sprintf(`{"name":"Mappe %d"}`, i))
		w.access(me, "POST", box+"/accesses/", fmt.Sprintf(`{"cprNumber":%q,"name":%q,"privileges":[%q]}`, w.d.People[1+i%4].CPR, w.d.People[1+i%4].Name, []string{"READ", "READ_WRITE"}[i/4]))
	}
	for path, list := range map[string]string{box + "/folders/": "folders", box + "/accesses/": "accesses", "organisations/?": "organisations", "contact-points/": "contactPoints", "mailboxes/": "mailboxes", box + "/senders/": "senders"} {
		path = "/apis/v1/" + strings.TrimSuffix(path, "?") + "?size=2"
		whole := w.ask(me, 200, "GET", strings.TrimSuffix(path, "2")+"1000", "")
		want, got := len(whole.at(list).([]any)), 0
		for next, n := "", 0; ; n++ {
			x := w.ask(me, 200, "GET", path+next, "")
			got += len(x.at(list).([]any))
			if x.at("next") == nil {
				break
			}
			if next = "&next=" + x.text("next"); n > 20 {
				t.Fatalf("%s: next does not end", path)
			}
		}
		if got != want {
			t.Errorf("%s: next leads to %d, want %d", path, got, want)
		}
		for _, bad := range []string{"&foo=1", "&sortFields=foo", "&fields=foo", "&next=foo"} {
			w.ask(me, 400, "GET", path+bad, "")
		}
	}
	x := w.ask(me, 200, "GET", "/apis/v1/"+box+"/folders/?sortFields=name:desc&name=mappe*&fields=name&size=2", "")
	if got := fmt.Sprint(x.at("folders")); got != "[map[name:Mappe 6] map[name:Mappe 5]]" || x.text("totalElements") != "7" {
		t.Errorf("sorted and filtered, the folders are %s of %s", got, x.text("totalElements"))
	}
	// A filtered list of messages goes on where it was, whatever arrives; and goes on for itself alone.
	for i := range 6 {
		w.send(fmt.Sprint("Brev ", i))
	}
	list := "/apis/v1/" + box + "/messages/?size=2&label=brev*"
	first := w.ask(me, 200, "GET", list, "")
	w.send("Brev 6")
	w.send("Brev 7")
	second := w.ask(me, 200, "GET", list+"&next="+first.text("next"), "")
	if got := second.text("messages", 0, "label") + ", " + second.text("messages", 1, "label"); got != "Brev 3, Brev 2" {
		t.Errorf("the second page is %s, want Brev 3, Brev 2", got)
	}
	// Words are found one by one; ascending and descending lists have each message once, a draft among them or not.
	w.sendAs(0, w.d.People[0].CPR, "Med sag", func(s string) string {
		return strings.Replace(s, "<memo:label>", "<memo:messageID>SAG-2026-77</memo:messageID><memo:label>", 1)
	})
	w.ask(me, 201, "POST", "/apis/v1/"+box+"/messages/", `{"label":"Brev, en kladde"}`)
	for query, want := range map[string]string{"any=sag-2026*": "1", "any=*2026-77": "1", "any=besked*txt": "9", "any=*77*besked*": "0", "any=brev": "9"} {
		if x := w.ask(me, 200, "GET", "/apis/v1/"+box+"/messages/?"+query, ""); x.text("totalElements") != want {
			t.Errorf("%s finds %s, want %s", query, x.text("totalElements"), want)
		}
	}
	for _, order := range []string{"asc", "desc"} {
		seen := map[string]bool{}
		for next := ""; ; {
			x := w.ask(me, 200, "GET", "/apis/v1/"+box+"/messages/?any=brev&size=1&sortFields=receivedDateTime:"+order+next, "")
			seen[x.text("messages", 0, "id")] = true
			if x.at("next") == nil || len(seen) > 20 {
				break
			}
			next = "&next=" + x.text("next")
		}
		if len(seen) != 9 {
			t.Errorf("%s lists %d messages, want 9", order, len(seen))
		}
	}
	w.ask(me, 400, "GET", strings.Replace(list, "brev", "b", 1)+"&next="+first.text("next"), "")
	for _, q := range []string{"read=%zz", "a=1;b=2", "label=%"} {
		w.refuse(me, 400, "parameter.not.valid", "GET", "/apis/v1/"+box+"/messages/?"+q, "")
	}
}

// What is stale is refused wherever a version is given; where there is no one version the header is.
func TestStaleEverywhere(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	owner, helper := w.person(w.d.People[0].CPR, "app"), w.person(w.d.People[1].CPR, "app")
	box := "/apis/v1/mailboxes/" + w.d.People[0].Mailbox
	asked := w.access(helper, "POST", "access-requests/", fmt.Sprintf(`{"requestType":"PRIVILEGE_REQUEST","privileges":["READ"],"accessTo":{"externalId":%q,"externalIdType":"CPR","firstNameProvided":"Mette","lastNameProvided":"Made-Up Hansen"}}`, w.d.People[0].CPR))
	w.refuse(owner, 409, "version.stale", "PUT", "/apis/v1/access-requests/"+asked.ID, `{"requestState":"APPROVED"}`, "If-Match", "99")
	w.ask(owner, 200, "PUT", "/apis/v1/access-requests/"+asked.ID, `{"requestState":"APPROVED"}`, "If-Match", "1")
	w.refuse(owner, 409, "version.stale", "DELETE", box+"/accesses/"+asked.ID, "", "If-Match", "1")
	w.refuse(helper, 409, "version.stale", "DELETE", "/apis/v1/privileges/direct/"+asked.ID, "", "If-Match", "99")
	w.ask(owner, 204, "DELETE", box+"/accesses/"+asked.ID, "", "If-Match", "2")
	w.send("Brev")
	_, m := w.find(owner, "Brev")
	for _, h := range []string{"If-Match", "Idempotency-Key"} {
		w.refuse(owner, 400, "header.not.valid", "PATCH", box+"/messages/", `{"messages":[{"id":"`+m.ID+`","flag":true}]}`, h, "1")
	}
}

// What an owner decides for themselves is not a delegate's, and who looks at who has access is seen.
func TestSettingsAreTheOwners(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	owner, helper := w.person(w.d.People[0].CPR, "eboks"), w.person(w.d.People[1].CPR, "eboks")
	box := "/apis/v1/mailboxes/" + w.d.People[0].Mailbox
	w.access(owner, "POST", "mailboxes/"+w.d.People[0].Mailbox+"/accesses/", fmt.Sprintf(`{"cprNumber":%q,"name":%q,"privileges":["READ_WRITE"]}`, w.d.People[1].CPR, w.d.People[1].Name))
	w.exempt(w.d.People[0].CPR)
	for path, body := range map[string]string{"/exemption/cancel": `{"email":"a@example.org"}`, "/platform-consents/eboks": `{"given":false}`, "/language": `{"language":"en"}`} {
		method := "PUT"
		if strings.Contains(path, "cancel") {
			method = "POST"
		}
		w.refuse(helper, 403, "access.limited", method, box+path, body)
	}
	auditor := w.with(w.d.Companies[0].CVR, "virkdk", "AUDITOR")
	w.ask(auditor, 200, "GET", box+"/accesses/", "")
	if seen := fmt.Sprint(w.ask(owner, 200, "GET", box+"/looks/", "")); !strings.Contains(seen, "INSPECTED") || !strings.Contains(seen, "auditor") {
		t.Errorf("an auditor's look is not told: %s", seen)
	}
	officer := w.with(w.d.Companies[0].CVR, "virkdk", "DANISH_BUSINESS_AUTHORITY_SERVICE_EMPLOYEE")
	for criterion, status := range map[string]int{"LIMITED_DANISH": 422, "LEFT_DENMARK": 422, "NO_BROADBAND": 201} {
		w.ask(officer, status, "POST", "/apis/v1/exemptions/", fmt.Sprintf(`{"cvrNumber":%q,"criteria":[%q],%s}`, w.d.Companies[1].CVR, criterion, atTheCounter))
	}
}

// A body that breaks off is the sender's fault; a position that was never told is refused.
func TestBrokenRequests(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me := w.person(w.d.People[0].CPR, "app")
	box := "/apis/v1/mailboxes/" + w.d.People[0].Mailbox
	raw := func(head, body string) string {
		t.Helper()
		u, _ := url.Parse(w.url)
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%s\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s", head, u.Host, me.token, body)
		c.(*net.TCPConn).CloseWrite()
		line, _ := bufio.NewReader(c).ReadString('\n')
		return strings.TrimSpace(line)
	}
	for _, x := range [][2]string{{"POST " + box + "/folders/ HTTP/1.1", "Content-Length: 100\r\n\r\n{"}, {"POST " + box + "/folders/ HTTP/1.1", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"},
		{"PATCH " + box + "/messages/ HTTP/1.1", "Content-Length: 100\r\n\r\n{"}, {"POST /dev/token HTTP/1.1", "Content-Length: 100\r\n\r\ncpr="}, {"POST /dev/oauth/token HTTP/1.1", "Content-Length: 100\r\n\r\nx="}} {
		if got := raw(x[0], x[1]); !strings.Contains(got, " 400 ") {
			t.Errorf("%s, broken off: %s, want 400", x[0], got)
		}
	}
	w.refuse(me, 400, "position.not.valid", "GET", box+"/changes?after=99999999", "")
	w.refuse(me, 400, "position.not.valid", "GET", box+"/changes?after=x", "")
	if strings.Contains(w.log.String(), "level=ERROR") {
		t.Errorf("faults were noted:\n%s", w.log)
	}
}

// A token is ended by a form or by JSON; a request that names none is refused. userinfo tells the subject that the tokens have.
func TestRevokingATokenNeverFailsOpen(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	for _, prefix := range []string{"/dev/oauth", "/apis/v1/oauth"} {
		me := w.person(w.d.People[0].CPR, "app")
		if sub := w.ask(me, 200, "GET", prefix+"/userinfo", "").text("sub"); len(sub) != 36 {
			t.Errorf("userinfo's subject is %s", sub)
		}
		none := &client{url: w.url}
		w.ask(none, 400, "POST", prefix+"/revoke", "")
		w.ask(none, 400, "POST", prefix+"/revoke", `{"x":"y"}`, "Content-Type", "application/json")
		w.ask(me, 200, "GET", "/apis/v1/mailboxes/", "")
		w.ask(none, 200, "POST", prefix+"/revoke", fmt.Sprintf(`{"token":%q}`, me.token), "Content-Type", "application/json")
		w.ask(me, 401, "GET", "/apis/v1/mailboxes/", "")
		w.ask(none, 200, "POST", prefix+"/logout", "", "Content-Type", "application/x-www-form-urlencoded")
	}
}
