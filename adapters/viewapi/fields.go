package viewapi

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"digitalpost/adapters/backbone/text"
)

// Filters, sortFields and fields name what they want as the JSON does. Here answers are read by those names: what
// encoding an answer would leave out is not there, and texts are those that it would show.

// A jsonField is a field of an answer by the name that the JSON has for it.
type jsonField struct {
	name            string
	index           []int // for reflect.Value.FieldByIndex
	omitted, zeroed bool  // left out where it is empty, or the zero value
}

// in gives the field's value in an answer; false where it is left out.
func (f jsonField) in(v reflect.Value) (reflect.Value, bool) {
	v = v.FieldByIndex(f.index)
	if f.zeroed && v.IsZero() || f.omitted && empty(v) {
		return v, false
	}
	return v, true
}

// empty reports what omitempty takes for empty.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// jsonFields keeps the fields of each type of answer, once they have been asked for. The types are few: those of the
// code.
var jsonFields sync.Map // reflect.Type: []jsonField

// fieldsOf gives the fields of a struct type, those of what it embeds among them.
func fieldsOf(t reflect.Type) []jsonField {
	if known, ok := jsonFields.Load(t); ok {
		return known.([]jsonField)
	}
	var out []jsonField
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || name == "-" {
			continue
		}
		out = append(out, jsonField{name, f.Index, options == "omitempty", options == "omitzero"})
	}
	jsonFields.Store(t, out)
	return out
}

// fieldOf gives the field of a struct type that has a name.
func fieldOf(t reflect.Type, name string) (jsonField, bool) {
	for _, f := range fieldsOf(t) {
		if f.name == name {
			return f, true
		}
	}
	return jsonField{}, false
}

// hasField reports whether answers of type T can have a field of that name.
func hasField[T any](name string) bool {
	_, ok := fieldOf(reflect.TypeFor[T](), name)
	return ok
}

// sortable reports whether answers of type T can be sorted by what lies at a path: a text, a number, a time or a truth
// value, and no object.
func sortable[T any](path []string) bool {
	t := reflect.TypeFor[T]()
	for {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}

		if t.Kind() != reflect.Struct || len(path) == 0 {
			return t.Kind() != reflect.Struct && len(path) == 0
		}

		f, ok := fieldOf(t, path[0])
		if !ok {
			return false
		}
		t, path = t.FieldByIndex(f.index).Type, path[1:]
	}
}

// at calls fn with each value that lies at a path in an answer, in each element where there is a list on the way,
// until it returns false. It reports whether it never did.
func at(v reflect.Value, path []string, fn func(reflect.Value) bool) bool {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return true
		}
		v = v.Elem()
	}

	if len(path) == 0 {
		return fn(v)
	}

	switch v.Kind() {
	case reflect.Struct:
		if f, ok := fieldOf(v.Type(), path[0]); ok {
			if x, there := f.in(v); there {
				return at(x, path[1:], fn)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if !at(v.Index(i), path, fn) {
				return false
			}
		}
	}

	return true
}

// texts calls fn with each text, number and truth value within a value, until it returns false. It reports whether it
// never did. A list of texts is one text, in brackets.
func texts(v reflect.Value, fn func(string) bool) bool {
	switch {
	case v.Kind() == reflect.Pointer:
		return v.IsNil() || texts(v.Elem(), fn)
	case v.Kind() == reflect.String:
		return fn(v.String())
	case v.Kind() == reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			if x, there := f.in(v); there && !texts(x, fn) {
				return false
			}
		}
		return true
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			if !texts(v.Index(i), fn) {
				return false
			}
		}
		return true
	}

	return fn(fmt.Sprint(v.Interface()))
}

// sortKey gives what an answer is sorted by: a folded text, a number or a truth value; nil if it has none.
func sortKey(v reflect.Value, path []string) (k any) {
	at(v, path, func(x reflect.Value) bool {
		switch {
		case x.Kind() == reflect.Bool:
			k = x.Bool()
		case x.CanInt():
			k = float64(x.Int())
		case x.CanUint():
			k = float64(x.Uint())
		case x.CanFloat():
			k = x.Float()
		default:
			texts(x, func(s string) bool { k = text.Fold(s); return false })
		}
		return k == nil
	})
	return k
}

// only gives what is shown of an answer, a *T: the fields that are asked for, those that are not left out; nil is all.
func only[T any](answer *T, names []string) any {
	if names == nil {
		return answer
	}
	v := reflect.ValueOf(answer).Elem()
	out := map[string]any{}
	for _, name := range names {
		if f, ok := fieldOf(v.Type(), name); ok {
			if x, there := f.in(v); there {
				out[name] = x.Interface()
			}
		}
	}
	return out
}
