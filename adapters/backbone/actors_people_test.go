package backbone_test

import (
	"context"
	"fmt"
	"strings"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/drafts"
	"digitalpost/adapters/backbone/folders"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

func pointer[T any](v T) *T { return &v }

func onMessages() []operation {
	return []operation{{
		name: "messages.Patch", by: users,
		given: func(h *house, c *caller) func() error {
			id := h.post(c)
			patch := messages.Patch{Read: pointer(true), Flag: pointer(true), Note: pointer("Husk")}

			return func() error { _, _, err := h.Messages.Patch(h.ctx, c.Ask, id, patch); return err }
		},
	}, {
		name: "messages.PatchAll", by: users,
		given: func(h *house, c *caller) func() error {
			items := []messages.Item{
				{Message: h.post(c), Patch: messages.Patch{Read: pointer(true)}},
				{Message: h.post(c), Patch: messages.Patch{Flag: pointer(true)}},
			}

			return func() error { _, _, err := h.Messages.PatchAll(h.ctx, c.Ask, items); return err }
		},
	}, {
		name: "messages.Delete", by: users,
		given: func(h *house, c *caller) func() error {
			id := h.post(c)
			return func() error { _, err := h.Messages.Delete(h.ctx, c.Ask, id); return err }
		},
	}, {
		name: "messages.Restore", by: users,
		given: func(h *house, c *caller) func() error {
			id := h.post(c)
			_, err := h.Messages.Delete(h.ctx, c.Ask, id)
			h.must(err)

			return func() error { _, _, err := h.Messages.Restore(h.ctx, c.Ask, id); return err }
		},
	}}
}

func onFolders() []operation {
	create := func(h *house, c *caller) domain.FolderID {
		h.t.Helper()
		h.made++
		f, _, err := h.Folders.Create(h.ctx, c.Ask, fmt.Sprint("Mappe ", h.made), domain.FolderID{})
		h.must(err)

		return f.ID
	}

	return []operation{{
		name: "folders.Create", by: users,
		given: func(h *house, c *caller) func() error { return func() error { create(h, c); return nil } },
	}, {
		name: "folders.Change", by: users,
		given: func(h *house, c *caller) func() error {
			id, parent := create(h, c), create(h, c)
			to := folders.Change{Name: pointer(fmt.Sprint("Ny ", h.made)), Parent: &parent}

			return func() error { _, _, err := h.Folders.Change(h.ctx, c.Ask, id, to); return err }
		},
	}, {
		name: "folders.Delete", by: users,
		given: func(h *house, c *caller) func() error {
			id := create(h, c)
			return func() error { _, err := h.Folders.Delete(h.ctx, c.Ask, id); return err }
		},
	}}
}

// draft begins a draft to the authority's contact point.
func (h *house) draft(c *caller) domain.MessageID {
	h.t.Helper()

	m, _, err := h.Drafts.Begin(h.ctx, c.Ask, drafts.Words{Label: pointer("Emne"), To: &drafts.Addressee{
		CVR: backbonetest.Municipality, Point: backbonetest.Point(backbonetest.Municipality),
	}})
	h.must(err)

	return m.ID
}

// part adds a main document with a file to a new draft.
func (h *house) part(c *caller) content.Part {
	h.t.Helper()

	p := content.Part{Message: h.draft(c)}
	added, err := h.Drafts.AddDocument(h.ctx, c.Ask, p.Message, drafts.Document{Main: true})
	h.must(err)

	p.Document = added.Part
	added, err = h.Drafts.AddFile(h.ctx, c.Ask, p, textFile)
	h.must(err)
	p.File = added.Part

	return p
}

var textFile = drafts.File{Format: pointer("text/plain"), Name: pointer("a.txt"), Language: pointer("da")}

func (h *house) upload(c *caller, p content.Part) error {
	_, _, err := h.Drafts.Upload(h.ctx, c.Ask, p, drafts.Piece{Total: -1, Body: strings.NewReader("hej")})
	return err
}

func onDrafts() []operation {
	label := drafts.Document{Label: pointer("Bilag")}

	// on gives an operation on a part of a draft.
	on := func(name string, act func(h *house, c *caller, p content.Part) error) operation {
		return operation{name: name, by: users, given: func(h *house, c *caller) func() error {
			p := h.part(c)
			return func() error { return act(h, c, p) }
		}}
	}

	return []operation{{
		name: "drafts.Begin", by: users,
		given: func(h *house, c *caller) func() error { return func() error { h.draft(c); return nil } },
	}, {
		name: "drafts.Reply", by: users,
		given: func(h *house, c *caller) func() error {
			id := h.post(c)
			return func() error { _, _, err := h.Drafts.Reply(h.ctx, c.Ask, id); return err }
		},
	},
		on("drafts.Change", func(h *house, c *caller, p content.Part) error {
			_, _, err := h.Drafts.Change(h.ctx, c.Ask, p.Message, drafts.Words{Label: pointer("Andet")})
			return err
		}),
		on("drafts.AddDocument", func(h *house, c *caller, p content.Part) error {
			_, err := h.Drafts.AddDocument(h.ctx, c.Ask, p.Message, label)
			return err
		}),
		on("drafts.ChangeDocument", func(h *house, c *caller, p content.Part) error {
			p.File = domain.UUID{}
			_, _, err := h.Drafts.ChangeDocument(h.ctx, c.Ask, p, label)
			return err
		}),
		on("drafts.AddFile", func(h *house, c *caller, p content.Part) error {
			p.File = domain.UUID{}
			_, err := h.Drafts.AddFile(h.ctx, c.Ask, p, textFile)
			return err
		}),
		on("drafts.ChangeFile", func(h *house, c *caller, p content.Part) error {
			_, _, err := h.Drafts.ChangeFile(h.ctx, c.Ask, p, drafts.File{Name: pointer("b.txt")})
			return err
		}),
		on("drafts.Drop", func(h *house, c *caller, p content.Part) error {
			_, err := h.Drafts.Drop(h.ctx, c.Ask, p)
			return err
		}),
		on("drafts.Upload", func(h *house, c *caller, p content.Part) error { return h.upload(c, p) }),
	}
}

// intoAnother is to send a message on into a citizen's mailbox.
func (h *house) intoAnother() sending.Onward {
	h.t.Helper()
	_, number := h.someone()

	return sending.Onward{Recipient: number, Kind: sending.ToCPR}
}

// delivering says who acts where the backbone delivers what a mailbox sends on.
func delivering(_ *house, c *caller) map[string]eventstore.Actor {
	backbone := eventstore.Actor{Kind: string(access.Backbone)}

	return map[string]eventstore.Actor{
		mailbox.MessageDelivered{}.EventType(): {Kind: string(access.Forwarder), ID: c.Mailbox},
		mailbox.ReceiptReceived{}.EventType():  backbone,
		mailbox.MessageTaken{}.EventType():     backbone,
	}
}

func onSending() []operation {
	return []operation{{
		name: "sending.Send", by: users,
		given: func(h *house, c *caller) func() error {
			p := h.part(c)
			h.must(h.upload(c, p))

			return func() error { _, _, err := h.Sending.Send(h.ctx, c.Ask, p.Message); return err }
		},
	}, {
		name: "sending.Forward", by: users, also: delivering,
		given: func(h *house, c *caller) func() error {
			id, to := h.post(c), h.intoAnother()
			return func() error { _, _, err := h.Sending.Forward(h.ctx, c.Ask, id, to); return err }
		},
	}, {
		name: "handover.Run", by: users, also: delivering, // by which what was sent on gets its receipt
		given: func(h *house, c *caller) func() error {
			id, to := h.post(c), h.intoAnother()
			return func() error { _, _, err := h.Sending.Forward(h.ctx, c.Ask, id, to); return err }
		},
	}, {
		name: "sending.Run", by: []string{"backbone"},
		also: func(h *house, _ *caller) map[string]eventstore.Actor {
			writer := h.callers["owner"]
			actors := delivering(h, &writer)
			delete(actors, mailbox.MessageTaken{}.EventType())

			return actors
		},
		given: func(h *house, _ *caller) func() error {
			c := h.callers["owner"]
			id, to := h.post(&c), h.intoAnother()
			h.EndAt("message sent", func(ctx context.Context) { h.Sending.Forward(ctx, c.Ask, id, to) })
			taken := func() int { return len(h.Box(c.Mailbox, 0, mailbox.MessageTaken{}.EventType())) }
			before := taken()

			return func() error {
				h.Restart()
				h.Until(func() bool { return taken() > before })

				return nil
			}
		},
	}}
}
