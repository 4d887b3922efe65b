// Package organisation is the rules of one authority or company as a sender: what it may do, its sender and recipient
// systems (afsendersystemer, modtagersystemer), and the contact structure by which people write to it.
package organisation

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// An Event is something that happened to an organisation.
type Event interface {
	domain.Event
	evolve(*State)
}

// A Command is something asked of an organisation.
type Command interface {
	// machines names who may give the command. A list that is empty is nobody's.
	machines() []access.Machine
	decide(State) ([]Event, error)
}

// Codec knows every event type.
var Codec = domain.Events[Event](
	Registered{}, RightsChanged{}, SystemRegistered{}, SystemKeySet{}, SystemBasisSet{}, SystemDelegated{},
	SystemEndpointSet{}, SystemEndpointStopped{}, SubscriptionSet{}, SubscriptionEnded{},
	SystemWithdrawn{},
	RecipientSystemRegistered{}, UnknownMet{},
	ContactGroupCreated{}, ContactGroupChanged{}, ContactGroupClosed{},
	ContactPointCreated{}, ContactPointChanged{}, ContactPointClosed{},
)

// Decider is the rule book.
var Decider = domain.Decider[Order, Event, State]{
	Initial: func() State {
		return State{
			Systems: map[domain.SystemID]System{},
			Groups:  map[domain.UUID]ContactGroup{},
			Points:  map[domain.UUID]ContactPoint{},
			version: map[domain.UUID]uint32{},

			Subscriptions: map[domain.UUID]SubscriptionSet{},
		}
	},
	Decide: func(s State, o Order) ([]Event, error) {
		if err := o.may(s); err != nil {
			return nil, err
		}

		return o.Command.decide(s)
	},
	Evolve: func(s State, e Event, _ domain.Moment) State { e.evolve(&s); return s },
}

// An Order is a command, and which machine gives it. A system acts for the organisation that it is registered with, and
// for no other.
type Order struct {
	Command Command
	By      access.Machine
	System  domain.SystemID // that acts, where By is access.System
}

func (o Order) may(s State) error {
	if !slices.Contains(o.Command.machines(), o.By) {
		return domain.Refuse(NotYours)
	}

	if x, own := s.Systems[o.System]; o.By == access.System && (!own || x.Withdrawn) {
		return domain.Refuse(NotYours)
	}

	return nil
}

// Reasons to refuse what is asked of an organisation.
const (
	NotYours         domain.Reason = "organisation.not.yours"
	NoSuchSystem     domain.Reason = "system.not.found"
	NoSuchGroup      domain.Reason = "contact.group.not.found"
	NoSuchPoint      domain.Reason = "contact.point.not.found"
	LastVisiblePoint domain.Reason = "contact.point.last.visible"
	GroupNotEmpty    domain.Reason = "contact.group.not.empty"
	GroupCycle       domain.Reason = "contact.group.cycle"
	GroupTooDeep     domain.Reason = "contact.group.too.deep"
	TooManyContacts  domain.Reason = "contacts.too.many"
	StaleVersion     domain.Reason = domain.StaleVersion
)

// Reasons lists them all.
var Reasons = []domain.Reason{
	NotYours, NoSuchSystem, NoSuchGroup, NoSuchPoint, LastVisiblePoint, GroupNotEmpty, GroupCycle, GroupTooDeep,
	TooManyContacts, RightsNotAllowed, NotRegistered, BasisNotAllowed, NameNotAllowed, StaleVersion,
	NoSuchRecipient, CategoryRequired, PointClosed, SenderClosed, SubscriptionNotAllowed, TooManySubscriptions,
}

// State is an organisation as its rules know it.
type State struct {
	Kind    string // empty: it is not registered
	Rights  Rights
	Systems map[domain.SystemID]System
	Groups  map[domain.UUID]ContactGroup
	Points  map[domain.UUID]ContactPoint

	Subscriptions map[domain.UUID]SubscriptionSet

	version map[domain.UUID]uint32 // of groups, points and subscriptions, from 1
}

// A System is what the rules know of a system.
type System struct {
	KeyHash   []byte
	Receives  bool // it takes in what people write
	Withdrawn bool // its registration was

	ConsentBasis string
	Receipts     Endpoint // where it is told of receipts
	Memos        Endpoint // where it is brought what people write
}

