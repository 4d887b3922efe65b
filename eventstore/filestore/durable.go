package filestore

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"digitalpost/eventstore"
)

const (
	durableMagic = "DPDURABL"
	durableSize  = 44
)

// A durable is what DURABLE says.
type durable struct {
	id          [16]byte
	incarnation uint64
	position    eventstore.Position
}

func (d durable) bytes() []byte {
	b := make([]byte, durableSize)
	copy(b, durableMagic)
	copy(b[8:], d.id[:])
	binary.BigEndian.PutUint64(b[24:], d.incarnation)
	binary.BigEndian.PutUint64(b[32:], uint64(d.position))
	binary.BigEndian.PutUint32(b[40:], crc32.Checksum(b[:40], castagnoli))
	return b
}

// readDurable reads DURABLE; false if it is not there or was written halfway.
func readDurable(f io.ReaderAt) (durable, bool) {
	b := make([]byte, durableSize)
	for range 100 { // beside a writer, a read may see half of a write
		if _, err := f.ReadAt(b, 0); err != nil {
			return durable{}, false
		}
		if string(b[:8]) == durableMagic && crc32.Checksum(b[:40], castagnoli) == binary.BigEndian.Uint32(b[40:]) {
			return durable{id: [16]byte(b[8:24]), incarnation: binary.BigEndian.Uint64(b[24:]),
				position: eventstore.Position(binary.BigEndian.Uint64(b[32:]))}, true
		}
	}
	return durable{}, false
}

// publish writes DURABLE. It is not synced: a crash leaves this position or an earlier one, and Open finds the end of
// the log itself. It only ever follows a sync of what it names, so that what it says is true.
func (s *Store) publish() error {
	d := durable{id: s.id, incarnation: s.inc, position: eventstore.Position(s.last.Load())}
	_, err := s.durFile.WriteAt(d.bytes(), 0)
	return err
}
