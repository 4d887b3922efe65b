package mailboxes

import (
	"context"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// Handler runs orders on mailboxes, from a Beginning.
type (
	Handler   = eventstore.Handler[mailbox.Order, mailbox.Event, mailbox.State]
	Beginning = eventstore.Beginning[mailbox.Event, mailbox.State]
)

// Start begins a mailbox's state from the view, with what the order asks for and what the stream's tail touches. A
// parked mailbox is engine.ErrParked.
func Start(views *engine.Views) eventstore.Start[mailbox.Order, mailbox.Event, mailbox.State] {
	return func(_ context.Context, s eventstore.Stream, o mailbox.Order) (b Beginning, err error) {
		snap, err := At(views)
		if err != nil {
			return b, err
		}

		if snap.Parked(s.ID) {
			snap.Close()
			return b, engine.ErrParked
		}

		standing, _, err := engine.Row[Standing](snap.s, standingKey(s.ID))
		if err != nil {
			snap.Close()
			return b, err
		}

		b.Version, b.Close = standing.Version, snap.Close
		b.State = func(tail []mailbox.Event) (mailbox.State, error) {
			// All at once and before any event is folded: a message that is read after a folder was deleted on top
			// would still lie in it.
			parts := mailbox.Needs(o)
			for _, e := range tail {
				parts = parts.And(tailTouches(e))
			}
			state, _, err := load(snap.s, s.ID, parts)

			return state, err
		}

		return b, nil
	}
}

// tailTouches is what an event of the tail touches, for a state of parts: of what lies in a folder only what is loaded
// anyway has to move, and counts move as they are.
func tailTouches(e mailbox.Event) domain.Parts {
	parts := e.Effect().Touches
	parts.Within = domain.FolderID{}

	return parts
}

// rows is what a state is loaded from: a snapshot, or the view that an event is applied to.
type rows interface {
	engine.Reader
	Scan(prefix []byte, fn func(key, value []byte) bool)
}

// load gives the state of a mailbox with the parts that are asked for. What is not there is loaded as that.
func load(r rows, id domain.MailboxID, parts domain.Parts) (mailbox.State, Standing, error) {
	standing, _, err := engine.Row[Standing](r, standingKey(id))
	if err != nil {
		return mailbox.State{}, standing, err
	}

	var box mailbox.Box
	if parts.Box {
		if box, _, err = engine.Row[mailbox.Box](r, boxKey(id)); err != nil {
			return mailbox.State{}, standing, err
		}
	}

	l := loader{rows: r, id: id, state: mailbox.PartOf(box, max(standing.NextLeaf, 1))}
	l.messages(parts)
	l.folders(parts)
	l.grants(parts)

	for _, o := range parts.Senders {
		l.sender(o)
	}

	if parts.Counts {
		l.counts()
	}

	return l.state, standing, l.err
}

// A loader fills a state. Its first error stands.
type loader struct {
	rows
	id    domain.MailboxID
	state mailbox.State
	err   error
}

// one reads a row, the zero one if there is none.
func one[T any](l *loader, k []byte) (t T) {
	if l.err == nil {
		t, _, l.err = engine.Row[T](l.rows, k)
	}

	return t
}

// all reads the rows under a prefix; fn gets the rest of each key.
func all[T any](l *loader, prefix []byte, fn func(rest []byte, t T)) {
	if l.err != nil {
		return
	}

	l.Scan(prefix, func(k, _ []byte) bool {
		t := one[T](l, k)
		if l.err == nil {
			fn(k[len(prefix):], t)
		}

		return l.err == nil
	})
}

func (l *loader) messages(parts domain.Parts) {
	wanted := parts.Messages
	if parts.Within != (domain.FolderID{}) {
		l.Scan(index(l.id, parts.Within, false), func(_, listed []byte) bool {
			wanted = append(wanted, domain.MessageID(listed[:idLength]))
			return true
		})
	}

	for _, m := range wanted {
		row := one[mailbox.Message](l, messageKey(l.id, m))
		l.state.SetMessage(m, row)

		if row.Stage == mailbox.Scheduled && row.Audience != "" { // its sender is asked about when its date comes
			l.sender(row.Sender)
		}
	}
}

func (l *loader) folders(parts domain.Parts) {
	for _, f := range parts.Folders {
		l.state.SetFolder(f, one[mailbox.Folder](l, folderKey(l.id, f)))
	}

	if !parts.AllFolders {
		return
	}

	found := map[domain.FolderID]mailbox.Folder{}
	all(l, key(l.id, kindFolder), func(rest []byte, f mailbox.Folder) { found[domain.FolderID(rest)] = f })
	l.state.SetFolders(found)
}

func (l *loader) grants(parts domain.Parts) {
	for _, g := range parts.Grants {
		row := one[mailbox.Grant](l, grantKey(l.id, kindGrant, g))
		if row.State == "" {
			row = one[mailbox.Grant](l, grantKey(l.id, kindGrantEnded, g))
		}
		l.state.SetGrant(g, row)
	}

	if !parts.AllGrants {
		return
	}

	found := map[domain.GrantID]mailbox.Grant{}
	all(l, key(l.id, kindGrant), func(rest []byte, g mailbox.Grant) { found[domain.GrantID(rest)] = g })
	l.state.SetGrants(found)
}

func (l *loader) sender(o domain.OrganisationID) {
	said := map[mailbox.PrivateSender]mailbox.SenderConsent{}
	all(l, key(l.id, kindSender, o[:]), func(platform []byte, c mailbox.SenderConsent) {
		said[mailbox.PrivateSender{Platform: string(platform), Organisation: o}] = c
	})
	l.state.SetSender(o, said)
}

func (l *loader) counts() {
	found := map[mailbox.Place]mailbox.Count{}
	all(l, key(l.id, kindCount), func(rest []byte, c mailbox.Count) {
		found[mailbox.Place{Folder: domain.FolderID(rest[:idLength]), Audience: string(rest[idLength:])}] = c
	})
	l.state.SetCounts(found)
}
