package reactions

import (
	"context"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/contacts"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/engine"
)

// NemSMS sends authorities' text messages, to those who are registered when they go out.
type NemSMS struct {
	texts contacts.Texts
	means Means
	now   func() time.Time
}

// NewNemSMS makes the source.
func NewNemSMS(b *backbone.Backbone, m Means) *NemSMS {
	return &NemSMS{contacts.TextsOf(b.Notices), m, b.Clock.Now}
}

// Kind is nemsms.
func (*NemSMS) Kind() string { return "nemsms" }

// Plan gives the sending of a text message, at its date and not at night.
func (s *NemSMS) Plan(_ context.Context, h *engine.Entry) ([]Effect, error) {
	if h.Type != (mailbox.NemSMSQueued{}).EventType() {
		return nil, nil
	}

	says, _ := h.Says()
	e, ok := says.(mailbox.NemSMSQueued)
	if !ok {
		return nil, nil
	}

	next := h.Recorded
	if e.Due.After(next) {
		next = e.Due
	}

	return []Effect{{
		Receiver: byText, Order: h.Stream.ID, Thing: e.Letter.Message, Next: s.means.mayTell(next, false),
		Key: domain.UUID(domain.DeriveID(s.Kind(), h.ID[:])).String(),
	}}, nil
}

// Do sends it, unless its recipient has opted out, or its sender has recalled it, until this very moment.
func (s *NemSMS) Do(ctx context.Context, e Effect) error {
	t, waits, err := s.texts.Queued(e.Order, e.Thing)
	switch {
	case err != nil || !waits:
		return err
	case t.To == "":
		return s.texts.EndText(ctx, e.Order, e.Thing, mailbox.NoNemSMS)
	case s.means.Text == nil: // there is no gateway
		return s.texts.EndText(ctx, e.Order, e.Thing, mailbox.NemSMSNotSent)
	}

	if err := s.means.hold(s.now(), false); err != nil {
		return err
	}

	if err := s.means.Text(ctx, Text{ID: t.ID.String(), To: t.To, Body: t.Body, Kind: s.Kind()}); err != nil {
		return err
	}

	return s.texts.EndText(ctx, e.Order, e.Thing, "")
}

// Done notes that no gateway took it.
func (s *NemSMS) Done(ctx context.Context, e Effect, failed error) error {
	if failed == nil {
		return nil
	}

	return s.texts.EndText(ctx, e.Order, e.Thing, mailbox.NemSMSNotSent)
}
