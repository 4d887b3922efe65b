// Package backbone is the hall that every protocol goes through: it opens log, keys, documents and views, and wires the
// subjects that stand on them. Each subject is a package of its own, all on package core:
//
//	core → text → content, people → organisations → messages → folders, access, contacts → exemption, consents,
//	settings, looks, drafts, handover, sending, intake, search, changes → this package
//
// # Crashes
//
//	point of the crash                what is left                         what repairs it
//	document written, no event        bytes that no event names            the sweep, an hour later
//	root written, no opening          a number with an id, no mailbox      the next registration opens it
//	intake event, no outcome          a MeMo without a final receipt       intake.RunPending takes it up at
//	                                                                       start; the message id makes it one
//	event appended, no answer         a command whose answer was lost      its repeat gets the first result
//	draft's file written, no event    bytes that no event names            the sweep, an hour later
//	message sent, not delivered       a message in SENT that waits         sending.Run delivers it at start; its
//	                                                                       id there follows from its id here
//	delivered, no receipt             a message in SENT, no receipt        sending.Run again: what is there
//	                                                                       stays, and the receipt is given
//	purge event, leaf not forgotten   keys and bytes of what is gone       core.Forgetting.CatchUp, before
//	                                                                       anything is served
//	leaf forgotten, document there    sealed bytes without a key           catching up does not come back to
//	                                                                       them: the sweep frees them
//	epoch rolled halfway              see package vault                    Open takes the newest whole file with
//	                                                                       a living key
package backbone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/changes"
	"digitalpost/adapters/backbone/consents"
	"digitalpost/adapters/backbone/contacts"
	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/drafts"
	"digitalpost/adapters/backbone/exemption"
	"digitalpost/adapters/backbone/folders"
	"digitalpost/adapters/backbone/handover"
	"digitalpost/adapters/backbone/intake"
	"digitalpost/adapters/backbone/looks"
	"digitalpost/adapters/backbone/mandates"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/backbone/register"
	"digitalpost/adapters/backbone/search"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/adapters/backbone/settings"
	"digitalpost/adapters/backbone/subscriptions"
	"digitalpost/adapters/backbone/visibility"
	"digitalpost/adapters/documents"
	"digitalpost/adapters/vault"
	intakerules "digitalpost/domain/intake"
	looksrules "digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/mandate"
	"digitalpost/domain/oplog"
	"digitalpost/domain/organisation"
	registerrules "digitalpost/domain/register"
	"digitalpost/domain/subscription"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/projections"
	"digitalpost/projections/engine"
)

// A Config says how a backbone is opened.
type Config struct {
	Dir         string // of the data
	KMS         vault.KMS
	Development bool
	SegmentSize int64 // of the log; 0: its default
	Registerer  prometheus.Registerer
	Log         *slog.Logger
	Now         func() time.Time  // nil: the machine's clock
	SlowViews   func()            // see engine.Config.Slow
	Mail        sending.Mailer    // nil: nothing leaves as e-mail
	NoWait      bool              // a negative control: neither a person's write nor a read waits for the views
	Fail        func(step string) // nil, or called at each named step; tests end the process in it

	still bool // nothing goes on by itself: the log is being restored
}

// A Backbone is open: its subjects may be used by many goroutines at once.
type Backbone struct {
	Access        *access.Access
	Changes       *changes.Changes
	Consents      *consents.Consents
	Contacts      *contacts.Contacts
	Drafts        *drafts.Drafts
	Exemption     *exemption.Exemption
	Folders       *folders.Folders
	Handover      *handover.Handover
	Intake        *intake.Intake
	Looks         *looks.Looks
	Mandates      *mandates.Mandates
	Messages      *messages.Messages
	Notices       *contacts.Notices
	Organisations *organisations.Organisations
	People        *people.People
	Proposals     *proposals.Proposals
	Registers     *register.Registers
	Search        *search.Search
	Sending       *sending.Sending
	Settings      *settings.Settings
	Subscriptions *subscriptions.Subscriptions
	Visibility    *visibility.Visibility

	Log    Log // to read, for who is outside of the hall
	Clock  *Clock
	Events engine.Events // the log as it is followed: read and decoded once for all

	dir         string
	development bool

	core   *core.Core
	store  *filestore.Store
	views  *engine.Views
	vault  *vault.Vault
	docs   *documents.Store
	log    eventstore.Handler[oplog.Order, oplog.Event, oplog.State]
	clock  eventstore.Handler[oplog.Order, oplog.Event, oplog.State] // while the clock is not trusted
	held   atomic.Bool
	goOn   func() // starts what goes on by itself, once
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// Open opens everything under cfg.Dir, catches up with what must be forgotten, and takes up what has no outcome.
func Open(cfg Config) (b *Backbone, err error) {
	cfg = cfg.filled()
	b = &Backbone{dir: cfg.Dir, development: cfg.Development}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()

	if err := b.open(cfg); err != nil {
		return b, err
	}
	b.wire(cfg)

	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	if err := b.views.Wait(ctx, b.store.Last()); err != nil {
		return b, err
	}

	// Before anything is served: what a purge promised before a crash is kept.
	if err := b.core.Forgetting.CatchUp(ctx); err != nil {
		return b, err
	}

	if err := b.begin(ctx, cfg.still); err != nil {
		return b, err
	}

	return b, nil
}

func (cfg Config) filled() Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}

	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}

	if cfg.Fail == nil {
		cfg.Fail = func(string) {}
	}

	return cfg
}

