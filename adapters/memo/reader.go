package memo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/transform"
)

type reader struct {
	l      *lexer
	msg    *Message
	errors []FieldError
	path   []string
	nodes  int
	text   int
}

// Read reads a MeMo to its end. It returns a *FormError if it is not of the format, and r's own error if r fails.
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
			return nil, &FormError{append(rd.errors, FieldError{Path: rd.at(), Code: CodeNotWellFormed, Rule: fmt.Sprintf("byte %d: %s", syntax.Offset, syntax.Rule)})}
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

// decoded reads the XML declaration and gives the document in UTF-8.
func decoded(r io.Reader) (io.Reader, string, error) {
	head := make([]byte, 1024)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, "", err
	}
	head = head[:n]
	all := io.MultiReader(bytes.NewReader(head), r)
	transcode := func(name string) (io.Reader, string, error) {
		enc, err := ianaindex.IANA.Encoding(name)
		if err != nil || enc == nil {
			return nil, "", &SyntaxError{Rule: "the encoding is not known"}
		}
		return transform.NewReader(all, enc.NewDecoder()), name, nil
	}
	switch {
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}), bytes.HasPrefix(head, []byte{0xFF, 0xFE}), bytes.HasPrefix(head, []byte{0, '<', 0, '?'}), bytes.HasPrefix(head, []byte{'<', 0, '?', 0}):
		name := "UTF-16"
		if head[0] == '<' {
			name = "UTF-16LE"
		} else if head[0] == 0 {
			name = "UTF-16BE"
		}
		return transcode(name)
	}
	body := bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF"))
	end := bytes.Index(body, []byte("?>"))
	if !bytes.HasPrefix(body, []byte("<?xml")) || end < 0 || len(body) < 6 || !strings.ContainsRune(" \t\r\n", rune(body[5])) {
		return all, "", nil
	}
	_, after, ok := bytes.Cut(body[:end], []byte("encoding"))
	if !ok {
		return all, "", nil
	}
	after = bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimLeft(after, " \t\r\n"), []byte("=")), " \t\r\n")
	if len(after) == 0 {
		return all, "", nil
	}
	name, _, _ := strings.Cut(string(after[1:]), string(after[:1]))
	switch strings.ToUpper(name) {
	case "UTF-8", "UTF8":
		return all, "", nil
	case "US-ASCII", "ASCII":
		return &asciiOnly{r: all}, "", nil
	case "UTF-16", "UTF-16LE", "UTF-16BE": // its own bytes say that it is not
		return all, "", nil
	}
	return transcode(name)
}

// asciiOnly refuses bytes beyond ASCII.
type asciiOnly struct{ r io.Reader }

func (a *asciiOnly) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	for _, c := range p[:n] {
		if c >= 0x80 {
			return 0, &SyntaxError{Rule: "the bytes are not US-ASCII"}
		}
	}
	return n, err
}

func (r *reader) at() string { return strings.Join(r.path, "/") }

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
			good = good && letters(value[:1]) && strings.Trim(value, "0123456789-._abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
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
	switch {
	case a.name == qname{xsiNamespace, "schemaLocation"}, a.name == qname{xsiNamespace, "noNamespaceSchemaLocation"}:
		return nil
	case a.name == qname{xsiNamespace, "type"} && typ != "" && r.l.resolve(strings.TrimSpace(a.value), true) == schemaTypes[typ]:
		return nil
	}
	return r.report("@"+a.name.local, CodeAttribute, "is not allowed here")
}

// content reads the children of an element with a line of its own in the format, through its end tag.
func (r *reader) content(n *Node, name qname, empty bool) error {
	particles := elements[name]
	i, count := 0, 0
	least := func(p particle) int {
		if r.msg.Version == 12 {
			return p.min12
		}
		return min(p.min, map[bool]int{true: 0, false: unboundedOccurs}[p.only12])
	}
	missing := func() error {
		for ; i < len(particles); i++ {
			if count < least(particles[i]) {
				if err := r.report(prefixOf(particles[i].names[0].space)+particles[i].names[0].local, CodeMissing, "is required here"); err != nil {
					return err
				}
			}
			count = 0
		}
		return nil
	}
	if empty {
		return missing()
	}
	depth := len(r.l.stack)
	for {
		err := r.l.text(func(b []byte, _ int64, kind pieceKind) error {
			if len(bytes.Trim(b, " \t\r\n")) > 0 || kind == cdata {
				return r.report("", CodeUnexpected, "text is not allowed here")
			}
			return nil
		})
		if err != nil {
			return err
		}
		if end, err := r.l.has("</"); err != nil {
			return err
		} else if end {
			if err := missing(); err != nil {
				return err
			}
			return r.l.endTag()
		}
		if n, _ := r.l.need(1); n == 0 {
			return r.l.fail("an element does not end")
		}
		child, attrs, empty, err := r.l.startTag()
		if err != nil {
			return err
		}
		if r.nodes++; r.nodes > maxNodes {
			r.report(child.local, CodeTooMany, fmt.Sprintf("a MeMo may have at most %d elements", maxNodes))
			return errEnough
		}
		p, which := i, -1
		c := count
		for ; p < len(particles) && which < 0; p++ {
			for k, q := range particles[p].names {
				if q == child && (r.msg.Version == 12 || !particles[p].only12) && c < particles[p].max {
					which = k
				}
			}
			if which >= 0 || c < least(particles[p]) {
				break
			}
			c = 0
		}
		if which < 0 {
			if err := r.report(strings.ToValidUTF8(fmt.Sprintf("%.64s", child.local), "?"), CodeUnexpected, "is not allowed here"); err != nil {
				return err
			}
			if !empty {
				if err := r.skip(depth); err != nil {
					return err
				}
			}
			continue
		}
		i, count = p, c+1
		typ := particles[p].types[which]
		label := prefixOf(child.space) + child.local
		node := &Node{Name: label}
		n.Children = append(n.Children, node)
		r.path = append(r.path, label)
		for _, a := range attrs {
			if err := r.xsi(a, typ); err != nil {
				return err
			}
		}
		switch {
		case typ == "":
			err = r.content(node, child, empty)
		case typ == "base64":
			err = r.file(node, empty, depth)
		default:
			err = r.simple(node, typ, empty, depth)
		}
		if err != nil {
			return err
		}
		r.path = r.path[:len(r.path)-1]
	}
}

