// Package subscriptions is what platforms' servers keep: a copy of what may be shown there, which begins with a
// snapshot, is followed by package changes, and is proved by digests; and where they want to be told.
package subscriptions

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/streams"
	"digitalpost/domain/subscription"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/subscriptions"
)

// Handler runs commands on subscriptions.
type Handler = eventstore.Handler[subscription.Command, subscription.Event, subscription.State]

// Errors of those who ask for digests.
var (
	// ErrNotAttested says that who asks has not said what their copy is at the position: they would learn what to say.
	ErrNotAttested = errors.New("backbone: the copy at that position was not attested")
	// ErrNotKept says that no digest is kept of a position.
	ErrNotKept = errors.New("backbone: no digest is kept of that position")
	// ErrBeyond says that the log does not reach as far.
	ErrBeyond = errors.New("backbone: beyond the log's end")
)

// Subscriptions serves them. It may be used by many goroutines at once.
type Subscriptions struct {
	core    *core.Core
	handler Handler
	secret  func(what string) []byte
}

// New makes one. Secret derives what is secret and stays the same as long as the data lives.
func New(c *core.Core, h Handler, secret func(what string) []byte) *Subscriptions {
	return &Subscriptions{c, h, secret}
}

// rowsAtOnce is how many rows are read from one view as it stands, before they are written.
const rowsAtOnce = 1000

// A Reading is a platform's rows, read one piece after another. No view is held open between two pieces.
type Reading struct {
	Position eventstore.Position // that the last piece was read at
	Parked   int                 // mailboxes that are left out, as the last piece found them

	core     *core.Core
	platform string
	cursor   mailboxes.CopyCursor
	done     bool
}

// Read begins with all that may be shown on a platform, behind the row of a key; empty: from the first. False if it is
// no key of a row.
func (s *Subscriptions) Read(platform, after string) (*Reading, bool) {
	r := &Reading{core: s.core, platform: platform}
	if after == "" {
		return r, true
	}
	ok := false
	r.cursor, ok = mailboxes.ParseCopyKey(after)

	return r, ok
}

// Next gives the next rows; none: there are no more.
func (r *Reading) Next(ctx context.Context) (out []mailboxes.CopyRow, err error) {
	if err := r.core.Views.Wait(ctx, r.core.Log.Last()); err != nil || r.done {
		return nil, err
	}

	snap, err := mailboxes.At(r.core.Views)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	c := snap.Copies()
	r.Position, r.Parked = c.Position(), c.Parked()

	for len(out) < rowsAtOnce {
		id, of, ok := c.NextHeld(r.platform, r.cursor.Mailbox)
		if !ok {
			r.done = true
			break
		}

		if id != r.cursor.Mailbox {
			r.cursor = mailboxes.CopyCursor{Mailbox: id}
		}

		done := true
		if !snap.Parked(id) {
			var more []mailboxes.CopyRow
			more, r.cursor, done, err = c.Rows(of, r.platform, 0, r.cursor, rowsAtOnce-len(out))
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}

		if done && !r.nextMailbox() {
			r.done = true
			break
		}
	}

	return out, nil
}

// nextMailbox goes on behind the mailbox that is read; false if none can come.
func (r *Reading) nextMailbox() bool {
	next := r.cursor.Mailbox
	for i := len(next) - 1; i >= 0; i-- {
		if next[i]++; next[i] != 0 {
			r.cursor = mailboxes.CopyCursor{Mailbox: next}
			return true
		}
	}

	return false
}

// A Digest is the sum over rows at a position.
type Digest struct {
	Position eventstore.Position
	Sum      mailboxes.Sum
	Parked   int // mailboxes that are left out now
}

// Digest gives the digest of a platform's copy at a position that the platform has attested.
func (s *Subscriptions) Digest(ctx context.Context, platform string, at eventstore.Position) (d Digest, err error) {
	if d, err = s.digest(ctx, platform, at); err != nil {
		return d, err
	}

	snap, err := subscriptions.At(s.core.Views)
	if err != nil {
		return d, err
	}
	defer snap.Close()

	if !snap.Attested(platform, at) {
		return Digest{}, ErrNotAttested
	}

	return d, nil
}

func (s *Subscriptions) digest(ctx context.Context, platform string, at eventstore.Position) (d Digest, err error) {
	if at > s.core.Log.Last() {
		return d, ErrBeyond
	}

	if err := s.core.Views.Wait(ctx, s.core.Log.Last()); err != nil {
		return d, err
	}

	snap, err := mailboxes.At(s.core.Views)
	if err != nil {
		return d, err
	}
	defer snap.Close()

	d = Digest{Position: at, Parked: snap.Copies().Parked()}
	var ok bool
	if d.Sum, ok = snap.Copies().Total(platform, at); !ok {
		return d, ErrNotKept
	}

	return d, nil
}

