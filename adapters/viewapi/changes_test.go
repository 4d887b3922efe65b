package viewapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// told is how the type of a mailbox's change begins.
const told = "dk.digitalpost.mailbox."

// A toldOf is a change, as a stream tells of it.
type toldOf struct {
	ID, Type, Subject, Source, SpecVersion string
	Data                                   struct{ MailboxID, MessageID, FolderID, AccessID string }
}

// A follower is an open stream of changes.
type follower struct {
	t      *testing.T
	status int
	events chan toldOf
	beats  chan string // ids of signs of life
	ended  chan struct{}
}

// follow opens a stream; path is below /apis/v1/.
func follow(t *testing.T, c *servertest.Client, path, after string) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req := c.NewRequest("GET", "/apis/v1/"+path, nil).WithContext(ctx)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{
		t: t, status: res.StatusCode,
		events: make(chan toldOf, 100_000), beats: make(chan string, 1000), ended: make(chan struct{}),
	}
	t.Cleanup(func() { cancel(); <-f.ended })
	go f.read(res.Body)
	return f
}

// read takes in what the stream tells, until it ends.
func (f *follower) read(body io.ReadCloser) {
	defer close(f.ended)
	defer body.Close()
	in := bufio.NewScanner(body)
	in.Buffer(nil, 1<<20)
	id := ""
	for in.Scan() {
		line := in.Text()
		if s, ok := strings.CutPrefix(line, "id: "); ok {
			id = s
		} else if strings.HasPrefix(line, ":") {
			f.beats <- id
		} else if s, ok := strings.CutPrefix(line, "data: "); ok {
			var e toldOf
			if json.Unmarshal([]byte(s), &e) != nil || e.ID != id || e.SpecVersion != "1.0" {
				f.t.Errorf("not a CloudEvent of its id: %s", s)
			}
			f.events <- e
		}
	}
}

// next gives the next change; it fails the test if none comes.
func (f *follower) next() toldOf {
	f.t.Helper()
	select {
	case e := <-f.events:
		return e
	case <-f.ended:
		f.t.Fatal("the stream has ended")
	case <-time.After(10 * time.Second):
		f.t.Fatal("no change comes")
	}
	return toldOf{}
}

// message gives the next change that is about a message.
func (f *follower) message() toldOf {
	f.t.Helper()
	for {
		if e := f.next(); e.Data.MessageID != "" {
			return e
		}
	}
}

// end waits for the stream's end; what says why it must come.
func (f *follower) end(what string) {
	f.t.Helper()
	select {
	case <-f.ended:
	case <-time.After(5 * time.Second):
		f.t.Errorf("the stream does not end: %s", what)
	}
}

// past gives what came before the first sign of life: all that was.
func (f *follower) past() (out []toldOf) {
	f.t.Helper()
	select {
	case <-f.beats:
	case <-time.After(10 * time.Second):
		f.t.Fatalf("no sign of life, status %d", f.status)
	}
	for len(f.events) > 0 {
		out = append(out, <-f.events)
	}
	return out
}

