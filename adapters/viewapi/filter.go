package viewapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/problem"
)

func (q *listQuery) matches(o object, w backbone.Words) bool {
	for field, t := range q.from {
		if s, _ := o[field].(string); s < stamp(t) {
			return false
		}
	}
	for field, t := range q.to {
		if s, _ := o[field].(string); s > stamp(t) {
			return false
		}
	}
	words, rest := q.byWords()
	for _, m := range rest {
		if !m.matches(o) {
			return false
		}
	}
	return matchesWords(words, w)
}

func (m matcher) matches(o object) bool {
	found := false
	texts(at(o, m.path), func(s string) bool {
		found = m.fits(backbone.Fold(s))
		return !found
	})
	return found
}

// fits tells whether one of the values is a pattern of a folded text.
func (m matcher) fits(s string) bool {
	return slices.ContainsFunc(m.values, func(p pattern) bool { return p.fits(s) })
}

// at gives what lies at a path: of a list, in each of its elements.
func at(v any, path []string) any {
	if len(path) == 0 {
		return v
	}
	switch v := v.(type) {
	case object:
		return at(v[path[0]], path[1:])
	case []object:
		var out []any
		for _, x := range v {
			out = append(out, at(x, path))
		}
		return out
	}
	return nil
}

// texts calls fn for each text, number and truth value within a value, until it returns false.
func texts(v any, fn func(string) bool) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return fn(v)
	case object:
		for _, x := range v {
			if !texts(x, fn) {
				return false
			}
		}
		return true
	case []object:
		for _, x := range v {
			if !texts(x, fn) {
				return false
			}
		}
		return true
	case []any:
		for _, x := range v {
			if !texts(x, fn) {
				return false
			}
		}
		return true
	case fmt.Stringer:
		return fn(v.String())
	case json.RawMessage:
		return true
	}
	return fn(fmt.Sprint(v))
}

// A pattern is a folded text in which * stands for any text: its parts between the stars.
type pattern []string

// Bounds of the patterns of one list.
const (
	maxPattern = 1024 // bytes of one
	maxStars   = 16   // in one
)

// patterns reads values; what two stars in a row stand for, one does.
func patterns(values []string) (out []pattern) {
	for _, v := range values {
		v = backbone.Fold(v)
		for strings.Contains(v, "**") {
			v = strings.ReplaceAll(v, "**", "*")
		}
		out = append(out, strings.Split(v, "*"))
	}
	return out
}

// bounded checks the values of a parameter.
func bounded(name string, values []string) error {
	if len(values) > maxFilters || slices.ContainsFunc(values, func(v string) bool { return len(v) > maxPattern || strings.Count(v, "*") > maxStars }) {
		return problem.BadField(clip(name), "parameter.not.valid", "must be given at most 32 times, each with at most 1,024 bytes and 16 stars")
	}
	return nil
}

// fits tells whether the pattern is that of all of s.
func (p pattern) fits(s string) bool {
	if len(p) == 1 {
		return p[0] == s
	}
	if !strings.HasPrefix(s, p[0]) {
		return false
	}
	s = s[len(p[0]):]
	for _, part := range p[1 : len(p)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, p[len(p)-1])
}

// sortKey gives what a message is sorted by: a folded text, a number or a truth value; nil if it has none.
func sortKey(o object, path []string) (k any) {
	v := at(o, path)
	switch v := v.(type) {
	case bool:
		return v
	case uint32:
		return float64(v)
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	}
	texts(v, func(s string) bool { k = backbone.Fold(s); return false })
	return k
}

// compare sorts what has no key first, false before true.
func compare(a, b any) int {
	switch x := a.(type) {
	case bool:
		y, _ := b.(bool)
		return boolOrder(x, y)
	case float64:
		y, _ := b.(float64)
		return cmp.Compare(x, y)
	}
	x, _ := a.(string)
	y, _ := b.(string)
	return strings.Compare(x, y)
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
