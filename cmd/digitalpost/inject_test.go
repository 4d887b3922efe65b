package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"digitalpost/adapters/server/servertest"
)

// A sequence is what the server does on disk in steps that belong together: each of its calls is made to fail once.
type sequence struct {
	name  string
	paths []string // in the data directory, or beside it; none: all that the process touches
	calls []string // the system calls that make its steps
	most  int      // of each call, so many are made to fail, one a run
	least int      // so many different calls it has
	ends  bool     // it is the server's end
	begin bool     // it is the server's next start, after a kill
	do    func(*injected)
}

// writes are the calls that change what is on disk.
var writes = []string{
	"openat", "write", "pwrite64", "ftruncate", "fallocate", "fsync", "fdatasync", "renameat", "unlinkat", "linkat",
}

// sequences are those that a server comes to.
var sequences = []sequence{
	{name: "keys roll", paths: []string{"var", "var/keys-1.db", "var/keys-2.db", "var/keys-2.db.tmp"},
		calls: writes, most: 3, least: 5, do: (*injected).roll},
	{name: "keys roll, the folder", paths: []string{"var"}, calls: []string{"fsync"}, most: 3, least: 1,
		do: (*injected).roll},
	{name: "epoch keys", paths: []string{"var.keys", "var.keys/epoch", "var.keys/epoch/1.key", "var.keys/epoch/2.key",
		"var.keys/epoch/2.key.tmp"}, calls: writes, most: 3, least: 5, do: (*injected).roll},
	{name: "views", paths: []string{"var/views", "var/views/mailboxes.view", "var/views/receipts.view"},
		calls: writes, most: 2, least: 3, do: (*injected).flush},
	{name: "a view anew", paths: []string{"var/views", "var/views/receipts.view", "var/views/receipts.view.new"},
		calls: writes, most: 3, least: 6, do: (*injected).rebuild},
	{name: "packs", paths: []string{"var/packs", "var/packs/pack-000001", "var/packs/pack-000002"},
		calls: writes, most: 2, least: 2, do: (*injected).send},
	{name: "large documents", calls: []string{"openat", "renameat", "fsync", "fdatasync", "pwrite64"}, most: 3,
		least: 4, do: (*injected).large},
	{name: "the log", paths: []string{"var/log", "var/log/log-00000000000000000001", "var/log/DURABLE"},
		calls: writes, most: 2, least: 2, do: (*injected).send},
	{name: "the end", paths: []string{"var/log", "var/log/HEADS", "var/log/HEADS.tmp", "var/log/DURABLE",
		"var/views/mailboxes.view"}, calls: writes, most: 3, ends: true, do: (*injected).end},
	{name: "the beginning", paths: []string{"var/log", "var/log/log-00000000000000000001", "var/log/DURABLE",
		"var/log/HEADS", "var/keys-1.db", "var/views/mailboxes.view", "var/views"},
		calls: writes, most: 4, least: 3, begin: true},
}

// An injected server runs while one call of one sequence fails.
type injected struct {
	t        *testing.T
	dir      string // of var and var.keys
	c        *child
	w        *servertest.World
	officer  *servertest.Client // signed in before anything fails
	accepted []string           // labels
	sent     int
	trace    *trace
	mandate  string // what was opened, if it was
}

const mandates = "/apis/v1/mandates/"

// Every system call of every sequence of steps on disk fails once, with an I/O error, in a server that serves. It goes
// on, or ends so that opening again is the repair: nothing that was accepted is lost, and all is sound.
func TestEachCallFailsOnce(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not here: no system call can be made to fail")
	}
	for _, s := range sequences {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			reached, long := map[string]bool{}, rounds(0, 1) == 1
			for _, call := range s.calls {
				if !long && (call == "openat" || call == "write" || call == "ftruncate") {
					continue
				}
				for nth := 1; nth <= rounds(1, s.most); nth++ {
					hit, what := s.failing(t, call, nth, false)
					if !hit {
						break
					}
					if long || call == "renameat" {
						s.failing(t, call, nth, true)
					}
					t.Logf("%s %d: %s", call, nth, what)
					reached[call] = true
				}
			}
			if long && len(reached) < s.least || len(reached) == 0 {
				t.Errorf("only %v were made to fail", slices.Collect(maps.Keys(reached)))
			}
		})
	}
}

