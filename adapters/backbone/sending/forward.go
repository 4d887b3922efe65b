package sending

import (
	"context"
	"errors"
	"io"
	"time"

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

// forwardRequest is the request to send a message on. That the writer confirmed is no part of it.
type forwardRequest struct {
	Message domain.MessageID
	Onward  Onward
}

// Forward sends a message on: to an authority, into another mailbox, or as e-mail. A copy lies in SENT.
func (s *Sending) Forward(
	ctx context.Context, ask core.Ask, id domain.MessageID, to Onward,
) (out messages.Message, p eventstore.Position, err error) {
	a, err := s.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Forward)
	if err != nil {
		return out, 0, err
	}

	if err := s.core.Room(); err != nil {
		return out, 0, err
	}

	asked := to
	asked.Confirmed = false
	request := ask.Of(forwardRequest{id, asked}, id)
	if first, ok, err := s.core.Repeated(a, request); ok || err != nil {
		return s.again(a, first.Message, core.Done{Position: first.Position, Repeat: &first}, err)
	}

	if err := s.mayForward(a, to); err != nil {
		return out, 0, err
	}

	original, err := s.messages.Now(a, id)
	if err != nil {
		return out, 0, err
	}

	cmd, written, err := s.onward(ctx, a, ask, original, to)
	if err != nil {
		if _, gone := s.messages.Now(a, id); errors.Is(gone, core.ErrNotFound) {
			err = core.ErrNotFound // purged while it was read
		}

		return out, 0, err
	}

	done, err := s.core.Execute(ctx, a, request, cmd)
	if err != nil || done.Repeat != nil {
		err = s.content.Discard(err, done.Repeat != nil, written)
	}

	if err != nil {
		return out, 0, err
	}
	s.core.Fail("message sent")

	if done.Repeat == nil {
		done.Position = s.dispatch(ctx, cmd.Sent, done.Position)
	}

	return s.again(a, cmd.Sent.Message, done, nil)
}

// How often messages may be forwarded from a mailbox: in all, and to the same recipient.
const (
	MostForwards   = 200
	MostForwardsTo = 30
	ForwardsIn     = 24 * time.Hour
)

// mayForward limits how much is forwarded.
func (s *Sending) mayForward(a core.Admission, to Onward) error {
	err := s.forwards.Take(a.Mailbox, s.core.Now())
	if err == nil {
		err = s.forwardsTo.Take(domain.DeriveID("forward", a.Mailbox[:], []byte(to.Recipient)), s.core.Now())
	}

	return err
}

// dispatch sets going what was sent on, and gives the position that its writer's answer is as of.
func (s *Sending) dispatch(ctx context.Context, sent mailbox.MessageSent, at eventstore.Position) eventstore.Position {
	switch {
	case sent.To.System != domain.SystemID{}:
		return at // it waits for the recipient system
	case len(sent.To.Address) > 0: // a mail server may be slow
		s.outbox.wakeUp()
		return at
	}

	if err := s.deliver(context.WithoutCancel(ctx), sent.Message, &retry{}); err != nil {
		s.core.Logger.Error("what was sent is delivered later", "message", sent.Message.String(), "error", err)
	}

	return s.core.Log.Last()
}

// onward gives the command that sends a message on, with what it carries. Where nothing is written for it (it is a
// draft, or private post), the rule says why.
func (s *Sending) onward(
	ctx context.Context, a core.Admission, ask core.Ask, original messages.Message, to Onward,
) (cmd mailbox.Forward, w content.Written, err error) {
	cmd.Target = a.Target(original.ID, ask.Version)
	cmd.Sent = mailbox.MessageSent{Message: s.core.ID(ask, "forward")}
	if original.Row.Draft != nil || original.Row.Audience != "" {
		return cmd, w, nil
	}

	way, err := s.wayOn(ctx, a, to)
	if err != nil {
		return cmd, w, err
	}

	cmd.Onward = way.facts
	if err := cmd.Onward.Judge(); err != nil { // before anything is written for it
		return cmd, w, err
	}

	if w, err = s.writeOnward(a, original, to, way); err != nil {
		return cmd, w, err
	}

	cmd.Sent.To, cmd.Sent.Handover, cmd.Sent.Letter = way.to, w.Handover, w.Letter
	if to.Kind == ToEMail {
		seal := s.core.Sealing(w.Handover.Root, cmd.Sent, "address", []byte(to.Recipient))
		if cmd.Sent.To.Address, err = seal(0); err != nil {
			return cmd, w, s.content.Discard(err, true, w)
		}
	}
	cmd.Seal = func(leaf uint32) (mailbox.Letter, error) {
		return s.content.SealFor(w, a.Mailbox, cmd.Sent.Message, leaf, cmd.Sent.EventType())
	}

	return cmd, w, nil
}

