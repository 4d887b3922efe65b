// Package core is what every subject of the hall stands on: admission (who may, by which right, through which lens),
// execution (one way for every command), sealing, and forgetting. It reads the log, and writes it through the rules
// alone: it is handed a reader and handlers, never an appender.
//
// # Locks
//
// None is held while anything waits. A snapshot of a view is closed before a command runs and before anything is
// recorded, since a view's file that must grow waits for its readers, and the writer waits for the view.
package core

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"github.com/oklog/ulid/v2"

	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
)

// Errors that are neither a rejection nor a fault.
var (
	ErrNotFound  = errors.New("backbone: not found")
	ErrForbidden = errors.New("backbone: not yours")
	ErrNoRoom    = errors.New("backbone: the disk is too full to take post in")
	ErrParked    = engine.ErrParked
	ErrTooLarge  = memo.ErrTooLarge
	ErrKeyReused = errors.New("backbone: the idempotency key was used for something else")
)

// A Config is what the core stands on. Every field is needed.
type Config struct {
	Log       eventstore.Reader
	Mailboxes mailboxes.Handler
	Looks     eventstore.Handler[looks.Look, looks.Event, looks.State]
	Views     *engine.Views
	Vault     *vault.Vault
	Documents *documents.Store
	HasRoom   func() bool // reports whether post is taken in: see ErrNoRoom
	Now       func() time.Time
	Logger    *slog.Logger
	Fail      func(step string) // called at each named step; tests end the process in it
	Mandates  bool              // operators and auditors say under which mandate they look or act
	NoWait    bool              // a negative control: neither a person's write nor a read waits for the views
}

// A Core is open. It may be used by many goroutines at once.
type Core struct {
	Config
	Forgetting *Forgetting
	here       signedIn
}

// New makes a core.
func New(cfg Config) *Core {
	return &Core{Config: cfg, Forgetting: newForgetting(cfg), here: newSignedIn()}
}

// Fresh returns once the local views have position p.
func (c *Core) Fresh(ctx context.Context, p eventstore.Position) error {
	if c.NoWait {
		return nil
	}

	return c.Views.Wait(ctx, p)
}

// Room refuses with ErrNoRoom what would take the disk's last space.
func (c *Core) Room() error {
	if !c.HasRoom() {
		return ErrNoRoom
	}

	return nil
}

// NewID makes a random id that sorts by time.
func (c *Core) NewID() [16]byte { return [16]byte(ulid.MustNew(ulid.Timestamp(c.Now()), rand.Reader)) }

// NewUUID makes a random UUID, version 4.
func NewUUID() (id domain.UUID) {
	rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80

	return id
}

// Stream gives a mailbox's stream.
func Stream(id domain.MailboxID) eventstore.Stream {
	return eventstore.Stream{Kind: streams.Mailbox, ID: id}
}

// Mailbox gives a mailbox's own row; ErrNotFound if there is none.
func (c *Core) Mailbox(id domain.MailboxID) (mailbox.Box, error) {
	s, err := mailboxes.At(c.Views)
	if err != nil {
		return mailbox.Box{}, err
	}
	defer s.Close()

	box, ok, err := s.Mailbox(id)
	if err == nil && !ok {
		err = ErrNotFound
	}

	return box, err
}

// IgnoreGone makes it no error that a thing is not there any more: what was to be done about it is over.
func IgnoreGone(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}

	return err
}

// Found makes a rule's no about a thing that is not there what everybody else says of such a thing: ErrNotFound.
func Found(err error) error {
	if IsReason(err, domain.NotFound) {
		return ErrNotFound
	}

	return err
}

// IsRefused reports whether an error is a rule's no.
func IsRefused(err error) bool { _, ok := domain.Refused(err); return ok }

// IsReason reports whether an error is a rule's no for a reason.
func IsReason(err error, r domain.Reason) bool {
	reason, refused := domain.Refused(err)
	return refused && reason == r
}