// Of gives the digest of a mailbox's rows in a platform's copy as they are now; that of no rows if it is not visible
// there. It is for a platform that has attested the position that its copy differs at.
func (s *Subscriptions) Of(
	ctx context.Context, platform string, attested eventstore.Position, box domain.MailboxID,
) (d Digest, err error) {
	if _, err := s.Digest(ctx, platform, attested); err != nil {
		return d, err
	}

	snap, err := mailboxes.At(s.core.Views)
	if err != nil {
		return d, err
	}
	defer snap.Close()

	c := snap.Copies()
	d.Position = c.Position()
	if snap.Parked(box) {
		d.Parked = 1
		return d, nil
	}
	d.Sum = c.SumOf(box, platform, c.Visible(box, platform))

	return d, nil
}

// Attest notes what a platform says of its copy at a position, and gives how that compares.
func (s *Subscriptions) Attest(
	ctx context.Context, platform string, at eventstore.Position, digest [32]byte,
) (v subscription.Verdict, p eventstore.Position, err error) {
	d, err := s.digest(ctx, platform, at)
	switch {
	case errors.Is(err, ErrNotKept):
		v = subscription.Unknown
	case err != nil:
		return v, 0, err
	case bytes.Equal(d.Sum.Hash[:], digest[:]):
		v = subscription.Equal
	default:
		v = subscription.Different
	}

	p, err = s.run(ctx, platform, subscription.Attest{Attested: subscription.CopyAttested{
		Platform: platform, Position: uint64(at), Digest: digest[:], Verdict: v,
	}})

	return v, p, err
}

// byPlatform is how the log names a platform's own servers as an actor.
const byPlatform = "platform"

// run runs a command of a platform's, and returns once the views have what came of it.
func (s *Subscriptions) run(
	ctx context.Context, platform string, c subscription.Command,
) (eventstore.Position, error) {
	return s.runBy(ctx, byPlatform, platform, c)
}

func (s *Subscriptions) runBy(
	ctx context.Context, by, platform string, c subscription.Command,
) (eventstore.Position, error) {
	stream := eventstore.Stream{Kind: streams.Subscription, ID: subscription.StreamOf(platform)}
	meta := core.Machine{Kind: access.Backbone, Thing: s.core.NewID()}.Meta()
	meta.Actor.Kind, meta.Platform = by, platform

	_, p, err := s.handler.Execute(ctx, stream, meta, c)
	if err != nil || p == 0 {
		return p, err
	}

	return p, s.core.Fresh(ctx, p)
}

// Row gives a platform's subscription as it stands.
func (s *Subscriptions) Row(ctx context.Context, platform string) (subscriptions.Row, error) {
	if err := s.core.Views.Wait(ctx, s.core.Log.Last()); err != nil {
		return subscriptions.Row{}, err
	}

	snap, err := subscriptions.At(s.core.Views)
	if err != nil {
		return subscriptions.Row{}, err
	}
	defer snap.Close()

	return snap.Of(platform)
}

// SetPush has a platform told at an address from beyond a position on, and gives the secret that signs.
func (s *Subscriptions) SetPush(
	ctx context.Context, platform string, push subscription.Push,
) (row subscriptions.Row, err error) {
	if eventstore.Position(push.From) > s.core.Log.Last() {
		return row, ErrBeyond
	}

	if _, err := s.run(ctx, platform, subscription.SetPush{Platform: platform, Push: push}); err != nil {
		return row, err
	}

	return s.Row(ctx, platform)
}

// Rotate has a new secret sign; the one before goes on beside it for subscription.OldSecretFor.
func (s *Subscriptions) Rotate(ctx context.Context, platform string) (subscriptions.Row, error) {
	if _, err := s.run(ctx, platform, subscription.RotateSecret{Platform: platform}); err != nil {
		return subscriptions.Row{}, err
	}

	return s.Row(ctx, platform)
}

// EndPush has a platform told no more.
func (s *Subscriptions) EndPush(ctx context.Context, platform string) error {
	_, err := s.run(ctx, platform, subscription.EndPush{Platform: platform})
	return err
}

// StopPush notes that a platform was not reached for too long.
func (s *Subscriptions) StopPush(
	ctx context.Context, platform string, push subscription.Push, at eventstore.Position,
) error {
	_, err := s.runBy(ctx, string(access.Backbone), platform, subscription.StopPush{
		Platform: platform, Push: push, Position: uint64(at),
	})

	return err
}

// Secret gives one of a platform's secrets: 32 bytes, the same as long as the data lives.
func (s *Subscriptions) Secret(platform string, which uint32) []byte {
	return s.secret(fmt.Sprintf("push %s %d", platform, which))
}

// Secrets gives those that sign now, the current one first.
func (s *Subscriptions) Secrets(platform string, r subscriptions.Row) (out [][]byte) {
	out = append(out, s.Secret(platform, r.Secret))
	if r.Secret > 1 && s.core.Now().Before(r.Rotated.Add(subscription.OldSecretFor)) {
		out = append(out, s.Secret(platform, r.Secret-1))
	}

	return out
}
