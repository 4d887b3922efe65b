package backbone_test

import (
	"fmt"

	hallaccess "digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/consents"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/exemption"
	"digitalpost/adapters/backbone/settings"
	"digitalpost/domain"
	"digitalpost/domain/access"
)

// wish gives access that a caller may grant to someone.
func (h *house) wish(c *caller) hallaccess.Wish {
	h.t.Helper()

	to, _ := h.someone()
	w := hallaccess.Wish{Grantee: to, Right: access.Read}
	switch c.want.Actor.Kind {
	case "operator":
		w.Right = access.Designated
		fallthrough
	case "officer":
		w.Documentation = "Fuldmagt"
	}

	return w
}

// asked has someone ask for access to the owner's mailbox, and gives who did, and the request.
func (h *house) asked() (who domain.MailboxID, id domain.GrantID) {
	h.t.Helper()

	owner := h.callers["owner"]
	who, _ = h.someone()
	given, _, err := h.Access.Request(h.ctx, backbonetest.Owner(who, backbonetest.App).Principal,
		hallaccess.Owner{CPR: owner.number, Name: h.nameOf(owner.Mailbox)}, access.Read, "")
	h.must(err)

	return who, given.ID
}

func (h *house) nameOf(box domain.MailboxID) string {
	h.t.Helper()

	who, err := h.People.Owner(box)
	h.must(err)

	return who.Name
}

func onAccess() []operation {
	owner := func(h *house) domain.MailboxID { return h.callers["owner"].Mailbox }

	return []operation{{
		name: "access.Grant", by: append([]string{"owner", "user"}, officials...),
		given: func(h *house, c *caller) func() error {
			w := h.wish(c)
			return func() error { _, _, err := h.Access.Grant(h.ctx, c.Ask, w); return err }
		},
	}, {
		name: "access.Revoke", by: append([]string{"owner", "user"}, officials...),
		given: func(h *house, c *caller) func() error {
			given, _, err := h.Access.Grant(h.ctx, c.Ask, h.wish(c))
			h.must(err)

			return func() error { _, _, err := h.Access.Revoke(h.ctx, c.Ask, given.ID); return err }
		},
	}, {
		name: "access.Revoke", by: []string{"the grantee"},
		given: func(h *house, c *caller) func() error {
			who, _ := h.someone()
			grant := h.Backbone.Grant(owner(h), who, access.Read)
			*c = h.stranger(who, owner(h), grant)

			return func() error { _, _, err := h.Access.Revoke(h.ctx, c.Ask, grant); return err }
		},
	}, {
		name: "access.Request", by: []string{"one who has no right"},
		given: func(h *house, c *caller) func() error {
			who, _ := h.someone()
			to := hallaccess.Owner{CPR: backbonetest.Mette, Name: h.nameOf(owner(h))}
			ask := backbonetest.Owner(who, backbonetest.App)

			return func() error {
				given, _, err := h.Access.Request(h.ctx, ask.Principal, to, access.Read, "")
				*c = h.stranger(who, owner(h), given.ID)

				return err
			}
		},
	}, {
		name: "access.Approve", by: []string{"owner"},
		given: func(h *house, c *caller) func() error {
			_, id := h.asked()
			return func() error { _, _, err := h.Access.Approve(h.ctx, c.Ask, id); return err }
		},
	}, {
		name: "access.Decline", by: append([]string{"owner"}, officials...),
		given: func(h *house, c *caller) func() error {
			_, id := h.asked()
			return func() error { _, _, err := h.Access.Decline(h.ctx, c.Ask, id); return err }
		},
	}, {
		name: "access.Decline", by: []string{"one who asked"},
		given: func(h *house, c *caller) func() error {
			who, id := h.asked()
			*c = h.stranger(who, owner(h), id)

			return func() error { _, _, err := h.Access.Decline(h.ctx, c.Ask, id); return err }
		},
	}}
}

// exempted is what happens at the counter for one who is granted exemption at once.
func exempted(criterion string) exemption.Application {
	return exemption.Application{
		Criteria: []string{criterion}, InPerson: true, IDShown: true, Declaration: true, Decide: true,
	}
}

