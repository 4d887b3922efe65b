// Package openapi is the description of all that the backbone serves over HTTP, for people and their tools. Tests
// hold every request and answer against it.
package openapi

import (
	_ "embed"
	"net/http"
)

// YAML is the description, OpenAPI 3.0.
//
//go:embed openapi.yaml
var YAML []byte

// Register serves it at /openapi.yaml.
func Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(YAML) // a client that went away needs no answer
	})
}
