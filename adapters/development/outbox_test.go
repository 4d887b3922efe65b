package development_test

import (
	"net/http"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// What leaves is shown as JSON and, to a browser, as a page on which nothing of it runs.
func TestOutbox(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Reads(0, 0, "app").ToldAt("a'b@example.org", "20304050")
	dev := w.Nobody()
	if items := dev.Ask(200, "GET", "/dev/outbox/?kind=sms", "").List("items"); len(items) != 1 {
		t.Errorf("text messages: %v, want one", items)
	}
	page := dev.Body("GET", "/dev/outbox/", "", "Accept", "text/html")
	for _, want := range []string{"<!doctype html>", "email to a&#39;b@example.org", "sms to &#43;4520304050"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q: %s", want, page)
		}
	}

	resp, err := http.Post(w.Outbox.Webhook("mine"), "application/json", strings.NewReader(`{"challenge":"<b>"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if page := dev.Body("GET", "/dev/outbox/", "", "Accept", "text/html"); !strings.Contains(page, "&lt;b&gt;") {
		t.Errorf("the page shows what came as it is: %s", page)
	}
}
