package mailbox_test

import (
	"strings"

	"digitalpost/domain"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/mailbox"
)

var (
	d9  = domain.DocumentID{9}
	way = mailbox.Handover{Root: domain.UUID{8}, Document: domain.DocumentID{10}}

	sent = mailbox.MessageSent{
		Message: m1, Letter: mailbox.Letter{Message: m1, Leaf: 1, Document: d9},
		To: mailbox.Destination{System: sys}, Handover: way, Author: author, From: mailbox.Drafts,
		Dropped: []domain.DocumentID{d1, d2},
	}
	away = uploaded.and(sent)

	// whole is a draft that lacks nothing.
	whole = mailbox.Contents{Label: true, Recipient: true, Main: true, Documents: []mailbox.Files{{Count: 1}}}
	// toOwn is a way on to a number.
	toOwn = mailbox.Onward{Named: true}
)

// sending sends the draft, which was written out.
func sending(t mailbox.Target) mailbox.Send {
	return mailbox.Send{Target: t, Contents: whole, Sent: mailbox.MessageSent{
		Letter: mailbox.Letter{Message: m1, Document: d9}, To: sent.To, Handover: way, Author: author,
	}}
}

// sendingOf sends a draft of other contents.
func sendingOf(contents mailbox.Contents) mailbox.Send {
	c := sending(mine)
	c.Contents = contents

	return c
}

// sendingTo sends the draft to where limits apply, with documents beside the main one.
func sendingTo(limits mailbox.Limits, attachments int) mailbox.Send {
	c := sending(mine)
	c.Limits, c.Attachments = limits, attachments
	c.Sent.Letter.Length = 100

	return c
}

// sealedAnew sends the draft, and seals its letter.
func sealedAnew() mailbox.Send {
	c := sending(mine)
	c.Seal = func(leaf uint32) (mailbox.Letter, error) {
		return mailbox.Letter{Message: m1, Document: d9, DocumentKey: sealed("key", leaf)}, nil
	}

	return c
}

// sentSealed is what that leads to.
func sentSealed() mailbox.Event {
	e := sent
	e.Letter.DocumentKey = sealed("key", 1)

	return e
}

// onward is what is sent on, as m2, under a leaf.
func onward(leaf uint32) mailbox.MessageSent {
	return mailbox.MessageSent{
		Message: m2, Letter: mailbox.Letter{Message: m2, Leaf: leaf, Document: d9},
		To: mailbox.Destination{Mailbox: helper}, Handover: way,
	}
}

// forwarded is what was sent on.
func forwarded(leaf uint32) mailbox.Event {
	e := onward(leaf)
	e.Forwards = m1

	return e
}

// forwarding sends on, by a way.
func forwarding(by mailbox.Onward) mailbox.Forward {
	return mailbox.Forward{Target: mine, Sent: onward(0), Onward: by}
}

// forwardingSealed sends on, and seals the letter.
func forwardingSealed() mailbox.Forward {
	c := forwarding(toOwn)
	c.Seal = func(leaf uint32) (mailbox.Letter, error) {
		return mailbox.Letter{Message: m2, Document: d9, DocumentKey: sealed("key", leaf)}, nil
	}

	return c
}

// forwardedSealed is what that leads to.
func forwardedSealed(leaf uint32) mailbox.Event {
	e := forwarded(leaf).(mailbox.MessageSent)
	e.Letter.DocumentKey = sealed("key", leaf)

	return e
}

