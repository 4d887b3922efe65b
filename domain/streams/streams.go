// Package streams lists the kinds of streams, and reads an event of any of them.
package streams

import (
	"fmt"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/mandate"
	"digitalpost/domain/oplog"
	"digitalpost/domain/organisation"
	"digitalpost/domain/register"
	"digitalpost/domain/subscription"
)

// Kinds of streams, as they stand before the dash of a stream's name.
const (
	Mailbox      = "mailbox"
	Intake       = "intake"
	Organisation = "organisation"
	Looks        = "looks"
	Log          = "log"
	Mandate      = "mandate"
	Subscription = "subscription"
	Register     = "register"
)

// A Kind is what is known of the events of a kind of stream.
type Kind struct {
	Names  []string // stored names of its event types, sorted
	Zero   func(name string) (domain.Event, bool)
	Decode func(name string, data []byte) (domain.Event, error)
	Encode func(domain.Event) ([]byte, error)
}

// Kinds are all of them, by name.
var Kinds = map[string]Kind{
	Mailbox:      kind(mailbox.Codec),
	Intake:       kind(intake.Codec),
	Organisation: kind(organisation.Codec),
	Looks:        kind(looks.Codec),
	Log:          kind(oplog.Codec),
	Mandate:      kind(mandate.Codec),
	Subscription: kind(subscription.Codec),
	Register:     kind(register.Codec),
}

func kind[E domain.Event](c domain.Codec[E]) Kind {
	return Kind{
		Names: c.Names(),
		Zero: func(name string) (domain.Event, bool) {
			e, ok := c.Zero(name)
			return e, ok
		},
		Decode: func(name string, data []byte) (domain.Event, error) {
			e, err := c.Decode(name, data)
			return e, err
		},
		Encode: func(e domain.Event) ([]byte, error) {
			own, ok := e.(E)
			if !ok {
				return nil, fmt.Errorf("streams: %s is of another kind", e.EventType())
			}

			return c.Encode(own)
		},
	}
}

// Decode reads an event of a kind of stream. An unknown kind or type is an error: the log is newer than the program.
func Decode(kindOfStream, name string, data []byte) (domain.Event, error) {
	k, ok := Kinds[kindOfStream]
	if !ok {
		return nil, fmt.Errorf("streams: unknown kind of stream %q", kindOfStream)
	}

	return k.Decode(name, data)
}
