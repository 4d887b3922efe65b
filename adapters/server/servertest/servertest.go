// Package servertest starts for a test what serve serves, on loopback and a directory of its own, and has those who use
// it: made-up people on their platforms, and sender systems.
//
// Each request that goes through a client of it is held, with its answer, against openapi.yaml. What is unlike the
// description fails the test whose world it was in. A face's tests use every operation of the face: its TestMain is
// Main, which says what was left out.
package servertest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/development"
	"digitalpost/adapters/email"
	"digitalpost/adapters/reactions"
	"digitalpost/adapters/server"
	"digitalpost/adapters/vault"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
)

const (
	segment = 64 << 20         // bytes of the log's segments, as in development
	patient = 20 * time.Second // in which a server must end, and most requests must be answered
)

// A Config says how a world begins. Its zero value is a development server in this process, on data of its own.
type Config struct {
	Data string // the data's directory; empty: a new one. The keys lie beside it, in Data with .keys.

	// Backbone, if not nil, changes how the backbone is opened.
	Backbone func(*backbone.Config)

	// Reactions, if not nil, is called with what goes out of the server before it serves.
	Reactions func(*reactions.Reactions, *backbone.Backbone) error

	// Launch, if not nil, starts the server in another way. It returns the server's address and what ends it.
	Launch func(data string, log io.Writer) (url string, stop func() error, err error)

	// SendBuffer, if not 0, is how many bytes the server's sockets hold of what clients do not read, so that few make
	// it wait.
	SendBuffer int

	// Hold is how long new post waits before people are told of it.
	Hold time.Duration

	// Gateway is the SMS gateway; empty: the outbox is.
	Gateway string

	// Limits bound what clients hold of the server, as in serve.
	Limits server.Limits

	// NotDescribed is for negative controls, whose answers may be anything.
	NotDescribed bool
}

// A World is a server with its data, and those who use it. It may be used by many goroutines at once, but for Stop,
// Start and Move.
type World struct {
	T    testing.TB
	URL  string
	Data string
	Log  *Log // what the server has written to its log

	Outbox *development.Outbox // what has left the server
	Directory
	Sender *Client // the first sender system: an authority's

	cfg       Config
	described *described
	stop      func() error // nil while no server runs
}

// Records gives all that is in the log by now.
func (w *World) Records() (out []eventstore.Event) {
	w.T.Helper()
	b, err := filestore.OpenBeside(filepath.Join(w.Data, "log"))
	if err != nil {
		w.T.Fatal(err)
	}

	for rec, err := range b.ReadAll(0) {
		if err != nil {
			w.T.Fatal(err)
		}
		out = append(out, rec)
	}

	return out
}

// Start starts a development server on data of its own, and ends it with the test.
func Start(t testing.TB) *World {
	t.Helper()
	return StartWith(t, Config{})
}

// StartWith is Start, as cfg has it.
func StartWith(t testing.TB, cfg Config) *World {
	t.Helper()
	w := newWorld(t, cfg)
	t.Cleanup(w.Stop)
	w.Start()
	return w
}

// At is the world of a server that the test has started itself.
func At(t testing.TB, data, url string) *World {
	t.Helper()
	w := newWorld(t, Config{Data: data})
	w.Move(url)
	return w
}

func newWorld(t testing.TB, cfg Config) *World {
	t.Helper()
	if cfg.Data == "" {
		cfg.Data = t.TempDir() + "/var"
	}
	w := &World{T: t, Data: cfg.Data, Log: &Log{}, cfg: cfg, described: newDescribed(http.DefaultTransport)}
	w.described.off = cfg.NotDescribed
	t.Cleanup(func() { w.described.report(t) })
	return w
}

// Start starts the server again after Stop, on the same data and at another address: people sign in anew.
func (w *World) Start() {
	w.T.Helper()
	launch := w.cfg.Launch
	if launch == nil {
		launch = w.launch
	}
	url, stop, err := launch(w.Data, w.Log)
	if err != nil {
		w.T.Fatalf("the server does not start: %v\n%s", err, w.Log)
	}
	w.stop = stop
	w.Move(url)
}

// Stop ends the server, as SIGTERM would, and fails the test if something was wrong with it. It may be called again.
func (w *World) Stop() {
	w.T.Helper()
	if w.stop == nil {
		return
	}
	stop := w.stop
	w.stop = nil
	if err := stop(); err != nil {
		w.T.Errorf("the server ended with %v", err)
	}
}

