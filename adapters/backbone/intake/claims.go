package intake

import (
	"sync"

	"digitalpost/domain"
)

// claims say whose it is to find the outcome of a message: one at a time. They keep two from looking for it at once;
// that there is one outcome is decided by the log, which whoever waited for a claim reads first. The zero value is
// ready; they may be used by many goroutines at once.
type claims struct {
	mu   sync.Mutex
	held map[domain.MessageID]chan struct{} // closed when it is released
}

// try claims a message, if nobody has it. release gives it back; it is the claimant's to call, once.
func (c *claims) try(m domain.MessageID) (release func(), mine bool) {
	release, theirs := c.claim(m)
	return release, theirs == nil
}

// take claims a message, after everybody else who has it, however long they take.
func (c *claims) take(m domain.MessageID) (release func()) {
	for {
		release, theirs := c.claim(m)
		if theirs == nil {
			return release
		}
		<-theirs
	}
}

// claim claims a message, or gives what is closed when the one who has it releases it.
func (c *claims) claim(m domain.MessageID) (release func(), theirs <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if theirs, held := c.held[m]; held {
		return func() {}, theirs
	}

	if c.held == nil {
		c.held = map[domain.MessageID]chan struct{}{}
	}
	done := make(chan struct{})
	c.held[m] = done

	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.held, m)
		close(done)
	}, nil
}
