// Package sending is what leaves a mailbox: drafts that are sent to authorities, messages that are sent on, and the
// outbox by which the backbone itself delivers into other mailboxes and hands mails to a mail server.
package sending

import (
	"context"
	"errors"
	"io"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/handover"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/backbone/text"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
)

// timeOfMemo is how a MeMo writes a time.
const timeOfMemo = "2006-01-02T15:04:05Z"

// Sending sends. It may be used by many goroutines at once.
type Sending struct {
	core          *core.Core
	content       *content.Content
	people        *people.People
	organisations *organisations.Organisations
	messages      *messages.Messages
	handover      *handover.Handover
	mailer        Mailer // nil: nothing leaves as e-mail
	outbox        outboxWork
	forwards      *core.Guesses // from each mailbox
	forwardsTo    *core.Guesses // and from each to another recipient
}

// A Hall is what sending stands on.
type Hall struct {
	Core          *core.Core
	Content       *content.Content
	People        *people.People
	Organisations *organisations.Organisations
	Messages      *messages.Messages
	Handover      *handover.Handover
	Mailer        Mailer
}

// New makes one.
func New(h Hall) *Sending {
	return &Sending{
		core: h.Core, content: h.Content, people: h.People, organisations: h.Organisations, messages: h.Messages,
		handover: h.Handover, mailer: h.Mailer, outbox: newOutboxWork(),
		forwards:   core.NewGuesses(core.LimitRequests, MostForwards, ForwardsIn),
		forwardsTo: core.NewGuesses(core.LimitRequests, MostForwardsTo, ForwardsIn),
	}
}

// sendRequest is the request to send a draft.
type sendRequest struct{ Draft domain.MessageID }

// maxSends is how often a draft that is changed while it is written out is written out again.
const maxSends = 4

// Send sends a draft to the authority that it is for. What is sent lies in SENT on every platform, and waits for the
// authority's recipient system.
func (s *Sending) Send(
	ctx context.Context, ask core.Ask, id domain.MessageID,
) (messages.Message, eventstore.Position, error) {
	for n := 1; ; n++ {
		m, at, err := s.send(ctx, ask, id)
		no := (*domain.Rejection)(nil)
		stale := errors.As(err, &no) && no.Reason == mailbox.StaleVersion
		if stale && (ask.Version == 0 || ask.Version == no.Version) && n < maxSends {
			continue // the draft was changed while it was written out
		}

		return m, at, err
	}
}

func (s *Sending) send(
	ctx context.Context, ask core.Ask, id domain.MessageID,
) (out messages.Message, p eventstore.Position, err error) {
	if err := s.core.Room(); err != nil {
		return out, 0, err
	}

	a, err := s.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Write)
	if err != nil {
		return out, 0, err
	}

	request := ask.Of(sendRequest{id}, id)
	if first, ok, err := s.core.Repeated(a, request); ok || err != nil {
		return s.again(a, id, core.Done{Position: first.Position, Repeat: &first}, err)
	}

	draft, err := s.messages.Now(a, id)
	if err != nil {
		return out, 0, err
	}

	cmd, written, err := s.writeOut(a, ask, draft)
	if err != nil {
		return out, 0, err
	}

	done, err := s.core.Execute(ctx, a, request, cmd)
	if err != nil || done.Repeat != nil {
		err = s.content.Discard(err, done.Repeat != nil, written)
	}

	if err == nil {
		s.core.Fail("message sent")
	}

	return s.again(a, id, done, err)
}

// again gives a message as a command left it.
func (s *Sending) again(
	a core.Admission, id domain.MessageID, done core.Done, err error,
) (messages.Message, eventstore.Position, error) {
	if err != nil {
		return messages.Message{}, 0, err
	}
	out, err := s.messages.After(a, id, done)

	return out, done.Position, err
}

// writeOut writes the MeMo of a draft out, and gives the command that sends it. Where nothing can be written (it is no
// draft, not at the version that the caller knows, or changed while it was read), the rule says why, or whether it is
// so already.
func (s *Sending) writeOut(
	a core.Admission, ask core.Ask, m messages.Message,
) (cmd mailbox.Send, w content.Written, err error) {
	cmd.Target = a.Target(m.ID, ask.Version)
	if m.Row.Draft == nil || ask.Version != 0 && ask.Version != m.Row.Version {
		return cmd, w, nil
	}

	cmd.Target.Version = m.Row.Version
	if cmd, w, err = s.written(a, cmd, m); err == nil {
		return cmd, w, nil
	}

	now, nowErr := s.messages.Now(a, m.ID)
	if nowErr != nil || now.Row.Version == m.Row.Version {
		return cmd, w, errors.Join(nowErr, err)
	}

	return mailbox.Send{Target: cmd.Target}, content.Written{}, nil // it was changed or sent, and its pieces are gone
}

