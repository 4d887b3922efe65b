// Package changes tells what happens in mailboxes as it happens: to those who follow one mailbox, and to a platform's
// servers, which follow all that may be shown there. Nothing that anybody wrote is told.
package changes

import (
	"context"
	"errors"
	"sync"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
)

// Errors of those who follow.
var (
	// ErrLagging says that who follows did not take changes fast enough: to go on from the last position is the repair.
	ErrLagging = errors.New("backbone: too far behind")
	// ErrTooMany says that who asks has as many streams open as they may have.
	ErrTooMany = errors.New("backbone: too many open streams")
)

// A Change is an event of a mailbox as platforms are told of it.
type Change struct {
	Position eventstore.Position
	At       time.Time
	Type     string // the event's stored name
	Mailbox  domain.MailboxID
	Version  eventstore.Version // of the mailbox's stream with it
	domain.Change
}

// changeOf gives what followers are told of an event; false if they are told nothing.
func changeOf(rec *engine.Entry) (c Change, ok bool) {
	if rec.Stream.Kind != streams.Mailbox {
		return c, false
	}

	e, err := rec.Says()
	if err != nil {
		return c, false // its mailbox is parked
	}

	tells := e.Effect().Tells
	if tells == nil {
		return c, false
	}

	return Change{rec.Position, rec.Recorded, rec.Type, rec.Stream.ID, rec.Version, *tells}, true
}

// shows reports whether a change is for those who see through a lens: private post's is for its own platform alone, and
// folders, whose names are their owner's, are for those who see public post.
func shows(s *mailboxes.Snapshot, c Change, lens mailbox.Lens) (bool, error) {
	if c.Message == (domain.MessageID{}) {
		return c.Folder == (domain.FolderID{}) || !lens.NoPublic, nil
	}
	ok, err := s.ShowedAt(c.Mailbox, c.Message, c.Position, lens)

	return ok && (c.Audience == "" || lens.Shows(c.Audience)), err
}

// Changes tells them. It may be used by many goroutines at once.
type Changes struct {
	core *core.Core

	feeds     feeds
	recent    *recent
	platforms sync.Map        // how many streams each platform has open
	followers context.Context // until Stop
	cancel    context.CancelFunc
}

// New makes one.
func New(c *core.Core) *Changes {
	out := &Changes{core: c, feeds: newFeeds(), recent: newRecent()}
	out.followers, out.cancel = context.WithCancel(context.Background())

	return out
}

// Run follows the log for all open streams, beyond a position, until ctx ends: each event is read and decoded once.
func (x *Changes) Run(ctx context.Context, at eventstore.Position) {
	x.recent.begin(at)
	for {
		if err := x.core.Log.Wait(ctx, at); err != nil {
			return
		}

		next, err := x.runOnce(ctx, at)
		if ctx.Err() != nil {
			return
		}

		if errors.Is(err, eventstore.ErrClosed) {
			return
		}

		if damage := (*engine.DamagedError)(nil); err != nil && !errors.As(err, &damage) {
			x.core.Logger.Error("changes are followed later", "position", uint64(at), "error", err)
		}

		if err != nil { // a damaged view is built anew
			pause(ctx, laterPause)
			continue
		}
		at = next
	}
}

// laterPause lies between two tries where the log or a view is not read.
const laterPause = 100 * time.Millisecond

// pause returns after a time, or when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// runOnce tells of what the log has beyond a position, and gives how far that went.
func (x *Changes) runOnce(ctx context.Context, at eventstore.Position) (eventstore.Position, error) {
	// Whose a message is, and what the client then asks for, is in the views.
	last := min(x.core.Log.Last(), at+readAtOnce)
	if err := x.core.Views.Wait(ctx, last); err != nil {
		return at, err
	}

	s, err := mailboxes.At(x.core.Views)
	if err != nil {
		return at, err
	}
	defer s.Close()

	var all []*told
	for rec, err := range x.core.Views.Events(ctx, at) {
		if err != nil {
			return at, err
		}

		if rec.Position > last {
			break
		}
		at = rec.Position

		t, err := tell(s, rec)
		if err != nil {
			return at, err
		}

		if t != nil {
			all = append(all, t)
		}

		if !x.feeds.watched(rec.Stream.ID) {
			continue
		}

		if c, ok := changeOf(rec); ok {
			x.feeds.publish(c)
		}
	}
	x.recent.add(all, at)

	return at, nil
}

// Stop ends all open streams, and lets no more be opened: the server goes down.
func (x *Changes) Stop() {
	x.feeds.close()
	x.cancel()
}

