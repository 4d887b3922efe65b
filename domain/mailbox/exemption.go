package mailbox

import (
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse what is about exemption (fritagelse, § 5 of the Act on Digital Post).
const (
	RecipientExempt   domain.Reason = "recipient.is.exempt"
	AlreadyExempt     domain.Reason = "exemption.already"
	NotExempt         domain.Reason = "exemption.none"
	NotInPerson       domain.Reason = "exemption.not.in.person"
	NoID              domain.Reason = "exemption.id.missing"
	NoDeclaration     domain.Reason = "exemption.declaration.missing"
	ProxyUnsigned     domain.Reason = "exemption.proxy.unsigned"
	ExemptionNotOpen  domain.Reason = "exemption.not.applied"
	ContactNotAllowed domain.Reason = "exemption.contact.not.confirmed"
	CriterionUnknown  domain.Reason = "exemption.criterion.unknown"
	CompanyCriterion  domain.Reason = "exemption.criterion.not.met"
	AddressNotAllowed domain.Reason = "exemption.address.not.allowed"
)

// Departure is the criterion of one who has left the country.
const Departure = "LEFT_DENMARK"

// managerUnable is the criterion of a company whose owner or manager can't, and nobody else can. It is no person's.
const managerUnable = "MANAGER_UNABLE"

// Criteria are the grounds on which one is exempt, as the municipality's form has them.
var Criteria = []string{"DISABILITY", "NO_COMPUTER_AT_HOME", Departure, "NO_REGISTERED_ADDRESS", "LIMITED_DANISH",
	"DIFFICULTY_GETTING_EID", "NO_BROADBAND", "OTHER", managerUnable}

// companyCriteria are the grounds on which a company is exempt.
var companyCriteria = []string{"NO_BROADBAND", managerUnable}

// judgeCriteria refuses grounds that are not on the form, or not of the kind of owner.
func judgeCriteria(criteria []string, owner OwnerKind) error {
	for _, c := range criteria {
		if !slices.Contains(Criteria, c) {
			return domain.Refuse(CriterionUnknown)
		}
	}

	for _, c := range criteria {
		if owner == Company && !slices.Contains(companyCriteria, c) || owner != Company && c == managerUnable {
			return domain.Refuse(CompanyCriterion)
		}
	}

	return nil
}

// Where an exemption stands, in the words of the office.
const (
	StatusApplied = "APPLIED"
	StatusExempt  = "EXEMPT"
	StatusRefused = "REFUSED"
	StatusRevoked = "REVOKED"
)

// An Exemption is where the owner's exemption stands. It has no end of its own, deletes nothing, and does not touch
// private post.
type Exemption struct {
	ID        domain.GrantID `cbor:"1,keyasint,omitzero"`  // zero: none was ever applied for
	Applied   bool           `cbor:"2,keyasint,omitempty"` // and not yet decided on
	Exempt    bool           `cbor:"3,keyasint,omitempty"`
	Departure bool           `cbor:"4,keyasint,omitempty"` // its ground is that the owner has left the country
	Version   uint32         `cbor:"5,keyasint,omitempty"` // grows with each event about it
	Shown     ExemptionShown `cbor:"6,keyasint"`
}

// An ExemptionShown is what only people see of an exemption: of its sealed words, most only officers.
type ExemptionShown struct {
	Status      string        `cbor:"1,keyasint,omitempty"`
	Leaf        uint32        `cbor:"2,keyasint,omitempty"`
	Criteria    domain.Sealed `cbor:"3,keyasint,omitempty"`
	Proxy       bool          `cbor:"4,keyasint,omitempty"`
	At          time.Time     `cbor:"5,keyasint,omitzero"`
	Last        time.Time     `cbor:"6,keyasint,omitzero"`
	By          string        `cbor:"7,keyasint,omitempty"` // how it ended
	AddressLeaf uint32        `cbor:"8,keyasint,omitempty"`
	Address     domain.Sealed `cbor:"9,keyasint,omitempty"`
	GroundsLeaf uint32        `cbor:"10,keyasint,omitempty"`
	Grounds     domain.Sealed `cbor:"11,keyasint,omitempty"` // of a refusal: for the owner too
}

// begins is the effect of an event that puts sealed words into the mailbox's own row, under a leaf of their own.
func begins(leaf uint32) domain.Effect {
	out := onBox()
	out.Begins = leaf

	return out
}

// exemption changes where the exemption stands.
func (s *State) exemption(at domain.Moment, fn func(*Exemption)) {
	fn(&s.Exemption)
	s.Exemption.Version++
	s.Exemption.Shown.Last = at.Recorded
}

// exemptionEvents are the zero values of this file's event types.
var exemptionEvents = []Event{
	ExemptionApplied{}, ExemptionGranted{}, ExemptionRefused{}, ExemptionReceiptIssued{}, ExemptionRevoked{},
}

// ExemptionApplied records that the owner applied, at a municipality, with a signed declaration. The criteria are
// sealed under a leaf of their own, and no one but officers is told of them.
type ExemptionApplied struct {
	Exemption domain.GrantID `cbor:"1,keyasint" json:"exemption"`
	Leaf      uint32         `cbor:"2,keyasint" json:"leaf"`
	Criteria  domain.Sealed  `cbor:"3,keyasint" json:"criteria"`
	Departure bool           `cbor:"4,keyasint,omitempty" json:"departure,omitempty"`
	Proxy     bool           `cbor:"5,keyasint,omitempty" json:"proxy,omitempty"` // by one with a power of attorney
}

// EventType is the stored name.
func (ExemptionApplied) EventType() string { return "mailbox.exemption-applied" }

// Effect begins the application.
func (e ExemptionApplied) Effect() domain.Effect { return begins(e.Leaf) }

func (e ExemptionApplied) evolve(s *State, at domain.Moment) {
	s.take(e.Leaf)
	s.exemption(at, func(x *Exemption) {
		shown := ExemptionShown{
			Status: StatusApplied, Leaf: e.Leaf, Criteria: e.Criteria, Proxy: e.Proxy, At: at.Recorded,
			AddressLeaf: x.Shown.AddressLeaf, Address: x.Shown.Address,
		}
		*x = Exemption{
			ID: e.Exemption, Applied: true, Departure: e.Departure, Version: x.Version, Shown: shown,
		}
	})
}

// ExemptionGranted records that the owner is exempt from now on: what is not delivered by this record's position is not
// delivered.
type ExemptionGranted struct {
	Exemption domain.GrantID `cbor:"1,keyasint" json:"exemption"`
	Departure bool           `cbor:"2,keyasint,omitempty" json:"departure,omitempty"`
}

// EventType is the stored name.
func (ExemptionGranted) EventType() string { return "mailbox.exemption-granted" }

// Effect is on the mailbox's own row.
func (ExemptionGranted) Effect() domain.Effect { return onBox() }

func (e ExemptionGranted) evolve(s *State, at domain.Moment) {
	s.exemption(at, func(x *Exemption) {
		x.ID, x.Applied, x.Exempt, x.Departure = e.Exemption, false, true, e.Departure
		x.Shown.Status = StatusExempt
	})
}

// ExemptionRefused records that an application was turned down, with the sealed reason.
type ExemptionRefused struct {
	Exemption domain.GrantID `cbor:"1,keyasint" json:"exemption"`
	Leaf      uint32         `cbor:"2,keyasint" json:"leaf"`
	Grounds   domain.Sealed  `cbor:"3,keyasint" json:"grounds"`
}

// EventType is the stored name.
func (ExemptionRefused) EventType() string { return "mailbox.exemption-refused" }

// Effect begins the grounds.
func (e ExemptionRefused) Effect() domain.Effect { return begins(e.Leaf) }

func (e ExemptionRefused) evolve(s *State, at domain.Moment) {
	s.take(e.Leaf)
	s.exemption(at, func(x *Exemption) {
		x.Applied = false
		x.Shown.Status, x.Shown.GroundsLeaf, x.Shown.Grounds = StatusRefused, e.Leaf, e.Grounds
	})
}

// ExemptionReceiptIssued records that the owner got a receipt, which does not state the criterion.
type ExemptionReceiptIssued struct {
	Exemption domain.GrantID `cbor:"1,keyasint" json:"exemption"`
}

// EventType is the stored name.
func (ExemptionReceiptIssued) EventType() string { return "mailbox.exemption-receipt-issued" }

// Effect is nothing: the receipt is evidence.
func (ExemptionReceiptIssued) Effect() domain.Effect { return domain.Effect{} }

func (ExemptionReceiptIssued) evolve(*State, domain.Moment) {}

// How an exemption ended.
const (
	BySelf         = "SELF"         // online, with contact details confirmed
	ByMunicipality = "MUNICIPALITY" // by an officer
	ByReturn       = "RETURNED"     // the register says that the owner is back
)

// ExemptionRevoked records that the owner gets post again.
type ExemptionRevoked struct {
	Exemption domain.GrantID `cbor:"1,keyasint" json:"exemption"`
	By        string         `cbor:"2,keyasint" json:"by"`
}

// EventType is the stored name.
func (ExemptionRevoked) EventType() string { return "mailbox.exemption-revoked" }

// Effect is on the mailbox's own row.
func (ExemptionRevoked) Effect() domain.Effect { return onBox() }

func (e ExemptionRevoked) evolve(s *State, at domain.Moment) {
	s.exemption(at, func(x *Exemption) {
		x.ID, x.Applied, x.Exempt, x.Departure = e.Exemption, false, false, false
		x.Shown.Status, x.Shown.By = StatusRevoked, e.By
	})
}

func exempting() Leave { return Leave{Actions: []access.Action{access.Exempt}} }

// ApplyForExemption is what happens at the counter: who comes shows an ID and a signed declaration of at least one
// criterion; a proxy's form is signed by both.
type ApplyForExemption struct {
	Exemption   domain.GrantID
	Version     uint32   // of the exemption before, as the caller knows it; 0: any
	Criteria    []string // in the open
	Proxy       bool
	InPerson    bool
	IDShown     bool
	Declaration bool // signed
	BothSigned  bool // of a proxy's form
	Seal        domain.Seal
}

func (ApplyForExemption) needs() domain.Parts { return domain.Parts{} }

func (ApplyForExemption) leave(*State) Leave { return exempting() }

func (c ApplyForExemption) decide(s *State) ([]Event, error) {
	if err := domain.AtVersion(s.Exemption.Version, c.Version); err != nil {
		return nil, err
	}

	if err := judgeCriteria(c.Criteria, s.Owner); err != nil {
		return nil, err
	}

	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.Exemption.Exempt || s.Exemption.Applied:
		return nil, domain.Refuse(AlreadyExempt)
	case !c.InPerson:
		return nil, domain.Refuse(NotInPerson)
	case !c.IDShown:
		return nil, domain.Refuse(NoID)
	case !c.Declaration || len(c.Criteria) == 0:
		return nil, domain.Refuse(NoDeclaration)
	case c.Proxy && !c.BothSigned:
		return nil, domain.Refuse(ProxyUnsigned)
	}

	sealed, err := c.Seal.Under(s.NextLeaf, nil)
	if err != nil {
		return nil, err
	}

	return []Event{ExemptionApplied{
		Exemption: c.Exemption, Leaf: s.NextLeaf, Criteria: sealed,
		Departure: slices.Contains(c.Criteria, Departure), Proxy: c.Proxy,
	}}, nil
}

