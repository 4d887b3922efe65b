package viewapi_test

import (
	"bufio"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

const (
	crowd     = 500  // people
	perSecond = 1000 // writes
	seconds   = 5    // of writing
	idle      = 4000 // streams that are opened when all is written
)

// A crowdMember is one person in e-Boks, with a message.
type crowdMember struct {
	c             *servertest.Client
	box, messages string
	id            string
}

// A gallery is who follows the crowd's changes, and when they were told.
type gallery struct {
	b *testing.B
	w *servertest.World

	mu       sync.Mutex
	told     int
	seen     map[string][]time.Time // by position
	answered map[string]time.Time   // when a write was answered, by position
}

// BenchmarkChanges gives the time from a write's answer to its event on the other platforms' open streams: 1,000
// streams, two for each of 500 people on mit.dk and in the app, at 1,000 writes a second on e-Boks, for five seconds;
// and then what 5,000 open streams take in memory, the clients' side included.
//
//	go test -run '^$' -bench Changes -benchtime 1x ./adapters/viewapi
func BenchmarkChanges(b *testing.B) {
	g := &gallery{
		b: b, w: servertest.Start(b), seen: map[string][]time.Time{}, answered: map[string]time.Time{},
	}
	var all []crowdMember
	for i := range crowd {
		cpr := fmt.Sprintf("61%02d%02d%04d", 1+i%12, 50+i%40, 1000+i)
		g.w.Nobody().Ask(201, "POST", "/dev/people", fmt.Sprintf(`{"cpr":%q,"name":"Opdigtet %d"}`, cpr, i))
		s, uuid := g.w.SenderSystems[0], servertest.NewUUID()
		letter := servertest.MeMo(uuid, s.CVR, s.Organisation, cpr, "Brev", "Hej")
		if _, err := g.w.Sender.Post(uuid, strings.NewReader(letter)); err != nil {
			b.Fatal(err)
		}
		me := g.w.Person(cpr, "eboks")
		box, m := me.Find("Brev")
		all = append(all, crowdMember{me, box, "/apis/v1/mailboxes/" + box + "/messages/", m.ID})
		for _, p := range []string{"mitdk", "app"} {
			g.open(g.w.Person(cpr, p), box)
		}
	}

	began := time.Now()
	g.write(all)
	rate := float64(perSecond*seconds) / time.Since(began).Seconds()
	servertest.Soon(func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.told >= 2*perSecond*seconds
	})
	late := g.late()
	b.ReportMetric(rate, "writes/s")
	b.ReportMetric(float64(late[len(late)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(late[len(late)*99/100].Microseconds()), "µs-p99")
	b.ReportMetric(float64(g.told), "events-told")

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range idle {
		g.open(all[n%crowd].c, all[n%crowd].box)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := after.Sys - min(before.Sys, after.Sys) + after.HeapInuse - min(before.HeapInuse, after.HeapInuse)
	b.ReportMetric(float64(grown)/idle/1024, "KiB-a-stream")
	b.ReportMetric(idle+2*crowd, "open-streams")
}

// open opens a stream, and returns once it has its first sign of life.
func (g *gallery) open(c *servertest.Client, box string) {
	addr := strings.TrimPrefix(g.w.URL, "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		g.b.Fatal(err)
	}
	g.b.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /apis/v1/mailboxes/%s/changes HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
		box, addr, c.Token)
	started := make(chan bool)
	go g.follow(conn, started)
	<-started
}

// follow notes when changes are told; it closes started at the first sign of life.
func (g *gallery) follow(conn net.Conn, started chan bool) {
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
			g.mu.Lock()
			g.seen[id] = append(g.seen[id], at)
			g.told++
			g.mu.Unlock()
		}
	}
}

// write has the crowd flag and unflag, at the rate.
func (g *gallery) write(all []crowdMember) {
	var writers sync.WaitGroup
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for n := range perSecond * seconds {
		<-tick.C
		writers.Go(func() {
			o := all[n%crowd]
			status, h, body := o.c.Status("PATCH", o.messages+o.id, fmt.Sprintf(`{"flag":%v}`, n/crowd%2 == 0))
			at := time.Now()
			if status != 200 {
				g.b.Errorf("%d %s", status, body)
			}
			g.mu.Lock()
			g.answered[h.Get("Log-Position")] = at
			g.mu.Unlock()
		})
	}
	writers.Wait()
}

// late gives how long after a write's answer its event was told, in order.
func (g *gallery) late() (late []time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p, at := range g.answered {
		for _, t := range g.seen[p] {
			late = append(late, max(t.Sub(at), 0))
		}
	}
	slices.Sort(late)
	if len(late) == 0 {
		g.b.Fatal("nothing was told")
	}
	return late
}
