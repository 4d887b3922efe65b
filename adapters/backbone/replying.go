package backbone

import (
	"context"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// Bounds of what an answer names of its thread.
const (
	maxThread      = 20
	maxThreadBytes = maxDraftContent / 2
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

// plain makes a text one line.
func plain(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, s))
}

// Reply begins the draft of an answer to a message, where its sender takes one: at the contact point that it came from, with the thread.
func (b *Backbone) Reply(ctx context.Context, a Ask, id domain.MessageID) (Message, eventstore.Position, error) {
	v, err := b.enter(ctx, a.Principal, a.Mailbox, access.Write)
	if err != nil {
		return Message{}, 0, err
	}
	v.Close()
	a.by = v
	what := "reply " + id.String()
	if draft := b.draftID(a); a.Key != "" {
		if first, err := b.known(ctx, &a, access.Write, draft, what); first != nil || err != nil {
			if err != nil {
				return Message{}, 0, err
			}
			return b.after(ctx, a, draft, first, first.Position)
		}
	}
	m, err := b.Message(ctx, a.Principal, a.Mailbox, id)
	if err != nil {
		return Message{}, 0, err
	}
	h := m.Memo.Header()
	if m.Row.State.Own || m.Row.State.Platform != "" || h.Get("reply") != "true" {
		return Message{}, 0, domain.Refuse(NotReplyable)
	}
	if a.Version != 0 && a.Version != m.Row.State.Version {
		return Message{}, 0, &domain.Rejection{Reason: mailbox.StaleVersion, Version: m.Row.State.Version}
	}
	all, err := b.Contacts()
	if err != nil {
		return Message{}, 0, err
	}
	o, ok := all.Organisation(m.Letter.Letter.Sender)
	if !ok {
		return Message{}, 0, domain.Refuse(SenderClosed)
	}
	w := DraftWords{To: &Addressee{CVR: o.CVR}}
	if point, err := domain.ParseUUID(h.Get("Sender", "ContactPoint", "contactPointID")); err == nil {
		w.To.Point = point
	}
	owner, err := b.kindOf(a.Mailbox)
	if err != nil {
		return Message{}, 0, err
	}
	_, err = b.route(o.CVR, w.To.Point, owner)
	if reason, refused := domain.Refused(err); refused && reason != CategoryRequired {
		err = domain.Refuse(SenderClosed)
	} else if refused {
		err = nil // the writer chooses one
	}
	if err != nil {
		return Message{}, 0, err
	}
	label := clipText("SV: "+plain(h.Get("label")), 256)
	w.Label = &label
	a.Version = 0
	return b.beginDraft(ctx, a, what, func(c *draftContent) error {
		c.Answers, c.ReplyBy = id, h.Get("replyByDateTime")
		if err := w.apply(c, all); err != nil {
			return err
		}
		head := c.header()
		head.Children = append(head.Children, newestOf(h.All("ReplyData"))...)
		head.Children = append(head.Children, memo.Group("ReplyData", memo.Text("messageID", h.Get("messageID")), memo.Text("messageUUID", m.Letter.Letter.UUID.String()),
			memo.Text("replyUUID", c.Memo.UUID().String()), memo.Text("senderID", h.Get("Sender", "senderID")), memo.Text("recipientID", h.Get("Recipient", "recipientID")),
			memo.Text("caseID", h.Get("ContentData", "CaseID", "caseID")), memo.Text("contactPointID", h.Get("Sender", "ContactPoint", "contactPointID")),
			memo.Text("generatingSystemID", h.Get("Sender", "AttentionData", "GeneratingSystem", "generatingSystemID"))))
		return nil
	})
}
