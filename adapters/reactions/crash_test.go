package reactions_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"digitalpost/adapters/reactions"
	"digitalpost/domain"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/projections/engine"
)

// The events of the test's log, and its results. They are of no Digital Post: nothing here decodes them.
const (
	happened eventstore.Kind = "test"
	resulted eventstore.Kind = "result"
	order                    = 16 // mailboxes
)

// A poster is a source whose effects are posted to receivers that remember every key.
type poster struct {
	store *filestore.Store
	url   string
}

func (poster) Kind() string { return "test" }

func (p poster) Plan(_ context.Context, rec *engine.Entry) ([]reactions.Effect, error) {
	if rec.Stream.Kind != happened {
		return nil, nil
	}
	n := binary.BigEndian.Uint64(rec.Data)
	e := reactions.Effect{
		Receiver: fmt.Sprintf("r%d", n%3), Thing: rec.ID, Key: fmt.Sprintf("%x", rec.ID[:]),
	}
	e.Order[15] = byte(n % order)

	return []reactions.Effect{e}, nil
}

func (p poster) Do(ctx context.Context, e reactions.Effect) error {
	body := fmt.Sprintf("%d %d", e.Order[15], e.Position)
	req, err := http.NewRequestWithContext(ctx, "POST", p.url+"/"+e.Receiver, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	req.Header.Set("Idempotency-Key", e.Key)

	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}

	return nil
}

// Done appends the result to a stream of its own, once.
func (p poster) Done(ctx context.Context, e reactions.Effect, failed error) error {
	stream := eventstore.Stream{Kind: resulted, ID: e.Thing}
	_, err := p.store.Append(ctx, stream, 0, eventstore.NewEvent{
		Type: "test.resulted", Data: []byte{1},
		Meta: eventstore.Meta{Command: domain.DeriveID("result", e.Thing[:]), Causation: e.Position},
	})
	if errors.Is(err, eventstore.ErrConflict) {
		return nil
	}

	return err
}

