package backbone

import (
	"context"
	"sync"
	"time"

	"digitalpost/adapters/backbone/intake"
	accessrules "digitalpost/domain/access"
	"digitalpost/domain/oplog"
	"digitalpost/projections/engine"
)

// begin starts what goes on by itself. Of a restored log, for which no second operator has approved, and of one whose
// restoration did not come to its end, nothing goes on but forgetting.
func (b *Backbone) begin(ctx context.Context, still bool) error {
	b.start(ctx, b.core.Forgetting.Run)
	b.goOn = func() {}
	if !still {
		b.goOn = sync.OnceFunc(func() { b.work(ctx); b.held.Store(false) })
	}
	held, err := b.Proposals.RestoreWaits(ctx)
	if err != nil {
		return err
	}

	b.held.Store(held && !b.development || still)
	if !b.Held() {
		b.goOn()
	}

	return nil
}

// Held reports whether the log was restored, and waits for a second operator to approve of that: nothing else is
// answered until then.
func (b *Backbone) Held() bool { return b.held.Load() }

// work starts what goes on by itself, until ctx ends.
func (b *Backbone) work(ctx context.Context) {
	from := b.store.Last() // before anybody follows
	for _, run := range []func(context.Context){
		b.core.Forgetting.RunSweep, b.Proposals.RunCarryOut, b.Intake.RunPending, b.Intake.RunDue, b.Sending.Run,
		b.Access.RunEnds, b.Registers.RunDue, b.Visibility.Run, func(ctx context.Context) { b.Changes.Run(ctx, from) },
		func(ctx context.Context) { intake.EnterRoots(ctx, b.core) },
	} {
		b.start(ctx, run)
	}
}

// start starts one of them.
func (b *Backbone) start(ctx context.Context, run func(context.Context)) {
	b.wg.Add(1)
	go func() { defer b.wg.Done(); b.keepUp(ctx, run) }()
}

// keepUp runs what goes on by itself, again where it came upon a damaged view, which is built anew meanwhile.
func (b *Backbone) keepUp(ctx context.Context, run func(context.Context)) {
	for {
		err := engine.Guard(func() error { run(ctx); return nil })
		if err == nil || ctx.Err() != nil {
			return
		}
		b.core.Logger.Error("work is taken up again", "error", err)

		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// roll ends the key epoch: what was forgotten is gone from every copy from then on.
func roll(ctx context.Context, b *Backbone) error {
	through := b.store.Last()
	if err := b.core.Forgetting.Wait(ctx, through); err != nil {
		return err
	}

	epoch, err := b.vault.Roll()
	if err != nil {
		return err
	}

	return b.note(ctx, b.log, accessrules.Operations, oplog.NoteRoll{Rolled: oplog.KeysRolled{
		Epoch: epoch, Through: uint64(through),
	}})
}
