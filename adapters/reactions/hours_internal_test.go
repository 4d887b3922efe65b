package reactions

import (
	"testing"
	"time"

	"digitalpost/adapters/memo"
)

// People are told between two hours in Copenhagen, also on the nights when the clock is changed.
func TestMayTell(t *testing.T) {
	m := Means{From: 7, To: 22}
	at := func(s string) time.Time {
		x, err := time.ParseInLocation("2006-01-02 15:04", s, memo.Copenhagen)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for now, want := range map[string]string{
		"2026-11-27 12:00": "2026-11-27 12:00", "2026-11-27 06:59": "2026-11-27 07:00",
		"2026-11-27 07:00": "2026-11-27 07:00", "2026-11-27 22:00": "2026-11-28 07:00",
		"2026-12-31 23:30": "2027-01-01 07:00", "2026-03-28 23:00": "2026-03-29 07:00",
		"2026-10-25 02:30": "2026-10-25 07:00",
	} {
		if got := m.mayTell(at(now), false); !got.Equal(at(want)) {
			t.Errorf("at %s: %s, want %s", now, got.In(memo.Copenhagen), want)
		}
		if got := m.mayTell(at(now), true); !got.Equal(at(now)) {
			t.Errorf("at %s, at any time: %s", now, got)
		}
		if got := (Means{}).mayTell(at(now), false); !got.Equal(at(now)) {
			t.Errorf("at %s, without hours: %s", now, got)
		}
	}
}
