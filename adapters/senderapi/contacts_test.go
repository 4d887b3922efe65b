package senderapi_test

import (
	"testing"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/server/servertest"
)

// The contact structure is kept by the authority's own systems alone, and what they hide is not written to.
func TestContactGroupsAreKept(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, sys := w.User(0, "app"), w.Sender
	family := me.Ask(200, "GET", "/apis/v1/contact-groups/?name=familie", "").Text("contactGroups", 0, "id")
	groups := authority(w) + "contact-groups/"
	below := func(name, parent string) string { return `{"name":"` + name + `","parent":{"id":"` + parent + `"}}` }

	w.System(1).Refuse(403, "organisation.not.yours", "POST", groups, `{"name":"Ikke min"}`)
	me.Ask(401, "POST", groups, `{"name":"Ikke min"}`)
	group := sys.Ask(201, "POST", groups, below("Skole", family)).Text("id")
	sys.Refuse(422, "contact.group.cycle", "PUT", groups+family, below("Familie", group))
	sys.Ask(404, "PUT", groups+servertest.NewUUID(), `{"name":"Væk"}`)
	sys.Refuse(409, "version.stale", "PUT", groups+group, `{"name":"Skole"}`, "If-Match", "7")

	deep := group
	for i := range 16 {
		x := servertest.Parse(sys.Body("POST", groups, below("Dyb", deep)))
		if x.At("id") == nil {
			if i < 10 || x.Text("code") != "contact.group.too.deep" {
				t.Errorf("group %d deep: %v", i, x)
			}
			break
		}
		deep = x.Text("id")
	}
	sys.Refuse(422, "contact.group.not.empty", "DELETE", groups+family, "")
	sys.Refuse(422, "contact.group.not.empty", "DELETE", groups+group, "")
	sys.Ask(204, "DELETE", groups+deep, "")
	if x := sys.Ask(200, "PUT", groups+group, below("Skole og SFO", family)); x.Text("name") != "Skole og SFO" {
		t.Errorf("renamed, the group is %v", x)
	}
}

// authority is the path of the first authority, as its contact structure is found.
func authority(w *servertest.World) string {
	x := w.Sender.Ask(200, "GET", "/apis/v1/organisations/?authorityType=MUNICIPALITY", "")
	return "/apis/v1/organisations/" + x.Text("organisations", 0, "id") + "/"
}

// A contact point's fields have rules; one that is hidden is neither found nor written to.
func TestContactPointsAreKept(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, sys := w.User(0, "app"), w.Sender
	family := me.Ask(200, "GET", "/apis/v1/contact-groups/?name=familie", "").Text("contactGroups", 0, "id")
	at := authority(w)
	points := at + "contact-points/"
	for body, field := range map[string]string{
		`{"name":""}`:                                  "name",
		`{"name":"a","memoSizeThresholdMB":9}`:         "memoSizeThresholdMB",
		`{"name":"a","allowedNumberOfAttachments":31}`: "allowedNumberOfAttachments",
		`{"name":"a","Targets":["DOG"]}`:               "Targets",
		`{"name":"a","contactGroups":[{"id":"x"}]}`:    "contactGroups",
		`{"name":"a","systemId":"x"}`:                  "systemId",
	} {
		if x := sys.Ask(400, "POST", points, body); x.Text("fieldErrors", 0, "field") != field {
			t.Errorf("POST %s: %v, want field %s", body, x, field)
		}
	}
	sys.Refuse(422, "system.not.found", "POST", points, `{"name":"a","systemId":"`+servertest.NewUUID()+`"}`)
	sys.Ask(404, "DELETE", points+servertest.NewUUID(), "")

	group := sys.Ask(201, "POST", at+"contact-groups/",
		`{"name":"Skole og SFO","parent":{"id":"`+family+`"}}`).Text("id")
	point := sys.Ask(201, "POST", points, `{"name":"Skolevæsen","Targets":["CITIZEN"],
		"contactGroups":[{"id":"`+group+`"}],"searchTerms":[{"term":"klasse"}],
		"memoSizeThresholdMB":10,"allowedNumberOfAttachments":0}`).Text("id")
	x := me.Ask(200, "GET", points+point, "")
	if x.Text("memoSizeThresholdMB") != "10" || x.Text("contactGroups", 0, "name") != "Skole og SFO" {
		t.Errorf("the new point is %v", x)
	}
	sys.Refuse(422, "contact.group.not.empty", "DELETE", at+"contact-groups/"+group, "")
	sys.Refuse(400, "field.not.valid", "PUT", points+point, `{"name":"Skole\nvæsen","Targets":["CITIZEN"]}`)
	hidden := `{"name":"Skolevæsen","Targets":["CITIZEN"],"visible":false}`
	x = sys.Ask(200, "PUT", points+point, hidden, "If-Match", "1")
	if x.Text("version") != "2" {
		t.Errorf("changed, the point is %v", x)
	}

	me.Ask(404, "GET", points+point, "")
	if x := me.Ask(200, "GET", "/apis/v1/contact-points/?searchTerm=skole", ""); len(x.List("contactPoints")) > 0 {
		t.Errorf("hidden, it is found: %s", x)
	}
	path := me.Draft(w.Messages(0), "Til det skjulte", point, "x")
	me.Refuse(422, "contact.point.not.open", "POST", path+"/send", "")
	sys.Ask(204, "DELETE", points+point, "")
}

// An authority's system takes another version of MeMo from when it says so.
func TestRecipientSystemTakesAnotherVersion(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, systems := w.User(0, "app"), authority(w)+"systems/"
	w.Sender.Ask(400, "POST", systems+w.SenderSystems[0].ID+"/makedefaultrecipient?memoVersion=2", "")
	w.Sender.Ask(404, "POST", systems+servertest.NewUUID()+"/makedefaultrecipient", "")
	x := w.Sender.Ask(200, "POST", systems+w.SenderSystems[0].ID+"/makedefaultrecipient?memoVersion=1.1", "")
	if x.Text("memoVersion") != "1.1" {
		t.Errorf("makedefaultrecipient: %v", x)
	}
	path := me.Draft(w.Messages(0), "I 1.1", w.Point("Borgerservice").Text("id"), "x")
	m, _ := w.Sender.Fetch(me.Ask(200, "POST", path+"/send", "").Text("messageUUID"))
	if m.Version != memo.V11 {
		t.Errorf("the MeMo is version %d, want 1.1", m.Version)
	}
}
