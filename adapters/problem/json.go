package problem

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
)

// Repeated gives the name of a member that stands twice in one of a JSON value's objects, however its letters are
// cased; empty if there is none, or the value is not JSON. Of two members of one name, each reader takes the one that
// it likes.
func Repeated(raw []byte) string {
	in := json.NewDecoder(bytes.NewReader(raw))
	in.UseNumber()

	var open []map[string]bool // the names so far, of each object that is open; nil for a list
	name := false              // whether a name comes next
	for {
		t, err := in.Token()
		if err != nil {
			return ""
		}

		switch t := t.(type) {
		case json.Delim:
			switch t {
			case '{':
				open, name = append(open, map[string]bool{}), true
				continue
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
		case string:
			if name {
				in := open[len(open)-1]
				folded := strings.Map(fold, t)
				if in[folded] {
					return t
				}
				in[folded], name = true, false
				continue
			}
		}
		name = len(open) > 0 && open[len(open)-1] != nil
	}
}

// fold gives the least of the letters that encoding/json takes for r.
func fold(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}
