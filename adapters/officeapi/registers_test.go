package officeapi_test

import (
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// Operators have a register's lines taken, see how far that is, allow what would close many mailboxes at once, and see
// to what could not have its effect; nobody else does.
func TestOperatorsRunRegisters(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	op := operator(w)
	const path = "/apis/v1/operations/registers/cpr"
	seq, lines := 0, []string{}
	add := func(kind, cpr, more string) {
		seq++
		lines = append(lines, fmt.Sprintf(`{"seq":%d,"type":%q,"at":"2026-01-01","cpr":%q%s}`, seq, kind, cpr, more))
	}
	body := func() string { return `{"lines":[` + strings.Join(lines, ",") + `]}` }
	number := func(i int) string { return fmt.Sprintf("61018011%02d", i) }

	const n = 30
	for i := range n {
		add("moved-in", number(i), fmt.Sprintf(`,"name":"Nummer %d Opdigtet"`, i))
	}
	w.Officer().Want(403, "", "POST", path+"/lines", body())
	if got := op.Ask(200, "POST", path+"/lines", body()); got.Text("applied") != fmt.Sprint(n) {
		t.Errorf("%d lines: %v", n, got)
	}
	if got := op.Ask(200, "GET", path, ""); got.Text("seq") != fmt.Sprint(n) {
		t.Errorf("status: %v", got)
	}

	for i := range n {
		add("died", number(i), "")
	}
	got := op.Refuse(409, "register.run.held", "POST", path+"/lines", body())
	if !strings.Contains(got.Text("message"), fmt.Sprintf("from line %d on, %d mailboxes", n+21, n)) {
		t.Errorf("held: %v", got)
	}
	if got := op.Ask(200, "GET", path, ""); got.Text("seq") != fmt.Sprint(n+20) {
		t.Errorf("what is allowed has its effect: %v", got)
	}
	if got := w.SendAs(0, number(n-1), "Brev", nil); got.ErrorCode != "" {
		t.Errorf("a mailbox whose closing waits: %v", got)
	}
	w.Officer().Want(403, "", "POST", path+"/allow", `{"seq":60}`)
	op.Ask(400, "POST", path+"/allow", `{}`)
	op.Ask(400, "POST", path+"/allow", `{"seq":99999999}`)
	op.Ask(400, "POST", path+"/lines", `{}`)
	op.Ask(200, "POST", path+"/allow", `{"seq":60}`)
	op.Ask(200, "POST", path+"/lines", body())
	if got := w.SendAs(0, number(n-1), "Brev", nil); got.ErrorCode != "recipient.is.closed" {
		t.Errorf("a mailbox whose closing was allowed: %v", got)
	}

	add("named", "6901801119", `,"name":"Ukendt"`)
	add("moved-in", number(90), `,"name":"Ny Opdigtet"`)
	add("number-changed", number(90), fmt.Sprintf(`,"newCpr":%q`, w.People[0].CPR))
	op.Ask(200, "POST", path+"/lines", body())
	tasks := op.Ask(200, "GET", path, "").List("tasks")
	if len(tasks) != 2 || tasks[0].Text("what") != "NOBODY" || tasks[1].Text("what") != "TWO_MAILBOXES" {
		t.Fatalf("tasks: %v", tasks)
	}
	if both := fmt.Sprint(tasks[1]["mailboxes"]); !strings.Contains(both, w.People[0].Mailbox) {
		t.Errorf("a number of two: %s", both)
	}
	closing := path + "/tasks/" + tasks[0].Text("id") + "/close"
	w.Officer().Want(403, "", "POST", closing, "")
	if left := op.Ask(200, "POST", closing, "").List("tasks"); len(left) != 1 {
		t.Errorf("tasks left: %v", left)
	}
	op.Ask(404, "POST", closing, "")
	op.Ask(404, "GET", "/apis/v1/operations/registers/dns", "")
}
