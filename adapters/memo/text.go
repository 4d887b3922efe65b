package memo

import (
	"bytes"
	"strconv"
	"strings"
)

// A pieceKind says how a piece of text stands in the document.
type pieceKind uint8

const (
	plain     pieceKind = iota // as it is
	reference                  // by a reference
	cdata                      // in a CDATA section, whose beginning is a piece of its own, of no bytes
	aside                      // no text: a comment or processing instruction stood here
)

// A pieceFunc takes a piece of text that begins at a byte of the document. The bytes are the lexer's: they are good
// until it returns.
type pieceFunc func(b []byte, at int64, kind pieceKind) error

// text consumes text up to the next tag and hands it on in pieces.
func (l *lexer) text(piece pieceFunc) error {
	for {
		if more, err := l.pieces(piece); err != nil || !more {
			return err
		}
	}
}

// pieces hands on the next pieces, those of one window at most but for a CDATA section, and reports whether more may
// follow.
func (l *lexer) pieces(piece pieceFunc) (more bool, err error) {
	n, err := l.need(9)
	if err != nil || n == 0 {
		return false, err
	}

	b := l.buf[l.i:l.n]
	switch {
	case b[0] == '<' && bytes.HasPrefix(b, []byte("<![CDATA[")):
		return true, l.cdata(piece)
	case b[0] == '<':
		skipped, err := l.skipMisc()
		if err != nil || !skipped {
			return false, err
		}
		return true, piece(nil, l.offset(), aside)
	case b[0] == '&':
		return true, l.reference(b, piece)
	}

	return true, l.plain(b, piece)
}

// plain reads text as it is, from the window b through the next '<' or '&'.
func (l *lexer) plain(b []byte, piece pieceFunc) error {
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

	if err := l.validChars(b[:j]); err != nil {
		return err
	}

	if err := piece(b[:j], l.offset(), plain); err != nil {
		return err
	}

	l.i += j
	return nil
}

// reference reads a reference, whose '&' begins the window b.
func (l *lexer) reference(b []byte, piece pieceFunc) error {
	j := bytes.IndexByte(b[:min(len(b), 32)], ';')
	if j < 0 { // the window's end may cut it
		n, err := l.need(32)
		if err != nil {
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
	return piece([]byte(string(r)), at, reference)
}

// cdata reads a CDATA section, whose "<![CDATA[" is next.
func (l *lexer) cdata(piece pieceFunc) error {
	if len(l.stack) == 0 {
		return l.fail("text stands outside of the root element")
	}
	l.i += len("<![CDATA[")
	if err := piece(nil, l.offset(), cdata); err != nil {
		return err
	}

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
		if err := l.validChars(b[:k]); err != nil {
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

// referred returns the character of a reference: one of XML's five names, or a number of a character that XML allows.
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
	valid := r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
	return r, valid && n <= 0x10FFFF
}

// Line ends in an attribute are blanks; elsewhere there is one (XML 1.0, 2.11 and 3.3.3).
var (
	inAttribute = strings.NewReplacer("\r\n", " ", "\t", " ", "\n", " ", "\r", " ")
	lineEnds    = strings.NewReplacer("\r\n", "\n", "\r", "\n")
)

// unescape replaces references, and white space in attributes by spaces.
func (l *lexer) unescape(s string, attribute bool) (string, error) {
	if attribute {
		s = inAttribute.Replace(s)
	} else if strings.Contains(s, "\r") {
		s = lineEnds.Replace(s)
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
