package organisation

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
)

// An Endpoint is where a system is told something, at an address of its own.
type Endpoint struct {
	URL     string `cbor:"1,keyasint,omitempty"` // empty: nowhere, it asks
	Stopped bool   `cbor:"2,keyasint,omitempty"` // it took nothing for so long that it is told no more
}

// Open reports whether the system is told there.
func (e Endpoint) Open() bool { return e.URL != "" && !e.Stopped }

// SystemEndpointSet records where a sender system is told what became of its MeMos, or where a recipient system is
// brought what people write to it; empty: nowhere, it asks.
type SystemEndpointSet struct {
	System   domain.SystemID `cbor:"1,keyasint" json:"system"`
	Endpoint string          `cbor:"2,keyasint,omitempty" json:"endpoint,omitempty"`
	Memos    bool            `cbor:"3,keyasint,omitempty" json:"memos,omitempty"` // it is that of what people write
}

// EventType is the stored name.
func (SystemEndpointSet) EventType() string { return "organisation.system-endpoint-set" }

// Effect is on the organisation alone.
func (SystemEndpointSet) Effect() domain.Effect { return domain.Effect{} }

func (e SystemEndpointSet) evolve(s *State) {
	x := s.Systems[e.System]
	*x.endpoint(e.Memos) = Endpoint{URL: e.Endpoint}
	s.Systems[e.System] = x
}

func (x *System) endpoint(memos bool) *Endpoint {
	if memos {
		return &x.Memos
	}

	return &x.Receipts
}

// SystemEndpointStopped records that a system is told no more, because it took nothing for days. What waits for it is
// kept, and flows again once an address is set.
type SystemEndpointStopped struct {
	System domain.SystemID `cbor:"1,keyasint" json:"system"`
	Memos  bool            `cbor:"2,keyasint,omitempty" json:"memos,omitempty"`
}

// EventType is the stored name.
func (SystemEndpointStopped) EventType() string { return "organisation.system-endpoint-stopped" }

// Effect is on the organisation alone.
func (SystemEndpointStopped) Effect() domain.Effect { return domain.Effect{} }

func (e SystemEndpointStopped) evolve(s *State) {
	x := s.Systems[e.System]
	x.endpoint(e.Memos).Stopped = true
	s.Systems[e.System] = x
}

// SetEndpoint has a system told at an address, which has answered for itself; empty: nowhere.
type SetEndpoint struct{ Set SystemEndpointSet }

func (SetEndpoint) machines() []access.Machine { return []access.Machine{access.System} }

func (c SetEndpoint) decide(s State) ([]Event, error) {
	system, there := s.Systems[c.Set.System]
	switch {
	case !there || system.Withdrawn || c.Set.Memos && !system.Receives:
		return nil, domain.Refuse(domain.NotFound)
	case *system.endpoint(c.Set.Memos) == (Endpoint{URL: c.Set.Endpoint}):
		return nil, nil
	}

	return []Event{c.Set}, nil
}

// StopEndpoint tells a system no more, once.
type StopEndpoint struct{ Stopped SystemEndpointStopped }

func (StopEndpoint) machines() []access.Machine { return []access.Machine{access.Backbone} }

func (c StopEndpoint) decide(s State) ([]Event, error) {
	system := s.Systems[c.Stopped.System]
	if !system.endpoint(c.Stopped.Memos).Open() {
		return nil, nil
	}

	return []Event{c.Stopped}, nil
}
