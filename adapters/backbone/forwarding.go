package backbone

import (
	"context"
	"errors"
	"io"
	"net/mail"
	"slices"
	"strings"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
)

// Reasons why a message is not sent on.
const (
	ForwardNotAllowed domain.Reason = "forward.recipient.not.allowed"
	CommentTooLong    domain.Reason = "forward.comment.too.long"
	EMailNotConfirmed domain.Reason = "forward.email.not.confirmed"
	EMailNotAvailable domain.Reason = "forward.email.not.available"
	NothingToForward  domain.Reason = "forward.nothing"
	TooManyEMails     domain.Reason = "forward.email.too.many"
)

// Ways on: who a message can be forwarded to.
const (
	ToCPR   = "CPR"
	ToCVR   = "CVR"
	ToEMail = "EMAIL"
)

// Onward says where a message is forwarded to.
type Onward struct {
	Recipient string // a CPR or CVR number, or an e-mail address
	Kind      string // CPR, CVR or EMAIL
	Point     domain.UUID
	Comment   string
	From, To  string // labels; empty: the names that are known
	Confirmed bool   // of e-mail: the writer knows that it leaves Digital Post
}

// Forward sends a message on: to an authority, into another mailbox, or as e-mail. A copy lies in SENT.
func (b *Backbone) Forward(ctx context.Context, a Ask, id domain.MessageID, to Onward) (out Message, p eventstore.Position, err error) {
	v, err := b.enter(ctx, a.Principal, a.Mailbox, access.Forward)
	if err != nil {
		return out, 0, err
	}
	v.Close()
	a.by = v
	if !b.store.IntakeHasRoom() {
		return out, 0, ErrNoRoom
	}
	what := strings.Join([]string{"forward", to.Recipient, to.Kind, to.Point.String(), to.Comment, to.From, to.To}, " ")
	if first, err := b.known(ctx, &a, access.Forward, id, what); first != nil || err != nil {
		if err == nil {
			out, p, err = b.after(ctx, a, first.Message, first, first.Position)
		}
		return out, p, err
	}
	original, err := b.Message(ctx, a.Principal, a.Mailbox, id)
	if err != nil {
		return out, 0, err
	}
	newID := domain.MessageID(b.newID())
	if a.Key != "" {
		who := identityOf(a.Principal)
		newID = domain.DeriveID("forward", a.Mailbox[:], who[:], []byte(a.Platform), []byte(a.Key))
	}
	var c composed
	sent := mailbox.MessageSent{Message: newID}
	if original.Row.State.Draft == nil && original.Row.State.Platform == "" {
		if c, err = b.writeOnward(a, original, to, &sent); err != nil {
			if _, gone := b.Message(ctx, a.Principal, a.Mailbox, id); errors.Is(gone, ErrNotFound) {
				err = ErrNotFound // purged while it was read
			}
			return out, 0, err
		}
	}
	first, at, err := b.runOn(ctx, &a, access.Forward, []domain.MessageID{id, newID}, domain.FolderID{}, what, func(s mailbox.State) (mailbox.Command, []access.Action, error) {
		e := sent
		if c.key != nil {
			var err error
			if e.Letter, err = b.sealFor(c, a.Mailbox, newID, s.NextLeaf, e.EventType()); err != nil {
				return nil, nil, err
			}
		}
		return mailbox.Forward{Target: a.target(id), Sent: e}, nil, nil
	})
	if err != nil || first != nil {
		err = b.discard(err, first != nil, c)
	}
	if err != nil {
		return out, 0, err
	}
	b.cfg.Fail("message sent")
	switch {
	case first != nil || sent.To.System != domain.SystemID{}:
	case len(sent.To.Address) > 0: // a mail server may be slow
		select {
		case b.wakeOutbox <- struct{}{}:
		default:
		}
	default:
		if err := b.deliverOut(context.WithoutCancel(ctx), newID, &retry{}); err != nil {
			b.cfg.Log.Error("what was sent is delivered later", "message", newID.String(), "error", err)
		}
		at = b.store.Last()
	}
	return b.after(ctx, a, newID, first, at)
}

