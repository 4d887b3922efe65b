package memo

import (
	"bufio"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Versions of MeMo that can be read and written.
const (
	V11 = 11
	V12 = 12
)

// Write writes the MeMo as XML in a version, elements in the format's order whatever their order in the outline. What
// the version does not have is left out, what it asks for and is not there gets its default. The bytes of each file
// come from content, which is given the file's content element; they are read once, in order.
func (m *Message) Write(w io.Writer, version int, content func(*Node) (io.Reader, error)) error {
	out := &writer{w: bufio.NewWriterSize(w, 64<<10), version: version, content: content}
	out.text(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<memo:Message")
	for _, p := range slices.Sorted(maps.Keys(namespaces)) {
		prefix := p
		if p == "" {
			prefix = "memo"
		}
		out.text(" xmlns:" + prefix + `="` + namespaces[p] + `"`)
	}

	if version == V11 {
		out.text(` memoVersion="1.1" memoSchVersion="1.1.0">`)
	} else {
		out.text(` memoVersion="1.2">`)
	}

	out.children(m.Root, qname{namespaces[""], "Message"})
	out.text("</memo:Message>\n")
	if out.err != nil {
		return out.err
	}

	return out.w.Flush()
}

type writer struct {
	w       *bufio.Writer
	version int
	content func(*Node) (io.Reader, error)
	err     error // the first one; nothing is written after it
}

func (o *writer) text(s string) {
	if o.err == nil {
		_, o.err = o.w.WriteString(s)
	}
}

// children writes what an element holds.
func (o *writer) children(n *Node, q qname) {
	known := 0
	for _, p := range elements[q] {
		for i, name := range p.names {
			found := n.All(prefixOf(name.space) + name.local)
			if known += len(found); p.only12 && o.version == V11 {
				continue
			}

			if len(found) == 0 && p.types[i] == "default-false" && p.min > 0 && o.version == V11 {
				found = []*Node{{Text: "false"}}
			}

			for _, c := range found {
				o.element(c, name, p.types[i])
			}
		}
	}

	if known != len(n.Children) && o.err == nil {
		o.err = fmt.Errorf("memo: %s holds what the format does not have", q.local)
	}
}

func (o *writer) element(n *Node, q qname, kind string) {
	prefix := prefixOf(q.space)
	if prefix == "" {
		prefix = "memo:"
	}

	o.text("<" + prefix + q.local + ">")
	switch {
	case kind == "":
		o.children(n, q)
	case kind == "base64":
		o.file(n)
	case o.err == nil:
		o.err = xml.EscapeText(o.w, []byte(n.Text))
	}

	o.text("</" + prefix + q.local + ">")
}

func (o *writer) file(n *Node) {
	if o.err != nil {
		return
	}
	r, err := o.content(n)
	if err != nil {
		o.err = err
		return
	}
	enc := base64.NewEncoder(base64.StdEncoding, o.w)
	if _, o.err = io.Copy(enc, r); o.err == nil {
		o.err = enc.Close()
	}
}

// Text makes an element that holds text.
func Text(name, text string) *Node { return &Node{Name: name, Text: text} }

// Group makes an element that holds others; nil ones, and texts that are empty, are left out.
func Group(name string, children ...*Node) *Node {
	n := &Node{Name: name}
	for _, c := range children {
		if c != nil && (c.Text != "" || len(c.Children) > 0 || c.File != nil) {
			n.Children = append(n.Children, c)
		}
	}
	return n
}

// Set replaces the children of a name by those given.
func (n *Node) Set(name string, children ...*Node) {
	n.Children = slices.DeleteFunc(n.Children, func(c *Node) bool { return c.Name == name })
	n.Children = append(n.Children, children...)
}
