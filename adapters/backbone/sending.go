package backbone

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"time"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/intake"
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
	Despite      string // the legal basis on which it came through the recipient's exemption
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
