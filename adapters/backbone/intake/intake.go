// Package intake is what sender systems send: each MeMo is received, gets its one outcome, and a final receipt.
package intake

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/intake"
	"digitalpost/domain/organisation"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/receipts"
)

// Intake takes MeMos in. It may be used by many goroutines at once.
type Intake struct {
	core          *core.Core
	content       *content.Content
	people        *people.People
	organisations *organisations.Organisations
	handler       receipts.Handler

	claims  claims        // of those who find an outcome
	wakeDue chan struct{} // another date to wait for
}

// New makes one. The handler begins from the view of receipts.
func New(
	c *core.Core, w *content.Content, p *people.People, o *organisations.Organisations, h receipts.Handler,
) *Intake {
	h = h.From(receipts.Start(c.Views, c.Log))
	return &Intake{core: c, content: w, people: p, organisations: o, handler: h, wakeDue: make(chan struct{}, 1)}
}

// shard gives the id of the intake stream of a MeMo.
func shard(system domain.SystemID, uuid domain.UUID) [16]byte {
	return intake.ShardID(intake.ShardOf(system, uuid))
}

// run executes a command on a MeMo's intake stream, and gives what was decided.
func (in *Intake) run(
	ctx context.Context, system domain.SystemID, uuid domain.UUID, m core.Machine, cmd intake.Command,
) ([]intake.Event, eventstore.Position, error) {
	stream := eventstore.Stream{Kind: streams.Intake, ID: shard(system, uuid)}
	return in.handler.Execute(ctx, stream, m.Meta(), intake.Order{Command: cmd, By: m.Kind})
}

// Pass passes over leaves of an intake stream, of a log that is restored.
func (in *Intake) Pass(
	ctx context.Context, stream eventstore.Stream, m core.Machine, cmd intake.PassLeaves,
) ([]intake.Event, eventstore.Position, error) {
	return in.handler.Execute(ctx, stream, m.Meta(), intake.Order{Command: cmd, By: m.Kind})
}

// known gives what the log knows of a system's UUID; false if it never came.
func (in *Intake) known(
	ctx context.Context, system domain.SystemID, uuid domain.UUID,
) (row receipts.Row, seen bool, err error) {
	id := shard(system, uuid)
	_, last := in.core.Log.Head(eventstore.Stream{Kind: streams.Intake, ID: id})
	if err := in.core.Views.Wait(ctx, last); err != nil {
		return row, false, err
	}

	s, err := receipts.At(in.core.Views)
	if err != nil {
		return row, false, err
	}
	defer s.Close()

	if s.Parked(id) {
		return row, false, core.ErrParked
	}

	return s.Memo(intake.MessageOf(system, uuid))
}

// A Submission is a MeMo as a system hands it in.
type Submission struct {
	UUID domain.UUID // its messageUUID
	MeMo io.Reader
	// ConsentBasis is what a company says gives it the recipient's consent: one of organisation.ConsentBases; empty:
	// what was said when the system was registered, if anything.
	ConsentBasis string
}

// Submit takes a MeMo in. When it returns nil the MeMo is on disk and the receipt says RECEIVED; its outcome is found
// before that in normal work, and is taken up again otherwise. The same UUID with the same bytes gets the first receipt
// again. It returns a *memo.FormError, intake.UUIDReused, organisation.BasisNotAllowed, core.ErrTooLarge or a
// *core.LimitedError where nothing is kept and the UUID stays as it was.
func (in *Intake) Submit(ctx context.Context, sys organisations.System, s Submission) (Receipt, error) {
	if err := organisation.JudgeBasis(sys.Organisation.Kind, s.ConsentBasis); err != nil {
		return Receipt{}, err
	}

	if err := in.core.Room(); err != nil {
		return Receipt{}, err
	}

	if err := in.organisations.MayLookUp(sys); err != nil {
		return Receipt{}, err
	}

	uuid := s.UUID
	known, seen, err := in.known(ctx, sys.ID, uuid)
	if err != nil {
		return Receipt{}, err
	}

	owner := vault.Owner(shard(sys.ID, uuid))
	if err := in.ensureRoot(owner); err != nil {
		return Receipt{}, err
	}

	salt := make([]byte, 32)
	rand.Read(salt)
	if seen {
		if salt, err = in.saltOf(known.Memo); err != nil {
			return Receipt{}, err
		}
	}

	w := in.core.Documents.Create()
	sum := sha256.New()
	sum.Write(salt)
	msg, err := memo.Read(io.TeeReader(memo.Limit(s.MeMo), io.MultiWriter(w, sum)))
	if err == nil && msg.UUID() != uuid {
		err = &memo.FormError{Errors: []memo.FieldError{{
			Path: "Message/MessageHeader/messageUUID", Code: "memo.message.uuid.mismatch",
			Rule: "must be the parameter memo-message-uuid",
		}}}
	}

	if err == nil && !seen {
		return in.accept(ctx, sys, s, arrival{msg: msg, w: w, sum: sum, salt: salt})
	}

	err = errors.Join(err, w.Abort())
	if err == nil {
		err = intake.JudgeRepeat(bytes.Equal(sum.Sum(nil), known.Memo.Hash))
	}

	var form *memo.FormError
	if errors.As(err, &form) {
		err = form
	}

	return in.technical(known), err
}