// writeOnward makes the MeMo that carries a message on, and says where it goes.
func (b *Backbone) writeOnward(a Ask, original Message, to Onward, sent *mailbox.MessageSent) (composed, error) {
	if !isText(strings.ReplaceAll(to.Comment, "\n", " "), 512) {
		return composed{}, domain.Refuse(CommentTooLong)
	}
	if !isText(to.From, 256) || !isText(to.To, 256) {
		return composed{}, domain.Refuse(LabelNotAllowed)
	}
	way, recipient, err := b.wayOn(a, to)
	if err != nil {
		return composed{}, err
	}
	sender, err := b.senderOf(a)
	if err != nil {
		return composed{}, err
	}
	if to.From != "" { // beside the name, not in its place
		sender.Set("label", memo.Text("label", clipText(sender.Get("label")+" ("+to.From+")", 256)))
	}
	h := original.Memo.Header()
	if len(original.Memo.Documents()) == 0 {
		return composed{}, domain.Refuse(NothingToForward)
	}
	forward := memo.Group("ForwardData", memo.Text("messageUUID", original.Letter.Letter.UUID.String()),
		memo.Text("originalMessageDateTime", original.Row.Received.UTC().Format(timeOfMemo)), memo.Text("originalSender", orDash(h.Get("Sender", "label"))),
		memo.Text("originalContentResponsible", h.Get("Sender", "AttentionData", "ContentResponsible", "label")),
		memo.Text("originalRepresentative", h.Get("Sender", "Representative", "label")),
		memo.Text("contactPointID", h.Get("Sender", "ContactPoint", "contactPointID")), memo.Text("comment", to.Comment))
	header := memo.Group("MessageHeader", memo.Text("messageType", "DIGITALPOST"), memo.Text("messageUUID", newUUID().String()), memo.Text("label", orDash(h.Get("label"))),
		sender, recipient, forward)
	body := memo.Group("MessageBody", memo.Text("createdDateTime", b.now().UTC().Format(timeOfMemo)))
	body.Children = append(body.Children, original.Memo.Documents()...)
	most := int64(memo.MaxLength)
	if way.point != nil {
		if most = way.point.MaxBytes; len(body.All("AdditionalDocument")) > way.point.Attachments {
			return composed{}, domain.Refuse(TooManyAttachments)
		}
	}
	k, err := b.vault.Key(vault.Owner(original.Mailbox), original.Row.State.Leaf)
	if err != nil {
		return composed{}, err
	}
	d, err := b.openDocument(k, original.Letter)
	if err != nil {
		return composed{}, err
	}
	defer d.Close()
	m := &memo.Message{Version: memo.V12, Root: &memo.Node{Name: "Message", Children: []*memo.Node{header, body}}}
	c, err := b.compose(m, func(n *memo.Node) (io.Reader, error) {
		return original.Memo.Content(d, original.Letter.Letter.Length, *n.File), nil
	}, most, true)
	if err != nil {
		return c, err
	}
	sent.To, sent.Handover = way.to, c.handover
	if to.Kind == ToEMail {
		root, err := b.vault.Key(vault.Owner(c.handover.Root), 0)
		if err != nil {
			return c, b.discard(err, true, c)
		}
		sent.To.Address = root.Seal(sent.EventType(), "address", []byte(to.Recipient))
	}
	return c, nil
}

// wayOn finds where a message goes, and how its MeMo names that. Whether a number has a mailbox shows in the receipt alone.
func (b *Backbone) wayOn(a Ask, to Onward) (way routed, recipient *memo.Node, err error) {
	name := func(kind, label string, more ...*memo.Node) *memo.Node {
		if to.To != "" {
			label = to.To
		}
		return memo.Group("Recipient", append([]*memo.Node{memo.Text("recipientID", to.Recipient), memo.Text("idType", kind), memo.Text("label", clipText(label, 256))}, more...)...)
	}
	switch to.Kind {
	case ToEMail:
		switch {
		case !isAddress(to.Recipient):
			err = domain.Refuse(ForwardNotAllowed)
		case b.cfg.Mail == nil:
			err = domain.Refuse(EMailNotAvailable)
		case !to.Confirmed:
			err = domain.Refuse(EMailNotConfirmed)
		case !b.mails.allow(a.Mailbox, b.now()):
			err = domain.Refuse(TooManyEMails)
		}
		return way, name(ToEMail, ""), err
	case ToCPR:
		if _, err := domain.ParseCPR(to.Recipient); err != nil {
			return way, nil, domain.Refuse(ForwardNotAllowed)
		}
		way.to.Mailbox, _, err = b.Find(mailbox.Citizen, to.Recipient)
	case ToCVR:
		if _, err := domain.ParseCVR(to.Recipient); err != nil {
			return way, nil, domain.Refuse(ForwardNotAllowed)
		}
		all, err := b.Contacts()
		if err != nil {
			return way, nil, err
		}
		if o, ok := all.OfCVR(to.Recipient); ok && o.Kind == organisation.Authority {
			owner, err := b.kindOf(a.Mailbox)
			if err != nil {
				return way, nil, err
			}
			if way, err = b.route(to.Recipient, to.Point, owner); err != nil {
				return way, nil, err
			}
			return way, name(ToCVR, o.Name, memo.Group("ContactPoint", memo.Text("contactPointID", way.to.ContactPoint.String()), memo.Text("label", clipText(way.point.Name, 256)))), nil
		}
		way.to.Mailbox, _, err = b.Find(mailbox.Company, to.Recipient)
		if err != nil {
			return way, nil, err
		}
	default:
		return way, nil, domain.Refuse(ForwardNotAllowed)
	}
	if err == nil && way.to.Mailbox == a.Mailbox {
		err = domain.Refuse(ForwardNotAllowed) // it is there
	}
	return way, name(to.Kind, ""), err
}

// orDash gives a dash for a text that is empty: the element must be there.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// isAddress tells whether a text is one plain e-mail address.
func isAddress(s string) bool {
	at, err := mail.ParseAddress(s)
	return err == nil && at.Name == "" && at.Address == s && len(s) <= 254 && strings.Contains(s[strings.LastIndexByte(s, '@'):], ".") &&
		!slices.ContainsFunc([]rune(s), func(r rune) bool { return r < 0x21 || r > 0x7e })
}
