package reactions

import (
	"context"
	"time"

	"digitalpost/eventstore"
)

const (
	planAtOnce   = 1000        // events that are planned in one transaction
	writeEvery   = time.Second // how often a position is written down where nothing is to happen
	planAgainFor = time.Second // between two tries where planning fails
)

// planAll follows the log for all kinds: each event is read once.
func (r *Reactions) planAll(ctx context.Context) {
	planned := map[string]eventstore.Position{}
	at := r.cfg.Log.Last()
	for _, s := range r.cfg.Sources {
		p, err := r.store.planned(s.Kind())
		if err != nil {
			r.cfg.Logger.Error("reactions do not begin", "kind", s.Kind(), "error", err)
			return
		}
		planned[s.Kind()] = p
		at = min(at, p)
	}
	wrote := time.Now()

	for ctx.Err() == nil {
		next, err := r.planNext(ctx, at, planned, time.Since(wrote) > writeEvery)
		if err != nil && ctx.Err() == nil {
			r.cfg.Logger.Error("reactions are planned later", "position", uint64(at), "error", err)
			pause(ctx, planAgainFor)
			continue
		}

		if next == at {
			wait, cancel := context.WithTimeout(ctx, writeEvery)
			_ = r.cfg.Log.Wait(wait, at) // the end of ctx is seen above
			cancel()
		}

		if time.Since(wrote) > writeEvery {
			wrote = time.Now()
		}
		at = next
	}
}

// planNext plans what the log has beyond a position, and gives how far that went. Effects and the position up to which
// they are planned are written together; a position alone only if write says so: to plan the same again adds nothing.
func (r *Reactions) planNext(
	ctx context.Context, at eventstore.Position, planned map[string]eventstore.Position, write bool,
) (eventstore.Position, error) {
	last := min(r.cfg.Log.Last(), at+planAtOnce)
	if r.cfg.Ready != nil && last > at {
		if err := r.cfg.Ready(ctx, last); err != nil {
			return at, err
		}
	}

	effects := map[string][]Effect{}
	through := at
	for rec, err := range r.cfg.Events(ctx, at) {
		if err != nil {
			return at, err
		}

		if rec.Position > last {
			break
		}

		for _, s := range r.cfg.Sources {
			if rec.Position <= planned[s.Kind()] {
				continue
			}

			more, err := s.Plan(ctx, rec)
			if err != nil {
				return at, err
			}

			for i, e := range more {
				e.Kind, e.Position, e.Index, e.Since = s.Kind(), rec.Position, uint16(i), rec.Recorded
				if e.Next.After(e.Since) {
					e.Since = e.Next // it is given up so long after it was due
				}
				effects[s.Kind()] = append(effects[s.Kind()], e)
			}
		}
		through = rec.Position
	}

	for _, s := range r.cfg.Sources {
		kind := s.Kind()
		if len(effects[kind]) == 0 && (!write || through <= planned[kind]) {
			continue
		}

		if err := r.commit(kind, through, effects[kind]); err != nil {
			return at, err
		}
		planned[kind] = max(planned[kind], through)
	}

	return through, nil
}

func (r *Reactions) commit(kind string, through eventstore.Position, effects []Effect) error {
	if r.cfg.CheckpointFirst {
		if err := r.store.plan(kind, through, nil); err != nil {
			return err
		}
	}
	r.cfg.Fail("planned")

	if err := r.store.plan(kind, through, effects); err != nil {
		return err
	}
	r.metrics.planned.WithLabelValues(kind).Set(float64(through))

	for _, e := range effects {
		r.feed(e)
	}

	if len(effects) > 0 {
		r.wake()
	}

	return nil
}

// pause returns after a time, or when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
