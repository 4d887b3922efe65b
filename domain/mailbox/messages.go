package mailbox

import (
	"time"

	"digitalpost/domain"
)

// A Letter is a message as it came in. It stands in the event that first puts the message into the mailbox's stream.
type Letter struct {
	Message     domain.MessageID      `cbor:"1,keyasint" json:"message"`
	Leaf        uint32                `cbor:"2,keyasint" json:"leaf"`
	System      domain.SystemID       `cbor:"3,keyasint" json:"system"`
	Sender      domain.OrganisationID `cbor:"4,keyasint" json:"sender"`
	UUID        domain.UUID           `cbor:"5,keyasint" json:"messageUUID"`
	Kind        string                `cbor:"6,keyasint" json:"kind"`                         // REGULAR, MANDATORY or LEGAL_NOTIFICATION
	Platform    string                `cbor:"7,keyasint,omitempty" json:"platform,omitempty"` // set for private post: who alone shows it
	Document    domain.DocumentID     `cbor:"8,keyasint" json:"document"`
	Length      int64                 `cbor:"9,keyasint" json:"length"`      // bytes of the MeMo
	Kept        int64                 `cbor:"10,keyasint" json:"kept"`       // bytes kept: the MeMo and its outline
	SealedHash  []byte                `cbor:"11,keyasint" json:"sealedHash"` // SHA-256 of the sealed bytes
	DocumentKey domain.Sealed         `cbor:"12,keyasint" json:"documentKey"`
	Outline     domain.Sealed         `cbor:"13,keyasint,omitempty" json:"outline,omitempty"` // all of the MeMo but its files' bytes; empty: behind the MeMo
	Hash        []byte                `cbor:"14,keyasint" json:"hash"`                        // SHA-256 of salt and the MeMo's bytes
	Salt        domain.Sealed         `cbor:"15,keyasint" json:"salt"`
	Intake      uint64                `cbor:"16,keyasint" json:"intake"`                         // position of its intake event
	IntakeLeaf  uint32                `cbor:"17,keyasint" json:"intakeLeaf"`                     // leaf of the intake stream that is forgotten now
	Shard       uint16                `cbor:"18,keyasint" json:"shard"`                          // which intake stream
	LegalBasis  string                `cbor:"19,keyasint,omitempty" json:"legalBasis,omitempty"` // of a sender who may write to those who are exempt
	Words       domain.Sealed         `cbor:"20,keyasint,omitempty" json:"words,omitempty"`      // what a search looks in, folded
}

// MessageDelivered records that a message became available to the addressee: it has arrived (§ 10 of the Act on Digital Post), at the
// record's time. Letter is nil for a message that was scheduled before.
type MessageDelivered struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Letter  *Letter          `cbor:"2,keyasint,omitempty" json:"letter,omitempty"`
	Despite string           `cbor:"3,keyasint,omitempty" json:"despite,omitempty"` // the legal basis on which it came through an exemption
}

func (MessageDelivered) EventType() string { return "mailbox.message-delivered" }
func (e MessageDelivered) evolve(s *State) {
	if e.Letter != nil {
		s.begin(*e.Letter)
	}
	m, ok := s.Messages[e.Message]
	if !ok {
		return // not among the messages that this state was loaded for
	}
	m.Stage, m.Folder, m.Version = Here, Inbox, 1
	s.Messages[e.Message] = m
	s.Held[Place{Inbox, m.Platform}]++
}

func (s *State) begin(l Letter) {
	s.NextLeaf = max(s.NextLeaf, l.Leaf+1)
	s.Messages[l.Message] = Message{}.Begun(l)
}

// Begun gives a message as it is when its letter has just come.
func (Message) Begun(l Letter) Message {
	m := Message{Leaf: l.Leaf, Platform: l.Platform, System: l.System, LegalBasis: l.LegalBasis}
	if l.System == (domain.SystemID{}) {
		m.Own, m.Document = true, l.Document
	}
	if l.Platform != "" {
		m.Sender = l.Sender
	}
	return m
}

// MessageScheduled records that a message waits for its date (valørdato): 00:00 in Copenhagen.
type MessageScheduled struct {
	Letter Letter    `cbor:"1,keyasint" json:"letter"`
	Due    time.Time `cbor:"2,keyasint" json:"due"`
}

