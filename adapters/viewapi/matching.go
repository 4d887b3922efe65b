package viewapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"digitalpost/adapters/backbone"
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
		s = backbone.Fold(s)
		found = slices.ContainsFunc(m.values, func(v string) bool { return wild(v, s) })
		return !found
	})
	return found
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

// wild tells whether a pattern, in which * stands for any text, is that of all of s.
func wild(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
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
