package viewapi_test

import (
	"fmt"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// On each platform an owner registers for NemSMS with its terms, changes the number, and opts out; what one platform
// does, all show.
func TestNemSMSOnEachPlatform(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	path := "/apis/v1/contacts/" + w.People[0].Mailbox
	other := w.User(0, "borgerdk")
	for i, platform := range []string{"lifeindenmark", "app", "eboks", "mitdk"} {
		c, number := w.User(0, platform), fmt.Sprintf("2030405%d", i)
		x := c.Ask(200, "GET", path, "")
		if x["nemSmsSubscription"] != nil {
			t.Fatalf("on %s, before: %v", platform, x)
		}
		own := "/apis/v1/contacts/" + x.Text("id")
		c.Refuse(422, "nemsms.terms.not.accepted", "PUT", own,
			fmt.Sprintf(`{"nemSmsSubscription":{"mobileNumber":%q}}`, number))
		x = c.Ask(200, "PUT", own, fmt.Sprintf(`{"nemSmsSubscription":{"mobileNumber":"+45 %s","termsVersion":%q}}`,
			number, x.Text("nemSmsTermsVersion")))
		id := x.Text("nemSmsSubscription", "id")
		verification := path + "/verifications/" + id
		first := w.Code("+45"+number, 1)
		c.Ask(200, "PUT", verification, `{"renewPin":true}`)
		if again := w.Code("+45"+number, 2); again != first {
			c.Refuse(422, "contact.code.wrong", "PUT", verification, fmt.Sprintf(`{"pin":%q}`, first))
		}
		c.Ask(200, "PUT", verification, fmt.Sprintf(`{"pin":%q}`, w.Code("+45"+number, 2)))
		shown := other.Ask(200, "GET", path, "")
		if shown.Text("nemSmsSubscription", "mobileNumber") != number ||
			shown.At("nemSmsSubscription", "confirmedDateTime") == nil {
			t.Errorf("registered on %s, borger.dk shows %v", platform, shown)
		}
		c.Ask(200, "PUT", path, `{"nemSmsSubscription":null}`)
	}
}
