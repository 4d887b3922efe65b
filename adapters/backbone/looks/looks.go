// Package looks shows who has seen a mailbox, and who was refused it. Package core records it.
package looks

import (
	"context"
	"slices"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/people"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
)

// A Look is one who has seen a mailbox, or was refused.
type Look struct {
	Position eventstore.Position
	At       time.Time
	Event    looks.Event
	Meta     eventstore.Meta
	Name     string // of who looked; empty: the mailbox is gone, or it is a professional
}

// maxLooks is how many of the newest looks can be asked for.
const maxLooks = 10_000

// Looks shows them. It may be used by many goroutines at once.
type Looks struct {
	core   *core.Core
	people *people.People
}

// New makes one.
func New(c *core.Core, p *people.People) *Looks { return &Looks{c, p} }

// List gives who has seen a mailbox, newest first, size of them from page on, and how many there are among the newest
// 10,000. They are for the owner and delegates to see; a look at post that is not shown to who asks is not shown
// either.
func (l *Looks) List(
	ctx context.Context, p access.Principal, box domain.MailboxID, page, size int,
) (out []Look, total int, err error) {
	v, err := l.core.Enter(ctx, p, box, access.SeeLooks)
	if err != nil {
		return nil, 0, err
	}
	defer v.Close()

	stream := eventstore.Stream{Kind: streams.Looks, ID: box}
	head, _ := l.core.Log.Head(stream)
	var all []Look

	for rec, err := range l.core.Log.ReadStream(ctx, stream, eventstore.Version(max(int(head)-maxLooks, 0))) {
		if err != nil {
			return nil, 0, err
		}

		e, err := looks.Codec.Decode(rec.Type, rec.Data)
		if err != nil {
			return nil, 0, err
		}

		shown, err := l.shows(v, rec, e)
		if err != nil {
			return nil, 0, err
		}

		if shown {
			all = append(all, Look{Position: rec.Position, At: rec.Recorded, Event: e, Meta: rec.Meta})
		}
	}
	slices.Reverse(all)

	from := min(page*size, len(all))
	out = all[from:min(from+size, len(all))]
	for i := range out {
		if out[i].Name, err = l.people.NameIn(v.View, out[i].Meta.Actor.ID); err != nil {
			return nil, 0, err
		}
	}

	return out, len(all), nil
}

// shows reports whether a look is at something that the visitor is shown.
func (l *Looks) shows(v *core.Visit, rec eventstore.Event, e looks.Event) (bool, error) {
	o, ok := e.(looks.ContentOpened)
	if !ok {
		return true, nil
	}

	return v.View.ShowedAt(v.Mailbox, o.Message, rec.Position, v.Lens)
}
