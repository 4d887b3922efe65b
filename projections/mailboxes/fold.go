package mailboxes

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"digitalpost/domain"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// Projection makes the view.
type Projection struct{}

var _ engine.Owned = Projection{}

// Name names the view.
func (Projection) Name() string { return "mailboxes" }

// Kinds are the streams that a mailbox's rows follow from.
func (Projection) Kinds() []eventstore.Kind { return []eventstore.Kind{streams.Mailbox, streams.Looks} }

// Wants reports whether a stream is a mailbox's, or of the looks at one.
func (Projection) Wants(kind eventstore.Kind, _ string) bool {
	return kind == streams.Mailbox || kind == streams.Looks
}

// Apply applies an event.
func (Projection) Apply(v engine.View, rec eventstore.Event, e domain.Event) error {
	id := domain.MailboxID(rec.Stream.ID)

	switch e := e.(type) {
	case looks.Event:
		at := lookKey(id, e.At(), rec.Meta.Actor.ID, rec.Meta.Platform)
		row := binary.BigEndian.AppendUint64(nil, uint64(rec.Recorded.UnixNano()))
		if _, ok := e.(looks.SignedIn); ok {
			row = append(row, rec.Meta.Grant[:]...)
		}
		v.Put(at, row)

		return nil
	case mailbox.Event:
		return (&change{v: v, id: id, rec: rec, event: e, effect: e.Effect()}).apply()
	}

	return fmt.Errorf("mailboxes: %s is of no mailbox", e.EventType())
}

// A change is one event's work on the view.
type change struct {
	v      engine.View
	id     domain.MailboxID
	rec    eventstore.Event
	event  mailbox.Event
	effect domain.Effect

	standing Standing
	before   map[domain.MessageID]mailbox.Message
	state    mailbox.State
	copies   copying
}

func (c *change) apply() error {
	var err error
	if c.state, c.standing, err = load(c.v, c.id, c.effect.Touches); err != nil {
		return err
	}

	if c.standing.Version+1 != c.rec.Version {
		return fmt.Errorf("version %d follows %d", c.rec.Version, c.standing.Version)
	}

	c.mark()
	c.before = make(map[domain.MessageID]mailbox.Message, len(c.state.Messages()))
	for m, row := range c.state.Messages() {
		c.before[m] = row
	}

	c.state = mailbox.Decider.Evolve(c.state, c.event, c.rec.Moment())
	if err := c.state.Fault(); err != nil {
		return err
	}

	return c.write()
}

// write puts what the event has changed.
func (c *change) write() error {
	standing := Standing{Version: c.rec.Version, NextLeaf: max(c.standing.NextLeaf, c.state.NextLeaf)}
	if err := engine.Put(c.v, standingKey(c.id), standing); err != nil {
		return err
	}

	if l := mailbox.LetterOf(c.event); l != nil {
		c.listing(*l)
		row := LetterRow{Letter: *l, Sealed: c.rec.Type, At: c.rec.Recorded}
		row.Letter.Listing = nil // it has a row of its own
		if err := engine.Put(c.v, letterKey(c.id, l.Message), row); err != nil {
			return err
		}
	}

	if c.effect.Touches.Box {
		if err := engine.Put(c.v, boxKey(c.id), c.state.Box); err != nil {
			return err
		}
	}

	for m, now := range c.state.Messages() {
		if err := c.message(m, c.before[m], now); err != nil {
			return err
		}
	}

	c.copyFolders()
	if err := c.others(); err != nil {
		return err
	}
	c.addUp()

	return c.result()
}

