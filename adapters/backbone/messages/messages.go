// Package messages is the messages of a mailbox as those see them who may: lists, single messages, their files, and
// what people do with them.
package messages

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/mailboxes"
)

// A Message is a message as its owner sees it through a platform.
type Message struct {
	ID      domain.MessageID
	Mailbox domain.MailboxID
	Row     mailbox.Message
	Letter  mailboxes.LetterRow
	content.Opened
	Answerable bool // that its sender takes an answer now; of messages that were opened
}

// Messages shows and changes them. It may be used by many goroutines at once.
type Messages struct {
	core          *core.Core
	content       *content.Content
	organisations *organisations.Organisations
}

// New makes one.
func New(c *core.Core, w *content.Content, o *organisations.Organisations) *Messages {
	return &Messages{c, w, o}
}

// Message gives one message; core.ErrNotFound if it is not there, or not shown to who asks.
func (m *Messages) Message(
	ctx context.Context, p access.Principal, box domain.MailboxID, id domain.MessageID,
) (Message, error) {
	v, err := m.core.Enter(ctx, p, box, access.List)
	if err != nil {
		return Message{}, err
	}
	defer v.Close()

	return m.in(v, id)
}

// Now gives a message as it stands, to who was admitted for a change and may still see it.
func (m *Messages) Now(a core.Admission, id domain.MessageID) (Message, error) {
	a.Action = access.List
	v, err := m.core.Return(a)
	if err != nil {
		return Message{}, err
	}
	defer v.Close()

	return m.in(v, id)
}

// in reads a message in a visit.
func (m *Messages) in(v *core.Visit, id domain.MessageID) (out Message, err error) {
	out = Message{ID: id, Mailbox: v.Mailbox}
	var ok bool
	if out.Row, out.Letter, ok, err = v.View.Message(v.Mailbox, id, v.Lens); err != nil || !ok {
		return out, errors.Join(err, core.ErrNotFound)
	}

	out.Opened, err = m.content.Open(out.Mailbox, out.Row, out.Letter)
	if errors.Is(err, vault.ErrForgotten) {
		err = core.ErrNotFound
	}

	if err != nil {
		return out, err
	}

	answers, err := m.answersTo(v.View, v.Mailbox)
	if err == nil {
		out.Answerable = answers.take(out)
	}

	return out, err
}

// After gives a message as a command left it: as it is now, or, for a repeat, as it was then.
func (m *Messages) After(a core.Admission, id domain.MessageID, done core.Done) (Message, error) {
	out, err := m.Now(a, id)
	if err == nil && done.Repeat != nil {
		out.Row = done.Repeat.Row
		out.Opened, err = m.content.Open(out.Mailbox, out.Row, out.Letter)
	}

	return out, err
}

// A Filter says which messages of a mailbox are asked for; its lens is the asker's.
type Filter = mailboxes.Range