// An arrival is a MeMo that is read and not yet received.
type arrival struct {
	msg  *memo.Message
	w    *documents.Writer
	sum  hash.Hash // of salt and bytes
	salt []byte
}

// accept makes document and intake event durable, and finds the outcome.
func (in *Intake) accept(
	ctx context.Context, sys organisations.System, s Submission, x arrival,
) (Receipt, error) {
	uuid := s.UUID
	r, err := in.received(sys.ID, uuid, x)
	if err != nil {
		return Receipt{}, errors.Join(err, x.w.Abort())
	}

	outline, err := cbor.Marshal(x.msg)
	if err != nil {
		return Receipt{}, errors.Join(err, x.w.Abort())
	}

	if len(outline) > content.InlineOutline {
		if _, err := x.w.Write(outline); err != nil {
			return Receipt{}, errors.Join(err, x.w.Abort())
		}
		outline = nil
	}

	// A crash after the commit and before the event leaves bytes that no event names: the sweep frees them.
	ref, err := x.w.Commit()
	if err != nil {
		return Receipt{}, err
	}
	in.core.Fail("document written")
	r.ConsentBasis = s.ConsentBasis
	r.Document, r.Kept, r.SealedHash = ref.ID, ref.Length, ref.SealedHash

	// Claimed before the event is there for others to take up. A rival may have it, and lose before the log.
	release, mine := in.claims.try(r.Message)
	defer func() { release() }()
	in.core.Fail("claimed")

	m := core.Machine{Kind: access.System, ID: sys.ID, Once: "memo", Thing: r.Message}
	events, p, err := in.run(ctx, sys.ID, uuid, m, intake.Receive{
		Received: r, Seal: in.core.Sealing(shard(sys.ID, uuid), r, "documentKey", ref.Key),
	})
	if core.IsReason(err, intake.AlreadyReceived) { // somebody was faster with the same UUID
		return in.rival(ctx, r, ref)
	}

	if err != nil {
		return Receipt{}, err
	}

	// From here on the MeMo is never lost: whatever ends the work on its outcome, RunPending takes it up again.
	in.core.Fail("event appended")
	memoIn := unsettled{
		row:      receipts.Row{Memo: events[0].(intake.MemoReceived), Position: p},
		sealable: content.Sealable{DocumentKey: ref.Key, Salt: x.salt, Outline: outline, Memo: x.msg},
	}
	waits := &memoIn.row
	if !mine {
		release = in.claims.take(r.Message)
		waits, err = in.unsettled(ctx, r.Message) // others may have found its outcome meanwhile
	}
	if err == nil && waits != nil {
		err = in.settle(context.WithoutCancel(ctx), sys, memoIn)
	}
	if err != nil {
		in.core.Logger.Error("outcome is taken up again later", "message", r.Message.String(), "error", err)
	}
	known, _, err := in.known(ctx, sys.ID, uuid)

	return in.technical(known), err
}

// received begins the event that says that a MeMo lies on disk whole: all but where, and the document's key, which is
// sealed once its leaf is known.
func (in *Intake) received(
	system domain.SystemID, uuid domain.UUID, x arrival,
) (r intake.MemoReceived, err error) {
	message := intake.MessageOf(system, uuid)
	r = intake.MemoReceived{
		System: system, UUID: uuid, Message: message, Receipt: intake.TransmissionOf(message),
		Length: x.w.Length(), Hash: x.sum.Sum(nil),
	}

	zero, err := in.core.Key(shard(system, uuid), 0)
	if err != nil {
		return r, err
	}

	r.Salt = zero.Seal(r.EventType(), "salt", x.salt)
	if id := x.msg.Header().Get("messageID"); id != "" {
		r.MessageID = zero.Seal(r.EventType(), "messageID", []byte(id))
	}

	return r, nil
}

// ensureRoot gives an intake stream its root, once.
func (in *Intake) ensureRoot(o vault.Owner) error {
	if ok, err := in.core.Vault.HasRoot(o); ok || err != nil {
		return err
	}

	return in.core.Vault.EnterRoot(o)
}

func (in *Intake) saltOf(r intake.MemoReceived) ([]byte, error) {
	return in.core.Opened(shard(r.System, r.UUID), 0, r.EventType(), "salt", r.Salt)
}

// rival answers one of two senders of the same UUID at once, by the other's salt.
func (in *Intake) rival(ctx context.Context, own intake.MemoReceived, ref documents.Ref) (Receipt, error) {
	known, _, err := in.known(ctx, own.System, own.UUID)
	if err != nil {
		return Receipt{}, err
	}

	salt, err := in.saltOf(known.Memo)
	if err != nil {
		return Receipt{}, err
	}

	d, err := in.core.Documents.Open(ref.ID, ref.Key, ref.Length)
	if err != nil {
		return Receipt{}, err
	}

	sum := sha256.New()
	sum.Write(salt)
	_, err = io.Copy(sum, io.NewSectionReader(d, 0, own.Length))
	if err = errors.Join(err, d.Close(), in.core.Documents.Free(ref.ID)); err == nil {
		err = intake.JudgeRepeat(bytes.Equal(sum.Sum(nil), known.Memo.Hash))
	}

	return in.technical(known), err
}
