package organisation

import (
	"slices"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse what is about subscriptions.
const (
	SubscriptionNotAllowed domain.Reason = "subscription.not.allowed"
	TooManySubscriptions   domain.Reason = "subscription.too.many"
)

// Bounds of subscriptions.
const (
	MaxSubscriptions = 10   // of a system
	MaxSingles       = 1000 // contacts or organisations that one names
)

// What a subscription is of.
const (
	AllCitizens      = "ALL_CITIZENS"
	NewCitizens      = "NEW_CITIZENS"
	AllCompanies     = "ALL_COMPANIES"
	NewCompanies     = "NEW_COMPANIES"
	AllOrganisations = "ALL_ORGANISATIONS"
	NewOrganisations = "NEW_ORGANISATIONS"
)

// operations gives what a subscription may be of.
func operations(organisations bool) []string {
	if organisations {
		return []string{AllOrganisations, NewOrganisations}
	}

	return []string{AllCitizens, NewCitizens, AllCompanies, NewCompanies}
}

// SubscriptionSet records that an authority's system is told, at an address, of changes of whom its post reaches, or of
// whom people may write to.
type SubscriptionSet struct {
	Subscription domain.UUID     `cbor:"1,keyasint" json:"subscription"`
	System       domain.SystemID `cbor:"2,keyasint" json:"system"`
	// Organisations says that it is of organisations and their contact structures, not of contacts.
	Organisations bool          `cbor:"3,keyasint,omitempty" json:"organisations,omitempty"`
	Operations    []string      `cbor:"4,keyasint,omitempty" json:"operations,omitempty"`
	Singles       []domain.UUID `cbor:"5,keyasint,omitempty" json:"singles,omitempty"` // by id, beside the operations
	URL           string        `cbor:"6,keyasint" json:"url"`
}

// EventType is the stored name.
func (SubscriptionSet) EventType() string { return "organisation.subscription-set" }

// Effect is on the organisation alone.
func (SubscriptionSet) Effect() domain.Effect { return domain.Effect{} }

func (e SubscriptionSet) evolve(s *State) {
	s.Subscriptions[e.Subscription] = e
	s.version[e.Subscription]++
}

// SubscriptionEnded records that a subscription has ended.
type SubscriptionEnded struct {
	Subscription domain.UUID `cbor:"1,keyasint" json:"subscription"`
}

// EventType is the stored name.
func (SubscriptionEnded) EventType() string { return "organisation.subscription-ended" }

// Effect is on the organisation alone.
func (SubscriptionEnded) Effect() domain.Effect { return domain.Effect{} }

func (e SubscriptionEnded) evolve(s *State) { delete(s.Subscriptions, e.Subscription) }

// PutSubscription sets a subscription of the system that acts. It is an authority's to have.
type PutSubscription struct {
	Set     SubscriptionSet
	Create  bool
	Version uint32 // that the caller knows; 0: any
}

func (PutSubscription) machines() []access.Machine { return []access.Machine{access.System} }

func (c PutSubscription) decide(s State) ([]Event, error) {
	before, there := s.Subscriptions[c.Set.Subscription]
	if there == c.Create || there && (before.System != c.Set.System || before.Organisations != c.Set.Organisations) {
		return nil, domain.Refuse(domain.NotFound)
	}

	if err := domain.AtVersion(s.version[c.Set.Subscription], c.Version); err != nil {
		return nil, err
	}

	known := operations(c.Set.Organisations)
	for i, o := range c.Set.Operations {
		if !slices.Contains(known, o) || slices.Contains(c.Set.Operations[:i], o) {
			return nil, domain.Refuse(SubscriptionNotAllowed)
		}
	}

	own := 0
	for _, x := range s.Subscriptions {
		if x.System == c.Set.System {
			own++
		}
	}

	switch {
	case s.Kind != Authority, len(c.Set.Operations)+len(c.Set.Singles) == 0, len(c.Set.Singles) > MaxSingles:
		return nil, domain.Refuse(SubscriptionNotAllowed)
	case c.Create && own >= MaxSubscriptions:
		return nil, domain.Refuse(TooManySubscriptions)
	}

	return []Event{c.Set}, nil
}

// EndSubscription ends a subscription of the system that acts.
type EndSubscription struct {
	Ended   SubscriptionEnded
	System  domain.SystemID
	Version uint32 // that the caller knows; 0: any
}

func (EndSubscription) machines() []access.Machine { return []access.Machine{access.System} }

func (c EndSubscription) decide(s State) ([]Event, error) {
	if s.Subscriptions[c.Ended.Subscription].System != c.System {
		return nil, domain.Refuse(domain.NotFound)
	}

	if err := domain.AtVersion(s.version[c.Ended.Subscription], c.Version); err != nil {
		return nil, err
	}

	return []Event{c.Ended}, nil
}
