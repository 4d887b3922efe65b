package core

import (
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// A LimitedError says that somebody has done something too often: asked for numbers that nobody has, or that are not of
// the name they gave; or asked others for something. It says nothing about what was asked this time, which was not
// looked at.
type LimitedError struct {
	What  string // of LimitNumbers and LimitRequests
	Retry time.Duration
}

// What is limited.
const (
	LimitNumbers  = "numbers"
	LimitRequests = "requests"
)

func (e *LimitedError) Error() string {
	return fmt.Sprintf("core: too many %s; again in %v", e.What, e.Retry)
}

// maxGuessers is how many of those who have failed are remembered.
const maxGuessers = 100_000

// Guesses count how often each person or system does what is limited, such as to ask for a number that does not fit.
// One may do so as often as is said at once, and then as often again in the time that is said, spread over it. The
// counts are the process's: a restart begins anew. They may be used by many goroutines at once.
type Guesses struct {
	what string
	most int
	in   time.Duration

	mu sync.Mutex // guards what the cache's entries hold
	by *lru.Cache[[16]byte, *guesser]
}

type guesser struct {
	failed float64 // of what is still counted
	at     time.Time
}

// NewGuesses lets each do so many times in such a time what is limited.
func NewGuesses(what string, most int, in time.Duration) *Guesses {
	by, err := lru.New[[16]byte, *guesser](maxGuessers)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}

	return &Guesses{what: what, most: most, in: in, by: by}
}

// Take counts a guess of somebody's before it is looked at; GiveBack takes it back where it fits. A *LimitedError if
// they have failed too often.
func (g *Guesses) Take(who [16]byte, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()

	x, ok := g.by.Get(who)
	if !ok {
		x = &guesser{}
		g.by.Add(who, x)
	}

	each := g.in / time.Duration(g.most) // in which one is forgiven
	if now.After(x.at) {
		x.failed = max(0, x.failed-float64(now.Sub(x.at))/float64(each))
		x.at = now
	}
	if over := x.failed + 1 - float64(g.most); over > 0 {
		return &LimitedError{What: g.what, Retry: time.Duration(over * float64(each))}
	}
	x.failed++

	return nil
}

// GiveBack takes the count of one guess back.
func (g *Guesses) GiveBack(who [16]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()

	if x, ok := g.by.Get(who); ok {
		x.failed = max(0, x.failed-1)
	}
}
