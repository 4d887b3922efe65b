package servertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"digitalpost/adapters/openapi"
)

// maxLooked is how many bytes of what is sent are held against the description.
const maxLooked = 8 << 20

var anyID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// description is openapi.yaml, read once in a process.
var description = sync.OnceValue(func() *openapi3.T {
	doc, err := openapi3.NewLoader().LoadFromData(openapi.YAML)
	if err == nil {
		err = doc.Validate(openapi3.NewLoader().Context)
	}
	if err != nil {
		panic(fmt.Sprintf("openapi.yaml: %v", err))
	}
	return doc
})

var router = sync.OnceValue(func() routers.Router {
	r, err := gorillamux.NewRouter(description())
	if err != nil {
		panic(err)
	}
	return r
})

// used are the operations that this process has used, by method and path.
var used sync.Map

// described is a transport that holds every request, and its answer, against openapi.yaml. A request that the server
// took (2xx) must be one that the description allows, and any answer one that it has, without a null. What is not
// described at all is a fault too.
type described struct {
	next http.RoundTripper
	off  bool // nothing is compared

	mu     sync.Mutex
	faults map[string]int // what was unlike the description, and how often
}

// Lines are described as text.
func init() {
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.FileBodyDecoder)
}

func newDescribed(next http.RoundTripper) *described {
	return &described{next: next, faults: map[string]int{}}
}

func (d *described) fault(format string, args ...any) {
	d.mu.Lock()
	d.faults[fmt.Sprintf(format, args...)]++
	d.mu.Unlock()
}

// report fails the test for what was unlike the description.
func (d *described) report(t testing.TB) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for f, n := range d.faults {
		t.Errorf("openapi.yaml: %s (%d times)", f, n)
	}
}

// RoundTrip sends the request, and looks at both sides.
func (d *described) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.off {
		return d.next.RoundTrip(r)
	}
	sent, isJSON := bodyOf(r)
	res, err := d.next.RoundTrip(r)
	if err != nil {
		return res, err
	}

	looked := r.Clone(r.Context())
	route, params, err := find(looked)
	if err != nil {
		refused := res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusMethodNotAllowed
		if !refused && res.Header.Get("Content-Type") != "" {
			d.fault("%s %s is served and not described", r.Method, anyID.ReplaceAllString(r.URL.Path, "{id}"))
		}
		return res, nil
	}

	name := r.Method + " " + route.Path
	used.Store(name, true)
	in := &openapi3filter.RequestValidationInput{
		Request: looked, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
			ExcludeRequestBody: !isJSON, IncludeResponseStatus: true,
		},
	}
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

// find finds a request's operation: each path works with and without its trailing slash.
func find(r *http.Request) (*routers.Route, map[string]string, error) {
	route, params, err := router().FindRoute(r)
	if err == nil {
		return route, params, nil
	}
	r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
	if route, params, err = router().FindRoute(r); err == nil {
		return route, params, nil
	}
	r.URL.Path += "/"
	return router().FindRoute(r)
}

// bodyOf reads a JSON body, and puts it back.
func bodyOf(r *http.Request) ([]byte, bool) {
	kind := r.Header.Get("Content-Type")
	if r.Body == nil || r.Body == http.NoBody || kind != "" && !strings.Contains(kind, "json") {
		return nil, false
	}

	b, err := io.ReadAll(io.LimitReader(r.Body, maxLooked))
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

// answer looks at an answer: its status, its headers and, if it is JSON, all that is in it.
func (d *described) answer(name string, in *openapi3filter.RequestValidationInput, res *http.Response) {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
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
