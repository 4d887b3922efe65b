// Package domain is the vocabulary of Digital Post and the shape of its rules. It and the packages below it are pure:
// no clock, no I/O, no randomness; ids and times come in with the command.
//
// # Streams
//
//	mailbox-<id>       one mailbox: opened, messages, folders, access, exemption, consents (package mailbox)
//	intake-<shard>     what came in, in 4,096 streams chosen by SHA-256 of system and UUID (package intake)
//	organisation-<id>  one authority or company as a sender: its systems and contact points (package organisation)
//	looks-<mailbox id> who looked at a mailbox's content, and who was refused; beside the mailbox's stream, so that a
//	                   look never conflicts with a command (package looks)
//	log-<log id>       what an operator confirmed about the log itself (package oplog)
//
// Each kind of stream has a Decider, a Codec and a rule book. Every event says what it does in one block: its stored
// name and fields, how it changes the state of its stream (evolve), and its Effect.
package domain

import "time"

// Named is what has a stored name, which never changes.
type Named interface{ EventType() string }

// An Event is something that happened: it has a stored name, and says what it does beyond its stream's state.
type Event interface {
	Named
	// Effect gives what the event touches, keeps, frees and tells. It follows from the event alone.
	Effect() Effect
}

// A Moment is when an event happened. The zero one is of an event that is decided and not recorded yet.
type Moment struct {
	Position uint64 // its place in the log, from 1
	Recorded time.Time
	Type     string   // the event's stored name, which what it seals is bound to
	Actor    [16]byte // who acted
	Platform string   // through which platform
}

// A Decider is the rules of one kind of stream, as three pure functions.
type Decider[C, E, S any] struct {
	Initial func() S                // the state before anything happened
	Decide  func(S, C) ([]E, error) // what a command leads to; nil, nil: it is so already
	Evolve  func(S, E, Moment) S    // the state after an event; cannot fail; may reuse its argument
}

// Fold gives the state after events, from the beginning. They are taken to stand at the first positions of a log.
func Fold[C any, E Named, S any](d Decider[C, E, S], events ...E) S {
	s := d.Initial()
	for i, e := range events {
		s = d.Evolve(s, e, Moment{Position: uint64(i + 1), Type: e.EventType()})
	}

	return s
}
