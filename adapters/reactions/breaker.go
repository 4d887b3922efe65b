package reactions

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// A receiver is one that effects go to, with its breaker.
type receiver struct {
	changes atomic.Int64 // grows with each effect that is planned for it, or changed by an operator

	mu     sync.Mutex // guards what follows
	failed int        // times in a row
	orders map[[16]byte]bool
	until  time.Time // nothing is tried before
}

// note counts how an attempt went.
func (r *receiver) note(order [16]byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()

	var refused *RefusedError
	if err == nil || errors.As(err, &refused) && refused.ForGood { // it answers, and means this effect alone
		r.failed, r.orders, r.until = 0, nil, time.Time{}
		return
	}

	if r.orders == nil {
		r.orders = map[[16]byte]bool{}
	}

	if len(r.orders) < ofMany {
		r.orders[order] = true
	}

	if r.failed++; r.failed >= tooMany && len(r.orders) == ofMany {
		r.until = time.Now().Add(pauseAfter(r.failed - tooMany + 1))
	}
}

// open gives until when nothing is tried; zero: it is.
func (r *receiver) open() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()

	if time.Now().Before(r.until) {
		return r.until
	}

	return time.Time{}
}

func (r *Reactions) receiver(name string) *receiver {
	r.mu.Lock()
	defer r.mu.Unlock()

	one := r.receivers[name]
	if one == nil {
		one = &receiver{}
		r.receivers[name] = one
	}

	return one
}
