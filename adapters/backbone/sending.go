package backbone

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// inlineOutline is how large an outline may be to stand in the event; a larger one is kept behind the MeMo.
const inlineOutline = 24 << 10

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
}

// Submit takes a MeMo in. When it returns nil the MeMo is on disk and the receipt says RECEIVED; its outcome is found before that in normal work, and is
// taken up again otherwise. The same UUID with the same bytes gets the first receipt again. It returns a *memo.FormError, ErrReused or ErrTooLarge where
// nothing is kept and the UUID stays as it was.
func (b *Backbone) Submit(ctx context.Context, sys System, uuid domain.UUID, body io.Reader) (Receipt, error) {
	if !b.store.IntakeHasRoom() {
		return Receipt{}, ErrNoRoom
	}
	shard := intake.ShardOf(sys.ID, uuid)
	known, seen, _, err := b.intakeOf(ctx, sys.ID, uuid)
	if err != nil {
		return Receipt{}, err
	}
	owner := vault.Owner(intake.ShardID(shard))
	if err := b.ensureRoot(owner); err != nil {
		return Receipt{}, err
	}
	salt := make([]byte, 32)
	rand.Read(salt)
	if seen {
		if salt, err = b.saltOf(owner, known.Memo); err != nil {
			return Receipt{}, err
		}
	}
	w := b.docs.Create()
	sum := sha256.New()
	sum.Write(salt)
	msg, err := memo.Read(io.TeeReader(memo.Limit(body), io.MultiWriter(w, sum)))
	if err == nil && msg.UUID() != uuid {
		err = &memo.FormError{Errors: []memo.FieldError{{Path: "Message/MessageHeader/messageUUID", Code: "memo.message.uuid.mismatch", Rule: "must be the parameter memo-message-uuid"}}}
	}
	if err != nil || seen {
		err = errors.Join(err, w.Abort())
		if err == nil && !bytes.Equal(sum.Sum(nil), known.Memo.Hash) {
			err = ErrReused
		}
		var form *memo.FormError
		if errors.As(err, &form) {
			err = form
		}
		return b.technical(owner, known), err
	}
	return b.accept(ctx, sys, shard, w, sum, salt, msg)
}

// accept makes document and intake event durable, and finds the outcome.
func (b *Backbone) accept(ctx context.Context, sys System, shard uint16, w *documents.Writer, sum hash.Hash, salt []byte, msg *memo.Message) (Receipt, error) {
	length := w.Length()
	outline, err := cbor.Marshal(msg)
	if err != nil {
		return Receipt{}, errors.Join(err, w.Abort())
	}
	if len(outline) > inlineOutline {
		if _, err := w.Write(outline); err != nil {
			return Receipt{}, errors.Join(err, w.Abort())
		}
		outline = nil
	}
	ref, err := w.Commit()
	if err != nil {
		return Receipt{}, err
	}
	b.cfg.Fail("document written")
	owner := vault.Owner(intake.ShardID(shard))
	stream := eventstore.Stream{Kind: "intake", ID: owner}
	message := intake.MessageOf(sys.ID, msg.UUID())
	r := intake.MemoReceived{System: sys.ID, UUID: msg.UUID(), Message: message, Receipt: domain.DeriveID("transmission", message[:]),
		Document: ref.ID, Length: length, Kept: ref.Length, SealedHash: ref.SealedHash, Hash: sum.Sum(nil)}
	zero, err := b.vault.Key(owner, 0)
	if err != nil {
		return Receipt{}, err
	}
	defer b.inFlight.Delete(message)
	r.Salt = zero.Seal(r.EventType(), "salt", salt)
	if id := msg.Header().Get("messageID"); id != "" {
		r.MessageID = zero.Seal(r.EventType(), "messageID", []byte(id))
	}
	for {
		known, seen, st, err := b.intakeOf(ctx, sys.ID, msg.UUID())
		if err != nil {
			return Receipt{}, err
		}
		if seen { // somebody was faster with the same UUID
			return b.rival(owner, known, ref, length)
		}
		r.Leaf = st.NextLeaf
		k, err := b.vault.Key(owner, r.Leaf)
		if err != nil {
			return Receipt{}, err
		}
		r.DocumentKey = k.Seal(r.EventType(), "documentKey", ref.Key)
		data, err := intake.Codec.Encode(r)
		if err != nil {
			return Receipt{}, err
		}
		// Claimed before the event is there for others to take up.
		b.inFlight.Store(message, true)
		p, err := b.store.Append(ctx, stream, eventstore.ExpectedVersion(st.Version), eventstore.NewEvent{Type: r.EventType(), Data: data,
			Meta: eventstore.Meta{Command: derivedCommand("memo", message[:]), Actor: eventstore.Actor{Kind: "system", ID: sys.ID}}})
		if errors.Is(err, eventstore.ErrConflict) {
			continue
		}
		if err != nil {
			return Receipt{}, err
		}
		b.cfg.Fail("event appended")
		row := projections.IntakeRow{Memo: r, Position: p}
		if err := b.settle(context.WithoutCancel(ctx), sys, row, msg, ref.Key, outline, salt); err != nil {
			b.cfg.Log.Error("outcome is taken up again later", "message", message.String(), "error", err)
		}
		known, _, _, err = b.intakeOf(ctx, sys.ID, msg.UUID())
		return b.technical(owner, known), err
	}
}

