package mailbox

import (
	"strings"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons why what people write does not go out.
const (
	LabelMissing       domain.Reason = "draft.label.missing"
	RecipientMissing   domain.Reason = "draft.recipient.missing"
	ReplyElsewhere     domain.Reason = "draft.recipient.of.reply"
	MainMissing        domain.Reason = "draft.main.document.missing"
	FileIncomplete     domain.Reason = "draft.file.incomplete"
	TooManyAttachments domain.Reason = "contact.point.attachments.too.many"
	TooLargeForPoint   domain.Reason = "contact.point.size.too.large"
	NotReplyable       domain.Reason = "message.not.replyable"
	PrivatePost        domain.Reason = "message.is.private"
)

// A Destination is where a message goes: to an authority's recipient system (modtagersystem), into another mailbox, or
// to an e-mail address. With no system, no mailbox and no address: nobody has the number.
type Destination struct {
	Organisation domain.OrganisationID `cbor:"1,keyasint,omitzero" json:"organisation,omitzero"`
	ContactPoint domain.UUID           `cbor:"2,keyasint,omitzero" json:"contactPoint,omitzero"`
	System       domain.SystemID       `cbor:"3,keyasint,omitzero" json:"system,omitzero"`
	Mailbox      domain.MailboxID      `cbor:"4,keyasint,omitzero" json:"mailbox,omitzero"`
	Address      domain.Sealed         `cbor:"5,keyasint,omitempty" json:"address,omitempty"` // of e-mail
}

// A Handover is the copy that waits for whoever takes the message over. It has a root of its own, so that neither
// side's forgetting touches the other's copy.
type Handover struct {
	Root       domain.UUID       `cbor:"1,keyasint" json:"root"`
	Document   domain.DocumentID `cbor:"2,keyasint" json:"document"`
	Length     int64             `cbor:"3,keyasint" json:"length"`
	SealedHash []byte            `cbor:"4,keyasint" json:"sealedHash"`
	Key        domain.Sealed     `cbor:"5,keyasint" json:"key"`
}

// sendingEvents are the zero values of this file's event types.
var sendingEvents = []Event{MessageSent{}}

// MessageSent records that a message left its writer's hands: it lies in SENT, and a copy waits for whoever takes it
// over. A draft becomes it; what is forwarded begins as it.
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
	// Late says that it answers after the date that its sender had asked for.
	Late bool `cbor:"10,keyasint,omitempty" json:"late,omitempty"`
}

// EventType is the stored name.
func (MessageSent) EventType() string { return "mailbox.message-sent" }

// Effect keeps both copies, and frees the draft's parts.
func (e MessageSent) Effect() domain.Effect {
	out := movedMessage(e.Message, domain.Change{Folder: Sent})
	out.Begins = e.Letter.Leaf
	out.Frees.Documents = e.Dropped
	out.Keeps = []domain.Document{
		{ID: e.Letter.Document, Length: e.Letter.Kept, Hash: e.Letter.SealedHash, Of: e.Message},
		{
			ID: e.Handover.Document, Length: e.Handover.Length, Hash: e.Handover.SealedHash, Of: e.Message,
			Apart: true,
		},
	}

	return out
}

func (e MessageSent) brings() *Letter { return &e.Letter }

