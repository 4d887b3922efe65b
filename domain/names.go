package domain

import (
	"strings"
	"unicode"
)

// Hidden reports whether a character has no place in a name that is chosen here, of a folder, a system, a contact
// point: controls, those that change the direction of what follows, and those of no width, so that a name can't look
// like another. The joiners U+200C and U+200D are parts of words in some scripts, and allowed.
func Hidden(r rune) bool {
	switch {
	case r == '\u200c' || r == '\u200d':
		return false
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
		return true
	}

	return false
}

// HasHidden reports whether a name has a hidden character: see Hidden.
func HasHidden(name string) bool { return strings.ContainsFunc(name, Hidden) }
