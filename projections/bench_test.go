package projections

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
)

// BenchmarkFold folds a log of 2,000 commands into each view, from nothing.
func BenchmarkFold(b *testing.B) {
	store := memstore.New(nil)
	grow(b, store, rand.New(rand.NewPCG(1, 1)), 2_000)
	for _, p := range All() {
		b.Run(p.Name(), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				f, err := openView(filepath.Join(b.TempDir(), "v"), [16]byte{}, 1, store.Last())
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				for at := eventstore.Position(0); at < store.Last(); at = f.applied {
					if _, err := applyBatch(context.Background(), store, p, f, at, store.Last()); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				f.db.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(store.Last())*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
