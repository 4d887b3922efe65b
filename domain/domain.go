// Package domain is the vocabulary of Digital Post and the shape of its rules. It and the packages below it are pure: no
// clock, no I/O, no randomness; ids and times come in with the command.
//
// # Streams
//
//	mailbox-<id>       one mailbox: opened, messages, folders (package mailbox)
//	intake-<shard>     what came in, in 4,096 streams chosen by SHA-256 of system and UUID (package intake)
//	organisation-<id>  one authority or company as a sender: its systems (package organisation)
//	looks-<mailbox id> who looked at a mailbox's content, and who was refused; beside the mailbox's stream, so that a
//	                   look never conflicts with a command (package looks)
//	log-<log id>       what an operator confirmed about the log itself
package domain

// Named is an event: something that happened, with a name that is stored and never changes.
type Named interface{ EventType() string }

// A Decider is the rules of one kind of stream, as three pure functions.
type Decider[C, E, S any] struct {
	Initial func() S                // the state before anything happened
	Decide  func(S, C) ([]E, error) // what a command leads to; nil, nil: it is so already
	Evolve  func(S, E) S            // the state after an event; cannot fail; may reuse its argument
}

// Fold gives the state after events, from the beginning.
func Fold[C, E, S any](d Decider[C, E, S], events ...E) S {
	s := d.Initial()
	for _, e := range events {
		s = d.Evolve(s, e)
	}
	return s
}
