package filestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/eventstore/storetest"
)

// BenchmarkAppend measures events a second by 1, 64 and 256 writers that each wait for their acknowledgement, beside a
// raw probe of the disk in the same run: one write of 4 KiB and one fdatasync.
//
//	go test -run '^$' -bench Append -benchtime 2s ./eventstore/filestore
func BenchmarkAppend(b *testing.B) {
	b.Run("probe: write 4 KiB and fdatasync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "probe"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		if err := unix.Fallocate(int(f.Fd()), 0, 0, 1<<30); err != nil {
			b.Skip(err)
		}
		buf := make([]byte, 4096)
		b.ResetTimer()
		for i := range b.N {
			f.WriteAt(buf, int64(i%200_000)*4096)
			if err := unix.Fdatasync(int(f.Fd())); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "syncs/s")
	})
	for _, writers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("%d writers", writers), func(b *testing.B) {
			s := open(b, b.TempDir(), filestore.Config{Free: roomy})
			var wg sync.WaitGroup
			b.ResetTimer()
			for w := range writers {
				wg.Add(1)
				go func() {
					defer wg.Done()
					e := storetest.Event(w)
					e.Data = make([]byte, 120)
					for n := range b.N / writers {
						at := eventstore.ExpectedVersion(n)
						if _, err := s.Append(context.Background(), storetest.StreamN(w), at, e); err != nil {
							b.Error(err)
							return
						}
					}
				}()
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkReplay reads the whole log.
func BenchmarkReplay(b *testing.B) {
	s := open(b, b.TempDir(), filestore.Config{Free: roomy})
	for i := range 400 {
		events := make([]eventstore.NewEvent, 250)
		for j := range events {
			events[j] = storetest.Event(j)
		}
		if _, err := s.Append(context.Background(), storetest.StreamN(i), 0, events...); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	n := 0
	for b.Loop() {
		for _, err := range s.ReadAll(context.Background(), 0) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
