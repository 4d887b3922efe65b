package backbone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"digitalpost/adapters/backbone/proposals"
)

// clockFile is the file of how far development's clock was moved. Without it the clock is the machine's.
const clockFile = "clock"

// MostMoved is how far development's clock may be ahead of the machine's.
const MostMoved = 200 * 366 * 24 * time.Hour

// Why development's clock is not moved.
var (
	ErrClockBack  = errors.New("the clock only goes forward")
	ErrClockFar   = errors.New("the clock can't be moved so far")
	ErrClockReal  = errors.New("the clock of production is the machine's")
	ErrClockStuck = errors.New("what is due at a time can't be done")
)

// A Clock is the time by which everything in the backbone goes: the machine's, and in development one that can be moved
// forward. It may be used by many goroutines at once.
type Clock struct {
	path   string // of what it is kept in; empty: it is the machine's
	now    func() time.Time
	start  time.Time
	duties []duty
	b      *Backbone
	moved  []func()

	moving sync.Mutex // held while it is moved

	mu    sync.RWMutex // guards ahead
	ahead time.Duration
}

// A duty is what falls due by itself.
type duty struct {
	next func() (at time.Time)     // at which the next thing falls due; zero: nothing does
	done func(ctx context.Context) // has all that is due done
	name string                    // for who is told that it is stuck
}

// openClock opens the clock of a data directory, moved as far as it was.
func openClock(cfg Config) (*Clock, error) {
	c := &Clock{now: cfg.Now, start: time.Now()}
	if !cfg.Development {
		return c, nil
	}
	c.path = filepath.Join(cfg.Dir, clockFile)

	b, err := os.ReadFile(c.path)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}

	if err == nil {
		c.ahead, err = time.ParseDuration(string(bytes.TrimSpace(b)))
	}

	if err != nil {
		return nil, fmt.Errorf("how far the clock was moved: %w", err)
	}

	return c, nil
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()

	return c.now().Add(c.ahead)
}

// A logClock is how the log sees the clock: what it was moved is on both sides, so that it is no jump.
type logClock struct{ *Clock }

// Now gives the time of day, and one to compare with.
func (c logClock) Now() (time.Time, time.Duration) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	now := time.Now()

	return now.Add(c.ahead).Round(0), time.Since(c.start) + c.ahead
}

// Move moves development's clock forward to a time. All that falls due in between has happened when it returns, each
// thing at its time, in order; on an error, all that fell due before the time that the clock shows then.
func (c *Clock) Move(ctx context.Context, to time.Time) error {
	c.moving.Lock()
	defer c.moving.Unlock()

	switch now := c.Now(); {
	case c.path == "":
		return ErrClockReal
	case to.Before(now):
		return ErrClockBack
	case to.Sub(c.now()) > MostMoved:
		return ErrClockFar
	}

	for last := (time.Time{}); ; {
		at, which := c.next()
		if at.IsZero() || at.After(to) {
			break
		}

		if at.Equal(last) {
			return fmt.Errorf("%w: %s", ErrClockStuck, strings.Join(which, ", "))
		}

		if err := c.set(ctx, at); err != nil {
			return err
		}
		last = at
	}

	err := c.set(ctx, to)
	for _, fn := range c.moved {
		fn()
	}

	return err
}

// OnMove has something called after each move, before anybody moves it: it is for the start.
func (c *Clock) OnMove(fn func()) { c.moved = append(c.moved, fn) }

// next gives when something falls due the next time, and what.
func (c *Clock) next() (at time.Time, which []string) {
	for _, d := range c.duties {
		switch t := d.next(); {
		case t.IsZero():
		case at.IsZero() || t.Before(at):
			at, which = t, []string{d.name}
		case t.Equal(at):
			which = append(which, d.name)
		}
	}

	return at, which
}

// set moves the clock to a time, unless it is past it, and has done what is due then.
func (c *Clock) set(ctx context.Context, to time.Time) error {
	if err := c.keep(to); err != nil {
		return err
	}

	// The log is told that somebody has moved the clock, and that this is right: it would not trust it after a start.
	if err := c.b.ConfirmClock(ctx, proposals.Operator{Console: true}); err != nil {
		return err
	}

	for _, d := range c.duties {
		if err := c.b.Fresh(ctx, c.b.Position()); err != nil {
			return err
		}
		d.done(ctx)
	}

	return c.b.Fresh(ctx, c.b.Position())
}

func (c *Clock) keep(to time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()

	ahead := to.Sub(c.now())
	if ahead <= c.ahead {
		return nil
	}

	f, err := os.CreateTemp(filepath.Dir(c.path), clockFile+"-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(ahead.String() + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), c.path)
	}

	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	c.ahead = ahead

	return nil
}
