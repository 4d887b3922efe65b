package viewapi_test

import (
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// contacts gives the names in a list of the contact structure; path is below /apis/v1/.
func contacts(c *servertest.Client, path, list string) string {
	var out []string
	for _, x := range c.Ask(200, "GET", "/apis/v1/"+path, "").List(list) {
		out = append(out, x.Text("name"))
	}
	return strings.Join(out, ", ")
}

// The directory of who can be written to is found by word, group and target.
func TestContactDirectory(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me := w.User(0, "app")
	kommune := w.Sender.Ask(200, "GET", "/apis/v1/organisations/?authorityType=MUNICIPALITY", "").
		Text("organisations", 0, "id")
	family := me.Ask(200, "GET", "/apis/v1/contact-groups/?name=familie", "").Text("contactGroups", 0, "id")
	at := "organisations/" + kommune
	for _, x := range []struct{ list, path, want string }{
		{"organisations", "organisations/?type=AUTHORITY",
			"Eksempel Kommune, Opdigtet Uddannelsesstyrelse, Region Påfund"},
		{"organisations", "organisations/?visibility=COMPANY", "Eksempel Kommune"},
		{"organisations", "organisations/?searchTerm=b%C3%B8rnehave", "Eksempel Kommune"},
		{"organisations", "organisations/?searchTerm=p%C3%A5fund&authorityType=REGION", "Region Påfund"},
		{"organisations", "organisations/?name=region%20p%C3%A5fund", "Region Påfund"},

		{"contactPoints", "contact-points/",
			"Andre myndigheder, Borgerservice, Byggesager, Dagtilbud, Patientkontoret, SU"},
		{"contactPoints", "contact-points/?visibility=COMPANY", "Borgerservice, Byggesager"},
		{"contactPoints", "contact-points/?searchTermOrName=studiel", "SU"},
		{"contactPoints", "contact-points/?searchTerm=KOMMUNE&isRoot=true&visibility=CITIZEN", "Borgerservice"},
		{"contactPoints", "contact-points/?contactGroupId=" + family, "Dagtilbud"},
		{"contactPoints", at + "/contact-points/?visibility=CITIZEN&size=2&page=1", "Dagtilbud"},

		{"contactGroups", at + "/contact-groups/", "Bolig og byggeri, Familie"},
		{"contactGroups", "contact-groups/?visibility=COMPANY", "Bolig og byggeri"},
		{"contactGroups", "contact-groups/?isRoot=true&searchTerm=fam", "Familie"},
	} {
		if got := contacts(me, x.path, x.list); got != x.want {
			t.Errorf("%s: %s, want %s", x.path, got, x.want)
		}
	}

	for _, bad := range []string{
		"contact-points/?x=1", "contact-points/?visibility=DOG", "contact-points/?contactGroupId=1",
		"contact-groups/?isRoot=maybe",
	} {
		me.Ask(400, "GET", "/apis/v1/"+bad, "")
	}
	w.Nobody().Ask(401, "GET", "/apis/v1/organisations/", "")
	me.Ask(404, "GET", "/apis/v1/organisations/"+servertest.NewUUID()+"/contact-points/", "")
	me.Ask(200, "GET", "/apis/v1/"+at+"/", "")
	me.Ask(200, "GET", "/apis/v1/"+at+"/contact-groups/"+family, "")
	me.Want(200, "børnehave", "GET", "/apis/v1/"+at+"/contact-points/"+w.Point("Dagtilbud").Text("id"), "")
}
