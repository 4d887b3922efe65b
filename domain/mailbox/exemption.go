package mailbox

import "digitalpost/domain"

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
)

// An Exemption is where the owner's exemption stands. It has no end of its own, deletes nothing, and does not touch private post.
type Exemption struct {
	ID        domain.GrantID // zero: none was ever applied for
	Applied   bool           // and not yet decided on
	Exempt    bool
	Departure bool // its ground is that the owner has left the country
}

// ExemptionApplied records that the owner applied, at a municipality, with a signed declaration. The criteria are sealed under a leaf of their own, and no one
// but officers is told of them.
type ExemptionApplied struct {
	Exemption domain.GrantID `cbor:"1,keyasint" json:"exemption"`
	Leaf      uint32         `cbor:"2,keyasint" json:"leaf"`
	Criteria  domain.Sealed  `cbor:"3,keyasint" json:"criteria"`
	Departure bool           `cbor:"4,keyasint,omitempty" json:"departure,omitempty"`
	Proxy     bool           `cbor:"5,keyasint,omitempty" json:"proxy,omitempty"` // by one with a power of attorney
}

// ExemptionGranted records that the owner is exempt from now on: what is not delivered by this record's position is not delivered.
type ExemptionGranted struct {
	Exemption domain.GrantID `cbor:"1,keyasint" json:"exemption"`
	Departure bool           `cbor:"2,keyasint,omitempty" json:"departure,omitempty"`
}

// ExemptionRefused records that an application was turned down, with the sealed reason.
type ExemptionRefused struct {
	Exemption domain.GrantID `cbor:"1,keyasint" json:"exemption"`
	Leaf      uint32         `cbor:"2,keyasint" json:"leaf"`
	Grounds   domain.Sealed  `cbor:"3,keyasint" json:"grounds"`
}

// ExemptionReceiptIssued records that the owner got a receipt, which does not state the criterion.
type ExemptionReceiptIssued struct {
	Exemption domain.GrantID `cbor:"1,keyasint" json:"exemption"`
}

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

// PostalAddressSet records where paper goes instead; empty: to the registered address.
type PostalAddressSet struct {
	Leaf    uint32        `cbor:"1,keyasint" json:"leaf"`
	Address domain.Sealed `cbor:"2,keyasint,omitempty" json:"address,omitempty"`
}

// ContactConfirmed records that the owner confirmed an e-mail address or a mobile number.
type ContactConfirmed struct {
	Leaf    uint32        `cbor:"1,keyasint" json:"leaf"`
	Contact domain.Sealed `cbor:"2,keyasint" json:"contact"`
}

func (ExemptionApplied) EventType() string       { return "mailbox.exemption-applied" }
func (ExemptionGranted) EventType() string       { return "mailbox.exemption-granted" }
func (ExemptionRefused) EventType() string       { return "mailbox.exemption-refused" }
func (ExemptionReceiptIssued) EventType() string { return "mailbox.exemption-receipt-issued" }
func (ExemptionRevoked) EventType() string       { return "mailbox.exemption-revoked" }
func (PostalAddressSet) EventType() string       { return "mailbox.postal-address-set" }
func (ContactConfirmed) EventType() string       { return "mailbox.contact-confirmed" }

func (s *State) take(leaf uint32) { s.NextLeaf = max(s.NextLeaf, leaf+1) }

func (e ExemptionApplied) evolve(s *State) {
	s.take(e.Leaf)
	s.Exemption = Exemption{ID: e.Exemption, Applied: true, Departure: e.Departure}
}
func (e ExemptionGranted) evolve(s *State) {
	s.Exemption = Exemption{ID: e.Exemption, Exempt: true, Departure: e.Departure}
}
func (e ExemptionRefused) evolve(s *State) { s.take(e.Leaf); s.Exemption.Applied = false }
func (ExemptionReceiptIssued) evolve(*State) {
}
func (e ExemptionRevoked) evolve(s *State) { s.Exemption = Exemption{ID: e.Exemption} }
func (e PostalAddressSet) evolve(s *State) { s.take(e.Leaf) }
func (e ContactConfirmed) evolve(s *State) { s.take(e.Leaf) }