// rounds is few, or many in a long run.
func rounds(few, many int) int {
	if os.Getenv("LONG") != "" {
		return many
	}
	return few
}

// failing makes the nth such call fail, and checks what is left; again has the server do the whole once more before
// that, with what the first has left. It reports whether there was one, and what the server did then.
func (s sequence) failing(t *testing.T, call string, nth int, again bool) (hit bool, what string) {
	t.Helper()
	dir := t.TempDir()
	in := &injected{t: t, dir: dir, c: spawn(t, filepath.Join(dir, "var"))}
	in.w = servertest.At(t, filepath.Join(dir, "var"), in.c.url)
	in.officer = in.w.Officer()
	in.send()
	if len(in.accepted) != 1 {
		t.Fatal("a letter is not accepted before anything fails")
	}

	if s.begin {
		in.c.kill()
		in.trace = in.start(s.paths, call, nth)
	} else {
		in.trace = in.attach(s.paths, call, nth)
		s.do(in)
	}
	if s.ends {
		in.gone(true)
	}
	if hit = in.trace.hit(); !hit {
		in.c.kill()
		return false, ""
	}
	if !s.ends && in.c.url != "" {
		in.send() // whatever the answer is: what is accepted must be there
		in.enter()
		if s.do != nil && again {
			s.do(in)
		}
	}
	what = "goes on: "
	if in.gone(s.ends) {
		what = "has ended: "
	}

	in.reopen()
	if t.Failed() {
		t.Logf("%s %d\n%s\n%s", call, nth, in.trace.line, &in.c.said)
	}
	return true, what + strings.TrimSpace(in.trace.line)
}

func (in *injected) roll() {
	roll := rollCmd{dataFlags: dataFlags{Data: filepath.Join(in.dir, "var")}}
	if err := roll.Run(); err != nil {
		in.t.Logf("roll: %v", err)
	}
}

func (in *injected) rebuild() {
	rebuild := rebuildCmd{dataFlags: dataFlags{Data: filepath.Join(in.dir, "var")}}
	if err := rebuild.Run(); err != nil {
		in.t.Logf("rebuild: %v", err)
	}
}

func (in *injected) flush() {
	in.send()
	for until := time.Now().Add(2 * flushInterval); time.Now().Before(until) && !in.trace.found(); {
		time.Sleep(10 * time.Millisecond)
	}
}

func (in *injected) send() { in.letter("Hej") }

func (in *injected) large() { in.letter(strings.Repeat("Hej ", 1<<20)) }

func (in *injected) end() { in.c.Process.Signal(unix.SIGTERM) }

// enter has an officer open a mandate: what they say is sealed by a key that is new.
func (in *injected) enter() {
	in.t.Helper()
	status, _, answer := in.officer.Status("POST", mandates, `{"purpose":"Tilsyn","caseNumber":"2026-1"}`)
	if status == 201 {
		in.mandate = servertest.Parse(answer).Text("id")
	} else if status != 503 && status != 0 {
		in.t.Errorf("a mandate is answered %d", status)
	}
}

// letter sends one, and notes what came of it.
func (in *injected) letter(text string) {
	in.sent++
	label := fmt.Sprint("Brev ", in.sent)
	uuid := servertest.NewUUID()
	xml := strings.NewReader(in.w.Letter(uuid, label, text))
	r, err := in.w.Sender.Do("POST", servertest.PostPath(uuid), xml, nil, servertest.AsXML...)
	switch {
	case err == nil:
		in.accepted = append(in.accepted, label)
	case r != nil && r.StatusCode != 503:
		in.t.Errorf("a MeMo is answered %d", r.StatusCode)
	}
}

// gone reports whether the process has ended by itself; else it ends it, by a kill.
func (in *injected) gone(soon bool) bool {
	done := make(chan bool, 1)
	go func() { in.c.Wait(); done <- true }()
	wait := time.Second / 2
	if soon {
		wait = 20 * time.Second
	}
	select {
	case <-done:
		return true
	case <-time.After(wait):
		in.c.Process.Kill()
		<-done
		return false
	}
}

