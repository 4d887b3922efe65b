package backbone

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
	"digitalpost/projections/platform"
)

// A Change is an event of a mailbox as platforms are told of it: what happened to what, and nothing that anybody wrote.
type Change struct {
	Position eventstore.Position
	At       time.Time
	Type     string // the event's stored name
	Mailbox  domain.MailboxID
	Message  domain.MessageID
	Folder   domain.FolderID // where it is now
	From     domain.FolderID
	Grant    domain.GrantID
	Grantee  domain.MailboxID

	audience string // of the event, where that is narrower than the message's is by now
}

// changeOf gives what a platform is told of an event; false if it is told nothing.
func changeOf(rec eventstore.Event) (c Change, ok bool) {
	if rec.Stream.Kind != "mailbox" {
		return c, false
	}
	e, err := mailbox.Codec.Decode(rec.Type, rec.Data)
	if err != nil {
		return c, false // its mailbox is parked
	}
	c = Change{Position: rec.Position, At: rec.Recorded, Type: rec.Type, Mailbox: rec.Stream.ID}
	switch e := e.(type) {
	case mailbox.MessageDelivered:
		c.Message, c.Folder = e.Message, mailbox.Inbox
	case mailbox.MessageMarkedRead:
		c.Message = e.Message
	case mailbox.MessageMarkedUnread:
		c.Message = e.Message
	case mailbox.MessageFlagged:
		c.Message = e.Message
	case mailbox.MessageUnflagged:
		c.Message = e.Message
	case mailbox.MessageNoted:
		c.Message = e.Message
	case mailbox.MessageMoved:
		c.Message, c.From, c.Folder = e.Message, e.From, e.To
	case mailbox.MessageTrashed:
		c.Message, c.audience, c.From, c.Folder = e.Message, e.Platform, e.From, mailbox.Deleted
	case mailbox.MessageRestored:
		c.Message, c.audience, c.From, c.Folder = e.Message, e.Platform, mailbox.Deleted, e.To
	case mailbox.MessagePurged:
		c.Message, c.audience, c.From = e.Message, e.Platform, e.From
	case mailbox.DraftSaved:
		c.Message, c.Folder, c.audience = e.Message, mailbox.Drafts, mailbox.AuthorOnly(e.Author)
	case mailbox.MessageSent:
		c.Message, c.Folder = e.Message, mailbox.Sent
	case mailbox.MessageHandedOver:
		c.Message = e.Message
	case mailbox.ReceiptReceived:
		c.Message = e.Message
	case mailbox.FolderCreated:
		c.Folder = e.Folder
	case mailbox.FolderRenamed:
		c.Folder = e.Folder
	case mailbox.FolderMoved:
		c.Folder = e.Folder
	case mailbox.FolderDeleted:
		c.Folder = e.Folder
	case mailbox.AccessRequested:
		c.Grant, c.Grantee = e.Grant, e.Grantee
	case mailbox.AccessDeclined:
		c.Grant, c.Grantee = e.Grant, e.Grantee
	case mailbox.AccessGranted:
		c.Grant, c.Grantee = e.Grant, e.Grantee
	case mailbox.AccessRevoked:
		c.Grant, c.Grantee = e.Grant, e.Grantee
	default: // opened, scheduled, recalled, taken over, noted as unchanged, shredded
		return c, false
	}
	return c, true
}

// shows tells whether a change is for those who see through a lens: private post's is for its own platform alone.
func shows(s *projections.Snapshot, c Change, lens projections.Lens) (bool, error) {
	if c.Message == (domain.MessageID{}) {
		return true, nil
	}
	ok, err := s.ShowedAt(c.Mailbox, c.Message, c.Position, lens)
	return ok && (c.audience == "" || lens.Shows(c.audience)), err
}

// feedBuffer is how many changes of a mailbox an open stream may lag behind before it is cut off.
const feedBuffer = 256

// ErrLagging says that who follows changes did not take them fast enough: to go on from the last position is the repair.
var ErrLagging = errors.New("backbone: too far behind")

// feeds gives each open stream what happens in its mailbox. One goroutine reads the log for all of them.
type feeds struct {
	mu     sync.Mutex
	by     map[domain.MailboxID]map[*feed]bool
	of     map[[16]byte]int // open streams by who follows
	closed bool
}

