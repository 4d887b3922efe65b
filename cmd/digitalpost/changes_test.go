package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

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
	stop   context.CancelFunc
}

func follow(t *testing.T, c *client, path, after string) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", c.url+"/apis/v1/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{t: t, status: res.StatusCode, events: make(chan toldOf, 100_000), beats: make(chan string, 1000), ended: make(chan struct{}), stop: cancel}
	t.Cleanup(cancel)
	go func() {
		defer close(f.ended)
		defer res.Body.Close()
		in := bufio.NewScanner(res.Body)
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
					t.Errorf("not a CloudEvent of its id: %s", s)
				}
				f.events <- e
			}
		}
	}()
	return f
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

func TestChanges(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	owner := w.person(w.d.People[0].CPR, "eboks")
	box := "mailboxes/" + w.d.People[0].Mailbox
	live := follow(t, w.person(w.d.People[0].CPR, "mitdk"), box+"/changes", "0")
	live.past()
	w.send("Brev")
	_, m := w.find(owner, "Brev")
	if e := live.next(); e.Type != "dk.digitalpost.mailbox.message-delivered" || e.Data.MessageID != m.ID || e.Source != "/apis/v1/"+box {
		t.Errorf("delivered: %+v", e)
	}
	path := "/apis/v1/" + box + "/messages/" + m.ID
	insurer := w.d.SenderSystems[2]
	uuid := newUUID4()
	if _, err := (&client{url: w.url}).as(w.d, 2).post(uuid, strings.NewReader(write(uuid, insurer.CVR, insurer.Organisation, w.d.People[0].CPR, "Police", "Privat"))); err != nil {
		t.Fatal(err)
	}
	_, private := w.find(owner, "Police")
	w.want(200, "")(owner.status("PATCH", "/apis/v1/"+box+"/messages/"+private.ID, nil, `{"read":true}`))
	_, h, _ := owner.status("PATCH", path, nil, `{"read":true}`)
	if e := live.next(); e.Type != "dk.digitalpost.mailbox.message-marked-read" || e.ID != h.Get("Log-Position") {
		t.Errorf("read on e-Boks: mit.dk is told of %+v, the write was at %s", e, h.Get("Log-Position"))
	}
	w.want(201, "")(owner.status("POST", "/apis/v1/"+box+"/folders/", nil, `{"name":"Hemmelig mappe"}`))
	w.want(204, "")(owner.status("DELETE", path, nil, ""))
	all := follow(t, owner, box+"/changes", "0").past()
	there := follow(t, w.person(w.d.People[0].CPR, "mitdk"), box+"/changes", "0").past()
	if len(all) != 6 || len(there) != 4 {
		t.Fatalf("e-Boks is told of %d changes, mit.dk of %d; want 6 and 4: the private letter is e-Boks' alone", len(all), len(there))
	}
	for i := range all { // from any position on, the rest
		if got := follow(t, owner, box+"/changes", all[i].ID).past(); !slices.Equal(got, all[i+1:]) {
			t.Errorf("after %s: %d changes, want %d", all[i].ID, len(got), len(all)-i-1)
		}
	}
	if f := follow(t, w.person(w.d.People[1].CPR, "app"), box+"/changes", "0"); f.status != 403 {
		t.Errorf("another's changes: %d, want 403", f.status)
	}
	w.want(400, "Last-Event-ID")(owner.status("GET", "/apis/v1/"+box+"/changes", map[string]string{"Last-Event-ID": "x"}, ""))

	// A delegate is told, and is not from the moment that access is revoked.
	helper := w.person(w.d.People[1].CPR, "app")
	x := w.access(owner, "POST", box+"/accesses/", fmt.Sprintf(`{"identityId":%q,"privileges":["READ"]}`, w.d.People[1].Mailbox))
	delegate := follow(t, helper, box+"/changes", "0")
	for _, e := range delegate.past() {
		if e.Data.MessageID == private.ID {
			t.Errorf("a delegate is told of private post: %+v", e)
		}
	}
	w.want(200, "")(owner.status("PATCH", path, nil, `{"flag":true}`))
	if e := delegate.next(); e.Type != "dk.digitalpost.mailbox.message-flagged" {
		t.Errorf("the delegate is told of %+v", e)
	}
	w.want(204, "")(owner.status("DELETE", "/apis/v1/"+box+"/accesses/"+x.ID, nil, ""))
	select {
	case <-delegate.ended:
	case <-time.After(5 * time.Second):
		t.Error("a revoked delegate's stream goes on")
	}
	w.want(200, "")(owner.status("PATCH", path, nil, `{"flag":false}`))
	for len(delegate.events) > 0 {
		if e := <-delegate.events; strings.HasSuffix(e.Type, "unflagged") {
			t.Error("a revoked delegate is told of what came after")
		}
	}
	w.stop() // with streams open
	select {
	case <-live.ended:
	case <-time.After(5 * time.Second):
		t.Error("a stream outlives the server")
	}
}

