package projections

import (
	"encoding/binary"
	"fmt"
	"maps"
	"time"

	"go.etcd.io/bbolt"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// peek reads a view file's checkpoint.
func peek(path string, logID [16]byte) (eventstore.Position, bool) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 20 * time.Millisecond, ReadOnly: true})
	if err != nil {
		return 0, false
	}
	defer db.Close()
	var p eventstore.Position
	ok := false
	db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(bucketMeta); b != nil {
			if s := b.Get(keyStand); len(s) == 40 && [16]byte(s[:16]) == logID {
				p, ok = eventstore.Position(binary.BigEndian.Uint64(s[32:])), true
			}
		}
		return nil
	})
	return p, ok
}

// Mailbox gives a mailbox's row; false if there is none, or it is gone.
func (s *Snapshot) Mailbox(id domain.MailboxID) (MailboxRow, bool, error) {
	r, ok, err := row[MailboxRow](s, key([16]byte(id), 'b'))
	return r, ok && !r.Gone, err
}

// Message gives a message's two rows; false if it is not there, or not shown through the lens.
func (s *Snapshot) Message(id domain.MailboxID, m domain.MessageID, lens Lens) (r MessageRow, l LetterRow, ok bool, err error) {
	if r, ok, err = row[MessageRow](s, key([16]byte(id), 'm', [16]byte(m))); err != nil || !ok {
		return r, l, false, err
	}
	if r.State.Stage != mailbox.Here || !lens.Shows(r.State.Platform) {
		return r, l, false, nil
	}
	if r.State.Draft != nil {
		return r, l, true, nil
	}
	l, ok, err = row[LetterRow](s, key([16]byte(id), 's', [16]byte(m)))
	return r, l, ok, err
}

// Row gives what changes of a message, whoever asks and wherever it is.
func (s *Snapshot) Row(id domain.MailboxID, m domain.MessageID) (MessageRow, bool, error) {
	return row[MessageRow](s, key([16]byte(id), 'm', [16]byte(m)))
}

// Letter gives what never changes of a message, whoever asks; false if it is forgotten.
func (s *Snapshot) Letter(id domain.MailboxID, m domain.MessageID) (LetterRow, bool, error) {
	return row[LetterRow](s, key([16]byte(id), 's', [16]byte(m)))
}

// A Listed is a message in a list.
type Listed struct {
	ID  domain.MessageID
	Row MessageRow
}

// A Range says which messages of a mailbox are wanted, by arrival.
type Range struct {
	Folder domain.FolderID // zero: all
	Lens   Lens
	Read   *bool               // nil: both
	Newest bool                // newest first
	Beyond eventstore.Position // beyond this arrival, in the order asked for; 0: from the beginning
	Skip   int                 // so many first
	Limit  int                 // at most so many; 0: all
}

func indexOf(id domain.MailboxID, folder domain.FolderID, unread bool) []byte {
	switch {
	case folder != domain.FolderID{} && unread:
		return key([16]byte(id), 'x', [16]byte(folder))
	case folder != domain.FolderID{}:
		return key([16]byte(id), 't', [16]byte(folder))
	case unread:
		return key([16]byte(id), 'u')
	}
	return key([16]byte(id), 'a')
}

// Messages gives the messages of a range. What is skipped, or is not read where that is asked for, is seen in the indexes alone.
func (s *Snapshot) Messages(id domain.MailboxID, r Range) (out []Listed, err error) {
	index := indexOf(id, r.Folder, r.Read != nil && !*r.Read)
	each := func(k, v []byte) bool {
		if !r.Lens.Shows(string(v[16:])) {
			return true
		}
		if r.Read != nil && *r.Read && s.Get(key([16]byte(id), 'u', k[len(k)-8:])) != nil {
			return true
		}
		if r.Skip > 0 {
			r.Skip--
			return true
		}
		l := Listed{ID: domain.MessageID(v[:16])}
		var ok bool
		if l.Row, ok, err = row[MessageRow](s, key([16]byte(id), 'm', v[:16])); err == nil && !ok {
			err = fmt.Errorf("message %s is listed and has no row", l.ID)
		}
		if err != nil {
			return false
		}
		out = append(out, l)
		return r.Limit == 0 || len(out) < r.Limit
	}
	switch {
	case r.Newest && r.Beyond > 0:
		s.ScanBack(index, append(index[:len(index):len(index)], key(r.Beyond)...), each)
	case r.Newest:
		s.ScanBack(index, nil, each)
	default:
		s.scan(index, append(index[:len(index):len(index)], key(r.Beyond+1)...), false, each)
	}
	return out, err
}

