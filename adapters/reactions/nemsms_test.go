package reactions_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/reactions"
	"digitalpost/adapters/server/servertest"
)

// textTo sends a NemSMS to a person of the world, and gives its technical receipt's transmission.
func textTo(t *testing.T, w *servertest.World, i int, text string) (uuid, transmission string) {
	t.Helper()
	return sendText(t, w, i, "", text)
}

// textOn is textTo, to the first person on a date.
func textOn(t *testing.T, w *servertest.World, date, text string) (uuid, transmission string) {
	t.Helper()
	return sendText(t, w, 0, date, text)
}

func sendText(t *testing.T, w *servertest.World, i int, date, text string) (uuid, transmission string) {
	t.Helper()
	uuid = servertest.NewUUID()
	xml := servertest.InHeader(w.Letter(uuid, "NemSMS", ""), "<memo:notification>"+text+"</memo:notification>")
	xml = strings.Replace(xml, w.People[0].CPR, w.People[i].CPR, 1)
	xml = strings.Replace(xml, "DIGITALPOST</memo:messageType>", "NEMSMS</memo:messageType>", 1)
	if date != "" {
		xml = servertest.Dated(xml, date)
	}
	before, rest, _ := strings.Cut(xml, "<memo:MessageBody>")
	_, after, _ := strings.Cut(rest, "</memo:MessageBody>")
	r, err := w.Sender.Post(uuid, strings.NewReader(before+after))
	if err != nil {
		t.Fatal(err)
	}

	return uuid, r.TransmissionID
}

// becomes waits for the final receipt of a transmission.
func becomes(t *testing.T, w *servertest.World, transmission, status, code string) {
	t.Helper()
	var r servertest.Receipt
	var err error
	servertest.Eventually(t, "there is a final receipt", func() bool {
		r, err = w.Sender.Final(transmission)
		return err == nil && r.ReceiptStatus != servertest.Waiting
	})
	if r.ReceiptStatus != status || r.ErrorCode != code {
		t.Errorf("the receipt is %s %s (%v), want %s %s", r.ReceiptStatus, r.ErrorCode, err, status, code)
	}
}

// registers registers somebody for NemSMS on a platform, at a number, and confirms it.
func registers(t *testing.T, w *servertest.World, i int, platform, number string) (*servertest.Client, string) {
	t.Helper()
	c, path := w.User(i, platform), "/apis/v1/contacts/"+w.People[i].Mailbox
	terms := c.Ask(200, "GET", path, "").Text("nemSmsTermsVersion")
	before := len(w.Left("+45" + number))
	x := c.Ask(200, "PUT", path, fmt.Sprintf(
		`{"nemSmsSubscription":{"mobileNumber":%q,"termsVersion":%q}}`, number, terms))
	c.Ask(200, "PUT", path+"/verifications/"+x.Text("nemSmsSubscription", "id"),
		fmt.Sprintf(`{"pin":%q}`, w.Code("+45"+number, before+1)))

	return c, path
}

// Who is registered gets authorities' text messages, though exempt; others don't, and their senders are told. Who may
// be reached is told to authorities, at no number.
func TestNemSMS(t *testing.T) {
	w := servertest.Start(t)
	_, transmission := textTo(t, w, 0, "Husk din tid")
	becomes(t, w, transmission, "INVALID", "recipient.nemsms.not.registered")

	mette, path := registers(t, w, 0, "lifeindenmark", "20304050")
	w.Exempt(w.People[0].CPR)
	uuid, transmission := textTo(t, w, 0, "Husk din tid på Ærø")
	becomes(t, w, transmission, "COMPLETED", "")
	text := w.Leaves("+4520304050", 2)[1]
	if text.Text != "Husk din tid på Ærø" || text.ID == uuid || text.Subject != "nemsms" {
		t.Errorf("sent %+v", text)
	}
	contact := w.Sender.Body("GET", "/apis/v1/contacts/?cprNumber="+w.People[0].CPR, "")
	if !strings.Contains(contact, "nemSmsSubscription") || strings.Contains(contact, "20304050") {
		t.Errorf("the sender is told %s", contact)
	}

	mette.Refuse(409, "version.stale", "PUT", path, `{}`, "If-Match", "1")
	mette.Ask(200, "PUT", path, `{"nemSmsSubscription":null}`)
	_, transmission = textTo(t, w, 0, "For sent")
	becomes(t, w, transmission, "INVALID", "recipient.nemsms.not.registered")
	if last := w.Leaves("+4520304050", 3)[2]; !strings.Contains(last.Text, "no NemSMS any more") {
		t.Errorf("opted out: %q", last.Text)
	}
	if all := mette.Body("GET", w.Messages(0), ""); strings.Contains(all, "NemSMS") {
		t.Errorf("a text message lies in the mailbox: %s", all)
	}

	for body, code := range map[string]string{
		`{"nemSmsSubscription":{"mobileNumber":"20304050","termsVersion":"2010-01"}}`: "nemsms.terms.not.accepted",
		`{"nemSmsSubscription":{"sharesMobileNumber":true,"termsVersion":"2026-01"}}`: "nemsms.number.missing",
	} {
		mette.Refuse(422, code, "PUT", path, body)
	}
	mette.Refuse(400, "contact.not.allowed", "PUT", path, `{"nemSmsSubscription":{"mobileNumber":"123"}}`)
}

