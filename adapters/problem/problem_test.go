package problem_test

import (
	"slices"
	"testing"

	"digitalpost/adapters/problem"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
)

func TestEveryReasonHasAnAnswer(t *testing.T) {
	for _, r := range slices.Concat(mailbox.Reasons, organisation.Reasons) {
		if !problem.Known(r) {
			t.Errorf("reason %s has no answer", r)
		}
	}
}
