package senderapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// Where a system is told of its receipts is its own to say, to see and to end; an address that does not answer for
// itself, or that nobody may have the backbone call, is refused.
func TestReceiptEndpoint(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	const path = "/apis/v1/receipts/endpoint"
	silent := false
	srv := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		var in struct{ Challenge string }
		if json.NewDecoder(r.Body).Decode(&in); !silent {
			io.WriteString(out, in.Challenge)
		}
	}))
	defer srv.Close()

	w.Sender.Ask(404, "GET", path, "")
	set := w.Sender.Ask(200, "PUT", path, `{"url":"`+srv.URL+`"}`)
	if !strings.HasPrefix(set.Text("secret"), "whsec_") {
		t.Errorf("set: %v", set)
	}
	if seen := w.Sender.Ask(200, "GET", path, ""); seen.Text("url") != srv.URL || len(seen) != 2 {
		t.Errorf("seen: %v", seen)
	}
	w.System(1).Ask(404, "GET", path, "")

	silent = true
	for url, code := range map[string]string{
		srv.URL: "url.not.verified", "": "url.not.valid", "http://10.0.0.1/": "url.not.verified",
		"https://a:b@example.org/": "url.not.verified", "https://169.254.169.254/": "url.not.verified",
		strings.Repeat("x", 2001): "url.not.valid",
	} {
		w.Sender.Refuse(400, code, "PUT", path, `{"url":"`+url+`"}`)
	}
	w.Sender.Refuse(400, "body.not.valid", "PUT", path, `[]`)
	w.Sender.Ask(204, "DELETE", path, "")
	w.Sender.Ask(404, "GET", path, "")
	w.Nobody().Refuse(401, "unauthorized", "GET", path, "")
}
