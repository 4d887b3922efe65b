package projections

import (
	"encoding/binary"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// A row of what a search looks in, under w and the arrival. Its bytes: message (16), the event that the words are sealed under (1: its place in sealedUnder, from 1;
// 0: there are no words, and the message must be opened), leaf (4), length of the audience (1), audience, sealed words.

var sealedUnder = []string{mailbox.MessageDelivered{}.EventType(), mailbox.MessageScheduled{}.EventType(), mailbox.MessageSent{}.EventType()}

// words keeps the rows that a search reads in step with a message: one for each arrival, and one for each note.
func (c *change) words(id domain.MessageID, before, now MessageRow) error {
	here, was := now.State.Stage == mailbox.Here, before.State.Stage == mailbox.Here
	moved := was && before.Position != now.Position
	if was && (!here || moved) {
		c.v.Delete(key(c.id, 'w', before.Position))
		c.v.Delete(key(c.id, 'j', before.Position))
	}
	if here && len(now.Note) > 0 {
		c.v.Put(key(c.id, 'j', now.Position), nil)
	} else if here && len(before.Note) > 0 {
		c.v.Delete(key(c.id, 'j', now.Position))
	}
	if !here || was && !moved {
		return nil
	}
	l, there, err := row[LetterRow](c.v, key(c.id, 's', [16]byte(id)))
	if err != nil {
		return err
	}
	out := append([]byte{}, id[:]...)
	under := byte(0)
	for i, t := range sealedUnder {
		if there && l.Sealed == t && len(l.Letter.Words) > 0 {
			under = byte(i + 1)
		}
	}
	out = binary.BigEndian.AppendUint32(append(out, under), now.State.Leaf)
	out = append(append(out, byte(len(now.State.Platform))), now.State.Platform...)
	c.v.Put(key(c.id, 'w', now.Position), append(out, l.Letter.Words...))
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

// Searchables calls fn for what a search looks in, of a range's folder and lens, oldest first, until it returns false. What it gives is good until
// the snapshot is closed.
func (s *Snapshot) Searchables(id domain.MailboxID, r Range, fn func(Searchable) bool) (err error) {
	noted := map[eventstore.Position]bool{}
	prefix := key([16]byte(id), 'j')
	s.Scan(prefix, func(k, _ []byte) bool {
		noted[eventstore.Position(binary.BigEndian.Uint64(k[len(prefix):]))] = true
		return true
	})
	one := func(p eventstore.Position, v []byte) bool {
		n := int(v[21])
		if !r.Lens.Shows(string(v[22 : 22+n])) {
			return true
		}
		x := Searchable{Message: domain.MessageID(v[:16]), Position: p, Leaf: binary.BigEndian.Uint32(v[17:]), Words: v[22+n:]}
		if v[16] > 0 {
			x.Sealed = sealedUnder[v[16]-1]
		}
		if r.Read != nil && *r.Read == (s.Get(key([16]byte(id), 'u', p)) != nil) {
			return true
		}
		if noted[p] {
			var m MessageRow
			if m, _, err = s.Row(id, x.Message); err != nil {
				return false
			}
			x.Note = m.Note
		}
		return fn(x)
	}
	at := func(k []byte) eventstore.Position { return eventstore.Position(binary.BigEndian.Uint64(k[len(k)-8:])) }
	if r.Folder == (domain.FolderID{}) {
		s.Scan(key([16]byte(id), 'w'), func(k, v []byte) bool { return one(at(k), v) })
		return err
	}
	s.Scan(indexOf(id, r.Folder, false), func(k, _ []byte) bool {
		v := s.Get(key([16]byte(id), 'w', at(k)))
		return v == nil || one(at(k), v)
	})
	return err
}
