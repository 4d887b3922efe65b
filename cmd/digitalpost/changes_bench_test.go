package main

import (
	"bufio"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkChanges gives the time from a write's answer to its event on the other platforms' open streams: 1,000 streams, two for each of 500 people on mit.dk and in the
// app, at 1,000 writes a second on e-Boks, for five seconds; and then what 5,000 open streams take in memory, the clients' side included.
//
//	go test -run '^$' -bench Changes -benchtime 1x ./cmd/digitalpost
func BenchmarkChanges(b *testing.B) {
	w := start(b, b.TempDir()+"/var")
	const people, perSecond, seconds = 500, 1000, 5
	type one struct {
		c       *client
		box, id string
	}
	var all []one
	var mu sync.Mutex
	seen := map[string][]time.Time{} // by position
	var told atomic.Int64
	open := func(c *client, box string) {
		addr := strings.TrimPrefix(w.url, "http://")
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn, "GET /apis/v1/mailboxes/%s/changes HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", box, addr, c.token)
		started := make(chan bool)
		go func() {
			in := bufio.NewReaderSize(conn, 1024)
			beat := false
			id := ""
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if s, ok := strings.CutPrefix(line, "id: "); ok {
					id = strings.TrimSpace(s)
				} else if strings.HasPrefix(line, ":") && !beat {
					beat = true
					close(started)
				} else if strings.HasPrefix(line, "data: ") {
					at := time.Now()
					mu.Lock()
					seen[id] = append(seen[id], at)
					mu.Unlock()
					told.Add(1)
				}
			}
		}()
		<-started
	}
	for i := range people {
		cpr := fmt.Sprintf("61%02d%02d%04d", 1+i%12, 50+i%40, 1000+i)
		if _, err := (&client{url: w.url}).do("POST", "/dev/people", nil, strings.NewReader(fmt.Sprintf(`{"cpr":%q,"name":"Opdigtet %d"}`, cpr, i)), nil); err != nil {
			b.Fatal(err)
		}
		s := w.d.SenderSystems[0]
		uuid := newUUID4()
		if _, err := w.sender.post(uuid, strings.NewReader(write(uuid, s.CVR, s.Organisation, cpr, "Brev", "Hej"))); err != nil {
			b.Fatal(err)
		}
		me := w.with(cpr, "eboks")
		box, m := w.find(me, "Brev")
		all = append(all, one{me, box, m.ID})
		for _, p := range []string{"mitdk", "app"} {
			open(w.with(cpr, p), box)
		}
	}
	answered := map[string]time.Time{}
	var writers sync.WaitGroup
	tick := time.NewTicker(time.Second / perSecond)
	began := time.Now()
	for n := range perSecond * seconds {
		<-tick.C
		writers.Go(func() {
			o := all[n%people]
			status, h, body := o.c.status("PATCH", "/apis/v1/mailboxes/"+o.box+"/messages/"+o.id, nil, fmt.Sprintf(`{"flag":%v}`, n/people%2 == 0))
			at := time.Now()
			if status != 200 {
				b.Errorf("%d %s", status, body)
			}
			mu.Lock()
			answered[h.Get("Log-Position")] = at
			mu.Unlock()
		})
	}
	writers.Wait()
	rate := float64(perSecond*seconds) / time.Since(began).Seconds()
	for range 100 {
		if told.Load() >= 2*perSecond*seconds {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	var late []time.Duration
	mu.Lock()
	for p, at := range answered {
		for _, t := range seen[p] {
			late = append(late, max(t.Sub(at), 0))
		}
	}
	mu.Unlock()
	slices.Sort(late)
	if len(late) == 0 {
		b.Fatal("nothing was told")
	}
	b.ReportMetric(rate, "writes/s")
	b.ReportMetric(float64(late[len(late)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(late[len(late)*99/100].Microseconds()), "µs-p99")
	b.ReportMetric(float64(told.Load()), "events-told")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range 4000 {
		open(all[n%people].c, all[n%people].box)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Sys-min(before.Sys, after.Sys)+after.HeapInuse-min(before.HeapInuse, after.HeapInuse))/4000/1024, "KiB-a-stream")
	b.ReportMetric(5000, "open-streams")
}
