package reactions

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are by kind, a closed set.
type metrics struct {
	attempts *prometheus.CounterVec // by how they went
	waiting  *prometheus.GaugeVec
	poisoned *prometheus.GaugeVec
	oldest   *prometheus.GaugeVec
	planned  *prometheus.GaugeVec
	pushed   *prometheus.CounterVec // events, by platform and means
	behind   *prometheus.GaugeVec   // by platform and means
}

func newMetrics(r prometheus.Registerer) *metrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "digitalpost_reactions_" + name, Help: help}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(
			prometheus.CounterOpts{Name: "digitalpost_reactions_" + name, Help: help}, labels)
	}
	m := &metrics{
		attempts: counter("attempts_total", "Attempts at effects, by how they went.", "kind", "outcome"),
		waiting:  gauge("waiting", "Effects that have not happened.", "kind"),
		poisoned: gauge("poisoned", "Effects that were set aside.", "kind"),
		oldest:   gauge("oldest_seconds", "Age of the oldest effect that has not happened.", "kind"),
		planned:  gauge("planned_position", "Position up to which effects are planned.", "kind"),
		pushed:   counter("told_total", "Events that platforms were told of.", "platform", "means"),
		behind:   gauge("told_position", "Position up to which a platform was told.", "platform", "means"),
	}
	if r != nil {
		r.MustRegister(m.attempts, m.waiting, m.poisoned, m.oldest, m.planned, m.pushed, m.behind)
	}

	return m
}

// A gauge is how the effects of a kind stand.
type gauge struct {
	waiting, poisoned int
	oldest            time.Time
}

func (g *gauge) add(e Effect) {
	if e.Poisoned {
		g.poisoned++
		return
	}

	if g.waiting++; g.oldest.IsZero() || e.Since.Before(g.oldest) {
		g.oldest = e.Since
	}
}

func (m *metrics) show(sources []Source, kinds map[string]gauge, now time.Time) {
	for _, s := range sources {
		g, age := kinds[s.Kind()], 0.0
		if !g.oldest.IsZero() {
			age = now.Sub(g.oldest).Seconds()
		}
		m.waiting.WithLabelValues(s.Kind()).Set(float64(g.waiting))
		m.poisoned.WithLabelValues(s.Kind()).Set(float64(g.poisoned))
		m.oldest.WithLabelValues(s.Kind()).Set(age)
	}
}
