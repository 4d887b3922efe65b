// Package backbone is the hall that every protocol goes through: a method for each thing that anyone may ask. It finds out who may, finds the
// mailbox, seals, keeps documents, runs the command, and answers once the views have what came of it.
//
// # Crashes
//
//	point of the crash                 what is left                             what repairs it
//	document written, no event         bytes that no event names                the sweep, an hour later
//	root written, no opening           a number with an id, no mailbox          the next registration opens it under that id
//	intake event, no outcome           a MeMo without a final receipt           runPending takes it up at start; the message id makes the outcome one
//	event appended, no answer          a command whose answer was lost          its repeat gets the first result, by its key
//	draft's file written, no event     bytes that no event names                the sweep, an hour later
//	message sent, not delivered        a message in SENT that waits             runOutbox delivers it at start; its id there follows from its id here
//	delivered, no receipt              a message in SENT without a receipt      runOutbox again: what is there stays, and the receipt is given
//	purge event, leaf not forgotten    keys and bytes of what is gone           catchUpForgetting, before anything is served
//	leaf forgotten, document there     sealed bytes without a key               catchUpForgetting does not come back to them: the sweep frees them
//	epoch rolled halfway               see package vault                        Open takes the newest whole file with a living key
package backbone

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"

	"digitalpost/adapters/documents"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/projections"
)

// Errors that are neither a rejection nor a fault.
var (
	ErrNotFound  = errors.New("backbone: not found")
	ErrForbidden = errors.New("backbone: not yours")
	ErrNoRoom    = errors.New("backbone: the disk is too full to take post in")
	ErrParked    = errors.New("backbone: the mailbox is parked")
	ErrReused    = errors.New("backbone: the UUID was used for other bytes")
	ErrTooLarge  = memo.ErrTooLarge
	ErrKeyReused = errors.New("backbone: the idempotency key was used for something else")
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
	SlowViews   func()            // see projections.Config.Slow
	Mail        Mailer            // nil: nothing leaves as e-mail
	NoWait      bool              // a negative control: neither a person's write nor a read waits for the views
	Fail        func(step string) // nil, or called at each named step; tests end the process in it
}

// A Backbone is open. It may be used by many goroutines at once.
type Backbone struct {
	cfg   Config
	now   func() time.Time
	store *filestore.Store
	views *projections.Views
	vault *vault.Vault
	docs  *documents.Store

	mailboxes eventstore.Handler[mailbox.Command, mailbox.Event, mailbox.State]

	cancel context.CancelFunc
	wg     sync.WaitGroup
	forget forgetter

	inFlight   sync.Map // messages whose outcome is being found
	wakeDue    chan struct{}
	wakeOutbox chan struct{}
	systems    systemCache   // unsealed
	systemsAt  atomic.Uint64 // position of the last change to any
	contacts   contactCache
	mails      mailCount
	signedIn   sync.Map // who has opened which mailbox through which platform, as far as this process has seen

	feeds           feeds
	platformFeeds   sync.Map        // how many streams each platform has open
	followers       context.Context // until StopFeeds
	cancelFollowers context.CancelFunc
}

// Open opens everything under cfg.Dir, catches up with what must be forgotten, and takes up what has no outcome.
func Open(cfg Config) (b *Backbone, err error) {
	b = &Backbone{cfg: cfg, now: cfg.Now, wakeDue: make(chan struct{}, 1), wakeOutbox: make(chan struct{}, 1), mails: newMailCount()}
	b.followers, b.cancelFollowers = context.WithCancel(context.Background())
	if b.now == nil {
		b.now = time.Now
	}
	if b.cfg.Log == nil {
		b.cfg.Log = slog.New(slog.DiscardHandler)
	}
	if b.cfg.Fail == nil {
		b.cfg.Fail = func(string) {}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return b, err
	}
	logDir := filepath.Join(cfg.Dir, "log")
	scfg := filestore.Config{Development: cfg.Development, SegmentSize: cfg.SegmentSize, Metrics: eventstore.NewMetrics(cfg.Registerer)}
	if id, ok := filestore.LogID(logDir); ok {
		scfg.Known = append(scfg.Known, projections.Known(filepath.Join(cfg.Dir, "views"), id))
	}
	// The log's lock is taken before anything else is touched.
	if b.store, err = filestore.Open(logDir, scfg); err != nil {
		return b, err
	}
	if b.vault, err = vault.Open(cfg.Dir, cfg.KMS); err != nil {
		return b, err
	}
	applied, err := b.vault.Applied()
	if err != nil {
		return b, err
	}
	if eventstore.Position(applied) > b.store.Last() {
		return b, &eventstore.DamageError{Position: b.store.Last() + 1, Place: "end of the log", Reason: fmt.Sprintf("the keys know of position %d", applied)}
	}
	if b.docs, err = documents.Open(cfg.Dir); err != nil {
		return b, err
	}
	b.views, err = projections.Open(b.store, projections.Config{Dir: filepath.Join(cfg.Dir, "views"), LogID: b.store.ID(),
		Incarnation: b.store.Incarnation(), Registerer: cfg.Registerer, Slow: cfg.SlowViews})
	if err != nil {
		return b, err
	}
	b.mailboxes = eventstore.Handler[mailbox.Command, mailbox.Event, mailbox.State]{Store: b.store, Decider: mailbox.Decider, Codec: mailbox.Codec}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	if err := b.views.Wait(ctx, b.store.Last()); err != nil {
		return b, err
	}
	if err := b.catchUpForgetting(ctx); err != nil {
		return b, err
	}
	from := b.store.Last() // before anybody follows
	follow := func(ctx context.Context) { b.runFeeds(ctx, from) }
	for _, run := range []func(context.Context){b.runForgetting, b.runPending, b.runOutbox, b.runDue, b.runSweep, follow} {
		b.wg.Add(1)
		go func() { defer b.wg.Done(); run(ctx) }()
	}
	return b, nil
}