// reopen starts the server again, with nothing failing, and looks for all that was accepted.
func (in *injected) reopen() {
	in.t.Helper()
	data := filepath.Join(in.dir, "var")
	c := spawn(in.t, data)
	if c.url == "" {
		in.t.Error("it does not start again")
		return
	}
	in.w.Move(c.url)
	me := in.w.User(0, "app")
	seen := map[string]bool{}
	for _, m := range me.See().Messages {
		seen[m.Label] = true
		if m.Content() == "" {
			in.t.Errorf("%s has no content", m.Label)
		}
	}
	for _, label := range in.accepted {
		if !seen[label] {
			in.t.Errorf("%s was accepted, and is not there", label)
		}
	}

	if in.mandate != "" {
		in.w.Officer().Want(200, "Tilsyn", "GET", mandates+in.mandate, "")
	}

	in.w.Send("Efter")
	if me.Find("Efter"); in.t.Failed() {
		return
	}
	c.end()
	isSound(in.t, data)
}

// A trace makes a call of a process fail.
type trace struct {
	cmd  *exec.Cmd
	out  string
	line string // that says which failed
	over chan struct{}
}

// attach makes the nth such call that touches one of the paths fail, once it returns.
func (in *injected) attach(paths []string, call string, nth int) *trace {
	in.t.Helper()
	tr := &trace{out: filepath.Join(in.dir, "trace"), over: make(chan struct{})}
	args := in.failingAt(tr, paths, call, nth)
	tr.cmd = exec.Command("strace", append(args, "-p", strconv.Itoa(in.c.Process.Pid))...)
	said, err := tr.cmd.StderrPipe()
	if err == nil {
		err = tr.cmd.Start()
	}
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(tr.end)

	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "attached") {
			go func() {
				for lines.Scan() {
				}
			}()
			go tr.once()
			return tr
		}
		if !strings.Contains(lines.Text(), "Requested path") {
			in.t.Log(lines.Text())
		}
	}
	in.t.Skip("strace attaches to no process here")
	return nil
}

// start starts the server anew, and makes a call of its start fail.
func (in *injected) start(paths []string, call string, nth int) *trace {
	in.t.Helper()
	tr := &trace{out: filepath.Join(in.dir, "trace"), over: make(chan struct{})}
	args := append([]string{"-D"}, in.failingAt(tr, paths, call, nth)...) // -D: the child is the server, not strace
	serve := command("serve", "--dev", "--data", filepath.Join(in.dir, "var"), "--listen", "127.0.0.1:0", "--admin=")
	cmd := exec.Command("strace", append(args, serve.Args...)...)
	cmd.Env = serve.Env
	if in.c = started(in.t, cmd); in.c.url != "" {
		in.w.Move(in.c.url)
	}
	return tr
}

// failingAt are strace's arguments.
func (in *injected) failingAt(tr *trace, paths []string, call string, nth int) []string {
	args := []string{"-f", "-o", tr.out, "-e", "trace=" + call,
		"-e", fmt.Sprintf("inject=%s:error=EIO:when=%d", call, nth)}
	for _, p := range paths {
		args = append(args, "-P", filepath.Join(in.dir, p))
	}
	return args
}

// once lets the process go as soon as a call has failed: the next ones succeed.
func (tr *trace) once() {
	for !tr.found() {
		select {
		case <-tr.over:
			return
		case <-time.After(time.Millisecond):
		}
	}
	tr.cmd.Process.Kill()
}

// found looks for a call that has failed.
func (tr *trace) found() bool {
	b, _ := os.ReadFile(tr.out)
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "(INJECTED)") {
			return true
		}
	}
	return false
}

// hit ends the trace, and reports whether a call has failed.
func (tr *trace) hit() bool {
	if tr.cmd != nil {
		tr.end()
	}
	b, _ := os.ReadFile(tr.out)
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "(INJECTED)") {
			_, tr.line, _ = strings.Cut(line, " ")
			return true
		}
	}
	return false
}

func (tr *trace) end() {
	select {
	case <-tr.over:
		return
	default:
		close(tr.over)
	}
	tr.cmd.Process.Kill() // SIGINT can wait for ever for a process that is just ending
	tr.cmd.Wait()
}
