package main

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test binary be the program, so that tests can kill a real process.
func TestMain(m *testing.M) {
	if os.Getenv("DIGITALPOST_TEST_AS_PROGRAM") != "" {
		main()
		return
	}
	flag.Parse()
	looking := newDescribed(http.DefaultTransport)
	http.DefaultTransport = looking
	code := m.Run()
	if !looking.report() && code == 0 {
		code = 1
	}
	os.Exit(code)
}

// child starts the program in development mode on a data directory; env names a step to die at.
func child(t *testing.T, data string, env ...string) (*exec.Cmd, *client) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "serve", "--dev", "--data", data, "--listen", "127.0.0.1:0")
	cmd.Env = append(append(os.Environ(), "DIGITALPOST_TEST_AS_PROGRAM=1"), env...)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	url := make(chan string, 1)
	go func() {
		var all bytes.Buffer
		buf := make([]byte, 4096)
		sent := false
		for {
			n, err := out.Read(buf)
			all.Write(buf[:n])
			if _, after, ok := strings.Cut(all.String(), "http://"); ok && !sent && strings.Contains(after, ",") {
				addr, _, _ := strings.Cut(after, ",")
				url <- "http://" + addr
				sent = true
			}
			if err != nil {
				if !sent {
					url <- ""
				}
				return
			}
		}
	}()
	return cmd, &client{url: <-url}
}

func (c *client) as(d directory, i int) *client {
	return &client{url: c.url, basic: [2]string{d.SenderSystems[i].ID, d.SenderSystems[i].Key}}
}

