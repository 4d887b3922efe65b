package main

import (
	"context"
	"os"
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

// BenchmarkAppendBesideReaders gives the 99th percentile of an append's time, by 64 writers that wait for each, while
// nobody reads and while replay and then verify read the same log in a process of their own: 30 times each, in turn, in
// the same run.
//
//	go test -run '^$' -bench AppendBesideReaders -benchtime 1x ./cmd/digitalpost
func BenchmarkAppendBesideReaders(b *testing.B) {
	data := filepath.Join(b.TempDir(), "var")
	s, err := filestore.Open(filepath.Join(data, "log"), filestore.Config{Development: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	v, err := vault.Open(data, vault.KeyFolder(data+".keys"), vault.Log{ID: s.ID(), Incarnation: 1, Empty: true})
	if err != nil {
		b.Fatal(err)
	}
	v.Close()

	a := &appends{b: b, store: s, stop: make(chan struct{}), took: map[bool][]time.Duration{}}
	var writers sync.WaitGroup
	for n := range 64 {
		writers.Go(func() { a.write(byte(n)) })
	}
	for range 30 {
		time.Sleep(3 * time.Second)
		a.beside.Store(true)
		a.read("replay", "--json", "--data", data)
		a.read("verify", "--data", data)
		a.beside.Store(false)
	}
	close(a.stop)
	writers.Wait()

	p99 := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)*99/100].Microseconds())
	}
	alone, with := p99(a.took[false]), p99(a.took[true])
	b.ReportMetric(alone, "µs-p99-alone")
	b.ReportMetric(with, "µs-p99-beside")
	b.ReportMetric(with/alone, "ratio")
	b.ReportMetric(float64(s.Last()), "events")
}

// appends is how long appends take, beside readers and alone.
type appends struct {
	b      *testing.B
	store  *filestore.Store
	beside atomic.Bool // somebody reads
	stop   chan struct{}

	mu   sync.Mutex
	took map[bool][]time.Duration // by whether somebody has read all the while
}

// write appends to a stream of its own until the end.
func (a *appends) write(n byte) {
	mine := map[bool][]time.Duration{}
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.took[false] = append(a.took[false], mine[false]...)
		a.took[true] = append(a.took[true], mine[true]...)
	}()

	e := looks.ContentOpened{Message: domain.MessageID{n}}
	bytes, err := looks.Codec.Encode(e)
	if err != nil {
		a.b.Error(err)
	}
	stream := eventstore.Stream{Kind: "looks", ID: [16]byte{n}}
	event := eventstore.NewEvent{Type: e.EventType(), Data: bytes}
	for version := eventstore.ExpectedVersion(0); ; version++ {
		select {
		case <-a.stop:
			return
		default:
		}
		read, from := a.beside.Load(), time.Now()
		if _, err := a.store.Append(context.Background(), stream, version, event); err != nil {
			a.b.Error(err)
			return
		}
		if read == a.beside.Load() {
			mine[read] = append(mine[read], time.Since(from))
		}
	}
}

// read runs one of the program's readers, but not to its end: the log grows faster than it reads.
func (a *appends) read(args ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	cmd := command(args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		a.b.Error(err)
		return
	}
	ended := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer ended()
	if err := cmd.Wait(); err != nil && ctx.Err() == nil {
		a.b.Errorf("%s: %v", args[0], err)
	}
}
