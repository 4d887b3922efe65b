package development_test

import (
	"fmt"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// A citizen gets a mailbox on the day they turn 15, in Copenhagen.
func TestMailboxFromFifteen(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	here, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	today := time.Now().In(here)
	registering := func(days int) string {
		born := today.AddDate(-15, 0, days)
		cpr := fmt.Sprintf("%02d%02d%02d4%03d", born.Day()+60, born.Month(), born.Year()%100, 100+days)
		return fmt.Sprintf(`{"cpr":%q,"name":"Ung Påfund"}`, cpr)
	}
	w.Nobody().Refuse(422, "mailbox.under.age", "POST", "/dev/people", registering(1)) // 15 tomorrow
	w.Nobody().Ask(201, "POST", "/dev/people", registering(0))
}

// Only one who is made up can come back into the country.
func TestReturnOfNobody(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Nobody().Ask(204, "POST", "/dev/returns", fmt.Sprintf(`{"cpr":%q}`, w.People[0].CPR))
	w.Nobody().Ask(404, "POST", "/dev/returns", `{"cpr":"6101010009"}`)
	w.Nobody().Ask(400, "POST", "/dev/returns", `[]`)
}
