package servertest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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

// An answer that the description does not have is a fault, and so is a path.
func TestWhatIsNotDescribedIsAFault(t *testing.T) {
	answers := map[string]string{
		"/livez":                  "no text is described",
		"/undescribed":            "{}",
		"/apis/v1/mailboxes/":     `{"mailboxes":null}`,
		"/apis/v1/organisations/": `{"totalElements":"many"}`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, answers[r.URL.Path])
	}))
	defer srv.Close()

	for path := range answers {
		d := newDescribed(http.DefaultTransport)
		res, err := (&http.Client{Transport: d}).Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if len(d.faults) == 0 {
			t.Errorf("%s: the answer %s is taken for one that is described", path, answers[path])
		}
	}
}

// Every operation is some suite's, and each suite looks whether it has used its own.
func TestEveryOperationIsUsedInASuite(t *testing.T) {
	for name, tag := range operations() {
		if suites[tag] == "" {
			t.Errorf("openapi.yaml: %s has the tag %q: no suite has to use it", name, tag)
		}
	}
	for tag, suite := range suites {
		if !slices.Contains(mains(t), suite) {
			t.Errorf("no TestMain calls Main for %s, which has the operations of %s", suite, tag)
		}
	}
	if left := unused("viewapi"); len(left) < 50 {
		t.Errorf("%d operations of view clients are unused where none was used", len(left))
	}
}

// mains gives the packages of which a test file calls Main for the package itself.
func mains(t *testing.T) (out []string) {
	t.Helper()
	for _, pattern := range []string{"../*_test.go", "../../*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			dir, err := filepath.Abs(filepath.Dir(file))
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if name := filepath.Base(dir); strings.Contains(string(b), `servertest.Main(m, "`+name+`")`) {
				out = append(out, name)
			}
		}
	}
	return out
}
