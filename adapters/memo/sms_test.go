package memo_test

import (
	"strings"
	"testing"

	"digitalpost/adapters/memo"
)

func TestFitsSMS(t *testing.T) {
	for text, want := range map[string]bool{
		"":                              true,
		strings.Repeat("å", 160):        true,
		strings.Repeat("å", 161):        false,
		strings.Repeat("€", 80):         true,
		strings.Repeat("€", 81):         false,
		"–" + strings.Repeat("a", 69):   true,
		"–" + strings.Repeat("a", 70):   false,
		strings.Repeat("😀", 35):         true,
		strings.Repeat("😀", 35) + "a":   false,
		"Husk din tid kl. 10.30, Ærø 😀": true,
	} {
		if got := memo.FitsSMS(text); got != want {
			t.Errorf("FitsSMS(%q) = %v, want %v", text, got, want)
		}
	}
}
