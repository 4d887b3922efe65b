package domain_test

import (
	"testing"

	"digitalpost/domain"
)

func TestHidden(t *testing.T) {
	for r, want := range map[rune]bool{
		'a': false, 'Å': false, ' ': false, '\u200c': false, '\u200d': false, '漢': false, '👍': false, '\u0301': false,
		0: true, '\n': true, 0x7f: true, 0x85: true, '\u200b': true, '\u200e': true, '\u202e': true, '\u2066': true,
		'\u2028': true, '\ufeff': true, '\u00ad': true, '\u061c': true,
	} {
		if got := domain.Hidden(r); got != want {
			t.Errorf("%U: %v, want %v", r, got, want)
		}
	}
}