// A platform's own server is told of the mailboxes that were opened through it, and of no others.
func TestPlatformChanges(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	token := func(id, secret string) (int, string) {
		var out struct {
			AccessToken string `json:"access_token"`
		}
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
		res, err := (&client{url: w.url}).do("POST", "/dev/oauth/token", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, strings.NewReader(form.Encode()), &out)
		if err != nil {
			return res.StatusCode, ""
		}
		return 200, out.AccessToken
	}
	var dev struct {
		Platforms []struct {
			ClientID     string `json:"client_id"`
			ClientSecret string `json:"client_secret"`
		}
	}
	if _, err := (&client{url: w.url}).do("GET", "/dev/", nil, nil, &dev); err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{}
	for _, p := range dev.Platforms {
		secrets[p.ClientID] = p.ClientSecret
	}
	if status, _ := token("eboks", secrets["mitdk"]); status != 400 {
		t.Errorf("another's secret: %d, want 400", status)
	}
	server := func(name string) *client {
		_, tok := token(name, secrets[name])
		return &client{url: w.url, token: tok}
	}
	w.want(403, "no.cpr")(server("eboks").status("GET", "/apis/v1/mailboxes/", nil, ""))
	w.want(403, "client.not.allowed")(w.person(w.d.People[0].CPR, "eboks").status("GET", "/apis/v1/changes", nil, ""))
	feed := follow(t, server("eboks"), "changes", "0")
	w.send("Første")
	if _, err := w.person(w.d.People[0].CPR, "eboks").look(); err != nil {
		t.Fatal(err)
	}
	w.send("Anden")
	e := feed.next()
	if e.Data.MailboxID != w.d.People[0].Mailbox || !strings.HasSuffix(e.Type, "message-delivered") {
		t.Errorf("e-Boks is told of %+v", e)
	}
	other := follow(t, server("mitdk"), "changes", "0")
	w.send("Tredje")
	feed.next()
	if len(other.events) > 0 {
		t.Error("mit.dk is told of a mailbox that nobody opened there")
	}
	if again := follow(t, server("eboks"), "changes", "0"); again.next().Type != "dk.digitalpost.mailbox.message-delivered" {
		t.Error("the feed does not go back to the first")
	}
	for range 15 { // mit.dk has one
		if f := follow(t, server("mitdk"), "changes", ""); f.status != 200 {
			t.Fatalf("one of 16 streams: %d", f.status)
		}
	}
	w.want(429, "too.many.streams")(server("mitdk").status("GET", "/apis/v1/changes", nil, ""))
}

// One who does not read is cut off; the others don't notice, and who was cut off goes on where it was.
func TestSlowReaderIsCutOff(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	w.send("Brev")
	owner := w.person(w.d.People[0].CPR, "app")
	box, m := w.find(owner, "Brev")
	quick := follow(t, owner, "mailboxes/"+box+"/changes", "")
	quick.past()
	addr := strings.TrimPrefix(w.url, "http://")
	slow, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	slow.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprintf(slow, "GET /apis/v1/mailboxes/%s/changes?after=0 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", box, addr, owner.token)
	time.Sleep(50 * time.Millisecond)
	const changes = 3000
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range changes / 4 {
				if status, _, body := owner.status("PATCH", "/apis/v1/mailboxes/"+box+"/messages/"+m.ID, nil, fmt.Sprintf(`{"note":"%d %d"}`, n, i)); status != 200 {
					t.Errorf("%d %s", status, body)
				}
			}
		})
	}
	wg.Wait()
	for i := range changes {
		quick.next()
		_ = i
	}
	slow.SetReadDeadline(time.Now().Add(20 * time.Second))
	got, ended := 0, false
	in := bufio.NewReader(slow)
	for !ended {
		line, err := in.ReadString('\n')
		if strings.HasPrefix(line, "data: ") {
			got++
		}
		ended = err != nil || line == "0\r\n"
	}
	t.Logf("the slow reader was told of %d of %d changes", got, changes+1)
	if got > changes {
		t.Skip("the sockets' buffers took it all: nothing was cut off")
	}
}
