package backbone_test

import (
	"context"
	"errors"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/oplog"
)

// A whole mailbox is shredded: no key of it is left, and its neighbour opens.
func TestShreddedMailboxDoesNotOpen(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	boxes := []domain.MailboxID{b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)}
	for i, box := range boxes {
		fillMailbox(t, b, box, (i+1)*10, (i+1)*10+3)
	}

	if err := b.People.Shred(ctx, boxes[0], 0); err != nil {
		t.Fatal(err)
	}

	console := proposals.Operator{Console: true}
	if _, err := b.Proposals.Propose(ctx, console, oplog.RollKeys, domain.MailboxID{}, ""); err != nil {
		t.Fatal(err)
	}

	for leaf := range uint32(10) {
		if _, err := b.Vault().Key(vault.Owner(boxes[0]), leaf); err != vault.ErrForgotten {
			t.Errorf("leaf %d of the shredded mailbox: %v, want ErrForgotten", leaf, err)
		}
	}

	for i, box := range boxes {
		_, err := b.Access.Door(ctx, backbonetest.Owner(box, backbonetest.App).Principal, box)
		if (err == nil) != (i == 1) {
			t.Errorf("mailbox %d: %v", i, err)
		}
	}

	principal := backbonetest.Owner(boxes[1], backbonetest.App).Principal
	list, _, err := b.Messages.List(ctx, principal, boxes[1], messages.Filter{})
	if err == nil {
		err = b.Messages.Open(list)
	}

	if err != nil || len(list) != 3 || list[0].Memo == nil {
		t.Errorf("the neighbour: %d messages, %v", len(list), err)
	}
}

// gone reports whether a leaf's key is destroyed.
func gone(t *testing.T, b *backbonetest.Backbone, owner [16]byte, leaf uint32) bool {
	t.Helper()

	_, err := b.Vault().Key(vault.Owner(owner), leaf)
	if err != nil && !errors.Is(err, vault.ErrForgotten) {
		t.Fatal(err)
	}

	return err != nil
}

// delivered gives the letter of a message as it came into a mailbox, and the document that the log names for it.
func delivered(
	t *testing.T, b *backbonetest.Backbone, box domain.MailboxID, m domain.MessageID,
) (*mailbox.Letter, domain.Document) {
	t.Helper()

	for _, r := range b.Box(box, 0) {
		if l := mailbox.LetterOf(r.Says.(mailbox.Event)); l != nil && l.Message == m {
			return l, r.Says.Effect().Keeps[0]
		}
	}
	t.Fatalf("no letter of %s", m)

	return nil, domain.Document{}
}

// When a purge is answered the message's key is gone, and soon its document's bytes; its neighbour's stay. What intake
// knew is gone since its delivery.
func TestAPurgedMessageIsForgottenWhenItIsAnswered(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	sys := b.Authority(backbonetest.Municipality)
	purged := b.Submit(sys, backbonetest.Mette, backbonetest.Letter{})
	kept := b.Submit(sys, backbonetest.Mette, backbonetest.Letter{})
	ask := backbonetest.Owner(box, backbonetest.App)
	letter, document := delivered(t, b, box, purged)
	other, otherDocument := delivered(t, b, box, kept)

	settle(t, b)
	if !gone(t, b, intake.ShardID(letter.Shard), letter.IntakeLeaf) {
		t.Error("intake's key is there after the delivery")
	}

	for _, want := range []bool{false, true} { // into DELETED, and out of it for good
		if gone(t, b, box, letter.Leaf) {
			t.Fatal("the key is gone before the purge")
		}

		if _, err := b.Messages.Delete(ctx, ask, purged); err != nil {
			t.Fatal(err)
		}

		if got := gone(t, b, box, letter.Leaf); got != want {
			t.Fatalf("the key is gone: %v, want %v", got, want)
		}
	}

	if gone(t, b, box, other.Leaf) || !b.Kept(otherDocument) {
		t.Error("the neighbour is forgotten")
	}

	settle(t, b)
	if b.Kept(document) {
		t.Error("the document's bytes are there after the purge")
	}
}

// A crash between a purge in the log and its forgetting is caught up before anything is served.
func TestForgettingIsCaughtUpAtStart(t *testing.T) {
	t.Parallel()

	for _, step := range []string{"deleted", "purge in the log", "leaf forgotten"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()

			b := backbonetest.Open(t)
			box := b.Citizen(backbonetest.Mette)
			m := b.Submit(b.Authority(backbonetest.Municipality), backbonetest.Mette, backbonetest.Letter{})
			ask := backbonetest.Owner(box, backbonetest.App)
			letter, _ := delivered(t, b, box, m)
			settle(t, b)

			if _, err := b.Messages.Delete(context.Background(), ask, m); err != nil {
				t.Fatal(err)
			}

			b.EndAt(step, func(ctx context.Context) { b.Messages.Delete(ctx, ask, m) })
			b.Restart()
			if !gone(t, b, box, letter.Leaf) {
				t.Error("the key is there after the start")
			}
		})
	}
}

// Shredding frees every document of the mailbox, and leaves the copies that wait for others: each has a root of its
// own.
func TestShreddingLeavesHandedOverCopies(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	sys := b.Authority(backbonetest.Municipality)
	m := b.Submit(sys, backbonetest.Mette, backbonetest.Letter{})

	sent, _, err := b.Sending.Forward(ctx, backbonetest.Owner(box, backbonetest.App), m, sending.Onward{
		Recipient: backbonetest.Municipality, Kind: sending.ToCVR, Point: backbonetest.Point(backbonetest.Municipality),
	})
	if err != nil {
		t.Fatal(err)
	}

	var own, copies []domain.Document
	for _, r := range b.Box(box, 0) {
		for _, d := range r.Says.Effect().Keeps {
			if d.Apart {
				copies = append(copies, d)
			} else {
				own = append(own, d)
			}
		}
	}

	if len(own) != 2 || len(copies) != 1 {
		t.Fatalf("the mailbox names %d documents and %d copies, want 2 and 1", len(own), len(copies))
	}

	for _, d := range append(own, copies...) {
		if !b.Kept(d) {
			t.Fatalf("document %s is not there", d.ID)
		}
	}

	if err := b.People.Shred(ctx, box, 0); err != nil {
		t.Fatal(err)
	}
	settle(t, b)

	for _, d := range own {
		if b.Kept(d) {
			t.Errorf("the bytes of document %s are there after shredding", d.ID)
		}
	}

	if !b.Kept(copies[0]) {
		t.Error("the copy that waits is gone")
	}

	whole, err := b.Handover.Fetch(ctx, sys, sent.Letter.Letter.UUID)
	if err != nil {
		t.Fatalf("its recipient fetches the copy: %v", err)
	}
	whole.Close()

	if err := b.Handover.Take(ctx, sys, sent.Letter.Letter.UUID); err != nil {
		t.Fatal(err)
	}
	settle(t, b)

	if b.Kept(copies[0]) {
		t.Error("the copy's bytes are there after it was taken over")
	}
}
