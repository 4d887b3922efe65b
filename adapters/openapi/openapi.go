// Package openapi is the description of all that the backbone serves over HTTP, for people and their tools. Tests
// hold every request and answer against it.
package openapi

import (
	_ "embed"
	"net/http"
	"slices"
)

// The description in two parts, one behind the other: what is served, and what it is made of.
var (
	//go:embed paths.yaml
	paths []byte
	//go:embed components.yaml
	components []byte
)

// YAML is the description, OpenAPI 3.0.
var YAML = slices.Concat(paths, components)

// Register serves it at /openapi.yaml.
func Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(YAML) // a client that went away needs no answer
	})
}
