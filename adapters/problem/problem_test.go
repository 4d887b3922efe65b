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

// Each reason has a text in both languages.
func TestEveryReasonHasTwoTexts(t *testing.T) {
	en, da := problem.Texts("en"), problem.Texts("da")
	for code, text := range en {
		if text == "" || da[code] == "" || da[code] == text {
			t.Errorf("%s: %q in English, %q in Danish", code, text, da[code])
		}
	}
	if len(en) < 60 || len(da) != len(en) {
		t.Errorf("%d texts in English, %d in Danish", len(en), len(da))
	}
}
