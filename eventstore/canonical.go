package eventstore

import (
	"encoding/binary"
	"maps"
	"math"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// decodeCanonical reads a record in the form that EncodeRecord gives it, with one allocation, for the data. It says
// false of anything else, such as a key that it does not know: the general decoder is then asked.
func decodeCanonical(b []byte) (e Event, ok bool) {
	r := canonical{b: b}
	if r.head(majorArray) != 3 {
		return e, false
	}
	last, seen := uint64(0), uint64(0)
	for range r.head(majorMap) {
		k := r.head(majorUint)
		if k <= last || k > lastKey || r.bad {
			return e, false
		}
		last = k
		seen |= 1 << k
		switch k {
		case 1:
			e.Stream.Kind = Kind(r.name())
		case 2:
			r.id(&e.Stream.ID)
		case 3:
			e.Version = Version(r.head(majorUint))
		case 4:
			e.Type = r.name()
		case 5:
			r.id(&e.ID)
		case 6:
			r.id(&e.Meta.Command)
		case 7:
			e.Index = r.small()
		case 8:
			e.Count = r.small()
		case 9:
			e.Previous = Position(r.head(majorUint))
		case 10:
			e.Meta.Actor.Kind = r.name()
		case 11:
			r.id(&e.Meta.Actor.ID)
		case 12:
			e.Meta.Platform = r.name()
		case 13:
			r.id(&e.Meta.OnBehalfOf)
		case 14:
			r.id(&e.Meta.Grant)
		case 15:
			e.Meta.Causation = Position(r.head(majorUint))
		case 16:
			e.Data = append([]byte{}, r.string(majorBytes)...)
		case 17:
			r.id(&e.Meta.Authority)
		case 18:
			r.id(&e.Meta.Mandate)
		case 19:
			if n := r.head(majorUint); n <= math.MaxUint8 {
				e.Meta.Assurance = uint8(n)
			} else {
				r.fail()
			}
		}
	}

	e.Position = Position(r.head(majorUint))
	nanoseconds := r.head(majorUint)
	e.Recorded = time.Unix(0, int64(nanoseconds)).UTC()
	const required = 1<<9 - 2 // keys 1 to 8
	return e, !r.bad && len(r.b) == 0 && seen&required == required && nanoseconds <= math.MaxInt64
}

// Major types of CBOR (RFC 8949 §3.1).
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
)

// canonical reads CBOR items of definite length. Once bad it gives zeros.
type canonical struct {
	b   []byte
	bad bool
}

func (r *canonical) fail() uint64 {
	r.b, r.bad = nil, true
	return 0
}

// head reads an item's head and gives its argument.
func (r *canonical) head(major byte) uint64 {
	if len(r.b) == 0 || r.b[0]>>5 != major {
		return r.fail()
	}
	info := r.b[0] & 31
	r.b = r.b[1:]
	if info < 24 {
		return uint64(info)
	}
	n := 1 << (info - 24)
	if info > 27 || len(r.b) < n {
		return r.fail()
	}

	var full [8]byte
	copy(full[8-n:], r.b)
	r.b = r.b[n:]
	return binary.BigEndian.Uint64(full[:])
}

func (r *canonical) string(major byte) []byte {
	n := r.head(major)
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func (r *canonical) small() int { return int(min(r.head(majorUint), math.MaxInt32)) }

func (r *canonical) id(to *[16]byte) {
	if s := r.string(majorBytes); len(s) == 16 {
		*to = [16]byte(s)
	} else {
		r.fail()
	}
}

// names are the few kinds, types and platforms that all records share, so that reading one costs no allocation.
var names atomic.Pointer[map[string]string]

const maxNames = 1024

func (r *canonical) name() string {
	s := r.string(majorText)
	known := names.Load()
	if known != nil {
		if name, ok := (*known)[string(s)]; ok {
			return name
		}
	}

	if !utf8.Valid(s) {
		r.fail()
	}

	name := string(s)
	if more := map[string]string{}; !r.bad && (known == nil || len(*known) < maxNames) {
		if known != nil {
			maps.Copy(more, *known)
		}
		more[name] = name
		names.CompareAndSwap(known, &more)
	}

	return name
}
