package core

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/directory"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/platform"
)

// maxSettled is how often a mailbox is looked at until what platforms hold of it is in line.
const maxSettled = 20

// Settle brings what platforms may hold of a mailbox in line with who reads it there, and of those that its owner reads
// for others, too. It returns once the views have what was appended for it. Each append is followed by another look,
// so that whoever looks last has seen everybody's.
//
// A crash between an event and this leaves a platform with what was so before: package visibility takes it up again.
func (c *Core) Settle(ctx context.Context, id domain.MailboxID, causation eventstore.Position) error {
	if err := c.Views.Wait(ctx, c.Log.Last()); err != nil {
		return err
	}

	d, err := directory.At(c.Views)
	if err != nil {
		return err
	}
	given := d.GrantedTo(id)
	d.Close()

	if err := c.settleOne(ctx, id, causation); err != nil {
		return err
	}

	done := map[domain.MailboxID]bool{id: true}
	for _, g := range given {
		if done[g.Mailbox] {
			continue
		}
		done[g.Mailbox] = true

		if err := c.settleOne(ctx, g.Mailbox, causation); err != nil {
			return err
		}
	}

	return nil
}

func (c *Core) settleOne(ctx context.Context, id domain.MailboxID, causation eventstore.Position) error {
	for range maxSettled {
		// The rules see an event of the stream a moment before the log's end is there: what they would call so already,
		// the view must have.
		if err := c.Views.Wait(ctx, c.soFar(Stream(id))); err != nil {
			return err
		}

		wanted, holds, err := c.wanted(id)
		if err != nil || maps.Equal(wanted, holds) {
			return err
		}

		for platform := range holds {
			if _, ok := wanted[platform]; !ok {
				wanted[platform] = mailbox.Scopes{}
			}
		}

		version, _ := c.Log.Head(Stream(id))
		of := binary.BigEndian.AppendUint64(nil, uint64(causation))
		of = binary.BigEndian.AppendUint64(of, uint64(version))
		m := Machine{
			Kind: access.Backbone, Once: "visibility", Thing: domain.DeriveID("visibility", id[:], of),
			Causation: causation,
		}
		if _, err := c.ByMachine(ctx, m, id, mailbox.Show{Wanted: wanted}); err != nil {
			return err
		}
	}

	return errors.New("backbone: what platforms hold of a mailbox does not come in line")
}

// wanted gives what platforms may hold of a mailbox by who reads it there now, and what they may by the log. Of one
// that is parked, or not there, both are nothing.
func (c *Core) wanted(id domain.MailboxID) (wanted, holds map[string]mailbox.Scopes, err error) {
	s, err := mailboxes.At(c.Views)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()

	box, there, err := s.Mailbox(id)
	if err != nil || !there || s.Parked(id) {
		return nil, nil, err
	}

	wanted = map[string]mailbox.Scopes{}
	for _, p := range platform.All {
		scopes, err := readThere(s, id, box, p, c.Now())
		if err != nil {
			return nil, nil, err
		}

		if scopes != (mailbox.Scopes{}) {
			wanted[p.ID] = scopes
		}
	}

	return wanted, s.Copies().Holds(id), nil
}

// readThere gives what a platform may hold of a mailbox: its owner must have signed in there, or have consented to it,
// or a delegate must have, whose access is in force; public post where the platform needs consent is for those who
// gave it. A delegate sees no private post.
func readThere(
	s *mailboxes.Snapshot, id domain.MailboxID, box mailbox.Box, p platform.Platform, now time.Time,
) (out mailbox.Scopes, err error) {
	if !p.Serves(box.Owner) {
		return out, nil
	}

	readers, err := s.Readers(id, p.ID, now)
	if err != nil {
		return out, err
	}

	own := readers.Own || box.Consents[p.ID]
	out.Private = own && p.Private
	out.Public = box.Consents[p.ID] || own && !p.Consent
	for _, d := range readers.Delegates {
		theirs, lives, err := s.Mailbox(d)
		if err != nil {
			return out, err
		}
		out.Public = out.Public || lives && (!p.Consent || theirs.Consents[p.ID])
	}

	return out, nil
}

// othersRead reports whether other people may read the mailbox on a platform after events.
func othersRead[E domain.Event](events []E) bool {
	for _, e := range events {
		if e.Effect().Readers {
			return true
		}
	}

	return false
}
