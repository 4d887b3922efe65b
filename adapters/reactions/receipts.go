package reactions

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/intake"
	"digitalpost/domain"
	intakerules "digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/engine"
)

// Receipts has sender systems that want it told what became of their MeMos. A system that never takes a receipt can
// still ask for it.
type Receipts struct {
	b    *backbone.Backbone
	hook *webhook
	show func(intake.Receipt) any
}

// NewReceipts makes the source. Show gives a receipt as it is listed, too.
func NewReceipts(b *backbone.Backbone, o Outward, show func(intake.Receipt) any) *Receipts {
	return &Receipts{b: b, hook: newWebhook(o), show: show}
}

// Verify asks an address to repeat a challenge. The error is for who gave the address.
func (s *Receipts) Verify(ctx context.Context, url string) error { return s.hook.verify(ctx, url) }

// Kind is receipt.
func (*Receipts) Kind() string { return "receipt" }

// outcomes are the events that decide what became of a MeMo.
var outcomes = []string{
	intakerules.MemoRefused{}.EventType(), mailbox.MessageDelivered{}.EventType(),
	mailbox.MessageRefused{}.EventType(), mailbox.MessageRecalled{}.EventType(),
	mailbox.NemSMSSent{}.EventType(), mailbox.NemSMSRefused{}.EventType(),
}

// Plan gives the push of the receipt that an event makes, if its system wants to be told.
func (s *Receipts) Plan(_ context.Context, h *engine.Entry) ([]Effect, error) {
	if !slices.Contains(outcomes, h.Type) {
		return nil, nil
	}

	var m domain.MessageID
	switch says, _ := h.Says(); e := says.(type) {
	case intakerules.MemoRefused:
		m = e.Message
	case mailbox.MessageDelivered:
		m = e.Message
	case mailbox.MessageRefused:
		m = e.Message
	case mailbox.MessageRecalled:
		m = e.Message
	case mailbox.NemSMSSent:
		m = e.Message
	case mailbox.NemSMSRefused:
		m = e.Message
	default:
		return nil, nil
	}

	r, sys, ok, err := intake.PushesOf(s.b.Intake).Pushable(m)
	if err != nil || !ok || h.Position <= sys.From { // it asked later, however late this is planned
		return nil, err
	}

	return []Effect{{
		Receiver: sys.ID.String(), Order: h.Stream.ID, Thing: m, Key: r.ID.String(),
	}}, nil
}

// Do posts the receipt. One whose system does not want it any more counts as done.
func (s *Receipts) Do(ctx context.Context, e Effect) error {
	r, sys, ok, err := intake.PushesOf(s.b.Intake).Pushable(e.Thing)
	switch {
	case err != nil:
		return err
	case !ok:
		return errNotWanted
	case sys.Receipts.Stopped:
		return whileStopped()
	}

	body, err := json.Marshal(s.show(r))
	if err != nil {
		return err
	}

	_, err = s.hook.post(ctx, delivery{
		url: sys.Receipts.URL, contentType: "application/json", body: body, id: "msg_" + e.Key,
		secrets: [][]byte{s.b.Organisations.EndpointSecret(sys)}, header: map[string]string{"Idempotency-Key": e.Key},
	})
	var status statusError
	if errors.As(err, &status) && refuses(int(status)) {
		return &RefusedError{Err: err}
	}

	return err
}

// Done notes in the intake stream how it ended, and switches a system off that took nothing for days.
func (s *Receipts) Done(ctx context.Context, e Effect, failed error) error {
	outcome := intakerules.PushSent
	if failed != nil {
		outcome = intakerules.PushFailed
	}

	if err := endOf(ctx, s.b, e, failed, false); err != nil {
		return err
	}

	return intake.PushesOf(s.b.Intake).NotePush(ctx, e.Thing, outcome)
}
