// Package text is how the hall treats words: what it takes for the same, and what fits where.
package text

import (
	"net/mail"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold makes texts alike that people take for the same: NFC, and without case. "Aa" is not "Å".
func Fold(s string) string { return cases.Fold().String(norm.NFC.String(s)) }

// Name gives a name as it is kept: NFC, without white space around it.
func Name(s string) string { return norm.NFC.String(strings.TrimSpace(s)) }

// FoldName gives the form in which names are compared.
func FoldName(s string) string { return Fold(strings.TrimSpace(s)) }

// Clip gives at most so many characters of a text.
func Clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}

	return s
}

// Line makes a text one line, as it is read: control characters, all that breaks lines and what changes the direction
// of what follows become blanks.
func Line(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}

		return r
	}, s))
}

// OrDash gives a dash for a text that is empty, where an element must be there.
func OrDash(s string) string {
	if s == "" {
		return "-"
	}

	return s
}

// IsAddress reports whether a text is one plain e-mail address.
func IsAddress(s string) bool {
	at, err := mail.ParseAddress(s)
	if err != nil || at.Name != "" || at.Address != s || len(s) > 254 {
		return false
	}

	return strings.Contains(s[strings.LastIndexByte(s, '@'):], ".") &&
		!slices.ContainsFunc([]rune(s), func(r rune) bool { return r < 0x21 || r > 0x7e })
}
