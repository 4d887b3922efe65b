package memo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A SyntaxError says that the bytes are not well-formed XML, or use what is refused: DOCTYPE, entities of one's own, an
// unknown encoding.
type SyntaxError struct {
	Offset int64 // byte offset
	Rule   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("memo: byte %d: %s", e.Offset, e.Rule) }

// Limits on what a stranger may send inside tags. Text is bounded by its type, documents by the size of the whole.
const (
	maxTag     = 64 << 10 // bytes of one tag
	maxAttrs   = 64
	maxNesting = 256
)

// A lexer splits XML 1.0 into tags and text, in a window of fixed size. It knows where each thing lies.
type lexer struct {
	r     io.Reader
	buf   []byte
	i, n  int   // the window's unread part is buf[i:n]
	base  int64 // offset of buf[0]
	eof   bool
	stack []open // elements that are open
	tag   []byte // scratch
}

type open struct {
	name string
	ns   map[string]string // declarations of this element, nil for none
}

type attr struct {
	name  qname
	value string
}

func newLexer(r io.Reader) *lexer { return &lexer{r: r, buf: make([]byte, 64<<10)} }

func (l *lexer) offset() int64 { return l.base + int64(l.i) }

func (l *lexer) fail(format string, args ...any) error {
	return &SyntaxError{Offset: l.offset(), Rule: fmt.Sprintf(format, args...)}
}

// need tries to have n bytes unread in the window, and returns how many there are.
func (l *lexer) need(n int) (int, error) {
	for l.n-l.i < n && !l.eof {
		if l.i > 0 {
			copy(l.buf, l.buf[l.i:l.n])
			l.base += int64(l.i)
			l.n -= l.i
			l.i = 0
		}
		m, err := l.r.Read(l.buf[l.n:])
		l.n += m
		if err == io.EOF {
			l.eof = true
		} else if err != nil {
			return 0, err
		}
	}
	return l.n - l.i, nil
}

func (l *lexer) has(s string) (bool, error) {
	n, err := l.need(len(s))
	return n >= len(s) && string(l.buf[l.i:l.i+len(s)]) == s, err
}

// until consumes through the end mark and hands on what stands before it, at most limit bytes of it if limit is not 0.
func (l *lexer) until(end string, limit int, what string) ([]byte, error) {
	l.tag = l.tag[:0]
	for total := 0; ; {
		n, err := l.need(len(end))
		if err != nil {
			return nil, err
		}
		if n < len(end) {
			return nil, l.fail("%s does not end", what)
		}
		b := l.buf[l.i:l.n]
		if j := bytes.Index(b, []byte(end)); j >= 0 {
			l.tag = append(l.tag, b[:j]...)
			if limit > 0 && total+j > limit {
				return nil, l.fail("%s is longer than %d bytes", what, limit)
			}
			l.i += j + len(end)
			return l.tag, nil
		}
		k := len(b) - len(end) + 1
		total += k
		if limit > 0 && total > limit {
			return nil, l.fail("%s is longer than %d bytes", what, limit)
		}
		if limit > 0 {
			l.tag = append(l.tag, b[:k]...)
		} else if err := l.validChars(b[:k], true); err != nil {
			return nil, err
		}
		l.i += k
	}
}

// validChars refuses bytes that are no XML characters. A character cut by the end of b is left to the next call where
// more says so.
func (l *lexer) validChars(b []byte, more bool) error {
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
				return l.fail("character %d is not allowed in XML", c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			if more && !utf8.FullRune(b[i:]) || more && i < 4 {
				i++
				continue
			}
			return l.fail("the bytes are not UTF-8")
		}
		if r == 0xFFFE || r == 0xFFFF {
			return l.fail("character %U is not allowed in XML", r)
		}
		i += size
	}
	return nil
}

// markup reads what begins with '<' and is neither a tag nor text: comments and processing instructions are skipped. It
// reports whether it read one.
func (l *lexer) skipMisc() (bool, error) {
	if is, err := l.has("<!--"); err != nil || is {
		if err != nil {
			return false, err
		}
		l.i += 4
		b, err := l.until("--", 0, "a comment")
		if err == nil {
			err = l.validChars(b, true)
		}
		if err != nil {
			return true, err
		}
		if is, err := l.has(">"); err != nil || !is {
			return true, errors.Join(err, l.fail("-- stands within a comment"))
		}
		l.i++
		return true, nil
	}
	if is, err := l.has("<?"); err != nil || !is {
		return false, err
	}
	l.i += 2
	b, err := l.until("?>", maxTag, "a processing instruction")
	if err != nil {
		return true, err
	}
	if err := l.validChars(b, false); err != nil {
		return true, err
	}
	target, _, _ := strings.Cut(strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, string(b)), " ")
	if !isName(target) || strings.EqualFold(target, "xml") {
		return true, l.fail("a processing instruction has no proper name")
	}
	return true, nil
}

