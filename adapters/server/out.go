package server

import (
	"errors"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/intake"
	"digitalpost/adapters/officeapi"
	"digitalpost/adapters/reactions"
	"digitalpost/adapters/senderapi"
	"digitalpost/adapters/viewapi"
	"digitalpost/domain"
)

// An Out is how what happens leaves the log.
type Out struct {
	*reactions.Reactions
	push     *reactions.Push
	receipts *reactions.Receipts
}

// OpenOut starts telling those who want to be told. Of cfg, what follows from the backbone is filled in. In development
// they may be on loopback.
func OpenOut(
	b *backbone.Backbone, o reactions.Outward, means reactions.Means, cfg reactions.Config,
) (*Out, error) {
	out := &Out{receipts: reactions.NewReceipts(b, o, func(r intake.Receipt) any { return senderapi.ReceiptOf(r) })}
	cfg.Log, cfg.Events, cfg.Ready, cfg.Now = b.Log, b.Events, b.Fresh, b.Clock.Now
	cfg.Sources = append([]reactions.Source{out.receipts, reactions.NewContactChanges(b, means),
		reactions.NewNemSMS(b, means), reactions.NewMemos(b, o),
		reactions.NewChanges(b, o, func(id domain.MailboxID) (any, error) { return senderapi.ContactOf(b, id) })},
		reactions.NewPosts(b, means)...)

	var err error
	if out.Reactions, err = reactions.Open(cfg); err != nil {
		return nil, err
	}
	b.Clock.OnMove(out.Reactions.Wake)
	out.push = out.Reactions.Push(b, o)

	return out, nil
}

// pusher is who tells platforms, nil if nobody does.
func (o *Out) pusher() viewapi.Pusher {
	if o == nil {
		return nil
	}

	return o.push
}

// verify is how addresses of sender systems are verified, nil if nobody is told.
func (o *Out) verify() senderapi.Verify {
	if o == nil {
		return nil
	}

	return o.receipts.Verify
}

// Effects are what must happen outside, as operators see it; nil if nobody is told.
func (o *Out) Effects() officeapi.Effects {
	if o == nil {
		return nil
	}

	return effects{o.Reactions}
}

type effects struct{ r *reactions.Reactions }

func (e effects) List(poisoned bool, most int) (out []officeapi.Effect, err error) {
	all, err := e.r.List(poisoned, most)
	for _, one := range all {
		out = append(out, shownEffect(one))
	}

	return out, err
}

func (e effects) Show(id string) (officeapi.Effect, error) { return shownOrNone(e.r.Show(id)) }

func (e effects) Retry(id string) (officeapi.Effect, error) { return shownOrNone(e.r.Retry(id)) }

func (e effects) Drop(id string) (officeapi.Effect, error) { return shownOrNone(e.r.Drop(id)) }

func shownOrNone(e reactions.Effect, err error) (officeapi.Effect, error) {
	if errors.Is(err, reactions.ErrNoEffect) {
		err = core.ErrNotFound
	}

	return shownEffect(e), err
}

func shownEffect(e reactions.Effect) officeapi.Effect {
	const stamp = "2006-01-02T15:04:05.000Z"
	out := officeapi.Effect{
		ID: e.ID(), Kind: e.Kind, Receiver: e.Receiver, Position: uint64(e.Position),
		Since: e.Since.UTC().Format(stamp), Attempts: e.Attempts, Poisoned: e.Poisoned, Why: e.Why,
	}
	if !e.Next.IsZero() && !e.Poisoned {
		out.Next = e.Next.UTC().Format(stamp)
	}

	return out
}
