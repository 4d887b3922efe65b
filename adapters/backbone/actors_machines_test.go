package backbone_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	hallintake "digitalpost/adapters/backbone/intake"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
)

var (
	bySystem   = []string{"system"}
	byRegister = []string{"register"}
	byConsole  = []string{"console"}
)

// tomorrow is a date that post may wait for.
func tomorrow() string {
	return time.Now().Add(24 * time.Hour).In(memo.Copenhagen).Format(time.DateOnly)
}

// onPushes are what becomes of telling systems of their receipts.
func onPushes() []operation {
	owner := func(h *house) *caller { c := h.callers["owner"]; return &c }

	return []operation{stopped(), {
		name: "intake.NotePush", by: bySystem,
		given: func(h *house, _ *caller) func() error {
			m := h.post(owner(h))
			h.Outcome(h.system, m)
			return func() error { return hallintake.PushesOf(h.Intake).NotePush(h.ctx, m, intake.PushSent) }
		},
	}, {
		name: "organisations.SetEndpoint", by: bySystem,
		given: func(h *house, _ *caller) func() error {
			return func() error {
				address := "https://" + core.NewUUID().String() + ".example"
				_, err := h.Organisations.SetEndpoint(h.ctx, h.system, false, address)
				return err
			}
		},
	}}
}

// stopped is an endpoint that is told no more.
func stopped() operation {
	return operation{
		name: "organisations.StopEndpoint", by: []string{"backbone"},
		given: func(h *house, _ *caller) func() error {
			_, err := h.Organisations.SetEndpoint(h.ctx, h.system, false, "https://"+core.NewUUID().String()+".example")
			h.must(err)

			return func() error { return h.Organisations.StopEndpoint(h.ctx, h.system, false) }
		},
	}
}

func onIntake() []operation {
	owner := func(h *house) *caller { c := h.callers["owner"]; return &c }

	return []operation{{
		name: "intake.Submit", by: bySystem,
		given: func(h *house, _ *caller) func() error { return func() error { h.post(owner(h)); return nil } },
	}, {
		name: "intake.Submit", by: bySystem, // to nobody
		given: func(h *house, _ *caller) func() error {
			return func() error { h.Submit(h.system, backbonetest.Åse, backbonetest.Letter{}); return nil }
		},
	}, {
		name: "intake.DeleteReceipt", by: bySystem,
		given: func(h *house, _ *caller) func() error {
			r := h.Outcome(h.system, h.post(owner(h)))
			return func() error { return h.Intake.DeleteReceipt(h.ctx, h.system, r.ID) }
		},
	}, {
		name: "intake.Recall", by: bySystem,
		given: func(h *house, _ *caller) func() error {
			uuid := core.NewUUID()
			h.Submit(h.system, backbonetest.Mette, backbonetest.Letter{UUID: uuid, Due: tomorrow()})

			return func() error { return h.Intake.Recall(h.ctx, h.system, uuid) }
		},
	}, {
		name: "intake.Pass", by: byConsole,
		given: func(h *house, _ *caller) func() error {
			uuid := core.NewUUID()
			h.Submit(h.system, backbonetest.Mette, backbonetest.Letter{UUID: uuid})

			return func() error {
				stream := eventstore.Stream{
					Kind: streams.Intake, ID: intake.ShardID(intake.ShardOf(h.system.ID, uuid)),
				}
				_, _, err := h.Intake.Pass(h.ctx, stream, core.Machine{
					Kind: access.Operations, Thing: h.Core().NewID(),
				}, intake.PassLeaves{Leaf: 1000})

				return err
			}
		},
	}, {
		name: "intake.RunPending", by: bySystem, // the sender's is what is taken up
		given: func(h *house, _ *caller) func() error {
			uuid := core.NewUUID()
			letter := backbonetest.Memo(h.system, backbonetest.Mette, backbonetest.Letter{UUID: uuid})
			h.EndAt("before outcome", func(ctx context.Context) {
				h.Intake.Submit(ctx, h.system, hallintake.Submission{UUID: uuid, MeMo: strings.NewReader(letter)})
			})

			return func() error {
				h.Restart()
				h.arrives(owner(h).Mailbox, intake.MessageOf(h.system.ID, uuid))

				return nil
			}
		},
	}, {
		name: "intake.RunDue", by: []string{"clock"},
		given: func(h *house, _ *caller) func() error {
			m := h.Submit(h.system, backbonetest.Mette, backbonetest.Letter{Due: tomorrow()})

			return func() error {
				h.Clock.Advance(48 * time.Hour)
				h.Restart()
				h.arrives(owner(h).Mailbox, m)
				h.Clock.Advance(-48 * time.Hour)

				return nil
			}
		},
	}}
}

// arrives waits until a message is delivered into a mailbox.
func (h *house) arrives(box domain.MailboxID, m domain.MessageID) {
	h.t.Helper()

	h.Until(func() bool {
		for _, r := range h.Box(box, 0, mailbox.MessageDelivered{}.EventType()) {
			if r.Says.(mailbox.MessageDelivered).Message == m {
				return true
			}
		}

		return false
	})
}

// waiting has the owner send a message on to the system's authority, and gives its UUID; fetched, if that is asked for.
func (h *house) waiting(fetched bool) domain.UUID {
	h.t.Helper()

	c := h.callers["owner"]
	sent, _, err := h.Sending.Forward(h.ctx, c.Ask, h.post(&c), sending.Onward{
		Recipient: backbonetest.Municipality, Kind: sending.ToCVR, Point: backbonetest.Point(backbonetest.Municipality),
	})
	h.must(err)

	uuid := sent.Letter.Letter.UUID
	if fetched {
		h.must(h.fetch(uuid))
	}

	return uuid
}

