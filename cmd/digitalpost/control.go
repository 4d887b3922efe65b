package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/officeapi"
)

// control is where the server listens for the operator's commands, in the data's directory.
const control = "control.sock"

// openControl listens on a socket in the data's directory, by which the operator's commands reach the server that has
// the keys open.
func openControl(data string, b *backbone.Backbone, effects officeapi.Effects) (io.Closer, error) {
	path := filepath.Join(data, control)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}

	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}

	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}

	srv := &http.Server{
		Handler: officeapi.Console(b, effects, slog.New(slog.DiscardHandler)), ReadHeaderTimeout: time.Second,
	}
	go srv.Serve(l)
	return srv, nil
}

// askServer asks the server that runs on the data, if one does, as whoever is at its console. A mandate is the one
// under which they ask; empty: none.
func askServer(data string, q question, out any) (running bool, err error) {
	sock := filepath.Join(data, control)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", sock)
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}

	body, err := json.Marshal(q.body)
	if err != nil {
		return false, err
	}

	req, err := http.NewRequest(q.method, "http://control/apis/v1/"+q.path, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	if q.mandate != "" {
		req.Header.Set("Mandate", q.mandate)
	}

	res, err := client.Do(req)
	if err != nil {
		return false, nil
	}

	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return true, err
	}

	if res.StatusCode >= http.StatusBadRequest {
		var p struct{ Message string }
		if json.Unmarshal(answer, &p) != nil || p.Message == "" {
			p.Message = res.Status
		}
		return true, errors.New(p.Message)
	}

	if len(answer) == 0 || out == nil {
		return true, nil
	}
	return true, json.Unmarshal(answer, out)
}

// A question is what an operator's command asks of the server.
type question struct {
	method, path string // below /apis/v1/
	body         any
	mandate      string
}

// ask asks the server that runs on the data, or opens the data for as long as that takes.
func (d dataFlags) ask(q question, out any) error {
	running, err := askServer(d.Data, q, out)
	if running || err != nil {
		return err
	}

	return d.offline(func(b *backbone.Backbone) error {
		c, err := openControl(d.Data, b, nil)
		if err != nil {
			return err
		}
		_, err = askServer(d.Data, q, out)

		return errors.Join(err, c.Close())
	})
}
