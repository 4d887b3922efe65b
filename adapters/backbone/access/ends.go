package access

import (
	"context"
	"math"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/directory"
)

// endsAtOnce is how many ends of access are recorded before the next are looked for.
const endsAtOnce = 1000

// RunEnds records the end of access whose time is over, at start and then within a minute of it, until ctx ends. Access
// itself ends on the minute, whether or not that is recorded.
func (x *Access) RunEnds(ctx context.Context) {
	for {
		x.RecordEnds(ctx)

		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return
		}
	}
}

// NextEnd gives when access ends the next time; zero: none ends by the clock.
func (x *Access) NextEnd() time.Time {
	d, err := directory.At(x.core.Views)
	if err != nil {
		return time.Time{}
	}
	defer d.Close()

	for _, e := range d.Ending(time.Unix(0, math.MaxInt64), directory.Ending{}, 1) {
		return e.Until
	}

	return time.Time{}
}

// RecordEnds records all ends that there are. One that can't be recorded now, of a mailbox that is parked, holds up no
// other, and is tried again the next time.
func (x *Access) RecordEnds(ctx context.Context) {
	beyond := directory.Ending{}
	for ctx.Err() == nil {
		ended := x.ending(beyond)
		if len(ended) == 0 {
			return
		}

		for _, e := range ended {
			m := core.Machine{Kind: access.Clock, Once: "expire", Thing: e.Grant}
			_, err := x.core.ByMachine(ctx, m, e.Mailbox, mailbox.Expire{Grant: e.Grant, At: x.core.Now()})
			if err != nil && ctx.Err() == nil {
				x.core.Logger.Error("the end of access is recorded later", "grant", e.Grant.String(), "error", err)
			}
			beyond = e
		}
	}
}

func (x *Access) ending(beyond directory.Ending) []directory.Ending {
	d, err := directory.At(x.core.Views)
	if err != nil {
		return nil
	}
	defer d.Close()

	return d.Ending(x.core.Now(), beyond, endsAtOnce)
}