// Changes are told to the owner on each platform, from any position on, and to nobody of what they may not see.
func TestChanges(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	owner := w.User(0, "eboks")
	box := "mailboxes/" + w.People[0].Mailbox
	live := follow(t, w.User(0, "mitdk"), box+"/changes", "0")
	live.past()
	w.Send("Brev")
	_, m := owner.Find("Brev")
	e := live.next()
	if e.Type != told+"message-delivered" || e.Data.MessageID != m.ID || e.Source != "/apis/v1/"+box {
		t.Errorf("delivered: %+v", e)
	}
	path := "/apis/v1/" + box + "/messages/" + m.ID
	w.SendAs(2, w.People[0].CPR, "Police", nil)
	_, private := owner.Find("Police")
	owner.Want(200, "", "PATCH", "/apis/v1/"+box+"/messages/"+private.ID, `{"read":true}`)
	_, h, _ := owner.Status("PATCH", path, `{"read":true}`)
	if e := live.next(); e.Type != told+"message-marked-read" || e.ID != h.Get("Log-Position") {
		t.Errorf("read on e-Boks: mit.dk is told of %+v, the write was at %s", e, h.Get("Log-Position"))
	}
	owner.Want(201, "", "POST", "/apis/v1/"+box+"/folders/", `{"name":"Hemmelig mappe"}`)
	owner.Want(204, "", "DELETE", path, "")
	all := follow(t, owner, box+"/changes", "0").past()
	there := follow(t, w.User(0, "mitdk"), box+"/changes", "0").past()
	if len(all) != 6 || len(there) != 4 {
		t.Fatalf("e-Boks is told of %d changes, mit.dk of %d; want 6 and 4: the private letter is e-Boks' alone",
			len(all), len(there))
	}
	for i := range all { // from any position on, the rest
		if got := follow(t, owner, box+"/changes", all[i].ID).past(); !slices.Equal(got, all[i+1:]) {
			t.Errorf("after %s: %d changes, want %d", all[i].ID, len(got), len(all)-i-1)
		}
	}
	if f := follow(t, w.User(1, "app"), box+"/changes", "0"); f.status != 403 {
		t.Errorf("another's changes: %d, want 403", f.status)
	}
	owner.Want(400, "Last-Event-ID", "GET", "/apis/v1/"+box+"/changes", "", "Last-Event-ID", "x")

	w.Stop() // with streams open
	live.end("the server has ended")
}

// A delegate is told, and is not from the moment that access is revoked.
func TestDelegatesChanges(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	owner, helper := w.User(0, "eboks"), w.User(1, "app")
	box := "mailboxes/" + w.People[0].Mailbox
	w.Send("Brev")
	_, m := owner.Find("Brev")
	path := "/apis/v1/" + box + "/messages/" + m.ID
	w.SendAs(2, w.People[0].CPR, "Police", nil)
	_, private := owner.Find("Police")
	owner.Want(200, "", "PATCH", "/apis/v1/"+box+"/messages/"+private.ID, `{"read":true}`)
	owner.Want(200, "", "PATCH", path, `{"read":true}`)
	owner.Want(204, "", "DELETE", path, "")

	x := owner.Access("POST", box+"/accesses/", grant(w.People[1].Mailbox, "READ"))
	delegate := follow(t, helper, box+"/changes", "0")
	for _, e := range delegate.past() {
		if e.Data.MessageID == private.ID {
			t.Errorf("a delegate is told of private post: %+v", e)
		}
	}
	owner.Want(200, "", "PATCH", path, `{"flag":true}`)
	if e := delegate.next(); e.Type != told+"message-flagged" {
		t.Errorf("the delegate is told of %+v", e)
	}
	owner.Want(204, "", "DELETE", "/apis/v1/"+box+"/accesses/"+x.ID, "")
	delegate.end("access was revoked")
	owner.Want(200, "", "PATCH", path, `{"flag":false}`)
	for len(delegate.events) > 0 {
		if e := <-delegate.events; strings.HasSuffix(e.Type, "unflagged") {
			t.Error("a revoked delegate is told of what came after")
		}
	}
}

