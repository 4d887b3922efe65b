package mailboxes

import (
	"encoding/binary"
	"fmt"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// A Snapshot is the view as it stands at one position. Close lets go of it; a view's file can't shrink or be replaced
// while one is open, so it is not held over anything that waits. It is for one goroutine at a time.
type Snapshot struct{ s *engine.Snapshot }

// At gives the view as it stands.
func At(views *engine.Views) (*Snapshot, error) {
	s, err := views.Snapshot(Projection{})
	if err != nil {
		return nil, err
	}

	return &Snapshot{s}, nil
}

// Of gives the view of a file that is no part of Views, as it stands.
func Of(f *engine.File) (*Snapshot, error) {
	s, err := f.Snapshot()
	if err != nil {
		return nil, err
	}

	return &Snapshot{s}, nil
}

// Close lets go of the snapshot.
func (s *Snapshot) Close() { s.s.Close() }

// Parked reports whether what the view has of a mailbox is old: see engine.ErrParked.
func (s *Snapshot) Parked(id domain.MailboxID) bool { return s.s.Parked(id) }

// Mailbox gives a mailbox's own row; false if there is none, or it is gone.
func (s *Snapshot) Mailbox(id domain.MailboxID) (mailbox.Box, bool, error) {
	b, ok, err := engine.Row[mailbox.Box](s.s, boxKey(id))
	return b, ok && b.Owner != "", err
}

// State gives the state of a mailbox with the parts that are asked for, and the stream's version that it stands at.
func (s *Snapshot) State(id domain.MailboxID, parts domain.Parts) (mailbox.State, eventstore.Version, error) {
	parts.Box = true
	state, standing, err := load(s.s, id, parts)

	return state, standing.Version, err
}

// Message gives a message and its letter; false if it is not there, or not shown through the lens. A draft has no
// letter.
func (s *Snapshot) Message(
	id domain.MailboxID, m domain.MessageID, lens mailbox.Lens,
) (row mailbox.Message, l LetterRow, ok bool, err error) {
	if row, ok, err = s.Row(id, m); err != nil || !ok {
		return row, l, false, err
	}

	if row.Stage != mailbox.Here || !lens.Shows(row.Audience) {
		return row, l, false, nil
	}

	if row.Draft != nil {
		return row, l, true, nil
	}
	l, ok, err = s.Letter(id, m)

	return row, l, ok, err
}

// Row gives what changes of a message, whoever asks and wherever it is.
func (s *Snapshot) Row(id domain.MailboxID, m domain.MessageID) (mailbox.Message, bool, error) {
	return engine.Row[mailbox.Message](s.s, messageKey(id, m))
}

// Letter gives what never changes of a message, whoever asks; false if it is forgotten.
func (s *Snapshot) Letter(id domain.MailboxID, m domain.MessageID) (LetterRow, bool, error) {
	return engine.Row[LetterRow](s.s, letterKey(id, m))
}

// ShowedAt reports whether a message, gone or not, was shown through a lens at a position: what was sent was a draft
// before, its author's alone. False if there never was such a message.
func (s *Snapshot) ShowedAt(
	id domain.MailboxID, m domain.MessageID, p eventstore.Position, lens mailbox.Lens,
) (bool, error) {
	row, ok, err := s.Row(id, m)
	return ok && lens.Shows(row.Audience) && (row.Out == nil || uint64(p) >= row.Shown.Arrival), err
}

// A Listed is a message in a list.
type Listed struct {
	ID  domain.MessageID
	Row mailbox.Message
}

// A Range says which messages of a mailbox are wanted, by arrival.
type Range struct {
	Folder domain.FolderID // zero: all
	Lens   mailbox.Lens
	Read   *bool               // nil: both
	Newest bool                // newest first
	Beyond eventstore.Position // beyond this arrival, in the order asked for; 0: from the beginning
	Skip   int                 // so many first
	Limit  int                 // at most so many; 0: all
}

// roomForListed is how many messages of a range there is room for from the start.
const roomForListed = 100

// Messages gives the messages of a range. What is skipped, or is not read where that is asked for, is seen in the
// indices alone.
func (s *Snapshot) Messages(id domain.MailboxID, r Range) (out []Listed, err error) {
	prefix := index(id, r.Folder, r.Read != nil && !*r.Read)
	out = make([]Listed, 0, min(r.Limit, roomForListed))

	each := func(k, listed []byte) bool {
		if !r.Lens.Shows(string(listed[idLength:])) {
			return true
		}

		if r.Read != nil && *r.Read && s.s.Get(arrivalKey(id, kindUnread, arrivalOf(k))) != nil {
			return true
		}

		if r.Skip > 0 {
			r.Skip--
			return true
		}

		l := Listed{ID: domain.MessageID(listed[:idLength])}
		var ok bool
		if l.Row, ok, err = s.Row(id, l.ID); err == nil && !ok {
			err = fmt.Errorf("message %s is listed and has no row", l.ID)
		}

		if err != nil {
			return false
		}
		out = append(out, l)

		return r.Limit == 0 || len(out) < r.Limit
	}

	beyond := func(p eventstore.Position) []byte {
		return binary.BigEndian.AppendUint64(prefix[:len(prefix):len(prefix)], uint64(p))
	}

	switch {
	case r.Newest && r.Beyond > 0:
		s.s.ScanBack(prefix, beyond(r.Beyond), each)
	case r.Newest:
		s.s.ScanBack(prefix, nil, each)
	default:
		s.s.ScanFrom(prefix, beyond(r.Beyond+1), each)
	}

	return out, err
}

// HowMany counts the messages of a range, Beyond, Skip and Limit apart, without reading them.
func (s *Snapshot) HowMany(id domain.MailboxID, r Range) (n int, err error) {
	prefix := key(id, kindCount)
	if r.Folder != (domain.FolderID{}) {
		prefix = append(prefix, r.Folder[:]...)
	}

	s.s.Scan(prefix, func(k, _ []byte) bool {
		if !r.Lens.Shows(string(k[audienceKeyAt:])) {
			return true
		}

		var c mailbox.Count
		if c, _, err = engine.Row[mailbox.Count](s.s, k); err != nil {
			return false
		}

		switch {
		case r.Read == nil:
			n += c.Total
		case *r.Read:
			n += c.Total - c.Unread
		default:
			n += c.Unread
		}

		return true
	})

	return n, err
}

// Folders gives a mailbox's own folders by id.
func (s *Snapshot) Folders(id domain.MailboxID) (map[domain.FolderID]mailbox.Folder, error) {
	state, _, err := s.State(id, domain.Parts{AllFolders: true})
	return state.Folders(), err
}

// Folder gives one of a mailbox's own folders; false if there is none.
func (s *Snapshot) Folder(id domain.MailboxID, f domain.FolderID) (mailbox.Folder, bool, error) {
	return engine.Row[mailbox.Folder](s.s, folderKey(id, f))
}

// Count counts what lies in a folder, as it is seen through a lens.
func (s *Snapshot) Count(id domain.MailboxID, f domain.FolderID, lens mailbox.Lens) (out mailbox.Count, err error) {
	for i, audience := range []string{"", lens.Private, lens.Author} {
		if i > 0 && audience == "" || !lens.Shows(audience) {
			continue
		}

		c, _, err := engine.Row[mailbox.Count](s.s, countKey(id, f, audience))
		if err != nil {
			return out, err
		}
		out.Total += c.Total
		out.Unread += c.Unread
	}

	return out, nil
}

// Latest gives when the newest message in a folder that a lens shows arrived; zero for none.
func (s *Snapshot) Latest(id domain.MailboxID, f domain.FolderID, lens mailbox.Lens) (time.Time, error) {
	if c, err := s.Count(id, f, lens); err != nil || c.Total == 0 {
		return time.Time{}, err
	}

	listed, err := s.Messages(id, Range{Folder: f, Lens: lens, Newest: true, Limit: 1})
	if err != nil || len(listed) == 0 {
		return time.Time{}, err
	}

	return listed[0].Row.Shown.Received, nil
}

// Result gives what came of a command before. Commands are the same by the first half of their ids, and ask for the
// same by the second: Same reports that.
func (s *Snapshot) Result(id domain.MailboxID, c domain.CommandID) (r Result, ok bool, err error) {
	s.s.Scan(resultKey(id, c[:8]), func(k, _ []byte) bool {
		r, ok, err = engine.Row[Result](s.s, k)
		r.Same = domain.CommandID(k[len(k)-idLength:]) == c

		return false
	})

	return r, ok, err
}

// LastLook gives when a person last looked in the same way through a platform; zero for never.
func (s *Snapshot) LastLook(id domain.MailboxID, look looks.Event, person [16]byte, platform string) time.Time {
	if b := s.s.Get(lookKey(id, look.At(), person, platform)); len(b) >= positionKeyBytes {
		return time.Unix(0, int64(binary.BigEndian.Uint64(b)))
	}

	return time.Time{}
}

// PrivateSenders gives what a mailbox's owner has said to private senders.
func (s *Snapshot) PrivateSenders(id domain.MailboxID) (map[mailbox.PrivateSender]mailbox.SenderConsent, error) {
	out := map[mailbox.PrivateSender]mailbox.SenderConsent{}
	l := loader{rows: s.s, id: id}
	all(&l, key(id, kindSender), func(rest []byte, c mailbox.SenderConsent) {
		out[mailbox.PrivateSender{
			Organisation: domain.OrganisationID(rest[:idLength]), Platform: string(rest[idLength:]),
		}] = c
	})

	return out, l.err
}

// Grants gives the access to a mailbox that was granted or asked for and not ended, by id.
func (s *Snapshot) Grants(id domain.MailboxID) (map[domain.GrantID]mailbox.Grant, error) {
	return s.grants(id, kindGrant)
}

// Ended gives the grants and requests of a mailbox that were ended.
func (s *Snapshot) Ended(id domain.MailboxID) (map[domain.GrantID]mailbox.Grant, error) {
	return s.grants(id, kindGrantEnded)
}

func (s *Snapshot) grants(id domain.MailboxID, kind byte) (map[domain.GrantID]mailbox.Grant, error) {
	out := map[domain.GrantID]mailbox.Grant{}
	prefix := key(id, kind)
	var err error

	s.s.Scan(prefix, func(k, _ []byte) bool {
		var g mailbox.Grant
		if g, _, err = engine.Row[mailbox.Grant](s.s, k); err == nil {
			out[domain.GrantID(k[len(prefix):])] = g
		}

		return err == nil
	})

	return out, err
}

// Grant gives one of them, ended or not; false if it never was.
func (s *Snapshot) Grant(id domain.MailboxID, g domain.GrantID) (mailbox.Grant, bool, error) {
	row, ok, err := engine.Row[mailbox.Grant](s.s, grantKey(id, kindGrant, g))
	if ok || err != nil {
		return row, ok, err
	}

	return engine.Row[mailbox.Grant](s.s, grantKey(id, kindGrantEnded, g))
}

// InForce gives the grants of a mailbox that were not ended; whether their time is over is for the clock to say.
func (s *Snapshot) InForce(id domain.MailboxID) (map[domain.GrantID]access.Grant, error) {
	rows, err := s.Grants(id)
	out := map[domain.GrantID]access.Grant{}

	for g, r := range rows {
		if r.State == mailbox.Granted {
			out[g] = r.Grant
		}
	}

	return out, err
}