func (MessageScheduled) EventType() string { return "mailbox.message-scheduled" }
func (e MessageScheduled) evolve(s *State) {
	s.begin(e.Letter)
	m := s.Messages[e.Letter.Message]
	m.Stage, m.Due = Scheduled, e.Due
	s.Messages[e.Letter.Message] = m
}

// MessageRecalled records that the sender took a scheduled message back.
type MessageRecalled struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Leaf    uint32           `cbor:"2,keyasint" json:"leaf"`
}

func (MessageRecalled) EventType() string { return "mailbox.message-recalled" }
func (e MessageRecalled) evolve(s *State) {
	s.change(e.Message, false, func(m *Message) { m.Stage = Recalled })
}

// change applies fn to a message that the state holds; shown says that people see the change.
func (s *State) change(id domain.MessageID, shown bool, fn func(*Message)) {
	m, ok := s.Messages[id]
	if !ok {
		return
	}
	fn(&m)
	if shown {
		m.Version++
	}
	s.Messages[id] = m
}

// Receive takes a letter in: it is delivered if its date has come, and scheduled if not.
type Receive struct {
	Letter Letter
	Due    time.Time // zero: at once
	At     time.Time
}

func (c Receive) decide(s State) ([]Event, error) {
	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.Messages[c.Letter.Message].Stage != 0:
		return nil, domain.Refuse(AlreadyReceived)
	case c.Letter.Leaf != s.NextLeaf:
		return nil, domain.Refuse(LeafTaken)
	case c.Due.After(c.At):
		return []Event{MessageScheduled{Letter: c.Letter, Due: c.Due}}, nil
	case s.keptOut(c.Letter.Platform, c.Letter.LegalBasis):
		return nil, domain.Refuse(RecipientExempt)
	}
	first, err := s.admits(PrivateSender{c.Letter.Platform, c.Letter.Sender})
	if err != nil {
		return nil, err
	}
	return append(first, MessageDelivered{Message: c.Letter.Message, Letter: &c.Letter, Despite: s.despite(c.Letter.Platform, c.Letter.LegalBasis)}), nil
}

// despite gives the legal basis by which a message comes through an exemption; empty if there is none to come through.
func (s State) despite(platform, legalBasis string) string {
	if !s.Exemption.Exempt || platform != "" {
		return ""
	}
	return legalBasis
}

// Release delivers a scheduled message whose date has come.
type Release struct {
	Message domain.MessageID
	At      time.Time
}

func (c Release) decide(s State) ([]Event, error) {
	m := s.Messages[c.Message]
	if s.Owner == "" {
		return nil, domain.Refuse(NotOpen)
	}
	if m.Stage != Scheduled || m.Due.After(c.At) {
		return nil, nil
	}
	if s.keptOut(m.Platform, m.LegalBasis) {
		return []Event{MessageRefused{Message: c.Message, Leaf: m.Leaf, Reason: RecipientExempt}}, nil
	}
	first, err := s.admits(PrivateSender{m.Platform, m.Sender})
	if err != nil {
		return []Event{MessageRefused{Message: c.Message, Leaf: m.Leaf, Reason: SenderDeclined}}, nil
	}
	return append(first, MessageDelivered{Message: c.Message, Despite: s.despite(m.Platform, m.LegalBasis)}), nil
}

// Recall takes a scheduled message back, by the system that sent it. Recall and delivery compete for the same version: one of them wins.
type Recall struct {
	Message domain.MessageID
	System  domain.SystemID
}

func (c Recall) decide(s State) ([]Event, error) {
	m := s.Messages[c.Message]
	switch {
	case m.Stage == 0 || m.System != c.System:
		return nil, domain.Refuse(NoSuchMessage)
	case m.Stage == Recalled:
		return nil, nil
	case m.Stage != Scheduled:
		return nil, domain.Refuse(AlreadyDelivered)
	}
	return []Event{MessageRecalled{Message: c.Message, Leaf: m.Leaf}}, nil
}

// A Target is the message that a person's command is about, as that person sees it.
type Target struct {
	Message  domain.MessageID
	Platform string // through which platform; private post of another platform is not there
	Author   string // whose drafts are there: see AuthorOnly
	NoPublic bool   // public post is not there either: the platform needs a consent that was not given
	Version  uint32 // the version that the caller knows; 0: any
}

