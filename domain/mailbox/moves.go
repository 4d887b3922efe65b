package mailbox

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
)

// moveEvents are the zero values of this file's event types.
var moveEvents = []Event{MessageMoved{}, MessageTrashed{}, MessageRestored{}, MessagePurged{}}

// MessageMoved records a move between folders.
type MessageMoved struct {
	Message  domain.MessageID `cbor:"1,keyasint" json:"message"`
	From     domain.FolderID  `cbor:"2,keyasint" json:"from"`
	To       domain.FolderID  `cbor:"3,keyasint" json:"to"`
	Platform string           `cbor:"4,keyasint,omitempty" json:"private,omitempty"` // the message's audience
}

// EventType is the stored name.
func (MessageMoved) EventType() string { return "mailbox.message-moved" }

// Effect is on the message alone.
func (e MessageMoved) Effect() domain.Effect {
	return movedMessage(e.Message, domain.Change{From: e.From, Folder: e.To})
}

func (e MessageMoved) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, true, func(m *Message) { m.Folder = e.To })
}

// movedMessage is the effect of an event that puts a message elsewhere.
func movedMessage(m domain.MessageID, c domain.Change) domain.Effect {
	e := onMessage(m)
	c.Message = m
	e.Tells = &c

	return e
}

// MessageTrashed records that a message was put into DELETED.
type MessageTrashed struct {
	Message  domain.MessageID `cbor:"1,keyasint" json:"message"`
	From     domain.FolderID  `cbor:"2,keyasint" json:"from"`
	Platform string           `cbor:"3,keyasint,omitempty" json:"private,omitempty"` // the message's audience
}

// EventType is the stored name.
func (MessageTrashed) EventType() string { return "mailbox.message-trashed" }

// Effect is on the message alone.
func (e MessageTrashed) Effect() domain.Effect {
	return movedMessage(e.Message, domain.Change{From: e.From, Folder: Deleted, Audience: e.Platform})
}

func (e MessageTrashed) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, true, func(m *Message) { m.Before, m.Folder = m.Folder, Deleted })
}

// MessageRestored records that a message was taken out of DELETED.
type MessageRestored struct {
	Message  domain.MessageID `cbor:"1,keyasint" json:"message"`
	To       domain.FolderID  `cbor:"2,keyasint" json:"to"`
	Platform string           `cbor:"3,keyasint,omitempty" json:"private,omitempty"` // the message's audience
}

// EventType is the stored name.
func (MessageRestored) EventType() string { return "mailbox.message-restored" }

// Effect is on the message alone.
func (e MessageRestored) Effect() domain.Effect {
	return movedMessage(e.Message, domain.Change{From: Deleted, Folder: e.To, Audience: e.Platform})
}

func (e MessageRestored) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, true, func(m *Message) { m.Folder = e.To })
}

// MessagePurged records that a message is gone for good; its keys are destroyed after this, and its evidence stays.
type MessagePurged struct {
	Message  domain.MessageID `cbor:"1,keyasint" json:"message"`
	Leaf     uint32           `cbor:"2,keyasint" json:"leaf"`
	From     domain.FolderID  `cbor:"3,keyasint" json:"from"`
	Platform string           `cbor:"4,keyasint,omitempty" json:"private,omitempty"` // the message's audience

	Own       bool                `cbor:"5,keyasint,omitempty" json:"own,omitempty"`       // it came by no intake
	Documents []domain.DocumentID `cbor:"6,keyasint,omitempty" json:"documents,omitempty"` // that go with it, if so
}

// EventType is the stored name.
func (MessagePurged) EventType() string { return "mailbox.message-purged" }

// Effect frees the message's leaf and its documents. One that came by intake has its document named there.
func (e MessagePurged) Effect() domain.Effect {
	out := movedMessage(e.Message, domain.Change{From: e.From, Audience: e.Platform})
	out.Frees = domain.Freed{Leaves: []domain.Leaf{{Leaf: e.Leaf}}, Documents: e.Documents}

	if !e.Own {
		out.Frees.Received = []domain.MessageID{e.Message}
	}

	return out
}

