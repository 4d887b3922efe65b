package changes

import (
	"sync"

	"digitalpost/domain"
	"digitalpost/eventstore"
)

// Bounds of open streams.
const (
	feedBuffer = 256 // changes of a mailbox that an open stream may lag behind before it is cut off
	maxFeeds   = 64  // streams that one person may have open at once
)

// feeds gives each open stream what happens in its mailbox. One goroutine reads the log for all of them.
type feeds struct {
	mu     sync.Mutex // guards what follows
	by     map[domain.MailboxID]map[*feed]bool
	of     map[[16]byte]int // open streams by who follows
	closed bool
}

type feed struct {
	changes chan Change // closed when the feed is cut off
	who     [16]byte
}

func newFeeds() feeds {
	return feeds{by: map[domain.MailboxID]map[*feed]bool{}, of: map[[16]byte]int{}}
}

// watched reports whether anybody follows a mailbox.
func (f *feeds) watched(id domain.MailboxID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()

	return len(f.by[id]) > 0
}

func (f *feeds) subscribe(id domain.MailboxID, who [16]byte) (*feed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	if f.closed {
		return nil, eventstore.ErrClosed
	}

	if f.of[who] >= maxFeeds {
		return nil, ErrTooMany
	}

	one := &feed{changes: make(chan Change, feedBuffer), who: who}
	if f.by[id] == nil {
		f.by[id] = map[*feed]bool{}
	}
	f.by[id][one] = true
	f.of[who]++

	return one, nil
}

func (f *feeds) leave(id domain.MailboxID, one *feed) {
	f.mu.Lock()
	defer f.mu.Unlock()

	if f.by[id][one] {
		f.remove(id, one)
	}
}

// publish gives a change to those who follow its mailbox; one whose buffer is full is cut off, and nobody waits for it.
func (f *feeds) publish(c Change) {
	f.mu.Lock()
	defer f.mu.Unlock()

	for one := range f.by[c.Mailbox] {
		select {
		case one.changes <- c:
		default:
			f.cut(c.Mailbox, one)
		}
	}
}

// close cuts every feed off, and lets no more begin.
func (f *feeds) close() {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.closed = true
	for id, all := range f.by {
		for one := range all {
			f.cut(id, one)
		}
	}
}

// cut ends a feed; f.mu is held.
func (f *feeds) cut(id domain.MailboxID, one *feed) {
	close(one.changes)
	f.remove(id, one)
}

// remove forgets a feed; f.mu is held.
func (f *feeds) remove(id domain.MailboxID, one *feed) {
	if f.of[one.who]--; f.of[one.who] == 0 {
		delete(f.of, one.who)
	}

	if delete(f.by[id], one); len(f.by[id]) == 0 {
		delete(f.by, id)
	}
}