type feed struct {
	changes chan Change // closed when the feed is cut off
	who     [16]byte
}

// maxFeeds is how many streams one person may have open at once.
const maxFeeds = 64

// ErrTooManyFeeds says that who asks has that many open.
var ErrTooManyFeeds = errors.New("backbone: too many open streams")

func (f *feeds) subscribe(id domain.MailboxID, who [16]byte) (*feed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, eventstore.ErrClosed
	}
	if f.of[who] >= maxFeeds {
		return nil, ErrTooManyFeeds
	}
	one := &feed{changes: make(chan Change, feedBuffer), who: who}
	if f.by == nil {
		f.by, f.of = map[domain.MailboxID]map[*feed]bool{}, map[[16]byte]int{}
	}
	if f.by[id] == nil {
		f.by[id] = map[*feed]bool{}
	}
	f.by[id][one] = true
	f.of[who]++
	return one, nil
}

func (f *feeds) leave(id domain.MailboxID, one *feed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by[id][one] {
		f.remove(id, one)
	}
}

// remove forgets a feed; f.mu is held.
func (f *feeds) remove(id domain.MailboxID, one *feed) {
	if f.of[one.who]--; f.of[one.who] == 0 {
		delete(f.of, one.who)
	}
	if delete(f.by[id], one); len(f.by[id]) == 0 {
		delete(f.by, id)
	}
}

// publish gives a change to those who follow its mailbox; one whose buffer is full is cut off, and nobody waits for it.
func (f *feeds) publish(c Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.by[c.Mailbox] {
		select {
		case one.changes <- c:
		default:
			f.cut(c.Mailbox, one)
		}
	}
}

// cut ends a feed; f.mu is held.
func (f *feeds) cut(id domain.MailboxID, one *feed) {
	close(one.changes)
	f.remove(id, one)
}

// runFeeds follows the log for all open streams, beyond a position.
func (b *Backbone) runFeeds(ctx context.Context, at eventstore.Position) {
	for {
		if err := b.store.Wait(ctx, at); err != nil {
			return
		}
		last := b.store.Last()
		if b.views.Wait(ctx, last) != nil { // whose a message is, and what the client then asks for, is in the views
			return
		}
		for rec, err := range b.store.ReadAll(ctx, at) {
			if err != nil {
				b.cfg.Log.Error("changes can't be followed any more", "error", err)
				b.StopFeeds()
				return
			}
			if rec.Position > last {
				break
			}
			at = rec.Position
			b.feeds.mu.Lock()
			watched := len(b.feeds.by[rec.Stream.ID]) > 0
			b.feeds.mu.Unlock()
			if !watched {
				continue
			}
			if c, ok := changeOf(rec); ok {
				b.feeds.publish(c)
			}
		}
	}
}

// StopFeeds ends all open streams, and lets no more be opened: the server goes down.
func (b *Backbone) StopFeeds() {
	b.feeds.mu.Lock()
	defer b.feeds.mu.Unlock()
	b.feeds.closed = true
	for id, all := range b.feeds.by {
		for one := range all {
			b.feeds.cut(id, one)
		}
	}
	b.cancelFollowers()
}

