package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/adapters/development"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/reactions"
	"digitalpost/adapters/server"
	"digitalpost/adapters/vault"
	"digitalpost/eventstore"
)

const (
	developmentSegment = 64 << 20         // bytes: a laptop's disk is not preallocated by the gigabyte
	adminConnections   = 64               // open at once, of operators' tools
	shutdownTimeout    = 20 * time.Second // for what is under way when the server is told to end
)

// Run serves until SIGTERM or SIGINT.
func (c *serveCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return run(ctx, *c, os.Stderr, nil)
}

// An instance is what run has opened, for those who start it in their own process.
type instance struct {
	URL   string
	Admin string // empty: there is no such server
	B     *backbone.Backbone
}

// run opens everything, serves until ctx ends, finishes what is under way and closes in reverse. ready, if not nil, is
// called in a goroutine of its own once it serves.
func run(ctx context.Context, c serveCmd, stderr io.Writer, ready func(instance)) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	keys, err := c.keys()
	if err != nil {
		return err
	}

	log := slog.New(slog.NewTextHandler(stderr, nil))
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	told, err := c.told(c.Dev)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, told.close()) }()

	b, err := c.open(keys, told.means.Mail, registry, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := c.confirmClock(ctx, b); err != nil {
		return err
	}

	if err := c.started(ctx, b, log); err != nil {
		return err
	}
	defer func() {
		if err == nil { // else it is as if it had been killed
			err = b.Stopped(context.Background())
		}
	}()

	out, end, err := c.outside(b, told.means, registry, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()); end() }()

	srv, err := c.server(ctx, b, server.Config{Out: out, Outbox: told.outbox, Registry: registry, Log: log})
	if err != nil {
		return err
	}
	control, err := openControl(c.Data, b, out.Effects())
	if err != nil {
		return err
	}
	defer control.Close()

	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	admin, endAdmin, err := c.serveAdmin(b, registry)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer endAdmin()

	l = server.Limit(l, c.limits())
	served := make(chan error, 1)
	go func() {
		if c.Dev {
			served <- srv.Serve(l)
		} else {
			served <- srv.ServeTLS(l, "", "")
		}
	}()
	url := c.announce(stderr, l.Addr(), keys)
	if ready != nil {
		go ready(instance{url, admin, b})
	}
	return c.watch(ctx, srv, served, b, log)
}

// limits gives those that the flags name.
func (c serveCmd) limits() server.Limits {
	return server.Limits{Connections: c.MaxConnections, PerAddress: c.MaxPerAddress, Stall: c.Stall}
}

// serveAdmin serves what is for operators' tools alone, if there is an address for it.
func (c serveCmd) serveAdmin(
	b *backbone.Backbone, registry *prometheus.Registry,
) (url string, end func() error, err error) {
	if c.Admin == "" {
		return "", func() error { return nil }, nil
	}

	l, err := net.Listen("tcp", c.Admin)
	if err != nil {
		return "", nil, fmt.Errorf("--admin: listen on %s: %w", c.Admin, err)
	}
	srv := server.Admin(server.Config{Backbone: b, Registry: registry})
	go srv.Serve(server.Limit(l, server.Limits{Connections: adminConnections, PerAddress: adminConnections}))

	return "http://" + l.Addr().String(), srv.Close, nil
}

// open opens the backbone.
func (c serveCmd) open(
	keys string, mailer sending.Mailer, registry prometheus.Registerer, log *slog.Logger,
) (*backbone.Backbone, error) {
	cfg := backbone.Config{
		Dir: c.Data, KMS: vault.KeyFolder(keys), Development: c.Dev,
		Registerer: registry, Log: log, Mail: mailer, Fail: failAt(),
	}
	if c.Dev {
		cfg.SegmentSize = developmentSegment
	}
	b, err := backbone.Open(cfg)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c.Data, err)
	}
	return b, nil
}

// outside starts what goes out of the log. What it gives beside ends what was started with it.
func (c serveCmd) outside(
	b *backbone.Backbone, means reactions.Means, registry prometheus.Registerer, log *slog.Logger,
) (out *server.Out, end func(), err error) {
	end = func() {}
	cfg := reactions.Config{Dir: c.Data, Logger: log, Registerer: registry, Fail: failAt()}
	o, err := c.outward(c.Dev)
	if err != nil {
		return nil, end, err
	}

	if out, err = server.OpenOut(b, o, means, cfg); err != nil || c.NATS == "" {
		return out, end, err
	}

	if end, err = c.publish(out.Reactions, b); err != nil {
		end()
		return nil, end, errors.Join(err, out.Close())
	}

	return out, end, nil
}

