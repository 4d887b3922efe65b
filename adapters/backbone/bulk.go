package backbone

import (
	"context"
	"errors"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// bulk is how many messages are changed in one append: each of at most four events, of at most 256 in all.
const bulk = 64

// A BulkItem is a change of one message among many, and what came of it.
type BulkItem struct {
	Message domain.MessageID
	Version uint32 // 0: any
	Patch   Patch
	Err     error  // why it was refused
	Now     uint32 // the message's version afterwards; 0 if it is not there
}

// PatchAll changes many messages, 64 in an append; one that is refused does not hold up the others. Items are told what came of them.
func (b *Backbone) PatchAll(ctx context.Context, a Ask, items []BulkItem) (eventstore.Position, error) {
	var at eventstore.Position
	for first := true; len(items) > 0; first = false {
		n, words := 0, 0
		for n < min(len(items), bulk) && (n == 0 || words < maxBulkWords) {
			if note := items[n].Patch.Note; note != nil {
				words += len(*note)
			}
			n++
		}
		p, err := b.patchSome(ctx, a, items[:n])
		if err != nil && first {
			return at, err
		}
		if err != nil { // what came before stands, and is told
			for i := range items {
				items[i].Err = err
			}
			return at, nil
		}
		at, items = p, items[n:]
	}
	return at, nil
}

// maxBulkWords is how many bytes of notes one append takes; the last of them may go beyond it.
const maxBulkWords = 256 << 10

func (b *Backbone) patchSome(ctx context.Context, a Ask, items []BulkItem) (eventstore.Position, error) {
	a.Key = ""
	var messages []domain.MessageID
	for _, x := range items {
		messages = append(messages, x.Message)
	}
	var each mailbox.Each
	_, at, err := b.runOn(ctx, &a, access.List, messages, domain.FolderID{}, "bulk", func(s mailbox.State) (mailbox.Command, []access.Action, error) {
		each = mailbox.Each{Refused: make([]error, len(items))}
		for _, x := range items {
			one := a
			one.Version = x.Version
			c, actions, err := b.patching(one, s, x.Message, x.Patch)
			if reason, refused := domain.Refused(err); refused {
				c, err = mailbox.Never{Reason: reason}, nil
			} else if errors.Is(err, ErrNotFound) {
				c, err = mailbox.Never{Reason: mailbox.NoSuchMessage}, nil
			}
			if err != nil {
				return nil, nil, err
			}
			for _, action := range actions {
				c = mailbox.By{Command: c, Principal: a.Principal, Action: action, Mailbox: a.Mailbox, Now: b.now()}
			}
			each.Commands = append(each.Commands, c)
		}
		return each, nil, nil
	})
	if err != nil {
		return 0, err
	}
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	for i := range items {
		x := &items[i]
		x.Err = each.Refused[i]
		r, _, ok, err := s.Message(a.Mailbox, x.Message, a.by.lens)
		if err != nil {
			return 0, err
		}
		if ok {
			x.Now = r.State.Version
		}
	}
	return at, nil
}
