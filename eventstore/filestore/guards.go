package filestore

import (
	"fmt"
	"sync"
	"time"

	"digitalpost/eventstore"
)

// A Clock gives the time of day and, for comparison, a time that no one sets.
type Clock interface {
	Now() (wall time.Time, monotonic time.Duration)
}

type systemClock struct{}

var processStart = time.Now()

func (systemClock) Now() (time.Time, time.Duration) {
	now := time.Now()
	return now.Round(0), now.Sub(processStart)
}

// A clockGuard gives recorded time: max(now, last). It refuses when the clock lies more than a second behind the last
// record, has gained more than a second on the monotonic clock since the last commit, or at start is more than a day
// past the last record; until the clock is right again or someone confirms it. A clock that is confirmed while it lies
// behind is taken from then on: recorded time stands still at the last one until the clock has passed it.
type clockGuard struct {
	clock Clock

	mu       sync.Mutex // guards what follows
	last     time.Time  // recorded time of the last record
	wall     time.Time  // both clocks at the last commit; zero before the first of this process
	mono     time.Duration
	started  bool // a commit was made in this process
	behind   bool // it was confirmed while it lay behind, and has not passed the last record yet
	anything bool // the log holds a record
}

func (c *clockGuard) start(last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.anything = last, true
}

// check returns why the clock is not to be trusted, nil if it is. Its caller holds mu.
func (c *clockGuard) check(wall time.Time, mono time.Duration) error {
	if !c.anything {
		return nil
	}

	wrong := func(how string) error {
		return fmt.Errorf("%w: it says %s, %s the last record of %s",
			eventstore.ErrClock, wall.Format(time.RFC3339), how, c.last.Format(time.RFC3339))
	}
	gained := wall.Sub(c.wall) - (mono - c.mono)
	switch {
	case c.last.Sub(wall) > time.Second && !c.behind:
		return wrong("before")
	case c.behind && gained < -time.Second:
		return fmt.Errorf("%w: it has lost %s since the last record", eventstore.ErrClock, -gained)
	case !c.started && wall.Sub(c.last) > 24*time.Hour:
		return wrong("more than a day after")
	case c.started && gained > time.Second:
		return fmt.Errorf("%w: it has gained %s since the last record", eventstore.ErrClock, gained)
	}

	return nil
}

// now returns the time to record, or why there is none; confirmed takes the clock as it is.
func (c *clockGuard) now(confirmed bool) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, mono := c.clock.Now()
	wall = wall.UTC()
	if err := c.check(wall, mono); err != nil && !confirmed {
		return wall, err
	}

	c.wall, c.mono, c.started = wall, mono, true
	c.behind = (c.behind || confirmed) && wall.Before(c.last)
	if wall.Before(c.last) {
		wall = c.last
	}
	return wall, nil
}

// gap returns how far the clock is past the last record; 0 for a log without one.
func (c *clockGuard) gap() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.anything {
		return 0
	}
	wall, _ := c.clock.Now()
	return wall.Sub(c.last)
}

func (c *clockGuard) committed(t time.Time) { c.start(t) }

// ClockErr returns why the machine's clock is not trusted, so that appends are refused, nil if it is.
func (s *Store) ClockErr() error {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	wall, mono := s.clock.clock.Now()
	return s.clock.check(wall.UTC(), mono)
}

// ClockGap returns how far the machine's clock is past the last event, negative if it is behind it; 0 without events.
// At start that is how long the log stood still, or how far the clock has jumped: nothing here can tell the two apart.
func (s *Store) ClockGap() time.Duration { return s.clock.gap() }

// Room below which appends, or only intake, are refused.
const (
	appendsNeed    = 256 << 20
	intakeNeed     = 2 << 30
	intakePercent  = 5
	spaceStaleTime = time.Second
)

// A spaceGuard watches the room on disk.
type spaceGuard struct {
	free func() (free, total uint64, err error)

	mu    sync.Mutex // guards what follows
	asked time.Time
	left  uint64
	total uint64
}

// look returns the room as it was at most a second ago.
func (g *spaceGuard) look() (free, total uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); g.asked.IsZero() || now.Sub(g.asked) > spaceStaleTime {
		free, total, err := g.free()
		if err != nil {
			return 0, 0 // a disk that can't be asked has no room
		}
		g.asked, g.left, g.total = now, free, total
	}
	return g.left, g.total
}

func (g *spaceGuard) appends() error {
	if free, _ := g.look(); free < appendsNeed {
		return fmt.Errorf("%w: %d MiB are left, %d are needed", eventstore.ErrDiskFull, free>>20, appendsNeed>>20)
	}
	return nil
}

func (g *spaceGuard) intake() bool {
	free, total := g.look()
	return free >= intakeNeed && free >= total/100*intakePercent
}