func (e MessagePurged) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, false, func(m *Message) {
		m.Stage, m.Draft = Purged, nil
		m.Shown.Note, m.Shown.Answer = nil, nil
	})
}

// Move puts a message into a folder: into DELETED it trashes, out of it it restores there.
type Move struct {
	Target
	To domain.FolderID
}

func (c Move) needs() domain.Parts {
	needs := c.Target.needs()
	if !IsSystem(c.To) {
		needs.Folders = []domain.FolderID{c.To}
	}

	return needs
}

func (c Move) leave(*State) Leave {
	if c.To == Deleted {
		return Leave{Actions: []access.Action{access.Organise, access.Trash}}
	}

	return Leave{Actions: []access.Action{access.Organise}}
}

func (c Move) decide(s *State) ([]Event, error) {
	m, err := c.find(s)
	switch {
	case err != nil:
		return nil, err
	case !s.exists(c.To):
		return nil, domain.Refuse(FolderNotFound)
	case c.To == Drafts && m.Draft == nil, c.To == Sent && m.Out == nil,
		m.Draft != nil && c.To != Drafts && c.To != Deleted:
		return nil, domain.Refuse(FolderNotAllowed)
	case m.Folder == c.To:
		return nil, nil
	case c.To == Deleted:
		return []Event{MessageTrashed{Message: c.Message, From: m.Folder, Platform: m.Audience}}, nil
	case m.Folder == Deleted:
		return []Event{MessageRestored{Message: c.Message, To: c.To, Platform: m.Audience}}, nil
	}

	return []Event{MessageMoved{Message: c.Message, From: m.Folder, To: c.To, Platform: m.Audience}}, nil
}

// Restore takes a message out of DELETED, to its old folder, or to the inbox if that is gone.
type Restore struct{ Target }

func (c Restore) needs() domain.Parts {
	needs := c.Target.needs()
	needs.AllFolders = true // which it was is known once the message is

	return needs
}

func (Restore) leave(*State) Leave { return Leave{Actions: []access.Action{access.Organise}} }

func (c Restore) decide(s *State) ([]Event, error) {
	m, err := c.find(s)
	if err != nil {
		return nil, err
	}

	if m.Folder != Deleted {
		return nil, domain.Refuse(NotInTrash)
	}

	to := m.Before
	if !s.exists(to) || to == Deleted {
		to = Inbox
	}

	return []Event{MessageRestored{Message: c.Message, To: to, Platform: m.Audience}}, nil
}

// Delete trashes a message, and purges one that is in DELETED already.
type Delete struct{ Target }

// leave asks for what deleting means for this message, as far as the caller sees it: a refusal tells nobody of one that
// they do not see. A draft is its author's own, whom nobody else sees.
func (c Delete) leave(s *State) Leave {
	switch m := s.Message(c.Message); {
	case m.Stage != Here || !c.Lens.Shows(m.Audience):
	case m.Draft != nil:
		return Leave{Actions: []access.Action{access.Write}}
	case m.Folder == Deleted:
		return Leave{Actions: []access.Action{access.Purge}}
	}

	return Leave{Actions: []access.Action{access.Trash}}
}

func (c Delete) decide(s *State) ([]Event, error) {
	m, err := c.find(s)
	if err != nil {
		return nil, err
	}

	if m.Folder != Deleted {
		return []Event{MessageTrashed{Message: c.Message, From: m.Folder, Platform: m.Audience}}, nil
	}

	e := MessagePurged{Message: c.Message, Leaf: m.Leaf, From: Deleted, Platform: m.Audience, Own: m.Own}
	if m.Document != (domain.DocumentID{}) {
		e.Documents = []domain.DocumentID{m.Document}
	}

	if m.Draft != nil {
		e.Documents = dropped(m.Draft.Parts, nil)
	}

	return []Event{e}, nil
}
