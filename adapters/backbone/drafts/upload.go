package drafts

import (
	"context"
	"errors"
	"io"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/documents"
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

// Upload uploads a file of a draft, or the next piece of it. A piece at 0 takes the place of all that was there; any
// other must begin where the last one ended. The bytes are on disk when it returns. A key has no meaning: a piece that
// is sent again is known by where it begins.
func (d *Drafts) Upload(
	ctx context.Context, ask core.Ask, part content.Part, p Piece,
) (messages.Message, eventstore.Position, error) {
	var none messages.Message
	if err := d.core.Room(); err != nil {
		return none, 0, err
	}

	a, err := d.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Write)
	if err != nil {
		return none, 0, err
	}

	if err := d.mayUpload(a, ask, part, p); err != nil {
		return none, 0, err
	}

	ref, n, err := d.receive(p.Body)
	if err != nil {
		return none, 0, err
	}

	ask.Key = ""
	add := func(draft *content.Draft, k vault.Key) error {
		return put(draft, k, part, p, ref, n)
	}
	out, err := d.edit(ctx, ask, part.Message, nil, add)

	switch {
	case out.position == 0:
		err = d.core.Unused(err, false, ref.ID)
	case n == 0:
		err = errors.Join(err, d.core.Documents.Free(ref.ID))
	}

	return out.Message, out.position, err
}

// mayUpload refuses a piece before a byte of it is taken in: nothing is, for what is not there.
func (d *Drafts) mayUpload(a core.Admission, ask core.Ask, part content.Part, p Piece) error {
	before, err := d.messages.Now(a, part.Message)
	if err != nil {
		return err
	}

	if before.Row.Draft == nil {
		return domain.Refuse(mailbox.NotADraft)
	}

	if err := domain.AtVersion(before.Row.Version, ask.Version); err != nil {
		return err
	}

	if p.Total > mailbox.MaxDraftBytes {
		return domain.Refuse(mailbox.DraftTooLarge)
	}
	_, _, err = (&content.Draft{Memo: *before.Memo}).Find(part)

	return err
}

// receive keeps the bytes of a piece. No event names them yet: what a crash leaves of them is for the sweep.
func (d *Drafts) receive(body io.Reader) (ref documents.Ref, n int64, err error) {
	w := d.core.Documents.Create()
	n, err = io.Copy(w, io.LimitReader(body, mailbox.MaxDraftBytes+1))
	if err == nil && n > mailbox.MaxDraftBytes {
		err = domain.Refuse(mailbox.DraftTooLarge)
	}

	if err != nil {
		return ref, n, errors.Join(err, w.Abort())
	}
	ref, err = w.Commit()

	return ref, n, err
}

// put writes a piece of n bytes into a draft.
func put(
	draft *content.Draft, k vault.Key, part content.Part, p Piece, ref documents.Ref, n int64,
) error {
	_, f, err := draft.Find(part)
	if err != nil {
		return err
	}

	file, x := f.Key, f.Child("content").File
	if p.From == 0 {
		draft.DropFile(file)
		x.Size = 0
	}

	others := mailbox.Draft{Parts: draft.Parts}.Bytes()
	facts := mailbox.Piece{From: p.From, Length: n, Total: p.Total, Size: x.Size, Others: others}
	if err := facts.Judge(); err != nil {
		return err
	}

	if n > 0 {
		draft.Parts = append(draft.Parts, mailbox.Part{
			Document: ref.ID, Length: ref.Length, SealedHash: ref.SealedHash,
			Key: k.Seal(mailbox.DraftSaved{}.EventType(), "partKey", ref.Key),
		})
		draft.Files[file] = append(draft.Files[file], ref.ID)
	}

	x.Size += n
	delete(draft.Total, file)
	if p.Total >= 0 && x.Size < p.Total {
		draft.Total[file] = p.Total
	}

	return nil
}
