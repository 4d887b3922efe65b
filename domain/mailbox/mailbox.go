// Package mailbox is the rules of one mailbox (postkasse): its opening, its messages and its folders, in one stream and one order.
//
// All that a person wrote, or could be known by, is sealed before it gets here; what the rules ask for stands in the open. Names of folders are
// compared by a keyed hash of their folded form, notes by one under the message's own key.
package mailbox

import (
	"maps"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// An Event is something that happened in a mailbox.
type Event interface {
	domain.Named
	evolve(*State)
}

// A Command is something asked of a mailbox.
type Command interface {
	decide(State) ([]Event, error)
}

// Codec knows every event type.
var Codec = domain.Events[Event](
	Opened{}, MessageDelivered{}, MessageScheduled{}, MessageRecalled{},
	MessageMarkedRead{}, MessageMarkedUnread{}, MessageFlagged{}, MessageUnflagged{}, MessageNoted{},
	MessageMoved{}, MessageTrashed{}, MessageRestored{}, MessagePurged{},
	FolderCreated{}, FolderRenamed{}, FolderMoved{}, FolderDeleted{}, Unchanged{}, Shredded{},
	AccessRequested{}, AccessDeclined{}, AccessGranted{}, AccessRevoked{},
	ExemptionApplied{}, ExemptionGranted{}, ExemptionRefused{}, ExemptionReceiptIssued{}, ExemptionRevoked{}, PostalAddressSet{}, ContactConfirmed{}, MessageRefused{},
	ConsentGiven{}, ConsentWithdrawn{},
	SenderConsentGiven{}, SenderConsentWithdrawn{}, LanguageSet{},
	DraftSaved{}, MessageSent{}, MessageHandedOver{}, MessageTaken{}, ReceiptReceived{},
)

// Decider is the rule book.
var Decider = domain.Decider[Command, Event, State]{
	Initial: func() State { return NewState() },
	Decide:  func(s State, c Command) ([]Event, error) { return c.decide(s) },
	Evolve:  func(s State, e Event) State { e.evolve(&s); return s },
}

// Reasons to refuse.
const (
	NotOpen          domain.Reason = "mailbox.not.open"
	AlreadyOpen      domain.Reason = "mailbox.already.open"
	NoSuchMessage    domain.Reason = "message.not.found"
	StaleVersion     domain.Reason = "version.stale"
	AlreadyReceived  domain.Reason = "message.already.received"
	AlreadyDelivered domain.Reason = "message.already.delivered"
	NotInTrash       domain.Reason = "message.not.in.trash"
	FolderNotFound   domain.Reason = "folder.not.found"
	FolderTaken      domain.Reason = "folder.id.taken"
	FolderNotAllowed domain.Reason = "folder.not.allowed"
	NameTaken        domain.Reason = "folder.name.taken"
	SystemFolder     domain.Reason = "folder.is.system"
	Cycle            domain.Reason = "folder.cycle"
	FolderNotEmpty   domain.Reason = "folder.not.empty"
	TooManyFolders   domain.Reason = "folder.too.many"
	LeafTaken        domain.Reason = "leaf.taken"
)

// Reasons lists them all, so that a reason without an answer fails a test.
var Reasons = []domain.Reason{NotOpen, AlreadyOpen, NoSuchMessage, StaleVersion, AlreadyReceived, AlreadyDelivered, NotInTrash,
	FolderNotFound, FolderTaken, FolderNotAllowed, NameTaken, SystemFolder, Cycle, FolderNotEmpty, TooManyFolders, LeafTaken,
	NoAccess, AccessLimited, AccessSelf, AccessDuplicate, AccessNotFound, AccessPast, AccessKind, AccessTooMany, RequestClosed,
	RecipientExempt, AlreadyExempt, NotExempt, NotInPerson, NoID, NoDeclaration, ProxyUnsigned, ExemptionNotOpen, ContactNotAllowed,
	NotADraft, TooManyDrafts, TooManyParts, ConsentMissing, PrivatePost, ReceiptGiven, NotFetched, SenderDeclined, UnderAge}

// MaxFolders is how many folders of its own a mailbox may have.
const MaxFolders = 1000

// The system folders are the same in every mailbox and can't be changed.
var (
	Inbox   = systemFolder(1)
	Drafts  = systemFolder(2)
	Sent    = systemFolder(3)
	Deleted = systemFolder(4)
)

// SystemFolders are in the order in which people see them.
var SystemFolders = []domain.FolderID{Inbox, Drafts, Sent, Deleted}

func systemFolder(n byte) (id domain.FolderID) { id[15] = n; return id }

// IsSystem tells whether a folder is one of the four.
func IsSystem(id domain.FolderID) bool {
	return id == Inbox || id == Drafts || id == Sent || id == Deleted
}

// State is what the rules ask for. It may hold only the messages that a command touches (see projections.Mailboxes); counts are of all.
type State struct {
	Owner    OwnerKind // empty: not open
	NextLeaf uint32    // the leaf that the next thing takes
	Folders  map[domain.FolderID]Folder
	Messages map[domain.MessageID]Message
	Held     map[Place]int // messages that lie in a folder, by who is shown them
	Grants   map[domain.GrantID]access.Grant
	Requests map[domain.GrantID]Request

	Exemption Exemption
	Consents  map[string]bool // platforms that may show public post, of those that need a consent
	Senders   map[PrivateSender]SenderConsent
	Languages map[string]string // by platform
}

// A Place is a folder and an audience: the platform that alone shows a private message, a draft's author (see AuthorOnly), or empty for public post.
type Place struct {
	Folder   domain.FolderID
	Platform string
}

// A Folder as the rules know it.
type Folder struct {
	Parent  domain.FolderID // zero: at the top
	NameKey domain.UUID     // keyed hash of the folded name
	Leaf    uint32
	Version uint32
}

// A Stage is where a message is in its life.
type Stage uint8

// Stages. What is recalled or purged never comes back.
const (
	Scheduled Stage = iota + 1
	Here
	Recalled
	Purged
)

// A Message as the rules know it.
type Message struct {
	Stage    Stage
	Platform string // its audience: see Place
	Folder   domain.FolderID
	Before   domain.FolderID // where it was before it was trashed
	Read     bool
	Flag     bool
	NoteKey  domain.UUID // keyed hash of the note, zero for none
	Leaf     uint32
	Version  uint32 // from 1; grows with each event that changes what people see of the message
	Due      time.Time
	System   domain.SystemID

	LegalBasis string // on which it comes through an exemption; empty: none

	Own      bool              // came by no intake: written here, or forwarded from another mailbox
	Document domain.DocumentID // of such a message, once it is sent
	Draft    *Draft            // nil: sent, or received
	Out      *Outgoing         // of what was sent

	Sender domain.OrganisationID // of private post that waits for its date
}

// NewState is the state before anything happened.
func NewState() State {
	return State{NextLeaf: 1, Folders: map[domain.FolderID]Folder{}, Messages: map[domain.MessageID]Message{}, Held: map[Place]int{},
		Grants: map[domain.GrantID]access.Grant{}, Requests: map[domain.GrantID]Request{}, Consents: map[string]bool{},
		Senders: map[PrivateSender]SenderConsent{}, Languages: map[string]string{}}
}

func (s State) clone() State {
	c := NewState()
	c.Owner, c.NextLeaf, c.Exemption = s.Owner, s.NextLeaf, s.Exemption
	for k, v := range s.Folders {
		c.Folders[k] = v
	}
	for k, v := range s.Messages {
		c.Messages[k] = v
	}
	for k, v := range s.Held {
		c.Held[k] = v
	}
	maps.Copy(c.Grants, s.Grants)
	maps.Copy(c.Requests, s.Requests)
	maps.Copy(c.Consents, s.Consents)
	maps.Copy(c.Senders, s.Senders)
	maps.Copy(c.Languages, s.Languages)
	return c
}

func (s State) exists(f domain.FolderID) bool {
	_, own := s.Folders[f]
	return own || IsSystem(f)
}

// All is several commands as one: they are decided one after another, and their events are one append.
type All []Command

func (c All) decide(s State) ([]Event, error) {
	if len(c) == 1 {
		return c[0].decide(s)
	}
	s = s.clone()
	var events []Event
	for _, one := range c {
		es, err := one.decide(s)
		if err != nil {
			return nil, err
		}
		for _, e := range es {
			e.evolve(&s)
		}
		events = append(events, es...)
	}
	return events, nil
}

// Each is several commands that don't depend on one another: they are decided one after another, those that are refused change nothing, and the events of all others
// are one append. Refused, as long as Commands, is told why each was refused, and is whole again with each decision.
type Each struct {
	Commands []Command
	Refused  []error
}

func (c Each) decide(s State) ([]Event, error) {
	s = s.clone()
	var events []Event
	for i, one := range c.Commands {
		es, err := one.decide(s)
		if c.Refused[i] = err; err != nil {
			if _, refused := domain.Refused(err); !refused {
				return nil, err
			}
			continue
		}
		for _, e := range es {
			e.evolve(&s)
		}
		events = append(events, es...)
	}
	return events, nil
}

// Never is a command that is known to be refused before the mailbox is asked.
type Never struct{ Reason domain.Reason }

func (c Never) decide(State) ([]Event, error) { return nil, domain.Refuse(c.Reason) }

// Noting is a command whose repeat must be known even if it changes nothing: then Unchanged is recorded.
type Noting struct {
	Command
	Message domain.MessageID // what it is about, if a message
	Folder  domain.FolderID  // what it is about, if a folder
}

func (c Noting) decide(s State) ([]Event, error) {
	events, err := c.Command.decide(s)
	if err == nil && len(events) == 0 {
		events = []Event{Unchanged{Message: c.Message, Folder: c.Folder}}
	}
	return events, err
}

// Unchanged records that a command with an id of the caller's asked for what was so already.
type Unchanged struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Folder  domain.FolderID  `cbor:"2,keyasint" json:"folder"`
}

