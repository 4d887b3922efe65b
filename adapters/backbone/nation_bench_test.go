package backbone_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/intake"
	"digitalpost/adapters/backbone/organisations"
)

// BenchmarkNation gives the longest wait of a single message from post to receipt, in a backbone of so many mailboxes,
// while the keys are rolled, the views are built anew and compared, what no event names is swept, and people are
// registered: each beside the longest without any of it, in the same run and for as long.
//
//	NATION=1000000 go test -run '^$' -bench Nation -benchtime 1x -timeout 1h ./adapters/backbone
func BenchmarkNation(b *testing.B) {
	people, err := strconv.Atoi(os.Getenv("NATION"))
	if err != nil {
		people = 10_000
	}
	n := nation{b: b, bb: backbonetest.Open(b, backbonetest.SegmentSize(256<<20))}
	n.sys = n.bb.Authority(backbonetest.Municipality)
	n.register(people)
	n.send(200) // the streams that it comes in by have their roots

	ctx := context.Background()
	for _, x := range []struct {
		name string
		do   func() error
	}{
		{"roll", func() error { _, err := n.bb.Vault().Roll(); return err }},
		{"rebuild", func() error { _, err := n.bb.Rebuild(ctx); return err }},
		{"sweep", func() error { _, err := n.bb.Core().Forgetting.Sweep(time.Now()); return err }},
		{"registration", func() error { n.register(2000); return nil }},
	} {
		b.Run(x.name, func(b *testing.B) {
			for range b.N {
				start := time.Now()
				with := n.waits(func() {
					if err := x.do(); err != nil {
						b.Error(err)
					}
				})
				took := time.Since(start)
				alone := n.waits(func() { time.Sleep(max(took, 5*time.Second)) })

				b.ReportMetric(took.Seconds(), "s")
				b.ReportMetric(float64(len(with)), "messages")
				b.ReportMetric(float64(with[len(with)-1].Microseconds())/1000, "ms-longest")
				b.ReportMetric(float64(alone[len(alone)-1].Microseconds())/1000, "ms-longest-alone")
				b.ReportMetric(float64(with[len(with)-1])/float64(alone[len(alone)-1]), "times")
			}
		})
	}
}

// A nation is a backbone with people, and an authority that writes to them.
type nation struct {
	b      *testing.B
	bb     *backbonetest.Backbone
	sys    organisations.System
	people int
	sent   atomic.Int64
}

// register registers so many more people.
func (n *nation) register(more int) {
	var next atomic.Int64
	next.Store(int64(n.people))
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n.people+more {
					return
				}
				n.bb.Citizen(number(i))
			}
		})
	}
	all.Wait()
	n.people += more
}

// number is a made-up person's: 60 is added to the day.
func number(i int) string {
	born := time.Date(1937, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i/3999)
	return fmt.Sprintf("%02d%s%04d", born.Day()+60, born.Format("0106"), i%3999+1)
}

func (n *nation) send(messages int) {
	for range messages {
		n.one()
	}
}

// one sends a message, and gives how long it took until its receipt.
func (n *nation) one() time.Duration {
	uuid := core.NewUUID()
	to := number(int(n.sent.Add(1)*7919) % n.people)
	body := backbonetest.Memo(n.sys, to, backbonetest.Letter{UUID: uuid})
	start := time.Now()
	as := intake.Submission{UUID: uuid, MeMo: strings.NewReader(body)}
	if _, err := n.bb.Intake.Submit(context.Background(), n.sys, as); err != nil {
		n.b.Fatal(err)
	}

	return time.Since(start)
}

// waits sends one message after the other until work is done, and gives how long each took, the longest last.
func (n *nation) waits(work func()) (out []time.Duration) {
	done := make(chan bool)
	go func() { work(); close(done) }()
	for {
		out = append(out, n.one())
		select {
		case <-done:
			slices.Sort(out)
			return out
		default:
		}
	}
}