// Changes calls send for each change of a mailbox beyond a position, in order, first those that were, then those that come, and calls beat now and then while there
// are none. It ends with ErrForbidden once who follows may no longer, with ErrLagging if send is too slow for too long, and with what send or beat return.
func (b *Backbone) Changes(ctx context.Context, p Principal, id domain.MailboxID, after eventstore.Position, beat time.Duration, send func(Change) error, idle func(eventstore.Position) error) error {
	one, err := b.feeds.subscribe(id, identityOf(p)) // before the past is read, so that nothing falls in between
	if err != nil {
		return err
	}
	defer b.feeds.leave(id, one)
	v, err := b.enter(ctx, p, id, access.List)
	if err != nil {
		return err
	}
	v.Close()
	last := b.store.Last()
	if err := b.views.Wait(ctx, last); err != nil { // whose a message is, is known from the views: what they do not have yet comes with the feed
		return err
	}
	shown := max(last, after)
	give := func(c Change) error {
		if c.Position <= after {
			return nil
		}
		ok, err := b.stillShows(p, id, c)
		after = c.Position
		if err == nil && ok {
			shown = max(shown, c.Position) // what is hidden must not show in where one goes on from
			err = send(c)
		}
		return err
	}
	for rec, err := range b.past(ctx, id, after) {
		if err != nil {
			return err
		}
		if rec.Position > last {
			break
		}
		if c, ok := changeOf(rec); ok {
			if err := give(c); err != nil {
				return err
			}
		}
	}
	timer := time.NewTimer(0) // the first beat says that the past is told
	defer timer.Stop()
	for {
		select {
		case c, open := <-one.changes:
			if !open {
				return ErrLagging
			}
			if err := give(c); err != nil {
				return err
			}
		case <-timer.C:
			if !p.Until.IsZero() && b.now().After(p.Until) {
				return ErrForbidden
			}
			if _, _, err := b.may(p, id, access.List); err != nil {
				return err
			}
			if err := idle(shown); err != nil {
				return err
			}
			timer.Reset(beat)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stillShows tells whether a change is for who follows; ErrForbidden once they may not any more.
func (b *Backbone) stillShows(p Principal, id domain.MailboxID, c Change) (bool, error) {
	v, err := b.admit(p, id, access.List)
	if err != nil {
		return false, err
	}
	defer v.Close()
	if c.Grant != (domain.GrantID{}) && !v.right.Allows(access.SeeAccess) {
		return false, nil
	}
	return shows(v.Snapshot, c, v.lens)
}

// past yields the events of a mailbox beyond a position. It looks from the stream's end backwards, ever further, for where that is, so that who missed little reads
// little.
func (b *Backbone) past(ctx context.Context, id domain.MailboxID, after eventstore.Position) func(func(eventstore.Event, error) bool) {
	stream := mailboxStream(id)
	head, last := b.store.Head(stream)
	if last <= after {
		return func(func(eventstore.Event, error) bool) {}
	}
	from := eventstore.Version(0)
	for window := eventstore.Version(64); after > 0 && window < head; window *= 4 {
		found := false
		for rec, err := range b.store.ReadStream(ctx, stream, head-window) {
			found = err == nil && rec.Position <= after
			break
		}
		if found {
			from = head - window
			break
		}
	}
	return b.store.ReadStream(ctx, stream, from)
}

// maxPlatformFeeds is how many streams a platform's servers may have open at once.
const maxPlatformFeeds = 16

// PlatformChanges calls send for each change beyond a position of the mailboxes whose owner or delegate has signed in on a platform: see Changes.
func (b *Backbone) PlatformChanges(ctx context.Context, name string, until time.Time, after eventstore.Position, beat time.Duration, send func(Change) error, idle func(eventstore.Position) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.followers, cancel)()
	streams, _ := b.platformFeeds.LoadOrStore(name, &atomic.Int32{})
	open := streams.(*atomic.Int32)
	defer open.Add(-1)
	if open.Add(1) > maxPlatformFeeds {
		return ErrTooManyFeeds
	}
	if err := idle(after); err != nil { // the stream is open
		return err
	}
	wrote := time.Now()
	for {
		last := b.store.Last()
		if err := b.views.Wait(ctx, last); err != nil {
			return err
		}
		for rec, err := range b.store.ReadAll(ctx, after) {
			if err != nil {
				return err
			}
			if rec.Position > last {
				break
			}
			after = rec.Position
			c, ok := changeOf(rec)
			if !ok || c.Grant != (domain.GrantID{}) {
				continue
			}
			if ok, err = b.onPlatform(c, name); err != nil {
				return err
			}
			if ok {
				wrote = time.Now()
				if err := send(c); err != nil {
					return err
				}
			}
		}
		if b.now().After(until) {
			return ErrForbidden
		}
		if time.Since(wrote) >= beat {
			wrote = time.Now()
			if err := idle(after); err != nil {
				return err
			}
		}
		wait, stop := context.WithTimeout(ctx, beat)
		err := b.store.Wait(wait, after)
		stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

func (b *Backbone) onPlatform(c Change, name string) (bool, error) {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return false, err
	}
	defer s.Close()
	row, _, err := s.Mailbox(c.Mailbox)
	if err != nil {
		return false, err
	}
	lens := projections.Lens{Private: name}
	if p, _ := platform.Of(name); p.Consent {
		lens.NoPublic = !row.Consents[name]
	}
	if !row.Consents[name] && !s.SignedIn(c.Mailbox, name) {
		return false, nil
	}
	return shows(s, c, lens)
}