var sendingRules = []scenario{
	{Name: "a draft is sent", Given: uploaded, When: sending(mine), Then: then(sent)},
	{
		Name:  "a draft is sent under its own leaf",
		Given: uploaded.and(delivered(m2, 2)),
		When:  sealedAnew(),
		Then:  then(sentSealed()),
	},
	{Name: "sent once [31]", Given: away, When: sending(mine), Err: refused(mailbox.NotADraft)},
	{
		Name:  "a draft that was not written out is not sent",
		Given: uploaded,
		When:  mailbox.Send{Target: mine, Sent: mailbox.MessageSent{Author: author}, Contents: whole},
		Err:   stale(2),
	},
	{
		Name:  "another's draft is not sent",
		Given: draft,
		When:  sending(theirs),
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "a draft with no label is not sent",
		Given: uploaded,
		When:  sendingOf(mailbox.Contents{Recipient: true, Main: true}),
		Err:   refused(mailbox.LabelMissing),
	},
	{
		Name:  "a draft to nobody is not sent",
		Given: uploaded,
		When:  sendingOf(mailbox.Contents{Label: true, Main: true}),
		Err:   refused(mailbox.RecipientMissing),
	},
	{
		Name:  "a draft within a contact point's limits",
		Given: draft,
		When:  sendingTo(mailbox.Limits{Apply: true, Attachments: 1, Bytes: 100}, 1),
		Then: then(mailbox.MessageSent{
			Message: m1, Letter: mailbox.Letter{Message: m1, Leaf: 1, Document: d9, Length: 100},
			To: sent.To, Handover: way, Author: author, From: mailbox.Drafts,
		}),
	},
	{
		Name:  "a draft with more documents than a contact point takes",
		Given: draft,
		When:  sendingTo(mailbox.Limits{Apply: true, Attachments: 1, Bytes: 100}, 2),
		Err:   refused(mailbox.TooManyAttachments),
	},
	{
		Name:  "a draft that is larger than a contact point takes",
		Given: draft,
		When:  sendingTo(mailbox.Limits{Apply: true, Attachments: 1, Bytes: 99}, 1),
		Err:   refused(mailbox.TooLargeForPoint),
	},
	{
		Name:  "who may only read does not write [30]",
		Given: draft.and(granted),
		When:  sending(mine),
		Order: by(as(helper)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "what was sent is everybody's",
		Given: away,
		When:  mailbox.MarkRead{Target: theirs},
		Then:  then(mailbox.MessageMarkedUnread{Message: m1}),
	},
	{
		Name:  "what was sent has no mark of its author's",
		Given: uploaded.and(mailbox.MessageFlagged{Message: m1}, sent),
		When:  mailbox.Flag{Target: theirs, On: true},
		Then:  then(mailbox.MessageFlagged{Message: m1}),
	},
	{
		Name:  "what was sent has no note of its author's",
		Given: uploaded.and(notedAs("Husk", nameA), sent),
		When:  note("Husk", nameA),
		Then:  then(notedAs("Husk", nameA)),
	},
	{
		Name:  "what was sent can be moved",
		Given: away,
		When:  mailbox.Move{Target: theirs, To: mailbox.Inbox},
		Then:  then(moved(m1, mailbox.Sent, mailbox.Inbox)),
	},
	{
		Name:  "what was sent goes with its document",
		Given: away.and(trashed(m1, mailbox.Sent)),
		When:  mailbox.Delete{Target: theirs},
		Then: then(mailbox.MessagePurged{
			Message: m1, Leaf: 1, From: mailbox.Deleted, Own: true, Documents: []domain.DocumentID{d9},
		}),
	},
	{Name: "forward", Given: here, When: forwarding(toOwn), Then: then(forwarded(2))},
	{
		Name:  "what is forwarded takes the next leaf",
		Given: foldered,
		When:  forwardingSealed(),
		Then:  then(forwardedSealed(3)),
	},
	{
		Name:  "forward what is private",
		Given: open.and(deliveredOn("app", m1, 1)),
		When:  forwarding(toOwn),
		Err:   refused(mailbox.PrivatePost),
	},
	{Name: "forward a draft", Given: draft, When: forwarding(toOwn), Err: refused(mailbox.NotADraft)},
	{
		Name:  "forward what is not there",
		Given: open,
		When:  forwarding(toOwn),
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "forwarded once",
		Given: here.and(forwarded(2)),
		When:  forwarding(toOwn),
		Err:   refused(mailbox.AlreadyReceived),
	},
	{
		Name:  "forward to nobody",
		Given: here,
		When:  forwarding(mailbox.Onward{}),
		Err:   refused(mailbox.ForwardNotAllowed),
	},
	{
		Name:  "a delegate who may only read forwards",
		Given: helped,
		When:  forwarding(toOwn),
		Order: by(as(helper)),
		Then:  then(forwarded(2)),
	},
}

// lacking is a whole draft that fn takes something from.
func lacking(fn func(*mailbox.Contents)) error {
	c := whole
	fn(&c)

	return c.Judge()
}

// mailed is a way on to an e-mail address.
func mailed(available, confirmed, left bool) error {
	return mailbox.Onward{
		Named: true, EMail: true, Available: available, Confirmed: confirmed, Left: left,
	}.Judge()
}

// recipient judges whether an answer goes to who wrote.
func recipient(answers domain.MessageID, wrote, to string) error {
	return mailbox.JudgeRecipient(answers, wrote, to)
}

var comment = strings.Repeat("å", mailbox.MaxComment-1)

var sendingJudgements = []domaintest.Judgement{
	{Name: "a whole draft", Got: whole.Judge()},
	{
		Name: "no label",
		Got:  lacking(func(c *mailbox.Contents) { c.Label = false }),
		Want: mailbox.LabelMissing,
	},
	{
		Name: "no recipient",
		Got:  lacking(func(c *mailbox.Contents) { c.Recipient = false }),
		Want: mailbox.RecipientMissing,
	},
	{
		Name: "a file whose pieces are not all there",
		Got:  lacking(func(c *mailbox.Contents) { c.Partial = true }),
		Want: mailbox.FileIncomplete,
	},
	{
		Name: "no main document",
		Got:  lacking(func(c *mailbox.Contents) { c.Main = false }),
		Want: mailbox.MainMissing,
	},
	{
		Name: "a document with no file",
		Got:  lacking(func(c *mailbox.Contents) { c.Documents = []mailbox.Files{{Count: 1}, {}} }),
		Want: mailbox.MainMissing,
	},
	{
		Name: "a file of which not all is said",
		Got:  lacking(func(c *mailbox.Contents) { c.Documents = []mailbox.Files{{Count: 1, Unnamed: true}} }),
		Want: mailbox.FileNotAllowed,
	},

	{Name: "no limits", Got: mailbox.Limits{}.Judge(1000, 1<<40)},
	{Name: "at the limits", Got: mailbox.Limits{Attachments: 2, Bytes: 100, Apply: true}.Judge(2, 100)},
	{
		Name: "one document more",
		Got:  mailbox.Limits{Attachments: 2, Bytes: 100, Apply: true}.Judge(3, 100),
		Want: mailbox.TooManyAttachments,
	},
	{
		Name: "one byte more",
		Got:  mailbox.Limits{Attachments: 2, Bytes: 100, Apply: true}.Judge(2, 101),
		Want: mailbox.TooLargeForPoint,
	},

	{Name: "a way on to a number", Got: toOwn.Judge()},
	{Name: "a way on to nobody", Got: mailbox.Onward{}.Judge(), Want: mailbox.ForwardNotAllowed},
	{
		Name: "a comment of 512 characters and two lines",
		Got:  mailbox.Onward{Named: true, Comment: comment + "\n"}.Judge(),
	},
	{
		Name: "a longer comment",
		Got:  mailbox.Onward{Named: true, Comment: comment + "\nb"}.Judge(),
		Want: mailbox.CommentTooLong,
	},
	{
		Name: "a name that is too long",
		Got:  mailbox.Onward{Named: true, From: longer}.Judge(),
		Want: mailbox.LabelNotAllowed,
	},
	{
		Name: "a recipient's name that is too long",
		Got:  mailbox.Onward{Named: true, To: longer}.Judge(),
		Want: mailbox.LabelNotAllowed,
	},
	{Name: "a way on by e-mail", Got: mailed(true, true, true)},
	{Name: "by e-mail, with no server for it", Got: mailed(false, true, true), Want: mailbox.EMailNotAvailable},
	{Name: "by e-mail, unconfirmed", Got: mailed(true, false, true), Want: mailbox.EMailNotConfirmed},
	{Name: "by e-mail, once too often", Got: mailed(true, true, false), Want: mailbox.TooManyEMails},

	{Name: "forward one document", Got: mailbox.JudgeForward(1, 0, mailbox.Limits{Apply: true})},
	{
		Name: "forward no document",
		Got:  mailbox.JudgeForward(0, 0, mailbox.Limits{}),
		Want: mailbox.NothingToForward,
	},
	{
		Name: "forward more than a contact point takes",
		Got:  mailbox.JudgeForward(2, 1, mailbox.Limits{Apply: true}),
		Want: mailbox.TooManyAttachments,
	},

	{Name: "answer who asked for it", Got: mailbox.Message{}.JudgeReply(true)},
	{Name: "answer who did not", Got: mailbox.Message{}.JudgeReply(false), Want: mailbox.NotReplyable},
	{
		Name: "answer oneself",
		Got:  mailbox.Message{Own: true}.JudgeReply(true),
		Want: mailbox.NotReplyable,
	},
	{
		Name: "answer private post",
		Got:  mailbox.Message{Audience: "eboks"}.JudgeReply(true),
		Want: mailbox.NotReplyable,
	},
	{Name: "an answer to who wrote", Got: recipient(m1, "1", "1")},
	{Name: "an answer to who wrote, whom nobody knows", Got: recipient(m1, "", "2")},
	{Name: "no answer, to anybody", Got: recipient(domain.MessageID{}, "1", "2")},
	{Name: "an answer to another", Got: recipient(m1, "1", "2"), Want: mailbox.ReplyElsewhere},
}
