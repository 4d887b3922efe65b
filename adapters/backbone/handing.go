package backbone

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// An Answer is a business receipt's words: the recipient's own code and text.
type Answer struct {
	Code string `cbor:"1,keyasint,omitempty"`
	Text string `cbor:"2,keyasint,omitempty"`
}

func openAnswer(k vault.Key, sealed domain.Sealed) (a Answer, err error) {
	raw, err := k.Open(mailbox.ReceiptReceived{}.EventType(), "text", sealed)
	if err != nil {
		return a, err
	}
	return a, cbor.Unmarshal(raw, &a)
}

// Waiting gives the UUIDs of what waits for a recipient system, oldest first, size of them from page on, and how many there are.
func (b *Backbone) Waiting(sys System, page, size int) (out []domain.UUID, total int, err error) {
	s, err := b.snapshot(projections.Outbox{})
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()
	rows, total, err := s.Waiting(sys.ID, page, size)
	for _, r := range rows {
		out = append(out, r.UUID)
	}
	return out, total, err
}

// outgoing finds what was sent to a recipient system, by its UUID.
func (b *Backbone) outgoing(sys System, uuid domain.UUID) (projections.OutRow, error) {
	s, err := b.snapshot(projections.Outbox{})
	if err != nil {
		return projections.OutRow{}, err
	}
	defer s.Close()
	r, ok, err := s.OutgoingTo(sys.ID, uuid)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return r, err
}

// onOutgoing runs a command on a message that was sent, for its recipient system.
func (b *Backbone) onOutgoing(ctx context.Context, r projections.OutRow, what string, cmd mailbox.Command) (eventstore.Position, error) {
	h := b.mailboxes
	h.Start = b.startWith(r.Message)
	meta := eventstore.Meta{Command: derivedCommand(what, r.Message[:]), Actor: eventstore.Actor{Kind: "system", ID: r.To.System}, Causation: r.Position}
	if r.To.System == (domain.SystemID{}) {
		meta.Actor = eventstore.Actor{Kind: "backbone"}
	}
	_, p, err := h.Execute(ctx, mailboxStream(r.Mailbox), meta, func(mailbox.State) (mailbox.Command, error) { return cmd, nil })
	if reason, refused := domain.Refused(err); refused && reason == mailbox.NoSuchMessage {
		return 0, ErrNotFound
	}
	if err != nil || p == 0 {
		return p, err
	}
	return p, b.views.Wait(ctx, p)
}

// Fetch gives a recipient system a MeMo that waits for it, in the version that it takes in. That it was handed over is recorded before a byte is given. It may be
// fetched again until the system deletes it. The caller closes what it gets.
func (b *Backbone) Fetch(ctx context.Context, sys System, uuid domain.UUID) (io.ReadCloser, error) {
	r, err := b.outgoing(sys, uuid)
	if err != nil {
		return nil, err
	}
	if r.Taken {
		return nil, ErrNotFound
	}
	if _, err := b.onOutgoing(ctx, r, "hand over", mailbox.HandOver{Message: r.Message, System: sys.ID}); err != nil {
		return nil, err
	}
	d, err := b.openHandover(r)
	if errors.Is(err, vault.ErrForgotten) {
		return nil, ErrNotFound // it was deleted meanwhile
	}
	if err != nil {
		return nil, err
	}
	whole := io.NewSectionReader(d, 0, r.Handover.Length)
	if sys.Receives != memo.V11 { // 1.2, as it was written
		return struct {
			io.Reader
			io.Closer
		}{whole, d}, nil
	}
	m, err := memo.Read(whole)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	helped(m)
	pr, pw := io.Pipe()
	go func() {
		err := m.Write(pw, memo.V11, func(n *memo.Node) (io.Reader, error) { return m.Content(d, r.Handover.Length, *n.File), nil })
		pw.CloseWithError(errors.Join(err, d.Close()))
	}()
	return pr, nil
}

// helped says who helped the writer where 1.1 has a place for it: it has no Representative.
func helped(m *memo.Message) {
	sender := m.Header().Child("Sender")
	r := sender.Child("Representative")
	if r == nil || sender.Child("AttentionData") != nil {
		return
	}
	sender.Set("AttentionData", memo.Group("AttentionData", memo.Group("AttentionPerson", memo.Text("personID", r.Get("representativeID")), memo.Text("label", r.Get("label")))))
}

