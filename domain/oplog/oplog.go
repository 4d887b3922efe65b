// Package oplog is the rules of what happens to the log itself, in the stream log-<log id>: what an operator did, and
// when which program ran.
package oplog

import (
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// An Event is something that happened to the log.
type Event interface {
	domain.Event
	evolve(*State, domain.Moment)
}

// Codec knows every event type.
var Codec = domain.Events[Event](ClockConfirmed{}, Started{}, Stopped{}, Restored{}, KeysRolled{},
	ProposalMade{}, ProposalApproved{}, ProposalWithdrawn{}, ProposalCarriedOut{})

// A Command is something asked of the log, or noted in it.
type Command interface {
	// machines names who may give the command.
	machines() []access.Machine
	decide(State, Order) ([]Event, error)
}

// An Order is a command, and who gives it.
type Order struct {
	Command Command
	By      access.Machine
	Who     [16]byte         // of access.Operations: the operator; zero: whoever is at the console
	Citizen domain.MailboxID // who that is beyond their office, where their sign-in says it; zero: it does not
	Mandate bool             // that they say under which
	Alone   bool             // one may do what is otherwise for two: in development
	Now     time.Time
}

// Decider is the rule book.
var Decider = domain.Decider[Order, Event, State]{
	Initial: func() State { return State{} },
	Decide: func(s State, o Order) ([]Event, error) {
		if !slices.Contains(o.Command.machines(), o.By) {
			return nil, domain.Refuse(access.NotAllowed)
		}

		return o.Command.decide(s, o)
	},
	Evolve: func(s State, e Event, at domain.Moment) State { e.evolve(&s, at); return s },
}

// State is what the rules know of the log.
type State struct {
	Confirmations int
	Proposals     map[domain.UUID]Proposal // that are open, or approved and not carried out; not to be changed

	restored uint64 // the incarnation that was restored last; 0: none
	waits    bool   // nobody has approved of going on with it
}

var (
	operator = []access.Machine{access.Operations}
	process  = []access.Machine{access.Backbone}
)

// ClockConfirmed records that an operator found the machine's clock right after it had jumped.
type ClockConfirmed struct{}

// EventType is the stored name.
func (ClockConfirmed) EventType() string { return "log.clock-confirmed" }

// Effect is on nothing but the stream.
func (ClockConfirmed) Effect() domain.Effect { return domain.Effect{} }

func (ClockConfirmed) evolve(s *State, _ domain.Moment) { s.Confirmations++ }

// ConfirmClock accepts the machine's clock as it is. It is for whoever runs the server alone.
type ConfirmClock struct{}

func (ConfirmClock) machines() []access.Machine { return operator }

func (ConfirmClock) decide(State, Order) ([]Event, error) { return []Event{ClockConfirmed{}}, nil }

// Started records that a program began to serve the log. A program that began again without having stopped had been
// killed.
type Started struct {
	Version     string `cbor:"1,keyasint" json:"version"`     // of the program
	Settings    []byte `cbor:"2,keyasint" json:"settings"`    // SHA-256 of how it was told to serve, without secrets
	Incarnation uint64 `cbor:"3,keyasint" json:"incarnation"` // of the log, whose id the stream has
}

// EventType is the stored name.
func (Started) EventType() string { return "log.started" }

// Effect is on nothing but the stream.
func (Started) Effect() domain.Effect { return domain.Effect{} }

func (Started) evolve(*State, domain.Moment) {}

// NoteStart notes that the program has begun to serve.
type NoteStart struct{ Started Started }

func (NoteStart) machines() []access.Machine { return process }

func (c NoteStart) decide(State, Order) ([]Event, error) { return []Event{c.Started}, nil }

// Stopped records that a program was told to end, and did.
type Stopped struct{}

// EventType is the stored name.
func (Stopped) EventType() string { return "log.stopped" }

// Effect is on nothing but the stream.
func (Stopped) Effect() domain.Effect { return domain.Effect{} }

func (Stopped) evolve(*State, domain.Moment) {}

// NoteStop notes that the program ends.
type NoteStop struct{}

func (NoteStop) machines() []access.Machine { return process }

func (NoteStop) decide(State, Order) ([]Event, error) { return []Event{Stopped{}}, nil }

// Restored records that the log goes on from a copy. What was written of it elsewhere beyond the position is another
// history.
type Restored struct {
	Incarnation uint64 `cbor:"1,keyasint" json:"incarnation"` // that begins
	Position    uint64 `cbor:"2,keyasint" json:"position"`    // the copy's last
}

// EventType is the stored name.
func (Restored) EventType() string { return "log.restored" }

// Effect is on nothing but the stream.
func (Restored) Effect() domain.Effect { return domain.Effect{} }

func (e Restored) evolve(s *State, _ domain.Moment) { s.restored, s.waits = e.Incarnation, true }

// NoteRestore notes that an operator restored the log.
type NoteRestore struct{ Restored Restored }

func (NoteRestore) machines() []access.Machine { return operator }

func (c NoteRestore) decide(State, Order) ([]Event, error) { return []Event{c.Restored}, nil }

// KeysRolled records that a key epoch ended: what was forgotten before opens from no copy any more.
type KeysRolled struct {
	Epoch int `cbor:"1,keyasint" json:"epoch"` // that began
	// Through is the position up to which what was to be forgotten opens from no copy. What came after it, while the
	// epoch rolled, is gone from copies with the next one.
	Through uint64 `cbor:"2,keyasint,omitempty" json:"through,omitempty"`
}

// EventType is the stored name.
func (KeysRolled) EventType() string { return "log.keys-rolled" }

// Effect is on nothing but the stream.
func (KeysRolled) Effect() domain.Effect { return domain.Effect{} }

func (KeysRolled) evolve(*State, domain.Moment) {}

// NoteRoll notes that an operator rolled the epoch.
type NoteRoll struct{ Rolled KeysRolled }

func (NoteRoll) machines() []access.Machine { return operator }

func (c NoteRoll) decide(State, Order) ([]Event, error) { return []Event{c.Rolled}, nil }
