package mailbox

import (
	"slices"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Told is how far somebody has been told of new post at a contact detail: positions of arrivals.
type Told struct {
	Through  uint64 `cbor:"1,keyasint,omitempty"`
	Reminded uint64 `cbor:"2,keyasint,omitempty"`
	// Asked and Reminder are what is under way, and stay the same however often they are tried; zero: nothing.
	Asked    Notice `cbor:"3,keyasint,omitzero"`
	Reminder Notice `cbor:"4,keyasint,omitzero"`
}

// Under gives what is under way: a reminder, or a notice of new post.
func (t Told) Under(reminder bool) Notice {
	if reminder {
		return t.Reminder
	}

	return t.Asked
}

// set puts something under way; the zero notice: nothing.
func (t *Told) set(reminder bool, n Notice) {
	if reminder {
		t.Reminder = n
	} else {
		t.Asked = n
	}
}

// A Notice is one e-mail or text message about new post.
type Notice struct {
	ID       domain.UUID      `cbor:"1,keyasint" json:"notice"`
	Through  uint64           `cbor:"2,keyasint" json:"through"` // position of the last arrival that it is about
	Messages uint32           `cbor:"3,keyasint" json:"messages"`
	Message  domain.MessageID `cbor:"4,keyasint,omitzero" json:"message,omitzero"` // where it is about one alone
	Reminder bool             `cbor:"5,keyasint,omitempty" json:"reminder,omitempty"`
}

// noticeEvents are the zero values of this file's event types.
var noticeEvents = []Event{NotificationRequested{}, NotificationEnded{}}

// NotificationRequested records that a person is to be told of new post at a contact detail: what is said is settled.
type NotificationRequested struct {
	Detail domain.UUID `cbor:"1,keyasint" json:"detail"`
	Notice Notice      `cbor:"2,keyasint" json:"notice"`
}

// EventType is the stored name.
func (NotificationRequested) EventType() string { return "mailbox.notification-requested" }

// Effect is on the mailbox's own row.
func (NotificationRequested) Effect() domain.Effect { return onBox() }

func (e NotificationRequested) evolve(s *State, _ domain.Moment) {
	s.told(e.Detail, func(t *Told) { t.set(e.Notice.Reminder, e.Notice) })
}

// How telling a person of new post ends.
const (
	NoticeSent    = "SENT"       // a mail server or a gateway has taken it over
	NoticeRefused = "REFUSED"    // that has refused it for good
	NoticeNever   = "EXPIRED"    // nobody took it over in time
	NoticeNot     = "SUPPRESSED" // it was read before, or is not wanted any more
)

// NotificationEnded records how that ended. It says nothing of the message's arrival, which it never touches.
type NotificationEnded struct {
	Detail  domain.UUID `cbor:"1,keyasint" json:"detail"`
	Notice  Notice      `cbor:"2,keyasint" json:"notice"`
	Outcome string      `cbor:"3,keyasint" json:"outcome"`
}

// EventType is the stored name.
func (NotificationEnded) EventType() string { return "mailbox.notification-ended" }

// Effect is on the mailbox's own row.
func (NotificationEnded) Effect() domain.Effect { return onBox() }

func (e NotificationEnded) evolve(s *State, _ domain.Moment) {
	s.told(e.Detail, func(t *Told) {
		if t.Under(e.Notice.Reminder).ID == e.Notice.ID {
			t.set(e.Notice.Reminder, Notice{})
		}

		if e.Notice.Reminder {
			t.Reminded = max(t.Reminded, e.Notice.Through)
		} else {
			t.Through = max(t.Through, e.Notice.Through)
		}
	})
}

// told changes how far a contact detail is told. One that was taken away meanwhile is told nothing more.
func (b *Box) told(id domain.UUID, fn func(*Told)) {
	all := slices.Clone(b.Contacts)
	for i := range all {
		at := slices.IndexFunc(all[i].Details, func(d Detail) bool { return d.ID == id })
		if at < 0 {
			continue
		}

		all[i].Details = slices.Clone(all[i].Details)
		fn(&all[i].Details[at].Told)
	}
	b.Contacts = all
}

// RequestNotice settles what a person is told of new post at a contact detail. Where something is under way there
// already, or that was told already, nothing changes.
type RequestNotice struct {
	Detail domain.UUID
	Notice Notice
}

func (RequestNotice) needs() domain.Parts { return domain.Parts{} }

func (RequestNotice) leave(*State) Leave { return Leave{Machines: []access.Machine{access.Backbone}} }

func (c RequestNotice) decide(s *State) ([]Event, error) {
	_, d, ok := s.Box.Detail(c.Detail)
	if !ok || !d.Confirmed || d.Told.Under(c.Notice.Reminder).ID != (domain.UUID{}) || d.Told.Has(c.Notice) {
		return nil, nil
	}

	return []Event{NotificationRequested(c)}, nil
}

// Has reports whether that was told already.
func (t Told) Has(n Notice) bool {
	if n.Reminder {
		return n.Through <= t.Reminded
	}

	return n.Through <= t.Through
}

// EndNotice says how telling a person ended; once. What was never requested is not wanted: it was read before.
type EndNotice struct {
	Detail  domain.UUID
	Notice  Notice
	Outcome string
}

func (EndNotice) needs() domain.Parts { return domain.Parts{} }

func (EndNotice) leave(*State) Leave { return Leave{Machines: []access.Machine{access.Backbone}} }

func (c EndNotice) decide(s *State) ([]Event, error) {
	_, d, ok := s.Box.Detail(c.Detail)
	under := d.Told.Under(c.Notice.Reminder).ID == c.Notice.ID
	if !ok || !under && (c.Outcome != NoticeNot || d.Told.Has(c.Notice)) {
		return nil, nil
	}

	return []Event{NotificationEnded(c)}, nil
}
