package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/receipts"
)

// An unsettled is a MeMo whose outcome is being found.
type unsettled struct {
	row      receipts.Row
	sealable content.Sealable // with the MeMo itself
}

// settle gives a MeMo its one outcome: into the recipient's mailbox, or refused.
func (in *Intake) settle(ctx context.Context, sys organisations.System, x unsettled) error {
	in.core.Fail("before outcome")

	to, v, err := in.judge(ctx, sys, x)
	if err == nil && v == nil {
		err = in.deliver(ctx, sys, x, to)
		v, err = refusal(err)
	}

	if err != nil || v == nil {
		return err
	}

	// Why it was not delivered is recorded, unless it has its outcome already.
	r := x.row.Memo
	m := core.Machine{
		Kind: access.System, ID: sys.ID, Once: "refuse", Thing: r.Message, Causation: x.row.Position,
	}
	_, p, err := in.run(ctx, sys.ID, r.UUID, m, intake.Settle{Refused: intake.MemoRefused{
		Message: r.Message, Status: v.Rule.Status, Code: v.Rule.Code, Field: v.Path, Intake: uint64(x.row.Position),
		Leaf: r.Leaf, Document: r.Document,
	}})

	return in.waitFor(ctx, p, err)
}

// judge gives the mailbox that a MeMo is for, or the rule by which it is for none.
func (in *Intake) judge(
	ctx context.Context, sys organisations.System, x unsettled,
) (to domain.MailboxID, v *memo.Violation, err error) {
	org := sys.Organisation
	sender := memo.Sender{CVR: org.CVR, MandatoryAllowed: org.MandatoryAllowed, LegalAllowed: org.LegalAllowed}
	if v := x.sealable.Memo.Judge(sender, in.core.Now()); v != nil {
		return to, v, nil
	}

	text := x.sealable.Memo.IsNemSMS()
	if org.Kind == organisation.Company && (sys.Platform == "" || text) {
		return to, memo.Broken("sender.not.allowed"), nil
	}

	kind := mailbox.Citizen
	number, company := x.sealable.Memo.Recipient()
	if company {
		kind = mailbox.Company
	}

	err = in.organisations.LookUp(ctx, sys, func() (known bool, err error) {
		if to, known, err = in.people.Number(kind, number); err == nil && !known {
			v = memo.Broken("recipient.not.found")
		}

		return known, err
	})

	return to, v, err
}

// refusal gives the rule of MeMo that a mailbox's no is for a sender; an error that is none stays one.
func refusal(err error) (*memo.Violation, error) {
	reason, _ := domain.Refused(err)
	switch {
	case reason == mailbox.AlreadyReceived:
		return nil, nil // it is there: a crash came between its delivery and now
	case reason == mailbox.RecipientExempt, reason == mailbox.SenderDeclined, reason == mailbox.NoConsent,
		reason == mailbox.RecipientClosed, reason == mailbox.NoNemSMS:
		return memo.Broken(string(reason)), nil
	case reason == mailbox.NotOpen:
		return memo.Broken("recipient.not.found"), nil
	case errors.Is(err, vault.ErrForgotten):
		return memo.Broken("recipient.is.closed"), nil
	}

	return nil, err
}

// deliver puts a MeMo into a mailbox, now or at its date.
func (in *Intake) deliver(ctx context.Context, sys organisations.System, x unsettled, to domain.MailboxID) error {
	r, msg := x.row.Memo, x.sealable.Memo
	l := mailbox.Letter{
		Message: r.Message, System: sys.ID, Sender: sys.OrgID, UUID: r.UUID, Kind: msg.Kind(),
		Platform: sys.Platform, Document: r.Document, Length: r.Length, Kept: r.Kept, SealedHash: r.SealedHash,
		Hash: r.Hash, Intake: uint64(x.row.Position), IntakeLeaf: r.Leaf,
		Shard: intake.ShardOf(sys.ID, r.UUID), LegalBasis: sys.Organisation.LegalBasis,
	}
	if l.ConsentBasis = r.ConsentBasis; l.ConsentBasis == "" {
		l.ConsentBasis = sys.ConsentBasis
	}
	due, _ := msg.Due()
	now := in.core.Now()

	m := core.Machine{
		Kind: access.System, ID: sys.ID, Once: "deliver", Thing: r.Message,
		Causation: x.row.Position,
	}

	seal := func(leaf uint32, eventType string) (mailbox.Letter, error) {
		return in.content.Seal(to, leaf, eventType, l, x.sealable)
	}
	if msg.IsNemSMS() {
		_, err := in.core.ByMachine(ctx, m, to, mailbox.QueueNemSMS{Letter: l, Seal: seal, Due: due})
		return err
	}

	_, err := in.core.ByMachine(ctx, m, to, mailbox.Receive{Letter: l, Due: due, At: now, Seal: seal})
	if err == nil && due.After(now) {
		select {
		case in.wakeDue <- struct{}{}:
		default:
		}
	}

	return err
}

// RunPending takes up, at start and then every few seconds, what came in and has no outcome, until ctx ends.
func (in *Intake) RunPending(ctx context.Context) {
	for {
		for _, m := range in.pending() {
			if err := in.takeUp(ctx, m); err != nil && ctx.Err() == nil {
				in.core.Logger.Error("outcome is taken up again later", "message", m.String(), "error", err)
			}
		}

		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return
		}
	}
}

func (in *Intake) pending() []domain.MessageID {
	s, err := receipts.At(in.core.Views)
	if err != nil {
		return nil
	}
	defer s.Close()

	return s.Pending()
}

