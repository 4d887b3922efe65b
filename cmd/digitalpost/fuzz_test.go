package main

import (
	"strings"
	"testing"
)

// FuzzBodies gives each request that takes a body any bytes: the answer is never a fault of the server's.
func FuzzBodies(f *testing.F) {
	w := start(f, f.TempDir()+"/var")
	w.send("Brev")
	me := w.person(w.d.People[0].CPR, "app")
	box, m := w.find(me, "Brev")
	path := "/apis/v1/mailboxes/" + box
	targets := []struct {
		c            *client
		method, path string
	}{
		{me, "PATCH", path + "/messages/" + m.ID}, {me, "POST", path + "/folders/"}, {w.sender, "POST", postPath(newUUID4())},
		{w.sender, "POST", "/apis/v1/validations/"}, {&client{url: w.url}, "POST", "/dev/people"}, {&client{url: w.url}, "POST", "/dev/token"},
	}
	for i, body := range []string{`{"read":true}`, `{"name":"Børn","parentFolderId":null}`, w.letter(newUUID4(), "Brev", "Hej"), w.letter(newUUID4(), "Brev", "Hej"),
		`{"cpr":"6701901234","name":"Mette"}`, "cpr=6701901234&client_id=app"} {
		f.Add(uint(i), body)
	}
	f.Fuzz(func(t *testing.T, n uint, body string) {
		to := targets[n%uint(len(targets))]
		header := map[string]string{"Content-Type": "application/json"}
		if strings.Contains(to.path, "memos") || strings.Contains(to.path, "validations") {
			header = asXML
		}
		if to.path == "/dev/token" {
			header = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		}
		if status, _, answer := to.c.status(to.method, to.path, header, body); status < 200 || status >= 500 {
			t.Fatalf("%s %s with %q: %d %.300s", to.method, to.path, body, status, answer)
		}
	})
}