// Move says that the server is at url now.
func (w *World) Move(url string) {
	w.T.Helper()
	w.URL = url
	if _, err := w.Nobody().Do("GET", "/dev/", nil, &w.Directory); err != nil {
		w.T.Fatal(err)
	}
	w.Sender = w.System(0)
}

// launch starts the server in this process.
func (w *World) launch(data string, out io.Writer) (url string, stop func() error, err error) {
	log, registry := slog.New(slog.NewTextHandler(out, nil)), prometheus.NewRegistry()
	cfg := backbone.Config{
		Dir: data, KMS: vault.KeyFolder(strings.TrimRight(data, "/") + ".keys"), Development: true,
		SegmentSize: segment, Registerer: registry, Log: log,
	}
	if w.cfg.Backbone != nil {
		w.cfg.Backbone(&cfg)
	}
	b, err := backbone.Open(cfg)
	if err != nil {
		return "", nil, err
	}
	ctx := context.Background()
	if b.ClockErr() != nil { // a laptop's clock stands still while it sleeps
		err = b.ConfirmClock(ctx, proposals.Operator{Console: true})
	}

	var issuer *development.Issuer
	if err == nil {
		issuer, err = development.NewIssuer(b, nil)
	}
	if err == nil {
		err = development.Seed(ctx, b, issuer)
	}
	if err != nil {
		return "", nil, errors.Join(err, b.Close())
	}

	means, err := w.means()
	var r *server.Out
	if err == nil {
		r, err = server.OpenOut(b, reactions.Outward{Dev: true}, means,
			reactions.Config{Dir: data, Logger: log, Registerer: registry})
	}
	if err != nil {
		return "", nil, errors.Join(err, b.Close())
	}

	srv := server.New(server.Config{
		Backbone: b, Issuer: issuer, Limits: w.cfg.Limits, Registry: registry, Log: log, Out: r, Outbox: w.Outbox,
	})
	if w.cfg.Reactions != nil {
		err = w.cfg.Reactions(r.Reactions, b)
	}

	var end func() error
	if err == nil {
		url, end, err = serve(srv, w.cfg.Limits, w.cfg.SendBuffer)
	}

	if err != nil {
		return "", nil, errors.Join(err, r.Close(), b.Close())
	}
	return url, func() error { return errors.Join(b.Err(), end(), r.Close(), b.Close()) }, nil
}

// means tells people through the world's outbox, which stays while the server ends and starts.
func (w *World) means() (m reactions.Means, err error) {
	if w.Outbox == nil {
		if w.Outbox, err = development.NewOutbox(); err != nil {
			return m, err
		}
		w.T.Cleanup(func() { w.Outbox.Close() })
	}

	m.Hold = w.cfg.Hold
	gateway := reactions.Gateway{URL: cmp.Or(w.cfg.Gateway, w.Outbox.Gateway()), Dev: true}
	if m.Text, err = gateway.Texter(); err != nil {
		return m, err
	}
	m.Mail, err = email.Server{Address: w.Outbox.MailServer(), From: "post@example.org", Plain: true}.Mailer()

	return m, err
}

// buffered is a listener whose sockets hold so many bytes of what is not read; 0: as many as they like.
type buffered struct {
	net.Listener
	bytes int
}

func (b buffered) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if err == nil && b.bytes > 0 {
		err = c.(*net.TCPConn).SetWriteBuffer(b.bytes)
	}
	return c, err
}

// serve serves on a free port of loopback, with TLS if the server has a configuration of it.
func serve(srv *http.Server, limits server.Limits, sendBuffer int) (url string, stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	l = server.Limit(buffered{l, sendBuffer}, limits)
	served := make(chan error, 1)
	url = "http://" + l.Addr().String()
	if srv.TLSConfig == nil {
		go func() { served <- srv.Serve(l) }()
	} else {
		url = "https://" + l.Addr().String()
		go func() { served <- srv.ServeTLS(l, "", "") }()
	}

	return url, func() error {
		end, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		err := srv.Shutdown(end)
		if e := <-served; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}, nil
}

// A Log keeps what is written to it, by many goroutines at once.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to the log; it never fails.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String gives what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Eventually waits until holds reports true, and fails the test if it never does. what says what is waited for.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	if !Soon(holds) {
		t.Fatalf("in %s it is not so that %s", patient, what)
	}
}

// Soon waits until holds reports true. It reports false if it never does.
func Soon(holds func() bool) bool {
	for until := time.Now().Add(patient); !holds(); time.Sleep(pause) {
		if time.Now().After(until) {
			return false
		}
	}
	return true
}

// pause is how long Soon lets others work before it looks again.
const pause = 5 * time.Millisecond
