package mailbox

import (
	"maps"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// State is a mailbox as its rules know it: whole, if it was folded from the first event, or the parts that were loaded
// from the view, which keeps this very state in rows.
type State struct {
	Box
	NextLeaf uint32 // the leaf that the next thing takes

	Known
	by Caller // who gives the command that is being decided
}

// A Box is a mailbox's own row.
type Box struct {
	Owner     OwnerKind         `cbor:"1,keyasint,omitempty"` // empty: not open
	Exemption Exemption         `cbor:"2,keyasint,omitzero"`
	Consents  map[string]bool   `cbor:"3,keyasint,omitempty"` // that a platform may show public post
	Languages map[string]string `cbor:"4,keyasint,omitempty"` // by platform
	Shown     BoxShown          `cbor:"5,keyasint"`
	Visible   map[string]Scopes `cbor:"6,keyasint,omitempty"` // what platforms may hold a copy of
	Contacts  []Contacts        `cbor:"7,keyasint,omitempty"` // never changed in place
	NemSMS    NemSMS            `cbor:"8,keyasint,omitzero"`
	Life      Life              `cbor:"9,keyasint,omitzero"`
}

// Closed reports whether nothing comes into the mailbox any more: its owner has ended, or it is destroyed.
func (b Box) Closed() bool { return b.Shown.Gone || b.Life.Ended != "" }

// A BoxShown is what only people see of a mailbox's own row.
type BoxShown struct {
	Opened Opened    `cbor:"1,keyasint"`
	At     time.Time `cbor:"2,keyasint"`
	Gone   bool      `cbor:"3,keyasint,omitempty"`
}

// A Place is a folder and an audience: see Message.
type Place struct {
	Folder   domain.FolderID
	Audience string
}

// A Count is of the messages in a place.
type Count struct {
	Total  int `cbor:"1,keyasint"`
	Unread int `cbor:"2,keyasint"`
}

// NewState is the whole state before anything happened.
func NewState() State {
	s := PartOf(Box{}, 1)
	s.loaded.whole = true

	return s
}

// PartOf begins a state that has a mailbox's own row, and the parts that are set beside it.
func PartOf(b Box, nextLeaf uint32) State {
	return State{Box: b, NextLeaf: nextLeaf, Known: Known{
		messages: map[domain.MessageID]Message{},
		folders:  map[domain.FolderID]Folder{},
		grants:   map[domain.GrantID]Grant{},
		senders:  map[PrivateSender]SenderConsent{},
		held:     map[Place]Count{},
		loaded:   loaded{senders: map[domain.OrganisationID]bool{}},
		fault:    &fault{},
	}}
}

// via gives how the caller grants access.
func (s *State) via() string {
	box := access.Mailbox{ID: s.by.Mailbox, Grants: s.inForce()}
	return ViaOf(access.Decide(s.by.Principal, access.GrantAccess, box, s.by.Now).Right)
}

// apply evolves the state by events that were just decided. They have no moment yet.
func (s *State) apply(events []Event) {
	for _, e := range events {
		e.evolve(s, domain.Moment{Type: e.EventType()})
	}
}

func (s *State) clone() State {
	c := *s
	c.messages, c.folders, c.grants = maps.Clone(s.messages), maps.Clone(s.folders), maps.Clone(s.grants)
	c.senders, c.held = maps.Clone(s.senders), maps.Clone(s.held)
	c.Consents, c.Languages = maps.Clone(s.Consents), maps.Clone(s.Languages)
	c.Visible = maps.Clone(s.Visible)

	return c
}

// take notes that a leaf is taken.
func (s *State) take(leaf uint32) { s.NextLeaf = max(s.NextLeaf, leaf+1) }

// put stores a message, and moves it in the counts: they have no other source than a message before and after.
func (s *State) put(id domain.MessageID, now Message) {
	before := s.messages[id]
	s.messages[id] = now

	if !s.loaded.whole && !s.loaded.counts {
		return
	}

	Counted(before, now, func(p Place, change Count) {
		c := s.held[p]
		c.Total, c.Unread = c.Total+change.Total, c.Unread+change.Unread

		if c == (Count{}) {
			delete(s.held, p)
			return
		}
		s.held[p] = c
	})
}

// Counted calls fn with how the counts of the places change that a message left and came to.
func Counted(before, now Message, fn func(Place, Count)) {
	was, is := before.counts(), now.counts()
	from, to := Place{before.Folder, before.Audience}, Place{now.Folder, now.Audience}

	if from == to {
		is.Total, is.Unread = is.Total-was.Total, is.Unread-was.Unread
		was = Count{}
	}

	if was != (Count{}) {
		fn(from, Count{-was.Total, -was.Unread})
	}

	if is != (Count{}) {
		fn(to, is)
	}
}

// counts is what a message adds to its place.
func (m Message) counts() (c Count) {
	if m.Stage != Here {
		return c
	}

	c.Total = 1
	if !m.Read {
		c.Unread = 1
	}

	return c
}

// change applies fn to a message that is there; shown says that people see the change, which is another version then.
// An event about a message that never was contradicts the log: a fault.
func (s *State) change(id domain.MessageID, at domain.Moment, shown bool, fn func(*Message)) {
	m := s.Message(id)
	if m.Stage == 0 {
		s.miss("an event changes a message that never was:", id)
		return
	}

	fn(&m)
	if shown {
		m.Version++
	}
	m.Shown.Last, m.Shown.Changed = at.Recorded, at.Position
	s.put(id, m)
}
