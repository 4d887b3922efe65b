package viewapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// withPost is a world with so many messages in the first mailbox, which is read on e-Boks.
func withPost(b *testing.B, n int) *servertest.World {
	w := servertest.Start(b)
	w.User(0, "eboks").See()
	var wg sync.WaitGroup
	todo := make(chan int)
	for range 16 {
		wg.Go(func() {
			for i := range todo {
				w.Send(fmt.Sprint("Brev ", i))
			}
		})
	}
	for i := range n {
		todo <- i
	}
	close(todo)
	wg.Wait()

	return w
}

// How long a writer waits while snapshots are taken, beside how long it waits without, in the same run: its median, and
// its longest wait. Both marks are of one mailbox of 3,000 messages, all of which each snapshot has.
//
//	go test -run '^$' -bench WriterBesideSnapshots -benchtime 1000x ./adapters/viewapi
func BenchmarkWriterBesideSnapshots(b *testing.B) {
	w := withPost(b, 3000)
	me := w.User(0, "eboks")
	m := me.See().Messages[0]
	write := func() (all []time.Duration) {
		for i := range b.N {
			began := time.Now()
			me.Do("PATCH", w.Box(0)+"/messages/"+m.ID, strings.NewReader(fmt.Sprintf(`{"flag":%v}`, i%2 == 0)), nil)
			all = append(all, time.Since(began))
		}
		slices.Sort(all)
		return all
	}
	alone := write()

	ctx, cancel := context.WithCancel(b.Context())
	var taking sync.WaitGroup
	snapshots := 0
	taking.Go(func() {
		server := w.PlatformServer("eboks")
		for ctx.Err() == nil {
			resp, err := http.DefaultClient.Do(server.NewRequest("GET", "/apis/v1/platform/snapshot", nil))
			if err != nil {
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			snapshots++
		}
	})
	b.ResetTimer()
	beside := write()
	b.StopTimer()
	cancel()
	taking.Wait()

	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(alone[b.N/2]), "alone-p50-ms")
	b.ReportMetric(ms(alone[b.N-1]), "alone-longest-ms")
	b.ReportMetric(ms(beside[b.N/2]), "beside-p50-ms")
	b.ReportMetric(ms(beside[b.N-1]), "beside-longest-ms")
	b.ReportMetric(float64(snapshots), "snapshots")
}

// What following costs for each event of a platform's feed, read from the beginning over HTTP with its rows.
//
//	go test -run '^$' -bench Following -benchtime 3000x ./adapters/viewapi
func BenchmarkFollowing(b *testing.B) {
	w := withPost(b, b.N)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	req := w.PlatformServer("eboks").NewRequest("GET", "/apis/v1/changes?after=0", nil).WithContext(ctx)
	b.ResetTimer()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()

	events, in := 0, bufio.NewReader(resp.Body)
	for events < b.N {
		line, err := in.ReadString('\n')
		if err != nil {
			b.Fatalf("%d events, then %v", events, err)
		}

		if strings.HasPrefix(line, "data:") {
			events++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(events), "µs/event")
}