// started notes in the log which program serves it, and how it was told to, without secrets. While the clock is not
// trusted nothing can be noted, and nothing is taken in either.
func (c serveCmd) started(ctx context.Context, b *backbone.Backbone, log *slog.Logger) error {
	c.SMTPPassword = ""
	settings, err := json.Marshal(c)
	if err != nil {
		return err
	}

	err = b.Started(ctx, programVersion(), settings)
	if errors.Is(err, eventstore.ErrClock) {
		log.Error("the clock is not trusted: digitalpost clock confirm says that it is right", "error", err)
		return nil
	}

	return err
}

// programVersion says which program this is, and of which revision it was built, if that is known.
func programVersion() string {
	out := version
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.modified" && s.Value == "true" {
				out += " " + s.Key + "=" + s.Value
			}
		}
	}

	return out
}

// confirmClock takes the clock of a machine with made-up people as it is: they need no operator's judgement of a
// laptop's clock, which stands still while it sleeps. That it was taken as it is stands in the log.
func (c serveCmd) confirmClock(ctx context.Context, b *backbone.Backbone) error {
	if b.ClockErr() == nil || !c.Dev {
		return nil
	}
	return b.ConfirmClock(ctx, proposals.Operator{Console: true})
}

// server makes what is served: in development for made-up people, in production for those whose issuer and
// certificates the flags name.
func (c serveCmd) server(ctx context.Context, b *backbone.Backbone, cfg server.Config) (*http.Server, error) {
	cfg.Backbone, cfg.Limits = b, c.limits()
	if c.Dev {
		issuer, err := development.NewIssuer(b, nil)
		if err != nil {
			return nil, err
		}
		if err := development.Seed(ctx, b, issuer); err != nil {
			return nil, err
		}
		cfg.Issuer = issuer
		return server.New(cfg), nil
	}

	var err error
	issuer := identity.Issuer{URL: c.Issuer, Audience: c.Audience, Clients: c.Clients}
	if c.IssuerCA != "" {
		if issuer.Roots, err = identity.Roots(c.IssuerCA); err != nil {
			return nil, err
		}
	}
	if cfg.Tokens, err = identity.Discover(ctx, issuer, b); err != nil {
		return nil, err
	}
	cfg.Revocations = &identity.Revocations{Files: c.CRL, Fetch: c.CRLFetch, Required: c.CRLRequired}
	if err = cfg.Revocations.Load(); err != nil {
		return nil, err
	}
	certificates, err := identity.LoadCertificates(c.TLSCert, c.TLSKey, c.ClientCA)
	if err != nil {
		return nil, err
	}
	srv := server.New(cfg)
	srv.TLSConfig = certificates.TLS()
	return srv, nil
}

// announce tells whoever started the server where it is, and gives its address.
func (c serveCmd) announce(stderr io.Writer, at net.Addr, keys string) (url string) {
	if !c.Dev {
		url = fmt.Sprintf("https://%s", at)
		fmt.Fprintf(stderr, "listening on %s, data in %s\n", url, c.Data)
		return url
	}

	url = fmt.Sprintf("http://%s", at)
	fmt.Fprintf(stderr, "DEVELOPMENT MODE: made-up people only, open tokens, not for real post. "+
		"Listening on %s, data in %s, epoch keys in %s\n", url, c.Data, keys)
	return url
}

// watch waits until the server or ctx ends, or until something has stopped the backbone for good.
func (c serveCmd) watch(
	ctx context.Context, srv *http.Server, served <-chan error, b *backbone.Backbone, log *slog.Logger,
) error {
	stop, err := c.follow(ctx, b, log)
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	defer stop()

	health := time.NewTicker(time.Second)
	defer health.Stop()
	for {
		select {
		case err := <-served:
			return err
		case <-health.C:
			if err := b.Err(); err != nil { // opening again is the repair
				return errors.Join(err, srv.Close())
			}
			if err := c.confirmClock(ctx, b); err != nil {
				log.Error("clock", "error", err)
			}
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
			defer cancel()
			return srv.Shutdown(end)
		}
	}
}

// failAt ends the process at the step that a crash test names in the environment.
func failAt() func(string) {
	at := os.Getenv("DIGITALPOST_CRASH_AT")
	if at == "" {
		return nil
	}
	return func(step string) {
		if step == at {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
}
