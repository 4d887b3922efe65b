package backbonetest

import (
	"context"
	"fmt"

	"digitalpost/adapters/backbone/contacts"
	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// Give sets an e-mail address, if any, and a mobile number, if any, as the contact details of who asks, and gives the
// codes that are on their way to them.
func (b *Backbone) Give(ask core.Ask, mail, mobile string) map[domain.UUID]string {
	b.tb.Helper()

	wish := contacts.Wish{EMails: &[]contacts.Given{}, Mobile: &[]contacts.Given{}}
	if mail != "" {
		*wish.EMails = []contacts.Given{{Words: mail}}
	}

	if mobile != "" {
		*wish.Mobile = []contacts.Given{{Words: mobile}}
	}

	after := b.Position()
	if _, _, err := b.Contacts.Set(context.Background(), ask, wish); err != nil {
		b.tb.Fatal(err)
	}

	codes := map[domain.UUID]string{}
	for _, r := range b.Box(ask.Mailbox, after, mailbox.ContactCodeIssued{}.EventType()) {
		e := r.Says.(mailbox.ContactCodeIssued)
		t, ok, err := b.Notices.Code(ask.Mailbox, e)
		if err != nil || !ok {
			b.tb.Fatalf("the code of %s: %v, %v", e.Detail, ok, err)
		}
		codes[e.Detail] = t.Code
	}

	return codes
}

// Confirm is Give, and confirms them.
func (b *Backbone) Confirm(ask core.Ask, mail, mobile string) {
	b.tb.Helper()

	for detail, code := range b.Give(ask, mail, mobile) {
		_, _, err := b.Contacts.Verify(context.Background(), ask, detail, contacts.Verification{Code: code})
		if err != nil {
			b.tb.Fatal(err)
		}
	}
}

// Texted registers who asks for NemSMS, at their number for new post.
func (b *Backbone) Texted(ask core.Ask) {
	b.tb.Helper()

	_, _, err := b.Contacts.Register(context.Background(), ask, contacts.NemSMSWish{Terms: mailbox.NemSMSTerms})
	b.must(err)
}

// Address gives an e-mail address of nobody's, another for each number.
func Address(n int) string { return fmt.Sprintf("nobody%d@example.org", n) }
