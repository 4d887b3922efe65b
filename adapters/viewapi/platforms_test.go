package viewapi_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// types gives what a platform is told of the first person's mailbox, from the first event on, without what the log
// calls its stream. That somebody new signs in there says that all is told.
func types(t *testing.T, w *servertest.World, platform string) (out []string) {
	t.Helper()
	cpr := fmt.Sprintf("67030%d", 10000+markers.Add(1))
	box := w.Nobody().Ask(201, "POST", "/dev/people", `{"cpr":"`+cpr+`","name":"Til Prøve"}`).Text("mailbox")
	w.Person(cpr, platform).Ask(200, "GET", "/apis/v1/mailboxes/"+box+"/messages/", "")

	feed := follow(t, w.PlatformServer(platform), "changes", "0")
	for {
		e := feed.next()
		name := e.Type[strings.LastIndex(e.Type, ".")+1:]
		switch {
		case e.Data.MailboxID == box && name == "mailbox-visible":
			return out
		case e.Data.MailboxID == w.People[0].Mailbox:
			out = append(out, name)
		}
	}
}

// markers counts those who sign in for types.
var markers atomic.Int32

// With the consent ends what a platform is told of public post, of folders among it; it is told that it ends.
func TestPlatformIsToldNothingWithoutConsent(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "eboks"), w.Box(0)
	me.See()
	me.Want(201, "", "POST", box+"/folders/", `{"name":"Hemmelig mappe"}`)
	w.Send("Før")
	before := types(t, w, "eboks")
	for _, want := range []string{"mailbox-visible", "folder-created", "message-delivered"} {
		if !slices.Contains(before, want) {
			t.Errorf("with consent e-Boks is told of %v, not of %s", before, want)
		}
	}

	me.Want(200, "", "PUT", box+"/platform-consents/eboks", `{"given":false}`)
	w.Send("Efter")
	w.User(0, "app").Want(201, "", "POST", box+"/folders/", `{"name":"Anden mappe"}`)
	after := types(t, w, "eboks")
	if !slices.Contains(after, "mailbox-hidden") {
		t.Errorf("e-Boks is not told that consent was withdrawn: %v", after)
	}
	for _, hidden := range []string{"folder-created", "message-delivered"} {
		if slices.Contains(after, hidden) {
			t.Errorf("without consent e-Boks is told of %s: %v", hidden, after)
		}
	}

	if body := me.Body("GET", box+"/folders/", ""); strings.Contains(body, "mappe") {
		t.Errorf("without consent e-Boks shows the folders %s", body)
	}
	if body := w.User(0, "mitdk").Body("GET", box+"/folders/", ""); !strings.Contains(body, "Hemmelig mappe") {
		t.Errorf("mit.dk shows the folders %s", body)
	}
	own := follow(t, me, "mailboxes/"+w.People[0].Mailbox+"/changes", "0")
	for _, e := range own.past() {
		if strings.Contains(e.Type, "folder-") {
			t.Errorf("without consent the owner is told through e-Boks of %s", e.Type)
		}
	}
}

// Where a delegate alone reads a mailbox on a platform, the platform is told as long as the access is in force; again,
// once there is another.
func TestPlatformIsToldAsLongAsADelegateReads(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	owner, helper := w.User(0, "app"), w.User(1, "mitdk")
	owner.See()
	if told := types(t, w, "mitdk"); len(told) > 0 {
		t.Errorf("mit.dk is told of a mailbox that nobody opened there: %v", told)
	}

	grant := owner.Grant(0, 1, "READ")
	helper.Ask(200, "GET", w.Messages(0), "")
	w.Send("Før")
	told := types(t, w, "mitdk")
	if !slices.Contains(told, "mailbox-visible") || !slices.Contains(told, "message-delivered") {
		t.Errorf("mit.dk, where a delegate reads, is told of %v", told)
	}

	owner.Ask(204, "DELETE", w.Box(0)+"/accesses/"+grant.ID, "")
	w.Send("Efter")
	told = types(t, w, "mitdk")
	if slices.Contains(told, "message-delivered") || !slices.Contains(told, "mailbox-hidden") {
		t.Errorf("mit.dk, where the only delegate's access was revoked, is told of %v", told)
	}

	owner.Grant(0, 1, "READ_WRITE")
	told = types(t, w, "mitdk")
	if !slices.Contains(told, "mailbox-visible") || !slices.Contains(told, "message-delivered") {
		t.Errorf("mit.dk, where the delegate has access again, is told of %v", told)
	}
}