// open opens log, keys, documents and views, in that order: the log's lock is taken before anything else is touched,
// and the others may know of no position that the log does not have.
func (b *Backbone) open(cfg Config) (err error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return err
	}

	if err := vault.Private(cfg.Dir); err != nil {
		return err
	}

	if b.Clock, err = openClock(cfg); err != nil {
		return err
	}

	logDir, viewsDir := filepath.Join(cfg.Dir, "log"), filepath.Join(cfg.Dir, "views")
	logConfig := filestore.Config{
		Development: cfg.Development, SegmentSize: cfg.SegmentSize, Metrics: eventstore.NewMetrics(cfg.Registerer),
		Clock: logClock{b.Clock},
	}
	if id, ok := filestore.LogID(logDir); ok {
		logConfig.Known = append(logConfig.Known, engine.Known(viewsDir, id, projections.All()))
	}

	if b.store, err = filestore.Open(logDir, logConfig); err != nil {
		return err
	}

	b.Log = b.store
	if gap := b.store.ClockGap(); gap > time.Hour || gap < 0 {
		cfg.Log.Warn("the clock has moved since the last event, or the log stood still", "by", gap.Round(time.Second))
	}

	log := vault.Log{ID: b.store.ID(), Incarnation: b.store.Incarnation(), Empty: b.store.Last() == 0}
	if b.vault, err = vault.Open(cfg.Dir, cfg.KMS, log); err != nil {
		return err
	}

	applied, err := b.vault.Applied()
	if err != nil {
		return err
	}

	if last := b.store.Last(); eventstore.Position(applied) > last {
		return &eventstore.DamageError{
			Position: last + 1, Place: "end of the log", Reason: fmt.Sprintf("the keys know of position %d", applied),
		}
	}

	if b.docs, err = documents.Open(cfg.Dir); err != nil {
		return err
	}

	b.views, err = engine.Open(b.store, engine.Config{
		Dir: viewsDir, Projections: projections.All(), Registerer: cfg.Registerer, Slow: cfg.SlowViews,
		Log: engine.Log{ID: b.store.ID(), Incarnation: b.store.Incarnation()},
	})
	if err == nil {
		b.Events = b.views.Events
	}

	return err
}

