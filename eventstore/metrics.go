package eventstore

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what a store reports. They may be used by many goroutines at once.
type Metrics struct {
	Append   prometheus.Histogram // seconds from call to acknowledgement
	Batch    prometheus.Histogram // records in one commit
	Position prometheus.Gauge
	Segments prometheus.Gauge
	Bytes    prometheus.Gauge
	ClockGap prometheus.Gauge
	Events   *prometheus.CounterVec // by type; types are a closed set of hand-written names
}

// NewMetrics makes a store's metrics and registers them with r, unless r is nil.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		Append: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "digitalpost_eventstore_append_seconds",
			Help:    "Time from an append's call to its acknowledgement.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		Batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "digitalpost_eventstore_batch_records",
			Help:    "Records in one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 13),
		}),
		Position: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "digitalpost_log_position",
			Help: "Position of the last event.",
		}),
		Segments: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "digitalpost_log_segments",
			Help: "Segment files.",
		}),
		Bytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "digitalpost_log_bytes",
			Help: "Bytes of all segments that hold events.",
		}),
		ClockGap: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "digitalpost_log_clock_gap_seconds",
			Help: "At start: how far the machine's clock was past the last event.",
		}),
		Events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "digitalpost_eventstore_events_total",
			Help: "Events appended since start.",
		}, []string{"type"}),
	}
	if r != nil {
		r.MustRegister(m.Append, m.Batch, m.Position, m.Segments, m.Bytes, m.ClockGap, m.Events)
	}

	return m
}
