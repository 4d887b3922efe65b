package organisation

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
)

// UnknownMet records that a system asked for, or wrote to, so many more numbers that nobody has. No number stands here.
type UnknownMet struct {
	System domain.SystemID `cbor:"1,keyasint" json:"system"`
	Count  uint32          `cbor:"2,keyasint" json:"count"`
}

// EventType is the stored name.
func (UnknownMet) EventType() string { return "organisation.unknown-met" }

// Effect is on nothing but the stream.
func (UnknownMet) Effect() domain.Effect { return domain.Effect{} }

func (UnknownMet) evolve(*State) {}

// NoteUnknown records what a system of the organisation has met.
type NoteUnknown struct{ Met UnknownMet }

func (NoteUnknown) machines() []access.Machine { return []access.Machine{access.Backbone} }

func (c NoteUnknown) decide(s State) ([]Event, error) {
	if _, ok := s.Systems[c.Met.System]; !ok {
		return nil, domain.Refuse(NoSuchSystem)
	}

	return []Event{c.Met}, nil
}
