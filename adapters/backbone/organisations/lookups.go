package organisations

import (
	"context"
	"sync"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain/access"
	"digitalpost/domain/organisation"
)

// How often a sender system may ask for, or write to, a number that nobody has; and how many of these are recorded
// together.
const (
	MostUnknown     = 50_000
	UnknownIn       = 24 * time.Hour
	unknownRecorded = 1000
)

// Lookups limit how often sender systems meet numbers that nobody has. A batch of a hundred thousand of which a third
// is unknown passes; trying out all numbers that there could be takes years. It may be used by many goroutines at once.
type lookups struct {
	guesses *core.Guesses

	mu         sync.Mutex
	unrecorded map[[16]byte]uint32 // by system
}

func newLookups() lookups {
	return lookups{
		guesses:    core.NewGuesses(core.LimitNumbers, MostUnknown, UnknownIn),
		unrecorded: map[[16]byte]uint32{},
	}
}

// LookUp has a system look a number up: look reports whether somebody has it. After 50,000 of a day that nobody has
// comes a *core.LimitedError, and nothing is looked at. Each thousand of these is recorded, as a count.
func (o *Organisations) LookUp(ctx context.Context, sys System, look func() (known bool, err error)) error {
	if err := o.lookups.guesses.Take(sys.ID, o.core.Now()); err != nil {
		return err
	}

	known, err := look()
	if err != nil || known {
		o.lookups.guesses.GiveBack(sys.ID)
		return err
	}

	return o.unknown(ctx, sys)
}

// MayLookUp reports whether a system may look up another number: a *core.LimitedError if not.
func (o *Organisations) MayLookUp(sys System) error {
	err := o.lookups.guesses.Take(sys.ID, o.core.Now())
	if err == nil {
		o.lookups.guesses.GiveBack(sys.ID)
	}

	return err
}

// unknown records what a system has met, once it is a thousand.
func (o *Organisations) unknown(ctx context.Context, sys System) error {
	o.lookups.mu.Lock()
	o.lookups.unrecorded[sys.ID]++
	n := o.lookups.unrecorded[sys.ID]
	if n == unknownRecorded {
		delete(o.lookups.unrecorded, sys.ID)
	}
	o.lookups.mu.Unlock()

	if n < unknownRecorded {
		return nil
	}
	cmd := organisation.NoteUnknown{Met: organisation.UnknownMet{System: sys.ID, Count: n}}
	_, err := o.run(ctx, Caller{Kind: access.Backbone}, sys.Organisation.CVR, cmd)

	return err
}
