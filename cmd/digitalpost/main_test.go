package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// asProgram in the environment makes the test binary the program.
const asProgram = "DIGITALPOST_TEST_AS_PROGRAM=1"

// TestMain lets the test binary be the program, so that tests can kill a real process.
func TestMain(m *testing.M) {
	if os.Getenv("DIGITALPOST_TEST_AS_PROGRAM") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// start runs the server in this process, in development mode, as serve does.
func start(t testing.TB) *servertest.World {
	t.Helper()
	dev := func(data string, log io.Writer) (string, func() error, error) {
		c := serveCmd{dataFlags: dataFlags{Data: data}, Dev: true, Listen: "127.0.0.1:0"}
		s, stop, err := launch(c, log)
		return s.URL, stop, err
	}
	return servertest.StartWith(t, servertest.Config{Launch: dev})
}

// startWithAdmin is start, and gives the address of what is for operators' tools.
func startWithAdmin(t testing.TB) (w *servertest.World, admin string) {
	t.Helper()
	dev := func(data string, log io.Writer) (string, func() error, error) {
		c := serveCmd{
			dataFlags: dataFlags{Data: data}, Dev: true, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0",
		}
		s, stop, err := launch(c, log)
		admin = s.Admin
		return s.URL, stop, err
	}
	w = servertest.StartWith(t, servertest.Config{Launch: dev})

	return w, admin
}

// metricsOf gives what the metrics say.
func metricsOf(t testing.TB, admin string) string {
	t.Helper()
	r, err := http.Get(admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 || !strings.Contains(string(b), "digitalpost_") {
		t.Fatalf("metrics: %d, %v: %.200s", r.StatusCode, err, b)
	}

	return string(b)
}

// launch runs the server in this process until stop is called.
func launch(c serveCmd, log io.Writer) (s instance, stop func() error, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan instance, 1), make(chan error, 1)
	go func() { done <- run(ctx, c, log, func(s instance) { ready <- s }) }()
	select {
	case s := <-ready:
		return s, func() error { cancel(); return <-done }, nil
	case err := <-done:
		cancel()
		return instance{}, nil, err
	}
}

// command is one of the program's commands, in a process of its own.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram)
	return cmd
}

// A child is a server in a process of its own.
type child struct {
	*exec.Cmd
	url  string         // empty: it died before it served
	said servertest.Log // what it wrote to its standard error
}

// spawn starts the program in development mode on a data directory; env names a step to die at. It is killed with the
// test.
func spawn(t *testing.T, data string, env ...string) *child {
	t.Helper()
	return started(t, command("serve", "--dev", "--data", data, "--listen", "127.0.0.1:0", "--admin="), env...)
}

// spawnWith is spawn, after a line of sh, such as a limit, and with more flags.
func spawnWith(t *testing.T, line, data string, flags []string) *child {
	t.Helper()
	serve := []string{os.Args[0], "serve", "--dev", "--data", data, "--listen", "127.0.0.1:0", "--admin="}
	serve = append(serve, flags...)
	cmd := exec.Command("sh", append([]string{"-c", line + ` && exec "$0" "$@"`}, serve...)...)
	cmd.Env = append(os.Environ(), asProgram)

	return started(t, cmd)
}

func started(t *testing.T, cmd *exec.Cmd, env ...string) *child {
	t.Helper()
	c := &child{Cmd: cmd}
	c.Env = append(c.Env, env...)
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)

	url := make(chan string, 1)
	go func() {
		defer close(url)
		for lines := bufio.NewScanner(io.TeeReader(out, &c.said)); lines.Scan(); {
			if _, after, ok := strings.Cut(lines.Text(), "Listening on "); ok {
				addr, _, _ := strings.Cut(after, ",")
				url <- addr
			}
		}
	}()
	c.url = <-url
	return c
}

// kill ends the process as a power cut would, and waits until it has gone.
func (c *child) kill() {
	c.Process.Kill()
	c.Wait()
}
