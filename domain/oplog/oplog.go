// Package oplog is the rules of what an operator confirms about the log itself, in the stream log-<log id>.
package oplog

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
)

// An Event is something that happened to the log.
type Event interface {
	domain.Event
	evolve(*State)
}

// Codec knows every event type.
var Codec = domain.Events[Event](ClockConfirmed{})

// Decider is the rule book.
var Decider = domain.Decider[ConfirmClock, Event, State]{
	Initial: func() State { return State{} },
	Decide: func(_ State, c ConfirmClock) ([]Event, error) {
		if c.By != access.Operations {
			return nil, domain.Refuse(access.NotAllowed)
		}

		return []Event{ClockConfirmed{}}, nil
	},
	Evolve: func(s State, e Event, _ domain.Moment) State { e.evolve(&s); return s },
}

// State is what the rules know of the log.
type State struct{ Confirmations int }

// ClockConfirmed records that an operator found the machine's clock right after it had jumped.
type ClockConfirmed struct{}

// EventType is the stored name.
func (ClockConfirmed) EventType() string { return "log.clock-confirmed" }

// Effect is on nothing but the stream.
func (ClockConfirmed) Effect() domain.Effect { return domain.Effect{} }

func (ClockConfirmed) evolve(s *State) { s.Confirmations++ }

// ConfirmClock accepts the machine's clock as it is. It is for whoever runs the server alone.
type ConfirmClock struct{ By access.Machine }
