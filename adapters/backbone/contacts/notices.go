package contacts

import (
	"context"
	"encoding/binary"
	"errors"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/platform"
)

// Notices are what people are told at their contact details, as whoever tells them needs it. They may be used by many
// goroutines at once.
type Notices struct {
	core     *core.Core
	content  *content.Content
	contacts *Contacts
}

// NoticesOf gives them.
func NoticesOf(x *Contacts, words *content.Content) *Notices { return &Notices{x.core, words, x} }

// maxCounted is how many messages one notice counts; what is beyond them is told of by the next.
const maxCounted = 1000

// A Receiver is a confirmed contact detail of somebody who is told of new post.
type Receiver struct {
	Detail   domain.UUID
	Kind     mailbox.DetailKind
	Anytime  bool
	Reminder int // days; 0: none
}

// Receivers gives the contact details at which people are to be told of what comes into a mailbox now: none where it is
// closed or its owner is exempt.
func (n *Notices) Receivers(box domain.MailboxID) (out []Receiver, err error) {
	row, err := n.core.Mailbox(box)
	if err != nil || !tells(row) {
		return nil, err
	}

	for _, c := range row.Contacts {
		for _, d := range c.Details {
			if c.OptedOut.IsZero() && d.Confirmed && d.Kind != mailbox.NemSMSNumber {
				out = append(out, Receiver{d.ID, d.Kind, d.Shown.Anytime, int(c.Reminder)})
			}
		}
	}

	return out, nil
}

// tells reports whether anybody is told of a mailbox's new post.
func tells(row mailbox.Box) bool { return row.Owner != "" && !row.Exemption.Exempt }

// A Telling is what somebody is told.
type Telling struct {
	ID       domain.UUID // the same however often it is tried
	Kind     mailbox.DetailKind
	To       string // an e-mail address, or a number with +45
	Language string // da or en
	Platform string // where the contact detail was given
	Own      bool   // it is about the person's own mailbox

	Messages int    // new ones; 0: it is not about new post
	Text     string // what the sender of the only one has given to be told; empty: nothing
	Reminder bool
	Notice   mailbox.Notice // which it is, if it is about new post
	Code     string         // that confirms the contact detail; empty: it is not about that
}

// New gives what is to be told of an arrival at a contact detail, settled in the log first: it is one with all else
// that has come and is not read. False if nothing is: it was told, or read, or is not wanted any more.
func (n *Notices) New(
	ctx context.Context, box domain.MailboxID, detail domain.UUID, arrival eventstore.Position, reminder bool,
) (t Telling, more bool, err error) {
	for range rounds {
		found, err := n.look(box, detail, uint64(arrival), reminder)
		if err != nil || found.done {
			return t, false, err
		}

		switch {
		case found.settled && found.notice.Messages > 0:
			t, err = n.telling(box, found)
			return t, true, err
		case found.settled || found.notice.Messages == 0:
			err = n.End(ctx, box, detail, found.notice, mailbox.NoticeNot)
		default:
			_, err = n.run(ctx, "notice requested", box, found.notice,
				mailbox.RequestNotice{Detail: detail, Notice: found.notice})
		}

		if err != nil {
			return t, false, err
		}
	}

	return t, false, errors.New("backbone: a notice does not settle")
}

// rounds are how often a notice is looked at until it is settled: once, and again where others were faster.
const rounds = 10

func (n *Notices) run(
	ctx context.Context, what string, box domain.MailboxID, notice mailbox.Notice, cmd mailbox.Command,
) (core.Done, error) {
	return n.core.ByMachine(ctx, core.Machine{Kind: access.Backbone, Once: what, Thing: notice.ID}, box, cmd)
}

// A look is what stands of telling somebody of an arrival.
type look struct {
	done    bool           // there is nothing to tell, and nothing to note
	settled bool           // the log has the notice
	notice  mailbox.Notice // without messages: there is nothing left to tell
	row     mailbox.Box
	of      mailbox.Contacts
	detail  mailbox.Detail
}

