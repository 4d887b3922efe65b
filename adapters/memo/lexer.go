package memo

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
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
	maxMarks   = 100_000 // tags, attributes, comments and processing instructions, with those that are skipped
)

// A lexer splits XML 1.0 into tags and text, in a window of fixed size: whatever the input, it holds no more of it. It
// knows where each thing lies. One goroutine uses it.
type lexer struct {
	r     io.Reader
	buf   []byte
	i, n  int   // the window's unread part is buf[i:n]
	base  int64 // offset of buf[0]
	eof   bool
	stack []open           // elements that are open
	scope map[string]space // namespaces in force, by prefix
	seed  maphash.Seed
	marks int    // how many have been read
	tag   []byte // scratch
}

// An open is an element whose end tag is still to come.
type open struct {
	name  string
	outer []binding // what its own declarations hide
}

// A binding is a prefix with its namespace, if one is declared.
type binding struct {
	prefix   string
	space    space
	declared bool
}

// A space is a namespace. Its hash, which nobody can foretell, tells two apart whatever their length.
type space struct {
	uri  string
	hash uint64
}

type attr struct {
	name  qname
	value string
}

func newLexer(r io.Reader) *lexer {
	return &lexer{r: r, buf: make([]byte, 64<<10), scope: map[string]space{}, seed: maphash.MakeSeed()}
}

func (l *lexer) offset() int64 { return l.base + int64(l.i) }

func (l *lexer) fail(format string, args ...any) error {
	return &SyntaxError{Offset: l.offset(), Rule: fmt.Sprintf(format, args...)}
}

// count refuses more marks than a MeMo may have: what each costs is bounded, so that all together are.
func (l *lexer) count(n int) error {
	if l.marks += n; l.marks > maxMarks {
		return l.fail("there are more than %d tags, attributes, comments and processing instructions", maxMarks)
	}

	return nil
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

// has reports whether s is next.
func (l *lexer) has(s string) (bool, error) {
	n, err := l.need(len(s))
	return n >= len(s) && string(l.buf[l.i:l.i+len(s)]) == s, err
}

// until consumes through the end mark and hands on what stands before it, at most limit bytes of it if limit is not 0.
func (l *lexer) until(end string, limit int, what string) ([]byte, error) {
	l.tag = l.tag[:0]
	ahead := len(end)
	if limit == 0 {
		ahead += utf8.UTFMax // so that there is a whole character
	}
	for total := 0; ; {
		n, err := l.need(ahead)
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
		if limit == 0 {
			k = whole(b, k)
		}
		total += k
		if limit > 0 && total > limit {
			return nil, l.fail("%s is longer than %d bytes", what, limit)
		}

		if limit > 0 {
			l.tag = append(l.tag, b[:k]...)
		} else if err := l.validChars(b[:k]); err != nil {
			return nil, err
		}

		l.i += k
	}
}

// whole gives the most of the first k bytes of b, of which there are more, that ends with a whole character, if its
// end is one of UTF-8.
func whole(b []byte, k int) int {
	for back := range min(utf8.UTFMax, k) {
		if utf8.RuneStart(b[k-back]) {
			return k - back
		}
	}

	return k
}

// validChars refuses bytes that are no XML characters.
func (l *lexer) validChars(b []byte) error {
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
			return l.fail("the bytes are not UTF-8")
		}

		if r == 0xFFFE || r == 0xFFFF {
			return l.fail("character %U is not allowed in XML", r)
		}

		i += size
	}

	return nil
}

// skipMisc skips a comment or a processing instruction, if one is next, and reports whether one was.
func (l *lexer) skipMisc() (bool, error) {
	if is, err := l.has("<!--"); err != nil || is {
		if err != nil {
			return false, err
		}
		l.i += 4
		if err := l.count(1); err != nil {
			return true, err
		}
		b, err := l.until("--", 0, "a comment")
		if err == nil {
			err = l.validChars(b)
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
	if err := l.count(1); err != nil {
		return true, err
	}
	b, err := l.until("?>", maxTag, "a processing instruction")
	if err != nil {
		return true, err
	}
	if err := l.validChars(b); err != nil {
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
