package backbone

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/projections"
)

// A Message is a message as its owner sees it through a platform.
type Message struct {
	ID      domain.MessageID
	Mailbox domain.MailboxID
	Row     projections.MessageRow
	Letter  projections.LetterRow
	Memo    *memo.Message // of a draft, as it is so far
	Note    string
	Answer  Answer // the recipient's business receipt, of what was sent
}

// A Folder is a folder as its owner sees it.
type Folder struct {
	ID     domain.FolderID
	Parent domain.FolderID
	Type   string // INBOX, DRAFTS, SENT, DELETED or USER_DEFINED
	Name   string
	Count  projections.Count
	Row    projections.FolderRow
	Latest time.Time
}

var systemTypes = map[domain.FolderID]string{mailbox.Inbox: "INBOX", mailbox.Drafts: "DRAFTS", mailbox.Sent: "SENT", mailbox.Deleted: "DELETED"}

// Door gives the right by which a principal may open a mailbox.
func (b *Backbone) Door(ctx context.Context, p Principal, id domain.MailboxID) (Door, error) {
	v, err := b.enter(ctx, p, id, access.List)
	if err != nil {
		return Door{}, err
	}
	defer v.Close()
	return Door{id, v.right, v.grant}, nil
}

// Behind gives whose mailbox lies behind a door.
func (b *Backbone) Behind(d Door) (Person, projections.MailboxRow, error) {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return Person{}, projections.MailboxRow{}, err
	}
	defer s.Close()
	row, ok, err := s.Mailbox(d.Mailbox)
	if err == nil && !ok {
		err = ErrNotFound
	}
	if err != nil {
		return Person{}, row, err
	}
	owner, err := b.Owner(d.Mailbox, row)
	return owner, row, err
}

