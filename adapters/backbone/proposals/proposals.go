// Package proposals is what one operator proposes and another approves, since nobody can undo it: shredding a mailbox,
// rolling the keys, going on with a restored log.
package proposals

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/oplog"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
)

// Handler runs orders on the log itself.
type Handler = eventstore.Handler[oplog.Order, oplog.Event, oplog.State]

// Measures carry out what was approved. Each may be called again for the same proposal, after a crash.
type Measures struct {
	Shred func(ctx context.Context, mailbox domain.MailboxID, approved eventstore.Position) error
	Roll  func(ctx context.Context) error
	GoOn  func() // with a restored log
}

// Proposals takes, approves and carries them out. It may be used by many goroutines at once.
type Proposals struct {
	carrying sync.Mutex // held while a measure is carried out: one at a time
	core     *core.Core
	handler  Handler
	measures Measures
	log      Log
	alone    bool
}

// A Log is which one it is.
type Log struct {
	ID          [16]byte
	Incarnation uint64
}

// New makes one. Alone is that one operator may do what is otherwise for two: in development.
func New(c *core.Core, h Handler, m Measures, log Log, alone bool) *Proposals {
	return &Proposals{core: c, handler: h, measures: m, log: log, alone: alone}
}

// An Operator is who proposes or approves: a person in the office of an operator, or whoever is at the console.
type Operator struct {
	access.Principal
	Console bool
}

// A Proposal is a measure that waits for another operator.
type Proposal struct {
	ID       domain.UUID
	Measure  oplog.Measure
	Mailbox  domain.MailboxID
	Reason   string // empty where it was not asked for
	By       [16]byte
	At       time.Time
	Until    time.Time // when it can't be approved any more; zero: always
	Approved bool
}

func (x *Proposals) stream() eventstore.Stream {
	return eventstore.Stream{Kind: streams.Log, ID: x.log.ID}
}

// order makes an operator's command an order, and what stands in its record. core.ErrForbidden for one who is none.
func (x *Proposals) order(by Operator, cmd oplog.Command) (eventstore.Meta, oplog.Order, error) {
	meta := core.Machine{Kind: access.Operations}.Meta()
	o := oplog.Order{
		Command: cmd, By: access.Operations, Mandate: by.Mandate != domain.UUID{}, Alone: x.alone, Now: x.core.Now(),
	}
	if !by.Console {
		if !by.Holds(access.Operator) || core.IdentityOf(by.Principal) == ([16]byte{}) {
			return meta, o, core.ErrForbidden
		}
		meta = core.InOffice(by.Principal, access.Operator)
		o.Who, o.Citizen = meta.Actor.ID, by.Citizen
	}
	meta.Mandate, meta.Command = by.Mandate, x.core.NewID()

	return meta, o, nil
}

// run executes an operator's command.
func (x *Proposals) run(ctx context.Context, by Operator, cmd oplog.Command) error {
	meta, o, err := x.order(by, cmd)
	if err != nil {
		return err
	}
	_, _, err = x.handler.Execute(ctx, x.stream(), meta, o)

	return err
}

// Propose proposes a measure. In development it is approved and carried out at once. What it gives is the proposal as
// it stands then.
func (x *Proposals) Propose(
	ctx context.Context, by Operator, measure oplog.Measure, box domain.MailboxID, reason string,
) (out Proposal, err error) {
	id := core.NewUUID()
	made := oplog.ProposalMade{Proposal: id, Measure: measure, Mailbox: box}
	if err := x.judge(ctx, by, oplog.Propose{Made: made, Reason: reason}); err != nil {
		return out, err
	}

	if err := x.core.Vault.EnterRoot(vault.Owner(id)); err != nil {
		return out, err
	}

	k, err := x.core.Key(id, 0)
	if err != nil {
		return out, err
	}

	made.Reason = k.Seal(made.EventType(), "reason", []byte(reason))
	if err := x.run(ctx, by, oplog.Propose{Made: made, Reason: reason}); err != nil {
		return out, err
	}

	out = Proposal{ID: id, Measure: measure, Mailbox: box, Reason: reason, At: x.core.Now()}
	if !x.alone {
		return out, nil
	}
	out.Approved = true

	return out, x.Approve(ctx, by, id)
}

// judge refuses what would be refused, before the proposal is given a root; and the shredding of a mailbox that is not
// there.
func (x *Proposals) judge(ctx context.Context, by Operator, cmd oplog.Propose) error {
	_, o, err := x.order(by, cmd)
	if err != nil {
		return err
	}

	s, err := x.state(ctx)
	if err == nil {
		_, err = oplog.Decider.Decide(s, o)
	}

	if err == nil && cmd.Made.Measure == oplog.ShredMailbox {
		_, err = x.core.Mailbox(cmd.Made.Mailbox)
	}

	return err
}