func (e MessageSent) evolve(s *State, at domain.Moment) {
	s.take(e.Letter.Leaf)
	m := s.Message(e.Message)
	m.Stage, m.Folder, m.Before, m.Audience, m.Read, m.Own, m.Draft = Here, Sent, domain.FolderID{}, "", true, true, nil
	m.Flag, m.NoteKey = false, domain.UUID{} // they were the author's own
	m.Leaf, m.Document = e.Letter.Leaf, e.Letter.Document
	m.Out = &Outgoing{System: e.To.System, Root: e.Handover.Root, Copy: e.Handover.Document, Late: e.Late}
	m.Version++
	m.Shown = MessageShown{
		Arrival: at.Position, Received: at.Recorded, Changed: at.Position, Last: at.Recorded, Size: e.Letter.Length,
		Kind: e.Letter.Kind,
	}
	s.put(e.Message, m)
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

// handed reports whether the message was handed over: a recipient system has fetched it. What is delivered from here is
// by being delivered.
func (o Outgoing) handed() bool { return o.Fetched || o.System == domain.SystemID{} }

// Contents are a draft's contents as facts.
type Contents struct {
	Label, Recipient bool // that there is one
	Main             bool // that there is a main document
	Partial          bool // that a file's pieces are not all there
	Documents        []Files
}

// Files are a document's files as facts.
type Files struct {
	Count   int
	Unnamed bool // that one lacks a name, a format or a language
}

// Judge refuses to send a draft that lacks what a message needs.
func (c Contents) Judge() error {
	switch {
	case !c.Label:
		return domain.Refuse(LabelMissing)
	case !c.Recipient:
		return domain.Refuse(RecipientMissing)
	case c.Partial:
		return domain.Refuse(FileIncomplete)
	case !c.Main:
		return domain.Refuse(MainMissing)
	}

	for _, d := range c.Documents {
		if d.Unnamed {
			return domain.Refuse(FileNotAllowed)
		}

		if d.Count == 0 {
			return domain.Refuse(MainMissing)
		}
	}

	return nil
}

// Limits are what a contact point takes; the zero one takes any.
type Limits struct {
	Attachments int   // additional documents
	Bytes       int64 // of the MeMo
	Apply       bool  // false: there are none
}

// Judge refuses what is beyond the limits.
func (l Limits) Judge(attachments int, bytes int64) error {
	switch {
	case !l.Apply:
		return nil
	case attachments > l.Attachments:
		return domain.Refuse(TooManyAttachments)
	case bytes > l.Bytes:
		return domain.Refuse(TooLargeForPoint)
	}

	return nil
}

// Send sends a draft.
type Send struct {
	Target
	Sent MessageSent
	// Seal gives the letter sealed under the draft's leaf; nil leaves it as it is.
	Seal        func(leaf uint32) (Letter, error)
	Contents    Contents
	Limits      Limits
	Attachments int
}

func (Send) leave(*State) Leave { return Leave{Actions: []access.Action{access.Write}} }

func (c Send) decide(s *State) ([]Event, error) {
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

	if err := c.Contents.Judge(); err != nil {
		return nil, err
	}

	if err := c.Limits.Judge(c.Attachments, c.Sent.Letter.Length); err != nil {
		return nil, err
	}

	e := c.Sent
	if c.Seal != nil {
		if e.Letter, err = c.Seal(m.Leaf); err != nil {
			return nil, err
		}
	}
	e.Message, e.From, e.Letter.Leaf, e.Dropped = c.Message, m.Folder, m.Leaf, dropped(m.Draft.Parts, nil)

	return []Event{e}, nil
}

// JudgeReply refuses an answer to a message whose sender takes none: asked reports whether the sender asked for one.
func (m Message) JudgeReply(asked bool) error {
	if m.Own || m.Audience != "" || !asked {
		return domain.Refuse(NotReplyable)
	}

	return nil
}

// JudgeRecipient refuses another recipient of an answer than who wrote: its thread is for them.
func JudgeRecipient(answers domain.MessageID, wrote, recipient string) error {
	if answers != (domain.MessageID{}) && wrote != "" && wrote != recipient {
		return domain.Refuse(ReplyElsewhere)
	}

	return nil
}

// Reasons why a message is not sent on.
const (
	ForwardNotAllowed domain.Reason = "forward.recipient.not.allowed"
	CommentTooLong    domain.Reason = "forward.comment.too.long"
	EMailNotConfirmed domain.Reason = "forward.email.not.confirmed"
	EMailNotAvailable domain.Reason = "forward.email.not.available"
	NothingToForward  domain.Reason = "forward.nothing"
	TooManyEMails     domain.Reason = "forward.email.too.many"
)

// MaxComment is how many characters the comment on a forwarded message may have.
const MaxComment = 512

// Onward is what is known of a message's way on, as facts.
type Onward struct {
	Comment, From, To string // in the open

	Named bool // that the recipient is a number or an address, and not the mailbox's own
	EMail bool
	// Of e-mail: that there is a mail server, that the writer knows that it leaves Digital Post, and that today's
	// number of mails is not used up.
	Available, Confirmed, Left bool
}

// Judge refuses a way on that is not allowed.
func (o Onward) Judge() error {
	switch {
	case !isText(strings.ReplaceAll(o.Comment, "\n", " "), MaxComment):
		return domain.Refuse(CommentTooLong)
	case !isText(o.From, MaxLabel) || !isText(o.To, MaxLabel):
		return domain.Refuse(LabelNotAllowed)
	case !o.Named:
		return domain.Refuse(ForwardNotAllowed)
	case o.EMail && !o.Available:
		return domain.Refuse(EMailNotAvailable)
	case o.EMail && !o.Confirmed:
		return domain.Refuse(EMailNotConfirmed)
	case o.EMail && !o.Left:
		return domain.Refuse(TooManyEMails)
	}

	return nil
}

// JudgeForward refuses to send on what has no documents, or more than the contact point takes.
func JudgeForward(documents, attachments int, limits Limits) error {
	if documents == 0 {
		return domain.Refuse(NothingToForward)
	}

	return limits.Judge(attachments, 0)
}

// Forward sends on a message that lies in the mailbox, its Target. Private post stays on its platform. What is sent
// takes the next leaf.
type Forward struct {
	Target
	Sent MessageSent
	// Seal gives the letter sealed under a leaf; nil leaves it as it is.
	Seal   func(leaf uint32) (Letter, error)
	Onward Onward
}

func (c Forward) needs() domain.Parts {
	needs := c.Target.needs()
	needs.Messages = append(needs.Messages, c.Sent.Message)

	return needs
}

func (Forward) leave(*State) Leave { return Leave{Actions: []access.Action{access.Forward}} }

func (c Forward) decide(s *State) ([]Event, error) {
	m, err := c.find(s)
	switch {
	case err != nil:
		return nil, err
	case m.Draft != nil:
		return nil, domain.Refuse(NotADraft)
	case m.Audience != "":
		return nil, domain.Refuse(PrivatePost)
	case s.Message(c.Sent.Message).Stage != 0:
		return nil, domain.Refuse(AlreadyReceived)
	}

	if err := c.Onward.Judge(); err != nil {
		return nil, err
	}

	e := c.Sent
	if c.Seal != nil {
		if e.Letter, err = c.Seal(s.NextLeaf); err != nil {
			return nil, err
		}
	}
	e.Letter.Leaf, e.Forwards = s.NextLeaf, c.Message

	return []Event{e}, nil
}
