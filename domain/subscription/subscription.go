// Package subscription is the rules of a platform's subscription: what its servers say of the copy that they keep, and
// where they are told by the backbone itself. Each platform has one, in a stream of its own.
package subscription

import (
	"time"

	"digitalpost/domain"
)

// Reasons to refuse what is about subscriptions.
const (
	NoPush domain.Reason = "subscription.not.found"
)

// Reasons lists them all.
var Reasons = []domain.Reason{NoPush}

// OldSecretFor is how long the secret before is good beside a new one.
const OldSecretFor = 24 * time.Hour

// An Event is something that happened to a subscription.
type Event interface {
	domain.Event
	evolve(*State, domain.Moment)
}

// A Command is something asked of a subscription.
type Command interface{ decide(State) ([]Event, error) }

// Codec knows every event type.
var Codec = domain.Events[Event](CopyAttested{}, PushSet{}, SecretRotated{}, PushEnded{}, PushStopped{})

// Decider is the rule book.
var Decider = domain.Decider[Command, Event, State]{
	Initial: func() State { return State{} },
	Decide:  func(s State, c Command) ([]Event, error) { return c.decide(s) },
	Evolve:  func(s State, e Event, at domain.Moment) State { e.evolve(&s, at); return s },
}

// StreamOf gives the id of a platform's stream.
func StreamOf(platform string) [16]byte { return domain.DeriveID("subscription", []byte(platform)) }

// State is a subscription as its rules know it.
type State struct {
	Secret  uint32 // which one is current; 0: there never was one
	Push    Push   // zero: the platform is not told by the backbone
	Stopped bool   // since it could not be reached; all waits for it
}

// A Push is where a platform is told by the backbone.
type Push struct {
	URL string `cbor:"1,keyasint" json:"url"`
	// From is the position beyond which it is told.
	From uint64 `cbor:"2,keyasint" json:"from"`
}

// A Verdict is how what a platform says of its copy compares.
type Verdict string

// Verdicts.
const (
	Equal     Verdict = "EQUAL"
	Different Verdict = "DIFFERENT"
	Unknown   Verdict = "UNKNOWN" // no digest is kept of that position
)

// CopyAttested records what a platform says of its copy at a position: the digest of its rows.
type CopyAttested struct {
	Platform string  `cbor:"1,keyasint" json:"platform"`
	Position uint64  `cbor:"2,keyasint" json:"position"`
	Digest   []byte  `cbor:"3,keyasint" json:"digest"`
	Verdict  Verdict `cbor:"4,keyasint" json:"verdict"`
}

// EventType is the stored name.
func (CopyAttested) EventType() string { return "subscription.copy-attested" }

// Effect is on nothing but the stream.
func (CopyAttested) Effect() domain.Effect { return domain.Effect{} }

func (CopyAttested) evolve(*State, domain.Moment) {}

// PushSet records that a platform is told at an address from now on, which has answered for itself.
type PushSet struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
	Push     Push   `cbor:"2,keyasint" json:"push"`
	Secret   uint32 `cbor:"3,keyasint" json:"secret"` // which one signs
}

// EventType is the stored name.
func (PushSet) EventType() string { return "subscription.push-set" }

// Effect is on nothing but the stream.
func (PushSet) Effect() domain.Effect { return domain.Effect{} }

func (e PushSet) evolve(s *State, _ domain.Moment) {
	s.Push, s.Secret, s.Stopped = e.Push, e.Secret, false
}

// SecretRotated records that a new secret signs; the one before signs beside it for OldSecretFor.
type SecretRotated struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
	Secret   uint32 `cbor:"2,keyasint" json:"secret"`
}

// EventType is the stored name.
func (SecretRotated) EventType() string { return "subscription.secret-rotated" }

// Effect is on nothing but the stream.
func (SecretRotated) Effect() domain.Effect { return domain.Effect{} }

func (e SecretRotated) evolve(s *State, _ domain.Moment) { s.Secret = e.Secret }

// PushEnded records that a platform wants to be told no more.
type PushEnded struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
}

// EventType is the stored name.
func (PushEnded) EventType() string { return "subscription.push-ended" }

// Effect is on nothing but the stream.
func (PushEnded) Effect() domain.Effect { return domain.Effect{} }

func (PushEnded) evolve(s *State, _ domain.Moment) { s.Push, s.Stopped = Push{}, false }

// PushStopped records that a platform is told no more since it was not reached for too long. It goes on from Position
// when it asks for that.
type PushStopped struct {
	Platform string `cbor:"1,keyasint" json:"platform"`
	Position uint64 `cbor:"2,keyasint" json:"position"` // up to which it was told
}

// EventType is the stored name.
func (PushStopped) EventType() string { return "subscription.push-stopped" }

// Effect is on nothing but the stream.
func (PushStopped) Effect() domain.Effect { return domain.Effect{} }

func (PushStopped) evolve(s *State, _ domain.Moment) { s.Stopped = true }

// Attest notes what a platform says of its copy.
type Attest struct{ Attested CopyAttested }

func (c Attest) decide(State) ([]Event, error) { return []Event{c.Attested}, nil }

// SetPush has a platform told at an address. The secret that it has is kept.
type SetPush struct {
	Platform string
	Push     Push
}

func (c SetPush) decide(s State) ([]Event, error) {
	return []Event{PushSet{Platform: c.Platform, Push: c.Push, Secret: max(s.Secret, 1)}}, nil
}

// RotateSecret has a new secret sign.
type RotateSecret struct{ Platform string }

func (c RotateSecret) decide(s State) ([]Event, error) {
	if s.Push == (Push{}) {
		return nil, domain.Refuse(NoPush)
	}

	return []Event{SecretRotated{Platform: c.Platform, Secret: s.Secret + 1}}, nil
}

// EndPush has a platform told no more.
type EndPush struct{ Platform string }

func (c EndPush) decide(s State) ([]Event, error) {
	if s.Push == (Push{}) {
		return nil, domain.Refuse(NoPush)
	}

	return []Event{PushEnded(c)}, nil
}

// StopPush notes that a platform was not reached for too long, unless it has asked for something else meanwhile.
type StopPush struct {
	Platform string
	Push     Push // that was not reached
	Position uint64
}

func (c StopPush) decide(s State) ([]Event, error) {
	if s.Push != c.Push || s.Stopped {
		return nil, nil
	}

	return []Event{PushStopped{Platform: c.Platform, Position: c.Position}}, nil
}