func (s *Sending) written(
	a core.Admission, cmd mailbox.Send, m messages.Message,
) (mailbox.Send, content.Written, error) {
	var none content.Written
	k, err := s.core.Key(a.Mailbox, m.Row.Leaf)
	if err != nil {
		return cmd, none, err
	}

	draft, err := content.OpenDraft(k, *m.Row.Draft)
	if err != nil {
		return cmd, none, err
	}

	// Judged before anything is written for it, and again where the command is decided.
	cmd.Contents = draft.Contents()
	if err := cmd.Contents.Judge(); err != nil {
		return cmd, none, err
	}

	route, err := s.routeOf(a.Mailbox, draft)
	if err != nil {
		return cmd, none, err
	}

	cmd.Limits = limitsOf(route)
	cmd.Attachments = len(draft.Body().All("AdditionalDocument"))
	if err := cmd.Limits.Judge(cmd.Attachments, 0); err != nil {
		return cmd, none, err
	}

	late := draft.Late(s.core.Now())
	if err := s.finish(a, draft, route, late); err != nil {
		return cmd, none, err
	}

	w, err := s.writeDraft(a, draft, m, route)
	if err != nil {
		return cmd, none, err
	}

	cmd.Sent = mailbox.MessageSent{
		Letter: w.Letter, To: destination(route), Handover: w.Handover,
		Author:  domain.UUID(core.IdentityOf(a.Principal)),
		Answers: draft.Answers, Late: late,
	}
	cmd.Seal = func(leaf uint32) (mailbox.Letter, error) {
		return s.content.SealFor(w, a.Mailbox, m.ID, leaf, cmd.Sent.EventType())
	}

	return cmd, w, nil
}

// writeDraft writes a draft's MeMo, with the pieces of its files.
func (s *Sending) writeDraft(
	a core.Admission, draft *content.Draft, m messages.Message, route organisation.Route,
) (content.Written, error) {
	k, err := s.core.Key(a.Mailbox, m.Row.Leaf)
	if err != nil {
		return content.Written{}, err
	}

	var open []io.Closer
	defer func() {
		for _, x := range open {
			x.Close()
		}
	}()

	keys := draft.FileKeys()

	return s.content.Write(content.Order{
		Memo: &draft.Memo, Most: route.Point.MaxBytes, HandOver: true,
		Files: func(n *memo.Node) (io.Reader, error) {
			r, err := s.content.OpenParts(k, *m.Row.Draft, keys[n])
			if err != nil {
				return nil, err
			}
			open = append(open, r)

			return r, nil
		},
	})
}

// routeOf finds where a draft goes, as the contact structure has it now.
func (s *Sending) routeOf(box domain.MailboxID, draft *content.Draft) (organisation.Route, error) {
	owner, err := s.core.Mailbox(box)
	if err != nil {
		return organisation.Route{}, err
	}

	all, err := s.organisations.Contacts()
	if err != nil {
		return organisation.Route{}, err
	}

	to := draft.Header().Child("Recipient")
	point, _ := domain.ParseUUID(to.Get("ContactPoint", "contactPointID"))
	recipient, target := all.Recipient(to.Get("recipientID")), organisations.TargetOf(owner.Owner)
	if draft.Answers != (domain.MessageID{}) {
		return recipient.RouteAnswer(point, target, memo.MaxLength)
	}

	return recipient.Route(point, target)
}

func limitsOf(r organisation.Route) mailbox.Limits {
	return mailbox.Limits{Attachments: r.Point.Attachments, Bytes: r.Point.MaxBytes, Apply: true}
}

func destination(r organisation.Route) mailbox.Destination {
	return mailbox.Destination{Organisation: r.Organisation, ContactPoint: r.Point.Point, System: r.System}
}

// finish writes what is only known when a draft is sent: who sends, the contact point that it goes to, the time, and
// that an answer is late.
func (s *Sending) finish(a core.Admission, draft *content.Draft, route organisation.Route, late bool) error {
	sender, err := s.people.SenderNode(a)
	if err != nil {
		return err
	}

	h := draft.Header()
	h.Set("Sender", sender)
	to := h.Child("Recipient")
	if route.Point.Point != (domain.UUID{}) {
		cp := to.Child("ContactPoint")
		if cp == nil {
			cp = memo.Group("ContactPoint", memo.Text("contactPointID", route.Point.Point.String()))
		}
		cp.Set("label", memo.Text("label", text.Clip(route.Point.Name, mailbox.MaxLabel)))
		to.Set("ContactPoint", cp)
	}

	if thread := h.All("ReplyData"); late && len(thread) > 0 {
		thread[len(thread)-1].Set("AdditionalReplyData",
			memo.Group("AdditionalReplyData", memo.Text("label", "late"), memo.Text("value", "true")))
	}
	draft.Body().Set("createdDateTime", memo.Text("createdDateTime", s.core.Now().UTC().Format(timeOfMemo)))

	return nil
}
