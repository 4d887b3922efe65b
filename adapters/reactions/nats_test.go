package reactions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/reactions"
	"digitalpost/adapters/server/servertest"
)

// accounts is the example of docs/operating.md: the backbone publishes, each platform sees what is exported to it, by a
// consumer that was made for it and delivers to it.
const accounts = `
jetstream { store_dir: %q }
listen: 127.0.0.1:%d
accounts {
  POST: {
    jetstream: enabled
    users: [ { user: backbone, password: made-up-backbone } ]
    exports: [
      { stream: "to.eboks.events", accounts: [EBOKS] }
      { service: "$JS.ACK.DIGITALPOST_PLATFORM_EBOKS.eboks.>", accounts: [EBOKS] }
      { stream: "to.mitdk.events", accounts: [MITDK] }
      { service: "$JS.ACK.DIGITALPOST_PLATFORM_MITDK.mitdk.>", accounts: [MITDK] }
    ]
  }
  EBOKS: {
    users: [ { user: eboks, password: made-up-eboks } ]
    imports: [
      { stream: { account: POST, subject: "to.eboks.events" } }
      { service: { account: POST, subject: "$JS.ACK.DIGITALPOST_PLATFORM_EBOKS.eboks.>" } }
    ]
  }
  MITDK: {
    users: [ { user: mitdk, password: made-up-mitdk } ]
    imports: [
      { stream: { account: POST, subject: "to.mitdk.events" } }
      { service: { account: POST, subject: "$JS.ACK.DIGITALPOST_PLATFORM_MITDK.mitdk.>" } }
    ]
  }
}
`

// natsServer starts a real server; port 0: a free one.
func natsServer(t testing.TB, dir string, port int) *natsserver.Server {
	t.Helper()
	if port == 0 {
		port = -1
	}
	file := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, accounts, filepath.Join(dir, "js"), port), 0o600); err != nil {
		t.Fatal(err)
	}
	options, err := natsserver.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	options.NoSigs, options.NoLog = true, true
	s, err := natsserver.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	return s
}

