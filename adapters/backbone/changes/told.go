package changes

import (
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
)

// A told is what an event comes to for all platforms: it is found out once, whoever follows.
type told struct {
	Change
	acting string // platform
	holds  map[string]mailbox.Scopes

	rows []mailboxes.CopyRow // that the event changed, as they are now
	gone []mailboxes.CopyRow // that it took away: their keys
	tree bool                // folders are what it is about

	platform string        // of which the mailbox became visible or hidden; empty: the event says neither
	scope    mailbox.Scope // in which
	hides    bool
	bulk     bool // rows are too many to be held here: whoever tells of the event reads them
}

// tell gives what an event comes to; nil if it is nothing to any platform. The snapshot has the event.
func tell(s *mailboxes.Snapshot, rec *engine.Entry) (*told, error) {
	if rec.Stream.Kind != streams.Mailbox {
		return nil, nil
	}
	id := domain.MailboxID(rec.Stream.ID)

	e, err := rec.Says()
	if err != nil || s.Parked(id) {
		return nil, nil // it is parked: once it was folded again, all its rows are told anew
	}

	t := &told{
		Change: Change{Position: rec.Position, At: rec.Recorded, Type: rec.Type, Mailbox: id, Version: rec.Version},
		acting: rec.Meta.Platform, holds: s.Copies().Holds(id),
	}
	switch e := e.(type) {
	case mailbox.MailboxVisible:
		t.platform, t.scope, t.bulk = e.Platform, e.Scope, true
		return t, nil
	case mailbox.MailboxHidden:
		t.platform, t.scope, t.hides = e.Platform, e.Scope, true
		return t, nil
	}

	if len(t.holds) == 0 {
		return nil, nil // when it is visible, all is told
	}

	effect := e.Effect()
	if effect.Tells != nil {
		t.Change.Change = *effect.Tells
	}
	t.bulk = effect.Touches.Within != (domain.FolderID{})

	return t, t.read(s, effect.Touches)
}

// read finds the rows that an event changed. Those of folders are read even if a message is all that it touches: what
// they count has moved.
func (t *told) read(s *mailboxes.Snapshot, touches domain.Parts) error {
	for _, m := range touches.Messages {
		row, there, ever, err := s.Copies().Message(t.Mailbox, m)
		switch {
		case err != nil:
			return err
		case row.Position < t.Position: // nothing of it was changed
		case there:
			t.rows = append(t.rows, row)
		case ever:
			t.gone = append(t.gone, row)
		}
	}

	if len(touches.Messages)+len(touches.Folders) > 0 {
		t.rows = append(t.rows, s.Copies().Folders(t.Mailbox, t.Position)...)
	}

	for _, f := range touches.Folders {
		t.tree = true
		if _, there, err := s.Folder(t.Mailbox, f); err != nil || there {
			if err != nil {
				return err
			}
			continue
		}

		for platform, of := range t.holds {
			if of.Private && s.Copies().HadPrivate(t.Mailbox, f, platform) {
				t.gone = append(t.gone, mailboxes.GoneFolder(t.Mailbox, f, platform))
			}
		}
		t.gone = append(t.gone, mailboxes.GoneFolder(t.Mailbox, f, ""))
	}

	return nil
}

// A PlatformChange is an event as a platform's servers are told of it, or a part of it.
type PlatformChange struct {
	Change
	Acting string // the platform through which somebody acted; empty: nobody did
	// Scope is what became visible or hidden; empty: the event says neither.
	Scope mailbox.Scope
	Rows  [][]byte // that the event changed, as they are after it or later: JSON
	Gone  []string // keys of rows that are no more
	Part  int      // from 1; 0: the last, or the only one
}

// MaxRows is how many rows a platform is told at once.
const MaxRows = 500

// nothing reports whether there is nothing to tell.
func (c PlatformChange) nothing() bool { return len(c.Rows)+len(c.Gone) == 0 && c.Scope == "" }

// forPlatform gives what a platform is told of an event that may hold some scopes of the mailbox now, but for rows that
// are read by whoever tells of it.
func (t *told) forPlatform(name string, of mailbox.Scopes) (c PlatformChange) {
	c = PlatformChange{Change: t.Change, Acting: t.acting}
	if t.platform != "" {
		if t.platform == name {
			c.Scope = t.scope
		}

		return c
	}

	about := t.tree && of.Public
	for _, r := range t.rows {
		if mailboxes.Holds(of, name, r.Audience) {
			c.Rows = append(c.Rows, r.JSON)
			about = about || r.Message
		}
	}

	for _, r := range t.gone {
		if mailboxes.Holds(of, name, r.Audience) {
			c.Gone = append(c.Gone, r.Key)
			about = true
		}
	}

	if !about && !t.bulk { // its folders' rows are those of later events, which tell them
		return PlatformChange{}
	}

	return c
}
