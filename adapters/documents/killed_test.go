package documents_test

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"digitalpost/adapters/documents"
	"digitalpost/domain"
)

// A kill within a write leaves a header whose document is cut short. What is kept after the next start is not taken
// for its bytes, and stays when the rest is swept.
func TestKilledWithinAPack(t *testing.T) {
	dir := t.TempDir()
	s, err := documents.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	first := keep(t, s, random(3000))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	packs, err := filepath.Glob(filepath.Join(dir, "packs", "*"))
	if err != nil || len(packs) != 1 {
		t.Fatal(packs, err)
	}
	appendCut(t, packs[0])

	if s, err = documents.Open(dir); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	second := keep(t, s, random(4000))
	if second.ID[0] != 0 || binary.BigEndian.Uint32(second.ID[:]) == binary.BigEndian.Uint32(first.ID[:]) {
		t.Errorf("the second document lies in the pack in which a kill left something")
	}

	both := func(id domain.DocumentID) (bool, error) { return id == first.ID || id == second.ID, nil }
	if freed, err := s.Sweep(time.Now().Add(2*time.Hour), both); freed != 0 || err != nil {
		t.Errorf("Sweep = %d, %v: what is cut short is no document", freed, err)
	}
	for _, ref := range []documents.Ref{first, second} {
		if err := s.Check(ref.ID, ref.Length, ref.SealedHash); err != nil {
			t.Errorf("Check = %v", err)
		}
	}
}

// Behind a header that says more than is there, by an older program, documents may lie that are named: they stay.
func TestSweepStaysWithinADocument(t *testing.T) {
	dir := t.TempDir()
	s, err := documents.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	first := keep(t, s, random(3000))
	s.Close()

	// The pack again, with the first document within the length of one that was cut short.
	path := filepath.Join(dir, "packs", "pack-000001")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	appendCut(t, path)
	cut, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	moved := domain.DocumentID(first.ID)
	binary.BigEndian.PutUint32(moved[6:], uint32(len(cut))) // the low four of the six bytes of an offset
	copy(sound[16:], moved[:])
	binary.BigEndian.PutUint32(sound[40:], crc32.Checksum(sound[:40], crc32.MakeTable(crc32.Castagnoli)))
	if err := os.WriteFile(path, append(cut, sound...), 0o600); err != nil {
		t.Fatal(err)
	}

	if s, err = documents.Open(dir); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Check(moved, first.Length, first.SealedHash); err != nil {
		t.Fatalf("before the sweep: %v", err)
	}
	one := func(id domain.DocumentID) (bool, error) { return id == moved, nil }
	if _, err := s.Sweep(time.Now().Add(2*time.Hour), one); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(moved, first.Length, first.SealedHash); err != nil {
		t.Errorf("a document that is named was swept: %v", err)
	}
}

// appendCut writes a sound header of a document of 5,000 bytes at the end of a pack, and 100 of its bytes.
func appendCut(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h := make([]byte, 44)
	copy(h, "DPDC")
	binary.BigEndian.PutUint32(h[4:], 1234567)
	binary.BigEndian.PutUint64(h[8:], 5000)
	binary.BigEndian.PutUint32(h[16:], 1)
	binary.BigEndian.PutUint32(h[22:], uint32(len(b)))
	h[31] = 0xAA
	binary.BigEndian.PutUint64(h[32:], uint64(time.Now().Unix()))
	binary.BigEndian.PutUint32(h[40:], crc32.Checksum(h[:40], crc32.MakeTable(crc32.Castagnoli)))

	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(h, make([]byte, 100)...)); err != nil {
		t.Fatal(err)
	}
}
