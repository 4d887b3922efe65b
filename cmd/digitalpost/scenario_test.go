package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
	"digitalpost/projections/platform"
)

// A scenario is a story in testdata/scenarios, one step a line, played through the HTTP API of a server of its own.
// Blank lines and lines that begin with # are for the reader. Names in quotes are those of messages and folders; people
// go by their first names, senders by their organisations'.
type scenario struct {
	w     *servertest.World
	sent  map[string]string // label: messageUUID
	trans map[string]string // label: transmission
	named map[string]string // first name of whom a register has named: number
	lines map[string]int    // of each register
}

func (s *scenario) number(name string) string {
	if n := s.named[name]; n != "" {
		return n
	}
	for _, c := range s.w.Companies {
		if strings.HasPrefix(c.Name, name+" ") {
			return c.CVR
		}
	}
	for _, p := range s.w.People {
		if strings.HasPrefix(p.Name, name+" ") {
			return p.CPR
		}
	}
	s.w.T.Fatalf("nobody is called %s", name)
	return ""
}

func (s *scenario) person(name, platform string) *servertest.Client {
	return s.w.Person(s.number(name), platform)
}

// system gives an organisation's sender system, and the organisation's CVR number.
func (s *scenario) system(organisation string) (*servertest.Client, string) {
	for i, x := range s.w.SenderSystems {
		if x.Organisation == organisation {
			return s.w.System(i), x.CVR
		}
	}
	s.w.T.Fatalf("no sender is called %s", organisation)
	return nil, ""
}

var (
	anyID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anyTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`)
)

// plain gives JSON with its fields in order, ids numbered as they come and times left out, so that two answers that are
// the same as JSON are the same.
func plain(raw string) []byte {
	var v any
	in := json.NewDecoder(strings.NewReader(raw))
	in.UseNumber()
	if in.Decode(&v) != nil {
		return []byte(raw)
	}
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return []byte(raw)
	}

	ids := map[string]string{}
	out := anyID.ReplaceAllStringFunc(string(b), func(id string) string {
		if ids[id] == "" {
			ids[id] = fmt.Sprintf("id-%d", len(ids)+1)
		}
		return ids[id]
	})
	return []byte(anyTime.ReplaceAllString(out, "(time)") + "\n")
}

// golden holds what is shown against a file; UPDATE_GOLDEN writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v); make golden writes it anew. Now:\n%s", path, err, got)
	}
}

// Each story plays, and at its end each platform shows the first person's mailbox as its golden view has it, the
// senders have the golden receipts, and data and keys are sound.
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("../../testdata/scenarios/*.txt")
	if len(files) == 0 {
		t.Fatal("there is no scenario")
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := &scenario{
				w: start(t), sent: map[string]string{}, trans: map[string]string{}, named: map[string]string{},
				lines: map[string]int{},
			}
			for i, line := range strings.Split(string(text), "\n") {
				if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
					continue
				}
				if err := s.step(line); err != nil {
					t.Fatalf("%s:%d: %s: %v", file, i+1, line, err)
				}
			}
			s.goldens(t, name)
			s.w.Stop()
			isSound(t, s.w.Data)
		})
	}
}

func (s *scenario) step(line string) error {
	for _, st := range slices.Concat(registerSteps, steps) {
		if a := st.form.FindStringSubmatch(line); a != nil {
			return st.play(s, a)
		}
	}
	return fmt.Errorf("no step reads like this")
}

// goldens holds what the platforms and the senders are shown at the end against the golden files.
func (s *scenario) goldens(t *testing.T, name string) {
	t.Helper()
	for _, p := range platform.All {
		me, box := (*servertest.Client)(nil), s.w.Box(0)
		if p.Citizens {
			me = s.w.User(0, p.ID)
		} else { // virk.dk shows the first company's
			me, box = s.w.Person(s.w.Companies[0].CVR, p.ID), "/apis/v1/mailboxes/"+s.w.Companies[0].Mailbox
		}
		shown := map[string]string{}
		for _, path := range []string{"/folders/summary/", "/messages/", "/sender-information/"} {
			status, _, body := me.Status("GET", box+path, "")
			if status != 200 {
				t.Fatalf("GET %s on %s: %d %s", path, p.ID, status, body)
			}
			shown["GET "+path] = body
		}
		golden(t, "../../testdata/views/"+p.ID+"/"+name+".json", plain(object(shown)))
	}

	receipts := map[string]string{}
	for i, x := range s.w.SenderSystems {
		receipts[x.Name] = s.w.System(i).Body("GET", "/apis/v1/receipts-bulk/", "")
	}
	golden(t, "../../testdata/receipts/"+name+".json", plain(object(receipts)))
}

// object makes a JSON object of its fields' JSON.
func object(fields map[string]string) string {
	raw := map[string]json.RawMessage{}
	for name, v := range fields {
		raw[name] = json.RawMessage(v)
	}
	b, err := json.Marshal(raw)
	if err != nil {
		panic(err)
	}
	return string(b)
}
