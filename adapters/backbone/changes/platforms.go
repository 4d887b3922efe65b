package changes

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/platform"
)

// maxPlatformFeeds is how many streams a platform's servers may have open at once.
const maxPlatformFeeds = 16

// FollowPlatform tells a follower each change of the mailboxes whose owner or delegate has signed in on a platform: see
// Follow. Until is when the proof of who follows ends.
func (x *Changes) FollowPlatform(ctx context.Context, name string, until time.Time, f Follower) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(x.followers, cancel)()

	streams, _ := x.platforms.LoadOrStore(name, &atomic.Int32{})
	open := streams.(*atomic.Int32)
	defer open.Add(-1)
	if open.Add(1) > maxPlatformFeeds {
		return ErrTooMany
	}

	if err := f.Idle(f.After); err != nil { // the stream is open
		return err
	}

	wrote := time.Now()
	for {
		told, err := x.tellPlatform(ctx, name, &f)
		if err != nil {
			return err
		}

		if told {
			wrote = time.Now()
		}

		if x.core.Now().After(until) {
			return core.ErrForbidden
		}

		if time.Since(wrote) >= f.Beat {
			wrote = time.Now()
			if err := f.Idle(f.After); err != nil {
				return err
			}
		}

		if err := x.waitBeat(ctx, f); err != nil {
			return err
		}
	}
}

// waitBeat waits for the next event, but not for longer than a beat.
func (x *Changes) waitBeat(ctx context.Context, f Follower) error {
	wait, stop := context.WithTimeout(ctx, f.Beat)
	err := x.core.Log.Wait(wait, f.After)
	stop()

	if ctx.Err() != nil {
		return ctx.Err()
	}

	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}

	return err
}

// tellPlatform tells what the log has beyond what the follower was told, and reports whether that was anything.
func (x *Changes) tellPlatform(ctx context.Context, name string, f *Follower) (told bool, err error) {
	last := x.core.Log.Last()
	if err := x.core.Views.Wait(ctx, last); err != nil {
		return false, err
	}

	for rec, err := range x.core.Log.ReadAll(ctx, f.After) {
		if err != nil {
			return told, err
		}

		if rec.Position > last {
			break
		}

		f.After = rec.Position
		c, ok := changeOf(rec)
		if !ok || c.Grant != (domain.GrantID{}) {
			continue
		}

		if ok, err = x.onPlatform(c, name); err != nil {
			return told, err
		}

		if !ok {
			continue
		}
		told = true

		if err := f.Send(c); err != nil {
			return told, err
		}
	}

	return told, nil
}

// onPlatform reports whether a change is for a platform.
func (x *Changes) onPlatform(c Change, name string) (bool, error) {
	s, err := mailboxes.At(x.core.Views)
	if err != nil {
		return false, err
	}
	defer s.Close()

	box, _, err := s.Mailbox(c.Mailbox)
	if err != nil {
		return false, err
	}

	lens := mailbox.Lens{Private: name}
	if p, _ := platform.Of(name); p.Consent {
		lens.NoPublic = !box.Consents[name]
	}

	if !box.Consents[name] && !s.SignedIn(c.Mailbox, name) {
		return false, nil
	}

	return shows(s, c, lens)
}
