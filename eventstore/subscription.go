package eventstore

import "context"

// Subscribe calls fn for every event beyond position after, in order, without gaps, first those that are there and then
// those that come, until fn returns an error or ctx ends, and returns that error. It calls fn from its own goroutine
// only.
func Subscribe(ctx context.Context, r Reader, after Position, fn func(context.Context, Event) error) error {
	for {
		for e, err := range r.ReadAll(ctx, after) {
			if err != nil {
				return err
			}
			if err := fn(ctx, e); err != nil {
				return err
			}
			after = e.Position
		}
		if err := r.Wait(ctx, after); err != nil {
			return err
		}
	}
}
