package memo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"digitalpost/adapters/memo"
)

// write writes a MeMo anew, its files read from where they lie.
func write(m *memo.Message, raw string, version int) (string, error) {
	var out bytes.Buffer
	err := m.Write(&out, version, func(n *memo.Node) (io.Reader, error) {
		return m.Content(strings.NewReader(raw), int64(len(raw)), *n.File), nil
	})
	return out.String(), err
}

// shape shows an outline without the places of its files.
func shape(n *memo.Node) string {
	b, _ := json.Marshal(n)
	out := &memo.Node{}
	json.Unmarshal(b, out)
	var strip func(*memo.Node)
	strip = func(n *memo.Node) {
		if n.File != nil {
			n.File = &memo.Extent{Size: n.File.Size}
		}
		for _, c := range n.Children {
			strip(c)
		}
	}
	strip(out)
	b, _ = json.MarshalIndent(out, "", " ")
	return string(b)
}

// What is written reads back the same, in any order of the outline; in the other version it lacks what that does not
// have, and the official schema takes both.
func TestWrittenIsReadBack(t *testing.T) {
	var written []mutant
	schemas := map[int][]int{}
	for version, full := range map[int]string{memo.V11: full11, memo.V12: full12} {
		m, err := memo.Read(strings.NewReader(full))
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []int{memo.V11, memo.V12} {
			raw, err := write(m, full, to)
			if err != nil {
				t.Fatalf("Write %d as %d: %v", version, to, err)
			}
			back, err := memo.Read(strings.NewReader(raw))
			if err != nil || back.Version != to {
				t.Fatalf("%d written as %d reads as %v, %v", version, to, back, err)
			}
			if to == version && shape(back.Root) != shape(m.Root) {
				t.Errorf("%d: written and read back it is\n%s\nwant\n%s", version, shape(back.Root), shape(m.Root))
			}
			if to == memo.V11 && version == memo.V12 &&
				(strings.Contains(raw, "epresentative") || !strings.Contains(raw, "<memo:mandatory>")) {
				t.Errorf("1.2 written as 1.1 has a representative, or lacks mandatory:\n%.2000s", raw)
			}
			schemas[to] = append(schemas[to], len(written))
			written = append(written, mutant{fmt.Sprint(version, " as ", to), raw})
		}
		var turn func(n *memo.Node) *memo.Node
		turn = func(n *memo.Node) *memo.Node {
			c := *n
			c.Children = slices.Clone(n.Children)
			seen := map[string]bool{}
			for _, x := range n.Children {
				if seen[x.Name] {
					return &c // the order among those of one name is theirs
				}
				seen[x.Name] = true
			}
			slices.Reverse(c.Children)
			for i := range c.Children {
				c.Children[i] = turn(c.Children[i])
			}
			return &c
		}
		turned := &memo.Message{Version: m.Version, Root: turn(m.Root)}
		raw, err := write(turned, full, version)
		back, rerr := memo.Read(strings.NewReader(raw))
		if err != nil || rerr != nil || shape(back.Root) != shape(m.Root) {
			t.Errorf("%d: turned round it is not the same: %v, %v", version, err, rerr)
		}
	}
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("xmllint is not installed: the schema's verdict is not asked for")
	}
	if _, err := os.Stat(shared); err != nil {
		t.Skip("the official schemas are not there: their verdict is not asked for")
	}
	for version, which := range schemas {
		var all []mutant
		for _, i := range which {
			all = append(all, written[i])
		}
		schema := schemaOf(version)
		for i, ok := range xmllint(t, schema, all) {
			if !ok {
				t.Errorf("the schema refuses %s", all[i].name)
			}
		}
	}
}

// What the format does not have is not written, and a file that can't be read ends the writing.
func TestWriteRefuses(t *testing.T) {
	header := memo.Group("MessageHeader", memo.Text("nonsense", "x"))
	m := &memo.Message{Version: memo.V12, Root: memo.Group("Message", header)}
	if err := m.Write(io.Discard, memo.V12, nil); err == nil {
		t.Error("an element that the format does not have was written")
	}
	m, err := memo.Read(strings.NewReader(full12))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	fails := func(*memo.Node) (io.Reader, error) { return nil, broken }
	if err := m.Write(io.Discard, memo.V12, fails); !errors.Is(err, broken) {
		t.Errorf("Write = %v, want %v", err, broken)
	}
}
