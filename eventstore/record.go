package eventstore

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// A record is an event as it is stored: a CBOR array of three, in core deterministic encoding (RFC 8949 §4.2.1).
//
//	[ writer's part: map, log's part: position, log's part: recorded time in nanoseconds since 1970 UTC ]
//
// The writer's part is a map with these integer keys; a key whose value is zero is left out:
//
//	1 stream kind (text)   2 stream id (16 bytes)   3 version          4 type (text)       5 event id (16 bytes)
//	6 command id           7 index in the append    8 count            9 previous position 10 actor kind (text)
//	11 actor id            12 platform (text)       13 on behalf of    14 grant            15 causation (position)
//	16 data (bytes)        17 authority (16 bytes) 18 mandate (16 bytes) 19 assurance (1 to 3)
//
// Every store keeps these same bytes for the same event, also after a migration. Keys beyond these are a later
// version's: they are kept as they are. A key is never used again with another meaning.
type writerPart struct {
	Kind       string `cbor:"1,keyasint"`
	ID         []byte `cbor:"2,keyasint"`
	Version    uint64 `cbor:"3,keyasint"`
	Type       string `cbor:"4,keyasint"`
	EventID    []byte `cbor:"5,keyasint"`
	Command    []byte `cbor:"6,keyasint"`
	Index      uint   `cbor:"7,keyasint"`
	Count      uint   `cbor:"8,keyasint"`
	Previous   uint64 `cbor:"9,keyasint,omitempty"`
	ActorKind  string `cbor:"10,keyasint,omitempty"`
	ActorID    []byte `cbor:"11,keyasint,omitempty"`
	Platform   string `cbor:"12,keyasint,omitempty"`
	OnBehalfOf []byte `cbor:"13,keyasint,omitempty"`
	Grant      []byte `cbor:"14,keyasint,omitempty"`
	Causation  uint64 `cbor:"15,keyasint,omitempty"`
	Data       []byte `cbor:"16,keyasint,omitempty"`
	Authority  []byte `cbor:"17,keyasint,omitempty"`
	Mandate    []byte `cbor:"18,keyasint,omitempty"`
	Assurance  uint8  `cbor:"19,keyasint,omitempty"`
}

// lastKey is the highest key of the writer's part that this program knows.
const lastKey = 19

type record struct {
	_        struct{} `cbor:",toarray"`
	Writer   writerPart
	Position uint64
	Recorded int64
}

