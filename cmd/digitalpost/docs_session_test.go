package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// program makes a command of this test's binary, which is the program if the environment says so.
func program(args, env []string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), "DIGITALPOST_TEST_AS_PROGRAM=1"), env...)
	return cmd
}

// demo starts what make run starts, on a port of its own, and gives its address once the story has been told.
func demo(t *testing.T, data string) (url string) {
	t.Helper()
	cmd := program([]string{"demo", "--data", data, "--listen", "127.0.0.1:0"}, nil)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})

	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := regexp.MustCompile(`--url (\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			return url
		}
	}
	t.Fatal("the story was not told to its end")
	return ""
}

// README's session runs as it stands there, and shows what it says.
func TestSessionRuns(t *testing.T) {
	want := map[string][]string{
		"send":   {"RECEIVED", "COMPLETED"},
		"inbox":  {"unread  INBOX", "Tilbud om plads i daginstitution"},
		"replay": {"mailbox.message-delivered", "owner on eboks"},
		"verify": {"sound: "},

		"subscribe": {"mailbox.mailbox-visible", "rows"},
	}
	_, session, _ := strings.Cut(pages(t)[readme], "\n## A minute with it\n")
	session, _, _ = strings.Cut(session, "\n## ")

	data := t.TempDir() + "/var"
	url := demo(t, data)
	ran := map[string]int{}
	for _, line := range strings.Split(session, "\n") {
		rest, ok := strings.CutPrefix(line, "go run ./cmd/digitalpost ")
		if !ok {
			continue
		}
		args := strings.Fields(strings.NewReplacer(`"`, "", "./var", data).Replace(rest))
		out, err := program(args, []string{"DIGITALPOST_URL=" + url}).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		ran[args[0]]++
		for _, text := range want[args[0]] {
			if !strings.Contains(string(out), text) {
				t.Errorf("%s shows no %q:\n%s", line, text, out)
			}
		}
	}
	for command := range want {
		if ran[command] == 0 {
			t.Errorf("README's session has no %s", command)
		}
	}
}
