package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"digitalpost/adapters/openapi"
)

// described holds every request that a test sends through net/http's default transport, and its answer, against
// openapi.yaml. A request that the server took (2xx) must be one that the description allows, and any answer one that
// it has, without a null. What is not described at all is a fault too.
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
		refused := res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusMethodNotAllowed
		if !refused && res.Header.Get("Content-Type") != "" {
			d.fault("%s %s is served and not described", r.Method, withoutIDs(r.URL.Path))
		}
		return res, nil
	}
	name := r.Method + " " + route.Path
	d.mu.Lock()
	d.hit[name] = true
	d.mu.Unlock()
	in := &openapi3filter.RequestValidationInput{Request: looked, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
			ExcludeRequestBody: !isJSON, IncludeResponseStatus: true}}
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

// answer looks at an answer: its status, its headers and, if it is JSON, all that is in it.
func (d *described) answer(name string, in *openapi3filter.RequestValidationInput, res *http.Response) {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode,
		Header: res.Header, Options: &openapi3filter.Options{IncludeResponseStatus: true}}
	if strings.HasSuffix(kind, "json") {
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(b))
		if err != nil {
			return
		}
		out.SetBodyBytes(b)
		d.within(name, in, res.StatusCode, b)
	} else {
		out.Options.ExcludeResponseBody = true
	}
	if err := openapi3filter.ValidateResponse(in.Request.Context(), out); err != nil {
		d.fault("%s answers %d, which is not as described: %.400v", name, res.StatusCode, err)
	}
}

// within looks at what the description alone does not say of a JSON answer: nothing in it is null, and what a list
// shows is whole unless fields were asked for.
func (d *described) within(name string, in *openapi3filter.RequestValidationInput, status int, body []byte) {
	var answer any
	if len(body) == 0 {
		return
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		d.fault("%s answers %d with JSON that can't be read: %v", name, status, err)
		return
	}
	for _, path := range nulls(answer, "") {
		d.fault("%s answers %d with null at %s", name, status, path)
	}

	fields, isObject := answer.(map[string]any)
	if in.Request.URL.Query().Has("fields") || !isObject {
		return
	}
	response := in.Route.Operation.Responses.Status(status)
	if response == nil || response.Value.Content.Get("application/json") == nil {
		return // a fault that is told of already
	}
	for list, whole := range listsOf(response.Value.Content.Get("application/json").Schema.Value) {
		items, _ := fields[list].([]any)
		for _, item := range items {
			if err := whole.VisitJSON(item); err != nil {
				d.fault("%s answers %d, with something in %s that is not whole: %.400v", name, status, list, err)
			}
		}
	}
}

// nulls gives the paths of what is null in JSON.
func nulls(v any, path string) (out []string) {
	switch v := v.(type) {
	case nil:
		return []string{path}
	case map[string]any:
		for k, x := range v {
			out = append(out, nulls(x, path+"."+k)...)
		}
	case []any:
		for _, x := range v {
			out = append(out, nulls(x, path+"[]")...)
		}
	}
	return out
}

// listsOf gives the lists of a page whose items may have some of their fields alone, with the schema of a whole item:
// the first of the two that an item may have.
func listsOf(page *openapi3.Schema) map[string]*openapi3.Schema {
	out := map[string]*openapi3.Schema{}
	for _, part := range page.AllOf {
		for name, p := range part.Value.Properties {
			if p.Value.Items != nil && len(p.Value.Items.Value.AnyOf) == 2 {
				out[name] = p.Value.Items.Value.AnyOf[0].Value
			}
		}
	}
	return out
}

// What is null is found wherever it lies.
func TestNullsAreFound(t *testing.T) {
	var v any
	if err := json.Unmarshal([]byte(`{"a":null,"b":[{"c":1,"d":null}],"e":"null"}`), &v); err != nil {
		t.Fatal(err)
	}
	got := nulls(v, "")
	if slices.Sort(got); !slices.Equal(got, []string{".a", ".b[].d"}) {
		t.Errorf("nulls = %q, want .a and .b[].d", got)
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

// report prints what was unlike the description, and, after a whole run, what of it nobody used. It reports whether
// all is well.
func (d *described) report() (ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for f, n := range d.faults {
		fmt.Fprintf(os.Stderr, "openapi.yaml: %s (%d times)\n", f, n)
	}
	ok = len(d.faults) == 0
	run, short := flag.Lookup("test.run"), flag.Lookup("test.short")
	if run == nil || run.Value.String() != "" || short.Value.String() == "true" {
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
