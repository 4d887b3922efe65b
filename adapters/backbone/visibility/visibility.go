// Package visibility keeps what platforms may hold of mailboxes in line with who reads them there, where a crash came
// between the two: package core does it with each command.
package visibility

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
)

// Visibility follows the log behind those who append to it.
type Visibility struct {
	core *core.Core
	path string
	log  string // id and incarnation
}

// New makes one. It keeps how far it has come in a file under dir: one that is missing, damaged or of another log is as
// good as none, since to do the work twice changes nothing.
func New(c *core.Core, dir string, id [16]byte, incarnation uint64) *Visibility {
	return &Visibility{c, filepath.Join(dir, "settled"), fmt.Sprintf("%x %d", id, incarnation)}
}

// saveEvery is how often it is written down how far all is in line.
const saveEvery = 10 * time.Second

// Run goes through all events behind the last that was in line, and follows the log until ctx ends.
func (v *Visibility) Run(ctx context.Context) {
	v.retellAll(ctx)
	at := v.load()
	saved, savedAt := at, time.Now()

	for ctx.Err() == nil {
		last := v.core.Log.Last()
		next, err := v.through(ctx, at, last)
		if err != nil && ctx.Err() == nil {
			v.core.Logger.Error("what platforms hold is brought in line later", "position", next, "error", err)
			time.Sleep(time.Second)
		}
		at = next

		if at > saved && (time.Since(savedAt) > saveEvery || ctx.Err() != nil) {
			v.save(at)
			saved, savedAt = at, time.Now()
		}

		if err == nil && v.core.Log.Wait(ctx, at) != nil {
			break
		}
	}

	if at > saved {
		v.save(at)
	}
}

// through brings in line all events beyond at, up to last, and gives how far it came.
func (v *Visibility) through(ctx context.Context, at, last eventstore.Position) (eventstore.Position, error) {
	for rec, err := range v.core.Views.Events(ctx, at) {
		if err != nil || rec.Position > last {
			return at, err
		}

		if readers[rec.Type] {
			if err := v.core.Settle(ctx, rec.Stream.ID, rec.Position); err != nil {
				return at, err
			}
		}
		at = rec.Position
	}

	return at, nil
}

// readers are the events after which others may read.
var readers = func() map[string]bool {
	out := map[string]bool{}
	for _, kind := range []string{streams.Mailbox, streams.Looks} {
		for _, name := range streams.Kinds[kind].Names {
			if e, ok := streams.Kinds[kind].Zero(name); ok && e.Effect().Readers {
				out[name] = true
			}
		}
	}

	return out
}()

// retellAll has platforms take the rows anew of mailboxes that were parked, and were folded again since.
func (v *Visibility) retellAll(ctx context.Context) {
	s, err := mailboxes.At(v.core.Views)
	if err != nil {
		return
	}
	ids := s.Copies().Retried()
	s.Close()

	for _, id := range ids {
		if err := v.retell(ctx, id); err != nil && ctx.Err() == nil {
			v.core.Logger.Error("a mailbox is told anew after the next start", "mailbox", id.String(), "error", err)
		}
	}
}

func (v *Visibility) retell(ctx context.Context, id domain.MailboxID) error {
	if err := v.core.Settle(ctx, id, 0); err != nil {
		return err
	}
	m := core.Machine{Kind: access.Backbone, Thing: v.core.NewID()}
	_, err := v.core.ByMachine(ctx, m, id, mailbox.Retell{})

	return err
}

func (v *Visibility) load() (at eventstore.Position) {
	b, err := os.ReadFile(v.path)
	if err != nil {
		return 0
	}

	var id string
	var incarnation uint64
	if n, _ := fmt.Sscanf(string(b), "%s %d %d", &id, &incarnation, &at); n != 3 ||
		fmt.Sprintf("%s %d", id, incarnation) != v.log || at > v.core.Log.Last() {
		return 0
	}

	return at
}

// save writes the position under a temporary name first. A crash leaves the one before, or none that can be read.
func (v *Visibility) save(at eventstore.Position) {
	err := os.WriteFile(v.path+".tmp", fmt.Appendf(nil, "%s %d\n", v.log, at), 0o600)
	if err == nil {
		err = os.Rename(v.path+".tmp", v.path)
	}

	if err != nil {
		v.core.Logger.Error("how far platforms are in line is not written down", "error", err)
	}
}
