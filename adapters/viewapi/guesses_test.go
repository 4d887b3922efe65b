package viewapi_test

import (
	"fmt"
	"strconv"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// Whoever tries names and numbers learns nothing from how they are refused, and is soon not listened to any more; what
// fits is not counted. Another is not held up. Each who fails is recorded.
func TestNumbersAreNotFoundOut(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, target := w.User(0, "app"), w.People[1]
	ask := func(cpr, name, more string) string {
		return fmt.Sprintf(`{"accessTo":{"externalId":%q,"firstNameProvided":%q,"lastNameProvided":""},
			"privileges":["READ"]%s}`, cpr, name, more)
	}
	path := "/apis/v1/access-requests/"

	// What is refused whatever the number is tells nothing of the number.
	past := `,"privilegeEndDate":"2020-01-01"`
	for _, body := range []string{ask(target.CPR, target.Name, past), ask("6701019999", "Nobody", past)} {
		me.Refuse(422, "access.until.past", "POST", path, body)
	}
	for _, body := range []string{
		fmt.Sprintf(`{"cprNumber":%q,"name":%q,"privileges":["READ"],"privilegeEndDate":"2020-01-01"}`,
			target.CPR, target.Name),
		`{"cprNumber":"6701019999","name":"Nobody","privileges":["READ"],"privilegeEndDate":"2020-01-01"}`,
	} {
		me.Refuse(422, "access.until.past", "POST", w.Box(0)+"/accesses/", body)
	}
	_, _, first := me.Status("POST", path, ask(target.CPR, "Another Name", ""))
	_, _, second := me.Status("POST", path, ask("6701019999", target.Name, ""))
	if first != second {
		t.Errorf("a wrong name: %s\na wrong number: %s", first, second)
	}

	refused, status := 2, 0
	for ; refused < 40; refused++ {
		code, h, _ := me.Status("POST", path, ask(fmt.Sprintf("67010199%02d", refused), "Nobody", ""))
		if status = code; status == 429 {
			if n, err := strconv.Atoi(h.Get("Retry-After")); err != nil || n < 1 || n > 3600 {
				t.Errorf("Retry-After is %q", h.Get("Retry-After"))
			}
			break
		}
	}
	if status != 429 || refused != 20 {
		t.Errorf("after %d failures: %d, want 429 after 20", refused, status)
	}
	me.Refuse(429, "lookups.too.many", "POST", w.Box(0)+"/accesses/",
		fmt.Sprintf(`{"cprNumber":%q,"name":%q,"privileges":["READ"]}`, target.CPR, target.Name))

	w.User(2, "app").Ask(201, "POST", path, ask(target.CPR, target.Name, ""))
	me.Want(200, "MISMATCHED", "GET", w.Box(0)+"/looks/", "")
}

// Nobody asks the same one again and again, and what the owner must see is not pushed out of sight: the newest comes
// first, and the list leads to the end.
func TestRequestsAreLimitedAndEndedAccessIsSeen(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	owner, other := w.User(0, "app"), w.User(1, "app")
	first := owner.Grant(0, 1, "READ")
	owner.Ask(204, "DELETE", w.Box(0)+"/accesses/"+first.ID, "")

	body := fmt.Sprintf(`{"accessTo":{"externalId":%q,"firstNameProvided":%q,"lastNameProvided":""},
		"privileges":["READ"]}`, w.People[0].CPR, w.People[0].Name)
	for range 5 {
		x := other.Ask(201, "POST", "/apis/v1/access-requests/", body)
		other.Ask(204, "DELETE", "/apis/v1/access-requests/"+x.Text("id"), "")
	}
	other.Refuse(429, "requests.too.many", "POST", "/apis/v1/access-requests/", body)

	if all := owner.Ask(200, "GET", w.Box(0)+"/accesses/", "").List("accesses"); len(all) != 1 ||
		all[0].Text("id") != first.ID {
		t.Errorf("the owner is shown %v", all)
	}
	requests := owner.Ask(200, "GET", "/apis/v1/access-requests/?size=3", "").List("accessRequests")
	if len(requests) != 3 || requests[0].Text("createdDateTime") < requests[2].Text("createdDateTime") {
		t.Errorf("the requests are %v, want the newest first", requests)
	}
}

// A mailbox forwards so much to one recipient, and no more.
func TestForwardsAreLimited(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Send("Brev")
	me := w.User(0, "app")
	_, m := me.Find("Brev")
	path := w.Messages(0) + m.ID + "/forward"
	to := func(i int) string {
		return fmt.Sprintf(`{"recipientId":%q,"recipientIdType":"CPR"}`, w.People[i].CPR)
	}
	for range 30 {
		me.Want(200, "", "POST", path, to(1))
	}
	me.Refuse(429, "requests.too.many", "POST", path, to(1))
	me.Want(200, "", "POST", path, to(2))
}

// A name that does not look like what it is is refused; joiners are parts of words.
func TestNamesThatHideSomething(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, path := w.User(0, "app"), w.Box(0)+"/folders/"
	for _, hidden := range []string{`a\u202eb`, `a\u200bb`, `a\ufeffb`, `a\u0007b`} {
		me.Refuse(400, "folder.name.not.allowed", "POST", path, `{"name":"`+hidden+`"}`)
	}
	me.Want(201, "", "POST", path, `{"name":"a\u200db"}`)
}