// HowMany counts the messages of a range, Beyond, Skip and Limit apart, without reading them.
func (s *Snapshot) HowMany(id domain.MailboxID, r Range) (n int, err error) {
	add := func(f domain.FolderID, platform string, c Count) {
		if r.Folder != (domain.FolderID{}) && f != r.Folder || !r.Lens.Shows(platform) {
			return
		}
		switch {
		case r.Read == nil:
			n += c.Total
		case *r.Read:
			n += c.Total - c.Unread
		default:
			n += c.Unread
		}
	}
	prefix := key([16]byte(id), 'k')
	s.Scan(prefix, func(k, _ []byte) bool {
		var c Count
		if c, _, err = row[Count](s, k); err == nil {
			add(domain.FolderID(k[len(prefix):len(prefix)+16]), string(k[len(prefix)+16:]), c)
		}
		return err == nil
	})
	return n, err
}

// Folders gives a mailbox's own folders by id.
func (s *Snapshot) Folders(id domain.MailboxID) (out map[domain.FolderID]FolderRow, err error) {
	out = map[domain.FolderID]FolderRow{}
	prefix := key([16]byte(id), 'f')
	s.Scan(prefix, func(k, _ []byte) bool {
		var r FolderRow
		if r, _, err = row[FolderRow](s, k); err == nil {
			out[domain.FolderID(k[len(prefix):])] = r
		}
		return err == nil
	})
	return out, err
}

// Count counts what lies in a folder, as it is seen through a lens.
func (s *Snapshot) Count(id domain.MailboxID, f domain.FolderID, lens Lens) (out Count, err error) {
	for i, p := range []string{"", lens.Private, lens.Author} {
		if i > 0 && p == "" || !lens.Shows(p) {
			continue
		}
		c, _, err := row[Count](s, countKey(id, f, p))
		if err != nil {
			return out, err
		}
		out.Total += c.Total
		out.Unread += c.Unread
	}
	return out, nil
}

// Result gives what came of a command before. Commands are the same by the first half of their ids, and ask for the same by the second: Same tells that.
func (s *Snapshot) Result(id domain.MailboxID, c domain.CommandID) (r Result, ok bool, err error) {
	s.Scan(key([16]byte(id), 'c', c[:8]), func(k, _ []byte) bool {
		r, ok, err = row[Result](s, k)
		r.Same = domain.CommandID(k[len(k)-16:]) == c
		return false
	})
	return r, ok, err
}

// LastLook gives when a person last looked in the same way through a platform.
func (s *Snapshot) LastLook(id domain.MailboxID, look domain.Named, person [16]byte, platform string) time.Time {
	if b := s.Get(lookKey(id, lookedAt(look), person, platform)); len(b) == 8 {
		return time.Unix(0, int64(binary.BigEndian.Uint64(b)))
	}
	return time.Time{}
}

// State gives the state that a command on a mailbox starts from: of messages, only those named; of folders and counts, all. It stands at the version
// that it returns.
func (s *Snapshot) State(id domain.MailboxID, messages ...domain.MessageID) (mailbox.State, eventstore.Version, error) {
	state := mailbox.NewState()
	st, ok, err := row[Standing](s, key([16]byte(id), 'v'))
	if err != nil || !ok {
		return state, 0, err
	}
	b, ok, err := s.Mailbox(id)
	if err != nil {
		return state, 0, err
	}
	if ok {
		state.Owner, state.Exemption = b.Opened.Owner, b.Exemption.State
		maps.Copy(state.Consents, b.Consents)
		maps.Copy(state.Languages, b.Languages)
	}
	if state.Senders, err = s.PrivateSenders(id); err != nil {
		return state, 0, err
	}
	state.NextLeaf = st.NextLeaf
	folders, err := s.Folders(id)
	if err != nil {
		return state, 0, err
	}
	for f, r := range folders {
		state.Folders[f] = r.State
	}
	grants, err := s.Grants(id)
	if err != nil {
		return state, 0, err
	}
	for g, r := range grants {
		switch r.State {
		case Granted:
			state.Grants[g] = r.Grant
		case Requested:
			state.Requests[g] = mailbox.Request{Grantee: r.Grant.Grantee, Right: r.Grant.Right, Until: r.Grant.Until}
		}
	}
	prefix := key([16]byte(id), 'k')
	s.Scan(prefix, func(k, _ []byte) bool {
		var c Count
		c, _, err = row[Count](s, k)
		state.Held[mailbox.Place{Folder: domain.FolderID(k[len(prefix) : len(prefix)+16]), Platform: string(k[len(prefix)+16:])}] = c.Total
		return err == nil
	})
	for _, m := range messages {
		r, ok, rerr := row[MessageRow](s, key([16]byte(id), 'm', [16]byte(m)))
		if rerr != nil {
			return state, 0, rerr
		}
		if ok {
			state.Messages[m] = r.State
		}
	}
	return state, st.Version, err
}

