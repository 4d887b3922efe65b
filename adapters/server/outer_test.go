package server_test

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// A body that breaks off is the sender's fault; a position that was never told is refused.
func TestBrokenRequests(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "app"), w.Box(0)
	raw := func(head, body string) string {
		t.Helper()
		u, err := url.Parse(w.URL)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s",
			head, u.Host, me.Token, body)
		c.(*net.TCPConn).CloseWrite()
		line, _ := bufio.NewReader(c).ReadString('\n')
		return strings.TrimSpace(line)
	}
	for _, x := range [][2]string{
		{"POST " + box + "/folders/", "Content-Length: 100\r\n\r\n{"},
		{"POST " + box + "/folders/", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"},
		{"PATCH " + box + "/messages/", "Content-Length: 100\r\n\r\n{"},
		{"POST /dev/token", "Content-Length: 100\r\n\r\ncpr="},
		{"POST /dev/oauth/token", "Content-Length: 100\r\n\r\nx="},
	} {
		if got := raw(x[0], x[1]); !strings.Contains(got, " 400 ") {
			t.Errorf("%s, broken off: %s, want 400", x[0], got)
		}
	}
	me.Refuse(400, "position.not.valid", "GET", box+"/changes?after=99999999", "")
	me.Refuse(400, "position.not.valid", "GET", box+"/changes?after=x", "")
	if strings.Contains(w.Log.String(), "level=ERROR") {
		t.Errorf("faults were noted:\n%s", w.Log)
	}
}

// What is not served is answered as an error; what operators' tools ask is served to everybody.
func TestOperationsAndUnknownPaths(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.User(0, "app").Want(404, "path.not.found", "GET", "/apis/v1/nothing", "")
	h := w.Nobody().Want(405, "method.not.allowed", "PUT", "/livez", "")
	if allow := h.Get("Allow"); !strings.Contains(allow, "GET") {
		t.Errorf("/livez takes %q, want GET", allow)
	}
	for path, word := range map[string]string{
		"/livez": "ok", "/readyz": "ok", "/openapi.yaml": "openapi: 3",
	} {
		h := w.Nobody().Want(200, word, "GET", path, "")
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: a browser may guess what it is", path)
		}
	}
	w.Nobody().Want(404, "path.not.found", "GET", "/metrics", "")
}

// Pages of loopback origins may use the API, and no others.
func TestOrigins(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	for origin, allowed := range map[string]string{
		"http://localhost:3000": "http://localhost:3000", "http://127.0.0.1:3000": "http://127.0.0.1:3000",
		"http://[::1]:3000": "http://[::1]:3000", "https://elsewhere.example": "", "http://localhost.example": "",
	} {
		_, h, _ := w.Nobody().Status("GET", "/livez", "", "Origin", origin)
		if got := h.Get("Access-Control-Allow-Origin"); got != allowed {
			t.Errorf("origin %s: %q is allowed, want %q", origin, got, allowed)
		}
	}
	h := w.Nobody().Want(204, "", "OPTIONS", w.Messages(0), "", "Origin", "http://localhost:3000")
	if got := h.Get("Access-Control-Allow-Headers"); !strings.Contains(got, "Authorization, ") {
		t.Errorf("a page may send %q", got)
	}
}

// FuzzBodies gives each request that takes a body any bytes: the answer is never a fault of the server's.
func FuzzBodies(f *testing.F) {
	w := servertest.Start(f)
	w.Send("Brev")
	me := w.User(0, "app")
	_, m := me.Find("Brev")
	json := []string{"Content-Type", "application/json"}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	targets := []struct {
		c            *servertest.Client
		method, path string
		header       []string
		seed         string
	}{
		{me, "PATCH", w.Messages(0) + m.ID, json, `{"read":true}`},
		{me, "POST", w.Box(0) + "/folders/", json, `{"name":"Børn","parentFolderId":null}`},
		{w.Sender, "POST", servertest.PostPath(servertest.NewUUID()), servertest.AsXML,
			w.Letter(servertest.NewUUID(), "Brev", "Hej")},
		{w.Sender, "POST", "/apis/v1/validations/", servertest.AsXML, w.Letter(servertest.NewUUID(), "Brev", "Hej")},
		{w.Nobody(), "POST", "/dev/people", json, `{"cpr":"6701901234","name":"Mette"}`},
		{w.Nobody(), "POST", "/dev/token", form, "cpr=6701901234&client_id=app"},
	}
	for i, to := range targets {
		f.Add(uint(i), to.seed)
	}
	f.Fuzz(func(t *testing.T, n uint, body string) {
		to := targets[n%uint(len(targets))]
		if status, _, answer := to.c.Status(to.method, to.path, body, to.header...); status < 200 || status >= 500 {
			t.Fatalf("%s %s with %q: %d %.300s", to.method, to.path, body, status, answer)
		}
	})
}
