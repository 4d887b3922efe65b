package mailbox

import (
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse what is about messages.
const (
	NoSuchMessage    domain.Reason = "message.not.found"
	AlreadyReceived  domain.Reason = "message.already.received"
	AlreadyDelivered domain.Reason = "message.already.delivered"
	NotInTrash       domain.Reason = "message.not.in.trash"
	NoteTooLong      domain.Reason = "message.note.too.long"
	RecipientClosed  domain.Reason = "recipient.is.closed"
)

// MaxNote is how many characters a person's note on a message may have.
const MaxNote = 4000

// A Stage is where a message is in its life.
type Stage uint8

// Stages. What is recalled or purged never comes back.
const (
	Scheduled Stage = iota + 1
	Here
	Recalled
	Purged
)

// A Message is what changes of a message, as the rules know it, and beside it what only people see.
type Message struct {
	Stage Stage `cbor:"1,keyasint"` // 0: there never was such a message
	// Audience is who alone is shown the message: the platform of private post, a draft's author (see AuthorOnly), or
	// empty for public post.
	Audience string          `cbor:"2,keyasint,omitempty"`
	Folder   domain.FolderID `cbor:"3,keyasint,omitzero"`
	Before   domain.FolderID `cbor:"4,keyasint,omitzero"` // where it was before it was trashed
	Marks
	NoteKey domain.UUID     `cbor:"7,keyasint,omitzero"` // keyed hash of the note, zero for none
	Leaf    uint32          `cbor:"8,keyasint"`
	Version uint32          `cbor:"9,keyasint"` // from 1; grows with each event that changes what people see of it
	Due     time.Time       `cbor:"10,keyasint,omitzero"`
	System  domain.SystemID `cbor:"11,keyasint,omitzero"`

	LegalBasis string `cbor:"12,keyasint,omitempty"` // on which it comes through an exemption; empty: none

	Own      bool              `cbor:"13,keyasint,omitempty"` // came by no intake: written here, or forwarded
	Document domain.DocumentID `cbor:"14,keyasint,omitzero"`  // of such a message, once it is sent
	Draft    *Draft            `cbor:"15,keyasint,omitempty"` // nil: sent, or received
	Out      *Outgoing         `cbor:"16,keyasint,omitempty"` // of what was sent

	Sender domain.OrganisationID `cbor:"17,keyasint,omitzero"` // zero: a person
	Shown  MessageShown          `cbor:"18,keyasint"`

	ConsentBasis string `cbor:"19,keyasint,omitempty"` // of a company's, that its sender claims; empty: none
	Intake       uint64 `cbor:"20,keyasint,omitempty"` // position of its intake event; 0: it came by none
	Text         bool   `cbor:"21,keyasint,omitempty"` // a NemSMS, which goes out and is never delivered here
}

// A MessageShown is what only people see of a message: sealed words, times and positions. No rule asks for it.
type MessageShown struct {
	Arrival  uint64        `cbor:"1,keyasint,omitempty"` // position of the event by which it came, or was sent
	Received time.Time     `cbor:"2,keyasint,omitzero"`
	Changed  uint64        `cbor:"3,keyasint,omitempty"` // position of the last event about it
	Last     time.Time     `cbor:"4,keyasint,omitzero"`
	Size     int64         `cbor:"5,keyasint,omitempty"` // bytes of the MeMo
	Note     domain.Sealed `cbor:"6,keyasint,omitempty"`
	Answer   domain.Sealed `cbor:"7,keyasint,omitempty"` // words of the recipient's business receipt
	Answered time.Time     `cbor:"8,keyasint,omitzero"`
	Kind     string        `cbor:"9,keyasint,omitempty"` // as the letter says it
}

// onMessage is the effect of an event that changes a message and tells those who are shown it.
func onMessage(m domain.MessageID) domain.Effect {
	return domain.Effect{
		Touches: domain.Parts{Messages: []domain.MessageID{m}},
		Tells:   &domain.Change{Message: m},
	}
}

// messageEvents are the zero values of this file's event types.
var messageEvents = []Event{MessageDelivered{}, MessageScheduled{}, MessageRecalled{}, MessageRefused{}}

// MessageDelivered records that a message became available to the addressee: it has arrived (§ 10 of the Act on Digital
// Post), at the record's time. Letter is nil for a message that was scheduled before.
type MessageDelivered struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Letter  *Letter          `cbor:"2,keyasint,omitempty" json:"letter,omitempty"`
	// Despite is the legal basis on which the message came through an exemption.
	Despite string `cbor:"3,keyasint,omitempty" json:"despite,omitempty"`
	// Intake is the position of the intake event, where no letter says it.
	Intake uint64 `cbor:"4,keyasint,omitempty" json:"intake,omitempty"`
}

