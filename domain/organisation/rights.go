package organisation

import (
	"slices"
	"unicode/utf8"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse an organisation's rights.
const (
	RightsNotAllowed domain.Reason = "organisation.rights.not.allowed"
	NotRegistered    domain.Reason = "organisation.not.registered"
	BasisNotAllowed  domain.Reason = "consent.basis.not.allowed"
	NameNotAllowed   domain.Reason = "organisation.name.not.allowed"
)

// Bounds of what is said of organisations and systems, in characters.
const (
	MaxName       = 256
	MaxLegalBasis = 200
)

// ConsentBases are what may give a company the consent of those to whom it writes first: a customer's contract, or
// employment.
var ConsentBases = []string{"CONTRACT", "EMPLOYMENT"}

// Rights are what an organisation may do beyond sending.
type Rights struct {
	MandatoryAllowed bool `cbor:"4,keyasint,omitempty" json:"mandatoryPostAllowed,omitempty"`
	LegalAllowed     bool `cbor:"5,keyasint,omitempty" json:"legalNotificationAllowed,omitempty"`
	// LegalBasis is that of an authority which may write to those who are exempt.
	LegalBasis string `cbor:"7,keyasint,omitempty" json:"legalBasis,omitempty"`
	// AuthorityType is one of AuthorityTypes; empty for a company.
	AuthorityType string `cbor:"8,keyasint,omitempty" json:"authorityType,omitempty"`
}

// judge refuses rights that an organisation of a kind can't have: an authority is of a type, and a company has none of
// an authority's.
func (r Rights) judge(kind string) error {
	switch {
	case utf8.RuneCountInString(r.LegalBasis) > MaxLegalBasis || domain.HasHidden(r.LegalBasis),
		kind == Company && r != Rights{},
		kind == Authority && !slices.Contains(AuthorityTypes, r.AuthorityType),
		kind != Company && kind != Authority:
		return domain.Refuse(RightsNotAllowed)
	}

	return nil
}

// Registered records that an organisation joined.
type Registered struct {
	Kind string        `cbor:"1,keyasint" json:"kind"`
	CVR  domain.Sealed `cbor:"2,keyasint" json:"cvr"`
	Name domain.Sealed `cbor:"3,keyasint" json:"name"`
	Rights
	UUID domain.UUID `cbor:"6,keyasint,omitzero" json:"uuid,omitzero"` // that its certificates name
}

// EventType is the stored name.
func (Registered) EventType() string { return "organisation.registered" }

// Effect is on the organisation alone.
func (Registered) Effect() domain.Effect { return domain.Effect{} }

func (e Registered) evolve(s *State) { s.Kind, s.Rights = e.Kind, e.Rights }

// RightsChanged records what an organisation may do from now on: all of its rights, as they are then.
type RightsChanged struct{ Rights }

// EventType is the stored name.
func (RightsChanged) EventType() string { return "organisation.rights-changed" }

// Effect is on the organisation alone.
func (RightsChanged) Effect() domain.Effect { return domain.Effect{} }

func (e RightsChanged) evolve(s *State) { s.Rights = e.Rights }

// ChangeRights says what an organisation that is registered may do from now on.
type ChangeRights struct{ Rights Rights }

func (ChangeRights) machines() []access.Machine { return registrars() }

func (c ChangeRights) decide(s State) ([]Event, error) {
	if s.Kind == "" {
		return nil, domain.Refuse(NotRegistered)
	}

	if err := c.Rights.judge(s.Kind); err != nil || c.Rights == s.Rights {
		return nil, err
	}

	return []Event{RightsChanged{c.Rights}}, nil
}

// JudgeBasis refuses a basis of consent that there is not, and any of an authority, which needs none. An empty one is
// none.
func JudgeBasis(kind, basis string) error {
	if basis != "" && (kind != Company || !slices.Contains(ConsentBases, basis)) {
		return domain.Refuse(BasisNotAllowed)
	}

	return nil
}
