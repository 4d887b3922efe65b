package backbone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// settle gives a MeMo its one outcome: into the recipient's mailbox, or refused.
func (b *Backbone) settle(ctx context.Context, sys System, row projections.IntakeRow, msg *memo.Message, docKey, outline, salt []byte) error {
	b.cfg.Fail("before outcome")
	v := msg.Judge(memo.Sender{CVR: sys.Organisation.CVR, MandatoryAllowed: sys.Organisation.MandatoryAllowed, LegalAllowed: sys.Organisation.LegalAllowed}, b.now())
	if v == nil && sys.Organisation.Kind == organisation.Company && sys.Platform == "" {
		v = memo.Broken("sender.not.allowed")
	}
	if v == nil {
		kind := mailbox.Citizen
		if strings.EqualFold(msg.Header().Get("Recipient", "idType"), "CVR") {
			kind = mailbox.Company
		}
		owner, ok, err := b.vault.Find(purposeOf(kind), msg.Header().Get("Recipient", "recipientID"))
		switch {
		case err != nil:
			return err
		case !ok:
			v = memo.Broken("recipient.not.found")
		default:
			err := b.deliver(ctx, sys, row, msg, domain.MailboxID(owner), docKey, outline, salt)
			reason, refused := domain.Refused(err)
			switch {
			case refused && reason == mailbox.AlreadyReceived:
				return nil
			case refused && reason == mailbox.RecipientExempt:
				v = memo.Broken("recipient.is.exempt")
			case refused && reason == mailbox.SenderDeclined:
				v = memo.Broken("recipient.sender.declined")
			case refused && reason == mailbox.NotOpen:
				v = memo.Broken("recipient.not.found")
			case errors.Is(err, vault.ErrForgotten):
				v = memo.Broken("recipient.is.closed")
			default:
				return err
			}
		}
	}
	return b.refuse(ctx, sys, row, v)
}

func (b *Backbone) deliver(ctx context.Context, sys System, row projections.IntakeRow, msg *memo.Message, to domain.MailboxID, docKey, outline, salt []byte) error {
	r := row.Memo
	l := mailbox.Letter{Message: r.Message, System: sys.ID, Sender: sys.OrgID, UUID: r.UUID, Kind: msg.Kind(), Platform: sys.Platform,
		Document: r.Document, Length: r.Length, Kept: r.Kept, SealedHash: r.SealedHash, Hash: r.Hash,
		Intake: uint64(row.Position), IntakeLeaf: r.Leaf, Shard: intake.ShardOf(sys.ID, r.UUID),
		LegalBasis: sys.Organisation.LegalBasis}
	due, _ := msg.Due()
	now := b.now()
	eventType := mailbox.MessageDelivered{}.EventType()
	if due.After(now) {
		eventType = mailbox.MessageScheduled{}.EventType()
	}
	meta := eventstore.Meta{Command: derivedCommand("deliver", r.Message[:]), Actor: eventstore.Actor{Kind: "system", ID: sys.ID}, Causation: row.Position}
	h := b.mailboxes
	h.Start = b.startWith(r.Message)
	words, whole := wordsOf(msg)
	_, p, err := h.Execute(ctx, mailboxStream(to), meta, func(s mailbox.State) (mailbox.Command, error) {
		l.Leaf = s.NextLeaf
		k, err := b.vault.Key(vault.Owner(to), l.Leaf)
		if err != nil {
			return nil, err
		}
		l.DocumentKey, l.Salt = k.Seal(eventType, "documentKey", docKey), k.Seal(eventType, "salt", salt)
		if outline != nil {
			l.Outline = k.Seal(eventType, "outline", outline)
		}
		l.Words = sealWords(k, eventType, words, whole)
		return mailbox.Receive{Letter: l, Due: due, At: now}, nil
	})
	if err != nil {
		return err
	}
	if due.After(now) {
		select {
		case b.wakeDue <- struct{}{}:
		default:
		}
	}
	return b.views.Wait(ctx, p)
}

// startWith loads a mailbox's state from its view, with the messages named.
func (b *Backbone) startWith(messages ...domain.MessageID) func(context.Context, eventstore.Stream) (mailbox.State, eventstore.Version, error) {
	return func(_ context.Context, s eventstore.Stream) (mailbox.State, eventstore.Version, error) {
		snap, err := b.snapshot(projections.Mailboxes{})
		if err != nil {
			return mailbox.NewState(), 0, err
		}
		defer snap.Close()
		if snap.Parked(s.ID) {
			return mailbox.NewState(), 0, ErrParked
		}
		return snap.State(s.ID, messages...)
	}
}

