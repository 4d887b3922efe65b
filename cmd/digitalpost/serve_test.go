package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// The story that make run tells is told to its end.
func TestStoryIsTold(t *testing.T) {
	t.Parallel()
	w := start(t)
	var out bytes.Buffer
	if err := story(&out, w.URL, w.Data); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"read, in Børn", "read, in DELETED", "COMPLETED", "mailbox.message-delivered", "looks.content-opened",
		"COMPLETED, Sag 2026-117", "mailbox.message-sent",
		"her telephone says: You have new Digital Post. Log on to lifeindenmark.dk", "posted it, at its webhook",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the story does not say %q:\n%s", want, out.String())
		}
	}
}

// A server that is only half configured does not start, and says what is missing.
func TestHalfConfiguredIsRefused(t *testing.T) {
	t.Parallel()
	const listen, issuer = "127.0.0.1:0", "http://127.0.0.1:1"
	in := func(data string) dataFlags { return dataFlags{Data: data} }
	for want, c := range map[string]serveCmd{
		"--issuer": {dataFlags: in(t.TempDir()), Listen: listen},
		"--tls-key": {
			dataFlags: dataFlags{Data: t.TempDir(), Keys: "/tmp/x"}, Listen: listen, Issuer: issuer,
			Clients: map[string]string{"a": "app"}, TLSCert: "/tmp/x", ClientCA: "/tmp/x",
		},
		"--dev":    {dataFlags: in(t.TempDir()), Dev: true, Issuer: issuer, Listen: listen},
		"loopback": {dataFlags: in(t.TempDir()), Dev: true, Listen: "0.0.0.0:0"},
		"--listen": {dataFlags: in(t.TempDir()), Dev: true, Listen: "here"},
		"--keys":   {dataFlags: dataFlags{Data: "/tmp/x", Keys: "/tmp/x/keys"}, Dev: true, Listen: listen},
	} {
		if err := run(t.Context(), c, io.Discard, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("run = %v, want an error that says %s", err, want)
		}
	}
}

// The help of every flag and command is there: what its tag names is put in.
func TestHelpIsWhole(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "serve", "rebuild", "keys", "system", "system add"} {
		out, err := command(append(strings.Fields(args), "--help")...).CombinedOutput()
		if err != nil || strings.Contains(string(out), "${") {
			t.Errorf("%s --help: %v\n%s", args, err, out)
		}
	}
}

// SIGTERM ends the server with exit code 0, and a second server on the same data is told who has it.
func TestSecondServerAndSIGTERM(t *testing.T) {
	t.Parallel()
	data := t.TempDir() + "/var"
	first := spawn(t, data)
	out, err := command("serve", "--dev", "--data", data, "--listen", "127.0.0.1:0", "--admin=").CombinedOutput()
	if err == nil || !strings.Contains(string(out), fmt.Sprint("process ", first.Process.Pid)) {
		t.Errorf("second server: %v, %s", err, out)
	}
	first.Process.Signal(os.Interrupt)
	if err := first.Wait(); err != nil {
		t.Errorf("SIGINT: %v", err)
	}
}
