package reactions_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/development"
	"digitalpost/adapters/reactions"
	"digitalpost/adapters/server/servertest"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
)

// ended gives how telling people ended, by the log.
func ended(t *testing.T, w *servertest.World) (out []mailbox.NotificationEnded) {
	t.Helper()
	for _, rec := range w.Records() {
		if rec.Type != (mailbox.NotificationEnded{}).EventType() {
			continue
		}

		e, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.(mailbox.NotificationEnded))
	}

	return out
}

// A contact detail that is confirmed is told of new post, in its platform's language, with nothing of the post; one
// that is not is told nothing.
func TestPeopleAreToldOfNewPost(t *testing.T) {
	w := servertest.Start(t)
	mette := w.Reads(0, 0, "lifeindenmark")
	mette.Ask(200, "PUT", mette.Access, `{"emailNotificationSubscriptions":[{"email":"never@example.org"}]}`)
	w.Send("Uset")
	x := mette.ToldAt("mette@example.org", "20304050")
	if x.Text("smsNotificationSubscription", "mobileNumber") != "20304050" {
		t.Errorf("the access says %v", x)
	}

	w.Send("Hemmelig overskrift")
	mail := w.Leaves("mette@example.org", 2)[1]
	text := w.Leaves("+4520304050", 2)[1]
	for _, one := range []development.OutboxItem{mail, text} {
		all := one.Subject + one.Text
		if !strings.Contains(all, "You have new Digital Post") || !strings.Contains(all, "lifeindenmark.dk") {
			t.Errorf("%s says %q", one.Kind, all)
		}
		for _, word := range []string{"Hemmelig", w.People[0].CPR, "Mette"} {
			if strings.Contains(all, word) {
				t.Errorf("%s has words of the post, or of who they are: %q", one.Kind, all)
			}
		}
	}

	if got := w.Left("never@example.org"); len(got) != 1 {
		t.Errorf("what was never confirmed got %+v, want its code alone", got)
	}

	servertest.Eventually(t, "the log says so", func() bool { return len(ended(t, w)) == 2 })
	for _, e := range ended(t, w) {
		if e.Outcome != mailbox.NoticeSent || e.Notice.Messages != 1 {
			t.Errorf("the log says %+v", e)
		}
	}
}

// A burst is told of once, and what was read before is not; a restart doubles nothing.
func TestABurstIsOneNotice(t *testing.T) {
	w := servertest.StartWith(t, servertest.Config{Hold: 2 * time.Second})
	mette := w.Reads(0, 0, "app")
	mette.ToldAt("mette@example.org", "")

	const n = 7
	for i := range n {
		w.Send(fmt.Sprintf("Brev %d", i))
	}
	box, m := mette.Find("Brev 3")
	mette.Ask(200, "PATCH", "/apis/v1/mailboxes/"+box+"/messages/"+m.ID, `{"read":true}`)
	w.Stop()
	w.Start()

	mail := w.Leaves("mette@example.org", 2)[1]
	if !strings.Contains(mail.Text, fmt.Sprintf("%d nye meddelelser", n-1)) {
		t.Errorf("told %q, want %d in one", mail.Text, n-1)
	}

	// What is read before it is told of is not told of.
	mette = w.Reads(0, 0, "app")
	w.Send("Straks læst")
	box, m = mette.Find("Straks læst")
	mette.Ask(200, "PATCH", "/apis/v1/mailboxes/"+box+"/messages/"+m.ID, `{"read":true}`)
	servertest.Eventually(t, "it is noted that nothing is to be told", func() bool {
		all := ended(t, w)
		return len(all) == 2 && all[1].Outcome == mailbox.NoticeNot
	})
	if got := w.Left("mette@example.org"); len(got) != 2 || got[1].Times != 1 {
		t.Errorf("%d mails, the last %d times, want 2 and once", len(got), got[len(got)-1].Times)
	}
}

