package development_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// A registry has lines taken by a server, and its clock moved.
type registry struct {
	*testing.T
	w   *servertest.World
	dev *servertest.Client
	seq map[string]int
}

// asLines says what is posted to a register.
var asLines = []string{"Content-Type", "application/x-ndjson"}

func newRegistry(t *testing.T) *registry {
	w := servertest.Start(t)
	return &registry{t, w, w.Nobody(), map[string]int{}}
}

// line is the next line of a register.
func (r *registry) line(lane, kind string, at time.Time, number string, more ...string) string {
	r.seq[lane]++
	fields := map[string]any{"seq": r.seq[lane], "type": kind, "at": at.Format(time.DateOnly), lane: number}
	for i := 0; i < len(more); i += 2 {
		fields[more[i]] = more[i+1]
	}
	b, err := json.Marshal(fields)
	if err != nil {
		r.Fatal(err)
	}

	return string(b) + "\n"
}

func (r *registry) says(lane, kind string, at time.Time, number string, more ...string) {
	r.Helper()
	got := r.dev.Ask(200, "POST", "/dev/register/"+lane, r.line(lane, kind, at, number, more...), asLines...)
	if got.Text("applied") != "1" || got.Text("seq") != fmt.Sprint(r.seq[lane]) {
		r.Errorf("%s %d is answered %v", lane, r.seq[lane], got)
	}
}

func (r *registry) move(to time.Time) {
	r.Helper()
	r.dev.Ask(200, "POST", "/dev/clock", fmt.Sprintf(`{"to":%q}`, to.Format(time.RFC3339)))
	r.w.Sender = r.w.System(0)
}

// outcome sends a letter, and gives what becomes of it: COMPLETED, or the code of its refusal.
func (r *registry) outcome(number string) string {
	r.Helper()
	got := r.w.SendAs(0, number, "Brev", func(memo string) string {
		if len(number) == 8 {
			memo = servertest.ToCompany(memo, number)
		}
		return memo
	})
	if got.ErrorCode != "" {
		return got.ErrorCode
	}

	return got.ReceiptStatus
}

func (r *registry) outcomes(want map[string]string) {
	r.Helper()
	for number, status := range want {
		if got := r.outcome(number); got != status {
			r.Errorf("a letter to %s: %s, want %s", number, got, status)
		}
	}
}

// A person is born, comes of age, dies, and that was a mistake; the mailbox opens, closes and opens again by itself,
// with all that is in it, at midnight in Copenhagen.
func TestALifeByTheRegister(t *testing.T) {
	r := newRegistry(t)
	today := time.Now()
	born := today.AddDate(-15, 0, 40)
	cpr := fmt.Sprintf("%02d%s4321", born.Day()+60, born.Format("0106"))
	r.says("cpr", "born", born, cpr, "name", "Alma Opdigtet", "municipality", "0101", "address", "Opdigtet Vej 1")
	r.outcomes(map[string]string{cpr: "recipient.not.found"})
	r.says("cpr", "named", today, cpr, "name", "Alma Opdigtet Testesen")

	eve := time.Date(born.Year()+15, born.Month(), born.Day(), 0, 0, 0, 0, copenhagen(t))
	r.move(eve.Add(-time.Minute))
	r.outcomes(map[string]string{cpr: "recipient.not.found"})
	r.move(eve)
	r.outcomes(map[string]string{cpr: "COMPLETED"})

	alma := func() *servertest.Client { return r.w.Person(cpr, "app") }
	box := "/apis/v1/mailboxes/" + alma().Ask(200, "GET", "/apis/v1/mailboxes/", "").List("mailboxes")[0].Text("id")
	if n := len(alma().Ask(200, "GET", box+"/messages/", "").List("messages")); n != 1 {
		t.Errorf("there are %d messages, want 1", n)
	}

	before := alma()
	r.says("cpr", "died", eve, cpr)
	r.outcomes(map[string]string{cpr: "recipient.is.closed"})
	before.Ask(403, "GET", box+"/messages/", "")
	r.says("cpr", "death-corrected", eve, cpr)
	r.outcomes(map[string]string{cpr: "COMPLETED"})
	if n := len(alma().Ask(200, "GET", box+"/messages/", "").List("messages")); n != 2 {
		t.Errorf("after the correction there are %d messages, want 2: what was refused stays refused", n)
	}
}

