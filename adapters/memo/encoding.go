package memo

import (
	"bytes"
	"io"
	"strings"

	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/transform"
)

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
		return &sound{r: transform.NewReader(all, enc.NewDecoder())}, name, nil
	}

	switch {
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}), bytes.HasPrefix(head, []byte{0xFF, 0xFE}),
		bytes.HasPrefix(head, []byte{0, '<', 0, '?'}), bytes.HasPrefix(head, []byte{'<', 0, '?', 0}):
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
	if !bytes.HasPrefix(body, []byte("<?xml")) || end < 0 || len(body) < 6 ||
		!strings.ContainsRune(" \t\r\n", rune(body[5])) {
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

// sound refuses what a decoder puts in the place of bytes that mean nothing in the encoding: U+FFFD, which no sender
// writes. What is kept would else be another text than what was sent.
type sound struct {
	r   io.Reader
	end [2]byte // the last that were read
}

func (d *sound) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	const replacement = "\uFFFD"
	if bytes.Contains(p[:n], []byte(replacement)) ||
		bytes.Contains(append(d.end[:], p[:min(n, 2)]...), []byte(replacement)) {
		return 0, &SyntaxError{Rule: "there are bytes that are no characters of the encoding"}
	}
	if last := append(d.end[:], p[max(0, n-2):n]...); n > 0 {
		d.end = [2]byte(last[len(last)-2:])
	}

	return n, err
}
