package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/memo"
)

// The directory of who can be written to is found by word, group and target, and kept by the authority's own systems alone.
func TestContactDirectory(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	me := w.person(w.d.People[0].CPR, "app")
	names := func(path, list string) string {
		t.Helper()
		var out []string
		for _, x := range w.ask(me, 200, "GET", "/apis/v1/"+path, "").at(list).([]any) {
			out = append(out, x.(map[string]any)["name"].(string))
		}
		return strings.Join(out, ", ")
	}
	kommune := w.ask(w.sender, 200, "GET", "/apis/v1/organisations/?authorityType=MUNICIPALITY", "").text("organisations", 0, "id")
	family := w.ask(me, 200, "GET", "/apis/v1/contact-groups/?name=familie", "").text("contactGroups", 0, "id")
	for _, x := range []struct{ path, list, want string }{
		{"organisations/?type=AUTHORITY", "organisations", "Eksempel Kommune, Opdigtet Uddannelsesstyrelse, Region Påfund"},
		{"organisations/?visibility=COMPANY", "organisations", "Eksempel Kommune"},
		{"organisations/?searchTerm=b%C3%B8rnehave", "organisations", "Eksempel Kommune"},
		{"organisations/?searchTerm=p%C3%A5fund&authorityType=REGION", "organisations", "Region Påfund"},
		{"organisations/?name=region%20p%C3%A5fund", "organisations", "Region Påfund"},
		{"contact-points/", "contactPoints", "Andre myndigheder, Borgerservice, Byggesager, Dagtilbud, Patientkontoret, SU"},
		{"contact-points/?visibility=COMPANY", "contactPoints", "Borgerservice, Byggesager"},
		{"contact-points/?searchTermOrName=studiel", "contactPoints", "SU"},
		{"contact-points/?searchTerm=KOMMUNE&isRoot=true&visibility=CITIZEN", "contactPoints", "Borgerservice"},
		{"contact-points/?contactGroupId=" + family, "contactPoints", "Dagtilbud"},
		{"organisations/" + kommune + "/contact-points/?visibility=CITIZEN&size=2&page=1", "contactPoints", "Dagtilbud"},
		{"organisations/" + kommune + "/contact-groups/", "contactGroups", "Bolig og byggeri, Familie"},
		{"contact-groups/?visibility=COMPANY", "contactGroups", "Bolig og byggeri"},
		{"contact-groups/?isRoot=true&searchTerm=fam", "contactGroups", "Familie"},
	} {
		if got := names(x.path, x.list); got != x.want {
			t.Errorf("%s: %s, want %s", x.path, got, x.want)
		}
	}
	for _, bad := range []string{"contact-points/?x=1", "contact-points/?visibility=DOG", "contact-points/?contactGroupId=1", "contact-groups/?isRoot=maybe"} {
		w.ask(me, 400, "GET", "/apis/v1/"+bad, "")
	}
	w.ask(&client{url: w.url}, 401, "GET", "/apis/v1/organisations/", "")
	w.ask(me, 404, "GET", "/apis/v1/organisations/"+newUUID4()+"/contact-points/", "")
	at := "/apis/v1/organisations/" + kommune + "/"
	w.ask(me, 200, "GET", at, "")
	w.ask(me, 200, "GET", at+"contact-groups/"+family, "")
	// Kept by its own system.
	w.refuse((&client{url: w.url}).as(w.d, 1), 403, "organisation.not.yours", "POST", at+"contact-groups/", `{"name":"Ikke min"}`)
	w.ask(me, 401, "POST", at+"contact-groups/", `{"name":"Ikke min"}`)
	group := w.ask(w.sender, 201, "POST", at+"contact-groups/", `{"name":"Skole","parent":{"id":"`+family+`"}}`).text("id")
	w.refuse(w.sender, 422, "contact.group.cycle", "PUT", at+"contact-groups/"+family, `{"name":"Familie","parent":{"id":"`+group+`"}}`)
	w.ask(w.sender, 404, "PUT", at+"contact-groups/"+newUUID4(), `{"name":"Væk"}`)
	w.ask(w.sender, 404, "DELETE", at+"contact-points/"+newUUID4(), "")
	w.refuse(w.sender, 409, "version.stale", "PUT", at+"contact-groups/"+group, `{"name":"Skole"}`, "If-Match", "7")
	deep := group
	for i := range 16 {
		_, _, body := w.sender.status("POST", at+"contact-groups/", nil, fmt.Sprintf(`{"name":"Dyb %d","parent":{"id":%q}}`, i, deep))
		x := thing{}
		if json.Unmarshal([]byte(body), &x); x.at("id") == nil {
			if i < 10 || x.text("code") != "contact.group.too.deep" {
				t.Errorf("group %d deep: %v", i, x)
			}
			break
		}
		deep = x.text("id")
	}
	w.refuse(w.sender, 422, "contact.group.not.empty", "DELETE", at+"contact-groups/"+family, "")
	w.ask(w.sender, 200, "PUT", at+"contact-groups/"+group, `{"name":"Skole og SFO","parent":{"id":"`+family+`"}}`)
	for body, field := range map[string]string{`{"name":""}`: "name", `{"name":"a","memoSizeThresholdMB":9}`: "memoSizeThresholdMB", `{"name":"a","allowedNumberOfAttachments":31}`: "allowedNumberOfAttachments",
		`{"name":"a","Targets":["DOG"]}`: "Targets", `{"name":"a","contactGroups":[{"id":"x"}]}`: "contactGroups", `{"name":"a","systemId":"x"}`: "systemId"} {
		if x := w.ask(w.sender, 400, "POST", at+"contact-points/", body); x.text("fieldErrors", 0, "field") != field {
			t.Errorf("POST %s: %v, want field %s", body, x, field)
		}
	}
	w.refuse(w.sender, 422, "system.not.found", "POST", at+"contact-points/", `{"name":"a","systemId":"`+newUUID4()+`"}`)
	point := w.ask(w.sender, 201, "POST", at+"contact-points/", `{"name":"Skolevæsen","Targets":["CITIZEN"],"contactGroups":[{"id":"`+group+`"}],"searchTerms":[{"term":"klasse"}],"memoSizeThresholdMB":10,"allowedNumberOfAttachments":0}`).text("id")
	if x := w.ask(me, 200, "GET", at+"contact-points/"+point, ""); x.text("memoSizeThresholdMB") != "10" || x.text("contactGroups", 0, "name") != "Skole og SFO" {
		t.Errorf("the new point is %v", x)
	}
	w.refuse(w.sender, 400, "field.not.valid", "PUT", at+"contact-points/"+point, `{"name":"Skole\nvæsen","Targets":["CITIZEN"]}`)
	if x := w.ask(w.sender, 200, "PUT", at+"contact-points/"+point, `{"name":"Skolevæsen","Targets":["CITIZEN"],"visible":false}`, "If-Match", "1"); x.text("version") != "2" {
		t.Errorf("changed, the point is %v", x)
	}
	w.ask(me, 404, "GET", at+"contact-points/"+point, "")
	if got := names("contact-points/?searchTerm=skole", "contactPoints"); got != "" {
		t.Errorf("hidden, it is found: %s", got)
	}
	path := w.draft(me, boxOf(w, 0), "Til det skjulte", point, "x")
	w.refuse(me, 422, "contact.point.not.open", "POST", path+"/send", "")
	w.ask(w.sender, 204, "DELETE", at+"contact-points/"+point, "")
	w.refuse(w.sender, 422, "contact.group.not.empty", "DELETE", at+"contact-groups/"+group, "")
	w.ask(w.sender, 204, "DELETE", at+"contact-groups/"+deep, "")
	// Another version of MeMo, from now on.
	w.ask(w.sender, 400, "POST", at+"systems/"+w.d.SenderSystems[0].ID+"/makedefaultrecipient?memoVersion=2", "")
	w.ask(w.sender, 404, "POST", at+"systems/"+newUUID4()+"/makedefaultrecipient", "")
	if x := w.ask(w.sender, 200, "POST", at+"systems/"+w.d.SenderSystems[0].ID+"/makedefaultrecipient?memoVersion=1.1", ""); x.text("memoVersion") != "1.1" {
		t.Errorf("makedefaultrecipient: %v", x)
	}
	path = w.draft(me, boxOf(w, 0), "I 1.1", w.point("Borgerservice").text("id"), "x")
	if m, _ := w.fetched(w.sender, w.ask(me, 200, "POST", path+"/send", "").text("messageUUID")); m.Version != memo.V11 {
		t.Errorf("the MeMo is version %d, want 1.1", m.Version)
	}
}