// refuse records why a MeMo was not delivered.
func (b *Backbone) refuse(ctx context.Context, sys System, row projections.IntakeRow, v *memo.Violation) error {
	r := row.Memo
	e := intake.MemoRefused{Message: r.Message, Status: v.Rule.Status, Code: v.Rule.Code, Field: v.Path, Intake: uint64(row.Position), Leaf: r.Leaf, Document: r.Document}
	data, err := intake.Codec.Encode(e)
	if err != nil {
		return err
	}
	if err := b.views.Wait(ctx, b.store.Last()); err != nil { // an outcome in a mailbox's stream counts too
		return err
	}
	return b.appendIntake(ctx, sys.ID, r.UUID, func(known projections.IntakeRow) *eventstore.NewEvent {
		if known.Final.Status != "" || known.Waiting {
			return nil
		}
		return &eventstore.NewEvent{Type: e.EventType(), Data: data, Meta: eventstore.Meta{
			Command: derivedCommand("refuse", r.Message[:]), Actor: eventstore.Actor{Kind: "system", ID: sys.ID}, Causation: row.Position}}
	})
}

// appendIntake appends what decide asks for to a MeMo's intake stream, again on a conflict, and waits for the views.
func (b *Backbone) appendIntake(ctx context.Context, system domain.SystemID, uuid domain.UUID, decide func(projections.IntakeRow) *eventstore.NewEvent) error {
	stream := eventstore.Stream{Kind: "intake", ID: intake.ShardID(intake.ShardOf(system, uuid))}
	for {
		known, _, st, err := b.intakeOf(ctx, system, uuid)
		if err != nil {
			return err
		}
		e := decide(known)
		if e == nil {
			return nil
		}
		p, err := b.store.Append(ctx, stream, eventstore.ExpectedVersion(st.Version), *e)
		if errors.Is(err, eventstore.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		return b.views.Wait(ctx, p)
	}
}

// runPending takes up, at start and then every few seconds, what came in and has no outcome.
func (b *Backbone) runPending(ctx context.Context) {
	for {
		s, err := b.snapshot(projections.Receipts{})
		if err == nil {
			pending := s.Pending()
			s.Close()
			for _, m := range pending {
				if err := b.takeUp(ctx, m); err != nil && ctx.Err() == nil {
					b.cfg.Log.Error("outcome is taken up again later", "message", m.String(), "error", err)
				}
			}
		}
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return
		}
	}
}

func (b *Backbone) takeUp(ctx context.Context, m domain.MessageID) error {
	if _, busy := b.inFlight.LoadOrStore(m, true); busy {
		return nil
	}
	defer b.inFlight.Delete(m)
	s, err := b.snapshot(projections.Receipts{})
	if err != nil {
		return err
	}
	row, ok, err := s.Intake(m)
	s.Close()
	if err != nil || !ok || row.Final.Status != "" || row.Waiting {
		return err
	}
	r := row.Memo
	owner := vault.Owner(intake.ShardID(intake.ShardOf(r.System, r.UUID)))
	k, err := b.vault.Key(owner, r.Leaf)
	if err != nil {
		return err
	}
	key, err := k.Open(r.EventType(), "documentKey", r.DocumentKey)
	if err != nil {
		return err
	}
	d, err := b.docs.Open(r.Document, key, r.Kept)
	if err != nil {
		return err
	}
	defer d.Close()
	msg, err := memo.Read(io.NewSectionReader(d, 0, r.Length))
	if err != nil {
		return fmt.Errorf("document %s: %w", r.Document, err)
	}
	var outline []byte
	if r.Kept == r.Length {
		if outline, err = cbor.Marshal(msg); err != nil {
			return err
		}
	}
	salt, err := b.saltOf(owner, r)
	if err != nil {
		return err
	}
	sys, err := b.System(r.System)
	if err != nil {
		return err
	}
	return b.settle(ctx, sys, row, msg, key, outline, salt)
}

// runDue delivers what is due: at start, and at each date.
func (b *Backbone) runDue(ctx context.Context) {
	for {
		wait := time.Minute // a clock that is set is noticed within it
		s, err := b.snapshot(projections.Receipts{})
		if err == nil {
			due, next := s.Due(b.now(), 1000)
			s.Close()
			for _, d := range due {
				if err := b.release(ctx, d); err != nil && ctx.Err() == nil {
					b.cfg.Log.Error("delivery at its date", "message", d.Message.String(), "error", err)
				}
			}
			if !next.IsZero() {
				wait = max(time.Millisecond, min(wait, next.Sub(b.now())))
			}
		}
		select {
		case <-time.After(wait):
		case <-b.wakeDue:
		case <-ctx.Done():
			return
		}
	}
}

func (b *Backbone) release(ctx context.Context, d projections.DueMessage) error {
	h := b.mailboxes
	h.Start = b.startWith(d.Message)
	meta := eventstore.Meta{Command: derivedCommand("release", d.Message[:]), Actor: eventstore.Actor{Kind: "clock"}}
	_, p, err := h.Execute(ctx, mailboxStream(d.Mailbox), meta, func(mailbox.State) (mailbox.Command, error) {
		return mailbox.Release{Message: d.Message, At: b.now()}, nil
	})
	if err != nil || p == 0 {
		return err
	}
	return b.views.Wait(ctx, p)
}
