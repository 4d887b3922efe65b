package viewapi

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/text"
	"digitalpost/adapters/problem"
)

// A matcher is one filter: where it looks in an answer, and what it takes.
type matcher struct {
	path   []string // nil: any text
	values []pattern
}

// matches reports whether a message, with its words, is one that the list asks for.
func (q *listQuery) matches(m *Message, w content.Words) bool {
	v := reflect.ValueOf(m).Elem()
	for field, t := range q.from {
		if moment(v, field) < stamp(t) {
			return false
		}
	}
	for field, t := range q.to {
		if moment(v, field) > stamp(t) {
			return false
		}
	}

	words, rest := q.byWords()
	for _, m := range rest {
		if !m.matches(v) {
			return false
		}
	}
	return matchesWords(words, w)
}

// moment gives the time that a field of an answer shows, as text.
func moment(v reflect.Value, field string) (s string) {
	at(v, []string{field}, func(x reflect.Value) bool { s = x.String(); return false })
	return s
}

// matches reports whether an answer has a text where the matcher looks that is one of its values.
func (m matcher) matches(v reflect.Value) bool {
	return !at(v, m.path, func(x reflect.Value) bool {
		return texts(x, func(s string) bool { return !m.fits(text.Fold(s)) })
	})
}

// fits reports whether one of the values is a pattern of a folded text.
func (m matcher) fits(s string) bool {
	return slices.ContainsFunc(m.values, func(p pattern) bool { return p.fits(s) })
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
		v = text.Fold(v)
		for strings.Contains(v, "**") {
			v = strings.ReplaceAll(v, "**", "*")
		}
		out = append(out, strings.Split(v, "*"))
	}
	return out
}

// bounded checks the values of a parameter.
func bounded(name string, values []string) error {
	tooMuch := func(v string) bool { return len(v) > maxPattern || strings.Count(v, "*") > maxStars }
	if len(values) > maxFilters || slices.ContainsFunc(values, tooMuch) {
		return problem.BadField(clip(name), "parameter.not.valid",
			"must be given at most 32 times, each with at most 1,024 bytes and 16 stars")
	}
	return nil
}

// fits reports whether the pattern is that of all of s.
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
