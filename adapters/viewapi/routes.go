package viewapi

import (
	"net/http"

	"digitalpost/adapters/problem"
)

// A handler answers a request of somebody who is known.
type handler func(http.ResponseWriter, request) error

// An openHandler answers a request of somebody who need not be known.
type openHandler func(http.ResponseWriter, *http.Request) error

// routes add paths under /apis/v1/, each with and without its trailing slash.
type routes struct {
	*api
	mux *http.ServeMux
}

func (rs routes) add(method, path string, fn http.HandlerFunc) {
	rs.mux.HandleFunc(method+" /apis/v1/"+path, fn)
	rs.mux.HandleFunc(method+" /apis/v1/"+path+"/{$}", fn)
}

// one adds a route of a single resource: it is not there for those who may not see it.
func (rs routes) one(method, path string, fn handler) { rs.known(method, path, true, fn) }

// list adds a route of many things: those who may not see them are told so.
func (rs routes) list(method, path string, fn handler) { rs.known(method, path, false, fn) }

func (rs routes) known(method, path string, single bool, fn handler) {
	rs.add(method, path, func(w http.ResponseWriter, r *http.Request) {
		err := rs.serve(w, r, single, fn)
		if err == nil {
			return
		}

		if problem.Of(err).Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="digitalpost"`)
		}
		problem.Write(w, rs.log, err)
	})
}

// open adds a route that asks nobody who they are.
func (rs routes) open(path string, fn openHandler) {
	rs.add("GET", path, func(w http.ResponseWriter, r *http.Request) {
		err := rs.fresh(r)
		if err == nil {
			err = fn(w, r)
		}
		if err != nil {
			problem.Write(w, rs.log, err)
		}
	})
}
