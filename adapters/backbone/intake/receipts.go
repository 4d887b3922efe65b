package intake

import (
	"context"
	"errors"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/receipts"
)

// A Receipt is what a sender is told of a MeMo.
type Receipt struct {
	ID           domain.ReceiptID // its own
	Transmission domain.ReceiptID // the MeMo's, the same in its technical and its final receipt
	UUID         domain.UUID
	MessageID    string
	Status       string // RECEIVED, COMPLETED, INVALID or NOT_ALLOWED
	Code         string
	Field        string
	At           time.Time
	Despite      string // the legal basis on which it came through the recipient's exemption
}

// technical is the receipt that says RECEIVED.
func (in *Intake) technical(r receipts.Row) Receipt {
	return Receipt{
		Transmission: r.Memo.Receipt, UUID: r.Memo.UUID, Status: "RECEIVED", At: r.At, MessageID: in.messageID(r.Memo),
	}
}

func (in *Intake) final(r receipts.Row) Receipt {
	return Receipt{
		ID: intake.FinalOf(r.Memo.Message), Transmission: r.Memo.Receipt, UUID: r.Memo.UUID, Status: r.Final.Status,
		Code: r.Final.Code, Field: r.Final.Field, At: r.Final.At, Despite: r.Final.Despite,
		MessageID: in.messageID(r.Memo),
	}
}

// messageID gives the sender's own id of a MeMo; empty if it has none, or its key is gone.
func (in *Intake) messageID(r intake.MemoReceived) string {
	plain, err := in.core.Opened(shard(r.System, r.UUID), 0, r.EventType(), "messageID", r.MessageID)
	if err != nil {
		return ""
	}

	return string(plain)
}

// Receipts gives a system's final receipts, oldest first, size of them from page on, and how many there are.
func (in *Intake) Receipts(sys organisations.System, page, size int) (out []Receipt, total int, err error) {
	s, err := receipts.At(in.core.Views)
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()

	rows, total, err := s.Finals(sys.ID, page, size)
	for _, r := range rows {
		out = append(out, in.final(r))
	}

	return out, total, err
}

// ReceiptOf gives the final receipt of a system's MeMo; false if there is none, or it was deleted.
func (in *Intake) ReceiptOf(ctx context.Context, sys organisations.System, uuid domain.UUID) (Receipt, bool, error) {
	row, seen, err := in.known(ctx, sys.ID, uuid)
	if err != nil || !seen || row.Final.Status == "" {
		return Receipt{}, false, err
	}

	out, err := in.Receipt(sys, intake.FinalOf(row.Memo.Message))
	if errors.Is(err, core.ErrNotFound) {
		return out, false, nil
	}

	return out, err == nil, err
}

// Receipt gives one final receipt of a system; core.ErrNotFound if it has none of that id.
func (in *Intake) Receipt(sys organisations.System, id domain.ReceiptID) (Receipt, error) {
	r, err := in.ofSystem(sys, id)
	return in.final(r), err
}

func (in *Intake) ofSystem(sys organisations.System, id domain.ReceiptID) (receipts.Row, error) {
	s, err := receipts.At(in.core.Views)
	if err != nil {
		return receipts.Row{}, err
	}
	defer s.Close()

	r, ok, err := s.Final(id)
	if err == nil && (!ok || r.Memo.System != sys.ID) {
		err = core.ErrNotFound
	}

	return r, err
}

// DeleteReceipt deletes a final receipt, for good.
func (in *Intake) DeleteReceipt(ctx context.Context, sys organisations.System, id domain.ReceiptID) error {
	r, err := in.ofSystem(sys, id)
	if err != nil {
		return err
	}

	m := core.Machine{Kind: access.System, ID: sys.ID, Once: "delete receipt", Thing: id}
	_, p, err := in.run(ctx, sys.ID, r.Memo.UUID, m, intake.DeleteReceipt{
		Deleted: intake.ReceiptDeleted{Message: r.Memo.Message, Receipt: id},
	})

	return in.waitFor(ctx, p, err)
}

// Recall takes a scheduled message back. What it carried is forgotten when this returns.
func (in *Intake) Recall(ctx context.Context, sys organisations.System, uuid domain.UUID) error {
	row, seen, err := in.known(ctx, sys.ID, uuid)
	if err != nil || !seen || row.Mailbox == (domain.MailboxID{}) {
		return errors.Join(err, core.ErrNotFound)
	}

	message := row.Memo.Message
	m := core.Machine{Kind: access.System, ID: sys.ID, Once: "recall", Thing: message}
	_, err = in.core.ByMachine(ctx, m, row.Mailbox, mailbox.Recall{Message: message, System: sys.ID})

	return err
}
