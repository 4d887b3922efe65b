package projections

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
)

// FuzzDecode gives the codecs any bytes: none panics, and what one reads it writes back with the same meaning.
func FuzzDecode(f *testing.F) {
	for _, s := range full(f) {
		b, _ := hex.DecodeString(s.Stored)
		f.Add(s.Kind, s.Type, b)
	}
	f.Fuzz(func(t *testing.T, kind, name string, data []byte) {
		e, err := Decode(eventstore.Event{Stream: eventstore.Stream{Kind: eventstore.Kind(kind)}, Type: name, Data: data})
		if err != nil || kind == "log" {
			return
		}
		var back []byte
		switch e := e.(type) {
		case mailbox.Event:
			back, err = mailbox.Codec.Encode(e)
		case intake.Event:
			switch kind {
			case "intake":
				back, err = intake.Codec.Encode(e)
			case "organisation":
				back, err = organisation.Codec.Encode(e)
			default:
				back, err = looks.Codec.Encode(e)
			}
		}
		if err != nil {
			t.Fatalf("%s is read and not written: %v", name, err)
		}
		again, err := Decode(eventstore.Event{Stream: eventstore.Stream{Kind: eventstore.Kind(kind)}, Type: name, Data: back})
		if err != nil || text(again) != text(e) {
			t.Fatalf("%s: %s, written and read again: %s, %v", name, text(e), text(again), err)
		}
	})
}

func text(e domain.Named) string { b, _ := json.Marshal(e); return string(b) }
