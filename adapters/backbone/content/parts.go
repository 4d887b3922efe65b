package content

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"digitalpost/adapters/vault"
	"digitalpost/domain/mailbox"
)

// OpenParts opens a draft's file: its pieces, one behind the other. The caller closes it.
func (c *Content) OpenParts(k vault.Key, d mailbox.Draft, file string) (*Joined, error) {
	draft, err := OpenDraft(k, d)
	if err != nil {
		return nil, err
	}

	out := &Joined{}
	for _, id := range draft.Files[file] {
		i := slices.IndexFunc(d.Parts, func(p mailbox.Part) bool { return p.Document == id })
		if i < 0 {
			return nil, errors.Join(fmt.Errorf("draft: part %s is not there", id), out.Close())
		}

		if err := c.join(out, k, d.Parts[i]); err != nil {
			return nil, errors.Join(err, out.Close())
		}
	}
	out.SectionReader = io.NewSectionReader(readAt(out.readAt), 0, out.length)

	return out, nil
}

func (c *Content) join(to *Joined, k vault.Key, p mailbox.Part) error {
	key, err := k.Open(mailbox.DraftSaved{}.EventType(), "partKey", p.Key)
	if err != nil {
		return err
	}

	doc, err := c.core.Documents.Open(p.Document, key, p.Length)
	if err != nil {
		return err
	}
	to.pieces = append(to.pieces, piece{doc, doc, p.Length})
	to.length += p.Length

	return nil
}

// Joined is several documents as one. It is for one goroutine at a time.
type Joined struct {
	*io.SectionReader
	pieces []piece
	length int64
}

type piece struct {
	io.ReaderAt
	io.Closer
	length int64
}

type readAt func(p []byte, off int64) (int, error)

func (f readAt) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }

func (j *Joined) readAt(p []byte, off int64) (n int, err error) {
	for _, x := range j.pieces {
		if off >= x.length {
			off -= x.length
			continue
		}

		k, err := x.ReadAt(p[n:min(int64(len(p)), int64(n)+x.length-off)], off)
		if n += k; err != nil && err != io.EOF {
			return n, err
		}

		if n == len(p) {
			return n, nil
		}
		off = 0
	}

	return n, io.EOF
}

// Close closes all of them.
func (j *Joined) Close() (err error) {
	for _, x := range j.pieces {
		err = errors.Join(err, x.Close())
	}

	return err
}
