package server

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"

	"digitalpost/adapters/officeapi"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/oplog"
	"digitalpost/projections/engine"
)

// What browsers of loopback origins may send and see.
const (
	corsHeaders = "Authorization, Content-Type, If-Match, Idempotency-Key, Mandate, Min-Log-Position, Consistency, " +
		"Range, Content-Range, Last-Event-ID"
	corsMethods = "GET, POST, PUT, PATCH, DELETE"
	corsExposed = "ETag, Log-Position, Content-Disposition, Content-Range, Retry-After, Link"
)

// outer wraps all handlers: headers that browsers heed, in development CORS for loopback origins, limits of bodies,
// unknown paths, and panics that become faults. Neither query strings nor bodies reach the log.
func outer(mux *http.ServeMux, cfg Config) http.Handler {
	log, stall := cfg.Log, cfg.Limits.filled().Stall

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := &begun{ResponseWriter: w}
		w = sent
		defer func() {
			p := recover()
			damage, damaged := p.(*engine.DamagedError)
			if damaged {
				log.Error("a view is damaged, and is built anew", "error", damage)
			} else if p != nil && p != http.ErrAbortHandler {
				log.Error("handler panicked", "panic", fmt.Sprintf("%T", p), "method", r.Method)
			}

			switch {
			case damaged && !sent.yes:
				problem.Write(w, log, damage)
			case p != nil:
				panic(http.ErrAbortHandler) // the connection breaks off: nobody takes a part for the whole
			}
		}()

		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}

		if b := bodyOf(w, r, stall); b != nil {
			r.Body = b
			if r.ProtoMajor == 1 { // in HTTP/2 a request ends without its connection
				w = answer{w, b}
			}
		}

		if cfg.Issuer != nil && allowOrigin(w, r) && r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}

		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			problem.Write(w, log, problem.BadField("query", "parameter.not.valid",
				"must be pairs of names and values, parted by &, with % before two hexadecimal digits only"))
			return
		}

		if cfg.Backbone.Held() && !whileHeld(r.URL.Path) {
			problem.Write(w, log, domain.Refuse(oplog.RestoreNotApproved))
			return
		}

		if _, pattern := mux.Handler(r); pattern == "" {
			unknown(mux, w, r, log)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// whileHeld reports whether a path is answered of a restored log before a second operator has approved of that.
func whileHeld(path string) bool {
	for _, own := range []string{"/livez", "/readyz", "/openapi"} {
		if strings.HasPrefix(path, own) {
			return true
		}
	}

	return officeapi.WhileHeld(path)
}

// allowOrigin lets the pages of a loopback origin use the API, and reports whether the request comes from one.
func allowOrigin(w http.ResponseWriter, r *http.Request) bool {
	o := r.Header.Get("Origin")
	if o == "" || !loopback(o) {
		return false
	}

	h := w.Header()
	h.Set("Access-Control-Allow-Origin", o)
	h.Set("Vary", "Origin")
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Expose-Headers", corsExposed)
	return true
}

func loopback(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// unknown answers a request that no pattern takes: the mux knows whether the path or the method is to blame.
func unknown(mux *http.ServeMux, w http.ResponseWriter, r *http.Request, log *slog.Logger) {
	rec := &statusOnly{header: http.Header{}}
	mux.ServeHTTP(rec, r)
	if rec.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", rec.header.Get("Allow"))
		problem.Write(w, log, problem.New(http.StatusMethodNotAllowed, "method.not.allowed",
			"this path does not take that method"))
		return
	}
	problem.Write(w, log, problem.New(http.StatusNotFound, "path.not.found", "there is no such path"))
}

// statusOnly takes an answer's status and header, and drops its body.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }

// begun notes that an answer has begun.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) WriteHeader(status int) {
	b.yes = true
	b.ResponseWriter.WriteHeader(status)
}

func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }
