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
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/development"
	"digitalpost/adapters/email"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/openapi"
	"digitalpost/adapters/problem"
	"digitalpost/adapters/senderapi"
	"digitalpost/adapters/vault"
	"digitalpost/adapters/viewapi"
	"digitalpost/domain"
)

type dataFlags struct {
	Data string `help:"Directory of log, views, documents and wrapped keys." required:"" env:"DIGITALPOST_DATA" type:"path"`
	Keys string `help:"Directory of the epoch keys, outside of --data. Default: --data with .keys." env:"DIGITALPOST_KEYS" type:"path"`
}

// keys gives the epoch keys' folder, and refuses one that a backup of the data would take along.
func (d dataFlags) keys() (string, error) {
	k := d.Keys
	if k == "" {
		k = strings.TrimRight(d.Data, "/") + ".keys"
	}
	if rel, err := filepath.Rel(d.Data, k); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return "", fmt.Errorf("--keys %s lies within --data %s: a copy of the data would hold the keys; name a folder outside", k, d.Data)
	}
	return k, nil
}

type serveCmd struct {
	dataFlags
	Dev    bool   `help:"Development mode: made-up people, open tokens; on loopback only." env:"DIGITALPOST_DEV"`
	Listen string `help:"Address to listen on." default:"127.0.0.1:8080" env:"DIGITALPOST_LISTEN"`

	Issuer   string            `help:"URL of the OpenID issuer of people's tokens." env:"DIGITALPOST_ISSUER"`
	Audience string            `help:"Audience that such a token must have." default:"digitalpost" env:"DIGITALPOST_AUDIENCE"`
	Clients  map[string]string `help:"Client ids of the platforms: ID=PLATFORM;…" env:"DIGITALPOST_CLIENTS"`
	TLSCert  string            `name:"tls-cert" help:"The server's certificate chain, PEM; read again when it changes." env:"DIGITALPOST_TLS_CERT" type:"path"`
	TLSKey   string            `name:"tls-key" help:"Its key, PEM." env:"DIGITALPOST_TLS_KEY" type:"path"`
	ClientCA string            `name:"client-ca" help:"Authorities of sender systems' certificates, PEM; read again when it changes." env:"DIGITALPOST_CLIENT_CA" type:"path"`

	SMTP         string `name:"smtp" help:"Mail server, HOST:PORT, for what people forward as e-mail; without it nobody can." env:"DIGITALPOST_SMTP"`
	SMTPFrom     string `name:"smtp-from" help:"Address that such mail comes from." env:"DIGITALPOST_SMTP_FROM"`
	SMTPUser     string `name:"smtp-user" help:"User at the mail server." env:"DIGITALPOST_SMTP_USER"`
	SMTPPassword string `kong:"-"` // of DIGITALPOST_SMTP_PASSWORD alone: flags can be seen by others
}

// mailer gives the means to send e-mail, nil if there is no mail server.
func (c serveCmd) mailer() (backbone.Mailer, error) {
	if c.SMTP == "" {
		return nil, nil
	}
	if c.SMTPFrom == "" {
		return nil, errors.New("--smtp also needs --smtp-from, the address that mail comes from")
	}
	password := c.SMTPPassword
	if password == "" {
		password = os.Getenv("DIGITALPOST_SMTP_PASSWORD")
	}
	return email.Server{Address: c.SMTP, From: c.SMTPFrom, User: c.SMTPUser, Password: password, Plain: c.Dev}.Mailer()
}

