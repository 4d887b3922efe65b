package projections_test

import (
	"context"
	"path/filepath"
	"testing"

	"digitalpost/eventstore/memstore"
	"digitalpost/projections"
	"digitalpost/projections/viewtest"
)

// BenchmarkFold folds a log of 2,000 commands into each view, from nothing.
func BenchmarkFold(b *testing.B) {
	store := memstore.New(nil)
	viewtest.New(b, store, 1, 2_000)

	for _, p := range projections.All() {
		b.Run(p.Name(), func(b *testing.B) {
			b.ReportAllocs()

			for range b.N {
				b.StopTimer()
				f := viewtest.OpenFile(b, filepath.Join(b.TempDir(), "v"), store)
				b.StartTimer()

				if err := f.Fold(context.Background(), store, p, store.Last(), 0); err != nil {
					b.Fatal(err)
				}

				b.StopTimer()
				f.Close()
				b.StartTimer()
			}

			b.ReportMetric(float64(store.Last())*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
