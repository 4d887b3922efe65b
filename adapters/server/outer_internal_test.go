package server

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/projections/engine"
)

// An answer that is broken off is broken off for who reads it, too, whatever broke it; one that had not begun is an
// answer of its own.
func TestBrokenAnswersAreSeenToBe(t *testing.T) {
	b := backbonetest.Open(t)
	damage := &engine.DamagedError{View: "mailboxes", Place: "a page"}
	for name, c := range map[string]struct {
		begins bool
		with   any
		status int // of what had not begun; 0: the connection breaks off
	}{
		"aborted, begun":      {true, http.ErrAbortHandler, 0},
		"aborted, not begun":  {false, http.ErrAbortHandler, 0},
		"damaged, begun":      {true, damage, 0},
		"damaged, not begun":  {false, damage, 503},
		"a fault, begun":      {true, errors.New("fault"), 0},
		"a fault, not begun":  {false, errors.New("fault"), 0},
		"nothing, not broken": {true, nil, 200},
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /x", func(w http.ResponseWriter, _ *http.Request) {
			if c.begins {
				io.WriteString(w, strings.Repeat("x", 90_000))
			}
			if c.with != nil {
				panic(c.with)
			}
		})
		cfg := Config{Backbone: b.Backbone, Log: slog.New(slog.DiscardHandler)}
		srv := httptest.NewUnstartedServer(outer(mux, cfg))
		srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		srv.Start()

		res, err := http.Get(srv.URL + "/x")
		status := 0
		if err == nil {
			if _, err = io.Copy(io.Discard, res.Body); err == nil {
				status = res.StatusCode
			}
			res.Body.Close()
		}
		if status != c.status {
			t.Errorf("%s: a whole answer of status %d, %v; want %d", name, status, err, c.status)
		}
		srv.Close()
	}
}
