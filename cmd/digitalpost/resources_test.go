package main

import (
	"fmt"
	"strings"
	"testing"
)

// Single resources, and what operators' tools ask: each shows what its list shows.
func TestSingleResources(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	w.send("Brev")
	me := w.person(w.d.People[0].CPR, "app")
	box, m := w.find(me, "Brev")
	path := "/apis/v1/mailboxes/" + box
	document := path + "/messages/" + m.ID + "/documents/" + m.Documents[0].ID
	made := w.access(me, "POST", "mailboxes/"+box+"/folders/", `{"name":"Arkiv"}`)
	w.want(200, `"Arkiv"`)(me.status("GET", path+"/folders/"+made.ID, nil, ""))
	w.want(404, "")(me.status("GET", path+"/folders/"+m.ID, nil, ""))
	w.want(200, m.Documents[0].ID)(me.status("GET", path+"/messages/"+m.ID+"/documents/", nil, ""))
	w.want(200, `"MAIN"`)(me.status("GET", document, nil, ""))
	w.want(200, `"besked.txt"`)(me.status("GET", document+"/files/", nil, ""))
	w.want(200, `"besked.txt"`)(me.status("GET", document+"/files/"+m.Documents[0].Files[0].ID, nil, ""))

	given := w.access(me, "POST", "mailboxes/"+box+"/accesses/", fmt.Sprintf(`{"identityId":%q,"privileges":["READ"]}`, w.d.People[1].Mailbox))
	w.want(200, given.ID)(me.status("GET", path+"/accesses/"+given.ID, nil, ""))
	w.want(404, "")(w.person(w.d.People[2].CPR, "app").status("GET", path+"/accesses/"+given.ID, nil, ""))
	helper := w.person(w.d.People[2].CPR, "app")
	asked := w.access(helper, "POST", "access-requests/", fmt.Sprintf(`{"privileges":["READ"],"accessTo":{"externalId":%q,"firstNameProvided":"Mette","lastNameProvided":"Made-Up Hansen"}}`, w.d.People[0].CPR))
	w.want(200, `"SUBMITTED"`)(helper.status("GET", "/apis/v1/access-requests/"+asked.ID, nil, ""))
	w.want(200, `"SUBMITTED"`)(me.status("GET", "/apis/v1/access-requests/"+asked.ID, nil, ""))
	w.want(204, "")(helper.status("DELETE", "/apis/v1/access-requests/"+asked.ID, nil, ""))
	w.want(422, "access.request.closed")(me.status("PUT", "/apis/v1/access-requests/"+asked.ID, nil, `{"requestState":"APPROVED"}`))

	officer := w.with(w.d.Companies[0].CVR, "virkdk", "CITIZEN_SERVICE_EMPLOYEE")
	var x shownAccess
	if _, err := officer.do("POST", "/apis/v1/exemptions/", nil, strings.NewReader(fmt.Sprintf(`{"cprNumber":%q,"criteria":["OTHER"],%s}`, w.d.People[0].CPR, atTheCounter)), &x); err != nil {
		t.Fatal(err)
	}
	w.want(204, "")(officer.status("DELETE", "/apis/v1/exemptions/"+x.ID, nil, ""))
	w.want(422, "exemption.none")(officer.status("DELETE", "/apis/v1/exemptions/"+x.ID, nil, ""))

	_, _, list := w.sender.status("GET", "/apis/v1/receipts/", nil, "")
	ids := anyID.FindAllString(list, -1)
	if len(ids) == 0 {
		t.Fatalf("no receipt: %s", list)
	}
	w.want(204, "")(w.sender.status("DELETE", "/apis/v1/receipts/"+ids[0], nil, ""))
	w.want(404, "")(w.sender.status("GET", "/apis/v1/receipts/"+ids[0], nil, ""))

	for _, prefix := range []string{"/dev/oauth", "/apis/v1/oauth"} {
		for _, method := range []string{"GET", "POST"} {
			w.want(200, `"sub"`)(me.status(method, prefix+"/userinfo", nil, ""))
			w.want(401, "")((&client{url: w.url}).status(method, prefix+"/userinfo", nil, ""))
		}
		w.want(200, "")(me.status("GET", prefix+"/logout", nil, ""))
	}
	for path, word := range map[string]string{"/livez": "ok", "/readyz": "ok", "/openapi.yaml": "openapi: 3", "/metrics": "digitalpost_"} {
		w.want(200, word)((&client{url: w.url}).status("GET", path, nil, ""))
	}
}
