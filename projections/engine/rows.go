package engine

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

// A Reader is what rows are read from: a snapshot, or the view that an event is applied to.
type Reader interface{ Get(key []byte) []byte }

// Row reads a row; false if there is none. A row that does not decode is a fault of the program, and reported as such.
func Row[T any](v Reader, key []byte) (t T, ok bool, err error) {
	b := v.Get(key)
	if b == nil {
		return t, false, nil
	}

	if err := cbor.Unmarshal(b, &t); err != nil {
		return t, false, fmt.Errorf("row %q: %w", key[:min(len(key), 24)], err)
	}

	return t, true, nil
}

// Page gives the rows to which an index leads, in the index's order: size of them from page on, counted from 0, and how
// many there are in all. The index's values are the 16 bytes of the ids by which row reads them.
func Page[ID ~[16]byte, T any](
	s *Snapshot, index []byte, page, size int, row func(ID) (T, bool, error),
) (out []T, total int, err error) {
	s.Scan(index, func(_, id []byte) bool {
		if total >= page*size && len(out) < size {
			var r T
			if r, _, err = row(ID(id)); err != nil {
				return false
			}
			out = append(out, r)
		}
		total++

		return true
	})

	return out, total, err
}

// Encode gives a row's bytes.
func Encode(row any) ([]byte, error) { return rowEncoding.Marshal(row) }

// Put writes a row.
func Put[T any](v View, key []byte, t T) error {
	b, err := Encode(t)
	if err != nil {
		return err
	}
	v.Put(key, b)

	return nil
}

// Key joins the parts of a key. Numbers are big-endian, so that keys sort as they do; an id is converted to [16]byte.
func Key(parts ...any) (k []byte) {
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
			panic(fmt.Sprintf("engine: no key of %T", p))
		}
	}

	return k
}