func (n *Notices) look(box domain.MailboxID, detail domain.UUID, arrival uint64, reminder bool) (l look, err error) {
	s, err := mailboxes.At(n.core.Views)
	if err != nil {
		return l, err
	}
	defer s.Close()

	if s.Parked(box) {
		return l, core.ErrParked
	}

	if l.row, _, err = s.Mailbox(box); err != nil {
		return l, err
	}

	var ok bool
	l.of, l.detail, ok = l.row.Detail(detail)
	if !ok || !l.detail.Confirmed {
		return look{done: true}, nil
	}

	told := l.detail.Told
	l.notice = told.Under(reminder)
	l.settled = l.notice.ID != domain.UUID{}
	if !l.settled {
		l.notice = mailbox.Notice{
			ID:      NoticeID(detail, eventstore.Position(arrival), reminder),
			Through: arrival, Reminder: reminder,
		}
		if told.Has(l.notice) {
			return look{done: true}, nil
		}
	}

	through := told.Through
	if l.notice.Reminder {
		through = told.Reminded
	}

	wanted, err := n.wanted(s, box, l)
	if err != nil || !wanted {
		l.notice.Messages = 0
		return l, err
	}

	return l, l.count(s, box, through)
}

// NoticeID gives the id of the notice that an arrival begins at a contact detail.
func NoticeID(detail domain.UUID, arrival eventstore.Position, reminder bool) domain.UUID {
	what := "notice"
	if reminder {
		what = "reminder"
	}

	return domain.UUID(domain.DeriveID(what, detail[:], binary.BigEndian.AppendUint64(nil, uint64(arrival))))
}

// wanted reports whether a person is to be told, now.
func (n *Notices) wanted(s *mailboxes.Snapshot, box domain.MailboxID, l look) (bool, error) {
	if !tells(l.row) || !l.of.OptedOut.IsZero() || l.notice.Reminder && l.of.Reminder == 0 {
		return false, nil
	}

	if l.of.Person == (domain.MailboxID{}) {
		return true, nil
	}

	grants, err := s.Grants(box)
	for _, g := range grants {
		if g.State == mailbox.Granted && g.Grant.Grantee == l.of.Person && g.Grant.InForce(n.core.Now()) {
			return true, err
		}
	}

	return false, err
}

// count counts what has come beyond an arrival, is in INBOX, and was not read: private post where the contact detail
// was given on its platform, by the owner. Of a notice that is settled it says whether anything is left of that.
func (l *look) count(s *mailboxes.Snapshot, box domain.MailboxID, beyond uint64) error {
	lens := mailbox.Lens{}
	if l.of.Person == (domain.MailboxID{}) {
		lens.Private = l.detail.Shown.Platform
	}

	unread := false
	listed, err := s.Messages(box, mailboxes.Range{
		Folder: mailbox.Inbox, Lens: lens, Read: &unread, Beyond: eventstore.Position(beyond), Limit: maxCounted,
	})
	if err != nil {
		return err
	}

	count, last := uint32(0), mailboxes.Listed{}
	for _, m := range listed {
		if (l.settled || l.notice.Reminder) && m.Row.Shown.Arrival > l.notice.Through {
			break
		}
		count, last = count+1, m
	}

	if l.settled {
		if count == 0 {
			l.notice.Messages = 0 // all was read
		}

		return nil
	}

	l.notice.Messages = count
	if count > 0 {
		l.notice.Through = max(l.notice.Through, last.Row.Shown.Arrival)
	}

	if count == 1 {
		l.notice.Message = last.ID
	}

	return nil
}

// telling puts what a notice says together.
func (n *Notices) telling(box domain.MailboxID, l look) (t Telling, err error) {
	if t, err = n.to(box, l.row, l.of.Person, l.detail.Kind, l.detail.Shown); err != nil {
		return t, err
	}

	t.ID, t.Messages, t.Reminder, t.Notice = l.notice.ID, int(l.notice.Messages), l.notice.Reminder, l.notice
	if l.notice.Message != (domain.MessageID{}) {
		t.Text, err = n.text(box, l.notice.Message)
	}

	return t, err
}

