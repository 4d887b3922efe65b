package memo

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// check judges the text of a simple element, with the white space that the schema's reference reader takes off and no
// other. It gives the value as the schema sees it, and the rule that is broken, if one is.
func check(typ, text string) (value, rule string) {
	switch typ {
	case "text":
		return atMost(text, 256)
	case "comment":
		return atMost(text, 512)
	case "notification":
		return atMost(text, 160)
	case "license":
		return atMost(text, 7)
	case "messageType":
		if text != "DIGITALPOST" && text != "NEMSMS" {
			return text, "must be DIGITALPOST or NEMSMS"
		}
		return text, ""
	case "uuid":
		if !isUUID(text) {
			return text, "must be a UUID of version 4"
		}
		return strings.ToLower(text), ""
	}

	v := collapse(text)
	switch typ {
	case "default-false":
		switch {
		case v == "false" || v == "0":
			return "false", ""
		case v == "true" || v == "1":
			return "true", ""
		}
		return v, "must be true, false, 1 or 0"
	case "dateTime":
		if !isDateTime(v) {
			return v, "must be a date and time that ends in Z"
		}
	case "date":
		if rest, ok := dateOf(text); !ok || !isZone(rest) {
			return v, "must be a date"
		}
	case "language":
		if n := len(v); n < 1 || n > 2 || !letters(v) {
			return v, "must be a language of two letters"
		}
	case "uri":
		if utf8.RuneCountInString(v) > 256 {
			return v, "must be at most 256 characters long"
		}
		if !isURI(v) {
			return v, "must be a URI"
		}
	case "pNumber":
		return v, atMostNumber(text, 9999999999)
	case "gln":
		return v, atMostNumber(text, 9999999999999)
	}

	return v, ""
}

func atMost(s string, n int) (string, string) {
	if len(s) > n && utf8.RuneCountInString(s) > n {
		return s, "must be at most " + strconv.Itoa(n) + " characters long"
	}
	return s, ""
}

// collapse takes the white space off both ends and makes one space of each run between.
func collapse(s string) string {
	space := func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }
	return strings.Join(strings.FieldsFunc(s, space), " ")
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}

	for i := range 36 {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		case 14:
			if c != '4' {
				return false
			}
		case 19:
			if !strings.ContainsRune("aAbB89", rune(c)) {
				return false
			}
		default:
			if !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
				return false
			}
		}
	}

	return true
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letters(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

func two(s string, low, high int) (string, bool) {
	if len(s) < 2 || !digit(s[0]) || !digit(s[1]) {
		return s, false
	}
	n := int(s[0]-'0')*10 + int(s[1]-'0')
	return s[2:], n >= low && n <= high
}

// dateOf reads a date (-?YYYY+-MM-DD) and gives what follows it.
func dateOf(s string) (rest string, ok bool) {
	s = strings.TrimPrefix(s, "-")
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}

	if n < 4 || n > 4 && s[0] == '0' || n > 9 {
		return s, false
	}

	year, _ := strconv.Atoi(s[:n])
	if year == 0 {
		return s, false
	}

	s = s[n:]
	if len(s) < 6 || s[0] != '-' || s[3] != '-' {
		return s, false
	}

	month, _ := strconv.Atoi(s[1:3])
	if _, ok := two(s[1:], 1, 12); !ok {
		return s, false
	}

	days := []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if month == 2 && (year%4 == 0 && year%100 != 0 || year%400 == 0) {
		days = 29
	}

	rest, ok = two(s[4:], 1, days)
	return rest, ok
}

// isZone judges a time zone, which may be missing.
func isZone(s string) bool {
	if s == "" || s == "Z" {
		return true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return false
	}
	_, hours := two(s[1:], 0, 14)
	_, minutes := two(s[4:], 0, 59)
	return hours && minutes && (s[1:3] != "14" || s[4:] == "00")
}

func isDateTime(s string) bool {
	rest, ok := dateOf(s)
	if !ok || len(rest) < 10 || rest[0] != 'T' || rest[3] != ':' || rest[6] != ':' {
		return false
	}

	_, hours := two(rest[1:], 0, 23)
	_, minutes := two(rest[4:], 0, 59)
	after, seconds := two(rest[7:], 0, 59)
	if rest[1:9] == "24:00:00" {
		hours, minutes, seconds = true, true, true
		after = rest[9:]
		if strings.Trim(strings.TrimSuffix(after, "Z"), ".0") != "" {
			return false
		}
	}

	if !hours || !minutes || !seconds {
		return false
	}

	if strings.HasPrefix(after, ".") {
		n := 1
		for n < len(after) && digit(after[n]) {
			n++
		}
		if n == 1 {
			return false
		}
		after = after[n:]
	}

	return after == "Z"
}

