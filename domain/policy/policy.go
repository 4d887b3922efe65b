// Package policy is the table of every period and limit that law or the agency sets for mailboxes, by the date from
// which each counts. What an event decided by a policy stands in the event, so that an old one is judged by the policy
// of its day.
package policy

import "time"

// A Period is a time in the calendar. Its months end as months do: a month after 31 January is the last of February.
type Period struct{ Years, Months, Days int }

// After gives the date a period after another, in that date's own place.
func (p Period) After(t time.Time) time.Time {
	y, m, d := t.Date()
	first := time.Date(y+p.Years, m+time.Month(p.Months), 1, 0, 0, 0, 0, t.Location())
	last := first.AddDate(0, 1, -1).Day()

	return time.Date(first.Year(), first.Month(), min(d, last)+p.Days, 0, 0, 0, 0, t.Location())
}

// A Policy is what counts from a date on.
type Policy struct {
	From string // a date
	// FromAge is the age at which a citizen gets a mailbox (§ 3 of the Act on Digital Post).
	FromAge int
	// LeapDay is the day of March on which those have their birthday who were born on 29 February, in other years; 0:
	// the last of February.
	LeapDay int
	// Arrival is how long after moving to Denmark a mailbox opens.
	Arrival Period
	// Grace is how long after its founding a company gets no post, unless it signs in.
	Grace Period
	// Alias is how long an old number finds the mailbox of its owner, who has another.
	Alias Period
	// AfterDeath and AfterEnd are how long the mailboxes of the dead and of companies that ceased are kept (order
	// 1553/2013 § 14).
	AfterDeath, AfterEnd Period
	// MostClosed is which share of all mailboxes the registers may close in a day without an operator's leave, in
	// thousandths, and LeastClosed how many they may in any case.
	MostClosed, LeastClosed int
}

// table is every policy, the newest last.
var table = []Policy{{
	From: "2001-01-01", FromAge: 15, LeapDay: 1, Arrival: Period{Days: 30}, Grace: Period{Days: 12},
	Alias: Period{Years: 5}, AfterDeath: Period{Years: 5}, AfterEnd: Period{Years: 10},
	MostClosed: 10, LeastClosed: 20,
}}

// On gives the policy of a day.
func On(day time.Time) Policy {
	date := day.Format(time.DateOnly)
	for i := len(table) - 1; i > 0; i-- {
		if table[i].From <= date {
			return table[i]
		}
	}

	return table[0]
}

// ComesOfAge gives the midnight, in a place, at which one who is born on a date is old enough for a mailbox.
func (p Policy) ComesOfAge(born time.Time, place *time.Location) time.Time {
	y, m, d := born.Date()
	at := time.Date(y+p.FromAge, m, d, 0, 0, 0, 0, place)
	if m == time.February && d == 29 && at.Day() != d {
		return time.Date(y+p.FromAge, time.March, p.LeapDay, 0, 0, 0, 0, place)
	}

	return at
}