// to says where somebody is told, and in which language.
func (n *Notices) to(
	box domain.MailboxID, row mailbox.Box, person domain.MailboxID, kind mailbox.DetailKind, d mailbox.DetailShown,
) (t Telling, err error) {
	t = Telling{Kind: kind, Platform: d.Platform, Own: person == domain.MailboxID{}}
	if t.To, err = n.contacts.words(box, d.Leaf, d.Words); err != nil {
		return t, err
	}

	if !t.Own {
		if row, err = n.core.Mailbox(person); err != nil && !errors.Is(err, core.ErrNotFound) {
			return t, err
		}
	}

	t.Language = row.Languages[d.Platform]
	if p, ok := platform.Of(d.Platform); t.Language == "" && ok {
		t.Language = p.Languages[0]
	}

	return t, nil
}

// text gives what the sender of a message has given to be told of it.
func (n *Notices) text(box domain.MailboxID, m domain.MessageID) (string, error) {
	s, err := mailboxes.At(n.core.Views)
	if err != nil {
		return "", err
	}
	defer s.Close()

	row, ok, err := s.Row(box, m)
	if err != nil || !ok {
		return "", err
	}

	letter, ok, err := s.Letter(box, m)
	if err != nil || !ok {
		return "", err
	}

	opened, err := n.content.Open(box, row, letter)
	if errors.Is(err, vault.ErrForgotten) {
		return "", nil
	}

	if err != nil {
		return "", err
	}

	return opened.Memo.Header().Get("notification"), nil
}

// End notes how telling ended; once, however often it is called.
func (n *Notices) End(
	ctx context.Context, box domain.MailboxID, detail domain.UUID, notice mailbox.Notice, outcome string,
) error {
	_, err := n.run(ctx, "notice ended", box, notice,
		mailbox.EndNotice{Detail: detail, Notice: notice, Outcome: outcome})
	if errors.Is(err, core.ErrNotFound) {
		return nil // the mailbox has ended
	}

	return err
}

// Asked gives what is under way at a contact detail, a reminder or a notice of new post; the zero value for nothing.
func (n *Notices) Asked(box domain.MailboxID, detail domain.UUID, reminder bool) (mailbox.Notice, error) {
	row, err := n.core.Mailbox(box)
	_, d, _ := row.Detail(detail)

	return d.Told.Under(reminder), core.IgnoreGone(err)
}

// Anytime reports whether a contact detail may be used at night.
func (n *Notices) Anytime(box domain.MailboxID, detail domain.UUID) (bool, error) {
	row, err := n.core.Mailbox(box)
	_, d, _ := row.Detail(detail)

	return d.Shown.Anytime, core.IgnoreGone(err)
}

// Kind gives what a contact detail is; empty where it is no more.
func (n *Notices) Kind(box domain.MailboxID, detail domain.UUID) (mailbox.DetailKind, error) {
	row, err := n.core.Mailbox(box)
	_, d, _ := row.Detail(detail)

	return d.Kind, err
}

// Code gives what is told of a code; false if it confirms nothing any more.
func (n *Notices) Code(box domain.MailboxID, e mailbox.ContactCodeIssued) (t Telling, wanted bool, err error) {
	row, err := n.core.Mailbox(box)
	if err != nil {
		return t, false, core.IgnoreGone(err)
	}

	of, d, ok := row.Detail(e.Detail)
	if !ok || d.Confirmed || d.Code != e.Hash || !n.core.Now().Before(e.Until) {
		return t, false, nil
	}

	code, err := n.core.Opened(box, e.Leaf, e.EventType(), "code", e.Code)
	if err != nil {
		return t, false, err
	}

	t, err = n.to(box, row, of.Person, d.Kind, d.Shown)
	t.ID, t.Code = domain.UUID(domain.DeriveID("code", e.Detail[:], e.Hash[:])), string(code)

	return t, true, err
}

// Removed gives what is told where a contact detail was used; false if the mailbox has ended.
func (n *Notices) Removed(box domain.MailboxID, e mailbox.ContactRemoved) (t Telling, wanted bool, err error) {
	row, err := n.core.Mailbox(box)
	if err != nil {
		return t, false, core.IgnoreGone(err)
	}

	t, err = n.to(box, row, e.Person, e.Kind, mailbox.DetailShown{Leaf: e.Leaf, Words: e.Words, Platform: e.Platform})
	t.ID = domain.UUID(domain.DeriveID("removed", e.Detail[:]))

	return t, true, err
}