// wire makes the subjects, the lower ones first. Here alone the store is more than a reader.
func (b *Backbone) wire(cfg Config) {
	c := core.New(core.Config{
		Log:       b.store,
		Mailboxes: eventstore.NewHandler(b.store, mailbox.Decider, mailbox.Codec),
		Looks:     eventstore.NewHandler(b.store, looksrules.Decider, looksrules.Codec),
		Views:     b.views, Vault: b.vault, Documents: b.docs, HasRoom: b.store.IntakeHasRoom,
		Now: b.Clock.Now, Logger: cfg.Log, Fail: cfg.Fail, NoWait: cfg.NoWait,
		Mandates: !cfg.Development,
	})
	b.core = c
	b.log = eventstore.NewHandler(b.store, oplog.Decider, oplog.Codec)
	b.clock = eventstore.NewHandler(clockStore{b.store}, oplog.Decider, oplog.Codec)

	words := content.New(c)
	b.People = people.New(c)
	b.Organisations = organisations.New(c, eventstore.NewHandler(b.store, organisation.Decider, organisation.Codec))
	b.Messages = messages.New(c, words, b.Organisations)
	b.Folders = folders.New(c)
	b.Access = access.New(c, b.People)
	b.Contacts = contacts.New(c)
	b.Notices = contacts.NoticesOf(b.Contacts, words)
	b.Exemption = exemption.New(c, b.People, b.Contacts)
	b.Consents = consents.New(c, b.Organisations)
	b.Settings = settings.New(c)
	b.Looks = looks.New(c, b.People)
	b.Drafts = drafts.New(c, words, b.People, b.Organisations, b.Messages)
	b.Handover = handover.New(c, words)
	b.Sending = sending.New(sending.Hall{
		Core: c, Content: words, People: b.People, Organisations: b.Organisations, Messages: b.Messages,
		Handover: b.Handover, Mailer: cfg.Mail,
	})
	b.Intake = intake.New(c, words, b.People, b.Organisations,
		eventstore.NewHandler(b.store, intakerules.Decider, intakerules.Codec))
	b.Registers = register.New(c,
		eventstore.NewHandler(b.store, registerrules.Decider, registerrules.Codec))
	b.Search = search.New(c)
	b.Mandates = mandates.New(c, eventstore.NewHandler(b.store, mandate.Decider, mandate.Codec))
	b.Proposals = proposals.New(c, b.log, proposals.Measures{
		Shred: b.People.Shred,
		Roll:  func(ctx context.Context) error { return roll(ctx, b) },
		GoOn:  func() { b.goOn() },
	}, proposals.Log{ID: b.store.ID(), Incarnation: b.store.Incarnation()}, cfg.Development)
	b.Changes = changes.New(c)
	b.Subscriptions = subscriptions.New(c,
		eventstore.NewHandler(b.store, subscription.Decider, subscription.Codec), b.vault.Secret)
	b.Visibility = visibility.New(c, cfg.Dir, b.store.ID(), b.store.Incarnation())

	b.Clock.b = b
	b.Clock.duties = []duty{
		{b.Access.NextEnd, b.Access.RecordEnds, "the end of access"},
		{b.Registers.NextDue, b.Registers.DoDue, "the opening of mailboxes"},
		{
			func() time.Time { return intake.NextDue(b.Intake) },
			func(ctx context.Context) { intake.ReleaseDue(ctx, b.Intake) }, "delivery at its date",
		},
	}
}

// Close finishes what is under way and closes everything.
func (b *Backbone) Close() error {
	var errs []error
	if b.Changes != nil {
		b.Changes.Stop()
	}

	if b.cancel != nil {
		b.cancel()
		b.wg.Wait()
	}

	if b.views != nil {
		errs = append(errs, b.views.Close())
	}

	if b.docs != nil {
		errs = append(errs, b.docs.Close())
	}

	if b.vault != nil {
		errs = append(errs, b.vault.Close())
	}

	if b.store != nil {
		errs = append(errs, b.store.Close())
	}

	return errors.Join(errs...)
}

// Ready reports whether requests can be answered.
func (b *Backbone) Ready() bool { return b.views.Ready() && b.Err() == nil && !b.Held() }

// Parked gives how many streams are parked in the views: what is shown of them is old, and documents are not swept.
func (b *Backbone) Parked() (int, error) { return b.views.Parked() }

// Err gives what has stopped the backbone for good, nil while it works.
func (b *Backbone) Err() error {
	return errors.Join(b.store.Err(), b.views.Err(), b.core.Forgetting.Err(), b.vault.Err())
}

// A Log is the log as it is read, and which one it is.
type Log interface {
	eventstore.Reader
	ID() [16]byte
	Incarnation() uint64 // from 1; each restoration begins another
}

// Position is the log's last position.
func (b *Backbone) Position() eventstore.Position { return b.store.Last() }

// RecordsRead returns how many records of the log were read since it was opened, by whatever works on it.
func (b *Backbone) RecordsRead() uint64 { return b.store.RecordsRead() }

// Fresh returns once the local views have position p.
func (b *Backbone) Fresh(ctx context.Context, p eventstore.Position) error {
	return b.core.Fresh(ctx, p)
}

// Rebuild builds every view anew beside the living ones; see engine.Views.
func (b *Backbone) Rebuild(ctx context.Context) ([]engine.Rebuilt, error) {
	return b.views.Rebuild(ctx)
}

// Epoch is the epoch of the keys.
func (b *Backbone) Epoch() int { return b.vault.Epoch() }

// CheckKeys checks the key file in full, and counts its nodes and the numbers of the directory.
func (b *Backbone) CheckKeys() (nodes, numbers int, err error) { return b.vault.Check() }

// Secret derives a secret for development from the vault: the same as long as the data lives.
func (b *Backbone) Secret(what string) []byte { return b.vault.Secret(what) }

// ClockErr gives why the machine's clock is not trusted, nil if it is.
func (b *Backbone) ClockErr() error { return b.store.ClockErr() }
