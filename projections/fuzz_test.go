package projections_test

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/streams"
)

// FuzzDecode gives the codecs any bytes: none panics, and what one reads it writes back with the same meaning.
func FuzzDecode(f *testing.F) {
	for _, s := range full(f) {
		b, _ := hex.DecodeString(s.Stored)
		f.Add(s.Kind, s.Type, b)
	}

	f.Fuzz(func(t *testing.T, kind, name string, data []byte) {
		e, err := streams.Decode(kind, name, data)
		if err != nil {
			return
		}

		back, err := streams.Kinds[kind].Encode(e)
		if err != nil {
			t.Fatalf("%s is read and not written: %v", name, err)
		}

		again, err := streams.Decode(kind, name, back)
		if err != nil || text(again) != text(e) {
			t.Fatalf("%s: %s, written and read again: %s, %v", name, text(e), text(again), err)
		}
	})
}

func text(e domain.Named) string { b, _ := json.Marshal(e); return string(b) }
