package drafts

import (
	"context"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/text"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
)

// Bounds of what an answer names of its thread.
const (
	maxThread      = 20
	maxThreadBytes = mailbox.MaxDraftContent / 2
)

// newestOf gives the newest messages of a thread that an answer has room for.
func newestOf(thread []*memo.Node) []*memo.Node {
	from, bytes := len(thread), 0
	for from > 0 && len(thread)-from < maxThread {
		raw, err := cbor.Marshal(thread[from-1])
		if bytes += len(raw); err != nil || bytes > maxThreadBytes {
			break
		}
		from--
	}

	return thread[from:]
}

// reply is the request to begin an answer.
type reply struct{ To domain.MessageID }

// Reply begins the draft of an answer to a message, where its sender takes one: at the contact point that it came from,
// with the thread.
func (d *Drafts) Reply(
	ctx context.Context, ask core.Ask, id domain.MessageID,
) (messages.Message, eventstore.Position, error) {
	var none messages.Message
	a, err := d.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Write)
	if err != nil {
		return none, 0, err
	}

	// A repeat is answered though the message that it answers may be gone by now.
	draft := d.id(ask)
	if first, ok, err := d.core.Repeated(a, ask.Of(reply{id}, draft)); ok || err != nil {
		if err != nil {
			return none, 0, err
		}
		out, err := d.messages.After(a, draft, core.Done{Position: first.Position, Repeat: &first})

		return out, first.Position, err
	}

	m, err := d.messages.Now(a, id)
	if err != nil {
		return none, 0, err
	}

	all, err := d.organisations.Contacts()
	if err != nil {
		return none, 0, err
	}

	w, err := d.addressOf(m, ask.Version, all)
	if err != nil {
		return none, 0, err
	}

	ask.Version = 0

	return d.begin(ctx, a, ask, reply{id}, func(draft *content.Draft) error {
		h := m.Memo.Header()
		draft.Answers, draft.ReplyBy = id, h.Get("replyByDateTime")
		if err := w.apply(draft, all); err != nil {
			return err
		}

		head := draft.Header()
		head.Children = append(head.Children, newestOf(h.All("ReplyData"))...)
		head.Children = append(head.Children, threadNode(m, draft))

		return nil
	})
}

// addressOf gives the label of an answer, and to whom it goes; or why the message takes none.
func (d *Drafts) addressOf(
	m messages.Message, version uint32, all *organisations.ContactDirectory,
) (w Words, err error) {
	h := m.Memo.Header()
	if err := m.Row.JudgeReply(h.Get("reply") == "true"); err != nil {
		return w, err
	}

	if err := domain.AtVersion(m.Row.Version, version); err != nil {
		return w, err
	}

	o, ok := all.Organisation(m.Letter.Letter.Sender)
	if !ok {
		return w, domain.Refuse(organisation.SenderClosed)
	}

	w.To = &Addressee{CVR: o.CVR}
	if point, err := domain.ParseUUID(h.Get("Sender", "ContactPoint", "contactPointID")); err == nil {
		w.To.Point = point
	}

	box, err := d.core.Mailbox(m.Mailbox)
	if err != nil {
		return w, err
	}

	target := organisations.TargetOf(box.Owner)
	if err := all.Recipient(o.CVR).TakesAnswers(w.To.Point, target); err != nil {
		return w, err
	}

	label := text.Clip("SV: "+text.Line(h.Get("label")), mailbox.MaxLabel)
	w.Label = &label

	return w, nil
}

// threadNode names the message that a draft answers.
func threadNode(m messages.Message, draft *content.Draft) *memo.Node {
	h := m.Memo.Header()

	return memo.Group("ReplyData",
		memo.Text("messageID", h.Get("messageID")),
		memo.Text("messageUUID", m.Letter.Letter.UUID.String()),
		memo.Text("replyUUID", draft.Memo.UUID().String()),
		memo.Text("senderID", h.Get("Sender", "senderID")),
		memo.Text("recipientID", h.Get("Recipient", "recipientID")),
		memo.Text("caseID", h.Get("ContentData", "CaseID", "caseID")),
		memo.Text("contactPointID", h.Get("Sender", "ContactPoint", "contactPointID")),
		memo.Text("generatingSystemID", h.Get("Sender", "AttentionData", "GeneratingSystem", "generatingSystemID")))
}