// Codes end after five tries, and contact details that are taken away are told so.
func TestCodesAndChanges(t *testing.T) {
	w := servertest.Start(t)
	mette := w.Reads(0, 0, "app")
	id := mette.Ask(200, "PUT", mette.Access, `{"smsNotificationSubscription":{"mobileNumber":"+45 20 30 40 50"}}`).
		Text("smsNotificationSubscription", "id")
	code := w.Code("+4520304050", 1)
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}

	for range 5 {
		mette.Refuse(422, "contact.code.wrong", "PUT", mette.Verification(id), fmt.Sprintf(`{"pin":%q}`, wrong))
	}
	mette.Refuse(422, "contact.code.spent", "PUT", mette.Verification(id), fmt.Sprintf(`{"pin":%q}`, code))
	mette.Ask(200, "PUT", mette.Verification(id), `{"renewPin":true}`)
	mette.Refuse(422, "contact.code.wrong", "PUT", mette.Verification(id), fmt.Sprintf(`{"pin":%q}`, wrong))
	again := w.Code("+4520304050", 2)
	x := mette.Ask(200, "PUT", mette.Verification(id), fmt.Sprintf(`{"pin":%q}`, again))
	if x.Text("smsNotificationSubscription", "confirmationTime") == "" {
		t.Errorf("confirmed: %v", x)
	}

	version := int(x["version"].(float64))
	mette.Refuse(409, "version.stale", "PUT", mette.Access, `{}`, "If-Match", fmt.Sprint(version-1))
	mette.Ask(200, "PUT", mette.Access, `{}`, "If-Match", fmt.Sprint(version))
	if last := w.Leaves("+4520304050", 3)[2]; !strings.Contains(last.Text, "ikke længere besked") {
		t.Errorf("the old number is told %q", last.Text)
	}

	for body, code := range map[string]string{
		`{"smsNotificationSubscription":{"mobileNumber":"12345678"}}`:     "contact.not.allowed",
		`{"emailNotificationSubscriptions":[{"email":"a@b\r\nTo: c@d"}]}`: "contact.not.allowed",
		`{"reminderAfterDays":0}`:                                            "field.not.valid",
		`{"optedOutOfNotificationsDateTime":"banana"}`:                       "field.not.valid",
		`{"emailNotificationSubscriptions":[{"email":".a..b@example.org"}]}`: "contact.not.allowed",
		`{"nonsense":1}`: "field.not.allowed",
	} {
		mette.Refuse(400, code, "PUT", mette.Access, body)
	}
}

// A delegate is told at their own contact details, which end with the access; nobody sees another's.
func TestDelegatesAreTold(t *testing.T) {
	w := servertest.Start(t)
	w.User(0, "app").Grant(0, 1, "READ")
	soren := w.Reads(1, 0, "app")
	soren.ToldAt("soeren@example.org", "")
	w.Send("Til Mette")
	mail := w.Leaves("soeren@example.org", 2)[1]
	if !strings.Contains(mail.Text, "som du har adgang til") {
		t.Errorf("told %q", mail.Text)
	}

	mette := w.User(0, "app")
	if x := mette.Ask(200, "GET", soren.Access, ""); x["emailNotificationSubscriptions"] != nil {
		t.Errorf("the owner sees %v", x)
	}

	mette.Ask(204, "DELETE", soren.Access, "")
	w.Leaves("soeren@example.org", 3)
	owner := w.Reads(0, 0, "app")
	owner.ToldAt("mette@example.org", "")
	w.Send("Efter")
	w.Leaves("mette@example.org", 2) // by the same lane, or planned with it
	soren.Refuse(404, "not.found", "PUT", soren.Access, `{}`)
	if got := w.Left("soeren@example.org"); len(got) != 3 {
		t.Errorf("after the access ended: %+v", got[3:])
	}
}

// Who does not want to be told, is exempt, or can't be told what is not theirs to see, is told nothing; and a reminder
// comes once, of what is unread, for who has asked for it.
func TestWhoIsToldWhat(t *testing.T) {
	var out *reactions.Reactions
	w := servertest.StartWith(t, servertest.Config{Reactions: func(r *reactions.Reactions, _ *backbone.Backbone) error {
		out = r
		return nil
	}})
	mette := w.Reads(0, 0, "app")
	mette.ToldAt("mette@example.org", "", `"reminderAfterDays":3`)
	if x := mette.Ask(200, "GET", mette.Access, ""); x["reminderAfterDays"] != 3.0 {
		t.Errorf("the access says %v", x)
	}
	w.Send("Ulæst")
	w.Leaves("mette@example.org", 2)
	var due []reactions.Effect
	var err error
	servertest.Eventually(t, "the reminder alone waits", func() bool {
		due, err = out.List(false, 10)
		return len(due) == 1
	})
	if err != nil || len(due) != 1 || due[0].Kind != "reminder" || time.Until(due[0].Next) < 71*time.Hour {
		t.Fatalf("waiting: %+v, %v", due, err)
	}
	if _, err := out.Retry(due[0].ID()); err != nil {
		t.Fatal(err)
	}
	const reminded = "Påmindelse: Du har fået ny post"
	if mail := w.Leaves("mette@example.org", 3)[2]; !strings.HasPrefix(mail.Text, reminded) {
		t.Errorf("reminded: %q", mail.Text)
	}

	mette.ToldAt("mette@example.org", "", `"optedOutOfNotificationsDateTime":"2026-01-01T00:00:00Z"`)
	w.Send("Vil ikke vide det")
	mette.ToldAt("mette@example.org", "")
	w.Send("Igen")
	if mail := w.Leaves("mette@example.org", 4)[3]; !strings.HasPrefix(mail.Text, "Du har fået ny post") {
		t.Errorf("told again: %q, want of what has come since alone", mail.Text)
	}

	// Private post is told of where it is shown: at contact details that were given there.
	for i, s := range w.SenderSystems {
		if s.Platform != "" {
			w.SendAs(i, w.People[0].CPR, "Privat", nil)
		}
	}
	w.Send("Offentlig")
	if mail := w.Leaves("mette@example.org", 5)[4]; !strings.HasPrefix(mail.Text, "Du har fået ny post") {
		t.Errorf("told %q, want of public post alone", mail.Text)
	}
	servertest.Eventually(t, "all but reminders has happened", func() bool {
		all, err := out.List(false, 100)
		return err == nil && !slices.ContainsFunc(all, func(e reactions.Effect) bool { return e.Kind != "reminder" })
	})
	if got := w.Left("mette@example.org"); len(got) != 5 {
		t.Errorf("told %d times, want 5: %+v", len(got), got)
	}
}

