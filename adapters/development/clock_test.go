package development_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// Development's clock moves forward, over restarts too; all that falls due meanwhile happens at its date, in order,
// before it answers; nothing is lost that was sent before, and tokens go by the same clock.
func TestTheClockMoves(t *testing.T) {
	w := servertest.Start(t)
	dev := w.Nobody()
	now := func() time.Time {
		t.Helper()
		at, err := time.Parse(time.RFC3339, dev.Ask(200, "GET", "/dev/clock", "").Text("now"))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	move := func(status int, to string) {
		t.Helper()
		dev.Ask(status, "POST", "/dev/clock", fmt.Sprintf(`{"to":%q}`, to))
	}
	date := func(days int) string { return time.Now().AddDate(0, 0, days).Format(time.DateOnly) }

	later := func(days int) func(string) string {
		return func(memo string) string { return servertest.Dated(memo, date(days)) }
	}
	for _, days := range []int{40, 20, 30, 300} {
		w.SendAs(0, w.People[0].CPR, fmt.Sprintf("Om %d dage", days), later(days))
	}
	before := w.User(0, "app")

	move(400, "i morgen")
	move(409, "2020-01-01")
	move(400, "2999-01-01")
	move(200, date(50))
	if at := now(); at.Before(time.Now().AddDate(0, 0, 48)) {
		t.Errorf("the clock says %s", at)
	}
	before.Ask(401, "GET", w.Messages(0), "")

	delivered := func() (labels []string) {
		t.Helper()
		var last time.Time
		for _, m := range w.User(0, "app").Ask(200, "GET", w.Messages(0)+"?size=50", "").List("messages") {
			labels = append(labels, m.Text("label"))
		}
		for _, rec := range w.Records() {
			if rec.Recorded.Before(last) {
				t.Errorf("position %d was recorded at %s, the one before at %s", rec.Position, rec.Recorded, last)
			}
			last = rec.Recorded
		}
		slices.Sort(labels)
		return labels
	}
	want := []string{"Om 20 dage", "Om 30 dage", "Om 40 dage"}
	if got := delivered(); !slices.Equal(got, want) {
		t.Errorf("after 50 days there are %q, want %q", got, want)
	}

	w.Stop()
	w.Start()
	dev = w.Nobody()
	if at := now(); at.Before(time.Now().AddDate(0, 0, 48)) {
		t.Errorf("after a start the clock says %s", at)
	}
	move(200, date(301))
	if got := delivered(); len(got) != 4 {
		t.Errorf("after 301 days there are %q", got)
	}
	w.Send("Til sidst")

	dates := map[string]bool{}
	for _, rec := range w.Records() {
		if rec.Type == "mailbox.message-delivered" {
			dates[rec.Recorded.Format(time.DateOnly)] = true
		}
	}
	if len(dates) != 5 {
		t.Errorf("post was delivered on %v, want on five days", dates)
	}
}
