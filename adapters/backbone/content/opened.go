package content

import (
	"slices"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/outbox"
)

// Opened is what people read of a message.
type Opened struct {
	Memo   *memo.Message // without its files' bytes; of a draft, as it is so far
	Note   string
	Answer Answer // the recipient's business receipt, of what was sent
}

// Open unseals what people read of a message of a mailbox. The letter is not looked at where the message is a draft.
// vault.ErrForgotten if the message's key was destroyed.
func (c *Content) Open(box domain.MailboxID, row mailbox.Message, l mailboxes.LetterRow) (o Opened, err error) {
	k, err := c.core.Key(box, row.Leaf)
	if err != nil {
		return o, err
	}

	if err := beside(k, row, &o); err != nil {
		return o, err
	}

	if row.Draft == nil {
		o.Memo, err = c.outline(k, l)
		return o, err
	}

	d, err := OpenDraft(k, *row.Draft)
	if err == nil {
		o.Memo = &d.Memo
	}

	return o, err
}

// beside unseals what stands beside a message: the note of who reads it, and its recipient's answer.
func beside(k vault.Key, row mailbox.Message, o *Opened) (err error) {
	if len(row.Shown.Note) > 0 {
		note, err := k.Open(mailbox.MessageNoted{}.EventType(), "note", row.Shown.Note)
		if err != nil {
			return err
		}
		o.Note = string(note)
	}

	if len(row.Shown.Answer) > 0 {
		o.Answer, err = openAnswer(k, row.Shown.Answer)
	}

	return err
}

func openAnswer(k vault.Key, sealed domain.Sealed) (a Answer, err error) {
	raw, err := k.Open(mailbox.ReceiptReceived{}.EventType(), "text", sealed)
	if err != nil {
		return a, err
	}

	return a, cbor.Unmarshal(raw, &a)
}

// OpenDraft unseals a draft.
func OpenDraft(k vault.Key, d mailbox.Draft) (*Draft, error) {
	raw, err := k.Open(mailbox.DraftSaved{}.EventType(), "content", d.Content)
	if err != nil {
		return nil, err
	}
	out := &Draft{Parts: slices.Clone(d.Parts)}

	return out, cbor.Unmarshal(raw, out)
}

// outline gives all of a letter's MeMo but its files' bytes: from the event, or from behind the MeMo where it is large.
func (c *Content) outline(k vault.Key, l mailboxes.LetterRow) (*memo.Message, error) {
	raw, err := l.Letter.Outline, error(nil)
	if len(raw) > 0 {
		raw, err = k.Open(l.Sealed, "outline", raw)
	} else {
		raw, err = c.behindMemo(k, l)
	}

	if err != nil {
		return nil, err
	}
	m := &memo.Message{}

	return m, cbor.Unmarshal(raw, m)
}

func (c *Content) behindMemo(k vault.Key, l mailboxes.LetterRow) ([]byte, error) {
	d, err := c.Document(k, l)
	if err != nil {
		return nil, err
	}
	defer d.Close()

	raw := make([]byte, l.Letter.Kept-l.Letter.Length)
	_, err = d.ReadAt(raw, l.Letter.Length)

	return raw, err
}

// Document opens the document of a letter with the key that it is sealed under. The caller closes it.
func (c *Content) Document(k vault.Key, l mailboxes.LetterRow) (*documents.Document, error) {
	key, err := k.Open(l.Sealed, "documentKey", l.Letter.DocumentKey)
	if err != nil {
		return nil, err
	}

	return c.core.Documents.Open(l.Letter.Document, key, l.Letter.Kept)
}

// OpenHandover opens the copy of a message that waits for whoever takes it over. The caller closes it.
func (c *Content) OpenHandover(r outbox.Row) (*documents.Document, error) {
	key, err := c.core.Opened(r.Handover.Root, 0, mailbox.MessageSent{}.EventType(), "handoverKey", r.Handover.Key)
	if err != nil {
		return nil, err
	}

	return c.core.Documents.Open(r.Handover.Document, key, r.Handover.Length)
}
