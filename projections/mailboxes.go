package projections

import (
	"encoding/binary"
	"fmt"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// Mailboxes is the view of every mailbox's messages, folders and counts. Its keys begin with the mailbox's id:
//
//	b                        MailboxRow              v                   Standing
//	f folder                 FolderRow               k folder platform   Count, of what lies in a folder and who is shown it
//	m message                MessageRow              s message           LetterRow, which never changes
//	a position               message and platform, by arrival
//	t folder position        the same, by folder and arrival
//	u position, x folder position   the same, of what is unread
//	c command                Result, of commands whose caller gave an id
//	o message person platform   when that person last looked, through that platform
//	w position               what a search looks in, by arrival: see words.go
//	j position               nothing, of messages with a note
//	n organisation platform  mailbox.SenderConsent, of private senders
//	g grant                  GrantRow, of access granted or asked for; h grant: of what was ended
type Mailboxes struct{}

// Name names the view.
func (Mailboxes) Name() string { return "mailboxes" }

// A MailboxRow is a mailbox.
type MailboxRow struct {
	Opened mailbox.Opened `cbor:"1,keyasint"`
	At     time.Time      `cbor:"2,keyasint"`
	Gone   bool           `cbor:"3,keyasint,omitempty"`

	Exemption ExemptionRow      `cbor:"4,keyasint,omitzero"`
	Consents  map[string]bool   `cbor:"5,keyasint,omitempty"`
	Languages map[string]string `cbor:"6,keyasint,omitempty"` // by platform
}

// An ExemptionRow is where an owner's exemption stands.
type ExemptionRow struct {
	State    mailbox.Exemption `cbor:"1,keyasint"`
	Status   string            `cbor:"2,keyasint"` // APPLIED, EXEMPT, REFUSED or REVOKED
	Leaf     uint32            `cbor:"3,keyasint"`
	Criteria domain.Sealed     `cbor:"4,keyasint"`
	Proxy    bool              `cbor:"5,keyasint,omitempty"`
	At       time.Time         `cbor:"6,keyasint"`
	Last     time.Time         `cbor:"7,keyasint"`
	By       string            `cbor:"8,keyasint,omitempty"` // how it ended

	AddressLeaf uint32        `cbor:"9,keyasint,omitempty"`
	Address     domain.Sealed `cbor:"10,keyasint,omitempty"`
	Version     uint32        `cbor:"11,keyasint"`
	GroundsLeaf uint32        `cbor:"12,keyasint,omitempty"`
	Grounds     domain.Sealed `cbor:"13,keyasint,omitempty"` // of a refusal
}

// A Standing is what the next command must know: the stream's version, and the next leaf.
type Standing struct {
	Version  eventstore.Version `cbor:"1,keyasint"`
	NextLeaf uint32             `cbor:"2,keyasint"`
}

// A FolderRow is a folder of a person's own.
type FolderRow struct {
	State  mailbox.Folder `cbor:"1,keyasint"`
	Name   domain.Sealed  `cbor:"2,keyasint"`
	Sealed string         `cbor:"3,keyasint"` // the event type that the name is bound to
	At     time.Time      `cbor:"4,keyasint"`
	Last   time.Time      `cbor:"5,keyasint"`
}

// A MessageRow is what changes of a message.
type MessageRow struct {
	State    mailbox.Message     `cbor:"1,keyasint"`
	Note     domain.Sealed       `cbor:"2,keyasint,omitempty"`
	Position eventstore.Position `cbor:"3,keyasint"` // of its arrival
	Received time.Time           `cbor:"4,keyasint"`
	Last     time.Time           `cbor:"5,keyasint"`
	Answer   domain.Sealed       `cbor:"6,keyasint,omitempty"` // words of the recipient's business receipt
	Answered time.Time           `cbor:"7,keyasint,omitzero"`
}

// A LetterRow is what never changes of a message.
type LetterRow struct {
	Letter mailbox.Letter `cbor:"1,keyasint"`
	Sealed string         `cbor:"2,keyasint"` // the event type that its fields are bound to
	At     time.Time      `cbor:"3,keyasint"`
}

// A Count is of the messages in a folder that one audience is shown.
type Count struct {
	Total  int `cbor:"1,keyasint"`
	Unread int `cbor:"2,keyasint"`
}

// A Result is what came of a command whose caller gave an id: its repeat is answered from it.
type Result struct {
	Position eventstore.Position `cbor:"1,keyasint"` // of its last event
	Message  domain.MessageID    `cbor:"2,keyasint"`
	Folder   domain.FolderID     `cbor:"3,keyasint"`
	Row      MessageRow          `cbor:"4,keyasint"`
	FolderAs FolderRow           `cbor:"5,keyasint"`
	Same     bool                `cbor:"-"`
}

// Apply applies an event.
func (p Mailboxes) Apply(v View, rec eventstore.Event, e domain.Named) error {
	id := rec.Stream.ID
	switch rec.Stream.Kind {
	case "looks":
		v.Put(lookKey(id, lookedAt(e), rec.Meta.Actor.ID, rec.Meta.Platform), binary.BigEndian.AppendUint64(nil, uint64(rec.Recorded.UnixNano())))
		return nil
	case "mailbox":
	default:
		return nil
	}
	c := change{v: v, rec: rec, id: id}
	if err := c.apply(e); err != nil {
		return err
	}
	st, _, err := row[Standing](v, key(id, 'v'))
	if err != nil {
		return err
	}
	if st.Version+1 != rec.Version {
		return fmt.Errorf("version %d follows %d", rec.Version, st.Version)
	}
	st.Version, st.NextLeaf = rec.Version, max(st.NextLeaf, c.leaf+1, 1)
	if err := put(v, key(id, 'v'), st); err != nil {
		return err
	}
	if cmd := domain.CommandID(rec.Meta.Command); cmd.Given() && rec.Index == rec.Count {
		return put(v, key(id, 'c', [16]byte(cmd)), Result{Position: rec.Position, Message: c.message, Folder: c.folder, Row: c.row, FolderAs: c.folderAs})
	}
	return nil
}

// lookedAt gives what a look is remembered under: the message, or one of five ids that no message has for what is about the whole mailbox.
func lookedAt(e domain.Named) (m domain.MessageID) {
	switch e := e.(type) {
	case looks.ContentOpened:
		return e.Message
	case looks.Listed:
		m[15] = 1
	case looks.Searched:
		m[15] = 2
	case looks.SignedIn:
		m[15] = 3
	case looks.Inspected:
		m[15] = 4
	}
	return m
}

func lookKey(id [16]byte, m domain.MessageID, person [16]byte, platform string) []byte {
	return key(id, 'o', [16]byte(m), person, platform)
}

// A change is one event's work on the view.
type change struct {
	v   View
	rec eventstore.Event
	id  [16]byte

	leaf     uint32
	message  domain.MessageID
	row      MessageRow
	folder   domain.FolderID
	folderAs FolderRow
}

func (c *change) apply(e domain.Named) error {
	switch e := e.(type) {
	case mailbox.Opened:
		return put(c.v, key(c.id, 'b'), MailboxRow{Opened: e, At: c.rec.Recorded})
	case mailbox.Shredded:
		return c.box(func(b *MailboxRow) { b.Gone = true })
	case mailbox.MessageScheduled:
		if err := c.letter(e.Letter, mailbox.Message{Stage: mailbox.Scheduled, Due: e.Due}); err != nil {
			return err
		}
		return nil
	case mailbox.MessageDelivered:
		return c.delivered(e)
	case mailbox.MessageRecalled:
		return c.update(e.Message, func(m *MessageRow) { m.State.Stage = mailbox.Recalled }, false)
	case mailbox.MessageRefused:
		return c.update(e.Message, func(m *MessageRow) { m.State.Stage = mailbox.Recalled }, false)
	case mailbox.ExemptionApplied:
		c.leaf = e.Leaf
		return c.exemption(func(x *ExemptionRow) {
			*x = ExemptionRow{Status: "APPLIED", Leaf: e.Leaf, Criteria: e.Criteria, Proxy: e.Proxy, At: c.rec.Recorded, AddressLeaf: x.AddressLeaf, Address: x.Address, Version: x.Version,
				State: mailbox.Exemption{ID: e.Exemption, Applied: true, Departure: e.Departure}}
		})
	case mailbox.ExemptionGranted:
		return c.exemption(func(x *ExemptionRow) {
			x.Status, x.State = "EXEMPT", mailbox.Exemption{ID: e.Exemption, Exempt: true, Departure: e.Departure}
		})
	case mailbox.ExemptionRefused:
		c.leaf = e.Leaf
		return c.exemption(func(x *ExemptionRow) {
			x.Status, x.State.Applied, x.GroundsLeaf, x.Grounds = "REFUSED", false, e.Leaf, e.Grounds
		})
	case mailbox.ExemptionReceiptIssued:
		return nil
	case mailbox.ExemptionRevoked:
		return c.exemption(func(x *ExemptionRow) {
			x.Status, x.By, x.State = "REVOKED", e.By, mailbox.Exemption{ID: e.Exemption}
		})
	case mailbox.PostalAddressSet:
		c.leaf = e.Leaf
		return c.exemption(func(x *ExemptionRow) { x.AddressLeaf, x.Address = e.Leaf, e.Address })
	case mailbox.ConsentGiven:
		return c.consent(e.Platform, true)
	case mailbox.ConsentWithdrawn:
		return c.consent(e.Platform, false)
	case mailbox.SenderConsentGiven:
		return put(c.v, key(c.id, 'n', [16]byte(e.Organisation), e.Platform), mailbox.SenderConsent{Given: true, Indirect: e.Indirect})
	case mailbox.SenderConsentWithdrawn:
		return put(c.v, key(c.id, 'n', [16]byte(e.Organisation), e.Platform), mailbox.SenderConsent{})
	case mailbox.LanguageSet:
		return c.box(func(b *MailboxRow) {
			if b.Languages == nil {
				b.Languages = map[string]string{}
			}
			b.Languages[e.Platform] = e.Language
		})
	case mailbox.ContactConfirmed:
		c.leaf = e.Leaf
		return nil
	case mailbox.MessageMarkedRead:
		return c.update(e.Message, func(m *MessageRow) { m.State.Read = true }, true)
	case mailbox.MessageMarkedUnread:
		return c.update(e.Message, func(m *MessageRow) { m.State.Read = false }, true)
	case mailbox.MessageFlagged:
		return c.update(e.Message, func(m *MessageRow) { m.State.Flag = true }, true)
	case mailbox.MessageUnflagged:
		return c.update(e.Message, func(m *MessageRow) { m.State.Flag = false }, true)
	case mailbox.MessageNoted:
		return c.update(e.Message, func(m *MessageRow) { m.Note, m.State.NoteKey = e.Note, e.Key }, true)
	case mailbox.MessageMoved:
		return c.update(e.Message, func(m *MessageRow) { m.State.Folder = e.To }, true)
	case mailbox.MessageTrashed:
		return c.update(e.Message, func(m *MessageRow) { m.State.Before, m.State.Folder = m.State.Folder, mailbox.Deleted }, true)
	case mailbox.MessageRestored:
		return c.update(e.Message, func(m *MessageRow) { m.State.Folder = e.To }, true)
	case mailbox.MessagePurged:
		return c.update(e.Message, func(m *MessageRow) {
			m.State.Stage, m.State.Draft, m.Note, m.Answer = mailbox.Purged, nil, nil, nil
		}, false)
	case mailbox.FolderCreated:
		c.leaf = e.Leaf
		return c.putFolder(e.Folder, FolderRow{State: mailbox.Folder{Parent: e.Parent, NameKey: e.NameKey, Leaf: e.Leaf, Version: 1}, Name: e.Name, Sealed: e.EventType(), At: c.rec.Recorded})
	case mailbox.FolderRenamed:
		return c.changeFolder(e.Folder, func(f *FolderRow) { f.Name, f.State.NameKey, f.Sealed = e.Name, e.NameKey, e.EventType() })
	case mailbox.FolderMoved:
		return c.changeFolder(e.Folder, func(f *FolderRow) { f.State.Parent = e.Parent })
	case mailbox.FolderDeleted:
		return c.deleteFolder(e.Folder)
	case mailbox.Unchanged:
		return c.unchanged(e)
	case mailbox.AccessRequested:
		return c.putGrant(e.Grant, GrantRow{Grant: access.Grant{Grantee: e.Grantee, Right: e.Right, Until: e.Until}, State: Requested, At: c.rec.Recorded})
	case mailbox.AccessGranted:
		return c.putGrant(e.Grant, GrantRow{Grant: access.Grant{Grantee: e.Grantee, Right: e.Right, Until: e.Until}, State: Granted, Via: e.Via, At: c.rec.Recorded})
	case mailbox.AccessDeclined:
		return c.endGrant(e.Grant, Declined)
	case mailbox.AccessRevoked:
		return c.endGrant(e.Grant, Revoked)
	case mailbox.DraftSaved:
		return c.draft(e)
	case mailbox.MessageSent:
		return c.sent(e)
	case mailbox.MessageHandedOver:
		return c.update(e.Message, func(m *MessageRow) { m.State.Out.Fetched = true }, true)
	case mailbox.MessageTaken:
		return c.update(e.Message, func(m *MessageRow) { m.State.Out.Taken = true }, false)
	case mailbox.ReceiptReceived:
		return c.update(e.Message, func(m *MessageRow) {
			m.State.Out.Receipt, m.Answer, m.Answered = e.Status, e.Text, c.rec.Recorded
		}, true)
	}
	return fmt.Errorf("no row for %s", e.EventType())
}

// Where access to a mailbox stands.
const (
	Requested = "SUBMITTED"
	Granted   = "APPROVED"
	Declined  = "REJECTED"
	Revoked   = "REVOKED"
)

// A GrantRow is access that was granted or asked for.
type GrantRow struct {
	Grant access.Grant `cbor:"1,keyasint"`
	State string       `cbor:"2,keyasint"`
	Via   string       `cbor:"3,keyasint,omitempty"`
	At    time.Time    `cbor:"4,keyasint"`
	Last  time.Time    `cbor:"5,keyasint"`

	Version uint32 `cbor:"6,keyasint"`
}

func (c *change) putGrant(id domain.GrantID, g GrantRow) error {
	k := key(c.id, 'g', [16]byte(id))
	before, ok, err := row[GrantRow](c.v, k)
	if err != nil {
		return err
	}
	if ok {
		g.At = before.At
	}
	g.Last, g.Version = c.rec.Recorded, before.Version+1
	return put(c.v, k, g)
}

func (c *change) endGrant(id domain.GrantID, state string) error {
	g, ok, err := row[GrantRow](c.v, key(c.id, 'g', [16]byte(id)))
	if err != nil || !ok {
		return fmt.Errorf("grant %s has no row: %w", id, err)
	}
	g.State, g.Last = state, c.rec.Recorded
	g.Version++
	c.v.Delete(key(c.id, 'g', [16]byte(id)))
	return put(c.v, key(c.id, 'h', [16]byte(id)), g)
}

// box changes the mailbox's own row.
func (c *change) box(fn func(*MailboxRow)) error {
	b, _, err := row[MailboxRow](c.v, key(c.id, 'b'))
	if err != nil {
		return err
	}
	fn(&b)
	return put(c.v, key(c.id, 'b'), b)
}

func (c *change) consent(platform string, given bool) error {
	return c.box(func(b *MailboxRow) {
		if b.Consents == nil {
			b.Consents = map[string]bool{}
		}
		b.Consents[platform] = given
	})
}

func (c *change) exemption(fn func(*ExemptionRow)) error {
	return c.box(func(b *MailboxRow) {
		fn(&b.Exemption)
		b.Exemption.Last = c.rec.Recorded
		b.Exemption.Version++
	})
}

func (c *change) letter(l mailbox.Letter, m mailbox.Message) error {
	c.leaf, c.message = l.Leaf, l.Message
	stage, due := m.Stage, m.Due
	m = m.Begun(l)
	m.Stage, m.Due = stage, due
	c.row = MessageRow{State: m, Last: c.rec.Recorded}
	if err := put(c.v, key(c.id, 's', [16]byte(l.Message)), LetterRow{Letter: l, Sealed: c.rec.Type, At: c.rec.Recorded}); err != nil {
		return err
	}
	return put(c.v, key(c.id, 'm', [16]byte(l.Message)), c.row)
}

func (c *change) delivered(e mailbox.MessageDelivered) error {
	if e.Letter != nil {
		if err := c.letter(*e.Letter, mailbox.Message{}); err != nil {
			return err
		}
	}
	return c.update(e.Message, func(m *MessageRow) {
		m.State.Stage, m.State.Folder, m.State.Version = mailbox.Here, mailbox.Inbox, 0
		m.Position, m.Received = c.rec.Position, c.rec.Recorded
	}, true)
}

// update changes a message's row, and its place in indexes and counts with it.
func (c *change) update(id domain.MessageID, fn func(*MessageRow), shown bool) error {
	k := key(c.id, 'm', [16]byte(id))
	m, ok, err := row[MessageRow](c.v, k)
	if err != nil || !ok {
		return fmt.Errorf("message %s has no row: %w", id, err)
	}
	if err := c.place(id, m, -1); err != nil {
		return err
	}
	before := m
	fn(&m)
	m.Last = c.rec.Recorded
	if shown {
		m.State.Version++
	}
	c.message, c.row = id, m
	if err := c.place(id, m, 1); err != nil {
		return err
	}
	if m.State.Stage == mailbox.Purged || m.State.Stage == mailbox.Recalled {
		c.v.Delete(key(c.id, 's', [16]byte(id)))
	}
	if err := c.words(id, before, m); err != nil {
		return err
	}
	return put(c.v, k, m)
}

// place adds a message to indexes and counts (n = 1) or takes it out (-1).
func (c *change) place(id domain.MessageID, m MessageRow, n int) error {
	if m.State.Stage != mailbox.Here {
		return nil
	}
	index := [][]byte{key(c.id, 'a', m.Position), key(c.id, 't', [16]byte(m.State.Folder), m.Position)}
	if !m.State.Read {
		index = append(index, key(c.id, 'u', m.Position), key(c.id, 'x', [16]byte(m.State.Folder), m.Position))
	}
	listed := append(id[:len(id):len(id)], m.State.Platform...)
	for _, k := range index {
		if n > 0 {
			c.v.Put(k, listed)
		} else {
			c.v.Delete(k)
		}
	}
	k := countKey(c.id, m.State.Folder, m.State.Platform)
	count, _, err := row[Count](c.v, k)
	if err != nil {
		return err
	}
	count.Total += n
	if !m.State.Read {
		count.Unread += n
	}
	if count == (Count{}) {
		c.v.Delete(k)
		return nil
	}
	return put(c.v, k, count)
}

func countKey(id [16]byte, f domain.FolderID, platform string) []byte {
	return key(id, 'k', [16]byte(f), platform)
}

func (c *change) putFolder(id domain.FolderID, f FolderRow) error {
	f.Last = c.rec.Recorded
	c.folder, c.folderAs = id, f
	return put(c.v, key(c.id, 'f', [16]byte(id)), f)
}

func (c *change) changeFolder(id domain.FolderID, fn func(*FolderRow)) error {
	f, ok, err := row[FolderRow](c.v, key(c.id, 'f', [16]byte(id)))
	if err != nil || !ok {
		return fmt.Errorf("folder %s has no row: %w", id, err)
	}
	fn(&f)
	f.State.Version++
	return c.putFolder(id, f)
}

// deleteFolder takes a folder away; what the acting platform did not show goes to the inbox.
func (c *change) deleteFolder(id domain.FolderID) error {
	c.folder = id
	c.v.Delete(key(c.id, 'f', [16]byte(id)))
	var left []domain.MessageID
	c.v.Scan(key(c.id, 't', [16]byte(id)), func(_, m []byte) bool {
		left = append(left, domain.MessageID(m))
		return true
	})
	for _, m := range left {
		if err := c.update(m, func(r *MessageRow) { r.State.Folder = mailbox.Inbox }, true); err != nil {
			return err
		}
	}
	c.message = domain.MessageID{}
	return nil
}

func (c *change) unchanged(e mailbox.Unchanged) (err error) {
	c.message, c.folder = e.Message, e.Folder
	if c.row, _, err = row[MessageRow](c.v, key(c.id, 'm', [16]byte(e.Message))); err != nil {
		return err
	}
	c.folderAs, _, err = row[FolderRow](c.v, key(c.id, 'f', [16]byte(e.Folder)))
	return err
}
