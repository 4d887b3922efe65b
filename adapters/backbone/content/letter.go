// Package content is the sealed forms of what is written: letters and their outlines, drafts and the parts of their
// files, answers, the words that a search looks in, and MeMos on their way out. Below it are keys and documents; above
// it nothing knows how they are put together.
package content

import (
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
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

// A Sealable is what is sealed of a letter, in the open, until it is known under which leaf.
type Sealable struct {
	DocumentKey []byte
	Salt        []byte
	Outline     []byte // nil: it lies behind the MeMo
	Memo        *memo.Message
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

	if words, whole := WordsOf(s.Memo); whole { // what a search looks in, unless that is too much
		l.Words = k.Seal(eventType, WordsField, []byte(words.text()))
	}

	listing, err := packListing(s.Memo)
	if err == nil {
		l.Listing = k.Seal(eventType, ListingField, listing)
	}

	return l, err
}
