package changes

import (
	"context"
	"sync/atomic"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
)

// maxPlatformFeeds is how many streams a platform's servers may have open at once.
const maxPlatformFeeds = 16

// A PlatformFollower takes what a platform is told, in order.
type PlatformFollower struct {
	After eventstore.Position // beyond which changes are told
	Beat  time.Duration       // between two calls of Idle while nothing comes
	// Send takes a change, or a part of one; Idle a position that all was told up to. What they return ends following.
	Send func(PlatformChange) error
	Idle func(eventstore.Position) error
}

// FollowPlatform tells a follower each event that changes a row of what a platform may hold: see Follow. Until is when
// the proof of who follows ends; zero: never.
func (x *Changes) FollowPlatform(ctx context.Context, name string, until time.Time, f PlatformFollower) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(x.followers, cancel)()

	streams, _ := x.platforms.LoadOrStore(name, &atomic.Int32{})
	open := streams.(*atomic.Int32)
	defer open.Add(-1)
	if open.Add(1) > maxPlatformFeeds {
		return ErrTooMany
	}

	return x.Tell(ctx, name, until, f)
}

// Tell is FollowPlatform for the backbone's own means of telling: no stream is counted, and Stop does not end it.
func (x *Changes) Tell(ctx context.Context, name string, until time.Time, f PlatformFollower) error {
	if err := f.Idle(f.After); err != nil { // the stream is open
		return err
	}

	wrote := time.Now()
	for {
		sent, err := x.tellNext(ctx, name, &f)
		if err != nil {
			return err
		}

		if sent {
			wrote = time.Now()
		}

		if !until.IsZero() && x.core.Now().After(until) {
			return core.ErrForbidden
		}

		if time.Since(wrote) >= f.Beat {
			wrote = time.Now()
			if err := f.Idle(f.After); err != nil {
				return err
			}
		}

		if err := x.recent.wait(ctx, f.After, f.Beat); err != nil {
			return err
		}
	}
}

// tellNext tells what there is beyond what the follower was told, and reports whether that was anything.
func (x *Changes) tellNext(ctx context.Context, name string, f *PlatformFollower) (sent bool, err error) {
	all, through, ok := x.recent.beyond(f.After)
	if !ok {
		if all, through, err = x.readTold(ctx, f.After, x.recent.begins()); err != nil {
			return false, err
		}
	}

	may, err := x.may(name, all)
	if err != nil {
		return false, err
	}

	for i, t := range all {
		one, err := x.tellOne(ctx, name, t, may[i], f)
		if err != nil {
			return sent, err
		}
		sent, f.After = sent || one, t.Position
	}
	f.After = max(f.After, through)

	return sent, nil
}

// may gives what a platform may hold now of the mailboxes of some events: what it may not see is not told any more.
func (x *Changes) may(name string, all []*told) ([]mailbox.Scopes, error) {
	out := make([]mailbox.Scopes, len(all))
	if len(all) == 0 {
		return out, nil
	}

	s, err := mailboxes.At(x.core.Views)
	if err != nil {
		return nil, err
	}
	defer s.Close()

	for i, t := range all {
		if !s.Parked(t.Mailbox) {
			out[i] = s.Copies().Visible(t.Mailbox, name)
		}
	}

	return out, nil
}

// readAtOnce is how many events are read from the log before they are told.
const readAtOnce = 1000

// readTold reads from the log what a follower is told who is too far behind for what is remembered: beyond a position,
// as far as another, and at most readAtOnce events.
func (x *Changes) readTold(
	ctx context.Context, after, upto eventstore.Position,
) (out []*told, through eventstore.Position, err error) {
	if err := x.core.Views.Wait(ctx, upto); err != nil {
		return nil, after, err
	}

	s, err := mailboxes.At(x.core.Views)
	if err != nil {
		return nil, after, err
	}
	defer s.Close()

	through = after
	for rec, err := range x.core.Views.Events(ctx, after) {
		if err != nil {
			return nil, after, err
		}

		if rec.Position > upto || rec.Position > after+readAtOnce {
			break
		}

		t, err := tell(s, rec)
		if err != nil {
			return nil, after, err
		}

		if t != nil {
			out = append(out, t)
		}
		through = rec.Position
	}

	return out, through, nil
}

// tellOne tells a follower of an event, in parts if its rows are many, and reports whether there was anything to tell.
func (x *Changes) tellOne(
	ctx context.Context, name string, t *told, of mailbox.Scopes, f *PlatformFollower,
) (bool, error) {
	c := t.forPlatform(name, of)
	if t.platform != "" && c.Scope == "" {
		return false, nil
	}

	if !t.bulk {
		if c.nothing() {
			return false, nil
		}

		return true, f.Send(c)
	}

	p := parts{changes: x, told: t, name: name}
	p.cursor.Mailbox = t.Mailbox
	c.Rows = nil // all of them are read
	rows, err := p.next(ctx)

	for part := 1; err == nil && !p.done; part++ {
		one := c
		one.Rows, one.Gone, one.Part = rows, nil, part
		if err = f.Send(one); err == nil {
			rows, err = p.next(ctx)
		}
	}

	if err != nil {
		return false, err
	}

	if c.Rows = rows; c.nothing() {
		return false, nil
	}

	return true, f.Send(c)
}

// parts reads the rows of an event that has many, as they are when each part is told.
type parts struct {
	changes *Changes
	told    *told
	name    string
	cursor  mailboxes.CopyCursor
	done    bool // what was read is the last
}

func (p *parts) next(ctx context.Context) (rows [][]byte, err error) {
	if err := p.changes.core.Views.Wait(ctx, p.told.Position); err != nil {
		return nil, err
	}

	s, err := mailboxes.At(p.changes.core.Views)
	if err != nil {
		return nil, err
	}
	defer s.Close()

	since, of := p.told.Position, s.Copies().Visible(p.told.Mailbox, p.name)
	if p.told.platform != "" { // it became visible: all of the scope, if it still is
		since, of = 0, only(of, p.told.scope)
	}

	if s.Parked(p.told.Mailbox) {
		of = mailbox.Scopes{}
	}

	found, next, done, err := s.Copies().Rows(of, p.name, since, p.cursor, MaxRows)
	for _, r := range found {
		rows = append(rows, r.JSON)
	}
	p.cursor, p.done = next, done

	return rows, err
}

// only gives a scope, if it is among some.
func only(of mailbox.Scopes, one mailbox.Scope) mailbox.Scopes {
	of.Public, of.Private = of.Public && one == mailbox.Public, of.Private && one == mailbox.Private
	return of
}
