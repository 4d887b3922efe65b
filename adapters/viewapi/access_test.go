package viewapi_test

import (
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// grant is the body that grants a right to the owner of a mailbox. more are fields beside it, each after a comma.
func grant(mailbox, right string, more ...string) string {
	return fmt.Sprintf(`{"identityId":%q,"privileges":[%q]%s}`, mailbox, right, strings.Join(more, ""))
}

// request is the body that asks for access to the mailbox of one whose number and names the asker knows.
func request(number, first, last string) string {
	return fmt.Sprintf(`{"requestType":"PRIVILEGE_REQUEST","privileges":["READ"],"privilegeEndDate":"2099-12-31",
		"accessTo":{"externalId":%q,"externalIdType":"CPR","firstNameProvided":%q,"lastNameProvided":%q}}`,
		number, first, last)
}

const approved = `{"requestState":"APPROVED"}`

// A delegation is one person's access to another's mailbox, on its way from request to revocation.
type delegation struct {
	w                       *servertest.World
	owner, helper, stranger *servertest.Client
	id                      string // of the access
	box, letter             string // paths of the owner's mailbox, and of a message in it
}

func newDelegation(t *testing.T) *delegation {
	w := servertest.Start(t)
	w.Send("Brev til Mette")
	w.SendAs(2, w.People[0].CPR, "Police", nil)
	d := &delegation{
		w: w, owner: w.User(0, "eboks"), helper: w.User(1, "app"), stranger: w.User(2, "app"), box: w.Box(0),
	}
	_, m := d.owner.Find("Brev til Mette")
	d.letter = d.box + "/messages/" + m.ID
	return d
}

// Access is asked for, approved, used on another platform, seen by both sides, and revoked: from the very next request
// on it is gone.
func TestAccessForAnother(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.isAskedFor(t)
	d.isListed(t)
	d.opensTheLetterOnly(t)
	d.changesLittle(t)
	d.isSeen(t)
	d.isRevoked(t)
}

func (d *delegation) isAskedFor(t *testing.T) {
	d.helper.Want(403, "", "GET", d.box+"/messages/", "")
	ask := func(status int, number, first, last string) servertest.Thing {
		t.Helper()
		return d.helper.Ask(status, "POST", "/apis/v1/access-requests/", request(number, first, last))
	}
	wrongName := ask(422, d.w.People[0].CPR, "Mette", "Hansen")
	if nobody := ask(422, "6702901234", "Mette", "Made-Up Hansen"); fmt.Sprint(nobody) != fmt.Sprint(wrongName) {
		t.Errorf("an unknown number is told from a wrong name: %s and %s", nobody, wrongName)
	}
	asked := ask(201, d.w.People[0].CPR, "Mette", "Made-Up  Hansen")
	if asked.Text("requestState") != "SUBMITTED" {
		t.Fatalf("the request is %v", asked)
	}
	d.helper.Want(403, "", "GET", d.box+"/messages/", "")

	d.id = asked.Text("id")
	d.stranger.Want(404, "", "PUT", "/apis/v1/access-requests/"+d.id, approved)
	d.helper.Want(404, "", "PUT", "/apis/v1/access-requests/"+d.id, approved)
	if x := d.owner.Access("PUT", "access-requests/"+d.id, approved); x.RequestState != "APPROVED" {
		t.Fatalf("approved: %+v", x)
	}
}

func (d *delegation) isListed(t *testing.T) {
	status, _, body := d.helper.Status("GET", d.box+"/messages/", "")
	if status != 200 || !strings.Contains(body, "Brev til Mette") || strings.Contains(body, "Police") {
		t.Fatalf("the delegate's list: %d %s", status, body)
	}
	d.helper.Want(200, `"totalElements":2`, "GET", "/apis/v1/mailboxes/", "")
	d.owner.Want(200, "Søren Påfund Jensen", "GET", d.box+"/accesses/", "")
	d.helper.Want(200, "Mette Made-Up Hansen", "GET", d.box+"/accesses/", "")

	const grantee = "/apis/v1/privileges/direct/grantee/"
	d.helper.Want(200, `"READ"`, "GET", grantee+d.w.People[1].Mailbox, "")
	d.helper.Want(403, "", "GET", grantee+d.w.People[0].Mailbox, "")
}

func (d *delegation) opensTheLetterOnly(*testing.T) {
	_, m := d.owner.Find("Brev til Mette")
	_, private := d.owner.Find("Police")
	for _, platform := range []string{"eboks", "mitdk", "app", "lifeindenmark", "borgerdk"} {
		c := d.w.User(1, platform)
		c.Want(200, "Hej", "GET", d.letter+m.Content(), "")
		c.Want(404, "", "GET", d.box+"/messages/"+private.ID, "")
		c.Want(200, `"totalMessages":1`, "GET", d.box+"/folders/summary/", "")
	}
}

func (d *delegation) changesLittle(t *testing.T) {
	d.helper.Want(200, `"read":true`, "PATCH", d.letter, `{"read":true}`)
	made := d.helper.Access("POST", "mailboxes/"+d.w.People[0].Mailbox+"/folders/", `{"name":"Til Søren"}`)
	d.helper.Want(200, "", "PATCH", d.letter, fmt.Sprintf(`{"folderId":%q}`, made.ID))

	trash := d.owner.See().Folder("DELETED")
	owner, stranger := d.w.People[0].Mailbox, d.w.People[2].Mailbox
	privilege := fmt.Sprintf(`{"issuerId":%q,"scopeId":%q,"granteeId":%q,"type":"READ","source":"x"}`,
		owner, owner, stranger)
	for _, x := range []struct{ what, method, path, body string }{
		{"DELETE", "DELETE", d.letter, ""},
		{"PATCH to DELETED", "PATCH", d.letter, fmt.Sprintf(`{"folderId":%q}`, trash)},
		{"read and trash", "PATCH", d.letter, fmt.Sprintf(`{"read":false,"folderId":%q}`, trash)},
		{"delete a folder", "DELETE", d.box + "/folders/" + made.ID, ""},
		{"grant to another", "POST", d.box + "/accesses/", grant(stranger, "READ")},
		{"grant as a privilege", "POST", "/apis/v1/privileges/direct/", privilege},
	} {
		if got := d.helper.Code(x.method, x.path, x.body); got != 403 {
			t.Errorf("a read-only delegate may %s: %d, want 403", x.what, got)
		}
	}
	d.owner.Want(200, `"read":true`, "GET", d.letter, "")
}

func (d *delegation) isSeen(t *testing.T) {
	looks := d.owner.Body("GET", d.box+"/looks/", "")
	for _, want := range []string{
		"LISTED", "CONTENT_OPENED", "REFUSED", "Søren Påfund Jensen", `"delegate"`, d.id, "mitdk",
	} {
		if !strings.Contains(looks, want) {
			t.Errorf("who has seen it does not say %s: %s", want, looks)
		}
	}
	d.stranger.Want(403, "", "GET", d.box+"/looks/", "")
	if history := d.owner.Body("GET", d.letter, ""); strings.Contains(history, d.id) {
		t.Error("a message tells of grants")
	}
}

func (d *delegation) isRevoked(t *testing.T) {
	d.owner.Want(204, "", "DELETE", d.box+"/accesses/"+d.id, "")
	if status := d.helper.Code("GET", d.box+"/messages/", ""); status != 403 {
		t.Errorf("revoked: %d, want 403 from the next request on", status)
	}
	d.helper.Want(404, "", "GET", d.letter, "")
	d.helper.Want(404, "", "PATCH", d.letter, `{"read":false}`)
	d.owner.Want(200, `"REVOKED"`, "GET", d.box+"/accesses/", "")
	d.helper.Want(200, `"totalElements":1`, "GET", "/apis/v1/mailboxes/", "")
}

// Read and write access is granted of the owner's own accord, and given up; what can't be granted is refused.
func TestAccessOfTheOwnersOwnAccord(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	owner, helper := d.w.People[0].Mailbox, d.w.People[1].Mailbox
	given := d.owner.Access("POST", "mailboxes/"+owner+"/accesses/", grant(helper, "READ_WRITE"))
	d.helper.Want(204, "", "DELETE", d.letter, "")
	d.helper.Want(403, "access.limited", "DELETE", d.letter, "") // it lies in DELETED: that would be for good
	d.helper.Want(200, "", "POST", d.letter+"/restore", "")
	d.helper.Want(204, "", "DELETE", "/apis/v1/privileges/direct/"+given.ID, "")
	if status := d.helper.Code("GET", d.box+"/messages/", ""); status != 403 {
		t.Errorf("given up: %d, want 403", status)
	}

	for what, in := range map[string]string{
		"access.self":               grant(owner, "READ"),
		"access.grantee.no.mailbox": `{"cprNumber":"6702901234","privileges":["READ"]}`,
		"access.until.past":         grant(helper, "READ", `,"privilegeEndDate":"2020-01-01"`),
		"access.kind.not.allowed":   grant(helper, "DESIGNATED"),
	} {
		d.owner.Want(422, what, "POST", d.box+"/accesses/", in)
	}
	d.owner.Want(400, "privileges", "POST", d.box+"/accesses/", grant(helper, "ALL"))
}

// A command that was allowed when it was asked for is refused if access ends before it is appended: the rule looks
// again. Revocations and a delegate's changes race.
func TestRevocationRacesChanges(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Send("Brev")
	owner, helper := w.User(0, "app"), w.User(1, "eboks")
	box := "mailboxes/" + w.People[0].Mailbox
	_, m := owner.Find("Brev")
	path := "/apis/v1/" + box + "/messages/" + m.ID
	for round := range 20 {
		x := owner.Access("POST", box+"/accesses/", grant(w.People[1].Mailbox, "READ"))
		changes, done := make(chan bool, 30), make(chan string)
		go func() {
			var last string
			for i := range cap(changes) {
				status, h, _ := helper.Status("PATCH", path, fmt.Sprintf(`{"flag":%v}`, i%2 == 0))
				if status == 200 {
					last = h.Get("Log-Position")
				}
				changes <- true
			}
			done <- last
		}()

		for range round / 2 { // each round the revocation comes among later changes
			<-changes
		}
		_, h, _ := owner.Status("DELETE", "/apis/v1/"+box+"/accesses/"+x.ID, "")
		last := <-done
		var revoked, changed int
		fmt.Sscan(h.Get("Log-Position"), &revoked)
		if fmt.Sscan(last, &changed); revoked == 0 || changed > revoked {
			t.Fatalf("round %d: a change at %d, after access was revoked at %d", round, changed, revoked)
		}
	}
}
