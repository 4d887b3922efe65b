package viewapi_test

import (
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// What is stale is refused wherever a version is given; where there is no one version the header is.
func TestStaleEverywhere(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	owner, helper := w.User(0, "app"), w.User(1, "app")
	box := w.Box(0)
	asked := helper.Access("POST", "access-requests/", request(w.People[0].CPR, "Mette", "Made-Up Hansen"))
	owner.Refuse(409, "version.stale", "PUT", "/apis/v1/access-requests/"+asked.ID, approved, "If-Match", "99")
	owner.Ask(200, "PUT", "/apis/v1/access-requests/"+asked.ID, approved, "If-Match", "1")
	owner.Refuse(409, "version.stale", "DELETE", box+"/accesses/"+asked.ID, "", "If-Match", "1")
	helper.Refuse(409, "version.stale", "DELETE", "/apis/v1/privileges/direct/"+asked.ID, "", "If-Match", "99")
	owner.Ask(204, "DELETE", box+"/accesses/"+asked.ID, "", "If-Match", "2")
	w.Send("Brev")
	_, m := owner.Find("Brev")
	for _, h := range []string{"If-Match", "Idempotency-Key"} {
		body := `{"messages":[{"id":"` + m.ID + `","flag":true}]}`
		owner.Refuse(400, "header.not.valid", "PATCH", box+"/messages/", body, h, "1")
	}
}

// What an owner decides for themselves is not a delegate's, and who looks at who has access is seen.
func TestSettingsAreTheOwners(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	owner, helper := w.User(0, "eboks"), w.User(1, "eboks")
	box := w.Box(0)
	owner.Grant(0, 1, "READ_WRITE")
	w.Exempt(w.People[0].CPR)
	for _, x := range []struct{ method, path, body string }{
		{"POST", "/exemption/cancel", `{"email":"a@example.org"}`},
		{"PUT", "/platform-consents/eboks", `{"given":false}`},
		{"PUT", "/language", `{"language":"en"}`},
	} {
		helper.Refuse(403, "access.limited", x.method, box+x.path, x.body)
	}
	auditor := w.Person(w.Companies[0].CVR, "virkdk", "AUDITOR")
	auditor.Ask(200, "GET", box+"/accesses/", "")
	seen := owner.Body("GET", box+"/looks/", "")
	if !strings.Contains(seen, "INSPECTED") || !strings.Contains(seen, "auditor") {
		t.Errorf("an auditor's look is not told: %s", seen)
	}
	officer := w.Person(w.Companies[0].CVR, "virkdk", business)
	for criterion, status := range map[string]int{"LIMITED_DANISH": 422, "LEFT_DENMARK": 422, "NO_BROADBAND": 201} {
		officer.Ask(status, "POST", "/apis/v1/exemptions/", fmt.Sprintf(`{"cvrNumber":%q,"criteria":[%q],%s}`,
			w.Companies[1].CVR, criterion, servertest.AtTheCounter))
	}
}

// Each platform has its languages; the choice is the platform's own, and messages stay as they are.
func TestLanguages(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Send("Påmindelse")
	path := w.Box(0) + "/language"
	are := func(want map[string]string) {
		t.Helper()
		for p, language := range want {
			if x := w.User(0, p).Ask(200, "GET", path, ""); x.Text("language") != language {
				t.Errorf("%s is in %s, want %s", p, x.Text("language"), language)
			}
		}
	}
	are(map[string]string{"lifeindenmark": "en", "app": "da", "eboks": "da", "mitdk": "da", "borgerdk": "da"})
	app, eboks := w.User(0, "app"), w.User(0, "eboks")
	app.Ask(200, "PUT", path, `{"language":"en"}`)
	w.User(0, "borgerdk").Refuse(422, "language.not.offered", "PUT", path, `{"language":"en"}`)
	app.Refuse(422, "language.not.offered", "PUT", path, `{"language":"kl"}`)
	eboks.Refuse(422, "language.follows.device", "PUT", path, `{"language":"en","device":"APP"}`)
	eboks.Ask(200, "PUT", path, `{"language":"en","device":"DESKTOP"}`)
	eboks.Ask(200, "PUT", path, `{"language":"da"}`)
	w.User(1, "app").Ask(404, "PUT", path, `{"language":"da"}`)
	w.Stop()
	w.Start()
	are(map[string]string{"app": "en", "eboks": "da", "mitdk": "da"})
	w.User(0, "app").Find("Påmindelse")
}

// The words of an interface, and what the platforms are, are for everybody to ask.
func TestInterfaceTexts(t *testing.T) {
	t.Parallel()
	none := servertest.Start(t).Nobody()
	for language, inbox := range map[string]string{
		"": "Indbakke", "?language=da": "Indbakke", "?language=en": "Inbox",
	} {
		x := none.Ask(200, "GET", "/apis/v1/interface-texts/"+language, "")
		if x.Text("texts", "folder.INBOX") != inbox || x.At("texts", "error.version.stale") == nil {
			t.Errorf("interface-texts%s: INBOX is %s, want %s", language, x.Text("texts", "folder.INBOX"), inbox)
		}
	}
	none.Ask(400, "GET", "/apis/v1/interface-texts/?language=kl", "")
	shown := fmt.Sprint(none.Ask(200, "GET", "/apis/v1/platforms/", ""))
	for _, p := range []string{"lifeindenmark", "app", "eboks", "mitdk", "borgerdk", "virkdk"} {
		if !strings.Contains(shown, "id:"+p) {
			t.Errorf("platforms/ does not show %s: %s", p, shown)
		}
	}
}
