package filestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"sort"

	"digitalpost/eventstore"
)

// An index says where a sealed segment's records lie, and which of them belong to a stream. Its file: magic "DPINDEX1"
// (8), first position (8), bytes of the segment (8), records (4), checksum of what follows (4), then a word for each
// record: the offset of its frame (4); then an entry for each record, in order of stream id, stream kind and position:
// stream id (16), checksum of the kind (4), place in the segment from 0 (4).
type index struct {
	file  File
	count int
}

const (
	indexMagic  = "DPINDEX1"
	indexHeader = 32
	indexEntry  = 24
)

// indexKey is what an index is ordered by. Streams of other kinds with the same id and checksum are told apart by who
// reads the events.
func indexKey(s eventstore.Stream) (k [20]byte) {
	copy(k[:], s.ID[:])
	binary.BigEndian.PutUint32(k[16:], crc32.Checksum([]byte(s.Kind), castagnoli))
	return k
}

var errIndex = errors.New("filestore: no index, or a bad one")

// openIndex opens the index of a sealed segment, if it is there and whole.
func openIndex(fs FS, name string, first eventstore.Position, size int64) (*index, error) {
	f, err := fs.Open(name + ".idx")
	if err != nil {
		return nil, err
	}
	n, err := f.Size()
	if err != nil || n < indexHeader {
		f.Close()
		return nil, errIndex
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		f.Close()
		return nil, err
	}

	count := int(binary.BigEndian.Uint32(b[24:]))
	if string(b[:8]) != indexMagic ||
		eventstore.Position(binary.BigEndian.Uint64(b[8:])) != first ||
		binary.BigEndian.Uint64(b[16:]) != uint64(size) ||
		n != int64(indexHeader+count*(4+indexEntry)) ||
		crc32.Checksum(b[indexHeader:], castagnoli) != binary.BigEndian.Uint32(b[28:]) {
		f.Close()
		return nil, errIndex
	}
	return &index{file: f, count: count}, nil
}

// buildIndex writes the index of a sealed segment and puts it in the place of the offsets in memory. If that fails,
// those stay.
func (s *Store) buildIndex(seg *segment) {
	s.mu.RLock()
	offsets, size := seg.offsets, seg.size
	s.mu.RUnlock()

	type entry struct {
		key [20]byte
		at  uint32
	}
	entries := make([]entry, 0, len(offsets))
	for e, err := range s.readRange(seg.first-1, seg.first+eventstore.Position(len(offsets))-1) {
		if err != nil {
			return
		}
		entries = append(entries, entry{indexKey(e.Stream), uint32(e.Position - seg.first)})
	}
	sort.Slice(entries, func(i, j int) bool {
		if c := bytes.Compare(entries[i].key[:], entries[j].key[:]); c != 0 {
			return c < 0
		}
		return entries[i].at < entries[j].at
	})

	b := make([]byte, indexHeader, indexHeader+len(offsets)*(4+indexEntry))
	copy(b, indexMagic)
	binary.BigEndian.PutUint64(b[8:], uint64(seg.first))
	binary.BigEndian.PutUint64(b[16:], uint64(size))
	binary.BigEndian.PutUint32(b[24:], uint32(len(offsets)))
	for _, o := range offsets {
		b = binary.BigEndian.AppendUint32(b, o)
	}
	for _, e := range entries {
		b = append(b, e.key[:]...)
		b = binary.BigEndian.AppendUint32(b, e.at)
	}
	binary.BigEndian.PutUint32(b[28:], crc32.Checksum(b[indexHeader:], castagnoli))

	// Synced before the rename, so that a file with an index's name is whole. A crash before it leaves a temporary
	// file, which Open removes; the directory is not synced: a power cut that takes the name back costs the next Open a
	// reading of the segment.
	name := seg.name + ".idx"
	f, err := s.fs.Open(name + ".tmp")
	if err != nil {
		return
	}
	_, err = f.WriteAt(b, 0)
	if err = errors.Join(err, f.Truncate(int64(len(b))), f.Sync()); err == nil {
		err = s.fs.Rename(name+".tmp", name)
	}
	if err != nil {
		f.Close()
		return
	}

	s.mu.Lock()
	seg.index = &index{file: f, count: len(offsets)}
	seg.offsets = nil
	s.mu.Unlock()
}

// offset returns where the frame of the record at place i (from 0) begins.
func (x *index) offset(i int) (int64, error) {
	var b [4]byte
	if _, err := x.file.ReadAt(b[:], int64(indexHeader+4*i)); err != nil && err != io.EOF {
		return 0, err
	}
	return int64(binary.BigEndian.Uint32(b[:])), nil
}

// stream returns the places in the segment of a stream's records, in order.
func (x *index) stream(s eventstore.Stream) ([]uint32, error) {
	key := indexKey(s)
	base := int64(indexHeader + 4*x.count)
	var b [indexEntry]byte
	var failed error
	read := func(i int) []byte {
		if _, err := x.file.ReadAt(b[:], base+int64(i)*indexEntry); err != nil && err != io.EOF {
			failed = err
		}
		return b[:]
	}
	var places []uint32
	from := sort.Search(x.count, func(i int) bool { return bytes.Compare(read(i)[:20], key[:]) >= 0 })
	for i := from; i < x.count && failed == nil; i++ {
		e := read(i)
		if !bytes.Equal(e[:20], key[:]) {
			break
		}
		places = append(places, binary.BigEndian.Uint32(e[20:]))
	}

	return places, failed
}
