package reactions

import (
	"context"
	"errors"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/contacts"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// Means are how people are told.
type Means struct {
	Mail sending.Mailer // nil: nobody is told by e-mail
	Text Texter         // nil: nobody is told by text message
	// Hold is how long new post waits for more to be told of with it, and for being read before.
	Hold time.Duration
	// From and To are hours of the day in Copenhagen, 0 to 24, between which people are told; both 0: at any time.
	From, To int
}

// A notifier tells people something at their contact details. What it tells of depends on its kind.
type notifier struct {
	b     *backbone.Backbone
	means Means
}

// Receivers of what people are told: a lane for each means.
const (
	byMail = "email"
	byText = "sms"
)

// receiverOf gives the means for a kind of contact detail; empty where there is none.
func (n notifier) receiverOf(kind mailbox.DetailKind) string {
	switch {
	case kind == mailbox.EMail && n.means.Mail != nil:
		return byMail
	case kind != mailbox.EMail && n.means.Text != nil:
		return byText
	}

	return ""
}

// send hands it over.
func (n notifier) send(ctx context.Context, kind string, t contacts.Telling) error {
	words := saidOf(t)
	if t.Kind != mailbox.EMail {
		return n.means.Text(ctx, Text{ID: t.ID.String(), To: t.To, Body: words.body, Kind: kind})
	}

	err := n.means.Mail(ctx, sending.Mail{ID: t.ID.String(), To: t.To, Subject: words.subject, Text: words.body + "\n"})
	if sending.IsRefusedMail(err) {
		return &RefusedError{Err: errors.New("the mail server refuses it"), ForGood: true}
	}

	if err != nil {
		err = errors.New("the mail server takes nothing now") // what it says may name the address
	}

	return err
}

// mayTell gives when, from a time on, somebody may be told.
func (m Means) mayTell(at time.Time, anytime bool) time.Time {
	if anytime || m.From == m.To {
		return at
	}

	local := at.In(memo.Copenhagen)
	hour := func(days, h int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, h, 0, 0, 0, memo.Copenhagen)
	}

	switch {
	case local.Before(hour(0, m.From)):
		return hour(0, m.From)
	case !local.Before(hour(0, m.To)):
		return hour(1, m.From)
	}

	return at
}

// hold puts off what may not be told now.
func (m Means) hold(now time.Time, anytime bool) error {
	if at := m.mayTell(now, anytime); at.After(now) {
		return &LaterError{At: at, Why: "people are not told at night"}
	}

	return nil
}

// NewPost tells people of new post: once for each message and contact detail, in one with what has come meanwhile.
type NewPost struct {
	notifier
	reminder bool
}

// NewPosts makes the sources that tell of new post, and remind of it.
func NewPosts(b *backbone.Backbone, m Means) []Source {
	return []Source{&NewPost{notifier{b, m}, false}, &NewPost{notifier{b, m}, true}}
}

// Kind is notification, or reminder.
func (s *NewPost) Kind() string {
	if s.reminder {
		return "reminder"
	}

	return "notification"
}

// Plan gives a notice for each contact detail at which people are told of what comes into the mailbox.
func (s *NewPost) Plan(_ context.Context, h *engine.Entry) (out []Effect, err error) {
	if h.Type != (mailbox.MessageDelivered{}).EventType() {
		return nil, nil
	}

	all, err := s.b.Notices.Receivers(h.Stream.ID)
	if err != nil {
		return nil, core.IgnoreGone(err)
	}

	for _, r := range all {
		next := h.Recorded.Add(s.means.Hold)
		if s.reminder {
			next = h.Recorded.AddDate(0, 0, r.Reminder)
		}

		if receiver := s.receiverOf(r.Kind); receiver != "" && (!s.reminder || r.Reminder > 0) {
			out = append(out, Effect{
				Receiver: receiver, Order: r.Detail, Thing: h.Stream.ID, Next: s.means.mayTell(next, r.Anytime),
				Key: domain.UUID(domain.DeriveID(s.Kind(), h.ID[:], r.Detail[:])).String(),
			})
		}
	}

	return out, nil
}

