package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/domain"
)

// control is where the server listens for the operator's commands, in the data's directory.
const control = "control.sock"

// openControl listens on a socket in the data's directory, by which the operator's commands reach the server that has
// the keys open.
func openControl(data string, b *backbone.Backbone) (io.Closer, error) {
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

	srv := &http.Server{Handler: controlled(b), ReadHeaderTimeout: time.Second}
	go srv.Serve(l)
	return srv, nil
}

// controlled answers the operator's commands.
func controlled(b *backbone.Backbone) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /systems", func(w http.ResponseWriter, r *http.Request) {
		out, err := addSystem(r.Context(), b, r.URL.Query())
		answer(w, out, err)
	})

	mux.HandleFunc("POST /systems/delegate", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, delegateSystem(r.Context(), b, r.URL.Query()))
	})

	mux.HandleFunc("POST /keys/roll", func(w http.ResponseWriter, r *http.Request) {
		epoch, err := b.Roll(r.Context())
		answer(w, map[string]int{"epoch": epoch}, err)
	})

	mux.HandleFunc("POST /keys/shred", func(w http.ResponseWriter, r *http.Request) {
		id, err := domain.ParseUUID(r.FormValue("mailbox"))
		if err == nil {
			err = b.People.Shred(r.Context(), id)
		}
		answer(w, struct{}{}, err)
	})

	mux.HandleFunc("POST /clock/confirm", func(w http.ResponseWriter, r *http.Request) {
		err := b.ConfirmClock(r.Context())
		answer(w, confirmed{time.Now()}, err)
	})

	mux.HandleFunc("POST /views/rebuild", func(w http.ResponseWriter, r *http.Request) {
		rebuilt, err := b.Rebuild(r.Context())
		answer(w, rebuilt, err)
	})

	mux.HandleFunc("POST /backup", func(w http.ResponseWriter, r *http.Request) {
		made, err := b.Backup(r.FormValue("to"))
		answer(w, made, err)
	})

	mux.HandleFunc("GET /keys/check", func(w http.ResponseWriter, _ *http.Request) {
		nodes, numbers, err := b.CheckKeys()
		answer(w, map[string]int{"nodes": nodes, "numbers": numbers}, err)
	})

	return mux
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(v) // the operator's command reads it or has gone
}

// askServer asks the server that runs on the data, if one does.
func askServer(data, method, path string, v any) (running bool, err error) {
	sock := filepath.Join(data, control)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", sock)
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial}}
	req, err := http.NewRequest(method, "http://control"+path, nil)
	if err != nil {
		return false, err
	}

	res, err := client.Do(req)
	if err != nil {
		return false, nil
	}

	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(body)))
	}

	if err != nil {
		return true, err
	}

	return true, json.Unmarshal(body, v)
}