// takeUp finds the outcome of a MeMo that a crash or a fault left without one: from its document, as when it came in.
func (in *Intake) takeUp(ctx context.Context, m domain.MessageID) error {
	release, mine := in.claims.try(m)
	if !mine {
		return nil
	}
	defer release()

	row, err := in.unsettled(ctx, m)
	if err != nil || row == nil {
		return err
	}

	r := row.Memo
	key, err := in.core.Opened(shard(r.System, r.UUID), r.Leaf, r.EventType(), "documentKey", r.DocumentKey)
	if err != nil {
		return err
	}

	d, err := in.core.Documents.Open(r.Document, key, r.Kept)
	if err != nil {
		return err
	}
	defer d.Close()

	x := unsettled{row: *row, sealable: content.Sealable{DocumentKey: key}}
	if x.sealable.Memo, err = memo.Read(io.NewSectionReader(d, 0, r.Length)); err != nil {
		return fmt.Errorf("document %s: %w", r.Document, err)
	}

	if r.Kept == r.Length { // the outline does not lie behind it
		if x.sealable.Outline, err = cbor.Marshal(x.sealable.Memo); err != nil {
			return err
		}
	}

	if x.sealable.Salt, err = in.saltOf(r); err != nil {
		return err
	}

	sys, err := in.organisations.System(r.System)
	if err != nil {
		return err
	}

	return in.settle(ctx, sys, x)
}

// unsettled gives a MeMo that has no outcome in the log; nil if it has one. It waits until the views have all of the
// log: an outcome may have been appended by one who did not wait for it to be seen.
func (in *Intake) unsettled(ctx context.Context, m domain.MessageID) (*receipts.Row, error) {
	if err := in.core.Views.Wait(ctx, in.core.Log.Last()); err != nil {
		return nil, err
	}

	s, err := receipts.At(in.core.Views)
	if err != nil {
		return nil, err
	}
	defer s.Close()

	row, ok, err := s.Memo(m)
	if err != nil || !ok || row.Final.Status != "" || row.Waiting {
		return nil, err
	}

	return &row, nil
}

// RunDue delivers what is due, at start and at each date, until ctx ends.
func (in *Intake) RunDue(ctx context.Context) {
	for {
		wait := time.Minute // a clock that is set is noticed within it
		if next := in.releaseDue(ctx); !next.IsZero() {
			wait = max(time.Millisecond, min(wait, next.Sub(in.core.Now())))
		}

		select {
		case <-time.After(wait):
		case <-in.wakeDue:
		case <-ctx.Done():
			return
		}
	}
}

// dueAtOnce is how many messages are delivered before the next are looked for.
const dueAtOnce = 1000

// ReleaseDue delivers what is due. One that can't be delivered now, of a mailbox that is parked, holds up no other, and
// is tried again the next time.
func ReleaseDue(ctx context.Context, in *Intake) { in.releaseDue(ctx) }

// releaseDue is ReleaseDue, and gives the next date; zero: there is none.
func (in *Intake) releaseDue(ctx context.Context) (next time.Time) {
	behind := receipts.DueMessage{}
	for ctx.Err() == nil {
		var due []receipts.DueMessage
		if due, next = in.due(behind); len(due) == 0 {
			break
		}

		for _, d := range due {
			if err := in.release(ctx, d); err != nil && ctx.Err() == nil {
				in.core.Logger.Error("delivery at its date", "message", d.Message.String(), "error", err)
			}
			behind = d
		}
	}

	return next
}

// NextDue gives the next date of a message that is not due yet, or was not delivered; zero: there is none.
func NextDue(in *Intake) time.Time {
	s, err := receipts.At(in.core.Views)
	if err != nil {
		return time.Time{}
	}
	defer s.Close()

	_, next := s.Due(time.Time{}, receipts.DueMessage{}, 1)

	return next
}

func (in *Intake) due(behind receipts.DueMessage) ([]receipts.DueMessage, time.Time) {
	s, err := receipts.At(in.core.Views)
	if err != nil {
		return nil, time.Time{}
	}
	defer s.Close()

	return s.Due(in.core.Now(), behind, dueAtOnce)
}

func (in *Intake) release(ctx context.Context, d receipts.DueMessage) error {
	basis, err := basisNow(in, d)
	if err != nil {
		return err
	}

	m := core.Machine{Kind: access.Clock, Once: "release", Thing: d.Message}
	_, err = in.core.ByMachine(ctx, m, d.Mailbox, mailbox.Release{
		Message: d.Message, At: in.core.Now(), Basis: basis,
	})

	return err
}

// basisNow gives the legal basis that the sender of a message has now; empty for none, and for one that sends nothing
// any more.
func basisNow(in *Intake, d receipts.DueMessage) (string, error) {
	s, err := mailboxes.At(in.core.Views)
	if err != nil {
		return "", err
	}
	row, _, err := s.Row(d.Mailbox, d.Message)
	s.Close()

	if err != nil || row.LegalBasis == "" {
		return "", err
	}

	sys, err := in.organisations.System(row.System)
	if errors.Is(err, core.ErrNotFound) {
		return "", nil
	}

	return sys.Organisation.LegalBasis, err
}

// waitFor waits for the views, if something was appended.
func (in *Intake) waitFor(ctx context.Context, p eventstore.Position, err error) error {
	if err != nil || p == 0 {
		return err
	}

	return in.core.Views.Wait(ctx, p)
}