// Take ends what waits for a recipient system: its copy is forgotten when this returns. Another's, or what is gone, is ErrNotFound.
func (b *Backbone) Take(ctx context.Context, sys System, uuid domain.UUID) error {
	r, err := b.outgoing(sys, uuid)
	if err != nil {
		return err
	}
	p, err := b.onOutgoing(ctx, r, "take", mailbox.Take{Message: r.Message, System: sys.ID})
	if err != nil {
		return err
	}
	return b.waitForgotten(ctx, p)
}

// Received tells whether a message was sent to a recipient system at all; that it has fetched it is known.
func (b *Backbone) Received(sys System, uuid domain.UUID) error {
	_, err := b.outgoing(sys, uuid)
	return err
}

// Acknowledge records a recipient system's business receipt for what was sent to it. Who sent it sees it.
func (b *Backbone) Acknowledge(ctx context.Context, sys System, uuid domain.UUID, status string, words Answer) error {
	r, err := b.outgoing(sys, uuid)
	if err != nil {
		return err
	}
	return b.acknowledge(ctx, r, status, words)
}

func (b *Backbone) acknowledge(ctx context.Context, r projections.OutRow, status string, words Answer) error {
	_, err := b.onOutgoing(ctx, r, "receipt", mailbox.Answer{Message: r.Message, System: r.To.System, Status: status, Text: b.sealAnswer(r, words)})
	return err
}

// sealAnswer seals a receipt's words under the message's key; nothing, if there are none, or the key is gone.
func (b *Backbone) sealAnswer(r projections.OutRow, words Answer) func(uint32) domain.Sealed {
	return func(leaf uint32) domain.Sealed {
		raw, err := cbor.Marshal(words)
		k, kerr := b.vault.Key(vault.Owner(r.Mailbox), leaf)
		if words == (Answer{}) || err != nil || kerr != nil {
			return nil
		}
		return k.Seal(mailbox.ReceiptReceived{}.EventType(), "text", raw)
	}
}

// mailPatience is how long an e-mail waits for a mail server that takes nothing.
const mailPatience = 72 * time.Hour

// Waits between the tries to deliver one message.
const (
	firstRetry = 5 * time.Second
	lastRetry  = 15 * time.Minute
	outboxes   = 1000 // messages that are tried in one go
)

// A retry is when a message that could not be delivered is tried again, and what is done of it.
type retry struct {
	at     time.Time
	wait   time.Duration
	mailed bool // the mail server has it: only the receipt is missing
}

// runOutbox delivers, at start, when it is woken and every few seconds, what was sent to other mailboxes, or as e-mail, and is not there yet. One that fails is tried
// again later and later, and holds up no other; a mail server that can't be reached holds up mails alone.
func (b *Backbone) runOutbox(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for mails, wake := range map[bool]chan struct{}{false: nil, true: b.wakeOutbox} { // each at its own pace: a mail server may be slow
		wg.Add(1)
		go func() {
			defer wg.Done()
			for retries := map[domain.MessageID]*retry{}; ; {
				b.emptyOutbox(ctx, mails, retries)
				select {
				case <-time.After(firstRetry):
				case <-wake:
				case <-ctx.Done():
					return
				}
			}
		}()
	}
}

