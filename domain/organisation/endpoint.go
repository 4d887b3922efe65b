package organisation

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
)

// SystemEndpointSet records where a sender system is told what became of its MeMos; empty: nowhere, it asks.
type SystemEndpointSet struct {
	System   domain.SystemID `cbor:"1,keyasint" json:"system"`
	Endpoint string          `cbor:"2,keyasint,omitempty" json:"endpoint,omitempty"`
}

// EventType is the stored name.
func (SystemEndpointSet) EventType() string { return "organisation.system-endpoint-set" }

// Effect is on the organisation alone.
func (SystemEndpointSet) Effect() domain.Effect { return domain.Effect{} }

func (e SystemEndpointSet) evolve(s *State) {
	x := s.Systems[e.System]
	x.Endpoint = e.Endpoint
	s.Systems[e.System] = x
}

// SetEndpoint has a sender system told at an address, which has answered for itself; empty: nowhere.
type SetEndpoint struct{ Set SystemEndpointSet }

func (SetEndpoint) machines() []access.Machine { return []access.Machine{access.System} }

func (c SetEndpoint) decide(s State) ([]Event, error) {
	system, there := s.Systems[c.Set.System]
	switch {
	case !there || system.Withdrawn:
		return nil, domain.Refuse(domain.NotFound)
	case system.Endpoint == c.Set.Endpoint:
		return nil, nil
	}

	return []Event{c.Set}, nil
}
