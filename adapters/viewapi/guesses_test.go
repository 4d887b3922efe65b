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