// intakeOf gives what the log knows of a system's UUID, and where its intake stream stands.
func (b *Backbone) intakeOf(ctx context.Context, system domain.SystemID, uuid domain.UUID) (row projections.IntakeRow, seen bool, st projections.Standing, err error) {
	id := intake.ShardID(intake.ShardOf(system, uuid))
	_, last := b.store.Head(eventstore.Stream{Kind: "intake", ID: id})
	if err := b.views.Wait(ctx, last); err != nil {
		return row, false, st, err
	}
	s, err := b.snapshot(projections.Receipts{})
	if err != nil {
		return row, false, st, err
	}
	defer s.Close()
	if s.Parked(id) {
		return row, false, st, ErrParked
	}
	if row, seen, err = s.Intake(intake.MessageOf(system, uuid)); err != nil {
		return row, false, st, err
	}
	st, err = s.Standing(id)
	return row, seen, st, err
}

func (b *Backbone) ensureRoot(o vault.Owner) error {
	if ok, err := b.vault.HasRoot(o); ok || err != nil {
		return err
	}
	return b.vault.EnterRoot(o)
}

func (b *Backbone) saltOf(o vault.Owner, r intake.MemoReceived) ([]byte, error) {
	k, err := b.vault.Key(o, 0)
	if err != nil {
		return nil, err
	}
	return k.Open(r.EventType(), "salt", r.Salt)
}

// rival answers one of two senders of the same UUID at once, by the other's salt.
func (b *Backbone) rival(o vault.Owner, known projections.IntakeRow, ref documents.Ref, length int64) (Receipt, error) {
	salt, err := b.saltOf(o, known.Memo)
	if err != nil {
		return Receipt{}, err
	}
	d, err := b.docs.Open(ref.ID, ref.Key, ref.Length)
	if err != nil {
		return Receipt{}, err
	}
	sum := sha256.New()
	sum.Write(salt)
	_, err = io.Copy(sum, io.NewSectionReader(d, 0, length))
	if err = errors.Join(err, d.Close(), b.docs.Free(ref.ID)); err == nil && !bytes.Equal(sum.Sum(nil), known.Memo.Hash) {
		err = ErrReused
	}
	return b.technical(o, known), err
}

// technical is the receipt that says RECEIVED.
func (b *Backbone) technical(o vault.Owner, r projections.IntakeRow) Receipt {
	return Receipt{Transmission: r.Memo.Receipt, UUID: r.Memo.UUID, Status: "RECEIVED", At: r.At, MessageID: b.messageID(o, r.Memo)}
}

func (b *Backbone) messageID(o vault.Owner, r intake.MemoReceived) string {
	if len(r.MessageID) == 0 {
		return ""
	}
	k, err := b.vault.Key(o, 0)
	if err != nil {
		return ""
	}
	plain, err := k.Open(r.EventType(), "messageID", r.MessageID)
	if err != nil {
		return ""
	}
	return string(plain)
}

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
		Intake: uint64(row.Position), IntakeLeaf: r.Leaf, Shard: intake.ShardOf(sys.ID, r.UUID)}
	due, _ := msg.Due()
	now := b.now()
	eventType := mailbox.MessageDelivered{}.EventType()
	if due.After(now) {
		eventType = mailbox.MessageScheduled{}.EventType()
	}
	meta := eventstore.Meta{Command: derivedCommand("deliver", r.Message[:]), Actor: eventstore.Actor{Kind: "system", ID: sys.ID}, Causation: row.Position}
	h := b.mailboxes
	h.Start = b.startWith(r.Message)
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
		Code: r.Final.Code, Field: r.Final.Field, At: r.Final.At, MessageID: b.messageID(owner, r.Memo)}
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