// counter gives an officer at the counter, of another citizen's each time.
func (h *house) counter() caller {
	h.t.Helper()

	box, number := h.someone()
	ask := backbonetest.Official(core.NewUUID(), access.Officer, box, "borgerdk")

	return h.person("officer", ask, number, domain.GrantID{})
}

func onExemption() []operation {
	at := []string{"an officer"}

	// exempt has an officer's citizen apply, and gives the exemption.
	exempt := func(h *house, c *caller, decide bool) domain.GrantID {
		h.t.Helper()

		in := exempted("OTHER")
		in.Decide = decide
		s, _, err := h.Exemption.Apply(h.ctx, c.Ask, in)
		h.must(err)

		return s.Row.ID
	}

	return []operation{{
		name: "exemption.Apply", by: at,
		given: func(h *house, c *caller) func() error {
			*c = h.counter()
			return func() error { exempt(h, c, true); return nil }
		},
	}, {
		name: "exemption.Apply", by: []string{"an officer for companies"},
		given: func(h *house, c *caller) func() error {
			h.made++
			box := h.Company(fmt.Sprint(11000000 + h.made))
			ask := backbonetest.Official(core.NewUUID(), access.BusinessOfficer, box, "virkdk")
			*c = h.person("officer", ask, "", domain.GrantID{})

			return func() error {
				_, _, err := h.Exemption.Apply(h.ctx, c.Ask, exempted("NO_BROADBAND"))
				return err
			}
		},
	}, {
		name: "exemption.Decide", by: at,
		given: func(h *house, c *caller) func() error {
			*c = h.counter()
			d := exemption.Decision{Exemption: exempt(h, c, false), Grounds: "Ikke opfyldt"}

			return func() error { _, _, err := h.Exemption.Decide(h.ctx, c.Ask, d); return err }
		},
	}, {
		name: "exemption.SetAddress", by: at,
		given: func(h *house, c *caller) func() error {
			*c = h.counter()
			id := exempt(h, c, true)

			return func() error { _, _, err := h.Exemption.SetAddress(h.ctx, c.Ask, id, "Vej 1"); return err }
		},
	}, {
		name: "exemption.End", by: at,
		given: func(h *house, c *caller) func() error {
			*c = h.counter()
			id := exempt(h, c, true)

			return func() error { _, _, err := h.Exemption.End(h.ctx, c.Ask, id); return err }
		},
	}, {
		name: "exemption.Cancel", by: []string{"its owner"},
		given: func(h *house, c *caller) func() error {
			officer := h.counter()
			exempt(h, &officer, true)
			*c = h.owner(officer.Mailbox, officer.number)
			h.Confirm(c.Ask, "a@example.org", "")

			return func() error {
				_, _, err := h.Exemption.Cancel(h.ctx, c.Ask, exemption.Contacts{EMail: "a@example.org"})
				return err
			}
		},
	}}
}

func onSettings() []operation {
	return []operation{{
		name: "consents.Set", by: []string{"owner", "user"},
		given: func(h *house, c *caller) func() error {
			to := consents.ToPlatform{Platform: backbonetest.EBoks, Given: true}
			return func() error { _, err := h.Consents.Set(h.ctx, c.Ask, to); return err }
		},
	}, {
		name: "consents.SetSender", by: []string{"owner", "user"},
		given: func(h *house, c *caller) func() error {
			c.Platform, c.want.Platform = backbonetest.EBoks, backbonetest.EBoks
			to := consents.ToSender{Organisation: h.insurer.OrgID, Given: true}

			return func() error { _, err := h.Consents.SetSender(h.ctx, c.Ask, to); return err }
		},
	}, {
		name: "consents.GiveAtRegistration", by: []string{"register"},
		given: func(h *house, _ *caller) func() error {
			box, _ := h.someone()
			return func() error { return h.Consents.GiveAtRegistration(h.ctx, box, backbonetest.EBoks) }
		},
	}, {
		name: "settings.SetLanguage", by: []string{"owner", "user"},
		given: func(h *house, c *caller) func() error {
			to := settings.Language{Language: "en"}
			return func() error { _, err := h.Settings.SetLanguage(h.ctx, c.Ask, to); return err }
		},
	}}
}
