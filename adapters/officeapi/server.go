package officeapi

import (
	"net/http"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/problem"
	"digitalpost/domain/access"
	"digitalpost/projections/engine"
)

// confirmClock says that the server's clock is right, after it jumped.
func (a *api) confirmClock(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	if !by.Console && !by.Holds(access.Operator) {
		return core.ErrForbidden
	}
	err := a.b.ConfirmClock(r.Context(), by)
	if err == nil {
		problem.JSON(w, http.StatusOK, Clock{a.b.Clock.Now().UTC().Format(time.RFC3339)})
	}
	return err
}

// rebuild builds the views anew beside the living ones, and compares them.
func (a *api) rebuild(w http.ResponseWriter, r *http.Request, _ proposals.Operator) error {
	all, err := a.b.Rebuild(r.Context())
	if err != nil {
		return err
	}
	if all == nil {
		all = []engine.Rebuilt{}
	}
	problem.JSON(w, http.StatusOK, RebuiltViews{rebuiltOf(all)})
	return nil
}

// registerConsole adds what is for whoever is at the machine alone: what names its files.
func (a *api) registerConsole(mux *http.ServeMux) {
	a.route(mux, "POST", "operations/backup", a.backup)
	a.route(mux, "GET", "operations/keys/check", a.checkKeys)
	a.route(mux, "GET", "operations/keys/epoch", a.epoch)
}

func (a *api) backup(w http.ResponseWriter, r *http.Request, _ proposals.Operator) error {
	made, err := a.b.Backup(r.URL.Query().Get("to"))
	if err == nil {
		problem.JSON(w, http.StatusOK, made)
	}
	return err
}

func (a *api) checkKeys(w http.ResponseWriter, _ *http.Request, _ proposals.Operator) error {
	nodes, numbers, err := a.b.CheckKeys()
	if err == nil {
		problem.JSON(w, http.StatusOK, map[string]int{"nodes": nodes, "numbers": numbers})
	}
	return err
}

func (a *api) epoch(w http.ResponseWriter, _ *http.Request, _ proposals.Operator) error {
	problem.JSON(w, http.StatusOK, map[string]int{"epoch": a.b.Epoch()})
	return nil
}
