package memo

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A sequence is a walk along the particles of an element, one child after another.
type sequence struct {
	version   int
	particles []particle
	i, count  int // the particle that the last child was of, and how many it has had
}

// least is how many children of a particle there must be.
func (s *sequence) least(p particle) int {
	switch {
	case s.version == V12:
		return p.min12
	case p.only12:
		return 0
	}
	return p.min
}

// take returns the particle that a child is of, and which of its names the child has; nil if none may follow here.
func (s *sequence) take(child qname) (p *particle, which int) {
	c := s.count
	for i := s.i; i < len(s.particles); i++ {
		p := &s.particles[i]
		if (s.version == V12 || !p.only12) && c < p.max {
			if which := slices.Index(p.names, child); which >= 0 {
				s.i, s.count = i, c+1
				return p, which
			}
		}

		if c < s.least(*p) {
			return nil, 0 // it can't be passed over
		}

		c = 0
	}

	return nil, 0
}

// content reads the children of an element with a line of its own in the format, through its end tag.
func (r *reader) content(n *Node, name qname, empty bool) error {
	s := sequence{version: r.msg.Version, particles: elements[name]}
	if empty {
		return r.missing(&s)
	}

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
			if err := r.missing(&s); err != nil {
				return err
			}
			return r.l.endTag()
		}

		if n, _ := r.l.need(1); n == 0 {
			return r.l.fail("an element does not end")
		}

		if err := r.child(n, &s); err != nil {
			return err
		}
	}
}

// child reads one child of an element, whose start tag is next, and adds it to n. One that may not stand here is
// skipped.
func (r *reader) child(n *Node, s *sequence) error {
	depth := len(r.l.stack)
	name, attrs, empty, err := r.l.startTag()
	if err != nil {
		return err
	}
	if r.nodes++; r.nodes > maxNodes {
		r.report(name.local, CodeTooMany, fmt.Sprintf("a MeMo may have at most %d elements", maxNodes))
		return errEnough
	}

	p, which := s.take(name)
	if p == nil {
		local := strings.ToValidUTF8(fmt.Sprintf("%.64s", name.local), "?")
		if err := r.report(local, CodeUnexpected, "is not allowed here"); err != nil || empty {
			return err
		}
		return r.skip(depth)
	}

	typ := p.types[which]
	node := &Node{Name: prefixOf(name.space) + name.local}
	n.Children = append(n.Children, node)
	r.path = append(r.path, node.Name)
	for _, a := range attrs {
		if err := r.xsi(a, typ); err != nil {
			return err
		}
	}
	switch typ {
	case "":
		err = r.content(node, name, empty)
	case "base64":
		err = r.file(node, empty, depth)
	default:
		err = r.simple(node, typ, empty, depth)
	}
	if err != nil {
		return err
	}
	r.path = r.path[:len(r.path)-1]
	return nil
}

// missing reports the particles that should have followed.
func (r *reader) missing(s *sequence) error {
	for ; s.i < len(s.particles); s.i++ {
		if p := s.particles[s.i]; s.count < s.least(p) {
			name := prefixOf(p.names[0].space) + p.names[0].local
			if err := r.report(name, CodeMissing, "is required here"); err != nil {
				return err
			}
		}
		s.count = 0
	}
	return nil
}

const maxSimple = 64 << 10 // bytes of a simple element's text, white space around it included

// simple reads the text of an element of a simple type, through its end tag.
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

// file reads base64 and notes where it lies; nothing of it is kept.
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