// PrivateSenders gives what a mailbox's owner has said to private senders.
func (s *Snapshot) PrivateSenders(id domain.MailboxID) (map[mailbox.PrivateSender]mailbox.SenderConsent, error) {
	out := map[mailbox.PrivateSender]mailbox.SenderConsent{}
	var err error
	s.Scan(key([16]byte(id), 'n'), func(k, _ []byte) bool {
		var c mailbox.SenderConsent
		if c, _, err = row[mailbox.SenderConsent](s, k); err == nil {
			out[mailbox.PrivateSender{Organisation: domain.OrganisationID(k[17:33]), Platform: string(k[33:])}] = c
		}
		return err == nil
	})
	return out, err
}

// Intake gives a MeMo that came in.
func (s *Snapshot) Intake(m domain.MessageID) (IntakeRow, bool, error) {
	return row[IntakeRow](s, key('m', [16]byte(m)))
}

// Standing gives where an intake stream stands.
func (s *Snapshot) Standing(shard [16]byte) (Standing, error) {
	st, _, err := row[Standing](s, key('v', shard))
	st.NextLeaf = max(st.NextLeaf, 1)
	return st, err
}

// Final gives the MeMo of a final receipt.
func (s *Snapshot) Final(id domain.ReceiptID) (IntakeRow, bool, error) {
	m := s.Get(key('i', [16]byte(id)))
	if m == nil {
		return IntakeRow{}, false, nil
	}
	return s.Intake(domain.MessageID(m))
}

// Finals gives a system's final receipts, oldest first, size of them from page on, and how many there are.
func (s *Snapshot) Finals(system domain.SystemID, page, size int) (out []IntakeRow, total int, err error) {
	s.Scan(key('r', [16]byte(system)), func(_, m []byte) bool {
		if total >= page*size && len(out) < size {
			var r IntakeRow
			if r, _, err = s.Intake(domain.MessageID(m)); err != nil {
				return false
			}
			out = append(out, r)
		}
		total++
		return true
	})
	return out, total, err
}

// Pending gives what came in and has no outcome.
func (s *Snapshot) Pending() (out []domain.MessageID) {
	s.Scan([]byte("p"), func(_, m []byte) bool { out = append(out, domain.MessageID(m)); return true })
	return out
}

// A DueMessage waits for its date.
type DueMessage struct {
	Mailbox domain.MailboxID
	Message domain.MessageID
	Due     time.Time
}

// Due gives what is due at a time, at most limit, and when the next one is.
func (s *Snapshot) Due(now time.Time, limit int) (out []DueMessage, next time.Time) {
	s.Scan([]byte("d"), func(k, m []byte) bool {
		at := time.Unix(0, int64(binary.BigEndian.Uint64(k[1:9])))
		if at.After(now) || len(out) == limit {
			next = at
			return false
		}
		out = append(out, DueMessage{domain.MailboxID(m), domain.MessageID(k[9:25]), at})
		return true
	})
	return out, next
}

// Named tells whether an event names a document that is not forgotten.
func (s *Snapshot) Named(d domain.DocumentID) bool { return s.Get(key('D', [16]byte(d))) != nil }

// Systems gives all sender systems, in the order of their registration.
func (s *Snapshot) Systems() (out []SystemRow, err error) {
	s.Scan([]byte("s"), func(k, _ []byte) bool {
		var r SystemRow
		r, _, err = row[SystemRow](s, k)
		out = append(out, r)
		return err == nil
	})
	return out, err
}

// Organisation gives an organisation.
func (s *Snapshot) Organisation(id domain.OrganisationID) (OrganisationRow, bool, error) {
	return row[OrganisationRow](s, key('o', [16]byte(id)))
}

// Owners calls fn for each mailbox.
func (s *Snapshot) Owners(fn func(domain.MailboxID, MailboxRow) error) (err error) {
	s.Scan([]byte("m"), func(k, _ []byte) bool {
		var r MailboxRow
		if r, _, err = row[MailboxRow](s, k); err == nil {
			err = fn(domain.MailboxID(k[1:]), r)
		}
		return err == nil
	})
	return err
}

// Latest gives when the newest message in a folder that a lens shows arrived; zero for none.
func (s *Snapshot) Latest(id domain.MailboxID, f domain.FolderID, lens Lens) (time.Time, error) {
	if c, err := s.Count(id, f, lens); err != nil || c.Total == 0 {
		return time.Time{}, err
	}
	listed, err := s.Messages(id, Range{Folder: f, Lens: lens, Newest: true, Limit: 1})
	if err != nil || len(listed) == 0 {
		return time.Time{}, err
	}
	return listed[0].Row.Received, nil
}

