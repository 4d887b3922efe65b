package register

import (
	"context"
	"math"
	"sync"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/directory"
)

// NextDue gives when something of a mailbox falls due by itself; zero: nothing does.
func (r *Registers) NextDue() time.Time {
	for _, d := range r.due(time.Unix(0, math.MaxInt64), directory.Due{}, 1) {
		return d.At
	}

	return time.Time{}
}

// dueAtOnce is how many mailboxes are looked at before the next are.
const dueAtOnce = 1000

func (r *Registers) due(now time.Time, beyond directory.Due, most int) []directory.Due {
	d, err := directory.At(r.core.Views)
	if err != nil {
		return nil
	}
	defer d.Close()

	return d.Due(now, beyond, most)
}

// RunDue opens mailboxes at their date, and ends old numbers, until ctx ends.
func (r *Registers) RunDue(ctx context.Context) {
	for {
		r.DoDue(ctx)

		wait := time.Minute // a clock that is set is noticed within it
		if next := r.NextDue(); next.After(r.core.Now()) {
			wait = min(wait, next.Sub(r.core.Now()))
		}

		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// DoDue does what is due by now. What can't be done now, of a mailbox that is parked, holds up nothing else, and is
// tried again the next time.
func (r *Registers) DoDue(ctx context.Context) {
	beyond := directory.Due{}
	for ctx.Err() == nil {
		due := r.due(r.core.Now(), beyond, dueAtOnce)
		if len(due) == 0 {
			return
		}

		var wg sync.WaitGroup
		free := make(chan struct{}, atOnce/4) // others' post goes beside it
		for _, d := range due {
			free <- struct{}{}
			wg.Go(func() {
				defer func() { <-free }()
				if err := r.doDue(ctx, d); err != nil && ctx.Err() == nil {
					r.core.Logger.Error("what is due of a mailbox is done later", "mailbox", d.Mailbox.String(),
						"error", err)
				}
			})
		}
		wg.Wait()
		beyond = due[len(due)-1]
	}
}

func (r *Registers) doDue(ctx context.Context, d directory.Due) error {
	now := r.core.Now()
	m := core.Machine{Kind: access.Clock, Thing: r.core.NewID()}
	if _, err := r.core.ByMachine(ctx, m, d.Mailbox, mailbox.OpenDue{At: now}); err != nil {
		return err
	}

	return r.endAlias(ctx, d.Mailbox, now)
}