func copenhagen(t *testing.T) *time.Location {
	l, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}

	return l
}

// One who moves here gets a mailbox after 30 days; one who leaves before that gets none; and one whose number changes
// keeps it, and is found by the old number for years.
func TestArrivalsAndNumbers(t *testing.T) {
	r := newRegistry(t)
	today := time.Now()
	const stays, leaves, renewed = "6101801111", "6201801112", "6301801113"
	r.says("cpr", "moved-in", today, stays, "name", "Stig Opdigtet")
	r.says("cpr", "moved-in", today, leaves, "name", "Lea Opdigtet")
	r.outcomes(map[string]string{stays: "recipient.not.found", leaves: "recipient.not.found"})
	r.says("cpr", "left", today, leaves)
	r.move(today.AddDate(0, 0, 31))
	r.outcomes(map[string]string{stays: "COMPLETED", leaves: "recipient.not.found"})

	r.says("cpr", "number-changed", today.AddDate(0, 0, 31), stays, "newCpr", renewed)
	r.outcomes(map[string]string{stays: "COMPLETED", renewed: "COMPLETED"})
	mine := r.w.Person(renewed, "app")
	box := mine.Ask(200, "GET", "/apis/v1/mailboxes/", "").List("mailboxes")[0].Text("id")
	if n := len(mine.Ask(200, "GET", "/apis/v1/mailboxes/"+box+"/messages/", "").List("messages")); n != 3 {
		t.Errorf("there are %d messages, want 3", n)
	}
	r.move(today.AddDate(5, 1, 31))
	r.outcomes(map[string]string{stays: "recipient.not.found", renewed: "COMPLETED"})

	// Nobody is born into another's mailbox, or has the number of another: an operator sees to it.
	r.says("cpr", "number-changed", today.AddDate(5, 1, 0), renewed, "newCpr", "6401801114")
	r.says("cpr", "born", today.AddDate(5, 1, 1), renewed, "name", "En Anden")
	r.says("cpr", "born", today.AddDate(5, 1, 1), r.w.People[0].CPR, "name", "En Anden")
	for _, number := range []string{renewed, r.w.People[0].CPR} {
		mine := r.w.Person(number, "app").Ask(200, "GET", "/apis/v1/mailboxes/", "").List("mailboxes")[0]
		if mine.Text("ownerName") == "En Anden" {
			t.Errorf("another is born into the mailbox of %s: %v", number, mine)
		}
	}
	r.outcomes(map[string]string{"6401801114": "COMPLETED", renewed: "COMPLETED"})
	r.says("cpr", "number-changed", today.AddDate(5, 1, 0), renewed, "newCpr", r.w.People[0].CPR)
	r.outcomes(map[string]string{renewed: "COMPLETED", r.w.People[0].CPR: "COMPLETED"})
}

// A company gets no post for twelve days, unless it signs in; it ceases, and begins again.
func TestACompanyByTheRegister(t *testing.T) {
	r := newRegistry(t)
	today := time.Now()
	const waits, hurries = "30000001", "30000002"
	r.says("cvr", "founded", today, waits, "name", "Ventende Påfund ApS")
	r.says("cvr", "founded", today, hurries, "name", "Hurtige Påfund ApS")
	signs := func(status int, cvr string) {
		t.Helper()
		r.dev.Ask(status, "POST", "/dev/token", "cvr="+cvr+"&client_id=virkdk", "Content-Type",
			"application/x-www-form-urlencoded")
	}
	signs(200, hurries)
	if got := r.outcome(waits); got != "recipient.not.found" {
		t.Errorf("a letter in the grace period: %s", got)
	}
	r.says("cvr", "renamed", today, waits, "name", "Ventet Påfund ApS")
	r.move(today.AddDate(0, 0, 13))
	signs(200, waits)
	r.says("cvr", "ceased", today.AddDate(0, 0, 13), waits)
	signs(404, waits)
	r.says("cvr", "reopened", today.AddDate(0, 0, 13), waits)
	signs(200, waits)
}

