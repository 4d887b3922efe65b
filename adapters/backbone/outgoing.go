package backbone

import (
	"context"
	"errors"
	"io"
	"time"

	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// Reasons why what people write does not go out.
const (
	LabelMissing       domain.Reason = "draft.label.missing"
	RecipientMissing   domain.Reason = "draft.recipient.missing"
	MainMissing        domain.Reason = "draft.main.document.missing"
	FileIncomplete     domain.Reason = "draft.file.incomplete"
	CategoryRequired   domain.Reason = "contact.point.required"
	PointClosed        domain.Reason = "contact.point.not.open"
	TooManyAttachments domain.Reason = "contact.point.attachments.too.many"
	TooLargeForPoint   domain.Reason = "contact.point.size.too.large"
	NotReplyable       domain.Reason = "message.not.replyable"
	SenderClosed       domain.Reason = "sender.closed"
)

// timeOfMemo is how a MeMo writes a time.
const timeOfMemo = "2006-01-02T15:04:05Z"

// routed is where a message goes, as the contact structure has it now.
type routed struct {
	to    mailbox.Destination
	point *organisation.ContactPoint // nil: not to an authority
}

// route finds the recipient system for an authority's CVR number and, if one was chosen, its contact point.
func (b *Backbone) route(cvr string, point domain.UUID, from mailbox.OwnerKind) (routed, error) {
	all, err := b.Contacts()
	if err != nil {
		return routed{}, err
	}
	o, ok := all.OfCVR(cvr)
	if !ok {
		return routed{}, domain.Refuse(NoSuchRecipient)
	}
	target := organisation.ForCitizens
	if from == mailbox.Company {
		target = organisation.ForCompanies
	}
	var open []organisation.ContactPoint
	for _, p := range all.Points {
		if p.Organisation == o.ID && p.Point.Open(target) && (point == domain.UUID{} || p.Point.Point == point) {
			open = append(open, p.Point)
		}
	}
	switch {
	case len(open) > 1:
		return routed{}, domain.Refuse(CategoryRequired)
	case len(open) == 0:
		return routed{}, domain.Refuse(PointClosed)
	}
	out := routed{to: mailbox.Destination{Organisation: o.ID, ContactPoint: open[0].Point, System: open[0].System}, point: &open[0]}
	if out.to.System == (domain.SystemID{}) {
		out.to.System = o.Row.Default
	}
	if out.to.System == (domain.SystemID{}) {
		return routed{}, domain.Refuse(PointClosed) // nobody takes its post in
	}
	return out, nil
}

// routeToDefault finds an authority's default recipient system, with no contact point.
func (b *Backbone) routeToDefault(cvr string) (routed, error) {
	all, err := b.Contacts()
	if err != nil {
		return routed{}, err
	}
	o, ok := all.OfCVR(cvr)
	if !ok || o.Row.Default == (domain.SystemID{}) {
		return routed{}, domain.Refuse(CategoryRequired)
	}
	return routed{to: mailbox.Destination{Organisation: o.ID, System: o.Row.Default}, point: &organisation.ContactPoint{MaxBytes: memo.MaxLength, Attachments: 10}}, nil
}

// Send sends a draft to the authority that it is for. What is sent lies in SENT on every platform, and waits for the authority's recipient system.
func (b *Backbone) Send(ctx context.Context, a Ask, id domain.MessageID) (Message, eventstore.Position, error) {
	for n := 0; ; n++ {
		m, at, err := b.send(ctx, a, id)
		if no := (*domain.Rejection)(nil); errors.As(err, &no) && no.Reason == mailbox.StaleVersion && (a.Version == 0 || a.Version == no.Version) && n < 3 {
			continue // the draft was changed while it was written out
		}
		return m, at, err
	}
}

func (b *Backbone) send(ctx context.Context, a Ask, id domain.MessageID) (out Message, p eventstore.Position, err error) {
	if !b.store.IntakeHasRoom() {
		return out, 0, ErrNoRoom
	}
	v, err := b.enter(ctx, a.Principal, a.Mailbox, access.Write)
	if err != nil {
		return out, 0, err
	}
	v.Close()
	a.by = v
	if first, err := b.known(ctx, &a, access.Write, id, "send"); first != nil || err != nil {
		if err == nil {
			out, p, err = b.after(ctx, a, id, first, first.Position)
		}
		return out, p, err
	}
	draft, err := b.Message(ctx, a.Principal, a.Mailbox, id)
	if err != nil {
		return out, 0, err
	}
	var sent mailbox.MessageSent
	var c composed
	target := func() mailbox.Target { t := a.target(id); t.Version = draft.Row.State.Version; return t }
	if draft.Row.State.Draft != nil && (a.Version == 0 || a.Version == draft.Row.State.Version) {
		if c, sent, err = b.writeOut(ctx, a, draft); err != nil {
			now, nerr := b.Message(ctx, a.Principal, a.Mailbox, id)
			if nerr != nil || now.Row.State.Version == draft.Row.State.Version {
				return out, 0, errors.Join(nerr, err)
			}
			c = composed{} // it was changed or sent meanwhile, and its pieces are gone: the rule says what to answer
		}
	} else {
		target = func() mailbox.Target { return a.target(id) } // the rule says why not, or it is a repeat
	}
	first, at, err := b.run(ctx, &a, access.Write, id, domain.FolderID{}, "send", func(mailbox.State) (mailbox.Command, []access.Action, error) {
		e := sent
		if c.key != nil {
			var err error
			if e.Letter, err = b.sealFor(c, a.Mailbox, id, draft.Row.State.Leaf, e.EventType()); err != nil {
				return nil, nil, err
			}
		}
		return mailbox.Send{Target: target(), Sent: e}, nil, nil
	})
	if err != nil || first != nil {
		err = b.discard(err, first != nil, c)
	}
	if err != nil {
		return out, 0, err
	}
	b.cfg.Fail("message sent")
	return b.after(ctx, a, id, first, at)
}

// writeOut makes the MeMo of a draft, and says where it goes.
func (b *Backbone) writeOut(ctx context.Context, a Ask, draft Message) (composed, mailbox.MessageSent, error) {
	none := func(err error) (composed, mailbox.MessageSent, error) { return composed{}, mailbox.MessageSent{}, err }
	k, err := b.vault.Key(vault.Owner(a.Mailbox), draft.Row.State.Leaf)
	if err != nil {
		return none(err)
	}
	c, err := openDraft(k, *draft.Row.State.Draft)
	if err != nil {
		return none(err)
	}
	h := c.header()
	if err := c.complete(); err != nil {
		return none(err)
	}
	owner, err := b.kindOf(a.Mailbox)
	if err != nil {
		return none(err)
	}
	to := h.Child("Recipient")
	point, _ := domain.ParseUUID(to.Get("ContactPoint", "contactPointID"))
	way, err := b.route(to.Get("recipientID"), point, owner)
	if reason, refused := domain.Refused(err); refused && reason == CategoryRequired && c.Answers != (domain.MessageID{}) {
		way, err = b.routeToDefault(to.Get("recipientID")) // who wrote named no contact point: they find out themselves
	}
	if reason, refused := domain.Refused(err); refused && c.Answers != (domain.MessageID{}) && (reason == PointClosed || reason == NoSuchRecipient) {
		err = domain.Refuse(SenderClosed)
	}
	if err != nil {
		return none(err)
	}
	if len(c.body().All("AdditionalDocument")) > way.point.Attachments {
		return none(domain.Refuse(TooManyAttachments))
	}
	e := mailbox.MessageSent{To: way.to, Author: domain.UUID(identityOf(a.Principal)), Answers: c.Answers, Late: c.late(b.now())}
	if err := b.finish(c, a, way, e.Late); err != nil {
		return none(err)
	}
	var open []*joined
	defer func() {
		for _, x := range open {
			x.Close()
		}
	}()
	keys := c.fileKeys()
	out, err := b.compose(&c.Memo, func(n *memo.Node) (io.Reader, error) {
		r, err := b.openParts(k, *draft.Row.State.Draft, keys[n])
		if err == nil {
			open = append(open, r)
		}
		return r, err
	}, way.point.MaxBytes, true)
	if err != nil {
		return none(err)
	}
	e.Handover = out.handover
	return out, e, nil
}

// complete tells what a draft lacks.
func (c *draftContent) complete() error {
	h := c.header()
	if h.Get("label") == "" {
		return domain.Refuse(LabelMissing)
	}
	if h.Child("Recipient") == nil {
		return domain.Refuse(RecipientMissing)
	}
	if len(c.Total) > 0 {
		return domain.Refuse(FileIncomplete)
	}
	if c.body().Child("MainDocument") == nil {
		return domain.Refuse(MainMissing)
	}
	for _, d := range c.body().Children {
		files := d.All("File")
		for _, f := range files {
			if f.Get("filename") == "" || f.Get("encodingFormat") == "" || f.Get("language") == "" {
				return domain.Refuse(FileNotAllowed)
			}
		}
		if len(files) == 0 {
			return domain.Refuse(MainMissing)
		}
	}
	return nil
}

// late tells whether an answer comes after the date that its sender had asked for. It is taken all the same.
func (c *draftContent) late(now time.Time) bool {
	by, err := time.Parse(time.RFC3339, c.ReplyBy)
	return err == nil && now.After(by)
}

// fileKeys names the content elements of the draft's files.
func (c *draftContent) fileKeys() map[*memo.Node]string {
	out := map[*memo.Node]string{}
	for _, d := range c.body().Children {
		for _, f := range d.All("File") {
			out[f.Child("content")] = f.Key
		}
	}
	return out
}

// finish writes what is only known when a draft is sent: who sends, the contact point that it goes to, the time, and that an answer is late.
func (b *Backbone) finish(c *draftContent, a Ask, way routed, late bool) error {
	sender, err := b.senderOf(a)
	if err != nil {
		return err
	}
	h := c.header()
	h.Set("Sender", sender)
	to := h.Child("Recipient")
	if way.to.ContactPoint != (domain.UUID{}) {
		cp := to.Child("ContactPoint")
		if cp == nil {
			cp = memo.Group("ContactPoint", memo.Text("contactPointID", way.point.Point.String()))
		}
		cp.Set("label", memo.Text("label", clipText(way.point.Name, 256)))
		to.Set("ContactPoint", cp)
	}
	if thread := h.All("ReplyData"); late && len(thread) > 0 {
		last := thread[len(thread)-1]
		last.Set("AdditionalReplyData", memo.Group("AdditionalReplyData", memo.Text("label", "late"), memo.Text("value", "true")))
	}
	c.body().Set("createdDateTime", memo.Text("createdDateTime", b.now().UTC().Format(timeOfMemo)))
	return nil
}

func (b *Backbone) kindOf(id domain.MailboxID) (mailbox.OwnerKind, error) {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return "", err
	}
	defer s.Close()
	row, ok, err := s.Mailbox(id)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return row.Opened.Owner, err
}

// openHandover opens the copy of a message that waits for whoever takes it over.
func (b *Backbone) openHandover(r projections.OutRow) (*documents.Document, error) {
	k, err := b.vault.Key(vault.Owner(r.Handover.Root), 0)
	if err != nil {
		return nil, err
	}
	key, err := k.Open(mailbox.MessageSent{}.EventType(), "handoverKey", r.Handover.Key)
	if err != nil {
		return nil, err
	}
	return b.docs.Open(r.Handover.Document, key, r.Handover.Length)
}
