package memo_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"digitalpost/adapters/memo"
)

// shapes are MeMos of about n bytes, each of one kind of thing that a stranger may repeat.
func shapes(n int) map[string]string {
	const body = "<memo:MessageBody>"
	within := func(s string) string { return strings.Replace(full12, body, body+s, 1) }
	repeat := func(s string) string { return strings.Repeat(s, max(1, n/len(s))) }
	of := func(s string) string { return within("<x>" + repeat(s) + "</x>") }
	content := func(s string) string { return strings.Replace(full12, "VGhpcyBpcyBhIHRlc3Q=", s, 1) }

	var declared, attributes strings.Builder
	for i := range 60 {
		fmt.Fprintf(&declared, ` xmlns:p%d="u%d"`, i, i)
		fmt.Fprintf(&attributes, " a:p%d=''", i)
	}
	var deep strings.Builder
	for i := range 240 {
		fmt.Fprintf(&deep, "<x%s xmlns:q%d='u'>", declared.String(), i)
	}
	tag := "<y" + attributes.String() + "/>"
	lookups := "<x xmlns:a='u'>" + deep.String() + repeat(tag) + strings.Repeat("</x>", 241)

	var long, prefixed strings.Builder // namespaces that differ in their last bytes
	for i := range 60 {
		fmt.Fprintf(&long, "<x xmlns:p%d='%s%02d'>", i, strings.Repeat("u", 40_000), i)
		fmt.Fprintf(&prefixed, " p%d:a=''", i)
	}
	spaces := long.String() + strings.Repeat("<y"+prefixed.String()+"/>", min(1400, n/500)) + strings.Repeat("</x>", 60)

	return map[string]string{
		"long namespaces":  within(spaces),
		"document":         content(repeat("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2\n")),
		"document, &#13;":  content(repeat("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w&#13;\n")),
		"references":       of("&#65;"),
		"elements":         of("<a/>"),
		"elements, nested": of(strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200)),
		"comments":         of("<!---->"),
		"long comments":    of("<!--" + strings.Repeat("- ", 500) + "-->"),
		"instructions":     of("<?a?>"),
		"CDATA":            of("<![CDATA[]]>"),
		"brackets":         of("]]"),
		"attributes":       of(tag[:2] + strings.ReplaceAll(attributes.String(), ":", "") + "/>"),
		"namespaces":       within(lookups),
		"values":           of("<a b='" + strings.Repeat("&amp;", 10_000) + "'/>"),
	}
}

// What is skipped counts like what is kept: nothing costs much more for being repeated than a document of its length.
func TestWhatIsSkippedCounts(t *testing.T) {
	t.Parallel()
	all := shapes(2 << 20)
	refused := []string{"elements", "elements, nested", "comments", "instructions", "attributes", "namespaces"}
	for _, name := range refused {
		_, err := memo.Read(strings.NewReader(all[name]))
		var form *memo.FormError
		if !errors.As(err, &form) || !strings.Contains(fmt.Sprint(form.Errors), "more than 100000 tags, attributes") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"document", "document, &#13;"} {
		if _, err := memo.Read(strings.NewReader(all[name])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkShapes says how many times as long as a document of its length each shape takes.
func BenchmarkShapes(b *testing.B) {
	all := shapes(8 << 20)
	took := func(xml string) time.Duration {
		start := time.Now()
		_, _ = memo.Read(strings.NewReader(xml))
		return time.Since(start)
	}
	for name, xml := range all {
		b.Run(name, func(b *testing.B) {
			var it, document time.Duration
			for range b.N {
				document += took(all["document"])
				it += took(xml)
			}
			b.ReportMetric(float64(it)/float64(document), "documents")
		})
	}
}

// Declarations end with their element, whatever their prefix is and however often it is declared.
func TestDeclarationsEndWithTheirElement(t *testing.T) {
	t.Parallel()

	const inside = "<memo:MessageBody>"
	for _, x := range []struct {
		what, xml string
		taken     bool
	}{
		{"another namespace within, and the first again", "<x xmlns:memo='u'><memo:y/></x>", true},
		{"the same attribute of two prefixes", "<x xmlns:p='u' xmlns:q='u' p:a='' q:a=''/>", false},
		{"the same attribute of two namespaces", "<x xmlns:p='u' xmlns:q='v' p:a='' q:a=''/>", true},
		{"a prefix declared anew", "<x xmlns:p='u' xmlns:q='v'><x xmlns:p='v' p:a='' q:a=''/></x>", false},
		{"a prefix declared anew, ended", "<x xmlns:p='u' xmlns:q='v'><x xmlns:p='v'/><x p:a='' q:a=''/></x>", true},
		{"no prefix before the colon", "<:x/>", false},
		{"nothing behind the colon", "<x: />", false},
		{"a declaration of nothing", "<x xmlns:='u'/>", false},
		{"two colons", "<a:b:c/>", false},
		{"a prefix that is no name", "<x xmlns:-p='u'/>", false},
		{"a name that begins with no letter", "<?\u00D7?>", false},
		{"letters beyond ASCII", "<æøå\u0301 ø='' /><?ø?>", true},
		{"bytes that are no UTF-8", "<!--\xff\xff\xff\xff-->", false},
		{"a character that is cut", "<!--abcdefgh\xe2\x82-->", false},
		{"characters of all lengths", "<!--" + strings.Repeat("aæ\u2028\U0001F600", 40_000) + "-->", true},
	} {
		xml := strings.Replace(full12, inside, inside+"<x>"+x.xml+"</x>", 1)
		for _, r := range []io.Reader{strings.NewReader(xml), iotest.OneByteReader(strings.NewReader(xml))} {
			_, err := memo.Read(r)
			var form *memo.FormError
			if !errors.As(err, &form) { // an element that is not of the format, too
				t.Fatalf("%s: %v", x.what, err)
			}
			malformed := slices.ContainsFunc(form.Errors, func(e memo.FieldError) bool {
				return e.Code == memo.CodeNotWellFormed
			})
			if malformed == x.taken {
				t.Errorf("%s: %v", x.what, err)
			}
		}
	}
}

// Bytes that are no characters of the encoding that a MeMo names are refused, not replaced: what is kept is what was
// sent.
func TestBytesThatAreNoCharacters(t *testing.T) {
	t.Parallel()

	plain := full12[strings.Index(full12, "<memo:Message"):]
	text := func(encoding, comment string) string {
		return "<?xml version='1.0' encoding='" + encoding + "'?>" +
			strings.Replace(plain, "<memo:MessageBody>", "<memo:MessageBody><!--"+comment+"-->", 1)
	}
	for _, x := range []struct {
		what, xml string
		taken     bool
	}{
		{"windows-1252", text("windows-1252", "\xe6"), true},
		{"windows-1252 without meaning", text("windows-1252", "\x81"), false},
		{"Shift_JIS without meaning", text("Shift_JIS", "\xfd"), false},
		{"UTF-16", utf16Of(text("UTF-16", "\U0001F600")), true},
		{"half a pair of UTF-16", strings.Replace(utf16Of(text("UTF-16", "\u00e6")), "\xe6\x00", "\x00\xd8", 1), false},
	} {
		if _, err := memo.Read(strings.NewReader(x.xml)); (err == nil) != x.taken {
			t.Errorf("%s: %v", x.what, err)
		}
	}
}

// utf16Of gives text in UTF-16, the low byte first, with its mark.
func utf16Of(s string) string {
	b := []byte("\xff\xfe")
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}

	return string(b)
}