// Lines have their effect once, in order: a replay changes nothing, a gap stops the lane and says so, what is wrong is
// said with its field, and nothing after it is taken.
func TestLinesComeInOrder(t *testing.T) {
	r := newRegistry(t)
	today := time.Now()
	const first, second = "6101801111", "6201801112"
	lines := r.line("cpr", "moved-in", today.AddDate(-1, 0, 0), first, "name", "Stig Opdigtet") +
		r.line("cpr", "moved-in", today.AddDate(-1, 0, 0), second, "name", "Lea Opdigtet")
	if got := r.dev.Ask(200, "POST", "/dev/register/cpr", lines, asLines...); got.Text("applied") != "2" {
		t.Errorf("two lines: %v", got)
	}
	r.outcomes(map[string]string{first: "COMPLETED", second: "COMPLETED"})
	records := len(r.w.Records())
	again := r.dev.Ask(200, "POST", "/dev/register/cpr", lines, asLines...)
	if again.Text("applied") != "0" || again.Text("seq") != "2" {
		t.Errorf("again: %v", again)
	}
	if n := len(r.w.Records()); n != records {
		t.Errorf("a replay has %d events", n-records)
	}

	died := r.line("cpr", "died", today, first)
	r.line("cpr", "died", today, first)
	missing := r.line("cpr", "died", today, second)
	got := r.dev.Ask(409, "POST", "/dev/register/cpr", died+missing, asLines...)
	if got.Text("code") != "register.gap" || !strings.Contains(got.Text("message"), "line 4 is missing") {
		t.Errorf("a gap: %v", got)
	}
	r.outcomes(map[string]string{first: "recipient.is.closed", second: "COMPLETED"})

	tomorrow := r.line("cpr", "died", today.AddDate(0, 0, 2), second)
	tomorrow = strings.Replace(tomorrow, fmt.Sprintf(`"seq":%d`, r.seq["cpr"]), `"seq":4`, 1)
	r.dev.Refuse(400, "register.line.not.valid", "POST", "/dev/register/cpr", tomorrow, asLines...)

	for field, bad := range map[string]string{
		"seq":          `{"type":"left","at":"2026-01-01","cpr":"6201801112"}`,
		"type":         `{"seq":4,"type":"ceased","at":"2026-01-01","cpr":"6201801112"}`,
		"birthDate":    `{"seq":4,"type":"left","at":"2026-01-01","cpr":"6201801112","birthDate":"2027-1-1"}`,
		"at":           `{"seq":4,"type":"left","at":"01-01-2026","cpr":"6201801112"}`,
		"cpr":          `{"seq":4,"type":"left","at":"2026-01-01","cpr":"9999999999"}`,
		"name":         `{"seq":4,"type":"born","at":"2026-01-01","cpr":"6201801112"}`,
		"newCpr":       `{"seq":4,"type":"number-changed","at":"2026-01-01","cpr":"6201801112","newCpr":"6201801112"}`,
		"municipality": `{"seq":4,"type":"moved","at":"2026-01-01","cpr":"6201801112","municipality":"København"}`,
		"the line":     `{"seq":4,"type":"left","at":"2026-01-01","cpr":"6201801112","sex":"F"}`,
	} {
		got := r.dev.Ask(400, "POST", "/dev/register/cpr", bad, asLines...)
		if got.Text("code") != "register.line.not.valid" || got.Text("fieldErrors", 0, "field") != field {
			t.Errorf("%s: %v", field, got)
		}
	}
}