// Close finishes what is under way and closes everything.
func (b *Backbone) Close() error {
	var errs []error
	b.StopFeeds()
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

// Ready tells whether requests can be answered.
func (b *Backbone) Ready() bool { return b.views.Ready() && b.Err() == nil }

// Err tells what has stopped the backbone for good, nil while it works.
func (b *Backbone) Err() error {
	return errors.Join(b.store.Err(), b.views.Err(), b.forget.failed(), b.docs.Err(), b.vault.Err())
}

// Position is the log's last position.
func (b *Backbone) Position() eventstore.Position { return b.store.Last() }

// RecordsRead tells how many records of the log were read since it was opened.
func (b *Backbone) RecordsRead() uint64 { return b.store.RecordsRead() }

// Rebuild builds every view anew beside the living ones; see projections.Views.
func (b *Backbone) Rebuild(ctx context.Context) ([]projections.Rebuilt, error) {
	return b.views.Rebuild(ctx)
}

// Fresh returns once the local views have position p.
func (b *Backbone) Fresh(ctx context.Context, p eventstore.Position) error {
	if b.cfg.NoWait {
		return nil
	}
	return b.views.Wait(ctx, p)
}

// ClockErr tells why the machine's clock is not trusted, nil if it is.
func (b *Backbone) ClockErr() error { return b.store.ClockErr() }

// ConfirmClock accepts the machine's clock as it is, and records that an operator did.
func (b *Backbone) ConfirmClock(ctx context.Context) error {
	s := eventstore.Stream{Kind: "log", ID: b.store.ID()}
	v, _ := b.store.Head(s)
	_, err := b.store.ConfirmClock(ctx, s, eventstore.ExpectedVersion(v), eventstore.NewEvent{Type: projections.ClockConfirmed{}.EventType(),
		Meta: eventstore.Meta{Command: [16]byte(b.newID()), Actor: eventstore.Actor{Kind: "operator"}}})
	return err
}

// Roll ends the key epoch: what was forgotten is gone from every copy from then on.
func (b *Backbone) Roll(ctx context.Context) (int, error) {
	if err := b.waitForgotten(ctx, b.store.Last()); err != nil {
		return 0, err
	}
	return b.vault.Roll()
}

// CheckKeys checks the key file in full.
func (b *Backbone) CheckKeys() (nodes, numbers int, err error) { return b.vault.Check() }

func (b *Backbone) newID() [16]byte {
	return [16]byte(ulid.MustNew(ulid.Timestamp(b.now()), rand.Reader))
}

// derivedCommand is a command id of the backbone's own, for what is done once for a thing.
func derivedCommand(what string, parts ...[]byte) [16]byte {
	id := domain.DeriveID(what, parts...)
	id[0] &^= 0x80
	return id
}

// Secret derives a secret for development from the vault: the same as long as the data lives.
func (b *Backbone) Secret(what string) ([]byte, error) { return b.vault.Secret(what), nil }

func mailboxStream(id domain.MailboxID) eventstore.Stream {
	return eventstore.Stream{Kind: "mailbox", ID: id}
}

func (b *Backbone) snapshot(p projections.Projection) (*projections.Snapshot, error) {
	return b.views.Snapshot(p)
}

// outlineOf gives all of a message's MeMo but its files' bytes: from the event, or from behind the MeMo where it is large.
func (b *Backbone) outlineOf(owner vault.Owner, l projections.LetterRow) (*memo.Message, error) {
	k, err := b.vault.Key(owner, l.Letter.Leaf)
	if err != nil {
		return nil, err
	}
	var raw []byte
	if len(l.Letter.Outline) > 0 {
		raw, err = k.Open(l.Sealed, "outline", l.Letter.Outline)
	} else {
		var d *documents.Document
		if d, err = b.openDocument(k, l); err == nil {
			defer d.Close()
			raw = make([]byte, l.Letter.Kept-l.Letter.Length)
			_, err = d.ReadAt(raw, l.Letter.Length)
		}
	}
	if err != nil {
		return nil, err
	}
	m := &memo.Message{}
	return m, cbor.Unmarshal(raw, m)
}

func (b *Backbone) openDocument(k vault.Key, l projections.LetterRow) (*documents.Document, error) {
	key, err := k.Open(l.Sealed, "documentKey", l.Letter.DocumentKey)
	if err != nil {
		return nil, err
	}
	return b.docs.Open(l.Letter.Document, key, l.Letter.Kept)
}