// others puts folders, grants and what was said to senders.
func (c *change) others() error {
	for f, now := range c.state.Folders() {
		if now.Version == 0 {
			c.v.Delete(folderKey(c.id, f))
			continue
		}

		if err := putChanged(c.v, folderKey(c.id, f), now); err != nil {
			return err
		}
	}

	for g, now := range c.state.Grants() {
		kind, other := byte(kindGrant), byte(kindGrantEnded)
		if now.Ended() { // what is ended lies apart, so that it costs no request
			kind, other = other, kind
		}

		if k := grantKey(c.id, other, g); c.v.Get(k) != nil {
			c.v.Delete(k)
		}

		if err := putChanged(c.v, grantKey(c.id, kind, g), now); err != nil {
			return err
		}
	}

	for s, now := range c.state.Senders() {
		if err := putChanged(c.v, senderKey(c.id, s.Organisation, s.Platform), now); err != nil {
			return err
		}
	}

	return nil
}

// putChanged writes a row that was loaded and may be as it was.
func putChanged[T any](v engine.View, k []byte, t T) error {
	before := v.Get(k)
	b, err := engine.Encode(t)
	if err == nil && !bytes.Equal(b, before) {
		v.Put(k, b)
	}

	return err
}

// result keeps what came of a command whose caller gave an id, with its last event.
func (c *change) result() error {
	cmd := domain.CommandID(c.rec.Meta.Command)
	if !cmd.Given() || c.rec.Index != c.rec.Count {
		return nil
	}

	r := Result{Position: c.rec.Position}
	touched := c.effect.Touches
	if len(touched.Messages) > 0 {
		r.Message = touched.Messages[0]
		r.Row = c.state.Messages()[r.Message]
	}

	if len(touched.Folders) > 0 {
		r.Folder = touched.Folders[0]
		r.FolderAs = c.state.Folders()[r.Folder]
	}

	return engine.Put(c.v, resultKey(c.id, cmd[:]), r)
}

// message puts a message's row, and its place in indices, counts and words with it: they follow from the row before and
// the row after, and from nothing else.
func (c *change) message(id domain.MessageID, before, now mailbox.Message) error {
	if now.Stage == 0 || now.Shown.Changed == before.Shown.Changed {
		return nil
	}

	if err := engine.Put(c.v, messageKey(c.id, id), now); err != nil {
		return err
	}

	c.place(id, before, now)
	c.copyMessage(id, before, now)

	var err error
	mailbox.Counted(before, now, func(p mailbox.Place, more mailbox.Count) {
		if err == nil {
			err = c.count(p, more)
		}
	})

	if err != nil {
		return err
	}

	if err := c.words(id, before, now); err != nil {
		return err
	}

	if now.Stage == mailbox.Purged || now.Stage == mailbox.Recalled {
		c.v.Delete(letterKey(c.id, id))
		c.v.Delete(listingKey(c.id, id))
	}

	return nil
}

// place moves a message in the indices.
func (c *change) place(id domain.MessageID, before, now mailbox.Message) {
	was, is := c.indices(before), c.indices(now)
	if before.Audience == now.Audience && equal(was, is) {
		return
	}

	for _, k := range was {
		c.v.Delete(k)
	}

	listed := append(id[:len(id):len(id)], now.Audience...)
	for _, k := range is {
		c.v.Put(k, listed)
	}
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}

	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}

	return true
}

// indices gives the keys under which a message is listed.
func (c *change) indices(m mailbox.Message) [][]byte {
	if m.Stage != mailbox.Here {
		return nil
	}

	at := m.Shown.Arrival
	keys := [][]byte{arrivalKey(c.id, kindArrival, at), arrivalInKey(c.id, kindIn, m.Folder, at)}
	if !m.Read {
		keys = append(keys, arrivalKey(c.id, kindUnread, at), arrivalInKey(c.id, kindUnreadIn, m.Folder, at))
	}

	return keys
}

// count adds to a count's row; one that comes to nothing goes.
func (c *change) count(p mailbox.Place, more mailbox.Count) error {
	k := countKey(c.id, p.Folder, p.Audience)
	n, _, err := engine.Row[mailbox.Count](c.v, k)
	if err != nil {
		return err
	}

	n.Total, n.Unread = n.Total+more.Total, n.Unread+more.Unread
	if n == (mailbox.Count{}) {
		c.v.Delete(k)
		return nil
	}

	return engine.Put(c.v, k, n)
}