// GrantExemption decides an application with yes. The receipt goes with it. One who has left the country is always
// granted it, so is never refused.
type GrantExemption struct {
	Exemption domain.GrantID
	Version   uint32
}

func (GrantExemption) needs() domain.Parts { return domain.Parts{} }

func (GrantExemption) leave(*State) Leave { return exempting() }

func (c GrantExemption) decide(s *State) ([]Event, error) {
	if err := domain.AtVersion(s.Exemption.Version, c.Version); err != nil {
		return nil, err
	}

	if s.Exemption.ID == c.Exemption && s.Exemption.Exempt {
		return nil, domain.Refuse(AlreadyExempt)
	}

	if s.Exemption.ID != c.Exemption || !s.Exemption.Applied {
		return nil, domain.Refuse(ExemptionNotOpen)
	}

	return []Event{ExemptionGranted{c.Exemption, s.Exemption.Departure}, ExemptionReceiptIssued{c.Exemption}}, nil
}

// RefuseExemption decides an application with no, for stated reasons.
type RefuseExemption struct {
	Exemption domain.GrantID
	Version   uint32
	Seal      domain.Seal // of the grounds
}

func (RefuseExemption) needs() domain.Parts { return domain.Parts{} }

func (RefuseExemption) leave(*State) Leave { return exempting() }