// writeOnward writes the MeMo that carries a message on.
func (s *Sending) writeOnward(
	a core.Admission, original messages.Message, to Onward, way wayOn,
) (w content.Written, err error) {
	sender, err := s.people.SenderNode(a)
	if err != nil {
		return w, err
	}

	if to.From != "" { // beside the name, not in its place
		label := sender.Get("label") + " (" + to.From + ")"
		sender.Set("label", memo.Text("label", text.Clip(label, mailbox.MaxLabel)))
	}

	docs := original.Memo.Documents()
	body := memo.Group("MessageBody", memo.Text("createdDateTime", s.core.Now().UTC().Format(timeOfMemo)))
	body.Children = append(body.Children, docs...)
	if err := mailbox.JudgeForward(len(docs), len(body.All("AdditionalDocument")), way.limits); err != nil {
		return w, err
	}

	header := memo.Group("MessageHeader", memo.Text("messageType", "DIGITALPOST"),
		memo.Text("messageUUID", core.NewUUID().String()),
		memo.Text("label", text.OrDash(original.Memo.Header().Get("label"))),
		sender, way.recipient, forwardNode(original, to.Comment))

	k, err := s.core.Key(original.Mailbox, original.Row.Leaf)
	if err != nil {
		return w, err
	}

	d, err := s.content.Document(k, original.Letter)
	if err != nil {
		return w, err
	}
	defer d.Close()

	most := int64(memo.MaxLength)
	if way.limits.Apply {
		most = way.limits.Bytes
	}
	root := &memo.Node{Name: "Message", Children: []*memo.Node{header, body}}

	return s.content.Write(content.Order{
		Memo: &memo.Message{Version: memo.V12, Root: root}, Most: most, HandOver: true,
		Files: func(n *memo.Node) (io.Reader, error) {
			return original.Memo.Content(d, original.Letter.Letter.Length, *n.File), nil
		},
	})
}

// forwardNode says what is forwarded.
func forwardNode(original messages.Message, comment string) *memo.Node {
	h := original.Memo.Header()

	return memo.Group("ForwardData",
		memo.Text("messageUUID", original.Letter.Letter.UUID.String()),
		memo.Text("originalMessageDateTime", original.Row.Shown.Received.UTC().Format(timeOfMemo)),
		memo.Text("originalSender", text.OrDash(h.Get("Sender", "label"))),
		memo.Text("originalContentResponsible", h.Get("Sender", "AttentionData", "ContentResponsible", "label")),
		memo.Text("originalRepresentative", h.Get("Sender", "Representative", "label")),
		memo.Text("contactPointID", h.Get("Sender", "ContactPoint", "contactPointID")),
		memo.Text("comment", comment))
}

// A wayOn is where a message goes, and how its MeMo names that.
type wayOn struct {
	to        mailbox.Destination
	limits    mailbox.Limits
	recipient *memo.Node
	facts     mailbox.Onward
}

// wayOn finds where a message goes. Whether a number has a mailbox shows in the receipt alone.
func (s *Sending) wayOn(ctx context.Context, a core.Admission, to Onward) (way wayOn, err error) {
	way.facts = mailbox.Onward{Comment: to.Comment, From: to.From, To: to.To}
	name := func(kind, label string, more ...*memo.Node) {
		if to.To != "" {
			label = to.To
		}
		nodes := []*memo.Node{memo.Text("recipientID", to.Recipient), memo.Text("idType", kind),
			memo.Text("label", text.Clip(label, mailbox.MaxLabel))}
		way.recipient = memo.Group("Recipient", append(nodes, more...)...)
	}

	switch to.Kind {
	case ToEMail:
		way.facts.EMail, way.facts.Named = true, text.IsAddress(to.Recipient)
		way.facts.Available, way.facts.Confirmed = s.mailer != nil, to.Confirmed
		if way.facts.Named && way.facts.Available && to.Confirmed { // counted once it is allowed otherwise
			way.facts.Left = s.outbox.mails.allow(a.Mailbox, s.core.Now())
		}
		name(ToEMail, "")
	case ToCPR:
		_, bad := domain.ParseCPR(to.Recipient)
		name(ToCPR, "")
		if bad == nil {
			way.to.Mailbox, _, err = s.people.MatchNumber(ctx, a.Principal, mailbox.Citizen, to.Recipient)
		}
		way.facts.Named = bad == nil && way.to.Mailbox != a.Mailbox // it is there
	case ToCVR:
		_, bad := domain.ParseCVR(to.Recipient)
		name(ToCVR, "")
		if bad == nil {
			err = s.wayToOrganisation(ctx, a, to, &way, name)
		}
		way.facts.Named = bad == nil && way.to.Mailbox != a.Mailbox
	}

	return way, err
}

// wayToOrganisation finds the way to an authority's contact point, or into a company's mailbox.
func (s *Sending) wayToOrganisation(
	ctx context.Context, a core.Admission, to Onward, way *wayOn, name func(kind, label string, more ...*memo.Node),
) error {
	all, err := s.organisations.Contacts()
	if err != nil {
		return err
	}

	o, ok := all.OfCVR(to.Recipient)
	if !ok || o.Kind != organisation.Authority {
		way.to.Mailbox, _, err = s.people.MatchNumber(ctx, a.Principal, mailbox.Company, to.Recipient)
		return err
	}

	box, err := s.core.Mailbox(a.Mailbox)
	if err != nil {
		return err
	}

	route, err := all.Recipient(to.Recipient).Route(to.Point, organisations.TargetOf(box.Owner))
	if err != nil {
		return err
	}
	way.to, way.limits = destination(route), limitsOf(route)
	name(ToCVR, o.Name, memo.Group("ContactPoint", memo.Text("contactPointID", route.Point.Point.String()),
		memo.Text("label", text.Clip(route.Point.Name, mailbox.MaxLabel))))

	return nil
}
