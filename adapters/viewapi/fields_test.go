package viewapi

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"digitalpost/domain"
)

// An answer of every sort of field that answers have.
type sample struct {
	Resource
	Text    string          `json:"text"`
	Maybe   string          `json:"maybe,omitempty"`
	Pointer *string         `json:"pointer,omitempty"`
	ID2     domain.FolderID `json:"folder,omitzero"`
	Number  int64           `json:"number"`
	Flag    bool            `json:"flag"`
	Words   []string        `json:"words"`
	Inner   *inner          `json:"inner,omitempty"`
	Many    []inner         `json:"many"`
}

type inner struct {
	Name string `json:"name"`
}

func TestAnswersAreReadByTheirNames(t *testing.T) {
	empty := ""
	full := sample{Resource: Resource{domain.UUID{1}, 7}, Text: "a", Maybe: "b", Pointer: &empty,
		ID2: domain.FolderID{2}, Number: 12, Flag: true, Words: []string{"x", "y"}, Inner: &inner{"in"},
		Many: []inner{{"one"}, {"two"}}}
	bare := sample{}

	for _, c := range []struct {
		of   sample
		path []string
		want []string
	}{
		{full, []string{"version"}, []string{"7"}},
		{full, []string{"id"}, []string{"01000000-0000-0000-0000-000000000000"}},
		{full, []string{"maybe"}, []string{"b"}},
		{full, []string{"pointer"}, []string{""}}, // is there, and empty
		{full, []string{"words"}, []string{"[x y]"}},
		{full, []string{"inner", "name"}, []string{"in"}},
		{full, []string{"many", "name"}, []string{"one", "two"}},
		{full, []string{"many"}, []string{"one", "two"}},
		{full, []string{"text", "name"}, nil},
		{full, []string{"no such"}, nil},
		{bare, []string{"text"}, []string{""}},
		{bare, []string{"flag"}, []string{"false"}},
		{bare, []string{"maybe"}, nil},
		{bare, []string{"pointer"}, nil},
		{bare, []string{"folder"}, nil},
		{bare, []string{"inner", "name"}, nil},
		{bare, nil, []string{"00000000-0000-0000-0000-000000000000", "0", "", "0", "false", "[]"}},
	} {
		var got []string
		at(reflect.ValueOf(c.of), c.path, func(v reflect.Value) bool {
			return texts(v, func(s string) bool { got = append(got, s); return true })
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("texts at %q of %+v = %q, want %q", c.path, c.of, got, c.want)
		}
	}
}

func TestSortKeys(t *testing.T) {
	v := reflect.ValueOf(sample{Text: "ÅRE", Number: 12, Flag: true})
	for path, want := range map[string]any{
		"text": "åre", "number": 12.0, "version": 0.0, "flag": true, "maybe": nil, "many": nil,
	} {
		if got := sortKey(v, []string{path}); got != want {
			t.Errorf("sortKey %s = %v, want %v", path, got, want)
		}
	}
}

// fields= shows what is asked for, as the whole answer would.
func TestOnlySomeFields(t *testing.T) {
	x := sample{Resource: Resource{domain.UUID{1}, 7}, Text: "a", Many: []inner{{"one"}}}
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"version", "text"}, `{"text":"a","version":7}`},
		{[]string{"many", "maybe", "inner"}, `{"many":[{"name":"one"}]}`},
		{[]string{}, `{}`},
	} {
		got, err := json.Marshal(only(&x, c.names))
		if err != nil || string(got) != c.want {
			t.Errorf("only %q = %s, %v, want %s", c.names, got, err, c.want)
		}
	}
	if only(&x, nil) != any(&x) {
		t.Error("without fields an answer is not shown whole")
	}
	if !hasField[sample]("version") || hasField[sample]("Resource") || hasField[sample]("name") {
		t.Error("fields are not those that the JSON has")
	}
}