// skip consumes what is left of an element of which depth elements are the ancestors.
func (r *reader) skip(depth int) error {
	for len(r.l.stack) > depth {
		if err := r.l.text(func([]byte, int64, pieceKind) error { return nil }); err != nil {
			return err
		}
		if end, err := r.l.has("</"); err != nil {
			return err
		} else if end {
			if err := r.l.endTag(); err != nil {
				return err
			}
			continue
		}
		if n, _ := r.l.need(1); n == 0 {
			return r.l.fail("an element does not end")
		}
		if _, _, _, err := r.l.startTag(); err != nil {
			return err
		}
	}
	return nil
}

// ends consumes the end tag of a simple element, or reports the element that stands in it.
func (r *reader) ends(depth int) error {
	if end, err := r.l.has("</"); err != nil || end {
		if err != nil {
			return err
		}
		return r.l.endTag()
	}
	if n, _ := r.l.need(1); n == 0 {
		return r.l.fail("an element does not end")
	}
	if err := r.report("", CodeUnexpected, "no element is allowed here"); err != nil {
		return err
	}
	return r.skip(depth)
}

const maxSimple = 64 << 10 // bytes of a simple element's text, white space around it included

func (r *reader) simple(n *Node, typ string, empty bool, depth int) error {
	var raw []byte
	nothing := true // no text at all, not even none of it in a CDATA section
	if !empty {
		cr := false
		err := r.l.text(func(b []byte, _ int64, kind pieceKind) error {
			nothing = nothing && kind == aside
			if len(raw)+len(b) > maxSimple {
				r.report("", CodeValue, fmt.Sprintf("must be at most %d bytes long", maxSimple))
				return errEnough
			}
			for _, c := range b {
				if kind == plain && cr && c == '\n' {
					cr = false
					continue
				}
				if cr = kind == plain && c == '\r'; cr {
					c = '\n'
				}
				raw = append(raw, c)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	value, rule := "false", ""
	if typ != "default-false" || !nothing { // an empty element has the default
		value, rule = check(typ, string(raw))
	}
	if r.text += len(value); r.text > maxOutline {
		r.report("", CodeTooMany, fmt.Sprintf("a MeMo may have at most %d bytes of text beside its files", maxOutline))
		return errEnough
	}
	if n.Text = value; rule != "" {
		if err := r.report("", CodeValue, rule); err != nil {
			return err
		}
	}
	if empty {
		return nil
	}
	return r.ends(depth)
}

// file reads base64 and notes where it lies.
func (r *reader) file(n *Node, empty bool, depth int) error {
	x := &Extent{Plain: true}
	n.File = x
	if empty {
		return nil
	}
	x.Start = r.l.offset()
	var b base64Check
	err := r.l.text(func(p []byte, at int64, kind pieceKind) error {
		x.Plain = x.Plain && kind == plain
		for i, c := range p {
			if b.chars%markEvery == 0 && b.chars > 0 && isBase64(c) && x.Plain {
				x.Marks = append(x.Marks, at+int64(i))
			}
			b.add(c)
		}
		return nil
	})
	if err != nil {
		return err
	}
	x.End = r.l.offset()
	x.Size = b.size()
	if !x.Plain {
		x.Marks = nil
	}
	if x.Dense = x.Plain && x.End-x.Start == b.chars; x.Dense {
		x.Marks = nil
	}
	if !b.valid() {
		if err := r.report("", CodeValue, "must be base64"); err != nil {
			return err
		}
	}
	return r.ends(depth)
}