var (
	encoding = must(cbor.EncOptions{Sort: cbor.SortCoreDeterministic, ShortestFloat: cbor.ShortestFloat16}.EncMode())
	decoding = must(cbor.DecOptions{
		DupMapKey:       cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels: 8,
		IndefLength:     cbor.IndefLengthForbidden,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A Draft is a record to which the log's part is still missing.
type Draft struct {
	Event  Event
	writer []byte // the writer's part, encoded
}

// Size bounds the bytes of the finished record from above.
func (d *Draft) Size() int { return len(d.writer) + 1 + 9 + 9 }

// Drafts checks an append against the limits and encodes the writer's part of its records, for a stream that is at
// version expected with its last event at position previous. The previous position of the second and later records
// depends on where the first one lands, so Finish sets it. What is beyond a limit is ErrTooLarge.
func Drafts(s Stream, expected ExpectedVersion, previous Position, events []NewEvent) ([]Draft, error) {
	if len(events) > MaxAppendRecords {
		return nil, fmt.Errorf("%w: %d events, at most %d", ErrTooLarge, len(events), MaxAppendRecords)
	}
	if len(s.Kind) == 0 || len(s.Kind) > 32 {
		return nil, fmt.Errorf("%w: stream kind of %d bytes, 1 to 32", ErrTooLarge, len(s.Kind))
	}

	drafts := make([]Draft, len(events))
	total := 0
	for i, e := range events {
		if len(e.Type) == 0 || len(e.Type) > 64 {
			return nil, fmt.Errorf("%w: event type of %d bytes, 1 to 64", ErrTooLarge, len(e.Type))
		}
		if len(e.Data) > MaxRecord {
			return nil, fmt.Errorf("%w: %s of %d bytes, at most %d", ErrTooLarge, e.Type, len(e.Data), MaxRecord)
		}

		d := &drafts[i]
		d.Event = Event{
			Stream: s, Version: Version(expected) + Version(i) + 1, Type: e.Type, ID: EventID(s, e.Meta.Command, i+1),
			Index: i + 1, Count: len(events), Meta: e.Meta, Data: e.Data,
		}
		if i == 0 {
			d.Event.Previous = previous
			var err error
			if d.writer, err = encodeWriter(&d.Event); err != nil {
				return nil, err
			}
		} else {
			d.writer = make([]byte, 0, len(e.Data)+200) // its size is bounded below, its bytes come in Finish
		}

		size := len(e.Data) + len(e.Type) + len(s.Kind) + len(e.Meta.Platform) + len(e.Meta.Actor.Kind) + 200
		if size > MaxRecord {
			return nil, fmt.Errorf("%w: %s of %d bytes, at most %d", ErrTooLarge, e.Type, size, MaxRecord)
		}
		if total += size; total > MaxAppendBytes {
			return nil, fmt.Errorf("%w: append of more than %d bytes", ErrTooLarge, MaxAppendBytes)
		}
	}
	return drafts, nil
}

// Finish appends the whole record to buf, at position p and recorded time t, and completes d.Event.
func (d *Draft) Finish(buf []byte, p Position, t time.Time) ([]byte, error) {
	d.Event.Position, d.Event.Recorded = p, t
	if d.Event.Index > 1 {
		d.Event.Previous = p - 1
		var err error
		if d.writer, err = encodeWriter(&d.Event); err != nil {
			return nil, err
		}
	}
	buf = append(buf, 0x83)
	buf = append(buf, d.writer...)
	buf = appendUint(buf, uint64(p))
	return appendUint(buf, uint64(t.UnixNano())), nil
}

func encodeWriter(e *Event) ([]byte, error) {
	w := writerPart{
		Kind: string(e.Stream.Kind), ID: e.Stream.ID[:], Version: uint64(e.Version), Type: e.Type, EventID: e.ID[:],
		Command: e.Meta.Command[:], Index: uint(e.Index), Count: uint(e.Count), Previous: uint64(e.Previous),
		ActorKind: e.Meta.Actor.Kind, ActorID: unzero(&e.Meta.Actor.ID), Platform: e.Meta.Platform,
		OnBehalfOf: unzero(&e.Meta.OnBehalfOf), Grant: unzero(&e.Meta.Grant), Causation: uint64(e.Meta.Causation),
		Data: e.Data, Authority: unzero(&e.Meta.Authority), Mandate: unzero(&e.Meta.Mandate),
		Assurance: e.Meta.Assurance,
	}
	b, err := encoding.Marshal(&w)
	if err != nil {
		return nil, fmt.Errorf("eventstore: encode %s: %w", e.Type, err)
	}
	if len(e.Later) > 0 {
		return withLater(b, e.Later)
	}
	return b, nil
}

// withLater puts pairs of later keys behind those of an encoded map: deterministic encoding sorts them there.
func withLater(b, pairs []byte) ([]byte, error) {
	n := 0
	for rest := pairs; len(rest) > 0; n++ {
		for range 2 {
			var item cbor.RawMessage
			var err error
			if rest, err = decoding.UnmarshalFirst(rest, &item); err != nil {
				return nil, fmt.Errorf("eventstore: later keys: %w", err)
			}
		}
	}

	known := int(b[0] & 31) // a map of at most 19 keys has its length in its first byte
	if n += known; n < 24 {
		return append(append([]byte{0xa0 | byte(n)}, b[1:]...), pairs...), nil
	}
	return append(append([]byte{0xb8, byte(n)}, b[1:]...), pairs...), nil
}

// laterOf gives the pairs of a record's writer's part whose keys this program does not know, in the order of their
// keys.
func laterOf(b []byte) ([]byte, error) {
	var r struct {
		_        struct{} `cbor:",toarray"`
		Writer   map[uint64]cbor.RawMessage
		Position uint64
		Recorded int64
	}
	if err := decoding.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}

	var out []byte
	for _, k := range slices.Sorted(maps.Keys(r.Writer)) {
		if k > lastKey {
			out = append(appendUint(out, k), r.Writer[k]...)
		}
	}
	return out, nil
}

// unzero returns an id's bytes, nil for the id of nothing, which is left out.
func unzero(id *[16]byte) []byte {
	if *id == ([16]byte{}) {
		return nil
	}
	return id[:]
}

// appendUint appends a CBOR unsigned integer in its shortest form.
func appendUint(b []byte, v uint64) []byte {
	switch {
	case v < 24:
		return append(b, byte(v))
	case v < 1<<8:
		return append(b, 0x18, byte(v))
	case v < 1<<16:
		return append(b, 0x19, byte(v>>8), byte(v))
	case v < 1<<32:
		return append(b, 0x1a, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return append(b, 0x1b,
		byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

var errRecord = errors.New("eventstore: not a record")

// DecodeRecord reads a record. The event's Data is its own copy. Whatever the bytes, it does not panic.
func DecodeRecord(b []byte) (Event, error) {
	e, ok := decodeCanonical(b)
	if !ok {
		var err error
		if e, err = decodeGeneral(b); err != nil {
			return Event{}, err
		}
	}
	if e.Index < 1 || e.Index > e.Count || e.Count > MaxAppendRecords ||
		e.Position == 0 || e.Version == 0 || e.Previous >= e.Position ||
		e.Stream.Kind == "" || e.Type == "" {
		return Event{}, fmt.Errorf("%w: a field is out of its bounds", errRecord)
	}
	return e, nil
}

// decodeGeneral reads a record in any encoding that CBOR allows, with keys that a later version of this program may
// have added.
func decodeGeneral(b []byte) (Event, error) {
	var r record
	if err := decoding.Unmarshal(b, &r); err != nil {
		return Event{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	w := &r.Writer
	if len(w.ID) != 16 || len(w.EventID) != 16 || len(w.Command) != 16 || r.Recorded < 0 {
		return Event{}, fmt.Errorf("%w: a field is out of its bounds", errRecord)
	}

	e := Event{
		Position: Position(r.Position),
		Recorded: time.Unix(0, r.Recorded).UTC(),
		Stream:   Stream{Kind: Kind(w.Kind), ID: [16]byte(w.ID)},
		Version:  Version(w.Version),
		Type:     w.Type,
		ID:       [16]byte(w.EventID),
		Index:    int(min(w.Index, math.MaxInt32)),
		Count:    int(min(w.Count, math.MaxInt32)),
		Previous: Position(w.Previous),
		Data:     w.Data,
		Meta: Meta{
			Command:   [16]byte(w.Command),
			Actor:     Actor{Kind: w.ActorKind},
			Platform:  w.Platform,
			Causation: Position(w.Causation),
			Assurance: w.Assurance,
		},
	}
	for _, f := range []struct {
		to   *[16]byte
		from []byte
	}{
		{&e.Meta.Actor.ID, w.ActorID}, {&e.Meta.OnBehalfOf, w.OnBehalfOf}, {&e.Meta.Grant, w.Grant},
		{&e.Meta.Authority, w.Authority}, {&e.Meta.Mandate, w.Mandate},
	} {
		if len(f.from) == 0 {
			continue
		}
		if len(f.from) != 16 {
			return Event{}, fmt.Errorf("%w: an id of %d bytes", errRecord, len(f.from))
		}
		*f.to = [16]byte(f.from)
	}
	var err error
	e.Later, err = laterOf(b)
	return e, err
}

// EncodeRecord returns the bytes of an event that is in the log: the same that its store keeps.
func EncodeRecord(e Event) ([]byte, error) {
	w, err := encodeWriter(&e)
	if err != nil {
		return nil, err
	}
	buf := append(make([]byte, 0, len(w)+19), 0x83)
	buf = append(buf, w...)
	buf = appendUint(buf, uint64(e.Position))
	return appendUint(buf, uint64(e.Recorded.UnixNano())), nil
}
