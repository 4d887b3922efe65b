package projections_test

import (
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/viewtest"
)

// box is the mailbox of the samples. Streams of other kinds have the same id.
var box = domain.MailboxID{0xB0}

// system is the sender's in the samples.
var system = domain.SystemID{0x51}

// samples gives an event of every type of every kind of stream, every field filled, and such that its fields say one
// thing: a letter is of the message that the event is about. Of events that go another way where a field is empty, one
// of that way follows.
func samples() (out []occurrence) {
	for _, o := range every() {
		switch e := o.event.(type) {
		case mailbox.MessageDelivered:
			e.Letter.Message = e.Message
			forwarded, l := e, *e.Letter
			l.System, l.Platform = domain.SystemID{}, ""
			forwarded.Letter = &l
			released := mailbox.MessageDelivered{Message: e.Message, Despite: e.Despite}
			out = append(out, occurrence{o.kind, e, ""}, occurrence{o.kind, released, "released"},
				occurrence{o.kind, forwarded, "forwarded"})
		case mailbox.MessageSent:
			e.Letter.Message = e.Message
			out = append(out, occurrence{o.kind, e, ""})
		case mailbox.DraftSaved:
			begun := e
			begun.Dropped = nil
			out = append(out, o, occurrence{o.kind, begun, "begun"})
		case mailbox.MessagePurged:
			received := e
			received.Own, received.Documents = false, nil
			out = append(out, o, occurrence{o.kind, received, "received"})
		case intake.ReceiptDeleted:
			e.Receipt = intake.FinalOf(e.Message)
			out = append(out, occurrence{o.kind, e, ""})
		default:
			out = append(out, o)
		}
	}

	return out
}

// happened appends an event, after what makes it possible, and gives its position. The last event of its append, it is
// of a command whose caller gave an id.
func happened(t *testing.T, store eventstore.Store, o occurrence) eventstore.Position {
	t.Helper()

	for _, before := range given(o) {
		s := eventstore.Stream{Kind: eventstore.Kind(before.kind), ID: box}
		viewtest.Append(t, store, s, eventstore.Meta{}, before.event)
	}

	meta := eventstore.Meta{Command: [16]byte{0x80}, Actor: eventstore.Actor{Kind: "owner", ID: box}, Platform: "app"}

	return viewtest.Append(t, store, eventstore.Stream{Kind: eventstore.Kind(o.kind), ID: box}, meta, o.event)
}

// given is what makes an event possible.
func given(o occurrence) []occurrence {
	switch o.kind {
	case streams.Mailbox:
		return givenInMailbox(o.event.(mailbox.Event))
	case streams.Intake:
		return givenAtIntake(o.event)
	case streams.Organisation:
		return givenOfOrganisation(o.event)
	}

	return nil
}

// in says that events happened in a stream of a kind.
func in[E domain.Event](kind string, es ...E) (out []occurrence) {
	for _, e := range es {
		out = append(out, occurrence{kind, e, ""})
	}

	return out
}

// came is a message whose MeMo came in.
func came(m domain.MessageID, document domain.DocumentID) []occurrence {
	return in(streams.Intake, intake.MemoReceived{System: system, Message: m, Leaf: 1, Document: document})
}

// givenInMailbox gives, unless the event begins something, that what it touches is there: messages unread and with a
// note, in the folder that is touched, folders, grants. Of what a few events need, and others do not, each says so.
func givenInMailbox(e mailbox.Event) []occurrence {
	touched := e.Effect().Touches
	if _, ok := e.(mailbox.Opened); ok {
		return nil
	}
	out := in(streams.Mailbox, mailbox.Event(mailbox.Opened{Owner: mailbox.Citizen}))

	if touched.Within != (domain.FolderID{}) {
		touched.Messages = append(touched.Messages, domain.MessageID{0xEE})
	}

	for _, m := range touched.Messages {
		out = append(out, came(m, domain.DocumentID(m))...)
		out = append(out, in(streams.Mailbox, message(e, m)...)...)
	}

	for _, f := range touched.Folders {
		if _, begins := e.(mailbox.FolderCreated); !begins {
			out = append(out, in(streams.Mailbox, mailbox.FolderCreated{Folder: f, Leaf: 2})...)
		}
	}

	if touched.Within != (domain.FolderID{}) {
		moved := mailbox.MessageMoved{Message: domain.MessageID{0xEE}, From: mailbox.Inbox, To: touched.Within}
		out = append(out, in(streams.Mailbox, moved)...)
	}

	return append(out, in(streams.Mailbox, others(e)...)...)
}

