package memo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

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

	return map[string]string{
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
