package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/looks"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
)

// BenchmarkAppendBesideReaders gives the 99th percentile of an append's time, by 64 writers that wait for each, while nobody reads and while replay and then
// verify read the same log in a process of their own: 30 times each, in turn, in the same run.
//
//	go test -run '^$' -bench AppendBesideReaders -benchtime 1x ./cmd/digitalpost
func BenchmarkAppendBesideReaders(b *testing.B) {
	data := filepath.Join(b.TempDir(), "var")
	s, err := filestore.Open(filepath.Join(data, "log"), filestore.Config{Development: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	v, err := vault.Open(data, vault.KeyFolder(data+".keys"))
	if err != nil {
		b.Fatal(err)
	}
	v.Close()
	var beside atomic.Bool
	var mu sync.Mutex
	took := map[bool][]time.Duration{}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 64 {
		writers.Go(func() {
			mine := map[bool][]time.Duration{}
			e := looks.ContentOpened{Message: domain.MessageID{byte(w)}}
			bytes, err := looks.Codec.Encode(e)
			if err != nil {
				b.Error(err)
			}
			stream := eventstore.Stream{Kind: "looks", ID: [16]byte{byte(w)}}
			for n := eventstore.ExpectedVersion(0); ; n++ {
				select {
				case <-stop:
					mu.Lock()
					took[false] = append(took[false], mine[false]...)
					took[true] = append(took[true], mine[true]...)
					mu.Unlock()
					return
				default:
				}
				read, from := beside.Load(), time.Now()
				if _, err := s.Append(context.Background(), stream, n, eventstore.NewEvent{Type: e.EventType(), Data: bytes}); err != nil {
					b.Error(err)
					return
				}
				if read == beside.Load() {
					mine[read] = append(mine[read], time.Since(from))
				}
			}
		})
	}
	for range 30 {
		time.Sleep(3 * time.Second)
		beside.Store(true)
		for _, args := range [][]string{{"replay", "--json", "--data", data}, {"verify", "--data", data}} {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second) // the log grows faster than they read it
			cmd := exec.CommandContext(ctx, os.Args[0], args...)
			cmd.Env = append(os.Environ(), "DIGITALPOST_TEST_AS_PROGRAM=1")
			cmd.Stderr = os.Stderr
			if err := cmd.Run(); err != nil && ctx.Err() == nil {
				b.Errorf("%s: %v", args[0], err)
			}
			cancel()
		}
		beside.Store(false)
	}
	close(stop)
	writers.Wait()
	p99 := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)*99/100].Microseconds())
	}
	alone, with := p99(took[false]), p99(took[true])
	b.ReportMetric(alone, "µs-p99-alone")
	b.ReportMetric(with, "µs-p99-beside")
	b.ReportMetric(with/alone, "ratio")
	b.ReportMetric(float64(s.Last()), "events")
}