func (Unchanged) EventType() string { return "mailbox.unchanged" }
func (Unchanged) evolve(*State)     {}

// An OwnerKind tells whose mailbox it is.
type OwnerKind string

// Owners. A sole trader has two mailboxes, one of each kind, and they never mix.
const (
	Citizen OwnerKind = "CITIZEN"
	Company OwnerKind = "COMPANY"
)

// Opened records that the mailbox was opened.
type Opened struct {
	Owner     OwnerKind     `cbor:"1,keyasint" json:"owner"`
	Number    domain.Sealed `cbor:"2,keyasint" json:"number"` // CPR or CVR
	Name      domain.Sealed `cbor:"3,keyasint" json:"name"`
	BirthDate domain.Sealed `cbor:"4,keyasint,omitempty" json:"birthDate,omitempty"` // the register's, which outranks the number's
	Residence string        `cbor:"5,keyasint,omitempty" json:"municipality,omitempty"`
}

func (Opened) EventType() string { return "mailbox.opened" }
func (e Opened) evolve(s *State) { s.Owner = e.Owner }

// FromAge is the age at which a citizen gets a mailbox (§ 3 of the Act on Digital Post).
const FromAge = 15

// Open opens the mailbox, once.
type Open struct {
	Opened Opened
	Born   time.Time // a citizen's, as a date; zero: not asked for
	Today  time.Time // the date in Copenhagen
}

func (c Open) decide(s State) ([]Event, error) {
	if s.Owner != "" {
		return nil, domain.Refuse(AlreadyOpen)
	}
	if !c.Born.IsZero() && !OldEnough(c.Born, c.Today) {
		return nil, domain.Refuse(UnderAge)
	}
	return []Event{c.Opened}, nil
}

// OldEnough tells whether somebody born on a date is FromAge on another: from the birthday on, which for those born on 29 February is 1 March [16].
func OldEnough(born, today time.Time) bool {
	by, bm, bd := born.Date()
	return !today.Before(time.Date(by+FromAge, bm, bd, 0, 0, 0, 0, today.Location()))
}

// Shredded records that every key of the mailbox is to be destroyed: nothing in it can be read from then on.
type Shredded struct{}

func (Shredded) EventType() string { return "mailbox.shredded" }
func (Shredded) evolve(s *State)   { s.Owner = "" }

// Shred destroys the whole mailbox.
type Shred struct{}

func (Shred) decide(s State) ([]Event, error) {
	if s.Owner == "" {
		return nil, domain.Refuse(NotOpen)
	}
	return []Event{Shredded{}}, nil
}
