package problem

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// ReadJSON reads a JSON value of at most so many bytes, in which no member stands twice. What breaks that is a bad
// body, by the rule that is given; an error of reading is the body's own.
func ReadJSON(body io.Reader, most int64, into any, rule string) error {
	raw, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return err
	}

	if int64(len(raw)) > most || json.Unmarshal(raw, into) != nil {
		return BadField("body", "body.not.valid", rule)
	}
	if name := Repeated(raw); name != "" {
		name = strings.ToValidUTF8(name[:min(len(name), 64)], "?")
		return BadField(name, "field.repeated", "stands twice in an object")
	}

	return nil
}

// Repeated gives the name of a member that stands twice in one of a JSON value's objects; empty if there is none, or
// the value is not JSON. Of two members of one name, each reader takes the one that it likes.
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
				if in[t] {
					return t
				}
				in[t], name = true, false
				continue
			}
		}
		name = len(open) > 0 && open[len(open)-1] != nil
	}
}
