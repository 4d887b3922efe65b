package memo_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"digitalpost/adapters/memo"
)

// Random damage to a message never makes the reader panic or hang, and what it takes reads back.
func TestRandomDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	pieces := []string{"<![CDATA[", "]]>", "<!--", "-->", "<?", "?>", "&", ";", "<", ">", "/>", "\"", "xmlns=\"\"",
		"\x00", "\xff", "=", "&#x41;"}
	for range 20_000 {
		b := []byte(full12)
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(b))
			switch rng.IntN(4) {
			case 0:
				b[at] = byte(rng.IntN(256))
			case 1:
				b = b[:at]
			case 2:
				b = append(b[:at:at], append([]byte(pieces[rng.IntN(len(pieces))]), b[at:]...)...)
			case 3:
				b = append(b[:at:at], b[min(len(b), at+rng.IntN(40)):]...)
			}
			if len(b) == 0 {
				break
			}
		}
		began := time.Now()
		m, err := memo.Read(bytes.NewReader(b))
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("reading %q took %s", b, took)
		}
		if err != nil {
			continue
		}
		for _, x := range files(m) {
			got, err := io.ReadAll(m.Content(bytes.NewReader(b), int64(len(b)), x))
			if err != nil || int64(len(got)) != x.Size {
				t.Fatalf("a valid file has %d bytes, want %d: %v in %q", len(got), x.Size, err, b)
			}
		}
	}
}