// letter is of a message that came.
func letter(m domain.MessageID) mailbox.Letter {
	return mailbox.Letter{
		Message: m, Leaf: 1, System: system, Document: domain.DocumentID(m), Kept: 7, Words: domain.Sealed("words"),
	}
}

// draft is one whose files are in documents.
func draft(m domain.MessageID, author domain.UUID, documents []domain.DocumentID) mailbox.Event {
	e := mailbox.DraftSaved{Message: m, Leaf: 1, Author: author, Content: domain.Sealed("draft")}
	for _, d := range documents {
		e.Parts = append(e.Parts, mailbox.Part{Document: d, Length: 1})
	}

	return e
}

// message gives how a message came to where an event finds it.
func message(e mailbox.Event, m domain.MessageID) []mailbox.Event {
	l := letter(m)
	here := []mailbox.Event{
		mailbox.MessageDelivered{Message: m, Letter: &l},
		mailbox.MessageNoted{Message: m, Note: domain.Sealed("note"), Key: domain.UUID{1}},
	}

	switch e := e.(type) {
	case mailbox.MessageDelivered:
		if e.Letter == nil {
			return []mailbox.Event{mailbox.MessageScheduled{Letter: l}}
		}
		return nil
	case mailbox.MessageScheduled:
		return nil
	case mailbox.MessageRecalled, mailbox.MessageRefused:
		return []mailbox.Event{mailbox.MessageScheduled{Letter: l}}
	case mailbox.MessageMarkedUnread:
		return append(here, mailbox.MessageMarkedRead{Message: m})
	case mailbox.MessageUnflagged:
		return append(here, mailbox.MessageFlagged{Message: m})
	case mailbox.MessageRestored:
		return append(here, mailbox.MessageTrashed{Message: m, From: mailbox.Inbox})
	case mailbox.MessagePurged:
		if e.Own {
			here = []mailbox.Event{draft(m, domain.UUID{}, e.Documents)}
		}
		return append(here, mailbox.MessageTrashed{Message: m, From: mailbox.Inbox})
	case mailbox.DraftSaved:
		if e.Dropped == nil {
			return nil
		}
		return []mailbox.Event{draft(m, e.Author, e.Dropped)}
	case mailbox.MessageSent:
		return []mailbox.Event{draft(m, e.Author, e.Dropped)}
	case mailbox.MessageTaken:
		sent := mailbox.MessageSent{
			Message: m, Letter: l, Handover: mailbox.Handover{Document: e.Copy, Root: e.Root},
		}
		return []mailbox.Event{draft(m, domain.UUID{}, nil), sent}
	case mailbox.MessageHandedOver, mailbox.ReceiptReceived:
		return []mailbox.Event{draft(m, domain.UUID{}, nil), mailbox.MessageSent{Message: m, Letter: l}}
	}

	return here
}

