package changes

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
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
		c, ok, err := x.forPlatform(rec, name)
		if err != nil {
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

// forPlatform gives what a platform is told of an event; false if it is told nothing.
func (x *Changes) forPlatform(rec eventstore.Event, name string) (c Change, ok bool, err error) {
	told := bounds(rec, name)
	if rec.Type == (mailbox.Shredded{}).EventType() {
		if told, err = x.everShown(rec.Stream.ID, name); err != nil {
			return c, false, err
		}
	}
	if told {
		return Change{Position: rec.Position, At: rec.Recorded, Type: rec.Type, Mailbox: rec.Stream.ID}, true, nil
	}

	if c, ok = changeOf(rec); !ok {
		return c, false, nil
	}

	s, err := mailboxes.At(x.core.Views)
	if err != nil {
		return c, false, err
	}
	defer s.Close()

	if c.Grant != (domain.GrantID{}) {
		ok, err = x.reads(s, c.Mailbox, c.Grantee, name)
		return Change{Position: c.Position, At: c.At, Type: c.Type, Mailbox: c.Mailbox}, ok, err
	}

	lens, ok, err := x.through(s, c.Mailbox, name)
	if err != nil || !ok {
		return c, false, err
	}
	ok, err = shows(s, c, lens)

	return c, ok, err
}

// bounds reports whether with an event begins or ends what a platform may show of the mailbox: with the first sign-in
// there, and with consent. What was before a first sign-in is the platform's to fetch then.
func bounds(rec eventstore.Event, name string) bool {
	switch rec.Type {
	case looks.SignedIn{}.EventType():
		return rec.Meta.Platform == name
	case mailbox.ConsentGiven{}.EventType(), mailbox.ConsentWithdrawn{}.EventType():
		e, err := mailbox.Codec.Decode(rec.Type, rec.Data)
		switch e := e.(type) {
		case mailbox.ConsentGiven:
			return e.Platform == name
		case mailbox.ConsentWithdrawn:
			return e.Platform == name
		}

		return err != nil
	}

	return false
}

// everShown reports whether a platform could ever show a mailbox, whatever became of it.
func (x *Changes) everShown(id domain.MailboxID, name string) (bool, error) {
	s, err := mailboxes.At(x.core.Views)
	if err != nil {
		return false, err
	}
	defer s.Close()

	return s.EverShown(id, name)
}

// reads reports whether somebody whose access to a mailbox begins or ends has signed in to it on a platform.
func (x *Changes) reads(s *mailboxes.Snapshot, box, grantee domain.MailboxID, name string) (bool, error) {
	known, err := s.EverRead(box, name)
	return known[grantee], err
}

// through gives what a platform may show of a mailbox now; false if it is nothing. Its owner must have signed in there,
// or have consented to it, or a delegate must have, whose access is in force; and public post is shown to those who
// have consented, where the platform needs that.
func (x *Changes) through(
	s *mailboxes.Snapshot, id domain.MailboxID, name string,
) (lens mailbox.Lens, ok bool, err error) {
	box, there, err := s.Mailbox(id)
	if err != nil || !there {
		return lens, false, err
	}

	readers, err := s.Readers(id, name, x.core.Now())
	if err != nil {
		return lens, false, err
	}

	own := readers.Own || box.Consents[name]
	if own {
		lens.Private = name // a delegate sees none
	}

	if p, _ := platform.Of(name); !p.Consent {
		return lens, own || len(readers.Delegates) > 0, nil
	}

	lens.NoPublic = !box.Consents[name]
	for _, d := range readers.Delegates {
		theirs, _, err := s.Mailbox(d)
		if err != nil {
			return lens, false, err
		}
		lens.NoPublic = lens.NoPublic && !theirs.Consents[name]
	}

	return lens, own || !lens.NoPublic, nil
}