// EventType is the stored name.
func (MessageDelivered) EventType() string { return "mailbox.message-delivered" }

// Effect keeps the letter, if it comes with the event.
func (e MessageDelivered) Effect() domain.Effect {
	out := onMessage(e.Message)
	if e.Letter != nil {
		out = e.Letter.keeps()
	}
	out.Tells = &domain.Change{Message: e.Message, Folder: Inbox}

	return out
}

func (e MessageDelivered) brings() *Letter { return e.Letter }

func (e MessageDelivered) evolve(s *State, at domain.Moment) {
	if e.Letter != nil {
		s.begin(*e.Letter) // in no count yet: it lies in no folder
	}

	s.change(e.Message, at, false, func(m *Message) {
		m.Stage, m.Folder, m.Version = Here, Inbox, 1
		m.Shown.Arrival, m.Shown.Received = at.Position, at.Recorded
	})
}

// begin puts a letter's message into the state. It lies in no folder yet, and so in no count.
func (s *State) begin(l Letter) {
	s.take(l.Leaf)
	m := l.begun()
	m.Stage = Scheduled
	s.messages[l.Message] = m
}

// MessageScheduled records that a message waits for its date (valørdato): 00:00 in Copenhagen.
type MessageScheduled struct {
	Letter Letter    `cbor:"1,keyasint" json:"letter"`
	Due    time.Time `cbor:"2,keyasint" json:"due"`
}

// EventType is the stored name.
func (MessageScheduled) EventType() string { return "mailbox.message-scheduled" }

// Effect keeps the letter. Nobody is told before its date.
func (e MessageScheduled) Effect() domain.Effect { return e.Letter.keeps() }

func (e MessageScheduled) brings() *Letter { return &e.Letter }

func (e MessageScheduled) evolve(s *State, at domain.Moment) {
	s.begin(e.Letter)
	s.change(e.Letter.Message, at, false, func(m *Message) { m.Due = e.Due })
}

// MessageRecalled records that the sender took a scheduled message back.
type MessageRecalled struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Leaf    uint32           `cbor:"2,keyasint" json:"leaf"`
	Intake  uint64           `cbor:"3,keyasint,omitempty" json:"intake,omitempty"` // position of its intake event
}

// EventType is the stored name.
func (MessageRecalled) EventType() string { return "mailbox.message-recalled" }

// Effect frees the message.
func (e MessageRecalled) Effect() domain.Effect { return neverArrived(e.Message, e.Leaf) }

func (e MessageRecalled) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, false, func(m *Message) { m.Stage = Recalled })
}

// neverArrived is the effect of an event that ends a scheduled message, of which nobody was told.
func neverArrived(m domain.MessageID, leaf uint32) domain.Effect {
	return domain.Effect{
		Touches: domain.Parts{Messages: []domain.MessageID{m}},
		Frees:   domain.Freed{Leaves: []domain.Leaf{{Leaf: leaf}}, Received: []domain.MessageID{m}},
	}
}

// MessageRefused records that a scheduled message could not be delivered at its date: its recipient is exempt by then
// [7], or takes no post of the sender's.
type MessageRefused struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Leaf    uint32           `cbor:"2,keyasint" json:"leaf"`
	Reason  domain.Reason    `cbor:"3,keyasint" json:"reason"`
	Intake  uint64           `cbor:"4,keyasint,omitempty" json:"intake,omitempty"` // position of its intake event
}

// EventType is the stored name.
func (MessageRefused) EventType() string { return "mailbox.message-refused" }

// Effect frees the message.
func (e MessageRefused) Effect() domain.Effect { return neverArrived(e.Message, e.Leaf) }

func (e MessageRefused) evolve(s *State, at domain.Moment) {
	s.change(e.Message, at, false, func(m *Message) { m.Stage = Recalled })
}

// Receive takes a letter in: it is delivered if its date has come, and scheduled if not. It takes the mailbox's next
// leaf.
type Receive struct {
	Letter Letter
	// Seal gives the letter sealed under a leaf for an event of a type; nil leaves it as it is.
	Seal func(leaf uint32, eventType string) (Letter, error)
	Due  time.Time // zero: at once
	At   time.Time
}

func (c Receive) needs() domain.Parts {
	needs := domain.Parts{Messages: []domain.MessageID{c.Letter.Message}}
	if c.Letter.Platform != "" {
		needs.Senders = []domain.OrganisationID{c.Letter.Sender}
	}

	return needs
}

