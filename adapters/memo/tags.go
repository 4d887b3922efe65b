package memo

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// startTag reads a start tag, whose '<' is next, and gives its name, its attributes but for namespace declarations, and
// whether it is an empty-element tag.
func (l *lexer) startTag() (name qname, attrs []attr, empty bool, err error) {
	if _, err := l.need(1); err != nil {
		return name, nil, false, err
	}
	l.i++
	raw, err := l.tagBytes()
	if err != nil {
		return name, nil, false, err
	}
	if raw, empty = bytes.CutSuffix(raw, []byte("/")); len(raw) == 0 {
		return name, nil, false, l.fail("a tag has no name")
	}
	if err := l.validChars(raw); err != nil {
		return name, nil, false, err
	}

	s := string(raw)
	end := strings.IndexAny(s, " \t\r\n")
	if end < 0 {
		end = len(s)
	}
	label := s[:end]
	if !isName(label) {
		return name, nil, false, l.fail("a tag has no proper name")
	}
	list, declared, err := l.attributes(s[end:])
	if err == nil {
		err = l.count(1 + len(list))
	}
	if err != nil {
		return name, nil, false, err
	}
	if len(l.stack) == maxNesting {
		return name, nil, false, l.fail("elements are nested deeper than %d", maxNesting)
	}

	// Only now: names of the element itself are of the namespaces that it declares.
	l.push(label, declared)
	name, _ = l.resolve(label, true)
	hashes := make([]uint64, 0, len(list))
	for _, a := range list {
		if a.name == "xmlns" || strings.HasPrefix(a.name, "xmlns:") {
			continue
		}
		q, hash := l.resolve(a.name, false)
		for i, other := range attrs {
			if hashes[i] == hash && other.name == q {
				return name, nil, false, l.fail("attribute %.64s stands twice", a.name)
			}
		}
		attrs, hashes = append(attrs, attr{q, a.value}), append(hashes, hash)
	}
	if empty {
		l.pop()
	}
	return name, attrs, empty, nil
}

type rawAttr struct{ name, value string }

// attributes reads what stands behind the name in a start tag: all attributes as they are written, and the namespaces
// that are declared among them.
func (l *lexer) attributes(s string) (list []rawAttr, declared []binding, err error) {
	for {
		t := strings.TrimLeft(s, " \t\r\n")
		if t == "" {
			return list, declared, nil
		}
		if t == s {
			return nil, nil, l.fail("attributes must be separated by white space")
		}
		n, rest, ok := strings.Cut(t, "=")
		n = strings.TrimRight(n, " \t\r\n")
		rest = strings.TrimLeft(rest, " \t\r\n")
		if !ok || !isName(n) || rest == "" || rest[0] != '"' && rest[0] != '\'' {
			return nil, nil, l.fail("an attribute is not of the form name=\"value\"")
		}
		q := strings.IndexByte(rest[1:], rest[0])
		if q < 0 {
			return nil, nil, l.fail("an attribute's value does not end")
		}
		value, err := l.unescape(rest[1:1+q], true)
		if err != nil {
			return nil, nil, err
		}
		s = rest[q+2:]

		if len(list) == maxAttrs {
			return nil, nil, l.fail("a tag has more than %d attributes", maxAttrs)
		}
		for _, other := range list {
			if other.name == n {
				return nil, nil, l.fail("attribute %.64s stands twice", n)
			}
		}
		list = append(list, rawAttr{n, value})

		if n == "xmlns" || strings.HasPrefix(n, "xmlns:") {
			prefix := strings.TrimPrefix(strings.TrimPrefix(n, "xmlns"), ":")
			if prefix == "xmlns" {
				return nil, nil, l.fail("prefix %.64s may not be declared so", prefix)
			}
			declared = append(declared, binding{prefix, space{value, maphash.String(l.seed, value)}, true})
		}
	}
}

// tagBytes consumes through the '>' that ends a tag; one within quotes does not.
func (l *lexer) tagBytes() ([]byte, error) {
	l.tag = l.tag[:0]
	quote := byte(0)
	for {
		n, err := l.need(1)
		if err != nil {
			return nil, err
		}

		if n == 0 {
			return nil, l.fail("a tag does not end")
		}

		for ; l.i < l.n; l.i++ {
			c := l.buf[l.i]
			switch {
			case quote == 0 && c == '>':
				l.i++
				return l.tag, nil
			case c == '<':
				return nil, l.fail("< stands within a tag")
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case c == quote:
				quote = 0
			}
			if l.tag = append(l.tag, c); len(l.tag) > maxTag {
				return nil, l.fail("a tag is longer than %d bytes", maxTag)
			}
		}
	}
}

