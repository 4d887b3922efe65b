package mailboxes

import (
	"slices"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// A row of what a list shows, under l and the message. Its bytes: the event that it is sealed under (1: its place in
// sealedUnder, from 1), and what is sealed. It is there as long as the letter, if the letter has one.

// A Listing is what a list shows of a message.
type Listing struct {
	Sealed []byte // empty: there is none, and the letter must be opened
	Under  string // the event type that it is bound to
}

// listing puts what a list shows of a letter that has come with an event of a type.
func (c *change) listing(l mailbox.Letter) {
	under := slices.Index(sealedUnder, c.rec.Type) + 1
	if len(l.Listing) == 0 || under == 0 {
		return
	}
	c.v.Put(listingKey(c.id, l.Message), append([]byte{byte(under)}, l.Listing...))
}

// Listing gives what a list shows of a message, whoever asks. It is good until the snapshot is closed.
func (s *Snapshot) Listing(id domain.MailboxID, m domain.MessageID) Listing {
	row := s.s.Get(listingKey(id, m))
	if len(row) < 2 || int(row[0]) > len(sealedUnder) {
		return Listing{}
	}

	return Listing{Sealed: row[1:], Under: sealedUnder[row[0]-1]}
}