func (Receive) leave(*State) Leave {
	return Leave{Machines: []access.Machine{access.System, access.Forwarder}}
}

// Judge gives what the letter would be refused for, or nil, before anything is kept for it.
func (c Receive) Judge(s State) error {
	_, err := c.admitted(&s)
	return s.faultOr(err)
}

// admitted gives what must be recorded before the letter, or why it is refused.
func (c Receive) admitted(s *State) ([]Event, error) {
	switch {
	case s.Closed():
		return nil, domain.Refuse(RecipientClosed)
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.Message(c.Letter.Message).Stage != 0:
		return nil, domain.Refuse(AlreadyReceived)
	case c.Due.After(c.At):
		return nil, nil
	case s.keptOut(c.Letter.Platform, c.Letter.LegalBasis):
		return nil, domain.Refuse(RecipientExempt)
	}

	return s.admits(PrivateSender{c.Letter.Platform, c.Letter.Sender}, c.Letter.ConsentBasis)
}

func (c Receive) decide(s *State) ([]Event, error) {
	first, err := c.admitted(s)
	if err != nil {
		return nil, err
	}

	eventType := MessageDelivered{}.EventType()
	if c.Due.After(c.At) {
		eventType = MessageScheduled{}.EventType()
	}

	l := c.Letter
	if c.Seal != nil {
		if l, err = c.Seal(s.NextLeaf, eventType); err != nil {
			return nil, err
		}
	}
	l.Leaf = s.NextLeaf

	if c.Due.After(c.At) {
		return []Event{MessageScheduled{Letter: l, Due: c.Due}}, nil
	}

	return append(first, MessageDelivered{
		Message: l.Message, Letter: &l, Despite: s.despite(l.Platform, l.LegalBasis),
	}), nil
}

// despite gives the legal basis by which a message comes through an exemption; empty if there is none to come through.
func (s *State) despite(platform, legalBasis string) string {
	if !s.Exemption.Exempt || platform != "" {
		return ""
	}

	return legalBasis
}

// keptOut reports whether a message may not be delivered because its recipient is exempt. Private post, and
// authorities' on a legal basis of their own, come through.
func (s *State) keptOut(platform, legalBasis string) bool {
	return s.Exemption.Exempt && platform == "" && legalBasis == ""
}

// Release delivers a scheduled message whose date has come.
type Release struct {
	Message domain.MessageID
	At      time.Time
	// Basis is the legal basis that its sender has now: one that it has lost since lets nothing through.
	Basis string
}

func (c Release) needs() domain.Parts { return domain.Parts{Messages: []domain.MessageID{c.Message}} }

func (Release) leave(*State) Leave { return Leave{Machines: []access.Machine{access.Clock}} }

func (c Release) decide(s *State) ([]Event, error) {
	m := s.Message(c.Message)
	if m.Stage != Scheduled || m.Text || m.Due.After(c.At) {
		return nil, nil
	}

	refuse := func(reason domain.Reason) ([]Event, error) {
		return []Event{MessageRefused{Message: c.Message, Leaf: m.Leaf, Reason: reason, Intake: m.Intake}}, nil
	}

	if s.Owner == "" { // ended since: it has its outcome all the same
		return refuse(RecipientClosed)
	}

	if c.Basis == "" {
		m.LegalBasis = ""
	}
	if s.keptOut(m.Audience, m.LegalBasis) {
		return refuse(RecipientExempt)
	}

	first, err := s.admits(PrivateSender{m.Audience, m.Sender}, m.ConsentBasis)
	if reason, refused := domain.Refused(err); refused {
		return refuse(reason)
	}

	return append(first, MessageDelivered{
		Message: c.Message, Despite: s.despite(m.Audience, m.LegalBasis), Intake: m.Intake,
	}), nil
}

// Recall takes a scheduled message back, by the system that sent it. Recall and delivery compete for the same version:
// one of them wins.
type Recall struct {
	Message domain.MessageID
	System  domain.SystemID
}

func (c Recall) needs() domain.Parts { return domain.Parts{Messages: []domain.MessageID{c.Message}} }

func (Recall) leave(*State) Leave { return Leave{Machines: []access.Machine{access.System}} }

func (c Recall) decide(s *State) ([]Event, error) {
	m := s.Message(c.Message)
	switch {
	case m.Stage == 0 || m.System != c.System:
		return nil, domain.Refuse(NoSuchMessage)
	case m.Stage == Recalled:
		return nil, nil
	case m.Stage != Scheduled:
		return nil, domain.Refuse(AlreadyDelivered)
	}

	return []Event{MessageRecalled{Message: c.Message, Leaf: m.Leaf, Intake: m.Intake}}, nil
}