// check refuses a configuration that is half of one.
func (c serveCmd) check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen %s: give HOST:PORT, such as 127.0.0.1:8080", c.Listen)
	}
	if c.Dev {
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("--listen %s: development mode listens on loopback only, such as 127.0.0.1:8080", c.Listen)
		}
		if c.Issuer != "" || c.TLSCert != "" || c.TLSKey != "" || c.ClientCA != "" || len(c.Clients) > 0 {
			return errors.New("--dev is its own issuer and uses no certificates: leave out --issuer, --clients, --tls-cert, --tls-key and --client-ca, or --dev")
		}
		return nil
	}
	var missing []string
	for _, f := range []struct {
		flag string
		set  bool
	}{{"--issuer", c.Issuer != ""}, {"--clients", len(c.Clients) > 0}, {"--tls-cert", c.TLSCert != ""}, {"--tls-key", c.TLSKey != ""}, {"--client-ca", c.ClientCA != ""}, {"--keys", c.Keys != ""}} {
		if !f.set {
			missing = append(missing, f.flag)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("production also needs %s; digitalpost serve --help tells what each is, and --dev tries it with made-up people", strings.Join(missing, ", "))
	}
	return nil
}

// Run serves until SIGTERM or SIGINT.
func (c *serveCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return run(ctx, *c, os.Stderr, nil)
}

// server is what run has opened, for those who start it in their own process.
type server struct {
	URL string
	B   *backbone.Backbone
}

// run opens everything, serves until ctx ends, finishes what is under way and closes in reverse. ready, if not nil, is called once it serves.
func run(ctx context.Context, c serveCmd, stderr io.Writer, ready func(server)) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	keys, err := c.keys()
	if err != nil {
		return err
	}
	mailer, err := c.mailer()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	b, err := backbone.Open(backbone.Config{Dir: c.Data, KMS: vault.KeyFolder(keys), Development: c.Dev, SegmentSize: c.segmentSize(), Registerer: registry, Log: log, Mail: mailer, Fail: failAt()})
	if err != nil {
		return fmt.Errorf("open %s: %w", c.Data, err)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	// Made-up people need no operator's judgement of a laptop's clock, which stands still while it sleeps; that it was taken as it is stands in the log.
	confirm := func() error {
		if b.ClockErr() == nil || !c.Dev {
			return nil
		}
		return b.ConfirmClock(ctx)
	}
	if err := confirm(); err != nil {
		return err
	}
	mux := http.NewServeMux()
	tokens, err := c.tokens(ctx, mux, b, log)
	if err != nil {
		return err
	}
	who := identity.NewGate(b, tokens, !c.Dev, registry, log)
	senderapi.Register(mux, b, who, log)
	viewapi.Register(mux, b, who, log)
	openapi.Register(mux)
	operations(mux, b, registry)
	control, err := openControl(c.Data, b)
	if err != nil {
		return err
	}
	defer control.Close()
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	srv := &http.Server{Handler: outer(mux, log), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	srv.RegisterOnShutdown(b.StopFeeds) // open streams of changes would be waited for
	served := make(chan error, 1)
	if c.Dev {
		go func() { served <- srv.Serve(l) }()
		fmt.Fprintf(stderr, "DEVELOPMENT MODE: made-up people only, open tokens, not for real post. Listening on http://%s, data in %s, epoch keys in %s\n", l.Addr(), c.Data, keys)
	} else {
		certificates, err := identity.LoadCertificates(c.TLSCert, c.TLSKey, c.ClientCA)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		srv.TLSConfig = certificates.TLS()
		go func() { served <- srv.ServeTLS(l, "", "") }()
		fmt.Fprintf(stderr, "listening on https://%s, data in %s\n", l.Addr(), c.Data)
	}
	if ready != nil {
		scheme := "https://"
		if c.Dev {
			scheme = "http://"
		}
		go ready(server{scheme + l.Addr().String(), b})
	}
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
			if err := confirm(); err != nil {
				log.Error("clock", "error", err)
			}
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			return srv.Shutdown(end)
		}
	}
}

// tokens makes the verifier of people's tokens; in development also the made-up people, and the issuer's routes.
func (c serveCmd) tokens(ctx context.Context, mux *http.ServeMux, b *backbone.Backbone, log *slog.Logger) (*identity.Tokens, error) {
	if !c.Dev {
		return identity.Discover(ctx, c.Issuer, c.Audience, c.Clients, b)
	}
	issuer, err := development.NewIssuer(b, nil)
	if err != nil {
		return nil, err
	}
	if err := development.Seed(ctx, b, issuer); err != nil {
		return nil, err
	}
	tokens := issuer.Tokens()
	development.Register(mux, b, issuer, tokens, log)
	return tokens, nil
}

