package backbone

import (
	"context"
	"crypto/sha256"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/domain/access"
	"digitalpost/domain/oplog"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
)

// ConfirmClock accepts the machine's clock as it is, and records which operator did. Whether they are one was judged.
func (b *Backbone) ConfirmClock(ctx context.Context, by proposals.Operator) error {
	if !by.Console {
		meta := core.InOffice(by.Principal, access.Operator)
		meta.Command = b.core.NewID()
		_, _, err := b.clock.Execute(ctx, eventstore.Stream{Kind: streams.Log, ID: b.store.ID()}, meta, oplog.Order{
			Command: oplog.ConfirmClock{}, By: access.Operations, Who: meta.Actor.ID, Now: b.core.Now(),
		})

		return err
	}

	return b.note(ctx, b.clock, access.Operations, oplog.ConfirmClock{})
}

// note records what happens to the log itself.
func (b *Backbone) note(
	ctx context.Context, h eventstore.Handler[oplog.Order, oplog.Event, oplog.State], by access.Machine,
	cmd oplog.Command,
) error {
	m := core.Machine{Kind: by, Thing: b.core.NewID()}
	_, _, err := h.Execute(ctx, eventstore.Stream{Kind: streams.Log, ID: b.store.ID()}, m.Meta(),
		oplog.Order{Command: cmd, By: by, Now: b.core.Now()})

	return err
}

// Started records that a program of a version began to serve the log, told to by settings, of which the hash is kept.
func (b *Backbone) Started(ctx context.Context, version string, settings []byte) error {
	sum := sha256.Sum256(settings)
	return b.note(ctx, b.log, access.Backbone, oplog.NoteStart{Started: oplog.Started{
		Version: version, Settings: sum[:], Incarnation: b.store.Incarnation(),
	}})
}

// Stopped records that the program ends as it was told to.
func (b *Backbone) Stopped(ctx context.Context) error {
	return b.note(ctx, b.log, access.Backbone, oplog.NoteStop{})
}

// clockStore appends while the clock is not trusted, and so makes it trusted.
type clockStore struct{ *filestore.Store }

// Append is filestore's ConfirmClock.
func (s clockStore) Append(
	ctx context.Context, st eventstore.Stream, expected eventstore.ExpectedVersion, events ...eventstore.NewEvent,
) (eventstore.Position, error) {
	return s.ConfirmClock(ctx, st, expected, events...)
}