// Killed at each step of taking a MeMo in, the MeMo gets exactly one outcome once it is there, and the sender's repeat gets the same receipt.
func TestKilledAtEachStepOfIntake(t *testing.T) {
	data := t.TempDir() + "/var"
	first, c := child(t, data)
	d, err := c.directory()
	if err != nil {
		t.Fatal(err)
	}
	first.Process.Kill()
	first.Wait()
	for i, step := range []string{"document written", "event appended", "before outcome", "purge in the log", "leaf forgotten"} {
		cmd, c := child(t, data, "DIGITALPOST_CRASH_AT="+step)
		uuid := newUUID4()
		xml := write(uuid, d.SenderSystems[0].CVR, "Afsender", d.People[0].CPR, fmt.Sprint("Brev ", i), "Hej")
		if c.url != "" { // at the last steps it may die before it serves: forgetting is caught up first
			c.as(d, 0).post(uuid, strings.NewReader(xml))
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: the step was never reached", step)
			cmd.Process.Kill()
			<-done
		}
		cmd, c = child(t, data)
		s := c.as(d, 0)
		r, err := s.post(uuid, strings.NewReader(xml))
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		var final shownReceipt
		for range 100 { // what had no outcome is taken up again at start, beside the first requests
			if final, err = s.final(r.TransmissionID); err != nil || final.ReceiptStatus == "COMPLETED" {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		var list struct{ Receipts []shownReceipt }
		s.do("GET", "/apis/v1/receipts-bulk/?size=1000", nil, nil, &list)
		n := 0
		for _, x := range list.Receipts {
			if x.MessageUUID == uuid {
				n++
			}
		}
		me := &client{url: c.url}
		me.signIn(d.People[0].CPR, "app")
		v, err := me.look()
		seen := 0
		for _, m := range v.messages {
			if m.Label == fmt.Sprint("Brev ", i) {
				seen++
			}
		}
		if err != nil || n != 1 || seen != 1 || final.ReceiptStatus != "COMPLETED" {
			t.Errorf("%s: %d final receipts (%v), %d messages, %v; want one of each", step, n, final, seen, err)
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
	if err := (&verifyCmd{dataFlags{Data: data}}).Run(); err != nil {
		t.Errorf("verify: %v", err)
	}
}

// Killed between the purge's event and the destruction of its keys, the server forgets all the same before it serves again.
func TestKilledBetweenPurgeAndForgetting(t *testing.T) {
	data := t.TempDir() + "/var"
	cmd, c := child(t, data)
	d, err := c.directory()
	if err != nil {
		t.Fatal(err)
	}
	uuid := newUUID4()
	if _, err := c.as(d, 0).post(uuid, strings.NewReader(write(uuid, d.SenderSystems[0].CVR, "A", d.People[0].CPR, "Væk", "Hej"))); err != nil {
		t.Fatal(err)
	}
	me := &client{url: c.url}
	me.signIn(d.People[0].CPR, "app")
	v, _ := me.look()
	path := "/apis/v1/mailboxes/" + v.mailbox + "/messages/" + v.messages[0].ID
	me.status("DELETE", path, nil, "")
	time.Sleep(300 * time.Millisecond) // forgetting of the intake's key is done: the next one is the purge's
	cmd.Process.Kill()
	cmd.Wait()
	cmd, c = child(t, data, "DIGITALPOST_CRASH_AT=deleted")
	me.url = c.url
	me.status("DELETE", path, nil, "")
	cmd.Wait()
	packs, _ := filepath.Glob(filepath.Join(data, "packs", "*"))
	cmd, c = child(t, data)
	me.url = c.url
	if status, _, _ := me.status("GET", path, nil, ""); status != 404 {
		t.Errorf("a purged message answers %d", status)
	}
	b, err := os.ReadFile(packs[0])
	if err != nil || len(bytes.Trim(b, "\x00")) != 0 {
		t.Errorf("the document's bytes are still there (%d), %v", len(bytes.Trim(b, "\x00")), err)
	}
	cmd.Process.Kill()
}

// SIGTERM ends the server with exit code 0, and a second server on the same data is told who has it.
func TestSecondServerAndSIGTERM(t *testing.T) {
	data := t.TempDir() + "/var"
	cmd, _ := child(t, data)
	second := exec.Command(os.Args[0], "serve", "--dev", "--data", data, "--listen", "127.0.0.1:0")
	second.Env = append(os.Environ(), "DIGITALPOST_TEST_AS_PROGRAM=1")
	out, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(out), fmt.Sprint("process ", cmd.Process.Pid)) {
		t.Errorf("second server: %v, %s", err, out)
	}
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGINT: %v", err)
	}
}

func peak(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("no /proc here: peak memory is not known")
	}
	var kb int
	_, after, _ := strings.Cut(string(b), "VmHWM:")
	fmt.Sscanf(after, "%d", &kb)
	return kb
}

// A MeMo of 99.5 MB raises peak memory by less than 32 MB; 16 at once by less than 256 MB. Its last byte is served without the rest.
func TestLargeMeMosAreNotHeld(t *testing.T) {
	data := t.TempDir() + "/var"
	cmd, c := child(t, data)
	d, err := c.directory()
	if err != nil {
		t.Fatal(err)
	}
	s := c.as(d, 0)
	send := func() error {
		uuid := newUUID4()
		head, tail, _ := strings.Cut(write(uuid, d.SenderSystems[0].CVR, "A", d.People[0].CPR, "Stort", "x"), base64.StdEncoding.EncodeToString([]byte("x")))
		size := (99_500_000 - len(head) - len(tail)) / 4 * 4
		r, err := s.post(uuid, io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, int64(size)), strings.NewReader(tail)))
		if err == nil && r.ReceiptStatus != "RECEIVED" {
			err = fmt.Errorf("receipt %v", r)
		}
		return err
	}
	send16 := 16
	if testing.Short() {
		send16 = 2
	}
	base := peak(t, cmd.Process.Pid)
	if err := send(); err != nil {
		t.Fatal(err)
	}
	one := peak(t, cmd.Process.Pid)
	var wg sync.WaitGroup
	for range send16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := send(); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	many := peak(t, cmd.Process.Pid)
	t.Logf("peak memory: %d MB, +%d MB for one of 99.5 MB, +%d MB for %d at once", base>>10, (one-base)>>10, (many-base)>>10, send16)
	if one-base > 32<<10 || many-base > 256<<10 {
		t.Errorf("one raises the peak by %d kB (32 MB allowed), %d by %d kB (256 MB)", one-base, send16, many-base)
	}
	me := &client{url: c.url}
	me.signIn(d.People[0].CPR, "app")
	v, err := me.look()
	if err != nil || len(v.messages) != send16+1 {
		t.Fatalf("%d messages, %v", len(v.messages), err)
	}
	m := v.messages[0]
	status, h, _ := me.status("GET", "/apis/v1/mailboxes/"+v.mailbox+"/messages/"+m.ID+"/documents/"+m.Documents[0].ID+"/files/"+m.Documents[0].Files[0].ID+"/content", map[string]string{"Range": "bytes=-1"}, "")
	if status != http.StatusPartialContent || h.Get("Content-Length") != "1" {
		t.Errorf("last byte: %d, %v", status, h)
	}
	uuid := newUUID4()
	status, _, body := s.status("POST", postPath(uuid), asXML, write(uuid, d.SenderSystems[0].CVR, "A", d.People[0].CPR, "For stort", strings.Repeat("x", 75_000_000)))
	if status != 413 {
		t.Errorf("over 99,500,000 bytes: %d %.200s", status, body)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

// Killed between a number's root and the mailbox's first event, the next registration opens the mailbox: one number, one mailbox.
func TestKilledBetweenRootAndOpening(t *testing.T) {
	data := t.TempDir() + "/var"
	cmd, c := child(t, data, "DIGITALPOST_CRASH_AT=root written")
	if cmd.Wait(); c.url != "" {
		t.Fatal("it served, though the first made-up person's registration kills it")
	}
	_, c = child(t, data)
	d, err := c.directory()
	if err != nil || len(d.People) != 5 {
		t.Fatalf("%d people, %v; want 5", len(d.People), err)
	}
	boxes := map[string]bool{}
	for _, p := range d.People {
		boxes[p.Mailbox] = true
	}
	if len(boxes) != 5 {
		t.Errorf("%d mailboxes for 5 people", len(boxes))
	}
}

// Killed between a message's sending and its delivery, or between that and its receipt, it is delivered once, and its sender's repeat gets the same answer; killed while
// a recipient system's copy is forgotten, it is forgotten all the same.
func TestKilledWhileSending(t *testing.T) {
	data := t.TempDir() + "/var"
	cmd, c := child(t, data)
	d, err := c.directory()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, data: data, d: d, url: c.url, sender: c.as(d, 0)}
	box := boxOf(w, 0)
	end := func() { cmd.Process.Kill(); cmd.Wait() }
	again := func(env ...string) *client {
		cmd, c = child(t, data, env...)
		w.url, w.sender = c.url, c.as(d, 0)
		if c.url == "" {
			return nil
		}
		return w.person(d.People[0].CPR, "app")
	}
	w.send("Sendes videre")
	me := w.person(d.People[0].CPR, "app")
	_, m := w.find(me, "Sendes videre")
	point := w.point("Borgerservice").text("id")
	draft := w.draft(me, box, "Til kommunen", point, "hej")
	end()
	for _, step := range []string{"message sent", "forwarded"} {
		key := map[string]string{"Idempotency-Key": step}
		body := `{"recipientId":"` + d.People[1].CPR + `","recipientIdType":"CPR","comment":"` + step + `"}`
		me = again("DIGITALPOST_CRASH_AT=" + step)
		if status, _, _ := me.status("POST", box+m.ID+"/forward", key, body); status != 0 {
			t.Errorf("%s: %d, want no answer", step, status)
		}
		cmd.Wait()
		me = again()
		sent := w.ask(me, 200, "POST", box+m.ID+"/forward", body, "Idempotency-Key", step)
		for range 100 {
			if sent = w.ask(me, 200, "GET", box+sent.text("id"), ""); sent.text("receipt", "receiptStatus") == "COMPLETED" {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		friend := w.person(d.People[1].CPR, "app")
		n := 0
		for _, x := range w.ask(friend, 200, "GET", boxOf(w, 1), "").at("messages").([]any) {
			if thing(x.(map[string]any)).text("forwardData", "comment") == step {
				n++
			}
		}
		mine := 0
		for _, x := range w.ask(me, 200, "GET", box, "").at("messages").([]any) {
			if thing(x.(map[string]any)).text("forwardData", "comment") == step {
				mine++
			}
		}
		if n != 1 || mine != 1 || sent.text("receipt", "receiptStatus") != "COMPLETED" {
			t.Errorf("killed at %q: %d delivered, %d in SENT, receipt %v; want one of each", step, n, mine, sent.at("receipt"))
		}
		end()
	}
	me = again("DIGITALPOST_CRASH_AT=message sent")
	me.status("POST", draft+"/send", map[string]string{"Idempotency-Key": "til kommunen"}, "")
	cmd.Wait()
	me = again()
	sent := w.ask(me, 200, "POST", draft+"/send", "", "Idempotency-Key", "til kommunen")
	if list := w.ask(w.sender, 200, "GET", "/apis/v1/memos/", ""); list.text("totalElements") != "1" || list.text("content", 0) != sent.text("messageUUID") {
		t.Errorf("memos/ = %v, want %s alone", list, sent.text("messageUUID"))
	}
	end()
	for i, step := range []string{"purge in the log", "leaf forgotten"} {
		if i > 0 {
			me = again()
			sent = w.ask(me, 200, "POST", w.draft(me, box, step, point, "hej")+"/send", "")
			end()
		}
		again("DIGITALPOST_CRASH_AT=" + step)
		if w.url != "" {
			w.sender.status("GET", "/apis/v1/memos/"+sent.text("messageUUID"), nil, "")
			w.sender.status("DELETE", "/apis/v1/memos/"+sent.text("messageUUID"), nil, "")
		}
		cmd.Wait()
		again()
		if w.url == "" {
			t.Fatal("the server does not start")
		}
		w.sender.status("GET", "/apis/v1/memos/"+sent.text("messageUUID"), nil, "")
		w.sender.status("DELETE", "/apis/v1/memos/"+sent.text("messageUUID"), nil, "") // it may have died before
		w.ask(w.sender, 404, "GET", "/apis/v1/memos/"+sent.text("messageUUID"), "")
		end()
		if err := (&verifyCmd{dataFlags: dataFlags{Data: data}}).check(&strings.Builder{}); err != nil {
			t.Errorf("killed at %q: verify: %v", step, err)
		}
	}

}
