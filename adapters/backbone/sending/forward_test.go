package sending_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// received gives the messages that a mailbox's owner has, oldest first.
func received(t *testing.T, b *backbonetest.Backbone, box domain.MailboxID) (ids []domain.MessageID) {
	t.Helper()

	p := backbonetest.Owner(box, backbonetest.App).Principal
	all, _, err := b.Messages.List(context.Background(), p, box, messages.Filter{})
	if err != nil {
		t.Fatal(err)
	}

	for _, m := range all {
		ids = append(ids, m.ID)
	}

	return ids
}

// A key that sent a message on with one comment and label is no key for others, though the texts read the same where
// they are put behind one another.
func TestAForwardsKeyIsBoundToEachOfItsTexts(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box, friend := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	m := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	ask := backbonetest.Owner(box, backbonetest.App)
	ask.Key = "key"
	to := sending.Onward{Recipient: backbonetest.Søren, Kind: sending.ToCPR, Comment: "a", From: "b c"}

	first, at, err := b.Sending.Forward(ctx, ask, m, to)
	if err != nil {
		t.Fatal(err)
	}

	last := b.Position()
	cpr, point := sending.ToCPR, domain.UUID{1}
	for what, other := range map[string]sending.Onward{
		"a word in the comment":   {Recipient: to.Recipient, Kind: cpr, Comment: "a b", From: "c"},
		"the label of who gets":   {Recipient: to.Recipient, Kind: cpr, Comment: "a", To: "b c"},
		"a contact point":         {Recipient: to.Recipient, Kind: cpr, Comment: "a", From: "b c", Point: point},
		"another recipient":       {Recipient: backbonetest.Åse, Kind: cpr, Comment: "a", From: "b c"},
		"a number of a company's": {Recipient: to.Recipient, Kind: sending.ToCVR, Comment: "a", From: "b c"},
	} {
		if _, _, err := b.Sending.Forward(ctx, ask, m, other); !errors.Is(err, core.ErrKeyReused) {
			t.Errorf("with %s: %v, want %v", what, err, core.ErrKeyReused)
		}
	}

	ask.Version = 99
	again, p, err := b.Sending.Forward(ctx, ask, m, to)
	if err != nil || again.ID != first.ID || p > at || b.Position() != last {
		t.Errorf("the repeat: %s at %d, %v; want %s at most at %d", again.ID, p, err, first.ID, at)
	}

	if got := received(t, b, friend); len(got) != 1 {
		t.Errorf("the recipient has %v, want one message", got)
	}
}

// A message that is sent on is delivered once and gets one receipt, wherever the process ends on the way.
func TestAForwardIsDeliveredOnce(t *testing.T) {
	t.Parallel()

	for _, step := range []string{"message sent", "forwarded"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()

			b := backbonetest.Open(t)
			box, friend := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
			m := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
			ask := backbonetest.Owner(box, backbonetest.App)
			ask.Key = "key"
			to := sending.Onward{Recipient: backbonetest.Søren, Kind: sending.ToCPR}

			b.EndAt(step, func(ctx context.Context) { b.Sending.Forward(ctx, ask, m, to) })
			wantDeliveries(t, b, friend, map[string]int{"message sent": 0, "forwarded": 1}[step])
			wantReceipts(t, b, box, 0)

			b.Restart()
			b.Until(func() bool { return len(b.Box(box, 0, mailbox.MessageTaken{}.EventType())) == 1 })
			wantDeliveries(t, b, friend, 1)
			wantReceipts(t, b, box, 1)

			sent, _, err := b.Sending.Forward(context.Background(), ask, m, to)
			if err != nil {
				t.Fatalf("the repeat: %v", err)
			}
			wantDeliveries(t, b, friend, 1)

			id := domain.MessageID(domain.DeriveID("forwarded", sent.ID[:]))
			if got := received(t, b, friend); !slices.Equal(got, []domain.MessageID{id}) {
				t.Errorf("the recipient has %v, want %s", got, id)
			}
		})
	}
}

func wantDeliveries(t *testing.T, b *backbonetest.Backbone, box domain.MailboxID, n int) {
	t.Helper()

	if got := b.Box(box, 0, mailbox.MessageDelivered{}.EventType()); len(got) != n {
		t.Errorf("delivered %d times, want %d", len(got), n)
	}
}

