package content

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/mailboxes"
)

// packListing gives what a list keeps of a MeMo, as it is sealed.
func packListing(m *memo.Message) ([]byte, error) {
	packed, err := m.Listing().Pack()
	if err != nil {
		return nil, err
	}

	b, err := cbor.Marshal(packed)
	if err == nil && len(b) > memo.MaxListing {
		err = fmt.Errorf("content: a listing has %d bytes, at most %d are allowed", len(b), memo.MaxListing)
	}

	return b, err
}

// A Lister opens what lists show of the messages of one mailbox, one after another. It is for one goroutine, and not
// for long: what is forgotten meanwhile may still be opened.
type Lister struct {
	content *Content
	box     domain.MailboxID
	keys    *vault.Walk
}

// Lister begins to open listings of a mailbox.
func (c *Content) Lister(box domain.MailboxID) *Lister {
	return &Lister{c, box, c.core.Vault.Walk(vault.Owner(box))}
}

// Open unseals what a list shows of a message. Of a letter from before there were listings it is cut from the whole.
// vault.ErrForgotten if the message's key was destroyed.
func (l *Lister) Open(
	row mailbox.Message, listing mailboxes.Listing, letter func() (mailboxes.LetterRow, error),
) (o Opened, err error) {
	if len(listing.Sealed) == 0 {
		return l.cut(row, letter)
	}

	raw, err := l.keys.Open(row.Leaf, listing.Under, ListingField, listing.Sealed)
	if err != nil {
		return o, err
	}

	var packed memo.Packed
	if err := cbor.Unmarshal(raw, &packed); err != nil {
		return o, err
	}

	if o.Memo, err = packed.Message(); err != nil {
		return o, err
	}

	if len(row.Shown.Note) == 0 && len(row.Shown.Answer) == 0 {
		return o, nil
	}

	k, err := l.keys.Key(row.Leaf)
	if err != nil {
		return o, err
	}

	return o, beside(k, row, &o)
}

// cut opens a message whole, and cuts from it what a list shows.
func (l *Lister) cut(row mailbox.Message, letter func() (mailboxes.LetterRow, error)) (o Opened, err error) {
	var r mailboxes.LetterRow
	if row.Draft == nil {
		if r, err = letter(); err != nil {
			return o, err
		}
	}

	if o, err = l.content.Open(l.box, row, r); err != nil {
		return o, err
	}
	o.Memo = o.Memo.Listing()

	return o, nil
}
