package viewtest

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// Who and what the orders are about.
var (
	author   = domain.UUID{5}
	now      = time.Unix(1000, 0).UTC()
	private  = domain.FolderID{1, 3} // only private post is moved here
	folders  = []domain.FolderID{{1, 0}, {1, 1}, {1, 2}, private}
	grants   = []domain.GrantID{{1}, {2}, {3}, {4}, {5}}
	senders  = []domain.OrganisationID{{1}, {2}, {3}}
	visitors = []domain.MailboxID{{7, 1}, {7, 2}, {7, 3}}
)

// A draw draws orders on a mailbox in a state.
type draw struct {
	*rand.Rand
	box   domain.MailboxID
	state *mailbox.State
}

// order draws one.
func (d draw) order() mailbox.Order {
	if d.IntN(100) == 0 || d.state.Life.Ended != "" && d.IntN(3) == 0 {
		return lives(d)
	}

	if d.state.Owner == "" && !d.state.Life.Opens.IsZero() {
		return d.machine(access.Clock, mailbox.OpenDue{At: now.AddDate(0, 3, 0)})
	}

	if d.state.Owner == "" && !d.state.Closed() {
		if d.coin() {
			facts := mailbox.Facts{Owner: mailbox.Citizen, Number: d.sealed(), Name: d.sealed()}
			known := mailbox.OwnerRegistered{Facts: facts, Opens: now.AddDate(0, 1, 0)}

			return d.machine(access.Register, mailbox.RegisterSays{Event: known})
		}
		open := mailbox.Open{Opened: mailbox.Opened{Owner: mailbox.Citizen, Name: d.sealed()}}
		return d.machine(access.Register, open)
	}

	if d.box == Boxes[len(Boxes)-1] && d.IntN(200) == 0 {
		return d.machine(access.Operations, mailbox.Shred{})
	}
	if d.state.Owner != "" && d.IntN(100) == 0 {
		return d.machine(access.Operations, mailbox.PassLeaves{Leaf: d.state.NextLeaf + uint32(d.IntN(3))})
	}

	switch d.IntN(23) {
	case 22:
		return text(d)
	case 21:
		return notice(d)
	case 20:
		return d.visibility()
	case 0, 1, 2, 3:
		return d.receive()
	case 4, 5, 6, 7:
		return d.owner(d.marking())
	case 8, 9, 10:
		return d.owner(d.moving())
	case 11, 12:
		return d.owner(d.organising())
	case 13, 14:
		return d.owner(d.writing())
	case 15:
		return d.handing()
	case 16:
		return d.access()
	case 17:
		return d.owner(d.setting())
	case 18:
		return d.exempting()
	}

	return d.owner(d.several())
}

// visibility is what platforms may hold from now on, and at times what they hold anew.
func (d draw) visibility() mailbox.Order {
	if d.IntN(5) == 0 {
		return d.machine(access.Backbone, mailbox.Retell{})
	}
	wanted := map[string]mailbox.Scopes{d.platform(): {Public: d.coin(), Private: d.coin()}}

	return d.machine(access.Backbone, mailbox.Show{Wanted: wanted})
}

// owner is the mailbox's, through one of two platforms.
func (d draw) owner(c mailbox.Command) mailbox.Order {
	p := access.Principal{Identity: d.box, Platform: d.platform()}
	return mailbox.Order{Command: c, By: mailbox.Caller{Principal: p, Mailbox: d.box, Now: now}}
}

func (d draw) machine(m access.Machine, c mailbox.Command) mailbox.Order {
	return mailbox.Order{Command: c, By: mailbox.Caller{Machine: m, Mailbox: d.box, Now: now}}
}

// visitor is somebody else, who comes with a privilege, if any.
func (d draw) visitor(id domain.MailboxID, c mailbox.Command, mandates ...access.Privilege) mailbox.Order {
	p := access.Principal{Identity: id, Platform: "app", Professional: len(mandates) > 0, Privileges: mandates}
	return mailbox.Order{Command: c, By: mailbox.Caller{Principal: p, Mailbox: d.box, Now: now}}
}

func (d draw) coin() bool { return d.IntN(2) == 0 }

func (d draw) platform() string { return one(d, []string{"app", "eboks"}) }

func one[T any](d draw, of []T) T { return of[d.IntN(len(of))] }

func (d draw) id() (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], d.Uint64())
	binary.BigEndian.PutUint64(id[8:], d.Uint64())

	return id
}

func (d draw) sealed() domain.Sealed {
	id := d.id()
	return domain.Sealed(id[:4])
}

// sealing makes of words and leaf what shows the leaf, and the same whenever it is asked again.
func (d draw) sealing() domain.Seal {
	words := d.sealed()
	return func(leaf uint32) (domain.Sealed, error) {
		return binary.BigEndian.AppendUint32(words[:len(words):len(words)], leaf), nil
	}
}

// lens is what the owner sees through a platform.
func (d draw) lens() mailbox.Lens {
	return mailbox.Lens{Private: d.platform(), Author: mailbox.AuthorOnly(author)}
}

// target is a message that the owner may see, as a rule, and at times one that never was.
func (d draw) target() mailbox.Target {
	t := mailbox.Target{Lens: mailbox.Lens{Private: "eboks", Author: mailbox.AuthorOnly(author)}}
	t.Message = d.message(func(m mailbox.Message) bool { return m.Stage == mailbox.Here })

	if d.IntN(8) == 0 {
		t.Lens = d.lens()
		t.Version = uint32(d.IntN(3))
	}

	return t
}

// message is one that is as asked for, and at times any, or none.
func (d draw) message(ok func(mailbox.Message) bool) domain.MessageID {
	if d.IntN(20) == 0 {
		return d.id()
	}

	whichever := d.IntN(20) == 0
	var found []domain.MessageID
	for id, m := range d.state.Messages() {
		if whichever || ok(m) {
			found = append(found, id)
		}
	}

	if len(found) == 0 {
		return d.id()
	}
	slices.SortFunc(found, func(a, b domain.MessageID) int { return bytes.Compare(a[:], b[:]) })

	return one(d, found)
}

// draft is one of the author's.
func (d draw) draft() mailbox.Target {
	t := d.target()
	t.Message = d.message(func(m mailbox.Message) bool { return m.Stage == mailbox.Here && m.Draft != nil })

	return t
}

// folder is one of the system's, or of the owner's own, which may be there or not.
func (d draw) folder() domain.FolderID {
	return one(d, slices.Concat(mailbox.SystemFolders, folders, folders))
}

// grant is one that the mailbox has, as a rule.
func (d draw) grant(state string) domain.GrantID {
	for _, id := range slices.SortedFunc(maps.Keys(d.state.Grants()), func(a, b domain.GrantID) int {
		return bytes.Compare(a[:], b[:])
	}) {
		if d.state.Grants()[id].State == state && d.IntN(4) > 0 {
			return id
		}
	}

	return one(d, grants)
}