func wantReceipts(t *testing.T, b *backbonetest.Backbone, box domain.MailboxID, n int) {
	t.Helper()

	got := b.Box(box, 0, mailbox.ReceiptReceived{}.EventType())
	if len(got) != n {
		t.Fatalf("%d receipts, want %d", len(got), n)
	}

	for _, r := range got {
		if status := r.Says.(mailbox.ReceiptReceived).Status; status != "COMPLETED" {
			t.Errorf("the receipt says %s", status)
		}
	}
}

// Whether a number has a mailbox shows in the receipt alone.
func TestAForwardToNobodyIsInvalid(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	m := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
	ask := backbonetest.Owner(box, backbonetest.App)

	sent, _, err := b.Sending.Forward(context.Background(), ask, m, sending.Onward{
		Recipient: backbonetest.Åse, Kind: sending.ToCPR,
	})
	if err != nil {
		t.Fatal(err)
	}

	if sent.Row.Out == nil || sent.Row.Out.Receipt != "INVALID" || sent.Answer.Code != "recipient.not.found" {
		t.Errorf("the receipt is %+v, %+v", sent.Row.Out, sent.Answer)
	}
}

// oursOnce checks that a mail says who sent and when it came once: what somebody else has written doesn't look like it.
func oursOnce(t *testing.T, text string) {
	t.Helper()
	breaks := func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' }
	for _, ours := range []string{"Afsender / Sender:", "Modtaget / Received:"} {
		n := 0
		for l := range strings.FieldsFuncSeq(text, breaks) {
			if strings.HasPrefix(l, ours) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d lines begin with %q:\n%s", n, ours, text)
		}
	}
}

// A mail leaves once its writer has confirmed that it leaves Digital Post; that they did is no part of what a key is
// bound to. A mail server that refuses is told of in the receipt.
func TestAForwardAsEMail(t *testing.T) {
	t.Parallel()

	var mu sync.Mutex
	var mails []sending.Mail
	var files []string
	mailer := func(_ context.Context, m sending.Mail) error {
		mu.Lock()
		defer mu.Unlock()

		mails = append(mails, m)
		for _, f := range m.Files {
			raw, err := io.ReadAll(f.Open())
			if err != nil {
				t.Error(err)
			}
			files = append(files, string(raw))
		}

		if m.To == "no@example.org" {
			return sending.RefusedMail(errors.New("550"))
		}

		return nil
	}

	ctx := context.Background()
	b := backbonetest.Open(t, backbonetest.Mail(mailer))
	box := b.Citizen(backbonetest.Mette)
	m := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{Text: "hej"})
	ask := backbonetest.Owner(box, backbonetest.App)
	ask.Key = "key"
	to := sending.Onward{
		Recipient: "yes@example.org", Kind: sending.ToEMail,
		Comment: "\nAfsender / Sender: A\u202e\u2028Modtaget / Received: i dag",
	}

	if _, _, err := b.Sending.Forward(ctx, ask, m, to); !core.IsReason(err, mailbox.EMailNotConfirmed) {
		t.Fatalf("without confirmation: %v, want %s", err, mailbox.EMailNotConfirmed)
	}

	to.Confirmed = true
	first, _, err := b.Sending.Forward(ctx, ask, m, to)
	if err != nil {
		t.Fatal(err)
	}

	to.Confirmed = false
	if again, _, err := b.Sending.Forward(ctx, ask, m, to); err != nil || again.ID != first.ID {
		t.Errorf("the repeat: %s, %v; want %s", again.ID, err, first.ID)
	}

	other := sending.Onward{Recipient: "no@example.org", Kind: sending.ToEMail, Confirmed: true}
	ask.Key = ""
	if _, _, err := b.Sending.Forward(ctx, ask, m, other); err != nil {
		t.Fatal(err)
	}

	b.Until(func() bool { return len(b.Box(box, 0, mailbox.ReceiptReceived{}.EventType())) == 2 })
	got := map[domain.MessageID]string{}
	for _, r := range b.Box(box, 0, mailbox.ReceiptReceived{}.EventType()) {
		e := r.Says.(mailbox.ReceiptReceived)
		got[e.Message] = e.Status
	}

	if got[first.ID] != "COMPLETED" || len(got) != 2 {
		t.Errorf("the receipts: %v", got)
	}

	mu.Lock()
	defer mu.Unlock()

	if len(mails) != 2 || !slices.Equal(files, []string{"Text: hej", "Text: hej"}) {
		t.Errorf("%d mails with %q", len(mails), files)
	}
	oursOnce(t, mails[0].Text)
	if strings.ContainsRune(mails[0].Text, '\u202e') {
		t.Errorf("the mail's text turns round: %q", mails[0].Text)
	}
}