func (c RefuseExemption) decide(s *State) ([]Event, error) {
	if err := domain.AtVersion(s.Exemption.Version, c.Version); err != nil {
		return nil, err
	}

	if s.Exemption.ID != c.Exemption || !s.Exemption.Applied || s.Exemption.Departure {
		return nil, domain.Refuse(ExemptionNotOpen)
	}

	grounds, err := c.Seal.Under(s.NextLeaf, nil)
	if err != nil {
		return nil, err
	}

	return []Event{ExemptionRefused{Exemption: c.Exemption, Leaf: s.NextLeaf, Grounds: grounds}}, nil
}

// RevokeExemption ends the exemption: by the owner online, who confirms contact details; at the municipality; or
// because the owner is back, which ends only an exemption whose ground was that they had left [41].
type RevokeExemption struct {
	By string
	// Exemption is the one that is meant; zero: whichever there is. A later one is another.
	Exemption domain.GrantID
	Version   uint32
	// Contacts are keyed hashes of contact details that the owner names: each must be a confirmed one of theirs. The
	// owner needs one, named or not.
	Contacts []domain.UUID
}

func (RevokeExemption) needs() domain.Parts { return domain.Parts{} }

func (c RevokeExemption) leave(*State) Leave {
	switch c.By {
	case BySelf:
		return Leave{Actions: []access.Action{access.Settings}}
	case ByReturn:
		return Leave{Machines: []access.Machine{access.Register}}
	}

	return exempting()
}

func (c RevokeExemption) decide(s *State) ([]Event, error) {
	if err := domain.AtVersion(s.Exemption.Version, c.Version); err != nil {
		return nil, err
	}

	switch {
	case c.Exemption != domain.GrantID{} && c.Exemption != s.Exemption.ID:
		return nil, domain.Refuse(domain.NotFound)
	case !s.Exemption.Exempt:
		return nil, domain.Refuse(NotExempt)
	case c.By == ByReturn && !s.Exemption.Departure:
		return nil, nil
	case c.By == BySelf && !s.contacts(domain.MailboxID{}).confirmed(c.Contacts):
		return nil, domain.Refuse(ContactNotAllowed)
	}

	return []Event{ExemptionRevoked{s.Exemption.ID, c.By}}, nil
}

// confirmed reports whether a person has confirmed all contact details that are named, and any at all.
func (c Contacts) confirmed(named []domain.UUID) bool {
	has := map[domain.UUID]bool{}
	for _, d := range c.Details {
		if d.Confirmed && d.Kind != NemSMSNumber {
			has[d.Hash] = true
		}
	}

	return len(has) > 0 && !slices.ContainsFunc(named, func(h domain.UUID) bool { return !has[h] })
}
