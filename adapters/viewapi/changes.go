package viewapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/changes"
	"digitalpost/adapters/problem"
	"digitalpost/eventstore"
)

// changeHandlers serve what happens, as it happens.
type changeHandlers struct{ *api }

func (a changeHandlers) register(r routes) {
	r.list("GET", "mailboxes/{box}/changes", a.changes)
	r.add("GET", "changes", a.platformChanges)
}

const (
	// heartbeat lies between signs of life on a stream where nothing happens. Whether who follows still may is looked
	// at then, too.
	heartbeat   = 15 * time.Second
	writeWithin = 10 * time.Second // that a reader has to take what is written
)

// A sse writes Server-Sent Events. Nothing is written before the first event or beat, so that an error before it is
// an answer like any other.
type sse struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	id      func(eventstore.Position) string
	started bool
	good    func() error // whether the token that asked is
}

func (s *sse) write(text string) error {
	if !s.started {
		h := s.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no")
		s.w.WriteHeader(http.StatusOK)
		s.started = true
	}

	if err := s.rc.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}

	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}

	return s.rc.Flush()
}

// tell writes an event. Where one goes on from is said with it, unless it is but a part.
func (s *sse) tell(e changes.CloudEvent, part int) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}

	id := ""
	if part == 0 {
		id = "id: " + e.ID + "\n"
	}
	return s.write(id + "data: " + string(b) + "\n\n")
}

// follower takes changes beyond a position, and writes them, as long as the token that asked for them is good.
func (s *sse) follower(after eventstore.Position) changes.Follower {
	return changes.Follower{
		After: after, Beat: heartbeat,
		Send: func(c changes.Change) error { return s.while(func() error { return s.tell(c.Event(s.id), 0) }) },
		Idle: func(p eventstore.Position) error { return s.while(func() error { return s.beat(p) }) },
	}
}

// platform is follower, of what a platform is told.
func (s *sse) platform(after eventstore.Position) changes.PlatformFollower {
	return changes.PlatformFollower{
		After: after, Beat: heartbeat,
		Send: func(c changes.PlatformChange) error {
			return s.while(func() error { return s.tell(c.Event(s.id), c.Part) })
		},
		Idle: func(p eventstore.Position) error { return s.while(func() error { return s.beat(p) }) },
	}
}

// while writes as long as the token is good.
func (s *sse) while(write func() error) error {
	if err := s.good(); err != nil {
		return err
	}
	return write()
}

// beat says that all changes up to a position have been told: the position is also where to go on from.
func (s *sse) beat(p eventstore.Position) error {
	return s.write(fmt.Sprintf("id: %s\n: alive\n\n", s.id(p)))
}

// after reads where a stream goes on from: Last-Event-ID, or the parameter after; from now on without either.
func (a changeHandlers) after(r *http.Request) (eventstore.Position, error) {
	s, name := r.Header.Get("Last-Event-ID"), "Last-Event-ID"
	if s == "" {
		s, name = r.URL.Query().Get("after"), "after"
	}

	return a.position(s, name)
}

// position reads a cursor; without one it is the log's end.
func (a changeHandlers) position(s, name string) (eventstore.Position, error) {
	if s == "" {
		return a.b.Position(), nil
	}

	if shape, _, ok := strings.Cut(s, "."); ok && strings.HasPrefix(shape, "s") { // this shape's have no s
		return 0, shapeGone()
	}

	refused := problem.BadField(name, "position.not.valid",
		"must be a position, the id of an event that was told; 0 is before the first")
	c, ok := readCursor(s)
	if !ok {
		return 0, refused
	}
	p, err := a.b.Go(c)
	if err != nil {
		return 0, problem.New(http.StatusGone, "position.gone",
			"the log was restored from a copy that does not have this position: fetch what is there, and go on from 0")
	}
	if p > a.b.Position() {
		return 0, refused
	}

	return p, nil
}

// readCursor reads the text of a cursor.
func readCursor(s string) (c backbone.Cursor, ok bool) {
	c.Incarnation = 1
	s = strings.TrimSpace(s)
	if first, rest, restored := strings.Cut(s, "."); restored {
		n, err := strconv.ParseUint(first, 10, 63)
		if err != nil || n < 2 {
			return c, false
		}
		c.Incarnation, s = n, rest
	}
	n, err := strconv.ParseUint(s, 10, 63)
	c.Position = eventstore.Position(n)

	return c, err == nil
}

// stream begins a stream of changes.
func (a changeHandlers) stream(w http.ResponseWriter, r *http.Request) *sse {
	good := func() error { return a.who.StillGood(r) }
	id := func(p eventstore.Position) string { return a.b.Cursor(p).String() }
	return &sse{w: w, rc: http.NewResponseController(w), id: id, good: good}
}

// end gives how a stream ended: an error before anything was written is the answer; after that the stream just ends,
// and the client goes on from its last id.
func (s *sse) end(err error) error {
	if s.started || errors.Is(err, changes.ErrLagging) {
		return nil
	}
	return err
}

// changes is what happens in a mailbox, as it happens.
func (a changeHandlers) changes(w http.ResponseWriter, r request) error {
	after, err := a.after(r.Request)
	if err != nil {
		return err
	}
	s := a.stream(w, r.Request)
	return s.end(a.b.Changes.Follow(r.Context(), r.p, r.box, s.follower(after)))
}

// platformChanges is what becomes of the rows that a platform may hold, for the platform's own servers.
func (a changeHandlers) platformChanges(w http.ResponseWriter, r *http.Request) {
	s := a.stream(w, r)
	name, until, err := a.who.Platform(r)
	if err == nil {
		err = checkShape(r)
	}

	if err == nil {
		var after eventstore.Position
		if after, err = a.after(r); err == nil {
			err = s.end(a.b.Changes.FollowPlatform(r.Context(), name, until, s.platform(after)))
		}
	}
	if err != nil && !s.started {
		problem.Write(w, a.log, err)
	}
}