// ApplyForExemption is what happens at the counter: who comes shows an ID and a signed declaration of at least one criterion; a proxy's form is signed by both.
type ApplyForExemption struct {
	Applied     ExemptionApplied
	InPerson    bool
	IDShown     bool
	Declaration bool // signed, with at least one criterion
	BothSigned  bool // of a proxy's form
}

func (c ApplyForExemption) decide(s State) ([]Event, error) {
	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case s.Exemption.Exempt || s.Exemption.Applied:
		return nil, domain.Refuse(AlreadyExempt)
	case !c.InPerson:
		return nil, domain.Refuse(NotInPerson)
	case !c.IDShown:
		return nil, domain.Refuse(NoID)
	case !c.Declaration:
		return nil, domain.Refuse(NoDeclaration)
	case c.Applied.Proxy && !c.BothSigned:
		return nil, domain.Refuse(ProxyUnsigned)
	case c.Applied.Leaf != s.NextLeaf:
		return nil, domain.Refuse(LeafTaken)
	}
	return []Event{c.Applied}, nil
}

// GrantExemption decides an application with yes. The receipt goes with it. One who has left the country is always granted it, so is never refused.
type GrantExemption struct{ Exemption domain.GrantID }

func (c GrantExemption) decide(s State) ([]Event, error) {
	if s.Exemption.ID == c.Exemption && s.Exemption.Exempt {
		return nil, domain.Refuse(AlreadyExempt)
	}
	if s.Exemption.ID != c.Exemption || !s.Exemption.Applied {
		return nil, domain.Refuse(ExemptionNotOpen)
	}
	return []Event{ExemptionGranted{c.Exemption, s.Exemption.Departure}, ExemptionReceiptIssued(c)}, nil
}

// RefuseExemption decides an application with no, for stated reasons.
type RefuseExemption struct{ Refused ExemptionRefused }

func (c RefuseExemption) decide(s State) ([]Event, error) {
	switch {
	case s.Exemption.ID != c.Refused.Exemption || !s.Exemption.Applied || s.Exemption.Departure:
		return nil, domain.Refuse(ExemptionNotOpen)
	case c.Refused.Leaf != s.NextLeaf:
		return nil, domain.Refuse(LeafTaken)
	}
	return []Event{c.Refused}, nil
}

// RevokeExemption ends the exemption: by the owner online, who confirms contact details; at the municipality; or because the owner is back, which ends only an
// exemption whose ground was that they had left [41].
type RevokeExemption struct {
	By      string
	Contact *ContactConfirmed // needed by the owner
}

func (c RevokeExemption) decide(s State) ([]Event, error) {
	switch {
	case !s.Exemption.Exempt:
		return nil, domain.Refuse(NotExempt)
	case c.By == ByReturn && !s.Exemption.Departure:
		return nil, nil
	case c.By == BySelf && c.Contact == nil:
		return nil, domain.Refuse(ContactNotAllowed)
	case c.Contact != nil && c.Contact.Leaf != s.NextLeaf:
		return nil, domain.Refuse(LeafTaken)
	}
	var events []Event
	if c.Contact != nil {
		events = append(events, *c.Contact)
	}
	return append(events, ExemptionRevoked{s.Exemption.ID, c.By}), nil
}

// SetPostalAddress says where paper goes.
type SetPostalAddress struct{ Set PostalAddressSet }

func (c SetPostalAddress) decide(s State) ([]Event, error) {
	switch {
	case s.Owner == "":
		return nil, domain.Refuse(NotOpen)
	case c.Set.Leaf != s.NextLeaf:
		return nil, domain.Refuse(LeafTaken)
	}
	return []Event{c.Set}, nil
}

// MessageRefused records that a scheduled message could not be delivered at its date: its recipient is exempt by then [7].
type MessageRefused struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Leaf    uint32           `cbor:"2,keyasint" json:"leaf"`
	Reason  domain.Reason    `cbor:"3,keyasint" json:"reason"`
}

func (MessageRefused) EventType() string { return "mailbox.message-refused" }
func (e MessageRefused) evolve(s *State) {
	s.change(e.Message, false, func(m *Message) { m.Stage = Recalled })
}

// keptOut tells whether a message may not be delivered because its recipient is exempt. Private post, and authorities' on a legal basis of their own, come through.
func (s State) keptOut(platform, legalBasis string) bool {
	return s.Exemption.Exempt && platform == "" && legalBasis == ""
}
