// Package eventstore is the log: an ordered, append-only sequence of events in streams. It knows bytes, streams and
// positions, and nothing of Digital Post.
//
// The log promises three things, whichever store keeps it. An append is all or nothing and, once it has returned nil,
// on disk. Every event has one position, from 1, without gaps, and readers see events in that order only. A stream
// changes only for a writer that knew its version. Package storetest holds a case for each sentence of the interfaces
// below.
package eventstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/oklog/ulid/v2"
)

// Limits of one append. What is beyond them is refused with ErrTooLarge before anything is written.
const (
	MaxRecord        = 64 << 10  // bytes of one record as it is stored
	MaxAppendRecords = 256       // events in one append
	MaxAppendBytes   = 512 << 10 // bytes of all records in one append
)

var (
	// ErrConflict says that the stream was not at the expected version. The concrete error is a *ConflictError.
	ErrConflict = errors.New("eventstore: stream is at another version")
	// ErrTooLarge says that an event or an append is beyond the limits, or that an event has no type.
	ErrTooLarge = errors.New("eventstore: append beyond the limits")
	// ErrClosed says that the store was closed, or has stopped after a failed write: opening it again is the repair. An
	// append that got it may or may not be in the log; only reading the stream tells.
	ErrClosed = errors.New("eventstore: store is closed")
	// ErrClock says that the clock jumped, so that no recorded time can be trusted, and that nothing was written.
	ErrClock = errors.New("eventstore: clock is not to be trusted")
	// ErrDiskFull says that too little space is left to append, and that nothing was written.
	ErrDiskFull = errors.New("eventstore: disk is full")
	// ErrDamaged says that what is stored is not what was written. The concrete error is a *DamageError.
	ErrDamaged = errors.New("eventstore: log is damaged")
)

// A Kind names what a stream is about: lower-case letters, 1 to 32 of them.
type Kind string

// A Stream is the events of one thing.
type Stream struct {
	Kind Kind
	ID   [16]byte
}

// String gives the stream's name, kind before the first dash: mailbox-01J….
func (s Stream) String() string { return string(s.Kind) + "-" + ulid.ULID(s.ID).String() }

// A Position is an event's place in the log, from 1.
type Position uint64

// A Version is an event's place in its stream, from 1.
type Version uint64

// An ExpectedVersion is the version at which a writer believes a stream to be.
type ExpectedVersion uint64

// NoStream is the expected version of a stream without events.
const NoStream ExpectedVersion = 0

// An Actor is who made something happen: a kind in the words of the domain, and an id that is no number of a person.
type Actor struct {
	Kind string
	ID   [16]byte
}

// Meta is what stands in a record about its making. All of it but Command may be zero.
type Meta struct {
	Command    [16]byte // the command that led here; two appends with one command id are the same append, repeated
	Actor      Actor
	Platform   string   // the platform through which the actor acted
	OnBehalfOf [16]byte // whose right the actor used
	Grant      [16]byte // under which grant
	Causation  Position // the event that this one follows from, 0 for none
	Authority  [16]byte // organisation for which somebody in an office acts
	Mandate    [16]byte // under which they act: the id of an event of its own, with purpose and case number
	Assurance  uint8    // of the sign-in, from 1 (low) to 3 (high); 0: nobody signed in
}

// A NewEvent is an event that is not yet in the log.
type NewEvent struct {
	Type string // stored name, 1 to 64 bytes
	Data []byte
	Meta Meta
}

// An Event is an event in the log.
type Event struct {
	Position Position
	Recorded time.Time // the store's time of the append, never before that of the position before
	Stream   Stream
	Version  Version
	Type     string
	ID       [16]byte // EventID of stream, command and index
	Index    int      // place in its append, from 1
	Count    int      // events in its append
	Previous Position // the event before it in its stream, 0 for the first
	Meta     Meta
	Data     []byte
	Later    []byte // keys of a later version of this program, as they are stored: who hands the record on keeps them
}

// EventID is the id of the i-th event (from 1) that a command led to in a stream: the first 16 bytes of SHA-256 over
// the stream's kind, a zero byte, its id, the command id and i.
func EventID(s Stream, command [16]byte, i int) [16]byte {
	h := sha256.New()
	h.Write([]byte(s.Kind))
	h.Write([]byte{0})
	h.Write(s.ID[:])
	h.Write(command[:])
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(i))
	h.Write(n[:])
	return [16]byte(h.Sum(nil)[:16])
}

// A Store keeps the log.
type Store interface {
	Appender
	Reader
}

// An Appender adds to the log. It may be called by many goroutines at once.
type Appender interface {
	// Append adds events to the end of stream s, all or none, if s is at the expected version; if not, it returns a
	// *ConflictError and changes nothing. When it returns nil the events are on disk, in order, at neighbouring
	// positions of which it returns the last. If ctx ends before the commit begins nothing is written and ctx's error
	// is returned; from then on Append finishes whatever ctx says. No events is no append: it returns 0 and nil.
	// Appends beyond the limits give ErrTooLarge. After ErrClosed, and no other error, the events may or may not be in
	// the log.
	Append(ctx context.Context, s Stream, expected ExpectedVersion, events ...NewEvent) (Position, error)
}

// A Reader reads the log. It may be called by many goroutines at once. What it yields was on disk before.
type Reader interface {
	// ReadStream yields the events of s beyond version after, in order and without gaps, as far as the stream went when
	// reading began. A stream without events yields nothing. An error is yielded once, as the last thing.
	ReadStream(ctx context.Context, s Stream, after Version) iter.Seq2[Event, error]
	// ReadAll yields the events of the log beyond position after, in order and without gaps, as far as the log went
	// when reading began. An error is yielded once, as the last thing.
	ReadAll(ctx context.Context, after Position) iter.Seq2[Event, error]
	// Wait returns nil once the log reaches beyond position after, and ctx's error if that ends first.
	Wait(ctx context.Context, after Position) error
	// Last gives the position of the last event, 0 for an empty log. Whatever an Append that has returned wrote is at
	// or before it.
	Last() Position
	// Head gives the version of stream s and the position of its last event; zeros for a stream without events.
	Head(s Stream) (Version, Position)
}

// A ConflictError tells that an append expected another version than the stream had. It matches ErrConflict.
type ConflictError struct {
	Stream   Stream
	Expected ExpectedVersion
	Actual   Version
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("eventstore: stream %s is at version %d, not %d", e.Stream, e.Actual, e.Expected)
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// A DamageError tells where the log is not what was written. It matches ErrDamaged.
type DamageError struct {
	Position Position // the first event that cannot be trusted, 0 if unknown
	Place    string   // file and byte offset, or what is missing
	Reason   string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("eventstore: log is damaged at position %d (%s): %s", e.Position, e.Place, e.Reason)
}

// Is makes errors.Is(err, ErrDamaged) true.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }
