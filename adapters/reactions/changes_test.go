package reactions_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// told gives what has been posted to a webhook of the outbox's, the oldest first, without challenges.
func told(t *testing.T, w *servertest.World, name string) (out []servertest.Thing) {
	t.Helper()
	for _, x := range w.Left(name) {
		var one servertest.Thing
		if err := json.Unmarshal([]byte(x.Text), &one); err != nil {
			t.Fatal(err)
		}
		if one["challenge"] == nil {
			out = append(out, one)
		}
	}

	return out
}

// An authority's system that subscribes to it is told whom its post reaches, and whom people may write to: by ids, and
// no number; a company's is not.
func TestChangesOfReachAreTold(t *testing.T) {
	w := servertest.Start(t)
	const contacts, organisations = "/apis/v1/contacts/subscriptions/", "/apis/v1/organisations/subscriptions/"
	body := func(name, more string) string {
		return fmt.Sprintf(`{"notificationUrl":%q,%s}`, w.Outbox.Webhook(name), more)
	}
	all := w.Sender.Ask(200, "POST", contacts, body("all", `"subscriptionOperations":["ALL_CITIZENS"]`))
	id := w.Sender.Ask(200, "GET", "/apis/v1/contacts/?cprNumber="+w.People[1].CPR, "").Text("contacts", 0, "id")
	w.Sender.Ask(200, "POST", contacts, body("one", fmt.Sprintf(`"singleContactSubscriptions":[%q]`, id)))
	w.Sender.Ask(200, "POST", contacts, body("new", `"subscriptionOperations":["NEW_COMPANIES"]`))
	org := w.Sender.Ask(201, "POST", organisations, body("org", `"subscriptionOperations":["ALL_ORGANISATIONS"]`))

	w.Exempt(w.People[0].CPR)
	registers(t, w, 1, "app", "20304050")
	servertest.Eventually(t, "all is told", func() bool {
		return len(told(t, w, "all")) >= 3 && len(told(t, w, "one")) >= 1
	})
	exempt := slices.ContainsFunc(told(t, w, "all"), func(x servertest.Thing) bool {
		return x.Text("type") == "dk.digitalpost.contact-changed" &&
			x.Text("contact", "mailboxSubscription", "publicRegistrationStatus") == "EXEMPT"
	})
	if !exempt {
		t.Errorf("told %v, want that one is exempt", told(t, w, "all"))
	}
	servertest.Eventually(t, "that NemSMS reaches one is told", func() bool {
		one := told(t, w, "one")
		return one[len(one)-1].At("contact", "nemSmsSubscription") != nil
	})
	for _, x := range w.Outbox.Items() {
		for _, p := range w.People {
			if x.Kind == "webhook" && strings.Contains(x.Text, p.CPR) {
				t.Errorf("a number is told: %s", x.Text)
			}
		}
	}
	for _, x := range told(t, w, "one") {
		if x.Text("contact", "id") != id {
			t.Errorf("of one contact it is told %v", x)
		}
	}
	if got := told(t, w, "new"); len(got) > 0 {
		t.Errorf("of new companies it is told %v", got)
	}

	path := contacts + all.Text("id")
	w.Sender.Refuse(409, "version.stale", "DELETE", path, "", "If-Match", "7")
	w.System(1).Refuse(404, "not.found", "DELETE", path, "")
	w.Sender.Ask(200, "PUT", path, body("all", `"subscriptionOperations":["NEW_CITIZENS"]`), "If-Match", "1")
	w.Sender.Ask(204, "DELETE", path, "")
	w.Sender.Ask(204, "DELETE", organisations+org.Text("id"), "")
	w.Sender.Refuse(422, "subscription.not.allowed", "POST", contacts, body("x", `"subscriptionOperations":["ALL"]`))
	w.Sender.Refuse(400, "url.not.verified", "POST", contacts,
		`{"notificationUrl":"http://127.0.0.1:1/","subscriptionOperations":["ALL_CITIZENS"]}`)
	for i, s := range w.SenderSystems {
		if s.Type == "COMPANY" {
			w.System(i).Ask(403, "POST", contacts, body("x", `"subscriptionOperations":["ALL_CITIZENS"]`))
			break
		}
	}
}
