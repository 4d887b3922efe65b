package memo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

type reader struct {
	l      *lexer
	msg    *Message
	errors []FieldError
	path   []string
	nodes  int
	text   int
}

// Read reads a MeMo to its end, in one pass; of its files' bytes it holds none. It returns a *FormError if it is not of
// the format, and r's own error if r fails.
func Read(r io.Reader) (*Message, error) {
	in, encoding, err := decoded(r)
	if err == nil {
		rd := &reader{l: newLexer(in), msg: &Message{Encoding: encoding}}
		if err = rd.document(); err == nil && len(rd.errors) == 0 {
			return rd.msg, nil
		}
		var syntax *SyntaxError
		if err == nil || errors.Is(err, errEnough) {
			return nil, &FormError{rd.errors}
		}
		if errors.As(err, &syntax) {
			rule := fmt.Sprintf("byte %d: %s", syntax.Offset, syntax.Rule)
			return nil, &FormError{append(rd.errors, FieldError{Path: rd.at(), Code: CodeNotWellFormed, Rule: rule})}
		}
		return nil, err
	}

	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		return nil, &FormError{[]FieldError{{Path: "", Code: CodeNotWellFormed, Rule: syntax.Rule}}}
	}

	return nil, err
}

var errEnough = errors.New("memo: too many errors")

func (r *reader) at() string { return strings.Join(r.path, "/") }

// report notes that the element that is open breaks a rule, or with a name its child or attribute of that name. It
// returns errEnough when no more are noted.
func (r *reader) report(name, code, rule string) error {
	path := r.at()
	if name != "" {
		path = strings.TrimPrefix(path+"/"+name, "/")
	}
	if r.errors = append(r.errors, FieldError{Path: path, Code: code, Rule: rule}); len(r.errors) >= maxErrors {
		return errEnough
	}
	return nil
}

// document reads prologue, root element and what follows it.
func (r *reader) document() error {
	l := r.l
	if is, err := l.has("\xEF\xBB\xBF"); err != nil {
		return err
	} else if is {
		l.i += 3
	}

	if err := r.declaration(); err != nil {
		return err
	}

	for seen := false; ; {
		n, err := l.need(9)
		if err != nil {
			return err
		}

		if n == 0 {
			if !seen {
				return l.fail("there is no root element")
			}
			return nil
		}

		b := l.buf[l.i:l.n]
		switch {
		case strings.IndexByte(" \t\r\n", b[0]) >= 0:
			l.i++
		case bytes.HasPrefix(b, []byte("<!DOCTYPE")):
			return l.fail("DOCTYPE is not accepted")
		case b[0] != '<':
			return l.fail("text stands outside of the root element")
		case n > 1 && (b[1] == '!' || b[1] == '?'):
			if skipped, err := l.skipMisc(); err != nil || !skipped {
				return errors.Join(err, l.fail("<! begins nothing that is known"))
			}
		case seen:
			return l.fail("a second element follows the root element")
		default:
			seen = true
			if err := r.root(); err != nil {
				return err
			}
		}
	}
}

const encodingChars = "0123456789-._abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// declaration reads the XML declaration, if there is one.
func (r *reader) declaration() error {
	l := r.l
	is, err := l.has("<?xml")
	if err != nil || !is {
		return err
	}
	if n, err := l.need(6); err != nil || n < 6 || !strings.ContainsRune(" \t\r\n", rune(l.buf[l.i+5])) {
		return err // another processing instruction
	}
	l.i += 5
	b, err := l.until("?>", 1024, "the XML declaration")
	if err != nil {
		return err
	}

	s := string(b)
	for i, want := range []string{"version", "encoding", "standalone"} {
		t := strings.TrimLeft(s, " \t\r\n")
		name, rest, ok := strings.Cut(t, "=")
		if strings.TrimRight(name, " \t\r\n") != want {
			if i == 0 {
				return l.fail("the XML declaration names no version")
			}
			continue
		}
		rest = strings.TrimLeft(rest, " \t\r\n")
		if !ok || t == s || rest == "" || rest[0] != '"' && rest[0] != '\'' {
			return l.fail("the XML declaration is not of its form")
		}
		value, after, ok := strings.Cut(rest[1:], rest[:1])
		good := ok && value != ""
		switch want {
		case "version":
			good = good && len(value) > 2 && value[:2] == "1." && strings.Trim(value[2:], "0123456789") == ""
		case "encoding":
			good = good && letters(value[:1]) && strings.Trim(value, encodingChars) == ""
		case "standalone":
			good = value == "yes" || value == "no"
		}
		if !good {
			return l.fail("the XML declaration is not of its form")
		}
		s = after
	}
	if strings.Trim(s, " \t\r\n") != "" {
		return l.fail("the XML declaration is not of its form")
	}
	return nil
}

// root reads the root element. Without its version nothing else can be judged.
func (r *reader) root() error {
	name, attrs, empty, err := r.l.startTag()
	if err != nil {
		return err
	}
	if name != (qname{namespaces[""], "Message"}) {
		r.report("", CodeUnexpected, "the root element must be Message of "+namespaces[""])
		return errEnough
	}

	r.path = append(r.path, "Message")
	memoSch := false
	for _, a := range attrs {
		switch a.name {
		case qname{"", "memoVersion"}:
			version, ok := versionOf(a.value)
			if r.msg.Version = version; !ok {
				r.report("@memoVersion", CodeAttribute, "must be a decimal number")
				return errEnough
			}
			if version == 0 {
				r.report("@memoVersion", CodeVersion, "must be 1.1 or 1.2")
				return errEnough
			}
		case qname{"", "memoSchVersion"}:
			memoSch = true
			if _, rule := check("text", a.value); rule != "" {
				if err := r.report("@memoSchVersion", CodeAttribute, rule); err != nil {
					return err
				}
			}
		default:
			if err := r.xsi(a, ""); err != nil {
				return err
			}
		}
	}

	switch {
	case r.msg.Version == 0:
		r.report("@memoVersion", CodeAttribute, "is required")
		return errEnough
	case r.msg.Version == 11 && !memoSch:
		err = r.report("@memoSchVersion", CodeAttribute, "is required in 1.1")
	case r.msg.Version == 12 && memoSch:
		err = r.report("@memoSchVersion", CodeAttribute, "is not allowed in 1.2")
	}
	if err != nil {
		return err
	}

	r.msg.Root = &Node{Name: "Message"}
	return r.content(r.msg.Root, name, empty)
}

// xsi judges an attribute that the format does not name: only those of the schema instance namespace are allowed.
func (r *reader) xsi(a attr, typ string) error {
	switch a.name {
	case qname{xsiNamespace, "schemaLocation"}, qname{xsiNamespace, "noNamespaceSchemaLocation"}:
		return nil
	case qname{xsiNamespace, "type"}:
		if name, _ := r.l.resolve(strings.TrimSpace(a.value), true); typ != "" && name == schemaTypes[typ] {
			return nil
		}
	}
	return r.report("@"+a.name.local, CodeAttribute, "is not allowed here")
}