// isName reports whether s can be a name; names beyond ASCII are taken as they are, since none is known here.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		ok := c >= utf8.RuneSelf || letters(s[i:i+1]) || c == '_' || c == ':' || i > 0 && (digit(c) || c == '-' || c == '.')
		if !ok {
			return false
		}
	}
	return s != ""
}

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
	if err := l.validChars(raw, false); err != nil {
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
	type rawAttr struct{ name, value string }
	var list []rawAttr
	ns := map[string]string(nil)
	for s = s[end:]; ; {
		t := strings.TrimLeft(s, " \t\r\n")
		if t == "" {
			break
		}
		if t == s {
			return name, nil, false, l.fail("attributes must be separated by white space")
		}
		n, rest, ok := strings.Cut(t, "=")
		n = strings.TrimRight(n, " \t\r\n")
		rest = strings.TrimLeft(rest, " \t\r\n")
		if !ok || !isName(n) || rest == "" || rest[0] != '"' && rest[0] != '\'' {
			return name, nil, false, l.fail("an attribute is not of the form name=\"value\"")
		}
		q := strings.IndexByte(rest[1:], rest[0])
		if q < 0 {
			return name, nil, false, l.fail("an attribute's value does not end")
		}
		value, err := l.unescape(rest[1:1+q], true)
		if err != nil {
			return name, nil, false, err
		}
		s = rest[q+2:]
		if len(list) == maxAttrs {
			return name, nil, false, l.fail("a tag has more than %d attributes", maxAttrs)
		}
		for _, other := range list {
			if other.name == n {
				return name, nil, false, l.fail("attribute %.64s stands twice", n)
			}
		}
		list = append(list, rawAttr{n, value})
		if n == "xmlns" || strings.HasPrefix(n, "xmlns:") {
			prefix := strings.TrimPrefix(strings.TrimPrefix(n, "xmlns"), ":")
			if ns == nil {
				ns = map[string]string{}
			}
			if prefix == "xmlns" {
				return name, nil, false, l.fail("prefix %.64s may not be declared so", prefix)
			}
			ns[prefix] = value
		}
	}
	if len(l.stack) == maxNesting {
		return name, nil, false, l.fail("elements are nested deeper than %d", maxNesting)
	}
	l.stack = append(l.stack, open{label, ns})
	name = l.resolve(label, true)
	for _, a := range list {
		if a.name == "xmlns" || strings.HasPrefix(a.name, "xmlns:") {
			continue
		}
		q := l.resolve(a.name, false)
		for _, other := range attrs {
			if other.name == q {
				return name, nil, false, l.fail("attribute %.64s stands twice", a.name)
			}
		}
		attrs = append(attrs, attr{q, a.value})
	}
	if empty {
		l.stack = l.stack[:len(l.stack)-1]
	}
	return name, attrs, empty, nil
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

// resolve gives a name with its namespace. An unknown prefix stays in the name, which then is none that is known.
func (l *lexer) resolve(name string, element bool) qname {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		if prefix, local = "", name; !element {
			return qname{"", name}
		}
	}
	if prefix == "xml" {
		return qname{"http://www.w3.org/XML/1998/namespace", local}
	}
	for i := len(l.stack) - 1; i >= 0; i-- {
		if space, ok := l.stack[i].ns[prefix]; ok {
			return qname{space, local}
		}
	}
	return qname{"", name}
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
	l.stack = l.stack[:len(l.stack)-1]
	return nil
}

// unescape replaces references, and white space in attributes by spaces.
func (l *lexer) unescape(s string, attribute bool) (string, error) {
	if attribute {
		s = strings.NewReplacer("\r\n", " ", "\t", " ", "\n", " ", "\r", " ").Replace(s)
	} else if strings.Contains(s, "\r") {
		s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	}
	if !strings.Contains(s, "&") {
		return s, nil
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "&")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		ref, rest, ok := strings.Cut(after, ";")
		r, known := referred(ref)
		if !ok || !known {
			return "", l.fail("& begins no reference that is known")
		}
		b.WriteRune(r)
		s = rest
	}
}