// A Follower takes changes in order.
type Follower struct {
	After eventstore.Position // beyond which changes are told
	Beat  time.Duration       // between two calls of Idle while nothing comes
	// Send takes a change; Idle a position that all was told up to. What they return ends following.
	Send func(Change) error
	Idle func(eventstore.Position) error
}

// Follow tells a follower each change of a mailbox, first those that were, then those that come. It ends with
// core.ErrForbidden once who follows may no longer, with ErrLagging if they are too slow for too long, and with what
// they return.
func (x *Changes) Follow(ctx context.Context, p access.Principal, box domain.MailboxID, f Follower) error {
	feed, err := x.feeds.subscribe(box, core.IdentityOf(p)) // before the past is read, so that nothing falls in between
	if err != nil {
		return err
	}
	defer x.feeds.leave(box, feed)

	a, err := x.core.Admit(ctx, p, box, access.List)
	if err != nil {
		return err
	}

	// Whose a message is, is known from the views: what they do not have yet comes with the feed.
	last := x.core.Log.Last()
	if err := x.core.Views.Wait(ctx, last); err != nil {
		return err
	}

	t := &follow{changes: x, admission: a, follower: f, after: f.After, shown: max(last, f.After)}
	if err := t.past(ctx, last); err != nil {
		return err
	}

	return t.live(ctx, feed)
}

// A follow is one follower's way through the changes of a mailbox.
type follow struct {
	changes   *Changes
	admission core.Admission
	follower  Follower
	after     eventstore.Position // told, or passed over
	shown     eventstore.Position // where one goes on from: what is hidden must not show in it
}

// give tells a change, if it is for who follows.
func (t *follow) give(c Change) error {
	if c.Position <= t.after {
		return nil
	}

	ok, err := t.changes.stillShows(t.admission, c)
	t.after = c.Position
	if err != nil || !ok {
		return err
	}
	t.shown = max(t.shown, c.Position)

	return t.follower.Send(c)
}

// past tells what was, through a position.
func (t *follow) past(ctx context.Context, last eventstore.Position) error {
	for rec, err := range t.changes.past(ctx, t.admission.Mailbox, t.after) {
		if err != nil {
			return err
		}

		if rec.Position > last {
			break
		}

		if c, ok := changeOf(&engine.Entry{Event: rec}); ok {
			if err := t.give(c); err != nil {
				return err
			}
		}
	}

	return nil
}

// live tells what comes.
func (t *follow) live(ctx context.Context, one *feed) error {
	timer := time.NewTimer(0) // the first beat says that the past is told
	defer timer.Stop()

	for {
		select {
		case c, open := <-one.changes:
			if !open {
				return ErrLagging
			}

			if err := t.give(c); err != nil {
				return err
			}
		case <-timer.C:
			if err := t.beat(); err != nil {
				return err
			}
			timer.Reset(t.follower.Beat)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// beat says that all is told, to who may still follow.
func (t *follow) beat() error {
	p, c := t.admission.Principal, t.changes.core
	if !p.Until.IsZero() && c.Now().After(p.Until) {
		return core.ErrForbidden
	}

	if _, err := c.May(p, t.admission.Mailbox, access.List); err != nil {
		return err
	}

	return t.follower.Idle(t.shown)
}

// stillShows reports whether a change is for who follows; core.ErrForbidden once they may not any more.
func (x *Changes) stillShows(a core.Admission, c Change) (bool, error) {
	v, err := x.core.Return(a)
	if err != nil {
		return false, err
	}
	defer v.Close()

	if c.Grant != (domain.GrantID{}) && !v.Right.Allows(access.SeeAccess) {
		return false, nil
	}

	return shows(v.View, c, v.Lens)
}

// past yields the events of a mailbox beyond a position. It looks from the stream's end backwards, ever further, for
// where that is, so that who missed little reads little.
func (x *Changes) past(
	ctx context.Context, box domain.MailboxID, after eventstore.Position,
) func(func(eventstore.Event, error) bool) {
	stream := core.Stream(box)
	head, last := x.core.Log.Head(stream)
	if last <= after {
		return func(func(eventstore.Event, error) bool) {}
	}

	from := eventstore.Version(0)
	for window := eventstore.Version(64); after > 0 && window < head; window *= 4 {
		found := false
		for rec, err := range x.core.Log.ReadStream(ctx, stream, head-window) {
			found = err == nil && rec.Position <= after
			break
		}

		if found {
			from = head - window
			break
		}
	}

	return x.core.Log.ReadStream(ctx, stream, from)
}
