// Package subscriptions is the view of what platforms say of their copies, and where they are told.
//
// # Layout
//
//	s platform            Row
//	a platform position   digest and verdict of what was attested last of that position
package subscriptions

import (
	"encoding/binary"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/streams"
	"digitalpost/domain/subscription"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
)

const (
	kindRow      = 's'
	kindAttested = 'a'
	digestBytes  = 32
)

func rowKey(platform string) []byte { return engine.Key(kindRow, platform) }

func attestedOf(platform string) []byte { return engine.Key(kindAttested, platform, byte(0)) }

func attestedKey(platform string, at uint64) []byte {
	return binary.BigEndian.AppendUint64(attestedOf(platform), at)
}

// A Row is a platform's subscription.
type Row struct {
	Push      subscription.Push    `cbor:"1,keyasint"` // zero: the backbone does not tell it
	Stopped   bool                 `cbor:"2,keyasint,omitempty"`
	StoppedAt uint64               `cbor:"3,keyasint,omitempty"` // up to which position it was told
	Secret    uint32               `cbor:"4,keyasint,omitempty"`
	Rotated   time.Time            `cbor:"5,keyasint,omitzero"` // when the secret became current; first: zero
	Set       eventstore.Position  `cbor:"6,keyasint,omitempty"`
	Attested  uint64               `cbor:"7,keyasint,omitempty"` // position of the last attestation
	Verdict   subscription.Verdict `cbor:"8,keyasint,omitempty"`
	At        time.Time            `cbor:"9,keyasint,omitzero"` // of the last attestation
}

// Projection makes the view.
type Projection struct{}

// Name names the view.
func (Projection) Name() string { return "subscriptions" }

// Wants reports whether an event is of a subscription.
func (Projection) Wants(kind eventstore.Kind, _ string) bool { return kind == streams.Subscription }

// Apply applies an event.
func (Projection) Apply(v engine.View, rec eventstore.Event, e domain.Event) error {
	switch e := e.(type) {
	case subscription.CopyAttested:
		attest(v, e)
		return change(v, e.Platform, func(r *Row) {
			r.Attested, r.Verdict, r.At = e.Position, e.Verdict, rec.Recorded
		})
	case subscription.PushSet:
		return change(v, e.Platform, func(r *Row) {
			r.Push, r.Stopped, r.StoppedAt, r.Secret, r.Set = e.Push, false, 0, e.Secret, rec.Position
		})
	case subscription.SecretRotated:
		return change(v, e.Platform, func(r *Row) { r.Secret, r.Rotated = e.Secret, rec.Recorded })
	case subscription.PushEnded:
		return change(v, e.Platform, func(r *Row) { r.Push, r.Stopped, r.StoppedAt = subscription.Push{}, false, 0 })
	case subscription.PushStopped:
		return change(v, e.Platform, func(r *Row) { r.Stopped, r.StoppedAt = true, e.Position })
	}

	return nil
}

func change(v engine.View, platform string, fn func(*Row)) error {
	r, _, err := engine.Row[Row](v, rowKey(platform))
	if err != nil {
		return err
	}
	fn(&r)

	return engine.Put(v, rowKey(platform), r)
}

// attest keeps what was attested of a position as long as its digest is kept.
func attest(v engine.View, e subscription.CopyAttested) {
	row := append(append(make([]byte, 0, digestBytes), e.Digest...), e.Verdict...)
	v.Put(attestedKey(e.Platform, e.Position), row)

	var old [][]byte
	v.Scan(attestedOf(e.Platform), func(k, _ []byte) bool {
		gone := binary.BigEndian.Uint64(k[len(k)-8:])+mailboxes.MarksFor < e.Position
		if gone {
			old = append(old, append([]byte{}, k...))
		}

		return gone
	})

	for _, k := range old {
		v.Delete(k)
	}
}

// A Snapshot is the view as it stands at one position. Close lets go of it.
type Snapshot struct{ s *engine.Snapshot }

// At gives the view as it stands.
func At(views *engine.Views) (*Snapshot, error) {
	s, err := views.Snapshot(Projection{})
	if err != nil {
		return nil, err
	}

	return &Snapshot{s}, nil
}

// Close lets go of the snapshot.
func (s *Snapshot) Close() { s.s.Close() }

// Of gives a platform's subscription; the zero one if it never had any.
func (s *Snapshot) Of(platform string) (Row, error) {
	r, _, err := engine.Row[Row](s.s, rowKey(platform))
	return r, err
}

// Attested reports whether a platform has said what its copy is at a position.
func (s *Snapshot) Attested(platform string, at eventstore.Position) bool {
	return s.s.Get(attestedKey(platform, uint64(at))) != nil
}
