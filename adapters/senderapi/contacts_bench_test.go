package senderapi_test

import (
	"fmt"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// BenchmarkContactPoints makes 700 contact points, and says what each of the last hundred took as many times as one of
// the first hundred, and a list of 700 as many times as one of two.
func BenchmarkContactPoints(b *testing.B) {
	for range b.N {
		w := servertest.Start(b)
		points, me := authority(w)+"contact-points/", w.User(0, "app")
		var first, last, few, all time.Duration
		for i := range 700 {
			start := time.Now()
			w.Sender.Ask(201, "POST", points, fmt.Sprintf(`{"name":"Punkt %d"}`, i))
			switch took := time.Since(start); {
			case i < 100:
				first += took
			case i >= 600:
				last += took
			}
		}

		for range 20 {
			start := time.Now()
			me.Ask(200, "GET", "/apis/v1/contact-points/?size=2", "")
			between := time.Now()
			for page := range 7 {
				me.Ask(200, "GET", fmt.Sprintf("/apis/v1/contact-points/?size=100&page=%d", page), "")
			}
			few += between.Sub(start)
			all += time.Since(between)
		}
		b.ReportMetric(float64(last)/float64(first), "last/first")
		b.ReportMetric(float64(all)/float64(few), "700/2")
	}
}
