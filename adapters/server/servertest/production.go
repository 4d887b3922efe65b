package servertest

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/server"
	"digitalpost/adapters/vault"
)

// A Production is a production server in this process, which believes a Trust. Nobody is registered in it.
type Production struct {
	*Trust
	URL string
	B   *backbone.Backbone
	Log *Log
}

// As is a client with a token of changed claims: see Trust.Token.
func (p *Production) As(claims map[string]any) *Client {
	w := &World{T: p.t, URL: p.URL}
	c := &Client{URL: p.URL, Token: p.Token(claims, nil), HTTP: p.Client(nil), w: w}
	return c
}

// StartProduction starts one on data of its own, and ends it with the test.
func StartProduction(t testing.TB) *Production {
	t.Helper()
	p := &Production{Trust: NewTrust(t), Log: &Log{}}
	p.ServerFiles()
	dir := t.TempDir()
	log, registry := slog.New(slog.NewTextHandler(p.Log, nil)), prometheus.NewRegistry()
	b, err := backbone.Open(backbone.Config{
		Dir: dir + "/var", KMS: vault.KeyFolder(dir + "/keys"), SegmentSize: segment, Registerer: registry, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.B = b

	clients := map[string]string{ProductionClient: "eboks"}
	issuer := identity.Issuer{URL: p.Issuer, Audience: "digitalpost", Clients: clients, Roots: p.Roots()}
	tokens, err := identity.Discover(context.Background(), issuer, b)
	var certificates *identity.Certificates
	if err == nil {
		certificates, err = identity.LoadCertificates(p.File("server.pem"), p.File("server.key"), p.File("ca.pem"))
	}
	if err != nil {
		t.Fatal(errors.Join(err, b.Close()))
	}
	srv := server.New(server.Config{Backbone: b, Tokens: tokens, Registry: registry, Log: log,
		Revocations: &identity.Revocations{Files: []string{p.File(revokedFile)}},
	})
	srv.TLSConfig = certificates.TLS()
	url, stop, err := serve(srv, server.Limits{}, 0)
	if err != nil {
		t.Fatal(errors.Join(err, b.Close()))
	}
	p.URL = url
	t.Cleanup(func() {
		if err := errors.Join(b.Err(), stop(), b.Close()); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return p
}
