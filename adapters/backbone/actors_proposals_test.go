package backbone_test

import (
	"context"
	"os"
	"path/filepath"
	"time"

	hallaccess "digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/oplog"
	"digitalpost/domain/organisation"
	"digitalpost/domain/subscription"
	"digitalpost/eventstore"
)

// operator gives the caller as an operator: a person in that office, or whoever is at the console. What they do is done
// on no mailbox.
func operator(c *caller) proposals.Operator {
	c.want.OnBehalfOf = [16]byte{}
	return proposals.Operator{Principal: c.Principal, Console: c.want.Actor.ID == [16]byte{}}
}

// follows are who notes and does what follows from an approval.
func follows(h *house, _ *caller) map[string]eventstore.Actor {
	return map[string]eventstore.Actor{
		oplog.ProposalCarriedOut{}.EventType(): {Kind: string(access.Backbone)},
		oplog.KeysRolled{}.EventType():         {Kind: string(access.Operations)},
		mailbox.Shredded{}.EventType():         {Kind: string(access.Operations)},
	}
}

func onProposals() []operation {
	by := []string{"operator", "console"}

	return []operation{{
		name: "mandates.Open", by: officials,
		given: func(h *house, c *caller) func() error {
			operator(c)
			c.Authority = domain.OrganisationID{5}
			c.want.Authority = c.Authority

			return func() error { _, err := h.Mandates.Open(h.ctx, c.Principal, "An inquiry", "2026-1"); return err }
		},
	}, {
		name: "mandates.OpenAtConsole", by: byConsole,
		given: func(h *house, _ *caller) func() error {
			return func() error { _, err := h.Mandates.OpenAtConsole(h.ctx, "An inquiry", "2026-1"); return err }
		},
	}, {
		name: "proposals.Propose", by: by, also: follows,
		given: func(h *house, c *caller) func() error {
			o := operator(c)
			return func() error {
				_, err := h.Proposals.Propose(h.ctx, o, oplog.RollKeys, domain.MailboxID{}, "why")
				return err
			}
		},
	}, {
		name: "organisations.Withdraw", by: []string{"register", "console"},
		given: func(h *house, c *caller) func() error {
			sys := h.Sender("20000077", "mitdk")
			return func() error {
				return h.Organisations.Withdraw(h.ctx, registrar(h, c), sys.Organisation.CVR, sys.ID)
			}
		},
	}, {
		name: "organisations.ChangeRights", by: []string{"register", "console"},
		given: func(h *house, c *caller) func() error {
			h.made++
			rights := organisation.Rights{AuthorityType: "STATE", MandatoryAllowed: h.made%2 == 0}
			return func() error {
				return h.Organisations.ChangeRights(h.ctx, registrar(h, c), h.system.Organisation.CVR, rights)
			}
		},
	}}
}

// byTheClock are what is recorded of access whose time is over.
func byTheClock() []operation {
	return []operation{{
		name: "access.RunEnds", by: []string{"clock"},
		given: func(h *house, _ *caller) func() error {
			box, _ := h.someone()
			other, _ := h.someone()
			owner := h.owner(box, "")
			today := h.Clock.Now().In(memo.Copenhagen).Format(time.DateOnly)
			_, _, err := h.Access.Grant(h.ctx, owner.Ask, hallaccess.Wish{
				Grantee: other, Right: access.Read, Until: today,
			})
			h.must(err)

			return func() error {
				h.Clock.Advance(48 * time.Hour)
				defer h.Clock.Advance(-48 * time.Hour)
				ctx, cancel := context.WithCancel(h.ctx)
				done := make(chan struct{})
				go func() { defer close(done); h.Access.RunEnds(ctx) }()
				h.Until(func() bool { return len(h.Box(box, 0, mailbox.AccessExpired{}.EventType())) > 0 })
				cancel()
				<-done

				return nil
			}
		},
	}, {
		name: "visibility.Run", by: []string{"backbone"},
		given: func(h *house, _ *caller) func() error {
			box, _ := h.someone()
			other, _ := h.someone()
			owner, reader := h.owner(box, ""), h.owner(other, "")
			today := h.Clock.Now().In(memo.Copenhagen).Format(time.DateOnly)
			_, _, err := h.Access.Grant(h.ctx, owner.Ask, hallaccess.Wish{
				Grantee: other, Right: access.Read, Until: today,
			})
			h.must(err)
			_, err = h.Folders.All(h.ctx, reader.Principal, box, false)
			h.must(err)

			return func() error { // the end of the access is not recorded yet: nobody else brings it in line
				h.Clock.Advance(48 * time.Hour)
				defer h.Clock.Advance(-48 * time.Hour)
				_ = os.Remove(filepath.Join(h.Dir, "settled")) // it may not be there yet
				ctx, cancel := context.WithCancel(h.ctx)
				done := make(chan struct{})
				go func() { defer close(done); h.Visibility.Run(ctx) }()
				h.Until(func() bool { return len(h.Box(box, 0, mailbox.MailboxHidden{}.EventType())) > 0 })
				cancel()
				<-done

				return nil
			}
		},
	}}
}

// bySubscribers are what a platform's own servers ask for.
func bySubscribers() []operation {
	push := subscription.Push{URL: "https://eboks.example"}
	told := func(run func(h *house) error) func(h *house, _ *caller) func() error {
		return func(h *house, _ *caller) func() error {
			_, err := h.Subscriptions.SetPush(h.ctx, backbonetest.EBoks, push)
			h.must(err)

			return func() error { return run(h) }
		}
	}
	by := []string{"platform"}

	return []operation{{
		name: "subscriptions.Attest", by: by, given: told(func(h *house) error {
			_, _, err := h.Subscriptions.Attest(h.ctx, backbonetest.EBoks, h.Position(), [32]byte{1})
			return err
		}),
	}, {
		name: "subscriptions.SetPush", by: by, given: told(func(h *house) error {
			_, err := h.Subscriptions.SetPush(h.ctx, backbonetest.EBoks, push)
			return err
		}),
	}, {
		name: "subscriptions.Rotate", by: by, given: told(func(h *house) error {
			_, err := h.Subscriptions.Rotate(h.ctx, backbonetest.EBoks)
			return err
		}),
	}, {
		name: "subscriptions.EndPush", by: by, given: told(func(h *house) error {
			return h.Subscriptions.EndPush(h.ctx, backbonetest.EBoks)
		}),
	}, {
		name: "subscriptions.StopPush", by: []string{"backbone on eboks"}, given: told(func(h *house) error {
			return h.Subscriptions.StopPush(h.ctx, backbonetest.EBoks, push, h.Position())
		}),
	}}
}
