// Package officeapi is the face of those in an office: mandates, and what operators do with the log, its keys and the
// organisations that send. The same handlers serve whoever is at the server's console, by a socket of its own.
package officeapi

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/oplog"
)

type api struct {
	b       *backbone.Backbone
	effects Effects
	log     *slog.Logger
	who     func(*http.Request) (proposals.Operator, error)
}

// A handler answers a request of somebody in an office, or at the console.
type handler func(http.ResponseWriter, *http.Request, proposals.Operator) error

// Register adds the routes to mux, for those who come with the token of an office. Paths work with and without their
// trailing slash.
func Register(
	mux *http.ServeMux, b *backbone.Backbone, gate *identity.Gate, effects Effects, log *slog.Logger,
) {
	a := &api{b: b, effects: effects, log: log, who: func(r *http.Request) (proposals.Operator, error) {
		p, err := gate.Person(r)
		return proposals.Operator{Principal: p}, err
	}}
	a.register(mux)
}

// Console makes the handler of whoever is at the server's console, who needs no token: it must be reached by nobody
// else.
func Console(b *backbone.Backbone, effects Effects, log *slog.Logger) http.Handler {
	a := &api{b: b, effects: effects, log: log}
	a.who = func(r *http.Request) (by proposals.Operator, err error) {
		by.Console = true
		if s := r.Header.Get("Mandate"); s != "" {
			if by.Mandate, err = domain.ParseUUID(s); err == nil {
				err = b.Mandates.Check(r.Context(), by.Principal, by.Mandate)
			}
		}
		return by, err
	}

	mux := http.NewServeMux()
	a.register(mux)
	a.registerConsole(mux)

	return mux
}

func (a *api) register(mux *http.ServeMux) {
	add := func(method, path string, fn handler) {
		a.route(mux, method, path, fn)
		a.route(mux, method, path+"/{$}", fn)
	}

	add("POST", "mandates", a.openMandate)
	add("GET", "mandates/{mandate}", a.mandate)
	add("GET", "operations/proposals", a.proposals)
	add("POST", "operations/proposals", a.propose)
	add("POST", "operations/proposals/{proposal}/approve", a.approve)
	add("POST", "operations/proposals/{proposal}/withdraw", a.withdraw)
	add("POST", "operations/systems", a.operators(a.registerSystem))
	add("POST", "operations/systems/{system}/delegate", a.operators(a.delegateSystem))
	add("POST", "operations/systems/{system}/withdraw", a.operators(a.withdrawSystem))
	add("POST", "operations/organisations/rights", a.operators(a.changeRights))
	add("POST", "operations/clock/confirm", a.confirmClock) // with no mandate: none is opened by a wrong clock
	add("POST", "operations/views/rebuild", a.operators(a.rebuild))

	a.registers(add)

	if a.effects != nil {
		add("GET", "operations/reactions", a.operators(a.listEffects))
		add("GET", "operations/reactions/{effect}", a.operators(a.showEffect))
		add("POST", "operations/reactions/{effect}/retry", a.operators(a.retryEffect))
		add("POST", "operations/reactions/{effect}/drop", a.operators(a.dropEffect))
	}
}

func (a *api) route(mux *http.ServeMux, method, path string, fn handler) {
	mux.HandleFunc(method+" /apis/v1/"+path, func(w http.ResponseWriter, r *http.Request) {
		err := a.serve(w, r, fn)
		if err == nil {
			return
		}

		if problem.Of(err).Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="digitalpost"`)
		}
		problem.Write(w, a.log, err)
	})
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, fn handler) error {
	if a.b.Held() && !WhileHeld(r.URL.Path) { // the console's, too
		return domain.Refuse(oplog.RestoreNotApproved)
	}

	by, err := a.who(r)
	if err != nil {
		return err
	}
	return fn(w, r, by)
}

// operators lets operators alone in, with a mandate where people are real.
func (a *api) operators(fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
		if !by.Console && !by.Holds(access.Operator) {
			return core.ErrForbidden
		}
		if !by.Console && a.b.Mandates.Needed() && by.Mandate == (domain.UUID{}) {
			return domain.Refuse(oplog.MandateMissing)
		}
		return fn(w, r, by)
	}
}

// whileHeld are the paths that are answered of a restored log before a second operator has approved of that.
var whileHeld = []string{"operations/proposals", "mandates", "operations/clock/", "operations/keys/"}

// WhileHeld reports whether a path is one of them.
func WhileHeld(path string) bool {
	for _, own := range whileHeld {
		if strings.HasPrefix(path, "/apis/v1/"+own) {
			return true
		}
	}

	return false
}

// caller is an operator as organisations know them.
func caller(by proposals.Operator) organisations.Caller {
	out := organisations.Console
	if !by.Console {
		out.Operator = &by.Principal
	}
	return out
}

const bodyRule = "must be a JSON object of at most 64 KiB, its fields of the types that are described"

func read(r *http.Request, into any) error { return problem.ReadJSON(r.Body, 64<<10, into, bodyRule) }

func pathID(r *http.Request, name string) (domain.UUID, error) {
	id, err := domain.ParseUUID(r.PathValue(name))
	if err != nil {
		return id, core.ErrNotFound
	}
	return id, nil
}

// refusedField makes a bad number an answer that names the field, and not the number.
func refusedField(name string, err error) error {
	if err == nil {
		return nil
	}
	var own *problem.Error
	if errors.As(err, &own) {
		return err
	}
	return problem.BadField(name, "field.not.valid", "must be a number of its kind")
}
