package backbone

import (
	"context"
	"errors"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// Receipts gives a system's final receipts, oldest first, and how many there are.
func (b *Backbone) Receipts(sys System, page, size int) (out []Receipt, total int, err error) {
	s, err := b.snapshot(projections.Receipts{})
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()
	rows, total, err := s.Finals(sys.ID, page, size)
	for _, r := range rows {
		out = append(out, b.final(r))
	}
	return out, total, err
}

func (b *Backbone) final(r projections.IntakeRow) Receipt {
	owner := vault.Owner(intake.ShardID(intake.ShardOf(r.Memo.System, r.Memo.UUID)))
	return Receipt{ID: projections.FinalID(r.Memo.Message), Transmission: r.Memo.Receipt, UUID: r.Memo.UUID, Status: r.Final.Status,
		Code: r.Final.Code, Field: r.Final.Field, At: r.Final.At, Despite: r.Final.Despite, MessageID: b.messageID(owner, r.Memo)}
}

// Receipt gives one final receipt of a system.
func (b *Backbone) Receipt(sys System, id domain.ReceiptID) (Receipt, error) {
	s, err := b.snapshot(projections.Receipts{})
	if err != nil {
		return Receipt{}, err
	}
	defer s.Close()
	r, ok, err := s.Final(id)
	if err == nil && (!ok || r.Memo.System != sys.ID) {
		err = ErrNotFound
	}
	return b.final(r), err
}

// DeleteReceipt deletes a final receipt, for good.
func (b *Backbone) DeleteReceipt(ctx context.Context, sys System, id domain.ReceiptID) error {
	s, err := b.snapshot(projections.Receipts{})
	if err != nil {
		return err
	}
	r, ok, err := s.Final(id)
	s.Close()
	if err != nil || !ok || r.Memo.System != sys.ID {
		return errors.Join(err, ErrNotFound)
	}
	e := intake.ReceiptDeleted{Message: r.Memo.Message, Receipt: id}
	data, err := intake.Codec.Encode(e)
	if err != nil {
		return err
	}
	return b.appendIntake(ctx, sys.ID, r.Memo.UUID, func(known projections.IntakeRow) *eventstore.NewEvent {
		if known.Final.Deleted {
			return nil
		}
		return &eventstore.NewEvent{Type: e.EventType(), Data: data, Meta: eventstore.Meta{
			Command: derivedCommand("delete receipt", id[:]), Actor: eventstore.Actor{Kind: "system", ID: sys.ID}}}
	})
}

// Recall takes a scheduled message back.
func (b *Backbone) Recall(ctx context.Context, sys System, uuid domain.UUID) error {
	row, seen, _, err := b.intakeOf(ctx, sys.ID, uuid)
	if err != nil {
		return err
	}
	if !seen || row.Mailbox == (domain.MailboxID{}) {
		return ErrNotFound
	}
	h := b.mailboxes
	h.Start = b.startWith(row.Memo.Message)
	meta := eventstore.Meta{Command: derivedCommand("recall", row.Memo.Message[:]), Actor: eventstore.Actor{Kind: "system", ID: sys.ID}}
	_, p, err := h.Execute(ctx, mailboxStream(row.Mailbox), meta, func(mailbox.State) (mailbox.Command, error) {
		return mailbox.Recall{Message: row.Memo.Message, System: sys.ID}, nil
	})
	if err != nil || p == 0 {
		return err
	}
	return errors.Join(b.views.Wait(ctx, p), b.waitForgotten(ctx, p))
}
