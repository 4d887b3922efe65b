package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/reactions"
)

// natsFlags say to which NATS servers platforms' events are published.
type natsFlags struct {
	NATS     string        `name:"nats" help:"${nats_help}" env:"DIGITALPOST_NATS"`
	Creds    string        `name:"nats-credentials" help:"File of them." env:"DIGITALPOST_NATS_CREDENTIALS" type:"path"`
	MaxAge   time.Duration `name:"nats-max-age" help:"${nats_age_help}" default:"168h" env:"DIGITALPOST_NATS_AGE"`
	Replicas int           `name:"nats-replicas" help:"Of each stream." default:"1" env:"DIGITALPOST_NATS_REPLICAS"`
}

// embedded is the value of --nats that asks for a server in this process.
const embedded = "embedded"

// natsStarts is how long the embedded server may take until it answers.
const natsStarts = 10 * time.Second

// publish starts publishing to NATS. What it gives ends an embedded server.
func (c serveCmd) publish(r *reactions.Reactions, b *backbone.Backbone) (end func(), err error) {
	url, end := c.NATS, func() {}
	if url == embedded {
		if url, end, err = embeddedNATS(filepath.Join(c.Data, "nats"), c.Dev); err != nil {
			return end, err
		}
	}

	return end, r.NATS(b, reactions.NATS{URL: url, Credentials: c.Creds, MaxAge: c.MaxAge, Replicas: c.Replicas})
}

// embeddedNATS starts a server on loopback, without accounts: for made-up people alone.
func embeddedNATS(dir string, dev bool) (url string, end func(), err error) {
	if !dev {
		return "", func() {}, errors.New("--nats embedded: in development alone, with --dev; give the URL of servers")
	}

	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: 4222, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true, SyncAlways: true,
	})
	if err != nil {
		return "", func() {}, fmt.Errorf("--nats embedded: %w", err)
	}

	go s.Start()
	end = func() { s.Shutdown(); s.WaitForShutdown() }
	if !s.ReadyForConnections(natsStarts) {
		end()
		return "", func() {}, errors.New("--nats embedded: the server does not start: is port 4222 in use?")
	}

	return s.ClientURL(), end, nil
}