// endTag reads an end tag, whose "</" is next.
func (l *lexer) endTag() error {
	l.i += 2
	b, err := l.until(">", maxTag, "an end tag")
	if err != nil {
		return err
	}
	name := strings.TrimRight(string(b), " \t\r\n")
	if len(l.stack) == 0 || l.stack[len(l.stack)-1].name != name {
		return l.fail("an end tag is not that of the element that is open")
	}
	l.pop()
	return nil
}

// push opens an element with the namespaces that it declares.
func (l *lexer) push(name string, declared []binding) {
	o := open{name: name}
	for _, d := range declared {
		outer, there := l.scope[d.prefix]
		o.outer = append(o.outer, binding{d.prefix, outer, there})
		l.scope[d.prefix] = d.space
	}
	l.stack = append(l.stack, o)
}

// pop closes the innermost element: what its declarations hid is in force again.
func (l *lexer) pop() {
	last := len(l.stack) - 1
	for _, b := range slices.Backward(l.stack[last].outer) {
		if b.declared {
			l.scope[b.prefix] = b.space
		} else {
			delete(l.scope, b.prefix)
		}
	}
	l.stack = l.stack[:last]
}

// resolve returns a name with its namespace, and the namespace's hash. An unknown prefix stays in the name, which then
// is none that is known.
func (l *lexer) resolve(name string, element bool) (qname, uint64) {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		if prefix, local = "", name; !element {
			return qname{"", name}, 0
		}
	}

	if prefix == "xml" {
		return qname{"http://www.w3.org/XML/1998/namespace", local}, 1
	}

	if space, ok := l.scope[prefix]; ok {
		return qname{space.uri, local}, space.hash
	}

	return qname{"", name}, 0
}

// isName reports whether s can be a name of an element or attribute: with at most one colon, which stands between two
// names (Namespaces in XML 1.0, QName).
func isName(s string) bool {
	prefix, local, two := strings.Cut(s, ":")
	return isPart(prefix) && (!two || isPart(local))
}

// isPart reports whether s is a name without colon (NCName).
func isPart(s string) bool {
	for i, r := range s {
		if !begins(r) && (i == 0 || !goesOn(r)) {
			return false
		}
	}

	return s != ""
}

// begins reports whether a name may begin with r (XML 1.0, NameStartChar).
func begins(r rune) bool {
	if r < utf8.RuneSelf {
		return r|0x20 >= 'a' && r|0x20 <= 'z' || r == '_'
	}

	return unicode.Is(nameStart, r)
}

// goesOn reports whether r may stand within a name, beside what begins one (XML 1.0, NameChar).
func goesOn(r rune) bool {
	return r >= '0' && r <= '9' || r == '-' || r == '.' || r == 0xB7 || r >= 0x300 && r <= 0x36F ||
		r == 0x203F || r == 0x2040
}

// nameStart is what a name may begin with beyond ASCII.
var nameStart = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0xC0, Hi: 0xD6, Stride: 1}, {Lo: 0xD8, Hi: 0xF6, Stride: 1}, {Lo: 0xF8, Hi: 0x2FF, Stride: 1},
		{Lo: 0x370, Hi: 0x37D, Stride: 1}, {Lo: 0x37F, Hi: 0x1FFF, Stride: 1}, {Lo: 0x200C, Hi: 0x200D, Stride: 1},
		{Lo: 0x2070, Hi: 0x218F, Stride: 1}, {Lo: 0x2C00, Hi: 0x2FEF, Stride: 1},
		{Lo: 0x3001, Hi: 0xD7FF, Stride: 1},
		{Lo: 0xF900, Hi: 0xFDCF, Stride: 1}, {Lo: 0xFDF0, Hi: 0xFFFD, Stride: 1},
	},
	R32:         []unicode.Range32{{Lo: 0x10000, Hi: 0xEFFFF, Stride: 1}},
	LatinOffset: 2,
}
