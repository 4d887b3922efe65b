// Package memo reads MeMo, the XML in which Danish public post travels, versions 1.1 and 1.2, and knows the business
// rules for it.
//
// Its verdict on form is that of the official schema (format.go states it), as a reader of one pass that holds no
// document in memory. It is stricter in this only: DOCTYPE, any root but Message and other versions are refused, and so
// is what is beyond the limits here and in the lexer.
package memo

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"digitalpost/domain"
)

// Limits of a MeMo beyond those of its schema.
const (
	MaxLength  = 99_500_000 // bytes of the whole: 99.5 MB
	maxNodes   = 20_000     // elements of the outline
	maxOutline = 2 << 20    // bytes of text in the outline
	maxErrors  = 20         // errors that are listed
)

// ErrTooLarge says that a MeMo is longer than MaxLength.
var ErrTooLarge = errors.New("memo: too large")

// Limit returns a reader of r that fails with ErrTooLarge beyond MaxLength bytes.
func Limit(r io.Reader) io.Reader { return &limited{r, MaxLength} }

type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p[:min(int64(len(p)), l.left+1)])
	if l.left -= int64(n); l.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

// A FieldError is a rule that an element breaks.
type FieldError struct {
	Path string // elements from the root, parted by '/'
	Code string // dotted lower case
	Rule string // in words, without the value: what was sent may be personal
}

// A FormError says that a MeMo is not of the format. It holds one error at least.
type FormError struct{ Errors []FieldError }

func (e *FormError) Error() string {
	return fmt.Sprintf("memo: %s: %s (%d errors)", e.Errors[0].Path, e.Errors[0].Rule, len(e.Errors))
}

// Codes of errors of form; all are of our own making.
const (
	CodeNotWellFormed = "memo.not.well.formed"
	CodeVersion       = "memo.version.not.supported"
	CodeUnexpected    = "memo.element.not.allowed"
	CodeMissing       = "memo.element.missing"
	CodeValue         = "memo.value.not.valid"
	CodeAttribute     = "memo.attribute.not.valid"
	CodeTooMany       = "memo.too.many.elements"
)

// A Node is an element of a MeMo's outline: all of it but its files' bytes.
type Node struct {
	Name     string  `cbor:"1,keyasint"` // with the format's prefix, if not of the MeMo's own namespace
	Text     string  `cbor:"2,keyasint,omitempty"`
	Children []*Node `cbor:"3,keyasint,omitempty"`
	File     *Extent `cbor:"4,keyasint,omitempty"` // of a content element
	Key      string  `cbor:"5,keyasint,omitempty"` // of a draft's document or file: its name there for good
}

// An Extent is where a file's base64 lies in the MeMo.
type Extent struct {
	Start int64   `cbor:"1,keyasint"` // byte offset of its first character
	End   int64   `cbor:"2,keyasint"`
	Size  int64   `cbor:"3,keyasint"`           // bytes of the file
	Plain bool    `cbor:"4,keyasint,omitempty"` // nothing but base64 and white space stands there
	Dense bool    `cbor:"5,keyasint,omitempty"` // not even white space
	Marks []int64 `cbor:"6,keyasint,omitempty"` // of a plain one that is not dense: where every 65,536th character is
}

const markEvery = 65536

// A Message is a MeMo that is of the format.
type Message struct {
	Version  int    `cbor:"1,keyasint"`           // 11 or 12
	Encoding string `cbor:"2,keyasint,omitempty"` // empty for UTF-8; offsets count bytes of UTF-8 in any case
	Root     *Node  `cbor:"3,keyasint"`
}

// Child returns the first child of a name, nil if there is none; also on a nil node.
func (n *Node) Child(name string) *Node {
	if n == nil {
		return nil
	}
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// All returns the children of a name.
func (n *Node) All(name string) (out []*Node) {
	if n == nil {
		return nil
	}
	for _, c := range n.Children {
		if c.Name == name {
			out = append(out, c)
		}
	}
	return out
}

// Get returns the text of the element at a path, empty if it is not there.
func (n *Node) Get(path ...string) string {
	for _, p := range path {
		n = n.Child(p)
	}
	if n == nil {
		return ""
	}
	return n.Text
}

// Header returns the message header.
func (m *Message) Header() *Node { return m.Root.Child("MessageHeader") }

// UUID returns the header's messageUUID.
func (m *Message) UUID() domain.UUID {
	id, err := domain.ParseUUID(m.Header().Get("messageUUID"))
	if err != nil {
		return domain.UUID{}
	}
	return id
}

// Recipient returns whom the message is for, and reports whether that is a company, by its CVR number.
func (m *Message) Recipient() (number string, company bool) {
	to := m.Header().Child("Recipient")
	return to.Get("recipientID"), strings.EqualFold(to.Get("idType"), "CVR")
}

// Documents returns the documents of the body, the main one first.
func (m *Message) Documents() (docs []*Node) {
	body := m.Root.Child("MessageBody")
	for _, name := range []string{"MainDocument", "AdditionalDocument", "TechnicalDocument"} {
		docs = append(docs, body.All(name)...)
	}
	return docs
}

// Kind returns NGDP's messageType.
func (m *Message) Kind() string {
	switch h := m.Header(); {
	case h.Get("legalNotification") == "true":
		return "LEGAL_NOTIFICATION"
	case h.Get("mandatory") == "true":
		return "MANDATORY"
	}
	return "REGULAR"
}

// IsNemSMS reports whether it is a text message, whose text is its notification.
func (m *Message) IsNemSMS() bool { return m.Header().Get("messageType") == "NEMSMS" }