// TestMain is the process that is killed, if the environment says so.
func TestMain(m *testing.M) {
	if dir := os.Getenv("REACTIONS_DIR"); dir != "" {
		if err := react(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// react runs reactions until it is killed.
func react(dir string) error {
	store, err := filestore.Open(filepath.Join(dir, "log"), filestore.Config{})
	if err != nil {
		return err
	}

	cfg := reactions.Config{
		Dir: dir, Log: store, Sources: []reactions.Source{poster{store, os.Getenv("REACTIONS_URL")}},
		Logger:          slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		CheckpointFirst: os.Getenv("REACTIONS_FIRST") != "",
	}
	if at := os.Getenv("REACTIONS_FAIL"); at != "" {
		cfg.Fail = func(step string) {
			if step == at {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
	}
	if _, err := reactions.Open(cfg); err != nil {
		return err
	}
	select {}
}

// A remembering server keeps every key that it was sent, and how many times it was new.
type remembering struct {
	mu    sync.Mutex
	keys  map[string]int
	last  map[string]uint64 // by receiver and order: the last position that was new
	order []string          // what came out of order
}

func (s *remembering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var of, at uint64
	fmt.Fscan(r.Body, &of, &at)
	s.mu.Lock()
	key := r.Header.Get("Idempotency-Key")
	s.keys[key]++
	if lane := fmt.Sprintf("%s %d", r.URL.Path, of); s.keys[key] == 1 {
		if at < s.last[lane] {
			s.order = append(s.order, fmt.Sprintf("%s: %d after %d", lane, at, s.last[lane]))
		}
		s.last[lane] = at
	}
	n := len(s.keys)
	s.mu.Unlock()

	if n%97 == 0 && s.count(key) < 3 { // took it in, and says that it has not
		w.WriteHeader(http.StatusBadGateway)
	}
}

func (s *remembering) count(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.keys[key]
}

func (s *remembering) arrived() int {
	s.mu.Lock()
	defer s.mu.Unlock()

	return len(s.keys)
}

// child starts the process that is killed.
func child(t *testing.T, dir, url string, env ...string) *exec.Cmd {
	t.Helper()

	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), append(env, "REACTIONS_DIR="+dir, "REACTIONS_URL="+url)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	return cmd
}

// someLog makes a log of n events in a directory.
func someLog(t *testing.T, dir string, n int) {
	t.Helper()

	store, err := filestore.Open(filepath.Join(dir, "log"), filestore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const at = 100
	for i := 0; i < n; i += at {
		var events []eventstore.NewEvent
		for k := range at {
			events = append(events, eventstore.NewEvent{
				Type: "test.happened", Data: binary.BigEndian.AppendUint64(nil, uint64(i+k)),
				Meta: eventstore.Meta{Command: domain.DeriveID("c", fmt.Append(nil, i))},
			})
		}
		stream := eventstore.Stream{Kind: happened, ID: domain.DeriveID("s", fmt.Append(nil, i))}
		if _, err := store.Append(t.Context(), stream, 0, events...); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// results counts the results in the log, by thing.
func results(t *testing.T, dir string) (n, twice int) {
	t.Helper()

	log, err := filestore.OpenBeside(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	of := map[[16]byte]int{}
	for rec, err := range log.ReadAll(0) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Stream.Kind == resulted {
			of[rec.Stream.ID]++
		}
	}
	for _, k := range of {
		if k > 1 {
			twice++
		}
	}

	return len(of), twice
}

// In the middle of 10,000 effects the process is killed again and again: every effect arrives, none has two results,
// and those of one receiver and mailbox are new to it in the order of their events.
func TestKilledInTheMiddle(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	dir := t.TempDir()
	someLog(t, dir, n)
	receivers := &remembering{keys: map[string]int{}, last: map[string]uint64{}}
	srv := httptest.NewServer(receivers)
	defer srv.Close()

	kills, repeated := 0, 0
	deadline := time.Now().Add(4 * time.Minute)
	for {
		cmd := child(t, dir, srv.URL)
		time.Sleep(time.Duration(100+rand.IntN(500)) * time.Millisecond)
		all := receivers.arrived() == n
		for all && time.Now().Before(deadline) { // the last run ends what it has begun
			if done, _ := results(t, dir); done == n {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		cmd.Process.Kill()
		cmd.Wait()
		kills++

		if all || time.Now().After(deadline) {
			break
		}
	}

	for _, k := range receivers.keys {
		if k > 1 {
			repeated++
		}
	}
	done, twice := results(t, dir)
	if receivers.arrived() != n || done != n || twice != 0 {
		t.Errorf("after %d kills: %d of %d effects arrived, %d have a result, %d more than one",
			kills, receivers.arrived(), n, done, twice)
	}

	if len(receivers.order) > 0 {
		t.Errorf("%d out of order, such as %s", len(receivers.order), receivers.order[0])
	}

	if kills < 5 || repeated == 0 {
		t.Errorf("%d kills and %d effects that were tried twice: too few to show anything", kills, repeated)
	}
	t.Logf("%d effects, %d kills, %d tried more than once", n, kills, repeated)
}

// With the position written before the effects, a kill in between loses what was planned. This is the negative control
// of TestKilledInTheMiddle.
func TestCheckpointFirstLoses(t *testing.T) {
	const n = 1000
	for _, first := range []bool{false, true} {
		dir := t.TempDir()
		someLog(t, dir, n)
		receivers := &remembering{keys: map[string]int{}, last: map[string]uint64{}}
		srv := httptest.NewServer(receivers)

		env := []string{"REACTIONS_FAIL=planned"}
		if first {
			env = append(env, "REACTIONS_FIRST=1")
		}
		child(t, dir, srv.URL, env...).Wait()
		cmd := child(t, dir, srv.URL)
		for end := time.Now().Add(20 * time.Second); receivers.arrived() < n && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
			if first && time.Until(end) < 17*time.Second {
				break
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		srv.Close()

		if lost := receivers.arrived() < n; lost != first {
			t.Errorf("position first %v: %d of %d arrived", first, receivers.arrived(), n)
		}
	}
}
