package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"digitalpost/adapters/reactions"
)

type subscribeCmd struct {
	serverFlags
	Platform string `help:"The platform: lifeindenmark, app, eboks, mitdk, borgerdk or virkdk." required:""`
	Secret   string `help:"Its client secret. Default: what GET /dev/ tells." env:"DIGITALPOST_CLIENT_SECRET"`
	Token    string `help:"A token of its own, in place of a secret." env:"DIGITALPOST_TOKEN"`
	By       string `help:"How it is told: sse, webhook or nats." enum:"sse,webhook,nats" default:"sse"`
	NATS     string `name:"nats" help:"The NATS servers." default:"nats://127.0.0.1:4222" env:"DIGITALPOST_NATS"`
	After    string `help:"Position to go on from. Default: now; with --verify, that of a snapshot."`
	Verify   bool   `help:"Keep a copy, and have the backbone compare it: now and then, and at the end."`
	Count    int    `help:"End after so many events; 0: go on until Ctrl-C."`
}

// A subscriber is told of events, one after another.
type subscriber struct {
	out    io.Writer
	copy   *ownCopy
	verify bool
	left   int // events; below 0: any number
	seen   int
	ended  func()
}

// Run prints what a platform is told, until SIGINT or SIGTERM.
func (c *subscribeCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	return c.run(ctx, os.Stdout)
}

func (c *subscribeCmd) run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	cl := &client{url: strings.TrimRight(c.URL, "/"), token: c.Token}
	if err := c.signIn(cl); err != nil {
		return err
	}

	s := &subscriber{
		out: out, verify: c.Verify, left: c.Count, ended: cancel,
		copy: &ownCopy{client: cl, platform: c.Platform, rows: map[string]copyRow{}},
	}
	after := c.After
	if c.Verify {
		from, err := s.copy.snapshot(ctx)
		if err != nil {
			return err
		}
		after = from
		_, rows := s.copy.digest("")
		fmt.Fprintf(out, "a copy of %s begins with %d rows, at position %s\n", c.Platform, rows, from)
	}

	if c.Count == 0 {
		s.left = -1
	}

	var err error
	switch c.By {
	case "webhook":
		err = s.webhook(ctx, after)
	case "nats":
		err = s.nats(ctx, c.NATS)
	default:
		err = s.sse(ctx, after)
	}

	if ctx.Err() != nil {
		err = nil
	}

	if err == nil && c.Verify {
		err = s.compare(context.WithoutCancel(ctx))
	}

	return err
}

func (c *subscribeCmd) signIn(cl *client) error {
	if c.Token != "" {
		return nil
	}

	secret := c.Secret
	if secret == "" {
		var err error
		if secret, err = cl.secretOf(c.Platform); err != nil {
			return err
		}
	}

	return cl.ownToken(c.Platform, secret)
}

// compare has the backbone compare the copy.
func (s *subscriber) compare(ctx context.Context) error {
	verdict, rows, err := s.copy.agree(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "the copy of %s, %d rows: %s\n", s.copy.platform, rows, verdict)
	if verdict != "EQUAL" {
		return errors.New("the copy is not what the backbone has")
	}

	return nil
}

// told takes an event, and prints it.
func (s *subscriber) told(raw []byte) error {
	var e toldEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("no event: %w", err)
	}

	isNew, err := s.copy.take(e)
	if err != nil || !isNew {
		return err
	}

	where := e.Data.Platform
	if where == "" {
		where = "-"
	}
	fmt.Fprintf(s.out, "%-8s %-34s %s  %d rows, %d gone, by %s, %v behind\n", e.ID,
		strings.TrimPrefix(e.Type, "dk.digitalpost."), e.Data.MailboxID, len(e.Data.Rows), len(e.Data.Gone), where,
		time.Since(e.Time).Round(time.Millisecond))

	if s.seen++; s.seen == s.left {
		s.ended()
		return context.Canceled
	}

	return nil
}

