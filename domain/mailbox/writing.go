package mailbox

import (
	"strings"

	"digitalpost/domain"
)

// Reasons to refuse what people write.
const (
	NotADraft      domain.Reason = "message.not.draft"
	TooManyDrafts  domain.Reason = "draft.too.many"
	TooManyParts   domain.Reason = "draft.parts.too.many"
	ConsentMissing domain.Reason = "platform.consent.missing"
	PrivatePost    domain.Reason = "message.is.private"
	ReceiptGiven   domain.Reason = "receipt.already.given"
	NotFetched     domain.Reason = "memo.not.fetched"
)

// Bounds of what is not sent yet.
const (
	MaxDrafts = 100 // of one author in one mailbox, those in DELETED too
	MaxParts  = 200 // uploaded pieces of one draft
)

const authorPrefix = "author:"

// AuthorOnly gives the audience of a draft: whoever writes it, on every platform, and nobody else.
func AuthorOnly(author domain.UUID) string { return authorPrefix + author.String() }

// ForAuthor tells whether an audience is a draft's author, and not a platform.
func ForAuthor(audience string) bool { return strings.HasPrefix(audience, authorPrefix) }

// A Part is a piece of a draft's file, kept on its own until the draft is sent.
type Part struct {
	Document   domain.DocumentID `cbor:"1,keyasint" json:"document"`
	Length     int64             `cbor:"2,keyasint" json:"length"`
	SealedHash []byte            `cbor:"3,keyasint" json:"sealedHash"`
	Key        domain.Sealed     `cbor:"4,keyasint" json:"key"`
}

// A Draft is what the rules know of a message that is not sent yet.
type Draft struct {
	Content domain.Sealed `cbor:"1,keyasint"` // the MeMo in the making
	Parts   []Part        `cbor:"2,keyasint,omitempty"`
}

// DraftSaved records a draft (kladde) as its author left it. The first one begins the message.
type DraftSaved struct {
	Message domain.MessageID    `cbor:"1,keyasint" json:"message"`
	Leaf    uint32              `cbor:"2,keyasint" json:"leaf"`
	Author  domain.UUID         `cbor:"3,keyasint" json:"author"`
	Content domain.Sealed       `cbor:"4,keyasint" json:"content"`
	Parts   []Part              `cbor:"5,keyasint,omitempty" json:"parts,omitempty"`
	Dropped []domain.DocumentID `cbor:"6,keyasint,omitempty" json:"dropped,omitempty"` // parts of before that are gone
}

func (DraftSaved) EventType() string { return "mailbox.draft-saved" }
func (e DraftSaved) evolve(s *State) {
	m, known := s.Messages[e.Message]
	if !known {
		if e.Leaf < s.NextLeaf {
			return // not among the messages that this state was loaded for
		}
		s.NextLeaf = e.Leaf + 1
		m = Message{Stage: Here, Folder: Drafts, Leaf: e.Leaf, Platform: AuthorOnly(e.Author), Read: true, Own: true}
		s.Held[Place{Drafts, m.Platform}]++
	}
	m.Draft = &Draft{Content: e.Content, Parts: e.Parts}
	m.Version++
	s.Messages[e.Message] = m
}

// SaveDraft begins a draft or changes one. What is new takes the next leaf.
type SaveDraft struct {
	Target
	New     bool
	Leaf    uint32
	Author  domain.UUID
	Content domain.Sealed
	Parts   []Part
}

func (c SaveDraft) decide(s State) ([]Event, error) {
	e := DraftSaved{Message: c.Message, Leaf: c.Leaf, Author: c.Author, Content: c.Content, Parts: c.Parts}
	if len(c.Parts) > MaxParts {
		return nil, domain.Refuse(TooManyParts)
	}
	if c.New {
		switch {
		case s.Owner == "":
			return nil, domain.Refuse(NotOpen)
		case c.NoPublic:
			return nil, domain.Refuse(ConsentMissing)
		case s.Messages[c.Message].Stage != 0:
			return nil, domain.Refuse(AlreadyReceived)
		case c.Leaf != s.NextLeaf:
			return nil, domain.Refuse(LeafTaken)
		case s.Held[Place{Drafts, AuthorOnly(c.Author)}]+s.Held[Place{Deleted, AuthorOnly(c.Author)}] >= MaxDrafts:
			return nil, domain.Refuse(TooManyDrafts)
		}
		return []Event{e}, nil
	}
	m, err := c.find(s)
	switch {
	case err != nil:
		return nil, err
	case m.Draft == nil:
		return nil, domain.Refuse(NotADraft)
	}
	e.Leaf = m.Leaf
	e.Dropped = dropped(m.Draft.Parts, c.Parts)
	return []Event{e}, nil
}

// dropped gives the documents of parts that are not among those kept.
func dropped(before, kept []Part) (out []domain.DocumentID) {
	still := map[domain.DocumentID]bool{}
	for _, p := range kept {
		still[p.Document] = true
	}
	for _, p := range before {
		if !still[p.Document] {
			out = append(out, p.Document)
		}
	}
	return out
}

