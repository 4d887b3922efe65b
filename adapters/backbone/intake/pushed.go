package intake

import (
	"context"
	"errors"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/intake"
	"digitalpost/projections/receipts"
)

// Pushes are the ways of final receipts to systems that want to be told.
type Pushes struct{ in *Intake }

// PushesOf gives them.
func PushesOf(in *Intake) Pushes { return Pushes{in} }

// Pushable gives the final receipt of a message, and the system that wants to be told of it; false if there is none, it
// was deleted, or nobody wants to be told.
func (p Pushes) Pushable(m domain.MessageID) (r Receipt, sys organisations.System, ok bool, err error) {
	row, ok, err := p.row(m)
	if err != nil || !ok || row.Final.Status == "" || row.Final.Deleted {
		return r, sys, false, err
	}

	if sys, err = p.in.organisations.System(row.Memo.System); errors.Is(err, core.ErrNotFound) {
		return r, sys, false, nil // withdrawn since
	}

	return p.in.final(row), sys, err == nil && sys.Receipts.URL != "", err
}

func (p Pushes) row(m domain.MessageID) (receipts.Row, bool, error) {
	s, err := receipts.At(p.in.core.Views)
	if err != nil {
		return receipts.Row{}, false, err
	}
	defer s.Close()

	return s.Memo(m)
}

// NotePush notes how the way of a message's final receipt to its system ended: see intake.PushSent. What is noted
// already stays.
func (p Pushes) NotePush(ctx context.Context, m domain.MessageID, outcome string) error {
	row, ok, err := p.row(m)
	if err != nil || !ok {
		return err
	}

	machine := core.Machine{
		Kind: access.System, ID: row.Memo.System, Once: "receipt pushed " + outcome, Thing: m,
		Causation: row.Final.Position,
	}
	_, at, err := p.in.run(ctx, row.Memo.System, row.Memo.UUID, machine, intake.NotePush{Pushed: intake.ReceiptPushed{
		Message: m, Receipt: intake.FinalOf(m), Outcome: outcome,
	}})

	return p.in.waitFor(ctx, at, err)
}
