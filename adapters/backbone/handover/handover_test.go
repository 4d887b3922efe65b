package handover_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// A message on its way from a citizen to an authority.
type onTheWay struct {
	*backbonetest.Backbone
	sys  organisations.System
	ask  core.Ask
	uuid domain.UUID
	id   domain.MessageID
}

func send(t *testing.T) onTheWay {
	t.Helper()

	b := backbonetest.Open(t)
	w := onTheWay{Backbone: b, ask: backbonetest.Owner(b.Citizen(backbonetest.Mette), backbonetest.App)}
	w.sys = b.Authority(backbonetest.Municipality)
	m := b.Submit(w.sys, backbonetest.Mette, backbonetest.Letter{Text: "hej"})

	sent, _, err := b.Sending.Forward(context.Background(), w.ask, m, sending.Onward{
		Recipient: backbonetest.Municipality, Kind: sending.ToCVR, Point: backbonetest.Point(backbonetest.Municipality),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.uuid, w.id = sent.Letter.Letter.UUID, sent.ID

	return w
}

// fetch gives the MeMo that waits.
func (w onTheWay) fetch(sys organisations.System) (string, error) {
	whole, err := w.Handover.Fetch(context.Background(), sys, w.uuid)
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(whole)

	return string(raw), errors.Join(err, whole.Close())
}

// What waits is its recipient system's alone: it lists it, fetches it as often as it likes, which is recorded once, and
// ends it. Nothing is ended that was not fetched.
func TestWhatWaitsIsItsRecipientsAlone(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	w := send(t)
	other := w.Sender(backbonetest.Insurer, backbonetest.EBoks)

	waiting := func(sys organisations.System, want ...domain.UUID) {
		t.Helper()

		got, total, err := w.Handover.Waiting(sys, 0, 10)
		if err != nil || !slices.Equal(got, want) || total != len(want) {
			t.Errorf("%s waits for %v of %d, %v; want %v", sys.Organisation.Name, got, total, err, want)
		}
	}
	waiting(w.sys, w.uuid)
	waiting(other)

	if _, err := w.fetch(other); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("another fetches it: %v, want %v", err, core.ErrNotFound)
	}

	if err := w.Handover.Take(ctx, w.sys, w.uuid); !core.IsReason(err, mailbox.NotFetched) {
		t.Errorf("ended before it was fetched: %v, want %s", err, mailbox.NotFetched)
	}

	first, err := w.fetch(w.sys)
	again, againErr := w.fetch(w.sys)
	if err != nil || againErr != nil || first != again {
		t.Fatalf("fetched twice: %v, %v", err, againErr)
	}

	m, err := memo.Read(strings.NewReader(first))
	if err != nil || m.UUID() != w.uuid || m.Header().Child("ForwardData") == nil {
		t.Fatalf("what is fetched is no MeMo of what was sent on: %v", err)
	}

	if got := w.Box(w.ask.Mailbox, 0, mailbox.MessageHandedOver{}.EventType()); len(got) != 1 {
		t.Errorf("recorded %d times", len(got))
	}

	if err := w.Handover.Take(ctx, other, w.uuid); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("another ends it: %v, want %v", err, core.ErrNotFound)
	}

	if err := w.Handover.Take(ctx, w.sys, w.uuid); err != nil {
		t.Fatal(err)
	}
	waiting(w.sys)

	if _, err := w.fetch(w.sys); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("fetched after it was ended: %v, want %v", err, core.ErrNotFound)
	}
}

// A system that takes MeMo 1.1 gets it.
func TestAnOlderSystemGetsItsVersion(t *testing.T) {
	t.Parallel()

	w := send(t)
	older := w.sys
	older.Receives = memo.V11

	raw, err := w.fetch(older)
	if err != nil {
		t.Fatal(err)
	}

	m, err := memo.Read(strings.NewReader(raw))
	if err != nil || m.Version != memo.V11 || m.UUID() != w.uuid {
		t.Errorf("it is a MeMo of version %d, %v", m.Version, err)
	}
}

// The business receipt is given once, after the message was fetched; who sent it sees it, also once the copy is ended,
// and where they have purged the message its status stands without words.
func TestTheReceiptIsForTheSenderToSee(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	w := send(t)
	words := content.Answer{Code: "A1", Text: "Modtaget"}
	acknowledge := func(status string) error { return w.Handover.Acknowledge(ctx, w.sys, w.uuid, status, words) }

	if err := acknowledge("COMPLETED"); !core.IsReason(err, mailbox.NotFetched) {
		t.Errorf("before it was fetched: %v, want %s", err, mailbox.NotFetched)
	}

	if _, err := w.fetch(w.sys); err != nil {
		t.Fatal(err)
	}

	if err := w.Handover.Take(ctx, w.sys, w.uuid); err != nil {
		t.Fatal(err)
	}

	for range 2 { // the same again is so already
		if err := acknowledge("COMPLETED"); err != nil {
			t.Fatal(err)
		}
	}

	if err := acknowledge("INVALID"); !core.IsReason(err, mailbox.ReceiptGiven) {
		t.Errorf("another: %v, want %s", err, mailbox.ReceiptGiven)
	}

	m, err := w.Messages.Message(ctx, w.ask.Principal, w.ask.Mailbox, w.id)
	if err != nil || m.Row.Out.Receipt != "COMPLETED" || m.Answer != words {
		t.Errorf("its sender sees %+v, %+v, %v", m.Row.Out, m.Answer, err)
	}
}

// A receipt for a message that its writer has purged stands without words: there is no key to seal them under.
func TestAReceiptForAPurgedMessageHasNoWords(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	w := send(t)
	if _, err := w.fetch(w.sys); err != nil {
		t.Fatal(err)
	}

	for range 2 { // into DELETED, and out of it
		if _, err := w.Messages.Delete(ctx, w.ask, w.id); err != nil {
			t.Fatal(err)
		}
	}

	if _, err := w.fetch(w.sys); err != nil {
		t.Errorf("its copy is gone with it: %v", err)
	}

	if err := w.Handover.Acknowledge(ctx, w.sys, w.uuid, "INVALID", content.Answer{Text: "Hej"}); err != nil {
		t.Fatal(err)
	}

	got := w.Box(w.ask.Mailbox, 0, mailbox.ReceiptReceived{}.EventType())
	if len(got) != 1 {
		t.Fatalf("%d receipts", len(got))
	}

	if e := got[0].Says.(mailbox.ReceiptReceived); e.Status != "INVALID" || len(e.Text) > 0 {
		t.Errorf("the receipt is %s with %d bytes of words", e.Status, len(e.Text))
	}
}
