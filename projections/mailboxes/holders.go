package mailboxes

import (
	"bytes"
	"encoding/binary"
	"strings"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// Copies are the rows that platforms may hold, as a snapshot has them.
type Copies struct{ s *engine.Snapshot }

// Copies gives them. They are good until the snapshot is closed.
func (s *Snapshot) Copies() Copies { return Copies{s.s} }

// A CopyRow is one row that platforms may hold, as it is now.
type CopyRow struct {
	Key      string // for good
	Message  bool   // false: it is a folder's
	Audience string // empty: it is public; else the platform whose it is alone
	Position eventstore.Position
	JSON     []byte // as RFC 8785 has it
}

// A CopyCursor is where a reading of them goes on: behind a folder's or a message's row of a mailbox.
type CopyCursor struct {
	Mailbox  domain.MailboxID
	Messages bool     // its folders are read
	Last     [16]byte // the folder or message that was read last, as it is known inside
	Private  bool     // of the folder, the private row was
	Any      bool     // false: nothing of it was read
}

// ParseCopyKey reads the key of a row as where a reading of them goes on; false if it is none.
func ParseCopyKey(name string) (c CopyCursor, ok bool) {
	parts := strings.Split(name, "/")
	if len(parts) < 3 || len(parts) > 4 || len(parts) == 4 && (parts[3] != "private" || parts[0] != "folder") {
		return c, false
	}

	box, err := domain.ParseUUID(parts[1])
	id, err2 := domain.ParseUUID(parts[2])
	if err != nil || err2 != nil || parts[0] != "folder" && parts[0] != "message" {
		return c, false
	}

	c = CopyCursor{Mailbox: box, Messages: parts[0] == "message", Last: id, Private: len(parts) == 4, Any: true}
	for _, f := range mailbox.SystemFolders {
		if !c.Messages && mailbox.ShownFolder(box, f) == id {
			c.Last = f
		}
	}

	return c, true
}

// Position is that of the view: all events up to it are in what the snapshot gives.
func (s Copies) Position() eventstore.Position { return s.s.Position }

// Parked is how many mailboxes are parked: they are in no copy.
func (s Copies) Parked() int { return len(s.s.ParkedStreams()) }

// Retried gives the mailboxes that were parked and were folded again, and that no platform was told of since.
func (s Copies) Retried() (out []domain.MailboxID) {
	for _, id := range s.s.RetriedStreams() {
		out = append(out, id)
	}

	return out
}

// Visible gives what a platform may hold of a mailbox.
func (s Copies) Visible(id domain.MailboxID, platform string) mailbox.Scopes {
	return scopesOf(visibleIn(s.s.Get(key(id, kindVisible)))[platform])
}

func scopesOf(bits byte) mailbox.Scopes {
	return mailbox.Scopes{Public: bits&publicBit > 0, Private: bits&privateBit > 0}
}

// Holds gives what platforms may hold of a mailbox, by platform.
func (s Copies) Holds(id domain.MailboxID) map[string]mailbox.Scopes {
	out := map[string]mailbox.Scopes{}
	for platform, bits := range visibleIn(s.s.Get(key(id, kindVisible))) {
		out[platform] = scopesOf(bits)
	}

	return out
}

// NextHeld gives the first mailbox that is visible on a platform, from one on; false if there is none.
func (s Copies) NextHeld(platform string, from domain.MailboxID) (id domain.MailboxID, of mailbox.Scopes, ok bool) {
	prefix := holdersOf(platform)
	s.s.ScanFrom(prefix, append(bytes.Clone(prefix), from[:]...), func(k, row []byte) bool {
		id, of, ok = domain.MailboxID(k[len(prefix):]), scopesOf(row[0]), true
		return false
	})

	return id, of, ok
}

// Total gives the sum of all that is visible on a platform as it was at a position, which is the view's own or a
// multiple of MarkEvery that is not too long ago; false for any other.
func (s Copies) Total(platform string, at eventstore.Position) (sum Sum, ok bool) {
	if at > s.s.Position || at != s.s.Position && at%MarkEvery != 0 || at+MarksFor < s.s.Position {
		return sum, false
	}

	// What is kept at the first mark from there on, is what it was there.
	sum, prefix := sumOf(s.s.Get(totalKey(platform))), marksOf(platform)
	s.s.ScanFrom(prefix, binary.BigEndian.AppendUint64(bytes.Clone(prefix), uint64(at)), func(_, row []byte) bool {
		sum = sumOf(row)
		return false
	})

	return sum, true
}

// SumOf gives the sum over a mailbox's rows of some scopes on a platform, as they are now.
func (s Copies) SumOf(id domain.MailboxID, platform string, of mailbox.Scopes) (sum Sum) {
	if of.Public {
		sum = sum.plus(sumOf(s.s.Get(key(id, kindSum))))
	}

	if of.Private {
		sum = sum.plus(sumOf(s.s.Get(key(id, kindSum, []byte(platform)))))
	}

	return sum
}

// Holds reports whether a row of an audience is within scopes on a platform.
func Holds(of mailbox.Scopes, platform, audience string) bool {
	return audience == "" && of.Public || audience != "" && audience == platform && of.Private
}

// Message gives a message's row: there is false if it is in no copy, ever if it may have been.
func (s Copies) Message(id domain.MailboxID, m domain.MessageID) (r CopyRow, there, ever bool, err error) {
	row, ok, err := engine.Row[mailbox.Message](s.s, messageKey(id, m))
	if err != nil || !ok {
		return r, false, false, err
	}
	r = CopyRow{
		Key: messageCopyName(id, m), Message: true, Audience: row.Audience,
		Position: eventstore.Position(row.Shown.Changed),
	}

	if !copied(row) {
		return r, false, row.Stage == mailbox.Purged && !mailbox.ForAuthor(row.Audience), nil
	}
	r.JSON = messageRow(nil, id, m, row)

	return r, true, true, nil
}

// Folders gives the rows of a mailbox's folders that were changed at a position or later.
func (s Copies) Folders(id domain.MailboxID, since eventstore.Position) (out []CopyRow) {
	prefix := key(id, kindFolderCopy)
	s.s.Scan(prefix, func(k, row []byte) bool {
		if f := folderCopyOf(row); f.Position >= uint64(since) {
			out = append(out, folderCopyRow(id, k[len(prefix):], f))
		}

		return true
	})

	return out
}

// HadPrivate reports whether private post of a platform had lain in a folder that was deleted: there was a row of it.
func (s Copies) HadPrivate(id domain.MailboxID, f domain.FolderID, platform string) bool {
	return s.s.Get(key(id, kindGoneCopy, f[:], []byte(platform))) != nil
}

// GoneFolder gives what is left of a folder's row for an audience: its key.
func GoneFolder(id domain.MailboxID, f domain.FolderID, audience string) CopyRow {
	return CopyRow{Key: folderCopyName(id, mailbox.Place{Folder: f, Audience: audience}), Audience: audience}
}

func folderCopyRow(id domain.MailboxID, place []byte, f FolderCopy) CopyRow {
	p := mailbox.Place{Folder: domain.FolderID(place[:idLength]), Audience: string(place[idLength:])}
	return CopyRow{
		Key: folderCopyName(id, p), Audience: p.Audience, Position: eventstore.Position(f.Position),
		JSON: folderRow(nil, id, p, f),
	}
}

// Rows gives rows of a mailbox within scopes on a platform that were changed at a position or later, from a cursor
// on: at most limit of them, and where the next reading goes on; done says that there are no more.
func (s Copies) Rows(
	of mailbox.Scopes, platform string, since eventstore.Position, c CopyCursor, limit int,
) (out []CopyRow, next CopyCursor, done bool, err error) {
	if of == (mailbox.Scopes{}) {
		return nil, c, true, nil
	}

	if !c.Messages {
		prefix := key(c.Mailbox, kindFolderCopy)
		from := bytes.Clone(prefix)
		if c.Any {
			from = append(from, c.Last[:]...)
			if c.Private {
				from = append(from, platform...)
			}
			from = append(from, 0)
		}

		s.s.ScanFrom(prefix, from, func(k, row []byte) bool {
			place, f := k[len(prefix):], folderCopyOf(row)
			audience := string(place[idLength:])
			if Holds(of, platform, audience) && f.Position >= uint64(since) {
				out = append(out, folderCopyRow(c.Mailbox, place, f))
			}
			c.Last, c.Private, c.Any = [16]byte(place[:idLength]), audience != "", true

			return len(out) < limit
		})

		if len(out) == limit {
			return out, c, false, nil
		}
		c = CopyCursor{Mailbox: c.Mailbox, Messages: true}
	}

	return s.messages(of, platform, since, c, limit, out)
}

// messages goes on with messages.
func (s Copies) messages(
	of mailbox.Scopes, platform string, since eventstore.Position, c CopyCursor, limit int, out []CopyRow,
) (_ []CopyRow, next CopyCursor, done bool, err error) {
	prefix := key(c.Mailbox, kindMessage)
	from := bytes.Clone(prefix)
	if c.Any {
		from = append(append(from, c.Last[:]...), 0)
	}

	done = true
	s.s.ScanFrom(prefix, from, func(k, _ []byte) bool {
		var m mailbox.Message
		if m, _, err = engine.Row[mailbox.Message](s.s, k); err != nil {
			return false
		}

		c.Last, c.Any = [16]byte(k[len(prefix):]), true
		if copied(m) && Holds(of, platform, m.Audience) && m.Shown.Changed >= uint64(since) {
			id := domain.MessageID(c.Last)
			out = append(out, CopyRow{
				Key: messageCopyName(c.Mailbox, id), Message: true, Audience: m.Audience,
				Position: eventstore.Position(m.Shown.Changed), JSON: messageRow(nil, c.Mailbox, id, m),
			})
		}
		done = len(out) < limit

		return done
	})

	return out, c, done, err
}