// Folders gives a mailbox's folders with their counts, system folders first; and, if latest is asked for, when the newest message in each arrived, which reads
// all of its rows.
func (b *Backbone) Folders(ctx context.Context, p Principal, id domain.MailboxID, latest bool) (out []Folder, err error) {
	s, err := b.enter(ctx, p, id, access.List)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	rows, err := s.Folders(id)
	if err != nil {
		return nil, err
	}
	box, ok, err := s.Mailbox(id)
	if err != nil || !ok {
		return nil, errors.Join(err, ErrNotFound)
	}
	add := func(f Folder) error {
		if f.Count, err = s.Count(id, f.ID, s.lens); err != nil {
			return err
		}
		if latest {
			f.Latest, err = s.Latest(id, f.ID, s.lens)
		}
		out = append(out, f)
		return err
	}
	for _, f := range mailbox.SystemFolders {
		row := projections.FolderRow{State: mailbox.Folder{Version: 1}, At: box.At, Last: box.At}
		if err := add(Folder{ID: f, Type: systemTypes[f], Name: systemTypes[f], Row: row}); err != nil {
			return nil, err
		}
	}
	for f, r := range rows {
		shown, err := b.showFolder(id, f, r)
		if err != nil {
			return nil, err
		}
		if err := add(shown); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *Backbone) showFolder(id domain.MailboxID, f domain.FolderID, r projections.FolderRow) (Folder, error) {
	k, err := b.vault.Key(vault.Owner(id), r.State.Leaf)
	if err != nil {
		return Folder{}, err
	}
	name, err := k.Open(r.Sealed, "name", r.Name)
	return Folder{ID: f, Parent: r.State.Parent, Type: "USER_DEFINED", Name: string(name), Row: r}, err
}

// A Filter says which messages of a mailbox are asked for; its lens is the asker's.
type Filter = projections.Range

// Messages gives the messages of a filter that the asker sees, by arrival, and how many there are without Skip, Limit and Beyond. Their memos are not opened: OpenAll
// does that for those on a page.
func (b *Backbone) Messages(ctx context.Context, p Principal, id domain.MailboxID, f Filter) (out []Message, total int, err error) {
	s, err := b.enter(ctx, p, id, access.List)
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()
	f.Lens = s.lens
	if total, err = s.HowMany(id, f); err != nil {
		return nil, 0, err
	}
	turned := f.Beyond == 0 && f.Limit > 0 && f.Skip > total/2 // the other end is nearer
	if turned {
		rest := max(total-f.Skip, 0)
		limit := min(f.Limit, rest)
		f.Newest, f.Skip, f.Limit = !f.Newest, rest-limit, limit
		if limit == 0 {
			return nil, total, nil
		}
	}
	listed, err := s.Messages(id, f)
	for _, l := range listed {
		out = append(out, Message{ID: l.ID, Mailbox: id, Row: l.Row})
	}
	if turned {
		slices.Reverse(out)
	}
	return out, total, err
}

// OpenAll unseals messages of a mailbox that Messages gave.
func (b *Backbone) OpenAll(msgs []Message) error {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return err
	}
	defer s.Close()
	for i := range msgs {
		m := &msgs[i]
		var ok bool
		if m.Letter, ok, err = s.Letter(m.Mailbox, m.ID); err == nil && (ok || m.Row.State.Draft != nil) {
			ok, err = true, b.unseal(m)
		}
		if errors.Is(err, vault.ErrForgotten) || err == nil && !ok { // purged since the list was made
			m.Memo, err = nil, nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Backbone) unseal(m *Message) (err error) {
	owner := vault.Owner(m.Mailbox)
	k, err := b.vault.Key(owner, m.Row.State.Leaf)
	if err != nil {
		return err
	}
	if d := m.Row.State.Draft; d != nil {
		c, err := openDraft(k, *d)
		if err != nil {
			return err
		}
		m.Memo = &c.Memo
	} else if m.Memo, err = b.outlineOf(owner, m.Letter); err != nil {
		return err
	}
	if len(m.Row.Answer) > 0 {
		if m.Answer, err = openAnswer(k, m.Row.Answer); err != nil {
			return err
		}
	}
	if len(m.Row.Note) == 0 {
		return nil
	}
	note, err := k.Open(mailbox.MessageNoted{}.EventType(), "note", m.Row.Note)
	m.Note = string(note)
	return err
}

// Message gives one message.
func (b *Backbone) Message(ctx context.Context, p Principal, id domain.MailboxID, m domain.MessageID) (Message, error) {
	s, err := b.enter(ctx, p, id, access.List)
	if err != nil {
		return Message{}, err
	}
	defer s.Close()
	out := Message{ID: m, Mailbox: id}
	var ok bool
	if out.Row, out.Letter, ok, err = s.Message(id, m, s.lens); err != nil || !ok {
		return out, errors.Join(err, ErrNotFound)
	}
	err = b.unseal(&out)
	if errors.Is(err, vault.ErrForgotten) {
		err = ErrNotFound
	}
	return out, err
}

// Content opens a file of a message. The look is recorded before anything is given. The caller closes what it gets.
func (b *Backbone) Content(ctx context.Context, p Principal, msg Message, file *memo.Node) (io.ReadSeeker, io.Closer, error) {
	v, err := b.enter(ctx, p, msg.Mailbox, access.Open)
	if err != nil {
		return nil, nil, err
	}
	v.Close()
	if err := b.look(ctx, p, v, msg.Mailbox, looks.ContentOpened{Message: msg.ID}); err != nil {
		return nil, nil, err
	}
	k, err := b.vault.Key(vault.Owner(msg.Mailbox), msg.Row.State.Leaf)
	if err != nil {
		return nil, nil, err
	}
	if d := msg.Row.State.Draft; d != nil {
		r, err := b.openParts(k, *d, file.Key)
		if err != nil {
			return nil, nil, err
		}
		return r, r, nil
	}
	var d *documents.Document
	if d, err = b.openDocument(k, msg.Letter); err != nil {
		return nil, nil, err
	}
	return msg.Memo.Content(d, msg.Letter.Letter.Length, *file.Child("content").File), d, nil
}

// A SenderCount is how much post of one sender lies in a mailbox, DELETED included.
type SenderCount struct {
	Organisation domain.OrganisationID
	CVR, Name    string
	Total        int
	Unread       int
	Latest       time.Time
}

// Senders counts a mailbox's post by sender, the one with the newest first. It reads the rows of all messages, and opens none.
func (b *Backbone) Senders(ctx context.Context, p Principal, id domain.MailboxID) (out []SenderCount, err error) {
	s, err := b.enter(ctx, p, id, access.List)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	listed, err := s.Messages(id, projections.Range{Lens: s.lens, Newest: true})
	if err != nil {
		return nil, err
	}
	at := map[domain.OrganisationID]int{}
	for _, m := range listed {
		l, ok, err := s.Letter(id, m.ID)
		if err != nil {
			return nil, err
		}
		if !ok || l.Letter.Sender == (domain.OrganisationID{}) {
			continue // purged since, or written by a person
		}
		i, known := at[l.Letter.Sender]
		if !known {
			i = len(out)
			at[l.Letter.Sender] = i
			out = append(out, SenderCount{Organisation: l.Letter.Sender, Latest: m.Row.Received})
		}
		out[i].Total++
		if !m.Row.State.Read {
			out[i].Unread++
		}
	}
	systems, err := b.Systems()
	for _, sys := range systems {
		if i, ok := at[sys.OrgID]; ok {
			out[i].CVR, out[i].Name = sys.Organisation.CVR, sys.Organisation.Name
		}
	}
	return out, err
}
