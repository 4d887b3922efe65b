package documents_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"digitalpost/adapters/documents"
	"digitalpost/domain"
)

func keep(t *testing.T, s *documents.Store, b []byte) documents.Ref {
	t.Helper()
	w := s.Create()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	ref, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	r.Read(b)
	return b
}

func TestDocumentsOfEverySizeAreReadByRange(t *testing.T) {
	dir := t.TempDir()
	s, err := documents.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, n := range []int{0, 1, 65535, 65536, 65537, 1 << 20, 3<<20 + 5} {
		wg.Add(1)
		go func() {
			defer wg.Done()
			b := random(n)
			ref := keep(t, s, b)
			if err := s.Check(ref.ID, ref.Length, ref.SealedHash); err != nil {
				t.Errorf("Check of %d bytes: %v", n, err)
			}
			d, err := s.Open(ref.ID, ref.Key, ref.Length)
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			got, err := io.ReadAll(io.NewSectionReader(d, 0, ref.Length))
			if err != nil || !bytes.Equal(got, b) {
				t.Errorf("%d bytes do not read back: %v", n, err)
			}
			for range 20 {
				if n == 0 {
					break
				}
				at := rand.IntN(n)
				p := make([]byte, rand.IntN(n-at)+1)
				if _, err := d.ReadAt(p, int64(at)); err != nil || !bytes.Equal(p, b[at:at+len(p)]) {
					t.Errorf("range %d+%d of %d: %v", at, len(p), n, err)
				}
			}
		}()
	}
	wg.Wait()
	s.Close()
}

func TestLastByteOfALargeDocumentIsReadAlone(t *testing.T) {
	s, _ := documents.Open(t.TempDir())
	defer s.Close()
	b := random(20 << 20)
	ref := keep(t, s, b)
	d, _ := s.Open(ref.ID, ref.Key, ref.Length)
	defer d.Close()
	before := s.BytesRead()
	var p [1]byte
	if _, err := d.ReadAt(p[:], ref.Length-1); err != nil || p[0] != b[len(b)-1] {
		t.Fatal(err)
	}
	if n := s.BytesRead() - before; n > 65<<10 {
		t.Fatalf("%d bytes were read for one", n)
	}
}

func TestDamageIsFoundAndNeverServed(t *testing.T) {
	dir := t.TempDir()
	s, _ := documents.Open(dir)
	var refs []documents.Ref
	var bodies [][]byte
	for i := range 5 {
		bodies = append(bodies, random(100_000+i*300_000))
		refs = append(refs, keep(t, s, bodies[i]))
	}
	s.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
	for round := range 200 {
		name := files[rand.IntN(len(files))]
		sound, _ := os.ReadFile(name)
		b := bytes.Clone(sound)
		at := rand.IntN(len(b))
		b[at] ^= 1 << rand.IntN(8)
		os.WriteFile(name, b, 0o600)
		r := documents.OpenReader(dir)
		found := 0
		for i, ref := range refs {
			if err := r.Check(ref.ID, ref.Length, ref.SealedHash); errors.Is(err, documents.ErrDamaged) {
				found++
			}
			if d, err := r.Open(ref.ID, ref.Key, ref.Length); err == nil {
				got, err := io.ReadAll(io.NewSectionReader(d, 0, ref.Length))
				if err == nil && !bytes.Equal(got, bodies[i]) {
					t.Fatalf("round %d: damaged bytes were served", round)
				}
				d.Close()
			}
		}
		if found != 1 {
			t.Fatalf("round %d: byte %d of %s: %d documents are damaged, want 1", round, at, name, found)
		}
		r.Close()
		os.WriteFile(name, sound, 0o600)
	}
}

func TestFreedAndSwept(t *testing.T) {
	s, _ := documents.Open(t.TempDir())
	defer s.Close()
	a, b, c := keep(t, s, random(1000)), keep(t, s, random(2000)), keep(t, s, random(2<<20))
	if err := s.Free(b.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Free(b.ID); err != nil {
		t.Fatalf("Free again = %v", err)
	}
	if err := s.Check(b.ID, b.Length, b.SealedHash); !errors.Is(err, documents.ErrDamaged) {
		t.Fatalf("Check of a freed document = %v", err)
	}
	isA := func(id domain.DocumentID) (bool, error) { return id == a.ID, nil }
	freed, err := s.Sweep(time.Now().Add(2*time.Hour), isA)
	if err != nil || freed != 1 {
		t.Fatalf("Sweep = %d, %v; want 1", freed, err)
	}
	if s.Check(c.ID, c.Length, c.SealedHash) == nil || s.Check(a.ID, a.Length, a.SealedHash) != nil {
		t.Fatal("the wrong document was swept")
	}
	none := func(domain.DocumentID) (bool, error) { return false, nil }
	if freed, _ := s.Sweep(time.Now(), none); freed != 0 {
		t.Fatal("a young document was swept")
	}
}
