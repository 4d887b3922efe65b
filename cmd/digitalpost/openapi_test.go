package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"digitalpost/adapters/openapi"
)

// described holds every request that a test sends through net/http's default transport, and its answer, against openapi.yaml. A request that the server took (2xx) must
// be one that the description allows, and any answer one that it has. What is not described at all is a fault too.
type described struct {
	next   http.RoundTripper
	doc    *openapi3.T
	router routers.Router

	mu     sync.Mutex
	hit    map[string]bool // operations that were used
	faults map[string]int  // what was unlike the description, and how often
}

func newDescribed(next http.RoundTripper) *described {
	doc, err := openapi3.NewLoader().LoadFromData(openapi.YAML)
	if err == nil {
		err = doc.Validate(openapi3.NewLoader().Context)
	}
	if err != nil {
		panic(fmt.Sprintf("openapi.yaml: %v", err))
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	return &described{next: next, doc: doc, router: router, hit: map[string]bool{}, faults: map[string]int{}}
}

func (d *described) fault(format string, args ...any) {
	d.mu.Lock()
	d.faults[fmt.Sprintf(format, args...)]++
	d.mu.Unlock()
}

// RoundTrip sends the request, and looks at both sides.
func (d *described) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, isJSON := bodyOf(r)
	res, err := d.next.RoundTrip(r)
	if err != nil || !strings.HasPrefix(r.URL.Host, "127.0.0.1:") || res.Header.Get("X-Not-Described") != "" {
		return res, err
	}
	looked := r.Clone(r.Context())
	route, params, err := d.router.FindRoute(looked)
	if err != nil { // each path works with and without its trailing slash
		looked.URL.Path = strings.TrimSuffix(looked.URL.Path, "/")
		if route, params, err = d.router.FindRoute(looked); err != nil {
			looked.URL.Path += "/"
			route, params, err = d.router.FindRoute(looked)
		}
	}
	if err != nil {
		if res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusMethodNotAllowed && res.Header.Get("Content-Type") != "" {
			d.fault("%s %s is served and not described", r.Method, withoutIDs(r.URL.Path))
		}
		return res, nil
	}
	name := r.Method + " " + route.Path
	d.mu.Lock()
	d.hit[name] = true
	d.mu.Unlock()
	in := &openapi3filter.RequestValidationInput{Request: looked, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, ExcludeRequestBody: !isJSON, IncludeResponseStatus: true}}
	if looked.Body = http.NoBody; isJSON {
		looked.Body = io.NopCloser(bytes.NewReader(sent))
	}
	if res.StatusCode < 300 {
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
			d.fault("%s: the request was taken, and is not as described: %.300v", name, err)
		}
	}
	d.answer(name, in, res)
	return res, nil
}

func (d *described) answer(name string, in *openapi3filter.RequestValidationInput, res *http.Response) {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: &openapi3filter.Options{IncludeResponseStatus: true}}
	if strings.HasSuffix(kind, "json") {
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(b))
		if err != nil {
			return
		}
		out.SetBodyBytes(b)
	} else {
		out.Options.ExcludeResponseBody = true
	}
	if err := openapi3filter.ValidateResponse(in.Request.Context(), out); err != nil {
		d.fault("%s answers %d, which is not as described: %.400v", name, res.StatusCode, err)
	}
}

// bodyOf reads a JSON body, and puts it back.
func bodyOf(r *http.Request) ([]byte, bool) {
	kind := r.Header.Get("Content-Type")
	if r.Body == nil || r.Body == http.NoBody || kind != "" && !strings.Contains(kind, "json") {
		return nil, false
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return nil, false
	}
	r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(b))
	if kind == "" && bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		r.Header.Set("Content-Type", "application/json")
		kind = "json"
	}
	return b, kind != "" && len(b) > 0
}

func withoutIDs(path string) string { return anyID.ReplaceAllString(path, "{id}") }

// report tells what was unlike the description, and, after a whole run, what of it nobody used.
func (d *described) report() (ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for f, n := range d.faults {
		fmt.Fprintf(os.Stderr, "openapi.yaml: %s (%d times)\n", f, n)
	}
	ok = len(d.faults) == 0
	if f := flag.Lookup("test.run"); f == nil || f.Value.String() != "" || flag.Lookup("test.short").Value.String() == "true" {
		return ok
	}
	var unused []string
	for path, item := range d.doc.Paths.Map() {
		for method := range item.Operations() {
			if !d.hit[method+" "+path] {
				unused = append(unused, method+" "+path)
			}
		}
	}
	if sort.Strings(unused); len(unused) > 0 {
		fmt.Fprintf(os.Stderr, "openapi.yaml: described and used by no test: %s\n", strings.Join(unused, ", "))
		return false
	}
	return ok
}
