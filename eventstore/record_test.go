package eventstore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

func records(tb testing.TB) (out [][]byte) {
	for i, e := range []Event{
		{Type: "mailbox.opened", Meta: Meta{Command: [16]byte{1}}},
		{Type: "mailbox.message-delivered", Previous: 3, Data: []byte("data"), Meta: Meta{
			Command: [16]byte{0x80, 1}, Platform: "app", Causation: 70000,
			Actor: Actor{Kind: "owner", ID: [16]byte{7}}, OnBehalfOf: [16]byte{8}, Grant: [16]byte{9}}},
		{Type: "æ", Data: make([]byte, 300)},
		{Type: "looks.inspected", Meta: Meta{
			Command: [16]byte{2}, Actor: Actor{Kind: "auditor", ID: [16]byte{7}}, Authority: [16]byte{10},
			Mandate: [16]byte{11}, Assurance: 3}},
	} {
		e.Stream, e.Version, e.Index, e.Count = Stream{Kind: "mailbox", ID: [16]byte{1}}, Version(1+i*1000), 1, 1+i
		e.Position, e.Recorded = Position(100+i*1e9), time.Unix(1700000000, 123).UTC()
		b, err := EncodeRecord(e)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// agree holds the quick decoder against the general one: what it takes, that takes too, as the same event.
func agree(b []byte) error {
	quick, ok := decodeCanonical(b)
	if !ok {
		return nil
	}
	general, err := decodeGeneral(b)
	if err != nil || !reflect.DeepEqual(quick, general) {
		return fmt.Errorf("%x is %+v to the quick decoder and %+v, %v to the general one", b, quick, general, err)
	}
	return nil
}

func TestDecodersAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for _, b := range records(t) {
		if _, ok := decodeCanonical(b); !ok {
			t.Fatalf("the quick decoder does not take %x", b)
		}
		for range 50_000 {
			m := append([]byte{}, b...)
			for range 1 + rng.IntN(3) {
				switch i := rng.IntN(len(m)); rng.IntN(4) {
				case 0:
					m = append(m[:i:i], m[i+1:]...)
				case 1:
					m = append(m[:i:i], append([]byte{byte(rng.Uint32())}, m[i:]...)...)
				default:
					m[i] = byte(rng.Uint32())
				}
			}
			if _, ok := decodeCanonical(m); ok {
				taken++
			}
			if err := agree(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if taken < 1000 {
		t.Fatalf("of the damaged records the quick decoder took only %d: nothing was compared", taken)
	}
}

// Keys of a later version are kept: whoever hands the record on writes the same bytes.
func TestLaterKeysAreKept(t *testing.T) {
	end := len(appendUint(appendUint(nil, 100), uint64(time.Unix(1700000000, 123).UnixNano())))
	for _, pairs := range [][]byte{
		{0x14, 0x41, 0x07}, // key 20, a byte
		{0x18, 99, 0x01},   // key 99
		{0x16, 0xa1, 0x01, 0x02, 0x18, 99, 0x63, 'a', 'b', 'c'}, // keys 22, a map, and 99, a text
	} {
		for i, b := range records(t)[:1] {
			n := byte(1)
			if len(pairs) > 6 {
				n = 2
			}
			later := append([]byte{0x83, b[1] + n}, b[2:]...)
			at := len(later) - end
			later = append(later[:at:at], append(pairs, later[at:]...)...)

			e, err := DecodeRecord(later)
			if err != nil || e.Type != "mailbox.opened" || e.Position != 100 {
				t.Fatalf("record %d with %x = %+v, %v", i, pairs, e, err)
			}
			if again, err := EncodeRecord(e); err != nil || !bytes.Equal(again, later) {
				t.Errorf("record %d with %x is handed on as\n%x, want\n%x (%v)", i, pairs, again, later, err)
			}
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for _, b := range records(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := agree(b); err != nil {
			t.Fatal(err)
		}
		e, err := DecodeRecord(b)
		if err != nil {
			return
		}
		again, err := EncodeRecord(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeRecord(again)
		if err != nil || back.Stream != e.Stream || back.Version != e.Version || back.ID != e.ID ||
			string(back.Data) != string(e.Data) {
			t.Fatalf("what decodes does not write back the same: %+v, %+v, %v", e, back, err)
		}
	})
}

func BenchmarkDecodeRecord(b *testing.B) {
	rec := records(b)[1]
	for name, decode := range map[string]func([]byte) (Event, error){"quick": DecodeRecord, "general": decodeGeneral} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if _, err := decode(rec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
