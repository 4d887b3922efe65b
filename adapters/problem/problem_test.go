package problem_test

import (
	"testing"

	"digitalpost/adapters/problem"
	"digitalpost/domain/mailbox"
)

func TestEveryReasonHasAnAnswer(t *testing.T) {
	for _, r := range mailbox.Reasons {
		if !problem.Known(r) {
			t.Errorf("reason %s has no answer", r)
		}
	}
}