// segmentSize is small in development: a laptop's disk is not preallocated by the gigabyte.
func (c serveCmd) segmentSize() int64 {
	if c.Dev {
		return 64 << 20
	}
	return 0
}

// operations adds what operators and their tools ask.
func operations(mux *http.ServeMux, b *backbone.Backbone, registry *prometheus.Registry) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !b.Ready() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
}

// outer wraps all handlers: CORS for loopback origins, a body limit, unknown paths, and panics that become faults. Neither query strings nor bodies
// reach the log.
func outer(mux *http.ServeMux, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				log.Error("handler panicked", "panic", fmt.Sprintf("%T", p), "method", r.Method)
				panic(http.ErrAbortHandler)
			}
		}()
		if o := r.Header.Get("Origin"); o != "" && loopback(o) {
			h := w.Header()
			h.Set("Access-Control-Allow-Origin", o)
			h.Set("Vary", "Origin")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, Idempotency-Key, Min-Log-Position, Consistency, Range, Content-Range, Last-Event-ID")
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			h.Set("Access-Control-Expose-Headers", "ETag, Log-Position, Content-Disposition, Content-Range, Retry-After, Link")
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			problem.Write(w, log, problem.BadField("query", "parameter.not.valid", "must be pairs of names and values, parted by &, with % before two hexadecimal digits only"))
			return
		}
		r.Body = whole{http.MaxBytesReader(w, r.Body, memo.MaxLength+1<<20)}
		if _, pattern := mux.Handler(r); pattern == "" {
			rec := &statusOnly{header: http.Header{}}
			mux.ServeHTTP(rec, r)
			if rec.status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", rec.header.Get("Allow"))
				problem.Write(w, log, problem.New(http.StatusMethodNotAllowed, "method.not.allowed", "this path does not take that method"))
				return
			}
			problem.Write(w, log, problem.New(http.StatusNotFound, "path.not.found", "there is no such path"))
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// whole is a body that must not break off: one that does is the sender's fault.
type whole struct{ io.ReadCloser }

func (b whole) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	var large *http.MaxBytesError
	if err != nil && err != io.EOF && !errors.As(err, &large) {
		err = problem.BadField("body", "body.not.valid", "broke off, or is not of the length or the chunks that it says")
	}
	return n, err
}

type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }

func loopback(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
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

// openControl listens on a socket in the data directory, by which the operator's commands reach the server that has the keys open.
func openControl(data string, b *backbone.Backbone) (io.Closer, error) {
	path := filepath.Join(data, "control.sock")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /systems", func(w http.ResponseWriter, r *http.Request) {
		out, err := addSystem(r.Context(), b, r.URL.Query())
		answer(w, out, err)
	})
	mux.HandleFunc("POST /systems/delegate", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, delegateSystem(r.Context(), b, r.URL.Query()))
	})
	mux.HandleFunc("POST /keys/roll", func(w http.ResponseWriter, r *http.Request) {
		epoch, err := b.Roll(r.Context())
		answer(w, map[string]int{"epoch": epoch}, err)
	})
	mux.HandleFunc("POST /keys/shred", func(w http.ResponseWriter, r *http.Request) {
		id, err := domain.ParseUUID(r.FormValue("mailbox"))
		if err == nil {
			err = b.Shred(r.Context(), id)
		}
		answer(w, struct{}{}, err)
	})
	mux.HandleFunc("POST /views/rebuild", func(w http.ResponseWriter, r *http.Request) {
		rebuilt, err := b.Rebuild(r.Context())
		answer(w, rebuilt, err)
	})
	mux.HandleFunc("GET /keys/check", func(w http.ResponseWriter, _ *http.Request) {
		nodes, numbers, err := b.CheckKeys()
		answer(w, map[string]int{"nodes": nodes, "numbers": numbers}, err)
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go srv.Serve(l)
	return srv, nil
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(v) // the operator's command reads it or has gone
}