// Approve approves of another operator's proposal, and carries it out before it returns. A crash between the two, or a
// measure that fails, is made good within a minute of the next start, or by the next try in the background.
func (x *Proposals) Approve(ctx context.Context, by Operator, id domain.UUID) error {
	if err := x.run(ctx, by, oplog.Approve{Proposal: id}); err != nil {
		return err
	}

	s, err := x.state(ctx)
	if err != nil {
		return err
	}

	return x.carryOut(context.WithoutCancel(ctx), id, s.Proposals[id])
}

// Withdraw takes a proposal back, or turns another's down.
func (x *Proposals) Withdraw(ctx context.Context, by Operator, id domain.UUID) error {
	return x.run(ctx, by, oplog.Withdraw{Proposal: id})
}

func (x *Proposals) state(ctx context.Context) (oplog.State, error) {
	s, _, err := x.handler.State(ctx, x.stream(), oplog.Order{})
	return s, err
}

func (x *Proposals) carryOut(ctx context.Context, id domain.UUID, p oplog.Proposal) (err error) {
	x.carrying.Lock()
	defer x.carrying.Unlock()
	if s, err := x.state(ctx); err != nil || s.Proposals[id].Approved == 0 {
		return err // it is carried out already
	}
	x.core.Fail("measure approved")

	switch p.Measure {
	case oplog.ShredMailbox:
		if err = x.measures.Shred(ctx, p.Mailbox, eventstore.Position(p.Approved)); core.IsRefused(err) {
			err = nil // it is shredded already
		}
	case oplog.RollKeys:
		err = x.measures.Roll(ctx)
	case oplog.GoOnRestored:
		x.measures.GoOn()
	}

	if err != nil {
		return err
	}

	m := core.Machine{Kind: access.Backbone, Thing: x.core.NewID(), Causation: eventstore.Position(p.Approved)}
	_, _, err = x.handler.Execute(ctx, x.stream(), m.Meta(), oplog.Order{
		Command: oplog.NoteCarriedOut{Proposal: id}, By: access.Backbone, Now: x.core.Now(),
	})

	return err
}

// RunCarryOut carries out what was approved and is not carried out, since of a crash or since it failed: at start, and
// then every minute, until ctx ends.
func (x *Proposals) RunCarryOut(ctx context.Context) {
	for {
		x.carryOutAll(ctx)

		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return
		}
	}
}

func (x *Proposals) carryOutAll(ctx context.Context) {
	s, err := x.state(ctx)
	if err != nil {
		return
	}

	for id, p := range s.Proposals {
		if p.Approved == 0 {
			continue
		}

		if err := x.carryOut(ctx, id, p); err != nil && ctx.Err() == nil {
			x.core.Logger.Error("an approved measure is tried again", "measure", string(p.Measure), "error", err)
		}
	}
}

// RestoreWaits reports whether the log was restored and nobody has approved of going on with it.
func (x *Proposals) RestoreWaits(ctx context.Context) (bool, error) {
	s, err := x.state(ctx)
	return s.RestoreWaits(x.log.Incarnation), err
}

// List gives what is proposed and not carried out, the oldest first, to operators and auditors, with the reasons.
func (x *Proposals) List(ctx context.Context, by Operator) (out []Proposal, err error) {
	if !by.Console && !by.Holds(access.Operator) && !by.Holds(access.Auditor) {
		return nil, core.ErrForbidden
	}

	reasons := map[domain.UUID]domain.Sealed{}
	for rec, err := range x.core.Log.ReadStream(ctx, x.stream(), 0) {
		if err != nil {
			return nil, err
		}

		if e, err := oplog.Codec.Decode(rec.Type, rec.Data); err != nil {
			return nil, err
		} else if made, ok := e.(oplog.ProposalMade); ok {
			reasons[made.Proposal] = made.Reason
		}
	}

	s, err := x.state(ctx)
	if err != nil {
		return nil, err
	}

	for id, p := range s.Proposals {
		if p.Approved == 0 && !p.InTime(x.core.Now()) {
			continue
		}

		reason, err := x.core.Opened(id, 0, oplog.ProposalMade{}.EventType(), "reason", reasons[id])
		if err != nil {
			return nil, err
		}

		shown := Proposal{
			ID: id, Measure: p.Measure, Mailbox: p.Mailbox, Reason: string(reason), By: p.By, At: p.At,
			Approved: p.Approved > 0,
		}
		if p.Measure != oplog.GoOnRestored {
			shown.Until = p.At.Add(oplog.ApprovedIn)
		}
		out = append(out, shown)
	}

	slices.SortFunc(out, func(a, b Proposal) int {
		return cmp.Or(a.At.Compare(b.At), bytes.Compare(a.ID[:], b.ID[:]))
	})

	return out, nil
}