// List gives the messages of a filter that the asker sees, by arrival, and how many there are without Skip, Limit and
// Beyond. Their memos are not opened: Open does that for those on a page.
func (m *Messages) List(
	ctx context.Context, p access.Principal, box domain.MailboxID, f Filter,
) (out []Message, total int, err error) {
	v, err := m.core.Enter(ctx, p, box, access.List)
	if err != nil {
		return nil, 0, err
	}
	defer v.Close()

	f.Lens = v.Lens
	if total, err = v.View.HowMany(box, f); err != nil {
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

	listed, err := v.View.Messages(box, f)
	out = make([]Message, 0, len(listed))
	for _, l := range listed {
		out = append(out, Message{ID: l.ID, Mailbox: box, Row: l.Row})
	}

	if turned {
		slices.Reverse(out)
	}

	return out, total, err
}

// Open unseals messages that List or Rows gave. One that was purged since is left without its Memo.
func (m *Messages) Open(msgs []Message) error {
	s, err := mailboxes.At(m.core.Views)
	if err != nil {
		return err
	}
	defer s.Close()

	for i := range msgs {
		msg := &msgs[i]
		var ok bool
		if msg.Letter, ok, err = s.Letter(msg.Mailbox, msg.ID); err == nil && (ok || msg.Row.Draft != nil) {
			ok = true
			msg.Opened, err = m.content.Open(msg.Mailbox, msg.Row, msg.Letter)
		}

		if errors.Is(err, vault.ErrForgotten) || err == nil && !ok {
			msg.Memo, err = nil, nil
		}

		if err != nil {
			return err
		}
	}

	return nil
}

// Rows gives the rows of messages by their ids, without opening them; those that are gone are left out.
func (m *Messages) Rows(box domain.MailboxID, ids []domain.MessageID) (out []Message, err error) {
	s, err := mailboxes.At(m.core.Views)
	if err != nil {
		return nil, err
	}
	defer s.Close()

	for _, id := range ids {
		row, ok, err := s.Row(box, id)
		if err != nil {
			return nil, err
		}

		if ok && row.Stage == mailbox.Here {
			out = append(out, Message{ID: id, Mailbox: box, Row: row})
		}
	}

	return out, nil
}

// File opens a file of a message. The look is recorded before anything is given. Once the message is purged, or the
// reader's access has ended, reading ends within a second: who reads slowly is given no more. The caller closes what it
// gets.
func (m *Messages) File(
	ctx context.Context, p access.Principal, msg Message, file *memo.Node,
) (io.ReadSeeker, io.Closer, error) {
	a, err := m.core.Admit(ctx, p, msg.Mailbox, access.Open)
	if err != nil {
		return nil, nil, err
	}

	if err := m.core.Look(ctx, a, looks.ContentOpened{Message: msg.ID}); err != nil {
		return nil, nil, err
	}

	k, err := m.core.Key(msg.Mailbox, msg.Row.Leaf)
	if err != nil {
		return nil, nil, err
	}

	if d := msg.Row.Draft; d != nil {
		r, err := m.content.OpenParts(k, *d, file.Key)
		if err != nil {
			return nil, nil, err
		}

		return m.watched(r, a, msg), r, nil
	}

	d, err := m.content.Document(k, msg.Letter)
	if err != nil {
		return nil, nil, err
	}

	return m.watched(msg.Memo.Content(d, msg.Letter.Letter.Length, *file.Child("content").File), a, msg), d, nil
}

// A watched file is read as long as its reader may.
type watched struct {
	io.ReadSeeker
	may  func() error
	next time.Time // when it is asked again
}

// watch is how long what is being read is given without asking again.
const watch = time.Second

func (m *Messages) watched(r io.ReadSeeker, a core.Admission, msg Message) *watched {
	may := func() error {
		if _, err := m.core.May(a.Principal, a.Mailbox, a.Action); err != nil {
			return err
		}
		_, err := m.core.Key(msg.Mailbox, msg.Row.Leaf)

		return err
	}

	return &watched{r, may, time.Now().Add(watch)}
}

func (w *watched) Read(p []byte) (int, error) {
	if now := time.Now(); now.After(w.next) {
		if err := w.may(); err != nil {
			return 0, err
		}
		w.next = now.Add(watch)
	}

	return w.ReadSeeker.Read(p)
}

// A SenderCount is how much post of one sender lies in a mailbox, DELETED included.
type SenderCount struct {
	Organisation domain.OrganisationID
	CVR, Name    string
	Total        int
	Unread       int
	Latest       time.Time
}

// Senders counts a mailbox's post by sender, the one with the newest first. It reads the rows of all messages, and
// opens none.
func (m *Messages) Senders(
	ctx context.Context, p access.Principal, box domain.MailboxID,
) (out []SenderCount, err error) {
	v, err := m.core.Enter(ctx, p, box, access.List)
	if err != nil {
		return nil, err
	}
	defer v.Close()

	listed, err := v.View.Messages(box, mailboxes.Range{Lens: v.Lens, Newest: true})
	if err != nil {
		return nil, err
	}

	at := map[domain.OrganisationID]int{}
	for _, l := range listed {
		sender := l.Row.Sender
		if sender == (domain.OrganisationID{}) {
			continue // written by a person
		}

		i, known := at[sender]
		if !known {
			i = len(out)
			at[sender] = i
			out = append(out, SenderCount{Organisation: sender, Latest: l.Row.Shown.Received})
		}

		out[i].Total++
		if !l.Row.Read {
			out[i].Unread++
		}
	}

	systems, err := m.organisations.Systems()
	for _, sys := range systems {
		if i, ok := at[sys.OrgID]; ok {
			out[i].CVR, out[i].Name = sys.Organisation.CVR, sys.Organisation.Name
		}
	}

	return out, err
}
