package backbone_test

import (
	"fmt"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/contacts"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections/directory"
)

// toldOf has the owner be told of new post at an e-mail address, and gives it, and the arrival of a message.
func toldOf(h *house) (box domain.MailboxID, detail domain.UUID, arrival eventstore.Position) {
	h.t.Helper()

	owner := h.callers["owner"]
	h.made++
	box = owner.Mailbox
	h.Confirm(owner.Ask, backbonetest.Address(h.made), "")
	h.Outcome(h.system, h.post(&owner))
	row, err := h.Core().Mailbox(box)
	h.must(err)

	return box, row.ContactsOf(domain.MailboxID{}).Details[0].ID, h.Position()
}

func onContacts() []operation {
	people := []string{"owner", "user", "delegate"}

	return []operation{{
		name: "contacts.Set", by: people,
		given: func(h *house, c *caller) func() error {
			h.made++
			wish := contacts.Wish{EMails: &[]contacts.Given{{Words: backbonetest.Address(h.made)}}}
			return func() error { _, _, err := h.Contacts.Set(h.ctx, c.Ask, wish); return err }
		},
	}, {
		name: "contacts.Verify", by: people,
		given: func(h *house, c *caller) func() error {
			h.made++
			codes := h.Give(c.Ask, backbonetest.Address(h.made), "")
			return func() error {
				for detail, code := range codes {
					_, _, err := h.Contacts.Verify(h.ctx, c.Ask, detail, contacts.Verification{Code: code})
					h.must(err)
				}
				return nil
			}
		},
	}, {
		name: "contacts.New", by: []string{"backbone"},
		given: func(h *house, _ *caller) func() error {
			box, detail, arrival := toldOf(h)
			return func() error { _, _, err := h.Notices.New(h.ctx, box, detail, arrival, false); return err }
		},
	}, {
		name: "contacts.End", by: []string{"backbone"},
		given: func(h *house, _ *caller) func() error {
			box, detail, arrival := toldOf(h)
			_, _, err := h.Notices.New(h.ctx, box, detail, arrival, false)
			h.must(err)
			asked, err := h.Notices.Asked(box, detail, false)
			h.must(err)

			return func() error { return h.Notices.End(h.ctx, box, detail, asked, mailbox.NoticeSent) }
		},
	}}
}

func onNemSMS() []operation {
	counter := []string{"owner", "user", "officer"}

	return []operation{{
		name: "contacts.Register", by: counter,
		given: func(h *house, c *caller) func() error {
			h.made++
			wish := contacts.NemSMSWish{Number: fmt.Sprintf("2%07d", h.made), Terms: mailbox.NemSMSTerms}
			return func() error { _, _, err := h.Contacts.Register(h.ctx, c.Ask, wish); return err }
		},
	}, {
		name: "contacts.VerifyNumber", by: counter,
		given: func(h *house, c *caller) func() error {
			h.made++
			wish := contacts.NemSMSWish{Number: fmt.Sprintf("2%07d", h.made), Terms: mailbox.NemSMSTerms}
			x, _, err := h.Contacts.Register(h.ctx, c.Ask, wish)
			h.must(err)

			return func() error {
				_, _, err := h.Contacts.VerifyNumber(h.ctx, c.Ask, x.Number.ID, contacts.Verification{Renew: true})
				return err
			}
		},
	}, {
		name: "contacts.OptOut", by: []string{"its owner"},
		given: func(h *house, c *caller) func() error {
			*c = h.owner(h.someone())
			h.Confirm(c.Ask, "", "20304050")
			h.Texted(c.Ask)

			return func() error { _, _, err := h.Contacts.OptOut(h.ctx, c.Ask); return err }
		},
	}, {
		name: "contacts.EndText", by: []string{"backbone"},
		given: func(h *house, _ *caller) func() error {
			owner := h.owner(h.someone())
			h.Confirm(owner.Ask, "", "20304050")
			h.Texted(owner.Ask)
			m := h.Submit(h.system, owner.number, backbonetest.Letter{SMS: "Hej"})

			return func() error { return contacts.TextsOf(h.Notices).EndText(h.ctx, owner.Mailbox, m, "") }
		},
	}}
}

func onSubscriptions() []operation {
	begin := func(h *house) (directory.SubscriptionRow, error) {
		all := organisations.SubscriptionsOf(h.Organisations)
		row, _, err := all.Subscribe(h.ctx, h.system, organisation.PutSubscription{
			Create: true, Set: organisation.SubscriptionSet{
				Subscription: core.NewUUID(), Operations: []string{organisation.AllCitizens}, URL: "https://a.example",
			},
		})

		return row, err
	}

	return []operation{{
		name: "organisations.Subscribe", by: bySystem,
		given: func(h *house, _ *caller) func() error { return func() error { _, err := begin(h); return err } },
	}, {
		name: "organisations.Unsubscribe", by: bySystem,
		given: func(h *house, _ *caller) func() error {
			row, err := begin(h)
			h.must(err)

			return func() error {
				all := organisations.SubscriptionsOf(h.Organisations)
				_, err := all.Unsubscribe(h.ctx, h.system, row.Set.Subscription, row.Version)
				return err
			}
		},
	}}
}
