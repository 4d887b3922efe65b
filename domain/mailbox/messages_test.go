package mailbox_test

import (
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// lawful is a letter of a sender who may write to those who are exempt.
func lawful(leaf uint32) mailbox.Letter {
	return mailbox.Letter{Message: m1, Leaf: leaf, System: sys, LegalBasis: "law"}
}

// arrived is a letter's delivery.
func arrived(l mailbox.Letter, despite string) mailbox.Event {
	return mailbox.MessageDelivered{Message: l.Message, Letter: &l, Despite: despite}
}

// dueOn is private post that waits for its date.
func dueOn(platform string) history {
	return open.and(mailbox.MessageScheduled{Letter: letterOn(platform, m1, 1), Due: noon})
}

// sealedLetter seals a letter so that leaf and event type are seen.
func sealedLetter(leaf uint32, eventType string) (mailbox.Letter, error) {
	l := letter(m1, 0)
	l.DocumentKey = sealed(eventType, leaf)

	return l, nil
}

var messageRules = []scenario{
	{
		Name: "post for no mailbox",
		When: mailbox.Receive{Letter: letter(m1, 0), At: noon},
		Err:  refused(mailbox.NotOpen),
	},
	{
		Name:  "post arrives",
		Given: open,
		When:  mailbox.Receive{Letter: letter(m1, 0), At: noon},
		Then:  then(delivered(m1, 1)),
	},
	{
		Name:  "post arrives from another mailbox",
		Given: open,
		When:  mailbox.Receive{Letter: letter(m1, 0), At: noon},
		Order: by(machine(access.Forwarder)),
		Then:  then(delivered(m1, 1)),
	},
	{
		Name:  "nobody puts post into their own mailbox",
		Given: open,
		When:  mailbox.Receive{Letter: letter(m1, 0), At: noon},
		Order: by(as(own)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "a date that has passed means now [19]",
		Given: open,
		When:  mailbox.Receive{Letter: letter(m1, 0), At: noon, Due: noon},
		Then:  then(delivered(m1, 1)),
	},
	{
		Name:  "a later date schedules [19]",
		Given: open,
		When:  mailbox.Receive{Letter: letter(m1, 0), At: noon, Due: noon.Add(1)},
		Then:  then(mailbox.MessageScheduled{Letter: letter(m1, 1), Due: noon.Add(1)}),
	},
	{
		Name:  "the same message twice [21]",
		Given: here,
		When:  mailbox.Receive{Letter: letter(m1, 0), At: noon},
		Err:   refused(mailbox.AlreadyReceived),
	},
	{
		Name:  "what comes takes the next leaf",
		Given: here,
		When:  mailbox.Receive{Letter: letter(m2, 1), At: noon},
		Then:  then(delivered(m2, 2)),
	},
	{
		Name:  "what comes is sealed under its leaf, for its event",
		Given: open.and(delivered(m2, 1)),
		When:  mailbox.Receive{Letter: letter(m1, 0), Seal: sealedLetter, At: noon},
		Then: then(arrived(mailbox.Letter{
			Message: m1, Leaf: 2, System: sys, DocumentKey: sealed("mailbox.message-delivered", 2),
		}, "")),
	},
	{
		Name:  "what is scheduled is sealed under its leaf, for its event",
		Given: open,
		When:  mailbox.Receive{Letter: letter(m1, 0), Seal: sealedLetter, At: noon, Due: noon.Add(1)},
		Then: then(mailbox.MessageScheduled{Due: noon.Add(1), Letter: mailbox.Letter{
			Message: m1, Leaf: 1, System: sys, DocumentKey: sealed("mailbox.message-scheduled", 1),
		}}),
	},
	{
		Name:  "a due message is released",
		Given: due,
		When:  mailbox.Release{Message: m1, At: noon},
		Then:  then(released(m1)),
	},
	{
		Name:  "not before its date",
		Given: due,
		When:  mailbox.Release{Message: m1, At: noon.Add(-1)},
	},
	{
		Name:  "released once",
		Given: due.and(released(m1)),
		When:  mailbox.Release{Message: m1, At: noon},
	},
	{
		Name: "released in no mailbox",
		When: mailbox.Release{Message: m1, At: noon},
	},
	{
		Name:  "released in a mailbox that was ended since: it has its outcome",
		Given: dueOn("").and(mailbox.Shredded{}),
		When:  mailbox.Release{Message: m1, At: noon},
		Then:  then(mailbox.MessageRefused{Message: m1, Leaf: 1, Reason: mailbox.RecipientClosed}),
	},
	{
		Name:  "private post is released: the contract's consent with it",
		Given: dueOn("eboks"),
		When:  mailbox.Release{Message: m1, At: noon},
		Then:  then(byContract, released(m1)),
	},
	{
		Name:  "recalled before its date [19]",
		Given: due,
		When:  mailbox.Recall{Message: m1, System: sys},
		Then:  then(mailbox.MessageRecalled{Message: m1, Leaf: 1}),
	},
	{
		Name:  "recalled once",
		Given: due.and(mailbox.MessageRecalled{Message: m1, Leaf: 1}),
		When:  mailbox.Recall{Message: m1, System: sys},
	},
	{
		Name:  "recall loses against delivery [19]",
		Given: due.and(released(m1)),
		When:  mailbox.Recall{Message: m1, System: sys},
		Err:   refused(mailbox.AlreadyDelivered),
	},
	{
		Name:  "delivery loses against recall [19]",
		Given: due.and(mailbox.MessageRecalled{Message: m1, Leaf: 1}),
		When:  mailbox.Release{Message: m1, At: noon},
	},
	{
		Name:  "recall of another's message",
		Given: due,
		When:  mailbox.Recall{Message: m1, System: domain.SystemID{8}},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "a scheduled message is not there for its owner",
		Given: due,
		When:  mailbox.MarkRead{Target: at(m1), Read: true},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "a message to one who is exempt [7]",
		Given: exempt,
		When:  mailbox.Receive{Letter: letter(m1, 0), At: noon},
		Err:   refused(mailbox.RecipientExempt),
	},
	{
		Name:  "scheduled to one who is exempt: decided at delivery [7]",
		Given: exempt,
		When:  mailbox.Receive{Letter: letter(m1, 0), At: noon, Due: noon.Add(1)},
		Then:  then(mailbox.MessageScheduled{Letter: letter(m1, 2), Due: noon.Add(1)}),
	},
	{
		Name:  "private post comes through",
		Given: exempt,
		When:  mailbox.Receive{Letter: letterOn("eboks", m1, 0), At: noon},
		Then:  then(byContract, deliveredOn("eboks", m1, 2)),
	},
	{
		Name:  "a legal basis comes through, and is told",
		Given: exempt,
		When:  mailbox.Receive{Letter: lawful(0), At: noon},
		Then:  then(arrived(lawful(2), "law")),
	},
	{
		Name:  "a legal basis that breaks no exemption is not",
		Given: open,
		When:  mailbox.Receive{Letter: lawful(0), At: noon},
		Then:  then(arrived(lawful(1), "")),
	},
	{
		Name: "scheduled before, due after: decided at delivery [7]",
		Given: due.and(
			mailbox.ExemptionApplied{Exemption: g1, Leaf: 2},
			mailbox.ExemptionGranted{Exemption: g1},
		),
		When: mailbox.Release{Message: m1, At: noon},
		Then: then(mailbox.MessageRefused{Message: m1, Leaf: 1, Reason: mailbox.RecipientExempt}),
	},
	{
		Name: "scheduled while exempt, which ends before its date",
		Given: exempt.and(
			mailbox.MessageScheduled{Letter: letter(m1, 2), Due: noon},
			mailbox.ExemptionRevoked{Exemption: g1, By: mailbox.BySelf},
		),
		When: mailbox.Release{Message: m1, At: noon},
		Then: then(released(m1)),
	},
	{
		Name:  "a legal basis comes through at its date",
		Given: exempt.and(mailbox.MessageScheduled{Letter: lawful(2), Due: noon}),
		When:  mailbox.Release{Message: m1, At: noon, Basis: "law"},
		Then:  then(mailbox.MessageDelivered{Message: m1, Despite: "law"}),
	},
	{
		Name:  "a legal basis that was lost before its date does not",
		Given: exempt.and(mailbox.MessageScheduled{Letter: lawful(2), Due: noon}),
		When:  mailbox.Release{Message: m1, At: noon},
		Then:  then(mailbox.MessageRefused{Message: m1, Leaf: 2, Reason: mailbox.RecipientExempt}),
	},
	{
		Name:  "a contract's consent is recorded once",
		Given: exempt.and(byContract),
		When:  mailbox.Receive{Letter: letterOn("eboks", m1, 0), At: noon},
		Then:  then(deliveredOn("eboks", m1, 2)),
	},
	{
		Name:  "private post of one who was declined",
		Given: open.and(byContract, declined),
		When:  mailbox.Receive{Letter: letterOn("eboks", m1, 0), At: noon},
		Err:   refused(mailbox.SenderDeclined),
	},
	{
		Name:  "private post that claims no basis, to one who has said nothing",
		Given: open,
		When:  mailbox.Receive{Letter: mailbox.Letter{Message: m1, System: sys, Platform: "eboks"}, At: noon},
		Err:   refused(mailbox.NoConsent),
	},
	{
		Name:  "private post that claims no basis, to one who has consented",
		Given: open.and(mailbox.SenderConsentGiven{Platform: "eboks"}),
		When:  mailbox.Receive{Letter: mailbox.Letter{Message: m1, System: sys, Platform: "eboks"}, At: noon},
		Then: then(arrived(mailbox.Letter{
			Message: m1, Leaf: 1, System: sys, Platform: "eboks",
		}, "")),
	},
	{
		Name: "scheduled private post that claims no basis: decided at delivery",
		Given: open.and(mailbox.MessageScheduled{
			Letter: mailbox.Letter{Message: m1, Leaf: 1, System: sys, Platform: "eboks", Intake: 9}, Due: noon,
		}),
		When: mailbox.Release{Message: m1, At: noon},
		Then: then(mailbox.MessageRefused{Message: m1, Leaf: 1, Reason: mailbox.NoConsent, Intake: 9}),
	},
	{
		Name: "an outcome names the intake position",
		Given: open.and(mailbox.MessageScheduled{
			Letter: mailbox.Letter{Message: m1, Leaf: 1, System: sys, Intake: 9}, Due: noon,
		}),
		When: mailbox.Release{Message: m1, At: noon},
		Then: then(mailbox.MessageDelivered{Message: m1, Intake: 9}),
	},
	{
		Name: "so does a recall",
		Given: open.and(mailbox.MessageScheduled{
			Letter: mailbox.Letter{Message: m1, Leaf: 1, System: sys, Intake: 9}, Due: noon,
		}),
		When: mailbox.Recall{Message: m1, System: sys},
		Then: then(mailbox.MessageRecalled{Message: m1, Leaf: 1, Intake: 9}),
	},
	{
		Name:  "to a mailbox that is gone",
		Given: open.and(mailbox.Shredded{}),
		When:  mailbox.Receive{Letter: letter(m1, 0), At: noon},
		Err:   refused(mailbox.RecipientClosed),
	},
	{
		Name:  "declined on one platform, taken on another",
		Given: open.and(declined),
		When:  mailbox.Receive{Letter: letterOn("mitdk", m1, 0), At: noon},
		Then: then(
			mailbox.SenderConsentGiven{Platform: "mitdk", Indirect: true, Basis: "CONTRACT"},
			deliveredOn("mitdk", m1, 1),
		),
	},
	{
		Name:  "scheduled by one who was declined: decided at delivery",
		Given: open.and(declined),
		When:  mailbox.Receive{Letter: letterOn("eboks", m1, 0), At: noon, Due: noon.Add(1)},
		Then:  then(mailbox.MessageScheduled{Letter: letterOn("eboks", m1, 1), Due: noon.Add(1)}),
	},
	{
		Name:  "declined before its date: decided at delivery",
		Given: dueOn("eboks").and(declined),
		When:  mailbox.Release{Message: m1, At: noon},
		Then:  then(mailbox.MessageRefused{Message: m1, Leaf: 1, Reason: mailbox.SenderDeclined}),
	},
}

// What is judged before anything is kept for a letter is what is decided once it is.
func TestReceiveJudgesAsItDecides(t *testing.T) {
	n := 0
	for _, row := range messageRules {
		receive, ok := row.When.(mailbox.Receive)
		if !ok || row.Order != nil {
			continue
		}
		n++

		judged, _ := domain.Refused(receive.Judge(stateOf(row)))
		if want := row.Err; want == nil && judged != "" || want != nil && judged != want.Reason {
			t.Errorf("%s: Judge refuses with %q, want %+v", row.Name, judged, want)
		}
	}

	if n == 0 {
		t.Error("no row receives a letter")
	}
}
