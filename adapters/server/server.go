// Package server is all that the backbone serves over HTTP, as one server: the faces of sender systems and of view
// clients, the description, what operators ask, and, of made-up people, what development has. It knows no flag, file,
// certificate or signal: who starts it brings them.
package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/development"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/officeapi"
	"digitalpost/adapters/openapi"
	"digitalpost/adapters/senderapi"
	"digitalpost/adapters/viewapi"
)

const (
	headerTimeout = 10 * time.Second // in which a request's header must have come
	idleTimeout   = 2 * time.Minute  // after which a connection that nobody uses is closed
	maxHeader     = 64 << 10         // bytes of a request's header
)

// A Config says what is served, and for whom. Either Issuer or Tokens must be there.
type Config struct {
	Backbone *backbone.Backbone

	// Issuer lets anybody in as somebody made up: its routes are served, its tokens are the only ones taken, and
	// sender systems come without a certificate. Nil in production.
	Issuer *development.Issuer
	Outbox *development.Outbox // in development: what has left is shown; nil: it is not

	// Tokens verifies people's tokens in production, where sender systems also need a certificate that TLS has
	// verified.
	Tokens *identity.Tokens

	// Revocations are how it is found out whether such a certificate was revoked; nil: it is not.
	Revocations *identity.Revocations

	// Out is how what happens leaves the log. Nil: nobody is told by the backbone.
	Out *Out

	Limits   Limits               // those of Limit
	Registry *prometheus.Registry // what Admin shows; failures to say who one is are added to it
	Log      *slog.Logger
}

// New makes the server. It listens nowhere yet, and has no certificates: its TLSConfig is the caller's to set, and that
// its listener is one of Limit. When it is shut down, open streams of changes end.
func New(cfg Config) *http.Server {
	mux := http.NewServeMux()
	tokens := cfg.Tokens
	if cfg.Issuer != nil {
		tokens = cfg.Issuer.Tokens()
		development.Register(mux, development.Config{
			Backbone: cfg.Backbone, Issuer: cfg.Issuer, Tokens: tokens, Outbox: cfg.Outbox, Log: cfg.Log,
		})
	}
	who := identity.NewGate(cfg.Backbone, tokens, cfg.Issuer == nil, cfg.Registry, cfg.Log)

	who.Revocations(cfg.Revocations)

	senderapi.Register(mux, cfg.Backbone, who, cfg.Out.verify(), cfg.Log)
	viewapi.Register(mux, cfg.Backbone, who, cfg.Out.pusher(), cfg.Log)
	officeapi.Register(mux, cfg.Backbone, who, cfg.Out.Effects(), cfg.Log)
	openapi.Register(mux)
	health(mux, cfg.Backbone)

	srv := &http.Server{
		Handler:           outer(mux, cfg),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	srv.RegisterOnShutdown(cfg.Backbone.Changes.Stop) // open streams of changes would be waited for
	return srv
}

// Admin makes the server of what operators' tools alone ask: the metrics, beside health. Its address is not for the
// public.
func Admin(cfg Config) *http.Server {
	mux := http.NewServeMux()
	health(mux, cfg.Backbone)
	mux.Handle("GET /metrics", promhttp.HandlerFor(cfg.Registry, promhttp.HandlerOpts{}))

	return &http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, IdleTimeout: idleTimeout,
		WriteTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}

// health adds what whoever sends requests here wants to know: whether the process lives, and whether it is ready.
func health(mux *http.ServeMux, b *backbone.Backbone) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !b.Ready() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		if parked, err := b.Parked(); err != nil || parked > 0 {
			fmt.Fprintf(w, "ok, but %d streams are parked: they are not shown, and documents are not swept\n", parked)
			return
		}
		fmt.Fprintln(w, "ok")
	})
}