// Kinds of organisation.
const (
	Authority = "AUTHORITY"
	Company   = "COMPANY"
)

// AuthorityTypes are the kinds of authority, as people choose among them.
var AuthorityTypes = []string{"STATE", "REGION", "MUNICIPALITY", "OTHER"}

// SystemRegistered records a sender system. A company's system is registered with the platform that alone shows its
// post.
type SystemRegistered struct {
	System   domain.SystemID `cbor:"1,keyasint" json:"system"`
	Name     domain.Sealed   `cbor:"2,keyasint" json:"name"`
	Platform string          `cbor:"3,keyasint,omitempty" json:"platform,omitempty"`
	KeyHash  []byte          `cbor:"4,keyasint,omitempty" json:"keyHash,omitempty"` // SHA-256 of its random key
	// ConsentBasis is what a company says gives it the consent of all to whom the system writes: one of
	// mailbox.ConsentBases.
	ConsentBasis string `cbor:"5,keyasint,omitempty" json:"consentBasis,omitempty"`
}

// EventType is the stored name.
func (SystemRegistered) EventType() string { return "organisation.system-registered" }

// Effect is on the organisation alone.
func (SystemRegistered) Effect() domain.Effect { return domain.Effect{} }

func (e SystemRegistered) evolve(s *State) {
	s.Systems[e.System] = System{KeyHash: e.KeyHash, ConsentBasis: e.ConsentBasis}
}

// SystemKeySet records that a sender system got another key. The one before is valid no more.
type SystemKeySet struct {
	System  domain.SystemID `cbor:"1,keyasint" json:"system"`
	KeyHash []byte          `cbor:"2,keyasint" json:"keyHash"`
}

// EventType is the stored name.
func (SystemKeySet) EventType() string { return "organisation.system-key-set" }

// Effect is on the organisation alone.
func (SystemKeySet) Effect() domain.Effect { return domain.Effect{} }

func (e SystemKeySet) evolve(s *State) {
	x := s.Systems[e.System]
	x.KeyHash = e.KeyHash
	s.Systems[e.System] = x
}

// SystemWithdrawn records that a system's registration was withdrawn: its key is valid no more. What it has sent stays.
type SystemWithdrawn struct {
	System domain.SystemID `cbor:"1,keyasint" json:"system"`
}

// EventType is the stored name.
func (SystemWithdrawn) EventType() string { return "organisation.system-withdrawn" }

// Effect is on the organisation alone.
func (SystemWithdrawn) Effect() domain.Effect { return domain.Effect{} }

func (e SystemWithdrawn) evolve(s *State) {
	x := s.Systems[e.System]
	x.Withdrawn = true
	s.Systems[e.System] = x
}

// SystemBasisSet records what a company says from now on that gives its system the consent of those to whom it writes;
// empty: each letter says so.
type SystemBasisSet struct {
	System       domain.SystemID `cbor:"1,keyasint" json:"system"`
	ConsentBasis string          `cbor:"2,keyasint,omitempty" json:"consentBasis,omitempty"`
}

// EventType is the stored name.
func (SystemBasisSet) EventType() string { return "organisation.system-basis-set" }

// Effect is on the organisation alone.
func (SystemBasisSet) Effect() domain.Effect { return domain.Effect{} }

func (e SystemBasisSet) evolve(s *State) {
	x := s.Systems[e.System]
	x.ConsentBasis = e.ConsentBasis
	s.Systems[e.System] = x
}

// SystemDelegated records that a sender system may come with certificates of another organisation, such as its
// supplier.
type SystemDelegated struct {
	System domain.SystemID `cbor:"1,keyasint" json:"system"`
	Holder domain.Sealed   `cbor:"2,keyasint" json:"holder"` // a CVR number
}

// EventType is the stored name.
func (SystemDelegated) EventType() string { return "organisation.system-delegated" }

// Effect is on the organisation alone.
func (SystemDelegated) Effect() domain.Effect { return domain.Effect{} }

func (SystemDelegated) evolve(*State) {}