// A Destination is where a message goes: to an authority's recipient system (modtagersystem), into another mailbox, or to an e-mail address.
type Destination struct {
	Organisation domain.OrganisationID `cbor:"1,keyasint,omitzero" json:"organisation,omitzero"`
	ContactPoint domain.UUID           `cbor:"2,keyasint,omitzero" json:"contactPoint,omitzero"`
	System       domain.SystemID       `cbor:"3,keyasint,omitzero" json:"system,omitzero"`
	Mailbox      domain.MailboxID      `cbor:"4,keyasint,omitzero" json:"mailbox,omitzero"`
	Address      domain.Sealed         `cbor:"5,keyasint,omitempty" json:"address,omitempty"` // of e-mail; with no mailbox and no address: nobody has the number
}

// A Handover is the copy that waits for whoever takes the message over. It has a root of its own, so that neither side's forgetting touches the other's copy.
type Handover struct {
	Root       domain.UUID       `cbor:"1,keyasint" json:"root"`
	Document   domain.DocumentID `cbor:"2,keyasint" json:"document"`
	Length     int64             `cbor:"3,keyasint" json:"length"`
	SealedHash []byte            `cbor:"4,keyasint" json:"sealedHash"`
	Key        domain.Sealed     `cbor:"5,keyasint" json:"key"`
}

// MessageSent records that a message left its writer's hands: it lies in SENT, and a copy waits for whoever takes it over. A draft becomes it; what is forwarded
// begins as it.
type MessageSent struct {
	Message  domain.MessageID    `cbor:"1,keyasint" json:"message"`
	Letter   Letter              `cbor:"2,keyasint" json:"letter"`
	To       Destination         `cbor:"3,keyasint" json:"to"`
	Handover Handover            `cbor:"4,keyasint" json:"handover"`
	Author   domain.UUID         `cbor:"5,keyasint,omitzero" json:"author,omitzero"` // of the draft that it was
	From     domain.FolderID     `cbor:"6,keyasint,omitzero" json:"from,omitzero"`   // where that lay
	Dropped  []domain.DocumentID `cbor:"7,keyasint,omitempty" json:"dropped,omitempty"`
	Answers  domain.MessageID    `cbor:"8,keyasint,omitzero" json:"answers,omitzero"`
	Forwards domain.MessageID    `cbor:"9,keyasint,omitzero" json:"forwards,omitzero"`
	Late     bool                `cbor:"10,keyasint,omitempty" json:"late,omitempty"` // an answer after the date that the sender had asked for
}

// An Outgoing is what the rules know of a message on its way out.
type Outgoing struct {
	System  domain.SystemID   `cbor:"1,keyasint"` // that takes it over; zero: it is delivered from here
	Root    domain.UUID       `cbor:"2,keyasint"`
	Copy    domain.DocumentID `cbor:"3,keyasint"`
	Fetched bool              `cbor:"4,keyasint,omitempty"`
	Taken   bool              `cbor:"5,keyasint,omitempty"`
	Receipt string            `cbor:"6,keyasint,omitempty"` // COMPLETED, INVALID or NOT_ALLOWED, once there is one
	Late    bool              `cbor:"7,keyasint,omitempty"`
}

// handed tells whether the message was handed over: a recipient system has fetched it. What is delivered from here is by being delivered.
func (o Outgoing) handed() bool { return o.Fetched || o.System == domain.SystemID{} }

func (MessageSent) EventType() string { return "mailbox.message-sent" }
func (e MessageSent) evolve(s *State) {
	m, known := s.Messages[e.Message]
	draft := e.From != (domain.FolderID{})
	if draft {
		s.Held[Place{e.From, AuthorOnly(e.Author)}]--
	}
	s.Held[Place{Sent, ""}]++
	if !known && draft {
		return // not among the messages that this state was loaded for
	}
	s.NextLeaf = max(s.NextLeaf, e.Letter.Leaf+1)
	s.Messages[e.Message] = m.Sent(e)
}

// Sent gives the message as it is once it is sent.
func (m Message) Sent(e MessageSent) Message {
	m.Stage, m.Folder, m.Before, m.Platform, m.Read, m.Own, m.Draft = Here, Sent, domain.FolderID{}, "", true, true, nil
	m.Flag, m.NoteKey = false, domain.UUID{} // they were the author's own
	m.Leaf, m.Document = e.Letter.Leaf, e.Letter.Document
	m.Out = &Outgoing{System: e.To.System, Root: e.Handover.Root, Copy: e.Handover.Document, Late: e.Late}
	m.Version++
	return m
}

// Send sends a draft.
type Send struct {
	Target
	Sent MessageSent
}

func (c Send) decide(s State) ([]Event, error) {
	m, err := c.find(s)
	switch {
	case err != nil:
		return nil, err
	case m.Draft == nil:
		return nil, domain.Refuse(NotADraft)
	}
	if c.Sent.Letter.Document == (domain.DocumentID{}) { // written out of no draft, or of another one than this
		return nil, &domain.Rejection{Reason: StaleVersion, Version: m.Version}
	}
	e := c.Sent
	e.Message, e.From, e.Letter.Leaf, e.Dropped = c.Message, m.Folder, m.Leaf, dropped(m.Draft.Parts, nil)
	return []Event{e}, nil
}

