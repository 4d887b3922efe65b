// Package drafts is what people write and have not sent: drafts (kladder) with their documents and files, and the
// beginning of an answer. Sending is package sending's.
package drafts

import (
	"context"
	"strings"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/backbone/text"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
)

// Drafts begins and changes them. It may be used by many goroutines at once.
type Drafts struct {
	core          *core.Core
	content       *content.Content
	people        *people.People
	organisations *organisations.Organisations
	messages      *messages.Messages
}

// New makes one.
func New(
	c *core.Core, w *content.Content, p *people.People, o *organisations.Organisations, m *messages.Messages,
) *Drafts {
	return &Drafts{c, w, p, o, m}
}

// Words is what an author changes of a draft; nil fields stay.
type Words struct {
	Label *string
	To    *Addressee
}

// An Addressee is the authority, and the contact point, that a draft is for. The organisation may be left out where the
// point is named.
type Addressee struct {
	CVR   string
	Point domain.UUID
}

// apply writes the words into the MeMo in the making.
func (w Words) apply(d *content.Draft, all *organisations.ContactDirectory) error {
	h := d.Header()
	if w.Label != nil {
		if err := mailbox.JudgeLabel(*w.Label); err != nil {
			return err
		}
		h.Set("label", memo.Text("label", strings.TrimSpace(*w.Label)))
	}

	if w.To == nil {
		return nil
	}

	to := *w.To
	var point *memo.Node
	if to.Point != (domain.UUID{}) {
		p, ok := all.Point(to.Point)
		if !ok {
			return domain.Refuse(organisation.NoSuchPoint)
		}

		o, ok := all.Organisation(p.Organisation)
		if !ok || to.CVR != "" && to.CVR != o.CVR {
			return domain.Refuse(organisation.NoSuchPoint)
		}
		to.CVR, point = o.CVR, pointNode(p.Point, all)
	}

	o, ok := all.OfCVR(to.CVR)
	if !ok || o.Kind != organisation.Authority {
		return domain.Refuse(organisation.NoSuchRecipient)
	}

	if before := h.Child("Recipient"); before != nil {
		if err := mailbox.JudgeRecipient(d.Answers, before.Get("recipientID"), o.CVR); err != nil {
			return err
		}
	}
	h.Set("Recipient", memo.Group("Recipient", memo.Text("recipientID", o.CVR), memo.Text("idType", "CVR"),
		memo.Text("label", text.Clip(o.Name, mailbox.MaxLabel)), point))

	return nil
}

func pointNode(p organisation.ContactPoint, all *organisations.ContactDirectory) *memo.Node {
	n := memo.Group("ContactPoint", memo.Text("contactPointID", p.Point.String()), memo.Text("label", p.Name))
	if len(p.Groups) == 0 {
		return n
	}

	if g, ok := all.Group(p.Groups[0]); ok {
		n.Set("contactGroup", memo.Text("contactGroup", g.Group.Name))
	}

	return n
}

// creation is the request to begin a draft.
type creation struct{ Words Words }

// Begin begins a draft in a mailbox. Its author alone sees it, on every platform.
func (d *Drafts) Begin(ctx context.Context, ask core.Ask, w Words) (messages.Message, eventstore.Position, error) {
	a, err := d.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Write)
	if err != nil {
		return messages.Message{}, 0, err
	}

	return d.begin(ctx, a, ask, creation{w}, func(draft *content.Draft) error {
		all, err := d.organisations.Contacts()
		if err != nil {
			return err
		}

		return w.apply(draft, all)
	})
}

// id gives the id of a new draft.
func (d *Drafts) id(ask core.Ask) domain.MessageID { return domain.MessageID(d.core.ID(ask, "draft")) }

// begin begins a draft for a request; fill writes what it begins with.
func (d *Drafts) begin(
	ctx context.Context, a core.Admission, ask core.Ask, asked any, fill func(*content.Draft) error,
) (messages.Message, eventstore.Position, error) {
	id := d.id(ask)
	cmd := mailbox.SaveDraft{
		Target: a.Target(id, ask.Version), New: true, Author: domain.UUID(core.IdentityOf(a.Principal)),
		Write: func(leaf uint32, _ *mailbox.Draft) (out mailbox.Draft, err error) {
			sender, err := d.people.SenderNode(a)
			if err != nil {
				return out, err
			}

			draft := content.NewDraft(sender)
			if err := fill(draft); err != nil {
				return out, err
			}

			k, err := d.core.Key(a.Mailbox, leaf)
			if err != nil {
				return out, err
			}
			out.Content, err = draft.Seal(k)

			return out, err
		},
	}

	done, err := d.core.Execute(ctx, a, ask.Of(asked, id), cmd)
	if err != nil {
		return messages.Message{}, 0, err
	}
	out, err := d.messages.After(a, id, done)

	return out, done.Position, err
}

// An edit changes a draft. It may be asked for again, on what the draft has become.
type edit func(d *content.Draft, k vault.Key) error

// edited is what came of an edit. A position other than 0 says that it is in the log, whatever the error.
type edited struct {
	messages.Message
	repeat   bool // of a command that was run before
	position eventstore.Position
}

// edit changes a draft.
func (d *Drafts) edit(ctx context.Context, ask core.Ask, id domain.MessageID, asked any, change edit) (edited, error) {
	a, err := d.core.Admit(ctx, ask.Principal, ask.Mailbox, access.Write)
	if err != nil {
		return edited{}, err
	}

	done, err := d.core.Execute(ctx, a, ask.Of(asked, id), mailbox.SaveDraft{
		Target: a.Target(id, ask.Version), Author: domain.UUID(core.IdentityOf(a.Principal)),
		Write: func(leaf uint32, before *mailbox.Draft) (out mailbox.Draft, err error) {
			k, err := d.core.Key(a.Mailbox, leaf)
			if err != nil {
				return out, err
			}

			draft, err := content.OpenDraft(k, *before)
			if err != nil {
				return out, err
			}

			if err := change(draft, k); err != nil {
				return out, err
			}
			out.Parts = draft.Parts
			out.Content, err = draft.Seal(k)

			return out, err
		},
	})
	if err != nil {
		return edited{}, err
	}

	d.core.Fail("draft saved")
	out := edited{repeat: done.Repeat != nil, position: done.Position}
	out.Message, err = d.messages.After(a, id, done)

	return out, err
}

// Change changes a draft's words.
func (d *Drafts) Change(
	ctx context.Context, ask core.Ask, id domain.MessageID, w Words,
) (messages.Message, eventstore.Position, error) {
	out, err := d.edit(ctx, ask, id, w, func(draft *content.Draft, _ vault.Key) error {
		all, err := d.organisations.Contacts()
		if err != nil {
			return err
		}

		return w.apply(draft, all)
	})

	return out.Message, out.position, err
}