func (b *Backbone) emptyOutbox(ctx context.Context, mails bool, retries map[domain.MessageID]*retry) {
	s, err := b.snapshot(projections.Outbox{})
	if err != nil {
		return
	}
	var now []domain.MessageID
	s.ToDeliver(mails, func(m domain.MessageID) bool {
		if r := retries[m]; r == nil || !b.now().Before(r.at) {
			now = append(now, m)
		}
		return len(now) < outboxes
	})
	s.Close()
	for _, m := range now {
		r := retries[m]
		if r == nil {
			r = &retry{wait: firstRetry}
		}
		err := b.deliverOut(ctx, m, r)
		if err == nil {
			delete(retries, m)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		r.at, r.wait = b.now().Add(r.wait), min(2*r.wait, lastRetry)
		retries[m] = r
		b.cfg.Log.Warn("what was sent is delivered later", "message", m.String())
		if errors.Is(err, ErrNoMail) {
			return
		}
	}
}

// deliverOut delivers what was sent to another mailbox, or as e-mail, and gives its sender the receipt. A crash between the two is repaired by running it again: the
// message's id there follows from its id here.
func (b *Backbone) deliverOut(ctx context.Context, m domain.MessageID, try *retry) error {
	if _, busy := b.inFlight.LoadOrStore(m, true); busy {
		return nil
	}
	defer b.inFlight.Delete(m)
	s, err := b.snapshot(projections.Outbox{})
	if err != nil {
		return err
	}
	r, ok, err := s.Outgoing(m)
	s.Close()
	if err != nil || !ok || r.Taken {
		return err
	}
	if _, _, err := b.startWith(m)(ctx, mailboxStream(r.Mailbox)); err != nil {
		return err // the receipt could not be given
	}
	status, words := "COMPLETED", Answer{}
	switch {
	case len(r.To.Address) > 0:
		if !try.mailed {
			err = b.mail(ctx, r)
			failed := (*mailRefused)(nil)
			if errors.As(err, &failed) || err != nil && b.now().Sub(r.At) > mailPatience {
				status, words, err = "INVALID", Answer{Code: "email.refused", Text: "the address takes no mail"}, nil
			}
			try.mailed = err == nil && status == "COMPLETED"
		}
	case r.To.Mailbox == domain.MailboxID{}:
		status, words = "INVALID", nobody
	default:
		err = b.deliverInto(ctx, r)
		if isRefused(err) || errors.Is(err, vault.ErrForgotten) {
			status, words, err = "INVALID", nobody, nil // whether they are exempt, closed or never were is not for a person to know
		}
	}
	if err != nil {
		return err
	}
	b.cfg.Fail("forwarded")
	_, err = b.onOutgoing(ctx, r, "delivered", mailbox.All{
		mailbox.Answer{Message: m, Status: status, Text: b.sealAnswer(r, words)}, mailbox.Take{Message: m}})
	return err
}

var nobody = Answer{Code: "recipient.not.found", Text: "nobody with that number takes Digital Post"}

// deliverInto puts a copy of what was sent into another mailbox. What is there already stays.
func (b *Backbone) deliverInto(ctx context.Context, r projections.OutRow) error {
	id := domain.MessageID(domain.DeriveID("forwarded", r.Message[:]))
	if !b.store.IntakeHasRoom() {
		return ErrNoRoom
	}
	// Decided on what is known before anything is copied: one who takes nothing costs no more than nobody.
	state, _, err := b.startWith(id)(ctx, mailboxStream(r.To.Mailbox))
	if err != nil {
		return err
	}
	if _, err := mailbox.Decider.Decide(state, mailbox.Receive{Letter: mailbox.Letter{Message: id, Leaf: state.NextLeaf}, At: b.now()}); err != nil {
		if reason, refused := domain.Refused(err); refused && reason == mailbox.AlreadyReceived {
			return nil
		}
		return err
	}
	d, err := b.openHandover(r)
	if err != nil {
		return err
	}
	defer d.Close()
	m, err := memo.Read(io.NewSectionReader(d, 0, r.Handover.Length))
	if err != nil {
		return err
	}
	c, err := b.compose(m, func(n *memo.Node) (io.Reader, error) { return m.Content(d, r.Handover.Length, *n.File), nil }, memo.MaxLength, false)
	if err != nil {
		return err
	}
	h := b.mailboxes
	h.Start = b.startWith(id)
	eventType := mailbox.MessageDelivered{}.EventType()
	meta := eventstore.Meta{Command: derivedCommand("deliver", id[:]), Actor: eventstore.Actor{Kind: "mailbox", ID: r.Mailbox}, Causation: r.Position}
	_, p, err := h.Execute(ctx, mailboxStream(r.To.Mailbox), meta, func(s mailbox.State) (mailbox.Command, error) {
		l, err := b.sealFor(c, r.To.Mailbox, id, s.NextLeaf, eventType)
		return mailbox.Receive{Letter: l, At: b.now()}, err
	})
	if reason, refused := domain.Refused(err); refused && reason == mailbox.AlreadyReceived {
		return b.docs.Free(c.letter.Document)
	}
	if err != nil {
		return b.discard(err, false, c)
	}
	return b.views.Wait(ctx, p)
}