// An opt-out beats what is queued, a new number is where it goes, and a recall takes it back, while the gateway does
// not answer.
func TestNemSMSUntilTheLastMoment(t *testing.T) {
	there := &gateway{}
	srv := httptest.NewServer(there)
	defer srv.Close()
	var out *reactions.Reactions
	w := servertest.StartWith(t, servertest.Config{
		Gateway: srv.URL, Reactions: func(r *reactions.Reactions, _ *backbone.Backbone) error {
			out = r
			return nil
		},
	})
	path := "/apis/v1/contacts/" + w.People[0].Mailbox
	mette := w.User(0, "app")
	confirm := func(number string) {
		x := mette.Ask(200, "PUT", path, fmt.Sprintf(
			`{"nemSmsSubscription":{"mobileNumber":%q,"termsVersion":"2026-01"}}`, number))
		servertest.Eventually(t, "a code leaves", func() bool { return len(there.took("+45"+number)) > 0 })
		mette.Ask(200, "PUT", path+"/verifications/"+x.Text("nemSmsSubscription", "id"),
			fmt.Sprintf(`{"pin":%q}`, servertest.CodeIn(there.took("+45" + number)[0].Body)))
	}
	confirm("20304050")
	_, dated := textOn(t, w, time.Now().AddDate(0, 0, 3).Format(time.DateOnly), "Om tre dage")
	there.answers("+4520304050", 503)

	_, moved := textTo(t, w, 0, "Flyttes")
	servertest.Eventually(t, "the gateway was asked", func() bool { return len(there.took("+4520304050")) > 1 })
	confirm("20304051")
	becomes(t, w, moved, "COMPLETED", "")
	if got := there.took("+4520304051"); len(got) != 2 || got[1].Body != "Flyttes" {
		t.Errorf("the new number got %+v", got)
	}

	there.answers("+4520304051", 503)
	uuid, recalled := textTo(t, w, 0, "Trækkes tilbage")
	mette.Code("GET", path, "")
	w.Sender.Ask(204, "DELETE", "/apis/v1/memos/"+uuid, "")
	becomes(t, w, recalled, "INVALID", "message.recalled")
	_, late := textTo(t, w, 0, "For sent")
	mette.Ask(200, "PUT", path, `{}`)
	becomes(t, w, late, "INVALID", "recipient.nemsms.not.registered")

	// What was queued before an opt-out is not for who registers again.
	confirm("20304052")
	all, err := out.List(false, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == "nemsms" {
			if _, err := out.Retry(e.ID()); err != nil {
				t.Fatal(err)
			}
		}
	}
	becomes(t, w, dated, "INVALID", "recipient.nemsms.not.registered")
	if got := there.took("+4520304052"); len(got) != 1 {
		t.Errorf("the number of the second registration got %+v", got[1:])
	}
}

// At the counter a citizen is registered by an officer, who does not see where else they are told.
func TestNemSMSAtTheCounter(t *testing.T) {
	w := servertest.Start(t)
	w.Reads(0, 0, "app").ToldAt("mette@example.org", "20304050")
	officer, path := w.Officer(), "/apis/v1/contacts/"+w.People[0].Mailbox
	x := officer.Ask(200, "PUT", path, `{"nemSmsSubscription":{"sharesMobileNumber":true,"termsVersion":"2026-01"}}`)
	if x.Text("nemSmsSubscription", "confirmedDateTime") == "" {
		t.Errorf("registered: %v", x)
	}
	_, transmission := textTo(t, w, 0, "Hej")
	becomes(t, w, transmission, "COMPLETED", "")

	officer.Code("GET", w.Box(0)+"/accesses/", "")
	w.User(1, "app").Refuse(404, "not.found", "GET", path, "")
	w.User(1, "app").Refuse(404, "not.found", "PUT", path, `{}`)
}

// What is dated goes out when the clock is moved past its date, and not a minute later.
func TestATextFollowsTheClock(t *testing.T) {
	w := servertest.Start(t)
	registers(t, w, 0, "app", "20304050")
	_, transmission := textOn(t, w, time.Now().AddDate(0, 0, 3).Format(time.DateOnly), "Husk din tid")
	noon := time.Now().AddDate(0, 0, 4).Format(time.DateOnly) + "T12:00:00Z"
	w.Nobody().Ask(200, "POST", "/dev/clock", fmt.Sprintf(`{"to":%q}`, noon))
	w.Sender = w.System(0)
	becomes(t, w, transmission, "COMPLETED", "")
}
