package mailbox

import (
	"unicode/utf8"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// A Target is the message that a person's command is about, as that person sees it.
type Target struct {
	Message domain.MessageID
	Lens    Lens
	Version uint32 // the version that the caller knows; 0: any
}

func (t Target) needs() domain.Parts { return domain.Parts{Messages: []domain.MessageID{t.Message}} }

// find gives the target's message if it is there through the lens and at the version.
func (t Target) find(s *State) (Message, error) {
	m := s.Message(t.Message)
	if s.Owner == "" || m.Stage != Here || !t.Lens.Shows(m.Audience) {
		return m, domain.Refuse(NoSuchMessage)
	}

	return m, domain.AtVersion(m.Version, t.Version)
}

// Then drops the version, for the later commands of an All.
func (t Target) Then() Target { t.Version = 0; return t }

// Marks are what people set on a message.
type Marks struct {
	Read bool `cbor:"5,keyasint,omitempty"`
	Flag bool `cbor:"6,keyasint,omitempty"`
}

// markEvents are the zero values of this file's event types.
var markEvents = []Event{
	MessageMarkedRead{}, MessageMarkedUnread{}, MessageFlagged{}, MessageUnflagged{}, MessageNoted{},
}

// A Patch is what a person changes of a message at once; nil fields stay.
type Patch struct {
	Read   *bool
	Flag   *bool
	Folder *domain.FolderID
	Note   *string
}

// MaxPatch is to how many events a patch leads at most: one for each field.
const MaxPatch = 4

// Command gives a patch's one command, in which the target's version is looked at once. The note's is made by note.
func (p Patch) Command(t Target, note func(t Target, words string) SetNote) Command {
	var all All
	next := func() Target {
		defer func() { t = t.Then() }()
		return t
	}

	if p.Folder != nil {
		all = append(all, Move{Target: next(), To: *p.Folder})
	}

	if p.Read != nil {
		all = append(all, MarkRead{Target: next(), Read: *p.Read})
	}

	if p.Flag != nil {
		all = append(all, Flag{Target: next(), On: *p.Flag})
	}

	if p.Note != nil {
		all = append(all, note(next(), *p.Note))
	}

	if len(all) == 0 { // nothing is asked for, but the message must be there, at the version
		return Check{Target: t}
	}

	return all
}

// marking says that a command needs no more than the right to mark.
func marking(*State) Leave { return Leave{Actions: []access.Action{access.Mark}} }

// MessageMarkedRead records that the person wants the message shown as read. It never touches who has looked.
type MessageMarkedRead struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
}

// EventType is the stored name.
func (MessageMarkedRead) EventType() string { return "mailbox.message-marked-read" }

// Effect is on the message alone.
func (e MessageMarkedRead) Effect() domain.Effect { return onMessage(e.Message) }

func (e MessageMarkedRead) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, true, func(m *Message) { m.Read = true })
}

// MessageMarkedUnread records that the person wants the message shown as unread.
type MessageMarkedUnread struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
}

// EventType is the stored name.
func (MessageMarkedUnread) EventType() string { return "mailbox.message-marked-unread" }

// Effect is on the message alone.
func (e MessageMarkedUnread) Effect() domain.Effect { return onMessage(e.Message) }

func (e MessageMarkedUnread) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, true, func(m *Message) { m.Read = false })
}

// MarkRead marks a message read or unread.
type MarkRead struct {
	Target
	Read bool
}

func (MarkRead) leave(s *State) Leave { return marking(s) }

func (c MarkRead) decide(s *State) ([]Event, error) {
	m, err := c.find(s)
	switch {
	case err != nil || m.Read == c.Read:
		return nil, err
	case c.Read:
		return []Event{MessageMarkedRead{c.Message}}, nil
	}

	return []Event{MessageMarkedUnread{c.Message}}, nil
}

// MessageFlagged records that the person set their mark on the message.
type MessageFlagged struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
}

// EventType is the stored name.
func (MessageFlagged) EventType() string { return "mailbox.message-flagged" }

// Effect is on the message alone.
func (e MessageFlagged) Effect() domain.Effect { return onMessage(e.Message) }

func (e MessageFlagged) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, true, func(m *Message) { m.Flag = true })
}

// MessageUnflagged records that the person took their mark away.
type MessageUnflagged struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
}

// EventType is the stored name.
func (MessageUnflagged) EventType() string { return "mailbox.message-unflagged" }

// Effect is on the message alone.
func (e MessageUnflagged) Effect() domain.Effect { return onMessage(e.Message) }

func (e MessageUnflagged) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, true, func(m *Message) { m.Flag = false })
}

// Flag sets or takes the person's mark.
type Flag struct {
	Target
	On bool
}

func (Flag) leave(s *State) Leave { return marking(s) }

func (c Flag) decide(s *State) ([]Event, error) {
	m, err := c.find(s)
	switch {
	case err != nil || m.Flag == c.On:
		return nil, err
	case c.On:
		return []Event{MessageFlagged{c.Message}}, nil
	}

	return []Event{MessageUnflagged{c.Message}}, nil
}

// MessageNoted records the person's note on a message; an empty one is none.
type MessageNoted struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Note    domain.Sealed    `cbor:"2,keyasint,omitempty" json:"note,omitempty"`
	Key     domain.UUID      `cbor:"3,keyasint" json:"key"`
}

// EventType is the stored name.
func (MessageNoted) EventType() string { return "mailbox.message-noted" }

// Effect is on the message alone.
func (e MessageNoted) Effect() domain.Effect { return onMessage(e.Message) }

func (e MessageNoted) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, true, func(m *Message) { m.NoteKey, m.Shown.Note = e.Key, e.Note })
}

// SetNote sets the note, of at most MaxNote characters; an empty one takes it away.
type SetNote struct {
	Target
	Words string
	Seal  domain.Seal
	// Key gives the note's keyed hash under the message's leaf; nil, or an empty note: zero.
	Key func(leaf uint32) (domain.UUID, error)
}

func (SetNote) leave(s *State) Leave { return marking(s) }

func (c SetNote) decide(s *State) ([]Event, error) {
	if utf8.RuneCountInString(c.Words) > MaxNote {
		return nil, domain.Refuse(NoteTooLong)
	}

	m, err := c.find(s)
	if err != nil {
		return nil, err
	}

	e := MessageNoted{Message: c.Message}
	if c.Words != "" {
		if e.Key, err = c.Key(m.Leaf); err != nil || e.Key == m.NoteKey {
			return nil, err
		}

		if e.Note, err = c.Seal.Under(m.Leaf, nil); err != nil {
			return nil, err
		}
	}

	if m.NoteKey == e.Key {
		return nil, nil
	}

	return []Event{e}, nil
}

// Check asks whether a message is there, at the version that the caller knows, and changes nothing.
type Check struct{ Target }

func (Check) leave(*State) Leave { return Leave{Actions: []access.Action{access.List}} }

func (c Check) decide(s *State) ([]Event, error) {
	_, err := c.find(s)
	return nil, err
}