// Do tells of it, and of what has come since, at an hour at which its person may be told; the log says so before and
// after.
func (s *NewPost) Do(ctx context.Context, e Effect) error {
	anytime, err := s.b.Notices.Anytime(e.Thing, e.Order)
	if err != nil {
		return err
	}

	if err := s.means.hold(s.b.Clock.Now(), anytime); err != nil {
		return err
	}

	for {
		t, more, err := s.b.Notices.New(ctx, e.Thing, e.Order, e.Position, s.reminder)
		if err != nil || !more {
			return core.IgnoreGone(err)
		}

		if err := s.send(ctx, s.Kind(), t); err != nil {
			return err
		}

		if err := s.b.Notices.End(ctx, e.Thing, e.Order, t.Notice, mailbox.NoticeSent); err != nil {
			return err
		}
	}
}

// Done notes that nobody was told by the notice that this effect began, and why. One that another began is that one's.
func (s *NewPost) Done(ctx context.Context, e Effect, failed error) error {
	if failed == nil {
		return nil
	}

	asked, err := s.b.Notices.Asked(e.Thing, e.Order, s.reminder)
	if err != nil || asked.ID != contacts.NoticeID(e.Order, e.Position, s.reminder) {
		return err
	}

	outcome := mailbox.NoticeNever
	var refused *RefusedError
	if errors.As(failed, &refused) {
		outcome = mailbox.NoticeRefused
	}

	return s.b.Notices.End(ctx, e.Thing, e.Order, asked, outcome)
}

// ContactChanges sends codes to contact details, and tells where one was used that it is no more.
type ContactChanges struct{ notifier }

// NewContactChanges makes the source.
func NewContactChanges(b *backbone.Backbone, m Means) *ContactChanges {
	return &ContactChanges{notifier{b, m}}
}

// Kind is contact.
func (*ContactChanges) Kind() string { return "contact" }

// Plan gives a code that is to be sent, or that somebody is told that a contact detail is used no more.
func (s *ContactChanges) Plan(_ context.Context, h *engine.Entry) ([]Effect, error) {
	if h.Type != (mailbox.ContactCodeIssued{}).EventType() && h.Type != (mailbox.ContactRemoved{}).EventType() {
		return nil, nil
	}

	kind, detail := mailbox.DetailKind(""), domain.UUID{}
	switch says, _ := h.Says(); e := says.(type) {
	case mailbox.ContactCodeIssued:
		row, err := s.b.Notices.Kind(h.Stream.ID, e.Detail)
		if err != nil {
			return nil, core.IgnoreGone(err)
		}
		kind, detail = row, e.Detail
	case mailbox.ContactRemoved:
		if e.Confirmed {
			kind, detail = e.Kind, e.Detail
		}
	}

	receiver := s.receiverOf(kind)
	if kind == "" || receiver == "" {
		return nil, nil
	}

	return []Effect{{
		Receiver: receiver, Order: detail, Thing: h.Stream.ID,
		Key: domain.UUID(domain.DeriveID(s.Kind(), h.ID[:])).String(),
	}}, nil
}

// Do sends the code, while it is good, or says that the contact detail is used no more.
func (s *ContactChanges) Do(ctx context.Context, e Effect) error {
	h, err := happened(ctx, s.b.Log, e.Position)
	if err != nil {
		return err
	}

	var t contacts.Telling
	wanted := false
	switch says, _ := h.Says(); event := says.(type) {
	case mailbox.ContactCodeIssued:
		t, wanted, err = s.b.Notices.Code(e.Thing, event)
	case mailbox.ContactRemoved:
		t, wanted, err = s.b.Notices.Removed(e.Thing, event)
	}

	if err != nil || !wanted {
		return err
	}

	return s.send(ctx, s.Kind(), t)
}

// Done is nothing: who waits for a code sees that none comes, and asks for another.
func (*ContactChanges) Done(context.Context, Effect, error) error { return nil }

// happened reads one event of the log.
func happened(ctx context.Context, log backbone.Log, at eventstore.Position) (*engine.Entry, error) {
	for rec, err := range log.ReadAll(ctx, at-1) {
		if err != nil {
			return nil, err
		}

		return &engine.Entry{Event: rec}, nil
	}

	return nil, errors.New("the event is not in the log")
}