// Documents gives the documents that a mailbox's messages name.
func (s *Snapshot) Documents(id domain.MailboxID) (out []domain.DocumentID, err error) {
	s.Scan(key([16]byte(id), 's'), func(k, _ []byte) bool {
		var l LetterRow
		if l, _, err = row[LetterRow](s, k); err == nil {
			out = append(out, l.Letter.Document)
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	s.Scan(key([16]byte(id), 'm'), func(k, _ []byte) bool {
		var m MessageRow
		if m, _, err = row[MessageRow](s, k); err == nil && m.State.Draft != nil {
			for _, p := range m.State.Draft.Parts {
				out = append(out, p.Document)
			}
		}
		return err == nil
	})
	return out, err
}

// Grants gives the access to a mailbox that was granted or asked for and not ended, by id.
func (s *Snapshot) Grants(id domain.MailboxID) (map[domain.GrantID]GrantRow, error) {
	out := map[domain.GrantID]GrantRow{}
	return out, s.grants(id, 'g', 0, out)
}

// Ended gives at most limit grants and requests of a mailbox that were ended.
func (s *Snapshot) Ended(id domain.MailboxID, limit int) (map[domain.GrantID]GrantRow, error) {
	out := map[domain.GrantID]GrantRow{}
	return out, s.grants(id, 'h', limit, out)
}

func (s *Snapshot) grants(id domain.MailboxID, kind rune, limit int, out map[domain.GrantID]GrantRow) (err error) {
	prefix := key([16]byte(id), kind)
	s.Scan(prefix, func(k, _ []byte) bool {
		var r GrantRow
		if r, _, err = row[GrantRow](s, k); err == nil {
			out[domain.GrantID(k[len(prefix):])] = r
		}
		return err == nil && (limit == 0 || len(out) < limit)
	})
	return err
}

// Grant gives one of them, ended or not; false if it never was.
func (s *Snapshot) Grant(id domain.MailboxID, g domain.GrantID) (GrantRow, bool, error) {
	r, ok, err := row[GrantRow](s, key([16]byte(id), 'g', [16]byte(g)))
	if ok || err != nil {
		return r, ok, err
	}
	return row[GrantRow](s, key([16]byte(id), 'h', [16]byte(g)))
}

// InForce gives the grants of a mailbox that were not ended; whether their time is over is for the clock to say.
func (s *Snapshot) InForce(id domain.MailboxID) (map[domain.GrantID]access.Grant, error) {
	rows, err := s.Grants(id)
	out := map[domain.GrantID]access.Grant{}
	for g, r := range rows {
		if r.State == Granted {
			out[g] = r.Grant
		}
	}
	return out, err
}

// GrantedTo gives the mailboxes of which an identity was granted access or asked for it, from the directory, by mailbox and grant.
func (s *Snapshot) GrantedTo(id domain.MailboxID) (out []Given) {
	prefix := key('g', [16]byte(id))
	s.Scan(prefix, func(k, _ []byte) bool {
		out = append(out, Given{domain.MailboxID(k[17:33]), domain.GrantID(k[33:49])})
		return true
	})
	return out
}

// A Given is a grant, and whose mailbox it is for.
type Given struct {
	Mailbox domain.MailboxID
	Grant   domain.GrantID
}

// SignedIn tells whether anybody has ever opened a mailbox through a platform.
func (s *Snapshot) SignedIn(id domain.MailboxID, platform string) (yes bool) {
	prefix := key([16]byte(id), 'o', [16]byte(lookedAt(looks.SignedIn{})))
	s.Scan(prefix, func(k, _ []byte) bool {
		yes = string(k[len(prefix)+16:]) == platform
		return !yes
	})
	return yes
}

// ShowedAt tells whether a message, gone or not, was shown through a lens at a position: what was sent was a draft before, its author's alone. False if there never was
// such a message.
func (s *Snapshot) ShowedAt(id domain.MailboxID, m domain.MessageID, p eventstore.Position, lens Lens) (bool, error) {
	r, ok, err := s.Row(id, m)
	return ok && lens.Shows(r.State.Platform) && (r.State.Out == nil || p >= r.Position), err
}

// ExemptionOf gives the mailbox that an exemption is of, from the directory.
func (s *Snapshot) ExemptionOf(id domain.GrantID) (domain.MailboxID, bool) {
	b := s.Get(key('x', [16]byte(id)))
	if len(b) != 16 {
		return domain.MailboxID{}, false
	}
	return domain.MailboxID(b), true
}
