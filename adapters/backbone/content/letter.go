// Package content is the sealed forms of what is written: letters and their outlines, drafts and the parts of their
// files, answers, the words that a search looks in, and MeMos on their way out. Below it are keys and documents; above
// it nothing knows how they are put together.
package content

import (
	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/outbox"
)

// InlineOutline is how many bytes an outline may have to stand in the event; a larger one is kept behind the MeMo.
const InlineOutline = 24 << 10

// Content opens and writes it. It may be used by many goroutines at once.
type Content struct{ core *core.Core }

// New makes one.
func New(c *core.Core) *Content { return &Content{c} }

// PartID gives the id of a part of a message: it follows from the message and the part's place, or, of a draft, from
// the name that it has there for good.
func PartID(m domain.MessageID, path string) domain.UUID {
	return domain.UUID(domain.DeriveID("part", m[:], []byte(path)))
}

// Outline gives all of a message's MeMo but its files' bytes: from the event, or from behind the MeMo where it is
// large.
func (c *Content) Outline(box domain.MailboxID, l mailboxes.LetterRow) (*memo.Message, error) {
	k, err := c.core.Key(box, l.Letter.Leaf)
	if err != nil {
		return nil, err
	}

	var raw []byte
	if len(l.Letter.Outline) > 0 {
		raw, err = k.Open(l.Sealed, "outline", l.Letter.Outline)
	} else {
		var d *documents.Document
		if d, err = c.core.Document(k, l); err == nil {
			defer d.Close()
			raw = make([]byte, l.Letter.Kept-l.Letter.Length)
			_, err = d.ReadAt(raw, l.Letter.Length)
		}
	}

	if err != nil {
		return nil, err
	}
	m := &memo.Message{}

	return m, cbor.Unmarshal(raw, m)
}

// A Sealable is what is sealed of a letter, in the open, until it is known under which leaf.
type Sealable struct {
	DocumentKey []byte
	Salt        []byte
	Outline     []byte // nil: it lies behind the MeMo
	Words       Words
	Whole       bool // that the words are all that a search looks in
}

// Seal gives a letter for a mailbox, sealed under a leaf for an event of a type.
func (c *Content) Seal(
	box domain.MailboxID, leaf uint32, eventType string, l mailbox.Letter, s Sealable,
) (mailbox.Letter, error) {
	k, err := c.core.Key(box, leaf)
	if err != nil {
		return l, err
	}

	l.Leaf = leaf
	l.DocumentKey, l.Salt = k.Seal(eventType, "documentKey", s.DocumentKey), k.Seal(eventType, "salt", s.Salt)
	if s.Outline != nil {
		l.Outline = k.Seal(eventType, "outline", s.Outline)
	}

	if s.Whole {
		l.Words = k.Seal(eventType, WordsField, []byte(s.Words.text()))
	}

	return l, nil
}

// OpenHandover opens the copy of a message that waits for whoever takes it over.
func (c *Content) OpenHandover(r outbox.Row) (*documents.Document, error) {
	key, err := c.core.Opened(r.Handover.Root, 0, mailbox.MessageSent{}.EventType(), "handoverKey", r.Handover.Key)
	if err != nil {
		return nil, err
	}

	return c.core.Documents.Open(r.Handover.Document, key, r.Handover.Length)
}