// others gives what an event needs that is no message and no folder.
func others(e mailbox.Event) []mailbox.Event {
	switch e := e.(type) {
	case mailbox.AccessDeclined:
		return []mailbox.Event{mailbox.AccessRequested{Grant: e.Grant, Grantee: e.Grantee}}
	case mailbox.AccessGranted:
		return []mailbox.Event{mailbox.AccessRequested{Grant: e.Grant, Grantee: e.Grantee}}
	case mailbox.AccessRevoked:
		return []mailbox.Event{mailbox.AccessGranted{Grant: e.Grant, Grantee: e.Grantee}}
	case mailbox.AccessExpired:
		return []mailbox.Event{mailbox.AccessGranted{Grant: e.Grant, Grantee: e.Grantee, Until: time.Unix(1, 0)}}
	case mailbox.ContactCodeIssued:
		return []mailbox.Event{mailbox.ContactSet{Detail: e.Detail, Leaf: 3}}
	case mailbox.ContactHoursSet:
		return []mailbox.Event{mailbox.ContactSet{Detail: e.Detail, Leaf: 3}}
	case mailbox.ContactCodeFailed:
		return []mailbox.Event{mailbox.ContactSet{Detail: e.Detail, Leaf: 3}}
	case mailbox.ContactConfirmed:
		return []mailbox.Event{mailbox.ContactSet{Detail: e.Detail, Leaf: 3}}
	case mailbox.ContactRemoved:
		return []mailbox.Event{mailbox.ContactSet{Detail: e.Detail, Person: e.Person, Leaf: 3}}
	case mailbox.NotificationRequested:
		return []mailbox.Event{mailbox.ContactSet{Detail: e.Detail, Leaf: 3}}
	case mailbox.NotificationEnded:
		asked := mailbox.NotificationRequested{Detail: e.Detail, Notice: e.Notice}
		return []mailbox.Event{mailbox.ContactSet{Detail: e.Detail, Leaf: 3}, asked}
	case mailbox.ExemptionGranted:
		return []mailbox.Event{mailbox.ExemptionApplied{Exemption: e.Exemption, Leaf: 3}}
	case mailbox.ExemptionRefused:
		return []mailbox.Event{mailbox.ExemptionApplied{Exemption: e.Exemption, Leaf: 3}}
	case mailbox.ExemptionReceiptIssued:
		return []mailbox.Event{mailbox.ExemptionApplied{Exemption: e.Exemption, Leaf: 3}}
	case mailbox.ExemptionRevoked:
		return []mailbox.Event{mailbox.ExemptionApplied{Exemption: e.Exemption, Leaf: 3}}
	}

	return nil
}

func givenAtIntake(e domain.Event) []occurrence {
	switch e := e.(type) {
	case intake.MemoRefused:
		return came(e.Message, e.Document)
	case intake.ReceiptPushed:
		refused := intake.MemoRefused{Message: e.Message, Status: "INVALID"}
		return append(came(e.Message, domain.DocumentID{}), in(streams.Intake, refused)...)
	case intake.ReceiptDeleted:
		refused := intake.MemoRefused{Message: e.Message, Status: "INVALID"}
		return append(came(e.Message, domain.DocumentID{}), in(streams.Intake, refused)...)
	}

	return nil
}

func givenOfOrganisation(e domain.Event) []occurrence {
	registered := in(streams.Organisation, organisation.Event(organisation.Registered{Kind: organisation.Authority}))
	and := func(more ...organisation.Event) []occurrence {
		return append(registered, in(streams.Organisation, more...)...)
	}

	switch e := e.(type) {
	case organisation.Registered:
		return nil
	case organisation.SystemKeySet:
		return and(organisation.SystemRegistered{System: e.System})
	case organisation.SystemBasisSet:
		return and(organisation.SystemRegistered{System: e.System})
	case organisation.SystemEndpointSet:
		return and(organisation.SystemRegistered{System: e.System})
	case organisation.SystemEndpointStopped:
		return and(organisation.SystemRegistered{System: e.System})
	case organisation.SystemWithdrawn:
		return and(organisation.SystemRegistered{System: e.System})
	case organisation.SystemDelegated:
		return and(organisation.SystemRegistered{System: e.System})
	case organisation.RecipientSystemRegistered:
		return and(organisation.SystemRegistered{System: e.System})
	case organisation.ContactGroupChanged:
		return and(organisation.ContactGroupCreated(e))
	case organisation.ContactGroupClosed:
		return and(organisation.ContactGroupCreated{Group: organisation.ContactGroup{Group: e.Group}})
	case organisation.ContactPointChanged:
		return and(organisation.ContactPointCreated(e))
	case organisation.ContactPointClosed:
		return and(organisation.ContactPointCreated{Point: organisation.ContactPoint{Point: e.Point}})
	}

	return registered
}
