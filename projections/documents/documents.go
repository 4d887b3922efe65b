// Package documents is the view of kept documents: the lasting map from what the log names to what lies in the document
// store. The sweep asks it what is named, forgetting asks it what an event frees without naming it.
//
// # Layout
//
//	d document          Holder, while the document is kept
//	s stream document   nothing, of documents that lie under a mailbox's root; while they are kept
//	r message           document of the MeMo as it came in; for good, since forgetting may come long after the row d
package documents

import (
	"digitalpost/domain"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// Projection makes the view. It asks every event what it keeps and frees, and knows no event by name.
type Projection struct{}

// Name names the view.
func (Projection) Name() string { return "documents" }

// Wants reports whether a kind of stream has documents.
func (Projection) Wants(kind eventstore.Kind, _ string) bool {
	return kind == streams.Mailbox || kind == streams.Intake
}

const (
	kindDocument = 'd'
	kindUnder    = 's'
	kindReceived = 'r'
)

func documentKey(d domain.DocumentID) []byte { return append([]byte{kindDocument}, d[:]...) }

func underKey(stream [16]byte, d domain.DocumentID) []byte {
	return append(append([]byte{kindUnder}, stream[:]...), d[:]...)
}

func receivedKey(m domain.MessageID) []byte { return append([]byte{kindReceived}, m[:]...) }

// A Holder is what names a document: 16 bytes of its stream, zero where it lies under no mailbox's root.
type Holder [16]byte

// Apply applies an event.
func (Projection) Apply(v engine.View, rec eventstore.Event, e domain.Event) error {
	effect := e.Effect()

	for _, d := range effect.Keeps {
		var holder Holder
		switch {
		case rec.Stream.Kind == streams.Intake:
			v.Put(receivedKey(d.Of), d.ID[:])
		case !d.Apart:
			holder = rec.Stream.ID
			v.Put(underKey(holder, d.ID), nil)
		}
		v.Put(documentKey(d.ID), holder[:])
	}

	for _, d := range effect.Frees.Documents {
		free(v, d)
	}

	for _, m := range effect.Frees.Received {
		if d := v.Get(receivedKey(m)); len(d) == len(domain.DocumentID{}) {
			free(v, domain.DocumentID(d))
		}
	}

	if effect.Frees.All { // the log names them no more; that they lay there stays, for forgetting: see Under
		under := append([]byte{kindUnder}, rec.Stream.ID[:]...)
		var gone [][]byte
		v.Scan(under, func(k, _ []byte) bool {
			gone = append(gone, documentKey(domain.DocumentID(k[len(under):])))
			return true
		})
		for _, k := range gone {
			v.Delete(k)
		}
	}

	return nil
}

func free(v engine.View, d domain.DocumentID) {
	if holder := v.Get(documentKey(d)); len(holder) == len(Holder{}) {
		v.Delete(underKey(Holder(holder), d))
	}
	v.Delete(documentKey(d))
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

// Named reports whether the log names a document that is not freed.
func (s *Snapshot) Named(d domain.DocumentID) bool { return s.s.Get(documentKey(d)) != nil }

// Received gives the document of a MeMo as it came in, also after it was freed; false if it came by no intake.
func (s *Snapshot) Received(m domain.MessageID) (domain.DocumentID, bool) {
	d := s.s.Get(receivedKey(m))
	if len(d) != len(domain.DocumentID{}) {
		return domain.DocumentID{}, false
	}

	return domain.DocumentID(d), true
}

// Under gives the documents that lie under a mailbox's root, also after that was destroyed, but for those that were
// freed on their own.
func (s *Snapshot) Under(stream [16]byte) (out []domain.DocumentID) {
	prefix := append([]byte{kindUnder}, stream[:]...)
	s.s.Scan(prefix, func(k, _ []byte) bool {
		out = append(out, domain.DocumentID(k[len(prefix):]))
		return true
	})

	return out
}
