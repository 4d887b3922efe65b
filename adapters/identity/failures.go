package identity

import (
	"log/slog"
	"net"
	"net/http"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"digitalpost/adapters/problem"
)

const (
	failuresAtOnce   = 20     // that an address may have before it must wait
	failuresASecond  = 1      // after that
	failureAddresses = 10_000 // that are remembered
)

// failures limits how often an address may fail to say who it is, and records that it did: a count and a log line, with
// neither numbers nor tokens in them.
type failures struct {
	by    *lru.Cache[string, *rate.Limiter]
	count *prometheus.CounterVec
	log   *slog.Logger
}

func newFailures(registerer prometheus.Registerer, log *slog.Logger) *failures {
	by, err := lru.New[string, *rate.Limiter](failureAddresses)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	count := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "digitalpost_identity_failures_total",
		Help: "Requests whose sender did not prove who it is, by means and code.",
	}, []string{"means", "code"})
	if registerer != nil {
		registerer.MustRegister(count)
	}
	return &failures{by: by, count: count, log: log}
}

// Address returns what limits of an address are counted by, of a remote host and port: the host, or, of IPv6, its
// network of 64 bits.
func Address(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String() // one who has an IPv6 address has 2^64 of them
	}
	return host
}

// note records a failure, and gives back what is answered: the failure, or, to one who has failed too often, that they
// have. Those who fail are counted by address, and a system that is known, who, for itself; whoever does not fail is
// let in whatever their neighbours do.
func (f *failures) note(r *http.Request, means, who string, err error) error {
	if err == nil {
		return nil
	}
	e := problem.Of(err)
	if e.Status >= 500 {
		return err
	}
	if e.Status != http.StatusUnauthorized { // it is known who that is, and they may not
		f.count.WithLabelValues(means, e.Code).Inc()
		return err
	}

	a := Address(r.RemoteAddr)
	l, ok := f.by.Get(a + who)
	if !ok {
		l = rate.NewLimiter(failuresASecond, failuresAtOnce)
		if before, was, _ := f.by.PeekOrAdd(a+who, l); was {
			l = before
		}
	}
	if !l.Allow() {
		err = &problem.Error{
			Status: http.StatusTooManyRequests, Code: "too.many.failures", Retry: 1,
			Message: "too many requests from this address failed to say who they are",
		}
	}
	f.count.WithLabelValues(means, e.Code).Inc()
	f.log.Warn("not let in", "means", means, "code", e.Code, "address", a)
	return err
}
