package mailboxes

import (
	"encoding/binary"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// A row of what a search looks in, under w and the arrival. Its bytes: message (16), the event that the words are
// sealed under (1: its place in sealedUnder, from 1; 0: there are no words, and the message must be opened), leaf (4),
// length of the audience (1), audience, sealed words.
const (
	wordsUnderAt    = 16
	wordsLeafAt     = 17
	wordsAudienceAt = 22 // behind its length
)

var sealedUnder = []string{
	mailbox.MessageDelivered{}.EventType(), mailbox.MessageScheduled{}.EventType(), mailbox.MessageSent{}.EventType(),
	mailbox.NemSMSQueued{}.EventType(),
}

// words keeps the rows that a search reads in step with a message: one for each arrival, and one for each note.
func (c *change) words(id domain.MessageID, before, now mailbox.Message) error {
	here, was := now.Stage == mailbox.Here, before.Stage == mailbox.Here
	moved := was && before.Shown.Arrival != now.Shown.Arrival

	if was && (!here || moved) {
		c.v.Delete(arrivalKey(c.id, kindWords, before.Shown.Arrival))
		c.v.Delete(arrivalKey(c.id, kindNoted, before.Shown.Arrival))
	}

	switch noted := arrivalKey(c.id, kindNoted, now.Shown.Arrival); {
	case here && len(now.Shown.Note) > 0:
		c.v.Put(noted, nil)
	case here && len(before.Shown.Note) > 0:
		c.v.Delete(noted)
	}

	if !here || was && !moved {
		return nil
	}

	l, there, err := engine.Row[LetterRow](c.v, letterKey(c.id, id))
	if err != nil {
		return err
	}

	under := byte(0)
	for i, t := range sealedUnder {
		if there && l.Sealed == t && len(l.Letter.Words) > 0 {
			under = byte(i + 1)
		}
	}

	row := append(id[:len(id):len(id)], under)
	row = binary.BigEndian.AppendUint32(row, now.Leaf)
	row = append(append(row, byte(len(now.Audience))), now.Audience...)
	c.v.Put(arrivalKey(c.id, kindWords, now.Shown.Arrival), append(row, l.Letter.Words...))

	return nil
}

// Searchable is what a search looks in, of one message. Its words are not to be changed.
type Searchable struct {
	Message  domain.MessageID
	Position eventstore.Position
	Leaf     uint32
	Words    []byte // sealed
	Sealed   string // the event type that they are bound to; empty: there are none, and the message must be opened
	Note     []byte // sealed; nil for none
}

// Searchables calls fn for what a search looks in, of a range's folder and lens, oldest first, until it returns false.
// What it gives is good until the snapshot is closed.
func (s *Snapshot) Searchables(id domain.MailboxID, r Range, fn func(Searchable) bool) (err error) {
	noted := map[uint64]bool{}
	s.s.Scan(key(id, kindNoted), func(k, _ []byte) bool {
		noted[arrivalOf(k)] = true
		return true
	})

	one := func(arrival uint64, row []byte) bool {
		end := wordsAudienceAt + int(row[wordsAudienceAt-1])
		if !r.Lens.Shows(string(row[wordsAudienceAt:end])) {
			return true
		}

		unread := r.Read != nil && s.s.Get(arrivalKey(id, kindUnread, arrival)) != nil
		if r.Read != nil && *r.Read == unread {
			return true
		}

		x := Searchable{
			Message: domain.MessageID(row[:idLength]), Position: eventstore.Position(arrival),
			Leaf: binary.BigEndian.Uint32(row[wordsLeafAt:]), Words: row[end:],
		}
		if under := row[wordsUnderAt]; under > 0 {
			x.Sealed = sealedUnder[under-1]
		}

		if noted[arrival] {
			var m mailbox.Message
			if m, _, err = s.Row(id, x.Message); err != nil {
				return false
			}
			x.Note = m.Shown.Note
		}

		return fn(x)
	}

	if r.Folder == (domain.FolderID{}) {
		s.s.Scan(key(id, kindWords), func(k, row []byte) bool { return one(arrivalOf(k), row) })
		return err
	}

	s.s.Scan(index(id, r.Folder, false), func(k, _ []byte) bool {
		arrival := arrivalOf(k)
		row := s.s.Get(arrivalKey(id, kindWords, arrival))

		return row == nil || one(arrival, row)
	})

	return err
}
