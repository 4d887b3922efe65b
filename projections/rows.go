package projections

import (
	"encoding/binary"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/eventstore"
)

var rowEncoding = func() cbor.EncMode {
	m, err := cbor.EncOptions{Sort: cbor.SortCoreDeterministic, Time: cbor.TimeRFC3339Nano}.EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

// A reader is what rows are read from: a snapshot, or the view that an event is applied to.
type reader interface{ Get(key []byte) []byte }

// row reads a row; false if there is none. A row that does not decode is a fault of the program, and reported as such.
func row[T any](v reader, key []byte) (t T, ok bool, err error) {
	b := v.Get(key)
	if b == nil {
		return t, false, nil
	}
	if err := cbor.Unmarshal(b, &t); err != nil {
		return t, false, fmt.Errorf("row %q: %w", key[:min(len(key), 24)], err)
	}
	return t, true, nil
}

func put[T any](v View, key []byte, t T) error {
	b, err := rowEncoding.Marshal(t)
	if err != nil {
		return err
	}
	v.Put(key, b)
	return nil
}

// key joins parts. Numbers are big-endian, so that keys sort as they do.
func key(parts ...any) (k []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case byte:
			k = append(k, p)
		case rune:
			k = append(k, byte(p))
		case []byte:
			k = append(k, p...)
		case [16]byte:
			k = append(k, p[:]...)
		case string:
			k = append(k, p...)
		case eventstore.Position:
			k = binary.BigEndian.AppendUint64(k, uint64(p))
		case int64:
			k = binary.BigEndian.AppendUint64(k, uint64(p))
		case uint16:
			k = binary.BigEndian.AppendUint16(k, p)
		default:
			panic(fmt.Sprintf("projections: no key of %T", p))
		}
	}
	return k
}
