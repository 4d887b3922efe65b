package messages

import (
	"context"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
)

// A Patch is what a person changes of a message; nil fields stay.
type Patch = mailbox.Patch

// command gives the command for a patch of a message.
func (m *Messages) command(a core.Admission, t mailbox.Target, p Patch) mailbox.Command {
	return p.Command(t, func(t mailbox.Target, words string) mailbox.SetNote {
		return mailbox.SetNote{
			Target: t, Words: words,
			Seal: m.core.Sealing(a.Mailbox, mailbox.MessageNoted{}, "note", []byte(words)),
			Key: func(leaf uint32) (domain.UUID, error) {
				k, err := m.core.Key(a.Mailbox, leaf)
				if err != nil {
					return domain.UUID{}, domain.Refuse(mailbox.NoSuchMessage) // purged meanwhile
				}

				return k.Hash("note", words), nil
			},
		}
	})
}

// Patch changes a message, all fields in one append, and gives it as it is then.
func (m *Messages) Patch(
	ctx context.Context, ask core.Ask, id domain.MessageID, p Patch,
) (Message, eventstore.Position, error) {
	a, err := m.core.Admit(ctx, ask.Principal, ask.Mailbox, access.List)
	if err != nil {
		return Message{}, 0, err
	}

	done, err := m.core.Execute(ctx, a, ask.Of(p, id), m.command(a, a.Target(id, ask.Version), p))
	if err != nil {
		return Message{}, 0, err
	}
	out, err := m.After(a, id, done)

	return out, done.Position, err
}

// restoration is the request to restore a message.
type restoration struct{ Message domain.MessageID }

// Restore takes a message out of DELETED, to its old folder.
func (m *Messages) Restore(
	ctx context.Context, ask core.Ask, id domain.MessageID,
) (Message, eventstore.Position, error) {
	a, err := m.core.Admit(ctx, ask.Principal, ask.Mailbox, access.List)
	if err != nil {
		return Message{}, 0, err
	}

	done, err := m.core.Execute(ctx, a, ask.Of(restoration{id}, id), mailbox.Restore{Target: a.Target(id, ask.Version)})
	if err != nil {
		return Message{}, 0, err
	}
	out, err := m.After(a, id, done)

	return out, done.Position, err
}

// deletion is the request to delete a message.
type deletion struct{ Message domain.MessageID }

// Delete trashes a message, or purges one that is in DELETED. When it returns after a purge, its keys are destroyed.
func (m *Messages) Delete(ctx context.Context, ask core.Ask, id domain.MessageID) (eventstore.Position, error) {
	a, err := m.core.Admit(ctx, ask.Principal, ask.Mailbox, access.List)
	if err != nil {
		return 0, err
	}
	done, err := m.core.Execute(ctx, a, ask.Of(deletion{id}, id), mailbox.Delete{Target: a.Target(id, ask.Version)})

	return done.Position, err
}

// bulk is how many messages are changed in one append.
const bulk = eventstore.MaxAppendRecords / mailbox.MaxPatch

// maxBulkWords is how many bytes of notes one append takes; the last of them may go beyond it.
const maxBulkWords = 256 << 10

// An Item is a change of one message among many.
type Item struct {
	Message domain.MessageID
	Version uint32 // 0: any
	Patch   Patch
}

// An Outcome is what came of an item.
type Outcome struct {
	Err     error  // why it was refused; nil: it was not
	Version uint32 // the message's afterwards; 0 if it is not there
}

// PatchAll changes many messages, bulk of them in an append; one that is refused does not hold up the others. It gives
// an outcome for each item. An error says that nothing was changed; one that comes later stands with the items that it
// is about.
func (m *Messages) PatchAll(ctx context.Context, ask core.Ask, items []Item) ([]Outcome, eventstore.Position, error) {
	a, err := m.core.Admit(ctx, ask.Principal, ask.Mailbox, access.List)
	if err != nil {
		return nil, 0, err
	}

	var out []Outcome
	at := m.core.Log.Last()

	for len(items) > 0 {
		n := some(items)
		outcomes, p, err := m.patchSome(ctx, a, items[:n])
		if err != nil && len(out) == 0 {
			return nil, 0, err
		}

		if err != nil { // what came before stands, and is told
			for range items {
				out = append(out, Outcome{Err: err})
			}

			return out, at, nil
		}
		out, at, items = append(out, outcomes...), p, items[n:]
	}

	return out, at, nil
}

// some gives how many items go into one append.
func some(items []Item) (n int) {
	words := 0
	for n < min(len(items), bulk) && (n == 0 || words < maxBulkWords) {
		if note := items[n].Patch.Note; note != nil {
			words += len(*note)
		}
		n++
	}

	return n
}

func (m *Messages) patchSome(
	ctx context.Context, a core.Admission, items []Item,
) ([]Outcome, eventstore.Position, error) {
	each := mailbox.Each{}
	for _, x := range items {
		each = append(each, m.command(a, a.Target(x.Message, x.Version), x.Patch))
	}

	done, err := m.core.Execute(ctx, a, core.Request{}, each)
	if err != nil {
		return nil, 0, err
	}

	s, err := mailboxes.At(m.core.Views)
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()

	out := make([]Outcome, len(items))
	for i, x := range items {
		if done.Refused != nil {
			out[i].Err = done.Refused[i]
		}

		row, _, ok, err := s.Message(a.Mailbox, x.Message, a.Lens)
		if err != nil {
			return nil, 0, err
		}

		if ok {
			out[i].Version = row.Version
		}
	}

	return out, done.Position, nil
}