// RecipientSystemRegistered records that a system takes in what people write (modtagersystem).
type RecipientSystemRegistered struct {
	System      domain.SystemID `cbor:"1,keyasint" json:"system"`
	MemoVersion int             `cbor:"2,keyasint" json:"memoVersion"` // 11 or 12: what it wants
	// Default says that the system takes in for contact points which name none.
	Default bool `cbor:"3,keyasint,omitempty" json:"default,omitempty"`
}

// EventType is the stored name.
func (RecipientSystemRegistered) EventType() string {
	return "organisation.recipient-system-registered"
}

// Effect is on the organisation alone.
func (RecipientSystemRegistered) Effect() domain.Effect { return domain.Effect{} }

func (e RecipientSystemRegistered) evolve(s *State) {
	x := s.Systems[e.System]
	x.Receives = true
	s.Systems[e.System] = x
}

// registrars are who registers organisations and systems: whoever runs the server, and the register of made-up ones.
func registrars() []access.Machine { return []access.Machine{access.Operations, access.Register} }

// RegisterSystem registers a sender system with the hash of its key, and its organisation, if they are not there. A
// system that is there gets the key, if it is another; the one before is valid no more.
type RegisterSystem struct {
	Organisation Registered
	System       SystemRegistered
	Names        []string // of both, in the open
}

func (RegisterSystem) machines() []access.Machine { return registrars() }

func (c RegisterSystem) decide(s State) ([]Event, error) {
	for _, name := range c.Names {
		if n := utf8.RuneCountInString(name); n == 0 || n > MaxName || domain.HasHidden(name) {
			return nil, domain.Refuse(NameNotAllowed)
		}
	}

	var events []Event
	kind := s.Kind
	if kind == "" {
		kind = c.Organisation.Kind
	}

	if err := JudgeBasis(kind, c.System.ConsentBasis); err != nil {
		return nil, err
	}

	if s.Kind != "" && s.Kind != c.Organisation.Kind {
		return nil, domain.Refuse(RightsNotAllowed)
	}

	if s.Kind == "" {
		if err := c.Organisation.Rights.judge(c.Organisation.Kind); err != nil {
			return nil, err
		}
		events = append(events, c.Organisation)
	}

	system, there := s.Systems[c.System.System]
	switch {
	case !there || system.Withdrawn:
		events = append(events, c.System)
	case system.ConsentBasis != c.System.ConsentBasis:
		events = append(events, SystemBasisSet{System: c.System.System, ConsentBasis: c.System.ConsentBasis})
		if !bytes.Equal(system.KeyHash, c.System.KeyHash) {
			events = append(events, SystemKeySet{System: c.System.System, KeyHash: c.System.KeyHash})
		}
	case !bytes.Equal(system.KeyHash, c.System.KeyHash):
		events = append(events, SystemKeySet{System: c.System.System, KeyHash: c.System.KeyHash})
	}

	return events, nil
}

// Withdraw withdraws the registration of a system.
type Withdraw struct{ Withdrawn SystemWithdrawn }

func (Withdraw) machines() []access.Machine { return registrars() }

func (c Withdraw) decide(s State) ([]Event, error) {
	system, there := s.Systems[c.Withdrawn.System]
	switch {
	case !there:
		return nil, domain.Refuse(NoSuchSystem)
	case system.Withdrawn:
		return nil, nil
	}

	return []Event{c.Withdrawn}, nil
}

// Delegate lets a sender system come with certificates of another organisation, such as its supplier.
type Delegate struct{ Delegated SystemDelegated }

func (Delegate) machines() []access.Machine { return registrars() }

func (c Delegate) decide(s State) ([]Event, error) {
	if _, there := s.Systems[c.Delegated.System]; !there {
		return nil, domain.Refuse(domain.NotFound)
	}

	return []Event{c.Delegated}, nil
}

// RegisterRecipient makes a system one that takes in what people write.
type RegisterRecipient struct{ Registered RecipientSystemRegistered }

func (RegisterRecipient) machines() []access.Machine { return append(registrars(), access.System) }

func (c RegisterRecipient) decide(s State) ([]Event, error) {
	if _, there := s.Systems[c.Registered.System]; !there {
		return nil, domain.Refuse(domain.NotFound)
	}

	return []Event{c.Registered}, nil
}