// find gives the target's message if it is there for the platform and at the version.
func (t Target) find(s State) (Message, error) {
	m, ok := s.Messages[t.Message]
	private := m.Platform != "" && !ForAuthor(m.Platform)
	if !ok || s.Owner == "" || m.Stage != Here || private && m.Platform != t.Platform || !private && (t.NoPublic || m.Platform != "" && m.Platform != t.Author) {
		return m, domain.Refuse(NoSuchMessage)
	}
	if t.Version != 0 && t.Version != m.Version {
		return m, &domain.Rejection{Reason: StaleVersion, Version: m.Version}
	}
	return m, nil
}

// Then drops the version, for the later commands of an All.
func (t Target) Then() Target { t.Version = 0; return t }

// MessageMarkedRead and MessageMarkedUnread record what the person wants shown; they never touch who has looked.
type (
	MessageMarkedRead struct {
		Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	}
	MessageMarkedUnread struct {
		Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	}
	// MessageFlagged and MessageUnflagged set and take the person's mark.
	MessageFlagged struct {
		Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	}
	MessageUnflagged struct {
		Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	}
)

func (MessageMarkedRead) EventType() string   { return "mailbox.message-marked-read" }
func (MessageMarkedUnread) EventType() string { return "mailbox.message-marked-unread" }
func (MessageFlagged) EventType() string      { return "mailbox.message-flagged" }
func (MessageUnflagged) EventType() string    { return "mailbox.message-unflagged" }
func (e MessageMarkedRead) evolve(s *State) {
	s.change(e.Message, true, func(m *Message) { m.Read = true })
}
func (e MessageMarkedUnread) evolve(s *State) {
	s.change(e.Message, true, func(m *Message) { m.Read = false })
}
func (e MessageFlagged) evolve(s *State) {
	s.change(e.Message, true, func(m *Message) { m.Flag = true })
}
func (e MessageUnflagged) evolve(s *State) {
	s.change(e.Message, true, func(m *Message) { m.Flag = false })
}

// MarkRead marks a message read or unread.
type MarkRead struct {
	Target
	Read bool
}

func (c MarkRead) decide(s State) ([]Event, error) {
	m, err := c.find(s)
	switch {
	case err != nil || m.Read == c.Read:
		return nil, err
	case c.Read:
		return []Event{MessageMarkedRead{c.Message}}, nil
	}
	return []Event{MessageMarkedUnread{c.Message}}, nil
}

// Flag sets or takes the person's mark.
type Flag struct {
	Target
	On bool
}