// A stream ends once the token that opened it is revoked: its holder is told nothing that comes after.
func TestChangesEndWithTheirToken(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	box := "mailboxes/" + w.People[0].Mailbox
	gone := w.User(0, "app")
	ends, goes := follow(t, gone, box+"/changes", "0"), follow(t, w.User(0, "eboks"), box+"/changes", "0")
	ends.past()
	goes.past()

	w.Nobody().Ask(200, "POST", "/dev/oauth/revoke", url.Values{"token": {gone.Token}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded")
	w.Send("Hemmeligt")
	if e := goes.message(); e.Type != told+"message-delivered" {
		t.Errorf("whose token is good is told of %+v", e)
	}
	ends.end("the token was revoked")
	if len(ends.events) > 0 {
		t.Errorf("whose token was revoked is told of %+v", <-ends.events)
	}
}

// A platform's own server is told of the mailboxes that were opened through it, and of no others.
func TestPlatformChanges(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	secrets := map[string]string{}
	for _, p := range w.Platforms {
		secrets[p.ID] = p.Secret
	}
	token := func(status int, id, secret string) string {
		t.Helper()
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
		return w.Nobody().Ask(status, "POST", "/dev/oauth/token", form.Encode(),
			"Content-Type", "application/x-www-form-urlencoded").Text("access_token")
	}
	token(400, "eboks", secrets["mitdk"]) // another's
	server := func(name string) *servertest.Client { return w.Bearer(token(200, name, secrets[name])) }
	server("eboks").Want(403, "no.cpr", "GET", "/apis/v1/mailboxes/", "")
	w.User(0, "eboks").Want(403, "client.not.allowed", "GET", "/apis/v1/changes", "")
	feed := follow(t, server("eboks"), "changes", "0")
	w.Send("Første")
	w.User(0, "eboks").See()
	w.Send("Anden")
	e := feed.message()
	if e.Data.MailboxID != w.People[0].Mailbox || !strings.HasSuffix(e.Type, "message-delivered") {
		t.Errorf("e-Boks is told of %+v", e)
	}
	other := follow(t, server("mitdk"), "changes", "0")
	w.Send("Tredje")
	feed.message()
	if len(other.events) > 0 {
		t.Error("mit.dk is told of a mailbox that nobody opened there")
	}
	if again := follow(t, server("eboks"), "changes", "0"); again.message().Type != told+"message-delivered" {
		t.Error("the feed does not go back to the first")
	}
	for range 15 { // mit.dk has one
		if f := follow(t, server("mitdk"), "changes", ""); f.status != 200 {
			t.Fatalf("one of 16 streams: %d", f.status)
		}
	}
	server("mitdk").Want(429, "too.many.streams", "GET", "/apis/v1/changes", "")
}

// One who does not read is cut off; the others don't notice, and who was cut off goes on where it was.
func TestSlowReaderIsCutOff(t *testing.T) {
	t.Parallel()
	const buffer = 4096 // bytes that the sockets hold of what is not read
	w := servertest.StartWith(t, servertest.Config{SendBuffer: buffer})
	w.Send("Brev")
	owner := w.User(0, "app")
	box, m := owner.Find("Brev")
	quick := follow(t, owner, "mailboxes/"+box+"/changes", "")
	quick.past()
	addr := strings.TrimPrefix(w.URL, "http://")
	slow, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	slow.(*net.TCPConn).SetReadBuffer(buffer)
	fmt.Fprintf(slow, "GET /apis/v1/mailboxes/%s/changes?after=0 HTTP/1.1\r\nHost: %s\r\n"+
		"Authorization: Bearer %s\r\n\r\n", box, addr, owner.Token)
	in := bufio.NewReader(slow)
	if status, err := in.ReadString('\n'); err != nil || !strings.Contains(status, " 200 ") {
		t.Fatalf("the slow reader's stream: %s, %v", status, err)
	}

	const changes = 3000
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range changes / 4 {
				body, status, answer := fmt.Sprintf(`{"note":"%d %d"}`, n, i), 503, ""
				for status == 503 { // the four may be in each other's way
					status, _, answer = owner.Status("PATCH", w.Messages(0)+m.ID, body)
				}
				if status != 200 {
					t.Errorf("PATCH: %d %s", status, answer)
				}
			}
		})
	}
	wg.Wait()
	for range changes {
		quick.next()
	}

	slow.SetReadDeadline(time.Now().Add(20 * time.Second))
	got, id, last := 0, "", ""
	for ended := false; !ended; {
		line, err := in.ReadString('\n')
		if err != nil && err != io.EOF { // on a busy machine the server may have waited for too long, and hung up
			t.Fatalf("the slow reader's stream does not end after %d changes: %v", got, err)
		}
		if s, ok := strings.CutPrefix(line, "id: "); ok {
			id = strings.TrimSpace(s)
		}
		if strings.HasPrefix(line, "data: ") && err == nil {
			got, last = got+1, id
		}
		ended = err != nil || line == "0\r\n"
	}
	if got > changes {
		t.Errorf("the slow reader was told of all %d changes: it was not cut off", got)
	}
	rest := follow(t, owner, "mailboxes/"+box+"/changes", last).past()
	if got+len(rest) != changes+1 {
		t.Errorf("the slow reader was told of %d changes, and then of %d; want %d", got, len(rest), changes+1)
	}
}