func (h *house) fetch(uuid domain.UUID) error {
	whole, err := h.Handover.Fetch(h.ctx, h.system, uuid)
	if err != nil {
		return err
	}

	return whole.Close()
}

func onHandover() []operation {
	return []operation{{
		name: "handover.Fetch", by: bySystem,
		given: func(h *house, _ *caller) func() error {
			uuid := h.waiting(false)
			return func() error { return h.fetch(uuid) }
		},
	}, {
		name: "handover.Take", by: bySystem,
		given: func(h *house, _ *caller) func() error {
			uuid := h.waiting(true)
			return func() error { return h.Handover.Take(h.ctx, h.system, uuid) }
		},
	}, {
		name: "handover.Acknowledge", by: bySystem,
		given: func(h *house, _ *caller) func() error {
			uuid, words := h.waiting(true), content.Answer{Code: "ok", Text: "Modtaget"}
			return func() error { return h.Handover.Acknowledge(h.ctx, h.system, uuid, "COMPLETED", words) }
		},
	}}
}

// registrar gives the caller as organisations know them.
func registrar(h *house, c *caller) organisations.Caller {
	switch c.want.Actor.Kind {
	case "system":
		return organisations.Own(h.system)
	case "register":
		return organisations.Registrar
	}

	return organisations.Console
}

func onOrganisations() []operation {
	registrars := []string{"register", "console"}

	return []operation{{
		name: "organisations.RegisterSystem", by: registrars,
		given: func(h *house, c *caller) func() error {
			h.made++
			org := organisations.Organisation{
				Kind: organisation.Authority, CVR: fmt.Sprint(21000000 + h.made), Name: "Ny",
				Rights: organisation.Rights{AuthorityType: "OTHER"},
			}

			return func() error {
				return h.Organisations.RegisterSystem(h.ctx, registrar(h, c), organisations.Registration{
					Organisation: org, Name: "System", KeyHash: []byte("hash"),
				})
			}
		},
	}, {
		name: "organisations.Delegate", by: registrars,
		given: func(h *house, c *caller) func() error {
			return func() error {
				return h.Organisations.Delegate(
					h.ctx, registrar(h, c), backbonetest.Municipality, h.system.ID, backbonetest.Insurer)
			}
		},
	}, {
		name: "organisations.LookUp", by: []string{"backbone"},
		given: func(h *house, _ *caller) func() error {
			nobody := func() (bool, error) { return false, nil }

			return func() error {
				for range 1000 { // which are recorded together
					if err := h.Organisations.LookUp(h.ctx, h.system, nobody); err != nil {
						return err
					}
				}

				return nil
			}
		},
	}, {
		name: "organisations.RegisterRecipient", by: append(registrars, "system"),
		given: func(h *house, c *caller) func() error {
			return func() error {
				return h.Organisations.RegisterRecipient(
					h.ctx, registrar(h, c), backbonetest.Municipality, h.system.ID, memo.V12, true)
			}
		},
	}, {
		name: "organisations.Change", by: bySystem,
		given: func(h *house, _ *caller) func() error {
			group := organisation.PutGroup{Create: true, Group: organisation.ContactGroup{
				Group: core.NewUUID(), Name: "Familie",
			}}

			return func() error { _, err := h.Organisations.Change(h.ctx, h.system, group); return err }
		},
	}, {
		name: "organisations.Begin", by: byRegister,
		given: func(h *house, _ *caller) func() error {
			return func() error {
				return h.Organisations.Begin(h.ctx, backbonetest.Insurer, organisation.BeginContacts{
					Groups: []organisation.ContactGroup{{Group: core.NewUUID(), Name: "Kunder"}},
					Points: []organisation.ContactPoint{{Point: core.NewUUID(), Name: "Kunde"}},
				})
			}
		},
	}}
}

func onRegisters() []operation {
	return []operation{{
		name: "people.Register", by: byRegister,
		given: func(h *house, _ *caller) func() error {
			return func() error { h.someone(); return nil }
		},
	}, {
		name: "people.Returned", by: byRegister,
		given: func(h *house, _ *caller) func() error {
			officer := h.counter()
			_, _, err := h.Exemption.Apply(h.ctx, officer.Ask, exempted(mailbox.Departure))
			h.must(err)

			return func() error { _, err := h.People.Returned(h.ctx, officer.Mailbox); return err }
		},
	}, {
		name: "people.Shred", by: byConsole,
		given: func(h *house, _ *caller) func() error {
			box, _ := h.someone()
			return func() error { return h.People.Shred(h.ctx, box, 0) }
		},
	}, {
		name: "backbone.ConfirmClock", by: byConsole,
		given: func(h *house, _ *caller) func() error {
			return func() error { return h.ConfirmClock(h.ctx, proposals.Operator{Console: true}) }
		},
	}, {
		name: "backbone.Started", by: []string{"backbone"},
		given: func(h *house, _ *caller) func() error {
			return func() error { return h.Started(h.ctx, "1", []byte("{}")) }
		},
	}, {
		name: "backbone.Stopped", by: []string{"backbone"},
		given: func(h *house, _ *caller) func() error {
			return func() error { return h.Stopped(h.ctx) }
		},
	}}
}
