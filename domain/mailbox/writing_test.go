package mailbox_test

import (
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/mailbox"
)

// The rule book of writing.
func TestRulesOfWriting(t *testing.T) {
	author, other := domain.UUID{5}, domain.UUID{6}
	mine := mailbox.Target{Message: m1, Platform: "app", Author: mailbox.AuthorOnly(author)}
	theirs := mailbox.Target{Message: m1, Platform: "app", Author: mailbox.AuthorOnly(other)}
	p1, p2 := mailbox.Part{Document: domain.DocumentID{1}, Length: 5}, mailbox.Part{Document: domain.DocumentID{2}, Length: 6}
	begun := mailbox.DraftSaved{Message: m1, Leaf: 1, Author: author, Content: domain.Sealed{1}}
	draft := events{opened, begun}
	uploaded := append(events{}, append(draft, mailbox.DraftSaved{Message: m1, Leaf: 1, Author: author, Content: domain.Sealed{2}, Parts: []mailbox.Part{p1, p2}})...)
	l := mailbox.Letter{Message: m1, Leaf: 1, Document: domain.DocumentID{9}}
	way := mailbox.Handover{Root: domain.UUID{8}, Document: domain.DocumentID{10}}
	sent := mailbox.MessageSent{Message: m1, Letter: l, To: mailbox.Destination{System: sys}, Handover: way, Author: author, From: mailbox.Drafts, Dropped: []domain.DocumentID{{1}, {2}}}
	gone := append(events{}, append(uploaded, sent)...)
	fetched := append(events{}, append(gone, mailbox.MessageHandedOver{Message: m1})...)
	taken := append(events{}, append(fetched, mailbox.MessageTaken{Message: m1, Root: way.Root, Copy: way.Document})...)
	onward := mailbox.MessageSent{Message: m2, Letter: mailbox.Letter{Message: m2, Leaf: 2, Document: domain.DocumentID{9}}, To: mailbox.Destination{Mailbox: helper}, Handover: way}
	forwarded := onward
	forwarded.Forwards = m1
	crowd := events{opened}
	for i := range mailbox.MaxDrafts {
		crowd = append(crowd, mailbox.DraftSaved{Message: domain.MessageID{9, byte(i), byte(i >> 8)}, Leaf: uint32(i + 1), Author: author})
	}
	trashed := mailbox.MessageTrashed{Message: m1, From: mailbox.Drafts, Platform: mailbox.AuthorOnly(author)}
	domaintest.Run(t, mailbox.Decider, mailbox.Codec, []scenario{
		{Name: "a draft begins", Given: events{opened}, When: mailbox.SaveDraft{Target: mine, New: true, Leaf: 1, Author: author, Content: domain.Sealed{1}}, Then: events{begun}},
		{Name: "a draft in no mailbox", When: mailbox.SaveDraft{Target: mine, New: true, Leaf: 1, Author: author}, Err: refused(mailbox.NotOpen)},
		{Name: "a draft where public post is not shown", Given: events{opened}, When: mailbox.SaveDraft{Target: mailbox.Target{Message: m1, NoPublic: true}, New: true, Leaf: 1}, Err: refused(mailbox.ConsentMissing)},
		{Name: "a draft under a leaf that was taken", Given: here, When: mailbox.SaveDraft{Target: mailbox.Target{Message: m2}, New: true, Leaf: 1}, Err: refused(mailbox.LeafTaken)},
		{Name: "a draft that is there", Given: draft, When: mailbox.SaveDraft{Target: mine, New: true, Leaf: 2}, Err: refused(mailbox.AlreadyReceived)},
		{Name: "one author's drafts are limited", Given: crowd, When: mailbox.SaveDraft{Target: mine, New: true, Leaf: mailbox.MaxDrafts + 1, Author: author}, Err: refused(mailbox.TooManyDrafts)},
		{Name: "those in DELETED count too", Given: append(append(events{}, crowd...), mailbox.MessageTrashed{Message: domain.MessageID{9}, From: mailbox.Drafts, Platform: mine.Author}),
			When: mailbox.SaveDraft{Target: mine, New: true, Leaf: mailbox.MaxDrafts + 1, Author: author}, Err: refused(mailbox.TooManyDrafts)},
		{Name: "another author has room", Given: crowd, When: mailbox.SaveDraft{Target: mine, New: true, Leaf: mailbox.MaxDrafts + 1, Author: other},
			Then: events{mailbox.DraftSaved{Message: m1, Leaf: mailbox.MaxDrafts + 1, Author: other}}},
		{Name: "a draft's parts are limited", Given: draft, When: mailbox.SaveDraft{Target: mine, Author: author, Parts: make([]mailbox.Part, mailbox.MaxParts+1)}, Err: refused(mailbox.TooManyParts)},
		{Name: "a part is dropped", Given: uploaded, When: mailbox.SaveDraft{Target: mine, Author: author, Content: domain.Sealed{3}, Parts: []mailbox.Part{p2}},
			Then: events{mailbox.DraftSaved{Message: m1, Leaf: 1, Author: author, Content: domain.Sealed{3}, Parts: []mailbox.Part{p2}, Dropped: []domain.DocumentID{{1}}}}},
		{Name: "a draft is its author's alone", Given: draft, When: mailbox.SaveDraft{Target: theirs, Author: other}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "a stale draft", Given: uploaded, When: mailbox.SaveDraft{Target: mailbox.Target{Message: m1, Author: mine.Author, Version: 1}, Author: author}, Err: &domain.Rejection{Reason: mailbox.StaleVersion, Version: 2}},
		{Name: "what was received is no draft", Given: here, When: mailbox.SaveDraft{Target: mine, Author: author}, Err: refused(mailbox.NotADraft)},
		{Name: "a draft goes nowhere but to DELETED", Given: draft, When: mailbox.Move{Target: mine, To: mailbox.Inbox}, Err: refused(mailbox.FolderNotAllowed)},
		{Name: "what was received goes not to DRAFTS", Given: here, When: mailbox.Move{Target: mine, To: mailbox.Drafts}, Err: refused(mailbox.FolderNotAllowed)},
		{Name: "what was received goes not to SENT", Given: here, When: mailbox.Move{Target: mine, To: mailbox.Sent}, Err: refused(mailbox.FolderNotAllowed)},
		{Name: "a draft is thrown away", Given: draft, When: mailbox.Delete{Target: mine}, Then: events{trashed}},
		{Name: "a draft is taken out of DELETED", Given: append(append(events{}, draft...), trashed), When: mailbox.Restore{Target: mine},
			Then: events{mailbox.MessageRestored{Message: m1, To: mailbox.Drafts, Platform: mine.Author}}},
		{Name: "a draft is purged, its parts with it", Given: append(append(events{}, uploaded...), trashed), When: mailbox.Delete{Target: mine},
			Then: events{mailbox.MessagePurged{Message: m1, Leaf: 1, From: mailbox.Deleted, Platform: mine.Author, Own: true, Documents: []domain.DocumentID{{1}, {2}}}}},
		{Name: "a draft is sent", Given: uploaded, When: mailbox.Send{Target: mine, Sent: mailbox.MessageSent{Letter: mailbox.Letter{Message: m1, Document: domain.DocumentID{9}}, To: sent.To, Handover: way, Author: author}}, Then: events{sent}},
		{Name: "sent once [31]", Given: gone, When: mailbox.Send{Target: mine, Sent: sent}, Err: refused(mailbox.NotADraft)},
		{Name: "a draft that was not written out is not sent", Given: uploaded, When: mailbox.Send{Target: mine, Sent: mailbox.MessageSent{Author: author}}, Err: &domain.Rejection{Reason: mailbox.StaleVersion, Version: 2}},
		{Name: "another's draft is not sent", Given: draft, When: mailbox.Send{Target: theirs, Sent: sent}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "what was sent is everybody's", Given: gone, When: mailbox.MarkRead{Target: theirs}, Then: events{mailbox.MessageMarkedUnread{Message: m1}}},
		{Name: "what was sent can be moved", Given: gone, When: mailbox.Move{Target: theirs, To: mailbox.Inbox}, Then: events{mailbox.MessageMoved{Message: m1, From: mailbox.Sent, To: mailbox.Inbox}}},
		{Name: "what was sent goes with its document", Given: append(append(events{}, gone...), mailbox.MessageTrashed{Message: m1, From: mailbox.Sent}), When: mailbox.Delete{Target: theirs},
			Then: events{mailbox.MessagePurged{Message: m1, Leaf: 1, From: mailbox.Deleted, Own: true, Documents: []domain.DocumentID{{9}}}}},
		{Name: "forward", Given: here, When: mailbox.Forward{Target: mine, Sent: onward}, Then: events{forwarded}},
		{Name: "forward what is private", Given: events{opened, delivered(m1, 1, "app")}, When: mailbox.Forward{Target: mine, Sent: onward}, Err: refused(mailbox.PrivatePost)},
		{Name: "forward a draft", Given: draft, When: mailbox.Forward{Target: mine, Sent: onward}, Err: refused(mailbox.NotADraft)},
		{Name: "forward what is not there", Given: events{opened}, When: mailbox.Forward{Target: mine, Sent: onward}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "forwarded under a leaf that was taken", Given: append(append(events{}, here...), folder(f1, domain.FolderID{}, 2, nameA)), When: mailbox.Forward{Target: mine, Sent: onward}, Err: refused(mailbox.LeafTaken)},
		{Name: "forwarded once", Given: append(append(events{}, here...), forwarded), When: mailbox.Forward{Target: mine, Sent: onward}, Err: refused(mailbox.AlreadyReceived)},
		{Name: "the recipient system fetches", Given: gone, When: mailbox.HandOver{Message: m1, System: sys}, Then: events{mailbox.MessageHandedOver{Message: m1}}},
		{Name: "it fetches again", Given: fetched, When: mailbox.HandOver{Message: m1, System: sys}},
		{Name: "another system fetches", Given: gone, When: mailbox.HandOver{Message: m1, System: domain.SystemID{6}}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "what was received is not fetched", Given: here, When: mailbox.HandOver{Message: m1, System: sys}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "fetched after its writer purged it", Given: append(append(events{}, gone...), mailbox.MessageTrashed{Message: m1, From: mailbox.Sent}, mailbox.MessagePurged{Message: m1, Leaf: 1, From: mailbox.Deleted}),
			When: mailbox.HandOver{Message: m1, System: sys}, Then: events{mailbox.MessageHandedOver{Message: m1}}},
		{Name: "the recipient needs its copy no more", Given: fetched, When: mailbox.Take{Message: m1, System: sys}, Then: events{mailbox.MessageTaken{Message: m1, Root: way.Root, Copy: way.Document}}},
		{Name: "deleted before it was fetched", Given: gone, When: mailbox.Take{Message: m1, System: sys}, Err: refused(mailbox.NotFetched)},
		{Name: "answered before it was fetched", Given: gone, When: mailbox.Answer{Message: m1, System: sys, Status: "COMPLETED"}, Err: refused(mailbox.NotFetched)},
		{Name: "taken once", Given: taken, When: mailbox.Take{Message: m1, System: sys}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "fetched after it was taken", Given: taken, When: mailbox.HandOver{Message: m1, System: sys}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "taken by another system", Given: fetched, When: mailbox.Take{Message: m1, System: domain.SystemID{6}}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "a business receipt", Given: taken, When: mailbox.Answer{Message: m1, System: sys, Status: "COMPLETED"}, Then: events{mailbox.ReceiptReceived{Message: m1, Status: "COMPLETED"}}},
		{Name: "the same business receipt again [22]", Given: append(append(events{}, taken...), mailbox.ReceiptReceived{Message: m1, Status: "COMPLETED"}), When: mailbox.Answer{Message: m1, System: sys, Status: "COMPLETED"}},
		{Name: "another business receipt [22]", Given: append(append(events{}, taken...), mailbox.ReceiptReceived{Message: m1, Status: "COMPLETED"}), When: mailbox.Answer{Message: m1, System: sys, Status: "INVALID"}, Err: refused(mailbox.ReceiptGiven)},
		{Name: "another system's business receipt", Given: taken, When: mailbox.Answer{Message: m1, System: domain.SystemID{6}, Status: "COMPLETED"}, Err: refused(mailbox.NoSuchMessage)},
		{Name: "who may only read does not write [30]", Given: append(append(events{}, draft...), granted), When: mailbox.By{Command: mailbox.Send{Target: mine, Sent: sent},
			Principal: access.Principal{Identity: helper}, Action: access.Write, Mailbox: own, Now: noon}, Err: refused(mailbox.AccessLimited)},
	})
}