func (c Flag) decide(s State) ([]Event, error) {
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

func (MessageNoted) EventType() string { return "mailbox.message-noted" }
func (e MessageNoted) evolve(s *State) {
	s.change(e.Message, true, func(m *Message) { m.NoteKey = e.Key })
}

// SetNote sets the note; Key is its keyed hash, zero for an empty note.
type SetNote struct {
	Target
	Note domain.Sealed
	Key  domain.UUID
}

func (c SetNote) decide(s State) ([]Event, error) {
	m, err := c.find(s)
	if err != nil || m.NoteKey == c.Key {
		return nil, err
	}
	return []Event{MessageNoted{Message: c.Message, Note: c.Note, Key: c.Key}}, nil
}

// MessageMoved records a move between folders.
type MessageMoved struct {
	Message  domain.MessageID `cbor:"1,keyasint" json:"message"`
	From     domain.FolderID  `cbor:"2,keyasint" json:"from"`
	To       domain.FolderID  `cbor:"3,keyasint" json:"to"`
	Platform string           `cbor:"4,keyasint,omitempty" json:"private,omitempty"`
}

// MessageTrashed records that a message was put into DELETED.
type MessageTrashed struct {
	Message  domain.MessageID `cbor:"1,keyasint" json:"message"`
	From     domain.FolderID  `cbor:"2,keyasint" json:"from"`
	Platform string           `cbor:"3,keyasint,omitempty" json:"private,omitempty"`
}

// MessageRestored records that a message was taken out of DELETED.
type MessageRestored struct {
	Message  domain.MessageID `cbor:"1,keyasint" json:"message"`
	To       domain.FolderID  `cbor:"2,keyasint" json:"to"`
	Platform string           `cbor:"3,keyasint,omitempty" json:"private,omitempty"`
}

// MessagePurged records that a message is gone for good; its keys are destroyed after this, and its evidence stays.
type MessagePurged struct {
	Message  domain.MessageID `cbor:"1,keyasint" json:"message"`
	Leaf     uint32           `cbor:"2,keyasint" json:"leaf"`
	From     domain.FolderID  `cbor:"3,keyasint" json:"from"`
	Platform string           `cbor:"4,keyasint,omitempty" json:"private,omitempty"`

	Own       bool                `cbor:"5,keyasint,omitempty" json:"own,omitempty"`       // it came by no intake
	Documents []domain.DocumentID `cbor:"6,keyasint,omitempty" json:"documents,omitempty"` // that go with it, if so
}

func (MessageMoved) EventType() string    { return "mailbox.message-moved" }
func (MessageTrashed) EventType() string  { return "mailbox.message-trashed" }
func (MessageRestored) EventType() string { return "mailbox.message-restored" }
func (MessagePurged) EventType() string   { return "mailbox.message-purged" }

func (s *State) held(from, to domain.FolderID, platform string) {
	s.Held[Place{from, platform}]--
	if to != (domain.FolderID{}) {
		s.Held[Place{to, platform}]++
	}
}

func (e MessageMoved) evolve(s *State) {
	s.held(e.From, e.To, e.Platform)
	s.change(e.Message, true, func(m *Message) { m.Folder = e.To })
}
func (e MessageTrashed) evolve(s *State) {
	s.held(e.From, Deleted, e.Platform)
	s.change(e.Message, true, func(m *Message) { m.Before, m.Folder = m.Folder, Deleted })
}
func (e MessageRestored) evolve(s *State) {
	s.held(Deleted, e.To, e.Platform)
	s.change(e.Message, true, func(m *Message) { m.Folder = e.To })
}
func (e MessagePurged) evolve(s *State) {
	s.held(e.From, domain.FolderID{}, e.Platform)
	s.change(e.Message, false, func(m *Message) { m.Stage, m.Draft = Purged, nil })
}

// Move puts a message into a folder: into DELETED it trashes, out of it it restores there.
type Move struct {
	Target
	To domain.FolderID
}

func (c Move) decide(s State) ([]Event, error) {
	m, err := c.find(s)
	switch {
	case err != nil:
		return nil, err
	case !s.exists(c.To):
		return nil, domain.Refuse(FolderNotFound)
	case c.To == Drafts && m.Draft == nil, c.To == Sent && m.Out == nil, m.Draft != nil && c.To != Drafts && c.To != Deleted:
		return nil, domain.Refuse(FolderNotAllowed)
	case m.Folder == c.To:
		return nil, nil
	case c.To == Deleted:
		return []Event{MessageTrashed{Message: c.Message, From: m.Folder, Platform: m.Platform}}, nil
	case m.Folder == Deleted:
		return []Event{MessageRestored{Message: c.Message, To: c.To, Platform: m.Platform}}, nil
	}
	return []Event{MessageMoved{Message: c.Message, From: m.Folder, To: c.To, Platform: m.Platform}}, nil
}

// Restore takes a message out of DELETED, to its old folder, or to the inbox if that is gone.
type Restore struct{ Target }

func (c Restore) decide(s State) ([]Event, error) {
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
	return []Event{MessageRestored{Message: c.Message, To: to, Platform: m.Platform}}, nil
}

// Delete trashes a message, and purges one that is in DELETED already.
type Delete struct{ Target }

func (c Delete) decide(s State) ([]Event, error) {
	m, err := c.find(s)
	if err != nil {
		return nil, err
	}
	if m.Folder != Deleted {
		return []Event{MessageTrashed{Message: c.Message, From: m.Folder, Platform: m.Platform}}, nil
	}
	e := MessagePurged{Message: c.Message, Leaf: m.Leaf, From: Deleted, Platform: m.Platform, Own: m.Own}
	if m.Document != (domain.DocumentID{}) {
		e.Documents = []domain.DocumentID{m.Document}
	}
	if m.Draft != nil {
		e.Documents = dropped(m.Draft.Parts, nil)
	}
	return []Event{e}, nil
}

// Check asks whether a message is there, at the version that the caller knows, and changes nothing.
type Check struct{ Target }

func (c Check) decide(s State) ([]Event, error) {
	_, err := c.find(s)
	return nil, err
}