func referred(ref string) (rune, bool) {
	switch ref {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	num, ok := strings.CutPrefix(ref, "#")
	base := 10
	if h, is := strings.CutPrefix(num, "x"); is {
		num, base = h, 16
	}
	n, err := strconv.ParseUint(num, base, 32)
	if !ok || err != nil || len(num) > 16 || strings.HasPrefix(num, "+") {
		return 0, false
	}
	r := rune(n)
	valid := r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
	return r, valid && n <= 0x10FFFF
}

// A pieceKind says how a piece of text stands in the document.
type pieceKind uint8

const (
	plain     pieceKind = iota // as it is
	reference                  // by a reference
	cdata                      // in a CDATA section, whose beginning is a piece of its own, of no bytes
	aside                      // no text: a comment or processing instruction stood here
)

// text consumes text up to the next tag and hands it on in pieces.
func (l *lexer) text(piece func(b []byte, at int64, kind pieceKind) error) error {
	for more := true; more; {
		if err := l.pieces(piece, &more); err != nil {
			return err
		}
	}
	return nil
}

// pieces hands on the next pieces, those of one window at most but for a CDATA section, and reports whether more may
// follow.
func (l *lexer) pieces(piece func(b []byte, at int64, kind pieceKind) error, more *bool) error {
	*more = true
	{
		n, err := l.need(9)
		if err != nil {
			return err
		}
		if n == 0 {
			*more = false
			return nil
		}
		b := l.buf[l.i:l.n]
		switch {
		case b[0] == '<' && bytes.HasPrefix(b, []byte("<![CDATA[")):
			if len(l.stack) == 0 {
				return l.fail("text stands outside of the root element")
			}
			l.i += 9
			if err := piece(nil, l.offset(), cdata); err != nil {
				return err
			}
			if err := l.cdata(piece); err != nil {
				return err
			}
		case b[0] == '<':
			skipped, err := l.skipMisc()
			if err != nil || !skipped {
				*more = false
				return err
			}
			if err := piece(nil, l.offset(), aside); err != nil {
				return err
			}
		case b[0] == '&':
			j := bytes.IndexByte(b[:min(len(b), 32)], ';')
			if j < 0 {
				if n, err = l.need(32); err != nil {
					return err
				}
				b = l.buf[l.i : l.i+n]
				if j = bytes.IndexByte(b[:min(len(b), 32)], ';'); j < 0 {
					return l.fail("& begins no reference that is known")
				}
			}
			r, known := referred(string(b[1:j]))
			if !known {
				return l.fail("& begins no reference that is known")
			}
			at := l.offset()
			l.i += j + 1
			if err := piece([]byte(string(r)), at, reference); err != nil {
				return err
			}
		default:
			j := bytes.IndexAny(b, "<&")
			if j < 0 {
				j = len(b)
				if !l.eof { // keep back what may be cut: a character, "]]>", a line end
					j = max(1, j-4)
					for j > 1 && b[j]&0xC0 == 0x80 {
						j--
					}
				}
			}
			if bytes.Contains(b[:min(len(b), j+3)], []byte("]]>")) && bytes.Index(b, []byte("]]>")) < j {
				return l.fail("]]> stands in text")
			}
			if err := l.validChars(b[:j], false); err != nil {
				return err
			}
			at := l.offset()
			if err := piece(b[:j], at, plain); err != nil {
				return err
			}
			l.i += j
		}
	}
	return nil
}

func (l *lexer) cdata(piece func([]byte, int64, pieceKind) error) error {
	for {
		n, err := l.need(9)
		if err != nil {
			return err
		}
		if n < 3 {
			return l.fail("a CDATA section does not end")
		}
		b := l.buf[l.i:l.n]
		j := bytes.Index(b, []byte("]]>"))
		k := j
		if j < 0 {
			k = max(1, len(b)-6)
			for k > 1 && b[k]&0xC0 == 0x80 {
				k--
			}
		}
		if err := l.validChars(b[:k], false); err != nil {
			return err
		}
		if err := piece(b[:k], l.offset(), cdata); err != nil {
			return err
		}
		l.i += k
		if j >= 0 {
			l.i += 3
			return nil
		}
		if l.eof {
			return l.fail("a CDATA section does not end")
		}
	}
}
