package memo

import (
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/transform"
)

// A base64Check judges base64 as the schema's reference reader does: what is no base64 character is passed over,
// padding stands in its place, no bits are left over.
type base64Check struct {
	chars int64 // of base64, padding included
	pad   int
	last  byte // value of the last character before padding
	bad   bool
}

var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	return t
}()

func isBase64(c byte) bool { return base64Value[c] != 0xFF || c == '=' }

func (b *base64Check) add(c byte) {
	switch v := base64Value[c]; {
	case v != 0xFF:
		b.bad = b.bad || b.pad > 0
		b.last = v
		b.chars++
	case c == '=':
		b.pad++
		b.chars++
	}
}

// valid reports whether what was added is base64.
func (b *base64Check) valid() bool {
	if b.bad || b.chars%4 != 0 {
		return false
	}
	return b.pad == 0 || b.pad == 1 && b.last&3 == 0 || b.pad == 2 && b.last&15 == 0
}

func (b *base64Check) size() int64 { return b.chars/4*3 - int64(b.pad) }

// Content returns the bytes of a file in a MeMo that lies in r, length bytes long. Where the file's base64 has nothing
// but white space in it, any range is read without what stands before it. One goroutine uses the reader that it
// returns.
func (m *Message) Content(r io.ReaderAt, length int64, x Extent) io.ReadSeeker {
	return io.NewSectionReader(&content{m: m, r: r, length: length, x: x}, 0, x.Size)
}

type content struct {
	m      *Message
	r      io.ReaderAt
	length int64
	x      Extent
	rest   io.Reader // a decoder that stands at byte at, for reading on
	at     int64
}

// ReadAt decodes from the nearest place before off that is known. One goroutine uses it.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	if off >= c.x.Size {
		return 0, io.EOF
	}

	if c.rest == nil || c.at != off {
		if err := c.seek(off); err != nil {
			return 0, err
		}
	}

	n, err := io.ReadFull(c.rest, p)
	c.at += int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}

	return n, err
}

// seek makes rest stand at byte off of the file. Base64 is decoded by quanta of four characters for three bytes, so it
// goes to the beginning of off's quantum, by the shortest way that is known.
func (c *content) seek(off int64) error {
	chars := off / 3 * 4
	var raw io.Reader
	var skip int64 // characters from raw's beginning to the quantum of off
	switch {
	case c.m.Encoding == "" && c.x.Dense:
		raw = io.NewSectionReader(c.r, c.x.Start+chars, c.x.End-c.x.Start-chars)
	case c.m.Encoding == "" && c.x.Plain:
		from := c.x.Start
		if k := chars / markEvery; k > 0 && int(k) <= len(c.x.Marks) {
			from, skip = c.x.Marks[k-1], chars-k*markEvery
		} else {
			skip = chars
		}
		raw = io.NewSectionReader(c.r, from, c.x.End-from)
	default:
		whole := io.Reader(io.NewSectionReader(c.r, 0, c.length))
		if c.m.Encoding != "" {
			enc, err := ianaindex.IANA.Encoding(c.m.Encoding)
			if err != nil || enc == nil {
				return errors.New("memo: the encoding is not known any more")
			}
			whole = transform.NewReader(whole, enc.NewDecoder())
		}
		if _, err := io.CopyN(io.Discard, whole, c.x.Start); err != nil {
			return err
		}
		text := io.LimitReader(whole, c.x.End-c.x.Start)
		element := io.MultiReader(strings.NewReader("<x>"), text, strings.NewReader("</x>"))
		raw, skip = &textOf{l: newLexer(element)}, chars
	}

	packed := &onlyBase64{r: raw}
	if _, err := io.CopyN(io.Discard, packed, skip); err != nil {
		return err
	}
	c.rest, c.at = base64.NewDecoder(base64.StdEncoding, packed), off
	_, err := io.CopyN(io.Discard, c.rest, off%3)
	return err
}

// textOf reads the text of a content element in which comments, references or CDATA sections stand, a piece at a time.
type textOf struct {
	l     *lexer
	begun bool
	buf   []byte
}

func (t *textOf) Read(p []byte) (int, error) {
	if !t.begun {
		t.begun = true
		if _, _, _, err := t.l.startTag(); err != nil {
			return 0, err
		}
	}

	for len(t.buf) == 0 {
		more, err := t.l.pieces(func(b []byte, _ int64, _ pieceKind) error {
			t.buf = append(t.buf, b...)
			return nil
		})
		if err != nil {
			return 0, err
		}
		if !more && len(t.buf) == 0 {
			return 0, io.EOF
		}
	}

	n := copy(p, t.buf)
	t.buf = t.buf[n:]
	return n, nil
}

// onlyBase64 leaves out white space.
type onlyBase64 struct{ r io.Reader }

func (o *onlyBase64) Read(p []byte) (int, error) {
	for {
		n, err := o.r.Read(p)
		k := 0
		for _, c := range p[:n] {
			if isBase64(c) {
				p[k] = c
				k++
			}
		}
		if k > 0 || err != nil {
			return k, err
		}
	}
}