func as(t testing.TB, s *natsserver.Server, user string) *nats.Conn {
	t.Helper()
	c, err := nats.Connect(s.ClientURL(), nats.UserInfo(user, "made-up-"+user), nats.MaxReconnects(-1),
		nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// stored gives the ids of the events in a platform's stream, in order.
func stored(t *testing.T, c *nats.Conn, platform string) (ids []string) {
	t.Helper()
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), reactions.StreamName(platform))
	if err != nil {
		return nil
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq && info.State.Msgs > 0; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		var e struct {
			ID   string
			Data struct{ MailboxID string }
		}
		if json.Unmarshal(m.Data, &e) != nil || m.Subject != reactions.Subjects(platform)+e.Data.MailboxID ||
			m.Header.Get("Nats-Msg-Id") != platform+":"+e.ID || m.Header.Get("Digitalpost-Position") == "" ||
			m.Header.Get("Digitalpost-Version") == "" {
			t.Errorf("message %d: %s %v %s", seq, m.Subject, m.Header, m.Data)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

// Each platform's stream has what its feed tells, in order and once, though the NATS server and the backbone end in
// between.
func TestNATSHasWhatTheFeedTells(t *testing.T) {
	dir := t.TempDir()
	s := natsServer(t, dir, 0)
	url := strings.Replace(s.ClientURL(), "nats://", "nats://backbone:made-up-backbone@", 1)
	port := s.Addr().String()[strings.LastIndex(s.Addr().String(), ":")+1:]
	w := servertest.StartWith(t, servertest.Config{Reactions: func(r *reactions.Reactions, b *backbone.Backbone) error {
		return r.NATS(b, reactions.NATS{URL: url})
	}})
	w.User(0, "eboks").See()
	begins := func() bool {
		js, _ := jetstream.New(as(t, s, "backbone"))
		_, err := js.Stream(t.Context(), reactions.StreamName("virkdk"))
		return err == nil
	}
	servertest.Eventually(t, "there are streams", begins)
	time.Sleep(200 * time.Millisecond) // all six are there, and stand at the log's end
	begun := fmt.Sprint(len(w.Records()))

	for i := range 12 {
		w.Send(fmt.Sprintf("Brev %d", i))
		switch i {
		case 4:
			s.Shutdown()
			s.WaitForShutdown()
		case 6:
			var p int
			fmt.Sscan(port, &p)
			s = natsServer(t, dir, p)
		case 8:
			w.Stop()
			w.Start()
		}
	}
	t.Cleanup(s.Shutdown)

	want := feed(t, w, "eboks", begun)
	conn := as(t, s, "backbone")
	ok := servertest.Soon(func() bool { return len(stored(t, conn, "eboks")) >= len(want) })
	if got := stored(t, conn, "eboks"); !ok || !slices.Equal(got, want) || len(want) < 12 {
		t.Errorf("the stream has %v, the feed tells %v", got, want)
	}
	if other := stored(t, conn, "mitdk"); len(other) > 0 {
		t.Errorf("mit.dk, where nobody reads, has %v", other)
	}
}

// With the accounts of the example e-Boks is refused whatever would let it see mit.dk's stream, and takes its own.
func TestNATSAccountsKeepPlatformsApart(t *testing.T) {
	s := natsServer(t, t.TempDir(), 0)
	t.Cleanup(s.Shutdown)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	js, err := jetstream.New(as(t, s, "backbone"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"eboks", "mitdk"} {
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{
			Name: reactions.StreamName(p), Subjects: []string{reactions.Subjects(p) + "*"},
		})
		if err == nil { // the consumer that the operator makes for the platform
			_, err = js.CreatePushConsumer(ctx, reactions.StreamName(p), jetstream.ConsumerConfig{
				Durable: p, DeliverSubject: "to." + p + ".events", AckPolicy: jetstream.AckExplicitPolicy,
			})
		}
		if err == nil {
			_, err = js.Publish(ctx, reactions.Subjects(p)+"box", []byte(p))
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	eboks := as(t, s, "eboks")
	own, err := eboks.SubscribeSync("to.eboks.events")
	if err != nil {
		t.Fatal(err)
	}
	others, err := eboks.SubscribeSync(">")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := js.Publish(ctx, reactions.Subjects("mitdk")+"box", []byte("mitdk")); err != nil {
			t.Fatal(err)
		}
	}
	m, err := own.NextMsg(10 * time.Second)
	if err != nil || string(m.Data) != "eboks" {
		t.Fatalf("e-Boks is delivered %v, %v", m, err)
	}
	if err := m.AckSync(); err != nil {
		t.Errorf("e-Boks acknowledges its own: %v", err)
	}

	stream := reactions.StreamName("mitdk")
	for _, subject := range []string{
		"$JS.API.STREAM.INFO." + stream, "$JS.API.STREAM.MSG.GET." + stream, "$JS.API.DIRECT.GET." + stream,
		"$JS.API.DIRECT.GET." + stream + "." + reactions.Subjects("mitdk") + "box",
		"$JS.API.CONSUMER.CREATE." + stream + ".x", "$JS.API.CONSUMER.CREATE." + stream + ".x.>",
		"$JS.API.CONSUMER.DURABLE.CREATE." + stream + ".x", "$JS.API.CONSUMER.MSG.NEXT." + stream + ".mitdk",
		"$JS.API.STREAM.NAMES", "$JS.API.CONSUMER.LIST." + stream, "$JS.API.STREAM.PURGE." + stream,
	} {
		body := fmt.Sprintf(
			`{"seq":1,"stream_name":%q,"config":{"deliver_subject":"mine","filter_subject":">"}}`, stream)
		if m, err := eboks.Request(subject, []byte(body), 500*time.Millisecond); err == nil {
			if !strings.Contains(string(m.Data), "error") {
				t.Errorf("e-Boks asks %s: %s", subject, m.Data)
			}
		}
	}
	for {
		m, err := others.NextMsg(500 * time.Millisecond)
		if err != nil {
			break
		}
		if strings.Contains(string(m.Data), "mitdk") {
			t.Errorf("e-Boks sees %s on %s", m.Data, m.Subject)
		}
	}
}