const reconnects = time.Second // between two tries to connect

// sse follows the feed, again from where it stands when the connection breaks.
func (s *subscriber) sse(ctx context.Context, after string) error {
	for ctx.Err() == nil {
		status, err := s.stream(ctx, &after)
		if status/100 == 4 && status != http.StatusTooManyRequests {
			return err
		}

		select {
		case <-time.After(reconnects):
		case <-ctx.Done():
		}
	}

	return nil
}

// stream follows the feed for as long as one connection holds.
func (s *subscriber) stream(ctx context.Context, after *string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, "GET", s.copy.client.url+"/apis/v1/changes", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+s.copy.client.token)
	if *after != "" {
		req.Header.Set("Last-Event-ID", *after)
	}

	res, err := s.copy.client.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, fmt.Errorf("the feed is refused: %s", res.Status)
	}

	id := ""
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, maxLine)
	for in.Scan() {
		line := in.Text()
		switch {
		case strings.HasPrefix(line, "id: "):
			id = line[len("id: "):]
		case strings.HasPrefix(line, "data: "):
			if err := s.told([]byte(line[len("data: "):])); err != nil {
				return res.StatusCode, err
			}
		case strings.HasPrefix(line, ":") && s.verify && id != "": // all up to id is told
			if verdict, rows, err := s.copy.attest(id); err == nil && verdict != "UNKNOWN" {
				fmt.Fprintf(s.out, "%-8s the copy, %d rows: %s\n", id, rows, verdict)
			}
		case line == "" && id != "":
			*after = id
		}
	}

	return res.StatusCode, in.Err()
}

// webhook has the backbone tell a server of its own, on loopback, until ctx ends.
func (s *subscriber) webhook(ctx context.Context, after string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}

	failed := make(chan error, 1)
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if err := s.batch(w, r); err != nil {
				w.WriteHeader(http.StatusInternalServerError) // it comes again
				select {
				case failed <- err:
				default:
				}
			}
		})}
	go srv.Serve(l)
	defer srv.Close()

	body := map[string]string{"url": "http://" + l.Addr().String()}
	if after != "" {
		body["position"] = after
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	const path = "/apis/v1/platform/subscription"
	var set struct{ Secret string }
	if _, err := s.copy.client.do("PUT", path, map[string]string{"Content-Type": "application/json"},
		strings.NewReader(string(raw)), &set); err != nil {
		return err
	}
	if _, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(set.Secret, "whsec_")); err != nil {
		return fmt.Errorf("the secret is none: %w", err)
	}

	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	_, end := s.copy.client.do("DELETE", path, nil, nil, nil)

	return errors.Join(err, end)
}

// batch takes what the backbone posts: a challenge, or events.
func (s *subscriber) batch(w http.ResponseWriter, r *http.Request) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxLine))
	if err != nil {
		return err
	}

	var asked struct{ Challenge string }
	if json.Unmarshal(raw, &asked) == nil && asked.Challenge != "" {
		_, err := io.WriteString(w, asked.Challenge)
		return err
	}

	var events []json.RawMessage
	if err := json.Unmarshal(raw, &events); err != nil {
		return err
	}

	for _, e := range events {
		if err := s.told(e); err != nil {
			return err
		}
	}

	return nil
}

// nats reads the platform's stream, in order.
func (s *subscriber) nats(ctx context.Context, servers string) error {
	conn, err := nats.Connect(servers, nats.Name("digitalpost subscribe"))
	if err != nil {
		return fmt.Errorf("%s: %w", servers, err)
	}
	defer conn.Close()

	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}

	stream, err := js.Stream(ctx, reactions.StreamName(s.copy.platform))
	if err != nil {
		return fmt.Errorf("%s: %w", reactions.StreamName(s.copy.platform), err)
	}

	c, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	messages, err := c.Messages()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, messages.Stop)()

	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}

		if err := s.told(m.Data()); err != nil {
			return err
		}
	}
}
