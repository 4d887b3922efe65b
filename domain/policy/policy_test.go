package policy_test

import (
	"testing"
	"time"

	"digitalpost/domain/policy"
)

var copenhagen = func() *time.Location {
	l, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err)
	}
	return l
}()

func date(s string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s, copenhagen)
	if err != nil {
		panic(err)
	}
	return t
}

// Periods go by the calendar: months end as months do, and days have 23 or 25 hours where the clock is set.
func TestPeriods(t *testing.T) {
	for _, row := range []struct {
		from string
		p    policy.Period
		want string
	}{
		{"2026-08-31", policy.Period{Months: 6}, "2027-02-28"},
		{"2027-08-31", policy.Period{Months: 6}, "2028-02-29"},
		{"2028-02-29", policy.Period{Years: 5}, "2033-02-28"},
		{"2026-12-01", policy.Period{Days: 30}, "2026-12-31"},
		{"2025-03-29", policy.Period{Days: 1}, "2025-03-30"},
		{"2025-10-25", policy.Period{Days: 2}, "2025-10-27"},
		{"2026-01-31", policy.Period{Months: 1, Days: 1}, "2026-03-01"},
	} {
		if got := row.p.After(date(row.from)); !got.Equal(date(row.want)) {
			t.Errorf("%+v after %s is %s, want %s", row.p, row.from, got, row.want)
		}
	}
}

// One is 15 from midnight in Copenhagen of that day on, whichever the offset from UTC is then.
func TestComingOfAge(t *testing.T) {
	p := policy.On(date("2026-01-01"))
	for born, want := range map[string]string{
		"2010-03-30": "2025-03-29T23:00:00Z", // the clock is set that night, at two
		"2010-03-31": "2025-03-30T22:00:00Z",
		"2008-02-29": "2023-02-28T23:00:00Z",
		"2011-12-31": "2026-12-30T23:00:00Z",
	} {
		if got := p.ComesOfAge(date(born), copenhagen).UTC().Format(time.RFC3339); got != want {
			t.Errorf("one who was born on %s comes of age at %s, want %s", born, got, want)
		}
	}
}