// Forward sends on a message that lies in the mailbox, its Target. Private post stays on its platform.
type Forward struct {
	Target
	Sent MessageSent
}

func (c Forward) decide(s State) ([]Event, error) {
	m, err := c.find(s)
	switch {
	case err != nil:
		return nil, err
	case m.Draft != nil:
		return nil, domain.Refuse(NotADraft)
	case m.Platform != "":
		return nil, domain.Refuse(PrivatePost)
	case s.Messages[c.Sent.Message].Stage != 0:
		return nil, domain.Refuse(AlreadyReceived)
	case c.Sent.Letter.Leaf != s.NextLeaf:
		return nil, domain.Refuse(LeafTaken)
	}
	e := c.Sent
	e.Forwards = c.Message
	return []Event{e}, nil
}

// MessageHandedOver records that the recipient system has fetched a message: once, the first time.
type MessageHandedOver struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
}

// MessageTaken records that the recipient needs the waiting copy no more. It is forgotten after this.
type MessageTaken struct {
	Message domain.MessageID  `cbor:"1,keyasint" json:"message"`
	Root    domain.UUID       `cbor:"2,keyasint" json:"root"`
	Copy    domain.DocumentID `cbor:"3,keyasint" json:"copy"`
}

// ReceiptReceived records the recipient's business receipt (forretningskvittering) for what was sent.
type ReceiptReceived struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Status  string           `cbor:"2,keyasint" json:"status"` // COMPLETED, INVALID or NOT_ALLOWED
	Text    domain.Sealed    `cbor:"3,keyasint,omitempty" json:"text,omitempty"`
}

func (MessageHandedOver) EventType() string { return "mailbox.message-handed-over" }
func (MessageTaken) EventType() string      { return "mailbox.message-taken" }
func (ReceiptReceived) EventType() string   { return "mailbox.receipt-received" }

func (e MessageHandedOver) evolve(s *State) {
	s.change(e.Message, true, func(m *Message) { m.out(func(o *Outgoing) { o.Fetched = true }) })
}
func (e MessageTaken) evolve(s *State) {
	s.change(e.Message, false, func(m *Message) { m.out(func(o *Outgoing) { o.Taken = true }) })
}
func (e ReceiptReceived) evolve(s *State) {
	s.change(e.Message, true, func(m *Message) { m.out(func(o *Outgoing) { o.Receipt = e.Status }) })
}

// out changes what is known of a message's way out, on a copy: states share what they don't change.
func (m *Message) out(fn func(*Outgoing)) {
	if m.Out != nil {
		o := *m.Out
		fn(&o)
		m.Out = &o
	}
}

// outgoing gives what goes to a recipient system, also after its writer has purged it; the zero system is the backbone itself.
func (s State) outgoing(id domain.MessageID, system domain.SystemID) (Message, error) {
	m := s.Messages[id]
	if m.Out == nil || m.Out.System != system {
		return m, domain.Refuse(NoSuchMessage)
	}
	return m, nil
}

// HandOver notes that the recipient system fetches a message.
type HandOver struct {
	Message domain.MessageID
	System  domain.SystemID
}

func (c HandOver) decide(s State) ([]Event, error) {
	m, err := s.outgoing(c.Message, c.System)
	switch {
	case err != nil:
		return nil, err
	case m.Out.Taken:
		return nil, domain.Refuse(NoSuchMessage)
	case m.Out.Fetched:
		return nil, nil
	}
	return []Event{MessageHandedOver{c.Message}}, nil
}

// Take ends the waiting copy.
type Take struct {
	Message domain.MessageID
	System  domain.SystemID
}

func (c Take) decide(s State) ([]Event, error) {
	m, err := s.outgoing(c.Message, c.System)
	switch {
	case err != nil:
		return nil, err
	case m.Out.Taken:
		return nil, domain.Refuse(NoSuchMessage)
	case !m.Out.handed():
		return nil, domain.Refuse(NotFetched)
	}
	return []Event{MessageTaken{c.Message, m.Out.Root, m.Out.Copy}}, nil
}

// Answer gives the business receipt for a message, once. Text makes it under the message's key, if that is still there.
type Answer struct {
	Message domain.MessageID
	System  domain.SystemID
	Status  string
	Text    func(leaf uint32) domain.Sealed
}

func (c Answer) decide(s State) ([]Event, error) {
	m, err := s.outgoing(c.Message, c.System)
	switch {
	case err != nil:
		return nil, err
	case !m.Out.handed():
		return nil, domain.Refuse(NotFetched)
	case m.Out.Receipt == c.Status:
		return nil, nil
	case m.Out.Receipt != "":
		return nil, domain.Refuse(ReceiptGiven)
	}
	e := ReceiptReceived{Message: c.Message, Status: c.Status}
	if m.Stage != Purged && c.Text != nil {
		e.Text = c.Text(m.Leaf)
	}
	return []Event{e}, nil
}
