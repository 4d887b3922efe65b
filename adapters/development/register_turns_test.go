package development_test

import (
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
	"digitalpost/domain"
)

// What is taken back leaves all as it was: who waited waits on, and who had left has no mailbox.
func TestWhatIsTakenBack(t *testing.T) {
	r := newRegistry(t)
	today := time.Now()
	const waits, away = "6101801111", "6201801112"
	for _, number := range []string{waits, away} {
		r.says("cpr", "moved-in", today, number, "name", "Stig Opdigtet")
	}
	r.says("cpr", "left", today, away)
	for _, number := range []string{waits, away} {
		r.says("cpr", "died", today, number)
		r.says("cpr", "death-corrected", today, number)
	}
	r.move(today.Add(2 * time.Minute))
	r.outcomes(map[string]string{waits: "recipient.not.found", away: "recipient.not.found"})
	r.move(today.AddDate(0, 0, 31))
	r.outcomes(map[string]string{waits: "COMPLETED", away: "recipient.not.found"})
}

// A birth date that was wrong moves the day on which a mailbox opens, either way.
func TestABirthDateIsCorrected(t *testing.T) {
	r := newRegistry(t)
	today := time.Now()
	old, young := today.AddDate(-16, 0, 0).Format(time.DateOnly), today.AddDate(-10, 0, 0).Format(time.DateOnly)
	const older, younger, renumbered, number = "6101801111", "6201801112", "6301801113", "6401801114"
	r.says("cpr", "born", today, older, "name", "Stig Opdigtet", "birthDate", young)
	r.says("cpr", "named", today, older, "name", "Stig Opdigtet", "birthDate", old)
	r.says("cpr", "moved-in", today, younger, "name", "Lea Opdigtet", "birthDate", old)
	r.says("cpr", "moved", today, younger, "municipality", "0751", "birthDate", young)
	r.says("cpr", "born", today, renumbered, "name", "Ida Opdigtet", "birthDate", young)
	r.says("cpr", "number-changed", today, renumbered, "newCpr", number)
	r.move(today.AddDate(0, 0, 32))
	r.outcomes(map[string]string{older: "COMPLETED", younger: "recipient.not.found", number: "COMPLETED"})
}

// Each old number finds its owner for as long as the law says, and nobody else.
func TestNumbersChangeTwice(t *testing.T) {
	r := newRegistry(t)
	today := time.Now()
	const first, second, third = "6101801111", "6201801112", "6301801113"
	r.says("cpr", "moved-in", today.AddDate(-1, 0, 0), first, "name", "Stig Opdigtet")
	r.says("cpr", "number-changed", today, first, "newCpr", second)
	r.move(today.AddDate(1, 0, 0))
	r.says("cpr", "number-changed", today.AddDate(1, 0, 0), second, "newCpr", third)
	r.outcomes(map[string]string{first: "COMPLETED", second: "COMPLETED", third: "COMPLETED"})
	r.says("cpr", "moved-in", today.AddDate(-1, 0, 0), first, "name", "En Anden")
	if owner := r.w.Person(third, "app").Ask(200, "GET", "/apis/v1/mailboxes/", "").List("mailboxes")[0]; owner.Text(
		"ownerName") != "Stig Opdigtet" {
		t.Errorf("another has moved into the mailbox: %v", owner)
	}
	r.move(today.AddDate(5, 1, 0))
	r.outcomes(map[string]string{first: "recipient.not.found", second: "COMPLETED", third: "COMPLETED"})
	r.move(today.AddDate(6, 1, 0))
	r.outcomes(map[string]string{second: "recipient.not.found", third: "COMPLETED"})
}

// One who is dead reads nobody else's mailbox either, and the platform on which they alone read it is
// told to delete it. A correction gives it back.
func TestADeadDelegateReadsNothing(t *testing.T) {
	r := newRegistry(t)
	const owner, helper = 1, 2
	r.w.User(owner, "app").Ask(201, "POST", r.w.Box(owner)+"/accesses/",
		`{"identityId":"`+r.w.People[helper].Mailbox+`","privileges":["READ"]}`)
	reads := r.w.User(helper, "mitdk")
	reads.Ask(200, "GET", r.w.Messages(owner), "")
	visible := func(kind string) (n int) {
		for _, rec := range r.w.Records() {
			of := domain.MailboxID(rec.Stream.ID).String()
			if rec.Type == "mailbox.mailbox-"+kind && of == r.w.People[owner].Mailbox {
				n++
			}
		}

		return n
	}
	servertest.Eventually(t, "it is visible there", func() bool { return visible("visible") > 0 })
	hidden := visible("hidden")
	r.says("cpr", "died", time.Now(), r.w.People[helper].CPR)
	reads.Ask(403, "GET", r.w.Messages(owner), "")
	servertest.Eventually(t, "it is hidden", func() bool { return visible("hidden") > hidden })
	r.says("cpr", "death-corrected", time.Now(), r.w.People[helper].CPR)
	r.w.User(helper, "mitdk").Ask(200, "GET", r.w.Messages(owner), "")
}
