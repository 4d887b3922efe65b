package backbone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// A Piece is a piece of a file's content: where it begins, and how long the whole file is to be; -1: no more than this.
type Piece struct {
	From, Total int64
	Body        io.Reader
}

// PutContent uploads a file of a draft, or the next piece of it. A piece at 0 takes the place of all that was there; any other must begin where the last one ended.
// The bytes are on disk when it returns.
func (b *Backbone) PutContent(ctx context.Context, a Ask, part Part, p Piece) (m Message, at eventstore.Position, err error) {
	if !b.store.IntakeHasRoom() {
		return m, 0, ErrNoRoom
	}
	v, err := b.enter(ctx, a.Principal, a.Mailbox, access.Write)
	if err != nil {
		return m, 0, err
	}
	v.Close()
	before, err := b.Message(ctx, a.Principal, a.Mailbox, part.Message) // nothing is taken in for what is not there
	if err != nil {
		return m, 0, err
	}
	switch {
	case before.Row.State.Draft == nil:
		return m, 0, domain.Refuse(mailbox.NotADraft)
	case a.Version != 0 && a.Version != before.Row.State.Version:
		return m, 0, &domain.Rejection{Reason: mailbox.StaleVersion, Version: before.Row.State.Version}
	case p.Total > maxDraftBytes:
		return m, 0, domain.Refuse(DraftTooLarge)
	}
	if _, _, err := (&draftContent{Memo: *before.Memo}).find(part); err != nil {
		return m, 0, err
	}
	w := b.docs.Create()
	n, err := io.Copy(w, io.LimitReader(p.Body, maxDraftBytes+1))
	if err == nil && n > maxDraftBytes {
		err = domain.Refuse(DraftTooLarge)
	}
	if err != nil {
		return m, 0, errors.Join(err, w.Abort())
	}
	ref, err := w.Commit()
	if err != nil {
		return m, 0, err
	}
	a.Key = "" // a piece that is sent again is known by where it begins
	m, at, err = b.editDraft(ctx, a, part.Message, "content", func(c *draftContent, parts *[]mailbox.Part, k vault.Key) error {
		_, f, err := c.find(part)
		if err != nil {
			return err
		}
		file, x := f.Key, f.Child("content").File
		if p.From == 0 {
			c.dropParts(file, parts)
			x.Size = 0
		}
		switch {
		case p.From != x.Size, p.Total >= 0 && p.From+n > p.Total:
			return domain.Refuse(PartNotNext)
		case bytesOf(*parts)+n > maxDraftBytes:
			return domain.Refuse(DraftTooLarge)
		}
		if n > 0 {
			*parts = append(*parts, mailbox.Part{Document: ref.ID, Length: ref.Length, SealedHash: ref.SealedHash, Key: k.Seal(mailbox.DraftSaved{}.EventType(), "partKey", ref.Key)})
			c.Files[file] = append(c.Files[file], ref.ID)
		}
		x.Size += n
		delete(c.Total, file)
		if p.Total >= 0 && x.Size < p.Total {
			c.Total[file] = p.Total
		}
		return nil
	})
	switch {
	case at == 0:
		err = b.unused(err, false, ref.ID)
	case n == 0:
		err = errors.Join(err, b.docs.Free(ref.ID))
	}
	return m, at, err
}

// neverAppended tells whether a command's error says that nothing of it is in the log.
func neverAppended(err error) bool {
	never := func(x error) bool { return errors.Is(err, x) }
	return isRefused(err) || slices.ContainsFunc([]error{ErrNotFound, ErrForbidden, ErrParked, ErrKeyReused, eventstore.ErrConflict, eventstore.ErrDiskFull, eventstore.ErrClock}, never)
}

// unused frees documents that a command was to name and did not. Where it is not certain that no event names them, the sweep will find out.
func (b *Backbone) unused(err error, certain bool, docs ...domain.DocumentID) error {
	if !certain && !neverAppended(err) {
		return err
	}
	for _, d := range docs {
		err = errors.Join(err, b.docs.Free(d))
	}
	return err
}

// openParts opens a draft's file: its pieces, one behind the other. The caller closes it.
func (b *Backbone) openParts(k vault.Key, d mailbox.Draft, file string) (*joined, error) {
	c, err := openDraft(k, d)
	if err != nil {
		return nil, err
	}
	out := &joined{}
	for _, id := range c.Files[file] {
		i := slices.IndexFunc(d.Parts, func(p mailbox.Part) bool { return p.Document == id })
		if i < 0 {
			return nil, errors.Join(fmt.Errorf("draft: part %s is not there", id), out.Close())
		}
		key, err := k.Open(mailbox.DraftSaved{}.EventType(), "partKey", d.Parts[i].Key)
		if err != nil {
			return nil, errors.Join(err, out.Close())
		}
		doc, err := b.docs.Open(id, key, d.Parts[i].Length)
		if err != nil {
			return nil, errors.Join(err, out.Close())
		}
		out.parts = append(out.parts, piece{doc, doc, d.Parts[i].Length})
		out.length += d.Parts[i].Length
	}
	out.SectionReader = io.NewSectionReader(at(out.readAt), 0, out.length)
	return out, nil
}

// joined is several documents as one.
type joined struct {
	*io.SectionReader
	parts  []piece
	length int64
}

type piece struct {
	io.ReaderAt
	io.Closer
	length int64
}

type at func(p []byte, off int64) (int, error)

func (f at) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }

func (j *joined) readAt(p []byte, off int64) (n int, err error) {
	for _, x := range j.parts {
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

func (j *joined) Close() (err error) {
	for _, x := range j.parts {
		err = errors.Join(err, x.Close())
	}
	return err
}