// What an exempt person gets all the same is not told of: their private post.
func TestTheExemptAreNotTold(t *testing.T) {
	var out *reactions.Reactions
	w := servertest.StartWith(t, servertest.Config{
		Hold: time.Hour, Reactions: func(r *reactions.Reactions, _ *backbone.Backbone) error {
			out = r
			return nil
		},
	})
	mette := w.Reads(0, 0, "eboks")
	mette.ToldAt("mette@example.org", "")
	w.Send("Lige før")
	var all []reactions.Effect
	servertest.Eventually(t, "a notice waits", func() bool {
		all, _ = out.List(false, 10)
		return len(all) == 1
	})
	w.Exempt(w.People[0].CPR)
	if _, err := out.Retry(all[0].ID()); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "it is noted that nothing is to be told", func() bool {
		all := ended(t, w)
		return len(all) == 1 && all[0].Outcome == mailbox.NoticeNot
	})
	if got := w.Left("mette@example.org"); len(got) != 1 {
		t.Errorf("told %+v", got[1:])
	}
}

// The sender's words are told where a message is the only one, unless they have what may be a CPR number.
func TestSendersWords(t *testing.T) {
	w := servertest.Start(t)
	mette := w.Reads(0, 0, "app")
	mette.ToldAt("mette@example.org", "")
	words := func(n string) func(string) string {
		return func(xml string) string {
			const behind = "</memo:label>"
			return strings.Replace(xml, behind, behind+"<memo:notification>"+n+"</memo:notification>", 1)
		}
	}
	if r := w.SendAs(0, w.People[0].CPR, "Tid", words("Du har en tid hos os")); r.ReceiptStatus != "COMPLETED" {
		t.Fatalf("the letter: %+v", r)
	}
	if mail := w.Leaves("mette@example.org", 2)[1]; !strings.HasPrefix(mail.Text, "Du har en tid hos os. Log på") {
		t.Errorf("told %q", mail.Text)
	}
	for i, number := range []string{
		"670190-1234", "6701901234", "670190–1234", "67 01 90 12 34", "670190 / 1234", "67.01.90-1234",
		strings.Repeat("x", 145) + " 6701901234",
	} {
		w.SendAs(0, w.People[0].CPR, "Nummer", words("Om "+number))
		if mail := w.Leaves("mette@example.org", 3+i)[2+i]; strings.Contains(mail.Text, "Om ") {
			t.Errorf("told %q", mail.Text)
		}
	}
	w.SendAs(0, w.People[0].CPR, "Tid", words("Ring på 70 10 20 30 inden d. 4/5"))
	if mail := w.Leaves("mette@example.org", 10)[9]; !strings.HasPrefix(mail.Text, "Ring på 70 10 20 30 inden") {
		t.Errorf("told %q", mail.Text)
	}
}

// Two lanes tell one person: of new post, and a reminder. Each ends its own, and neither sends the other's.
func TestAReminderIsNoNotice(t *testing.T) {
	var out *reactions.Reactions
	w := servertest.StartWith(t, servertest.Config{
		Hold: time.Hour,
		Reactions: func(r *reactions.Reactions, _ *backbone.Backbone) error {
			out = r
			return nil
		},
	})
	mette := w.Reads(0, 0, "app")
	mette.ToldAt("mette@example.org", "", `"reminderAfterDays":1`)
	w.Send("Ulæst")
	var all []reactions.Effect
	servertest.Eventually(t, "both wait", func() bool {
		all, _ = out.List(false, 10)
		return len(all) == 2
	})
	for _, kind := range []string{"reminder", "notification"} {
		for _, e := range all {
			if e.Kind == kind {
				if _, err := out.Retry(e.ID()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	w.Leaves("mette@example.org", 3)
	servertest.Eventually(t, "both have ended", func() bool { return len(ended(t, w)) == 2 })
	reminders := 0
	for _, e := range ended(t, w) {
		if e.Outcome != mailbox.NoticeSent {
			t.Errorf("the log says %+v", e)
		}
		if e.Notice.Reminder {
			reminders++
		}
	}
	if got := w.Left("mette@example.org"); len(got) != 3 || got[1].ID == got[2].ID || reminders != 1 {
		t.Errorf("left %+v; %d reminders, want one", got, reminders)
	}
}
