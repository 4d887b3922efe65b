package reactions_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/reactions"
	"digitalpost/adapters/server/servertest"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/eventstore/storetest"
)

// delays are how long events took, by means.
type delays struct {
	mu sync.Mutex
	by map[string][]time.Duration
}

func (d *delays) add(means string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.by[means] = append(d.by[means], time.Since(at))
}

func (d *delays) percentile(means string, p float64) float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.Sorted(slices.Values(d.by[means]))
	if len(all) == 0 {
		return -1
	}
	return float64(all[min(len(all)-1, int(p*float64(len(all))))].Microseconds()) / 1000
}

// How long it takes from an event's recorded time until a platform has it by webhook and by NATS, at 1,000 events a
// second from 16 who mark messages, beside how long the write of its answer took, a bare group commit of 16
// writers to a log on the same disk, and a bare sync of one page.
//
//	go test -run '^$' -bench Told -benchtime 5000x ./adapters/reactions
func BenchmarkTold(b *testing.B) {
	d := &delays{by: map[string][]time.Duration{}}
	w := d.world(b)
	me := w.User(0, "eboks")
	messages := me.See().Messages
	d.syncs(b)
	d.commits(b)

	b.ResetTimer()
	var wg sync.WaitGroup
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	todo := make(chan int)
	for range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range todo {
				m := messages[i%len(messages)]
				flag := strings.NewReader(fmt.Sprintf(`{"flag":%v}`, i/len(messages)%2 == 0))
				began := time.Now()
				me.Do("PATCH", w.Box(0)+"/messages/"+m.ID, flag, nil)
				d.add("answer", began)
			}
		}()
	}
	for i := range b.N {
		<-tick.C
		todo <- i
	}
	close(todo)
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")

	servertest.Soon(func() bool { return d.count("webhook") >= b.N && d.count("nats") >= b.N })
	for _, means := range []string{"sync", "commit", "answer", "webhook", "nats"} {
		b.ReportMetric(d.percentile(means, 0.5), means+"-p50-ms")
		b.ReportMetric(d.percentile(means, 0.99), means+"-p99-ms")
	}
	b.ReportMetric(float64(d.count("webhook")), "by-webhook")
	b.ReportMetric(float64(d.count("nats")), "by-nats")
}

func (d *delays) count(means string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.by[means])
}

// took notes how long an event took.
func (d *delays) took(means string, raw []byte) {
	var e struct{ Time time.Time }
	if json.Unmarshal(raw, &e) == nil {
		d.add(means, e.Time)
	}
}

// ServeHTTP takes what webhooks bring.
func (d *delays) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var asked struct{ Type, Challenge string }
	if json.Unmarshal(body, &asked) == nil && asked.Challenge != "" {
		io.WriteString(w, asked.Challenge)
		return
	}
	var batch []json.RawMessage
	json.Unmarshal(body, &batch)
	for _, e := range batch {
		d.took("webhook", e)
	}
}

// syncs measures what a bare write of a page and its sync take.
func (d *delays) syncs(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	for range 200 {
		began := time.Now()
		f.WriteAt(page, 0)
		f.Sync()
		d.add("sync", began)
	}
}

// commits measures what a bare group commit takes each of 16 who append to a log at once.
func (d *delays) commits(b *testing.B) {
	s, err := filestore.Open(filepath.Join(b.TempDir(), "log"), filestore.Config{Development: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := range 100 {
				began := time.Now()
				at := eventstore.ExpectedVersion(n)
				if _, err := s.Append(b.Context(), storetest.StreamN(i), at, storetest.Event(i)); err != nil {
					b.Error(err)
					return
				}
				d.add("commit", began)
			}
		})
	}
	wg.Wait()
}

// world has one who has mail, and a platform that is told by both means.
func (d *delays) world(b *testing.B) *servertest.World {
	srv := httptest.NewServer(d)
	b.Cleanup(srv.Close)
	s := natsServer(b, b.TempDir(), 0)
	b.Cleanup(s.Shutdown)
	url := strings.Replace(s.ClientURL(), "nats://", "nats://backbone:made-up-backbone@", 1)
	w := servertest.StartWith(b, servertest.Config{Reactions: func(r *reactions.Reactions, b *backbone.Backbone) error {
		return r.NATS(b, reactions.NATS{URL: url})
	}})
	w.User(0, "eboks").See()
	for i := range 16 {
		w.Send(fmt.Sprintf("Brev %d", i))
	}
	w.PlatformServer("eboks").Ask(201, "PUT", subscription, fmt.Sprintf(`{"url":%q}`, srv.URL))

	conn := as(b, s, "backbone")
	js, err := jetstream.New(conn)
	if err != nil {
		b.Fatal(err)
	}
	servertest.Eventually(b, "there is a stream", func() bool {
		_, err := js.Stream(b.Context(), reactions.StreamName("eboks"))
		return err == nil
	})
	took := func(m *nats.Msg) { d.took("nats", m.Data) }
	if _, err := conn.Subscribe(reactions.Subjects("eboks")+"*", took); err != nil {
		b.Fatal(err)
	}
	conn.Flush()
	time.Sleep(time.Second)
	return w
}
