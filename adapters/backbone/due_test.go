package backbone_test

import (
	"testing"
	"time"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/projections/receipts"
)

// What is due is read in pages, each behind the last: what can't be delivered yet does not stand before the rest.
func TestDueIsReadToItsEnd(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	b.Citizen(backbonetest.Mette)
	sys := b.Authority(backbonetest.Municipality)
	for _, days := range []int{1, 2, 2, 3, 40} {
		date := time.Now().In(memo.Copenhagen).AddDate(0, 0, days).Format(time.DateOnly)
		b.Submit(sys, backbonetest.Mette, backbonetest.Letter{Due: date})
	}

	s, err := receipts.At(b.Core().Views)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	now := time.Now().AddDate(0, 0, 10)
	found, behind := map[domain.MessageID]bool{}, receipts.DueMessage{}
	for {
		page, next := s.Due(now, behind, 1)
		if len(page) == 0 {
			if !next.After(now) {
				t.Errorf("the next date is %v, want the one of 40 days from now", next)
			}
			break
		}

		behind = page[0]
		if found[behind.Message] {
			t.Fatalf("%s comes twice", behind.Message)
		}
		found[behind.Message] = true
	}

	if len(found) != 4 {
		t.Errorf("%d messages are due, want 4", len(found))
	}
}
