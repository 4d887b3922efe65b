package problem_test

import (
	"strings"
	"testing"

	"digitalpost/adapters/problem"
)

// A member that stands twice is found at any depth, and nothing else is.
func TestRepeated(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]string{
		`{"a":1,"b":2}`:                 "",
		`{"a":1,"a":2}`:                 "a",
		`{"text":1,"Text":2}`:           "Text",
		`{"links":1,"linKs":2}`:         "linKs",
		`{"ſ":1,"S":2}`:                 "S",
		`{"å":1,"a":2}`:                 "",
		`{"a":{"b":1},"b":{"b":1}}`:     "",
		`{"a":[{"b":1},{"b":2,"b":3}]}`: "b",
		`{"a":["a","a"],"b":"a"}`:       "",
		`{"a":"x","\u0061":"y"}`:        "a",
		`[{"a":1},{"a":1}]`:             "",
		`{"a":{},"b":[],"a":null}`:      "a",
		`{"a":1,`:                       "",
		`"a"`:                           "",
	} {
		if got := problem.Repeated([]byte(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// A body is bounded, must be JSON, and has no member twice.
func TestReadJSON(t *testing.T) {
	t.Parallel()

	for text, code := range map[string]string{
		`{"a":1}`: "", `{"a":1}x`: "body.not.valid", `{"a":"x"}`: "body.not.valid",
		`{"a":1,"a":1}`: "field.repeated", `{"a":` + strings.Repeat("1", 100) + `}`: "body.not.valid",
	} {
		var in struct{ A int }
		got := ""
		if err := problem.ReadJSON(strings.NewReader(text), 20, &in, "must be"); err != nil {
			got = problem.Of(err).Code
		}
		if got != code {
			t.Errorf("%s: %q, want %q", text, got, code)
		}
	}
}
