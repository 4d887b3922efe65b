package sending

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/outbox"
)

// mailPatience is how long an e-mail waits for a mail server that takes nothing.
const mailPatience = 72 * time.Hour

// Waits between the tries to deliver one message.
const (
	firstRetry = 5 * time.Second
	lastRetry  = 15 * time.Minute
	outboxes   = 1000 // messages that are tried in one go
)

// outboxWork is what this process knows of the outbox.
type outboxWork struct {
	wake  chan struct{}
	mails mailCount
	busy  *sync.Map // messages that are being delivered
}

func newOutboxWork() outboxWork {
	return outboxWork{wake: make(chan struct{}, 1), mails: newMailCount(), busy: &sync.Map{}}
}

func (o outboxWork) wakeUp() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// A retry is when a message that could not be delivered is tried again, and what is done of it.
type retry struct {
	at     time.Time
	wait   time.Duration
	mailed bool // the mail server has it: only the receipt is missing
}

// Run delivers, at start, when it is woken and every few seconds, what was sent to other mailboxes, or as e-mail, and
// is not there yet, until ctx ends. One that fails is tried again later and later, and holds up no other; a mail server
// that can't be reached holds up mails alone.
func (s *Sending) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()

	for mails, wake := range map[bool]chan struct{}{false: nil, true: s.outbox.wake} { // each at its own pace
		wg.Add(1)
		go func() {
			defer wg.Done()
			for retries := map[domain.MessageID]*retry{}; ; {
				if err := engine.Guard(func() error { s.empty(ctx, mails, retries); return nil }); err != nil {
					s.core.Logger.Error("what was sent is delivered later", "error", err)
				}

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

// empty tries everything that waits and whose time has come.
func (s *Sending) empty(ctx context.Context, mails bool, retries map[domain.MessageID]*retry) {
	for _, m := range s.waiting(mails, retries) {
		r := retries[m]
		if r == nil {
			r = &retry{wait: firstRetry}
		}

		err := s.deliver(ctx, m, r)
		if err == nil {
			delete(retries, m)
			continue
		}

		if ctx.Err() != nil {
			return
		}

		r.at, r.wait = s.core.Now().Add(r.wait), min(2*r.wait, lastRetry)
		retries[m] = r
		s.core.Logger.Warn("what was sent is delivered later", "message", m.String())

		if errors.Is(err, ErrNoMail) {
			return
		}
	}
}

func (s *Sending) waiting(mails bool, retries map[domain.MessageID]*retry) (now []domain.MessageID) {
	o, err := outbox.At(s.core.Views)
	if err != nil {
		return nil
	}
	defer o.Close()

	o.ToDeliver(mails, func(m domain.MessageID) bool {
		if r := retries[m]; r == nil || !s.core.Now().Before(r.at) {
			now = append(now, m)
		}

		return len(now) < outboxes
	})

	return now
}

// deliver delivers what was sent to another mailbox, or as e-mail, and gives its sender the receipt. A crash between
// the two is repaired by running it again: the message's id there follows from its id here.
func (s *Sending) deliver(ctx context.Context, m domain.MessageID, try *retry) error {
	if _, busy := s.outbox.busy.LoadOrStore(m, true); busy {
		return nil
	}
	defer s.outbox.busy.Delete(m)

	r, ok, err := s.sent(m)
	if err != nil || !ok || r.Taken {
		return err
	}

	if err := s.receiptCanBeGiven(r); err != nil {
		return err
	}

	status, words, err := s.outcome(ctx, r, try)
	if err != nil {
		return err
	}

	s.core.Fail("forwarded")
	_, err = s.handover.Run(ctx, r, "delivered", mailbox.All{
		s.handover.Receipt(r, status, words), mailbox.Take{Message: m},
	})

	return err
}

func (s *Sending) sent(m domain.MessageID) (outbox.Row, bool, error) {
	o, err := outbox.At(s.core.Views)
	if err != nil {
		return outbox.Row{}, false, err
	}
	defer o.Close()

	return o.Message(m)
}

// receiptCanBeGiven refuses to deliver for a parked mailbox: its receipt would be lost.
func (s *Sending) receiptCanBeGiven(r outbox.Row) error {
	snap, err := mailboxes.At(s.core.Views)
	if err != nil {
		return err
	}
	defer snap.Close()

	if snap.Parked(r.Mailbox) {
		return core.ErrParked
	}

	return nil
}

var nobody = content.Answer{Code: "recipient.not.found", Text: "nobody with that number takes Digital Post"}

// outcome delivers, and gives the receipt for it. An error says that it is to be tried again.
func (s *Sending) outcome(
	ctx context.Context, r outbox.Row, try *retry,
) (status string, words content.Answer, err error) {
	switch {
	case len(r.To.Address) > 0:
		return s.mailOut(ctx, r, try)
	case r.To.Mailbox == domain.MailboxID{}:
		return "INVALID", nobody, nil
	}

	err = s.deliverInto(ctx, r)
	if core.IsRefused(err) || errors.Is(err, vault.ErrForgotten) {
		return "INVALID", nobody, nil // whether they are exempt, closed or never were is not for a person to know
	}

	return "COMPLETED", words, err
}

// mailOut hands a mail to the mail server, unless it has it.
func (s *Sending) mailOut(
	ctx context.Context, r outbox.Row, try *retry,
) (status string, words content.Answer, err error) {
	if try.mailed {
		return "COMPLETED", words, nil
	}

	err = s.mail(ctx, r)
	refused := (*mailRefused)(nil)
	if errors.As(err, &refused) || err != nil && s.core.Now().Sub(r.At) > mailPatience {
		return "INVALID", content.Answer{Code: "email.refused", Text: "the address takes no mail"}, nil
	}
	try.mailed = err == nil

	return "COMPLETED", words, err
}

// deliverInto puts a copy of what was sent into another mailbox. What is there already stays.
func (s *Sending) deliverInto(ctx context.Context, r outbox.Row) error {
	if err := s.core.Room(); err != nil {
		return err
	}

	id := domain.MessageID(domain.DeriveID("forwarded", r.Message[:]))
	m := core.Machine{
		Kind: access.Forwarder, ID: r.Mailbox, Once: "deliver", Thing: id, Causation: r.Position,
	}

	// Decided on what is known before anything is copied: one who takes nothing costs no more than nobody.
	err := s.core.Judge(ctx, m, r.To.Mailbox, mailbox.Receive{Letter: mailbox.Letter{Message: id}, At: s.core.Now()})
	if core.IsReason(err, mailbox.AlreadyReceived) {
		return nil
	}

	if err != nil {
		return err
	}

	w, err := s.copied(r)
	if err != nil {
		return err
	}

	letter := w.Letter
	letter.Message = id
	_, err = s.core.ByMachine(ctx, m, r.To.Mailbox, mailbox.Receive{
		Letter: letter, At: s.core.Now(),
		Seal: func(leaf uint32, eventType string) (mailbox.Letter, error) {
			return s.content.SealFor(w, r.To.Mailbox, id, leaf, eventType)
		},
	})
	if core.IsReason(err, mailbox.AlreadyReceived) {
		return s.core.Documents.Free(letter.Document)
	}

	if err != nil {
		return s.content.Discard(err, false, w)
	}

	return nil
}

// copied writes a copy of what waits for whoever takes it over.
func (s *Sending) copied(r outbox.Row) (w content.Written, err error) {
	d, err := s.content.OpenHandover(r)
	if err != nil {
		return w, err
	}
	defer d.Close()

	m, err := memo.Read(io.NewSectionReader(d, 0, r.Handover.Length))
	if err != nil {
		return w, err
	}

	return s.content.Write(content.Order{
		Memo: m, Most: memo.MaxLength,
		Files: func(n *memo.Node) (io.Reader, error) { return m.Content(d, r.Handover.Length, *n.File), nil },
	})
}
