package memo

import (
	"strings"
	"unicode/utf16"
)

// The characters of GSM 03.38: those of its basic set, and those that take the place of two.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ" +
		"ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmTwo = "\f^{}\\[~]|€"
)

// Bounds of one text message.
const (
	gsmHolds  = 160
	ucs2Holds = 70
)

// FitsSMS reports whether a text is one text message: of at most 160 characters of GSM 03.38, some of which count
// double, or of at most 70 of UCS-2 where it has others.
func FitsSMS(text string) bool {
	length := 0
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			length++
		case strings.ContainsRune(gsmTwo, r):
			length += 2
		default:
			return len(utf16.Encode([]rune(text))) <= ucs2Holds
		}
	}

	return length <= gsmHolds
}