func atMostNumber(s string, limit int64) string {
	const rule = "must be a whole number of at most "
	body := strings.TrimPrefix(s, "-")
	negative := body != s
	if !negative {
		body = strings.TrimPrefix(s, "+")
	}

	if body == "" || strings.Trim(body, "0123456789") != "" {
		return rule + strconv.FormatInt(limit, 10)
	}

	n, err := strconv.ParseInt(strings.TrimLeft(body, "0")+"", 10, 64)
	if strings.Trim(body, "0") == "" {
		n, err = 0, nil
	}

	if err != nil && !(negative && strings.TrimLeft(body, "0") == "9223372036854775808") || !negative && n > limit {
		return rule + strconv.FormatInt(limit, 10)
	}

	return ""
}

// isURI judges a URI reference (RFC 3986 §4.1). Spaces, characters outside of ASCII, and those that no URI has, count
// as if they were escaped.
func isURI(s string) bool {
	b := []byte(s)
	for i, c := range b {
		if c <= 32 || c >= 127 || strings.IndexByte("<>\"{}|\\^`'", c) >= 0 {
			b[i] = '_'
		}
	}

	s, fragment, has := strings.Cut(string(b), "#")
	if has && !chars(fragment, ":@/?[]") {
		return false
	}

	s, query, has := strings.Cut(s, "?")
	if has && !chars(query, ":@/?") {
		return false
	}

	if scheme, rest, ok := strings.Cut(s, ":"); ok && isScheme(scheme) {
		return isHier(rest)
	}

	if first, _, _ := strings.Cut(s, "/"); strings.Contains(first, ":") {
		return false
	}

	return isHier(s)
}

func isScheme(s string) bool {
	if s == "" || !letters(s[:1]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !letters(s[i:i+1]) && !digit(c) && strings.IndexByte("+-.", c) < 0 {
			return false
		}
	}
	return true
}

func isHier(s string) bool {
	if !strings.HasPrefix(s, "//") {
		return chars(s, ":@/")
	}

	authority, path := s[2:], ""
	if i := strings.IndexByte(authority, '/'); i >= 0 {
		authority, path = authority[:i], authority[i:]
	}

	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		if !chars(authority[:i], ":") {
			return false
		}
		authority = authority[i+1:]
	}

	host, port := authority, ""
	if strings.HasPrefix(authority, "[") {
		i := strings.IndexByte(authority, ']')
		if i < 0 {
			return false
		}
		host, port = "", authority[i+1:]
		if port != "" && port[0] != ':' {
			return false
		}
	} else if i := strings.LastIndexByte(authority, ':'); i >= 0 {
		host, port = authority[:i], authority[i:]
	}

	for i := 1; i < len(port); i++ {
		if !digit(port[i]) {
			return false
		}
	}

	return port != ":" && chars(host, "") && chars(path, ":@/")
}

// chars reports whether s is made of unreserved characters, sub-delimiters, percent escapes and the extra ones.
func chars(s, extra string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case letters(s[i:i+1]) || digit(c):
		case strings.IndexByte("-._~!$&'()*+,;=", c) >= 0 || strings.IndexByte(extra, c) >= 0:
		case c == '%' && i+2 < len(s) && hex(s[i+1]) && hex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func hex(c byte) bool { return digit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// versionOf reads a decimal and reports whether it is 1.1 or 1.2.
func versionOf(s string) (version int, isDecimal bool) {
	v := collapse(s)
	negative := strings.HasPrefix(v, "-")
	if negative || strings.HasPrefix(v, "+") {
		v = v[1:]
	}

	whole, part, dot := strings.Cut(v, ".")
	for _, d := range whole + part {
		if d < '0' || d > '9' {
			return 0, false
		}
	}

	if whole+part == "" || dot && part == "" && whole == "" || len(whole) > 24 || len(part) > 24 {
		return 0, false
	}

	whole, part = strings.TrimLeft(whole, "0"), strings.TrimRight(part, "0")
	switch {
	case negative || whole != "1":
		return 0, true
	case part == "1":
		return 11, true
	case part == "2":
		return 12, true
	}

	return 0, true
}
