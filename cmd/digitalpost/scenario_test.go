package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"digitalpost/projections/platform"
)

// A scenario is a story in testdata/scenarios, one step a line, played through the HTTP API of a server of its own. Blank lines and lines that begin with # are for
// the reader. Names in quotes are those of messages and folders; people go by their first names, senders by their organisations'.
type scenario struct {
	w     *world
	sent  map[string]string // label: messageUUID
	trans map[string]string // label: transmission
}

var steps = []struct {
	form *regexp.Regexp
	play func(s *scenario, a []string) error
}{
	{regexp.MustCompile(`^(.+) sends "(.+)" to (\S+?)( to come on (\d{4}-\d\d-\d\d)| to come in (\d+) days)?( that can be answered)?$`), func(s *scenario, a []string) error {
		c, sys := s.system(a[1])
		uuid := newUUID4()
		xml := write(uuid, sys.cvr, a[1], s.number(a[3]), a[2], "Hej "+a[3])
		if len(s.number(a[3])) == 8 {
			xml = strings.Replace(xml, "<memo:idType>CPR", "<memo:idType>CVR", 1)
		}
		if n, err := strconv.Atoi(a[6]); err == nil {
			a[5] = time.Now().AddDate(0, 0, n).Format(time.DateOnly)
		}
		if a[5] != "" {
			xml = dated(xml, a[5])
		}
		if a[7] != "" {
			xml = strings.Replace(xml, "<memo:Sender>", "<memo:reply>true</memo:reply><memo:Sender>", 1)
		}
		r, err := c.post(uuid, strings.NewReader(xml))
		s.sent[a[2]], s.trans[a[2]] = uuid, r.TransmissionID
		return err
	}},
	{regexp.MustCompile(`^(.+) recalls "(.+)"$`), func(s *scenario, a []string) error {
		c, _ := s.system(a[1])
		_, err := c.do("DELETE", "/apis/v1/memos/"+s.sent[a[2]], nil, nil, nil)
		return err
	}},
	{regexp.MustCompile(`^(.+) receipt for "(.+)" is (\S+)( .+)?$`), func(s *scenario, a []string) error {
		c, _ := s.system(strings.TrimSuffix(a[1], "'s"))
		r, err := c.final(s.trans[a[2]])
		if got := strings.TrimSpace(r.ReceiptStatus + " " + r.ErrorCode); err == nil && got != a[3]+a[4] {
			err = fmt.Errorf("it is %s", got)
		}
		return err
	}},
	{regexp.MustCompile(`^(\S+) on (\S+) sees "(.+)" (read|unread) in (?:"(.+)"|(\S+))$`), func(s *scenario, a []string) error {
		v, m, err := s.look(a[1], a[2], a[3])
		if err == nil && (v.folders[m.FolderID] != a[5]+a[6] || m.Read != (a[4] == "read")) {
			err = fmt.Errorf("it is in %s, read %v", v.folders[m.FolderID], m.Read)
		}
		return err
	}},
	{regexp.MustCompile(`^(\S+) on (\S+) does not see "(.+)"$`), func(s *scenario, a []string) error {
		if _, _, err := s.look(a[1], a[2], a[3]); err == nil {
			return fmt.Errorf("it is seen")
		}
		return nil
	}},
	{regexp.MustCompile(`^(\S+) on (\S+) creates the folder "(.+)"$`), func(s *scenario, a []string) error {
		c := s.person(a[1], a[2])
		v, err := c.look()
		if err == nil {
			_, err = c.do("POST", "/apis/v1/mailboxes/"+v.mailbox+"/folders/", nil, strings.NewReader(fmt.Sprintf(`{"name":%q}`, a[3])), nil)
		}
		return err
	}},
	{regexp.MustCompile(`^(\S+) on (\S+) (reads|marks unread|flags|deletes|restores) "(.+)"$`), func(s *scenario, a []string) error {
		switch a[3] {
		case "reads":
			return s.act(a[1], a[2], a[4], "PATCH", "", `{"read":true}`)
		case "marks unread":
			return s.act(a[1], a[2], a[4], "PATCH", "", `{"read":false}`)
		case "flags":
			return s.act(a[1], a[2], a[4], "PATCH", "", `{"flag":true}`)
		case "restores":
			return s.act(a[1], a[2], a[4], "POST", "/restore", "")
		}
		return s.act(a[1], a[2], a[4], "DELETE", "", "")
	}},
	{regexp.MustCompile(`^(\S+) on (\S+) moves "(.+)" to (?:"(.+)"|(\S+))$`), func(s *scenario, a []string) error {
		v, err := s.person(a[1], a[2]).look()
		if err != nil {
			return err
		}
		return s.act(a[1], a[2], a[3], "PATCH", "", fmt.Sprintf(`{"folderId":%q}`, v.folder(a[4]+a[5])))
	}},
	{regexp.MustCompile(`^(\S+) on (\S+) (begins|writes) "(.+)" to "(.+)"$`), func(s *scenario, a []string) error {
		c := s.person(a[1], a[2])
		v, err := c.look()
		if err != nil {
			return err
		}
		path := s.w.draft(c, "/apis/v1/mailboxes/"+v.mailbox+"/messages/", a[4], s.w.point(a[5]).text("id"), "Kære "+a[5])
		if a[3] == "writes" {
			s.sent[a[4]] = s.w.ask(c, 200, "POST", path+"/send", "").text("messageUUID")
		}
		return nil
	}},
	{regexp.MustCompile(`^(\S+) on (\S+) answers "(.+)"$`), func(s *scenario, a []string) error {
		c := s.person(a[1], a[2])
		v, m, err := s.look(a[1], a[2], a[3])
		if err != nil {
			return err
		}
		box := "/apis/v1/mailboxes/" + v.mailbox + "/messages/"
		draft := s.w.ask(c, 200, "POST", box+m.ID+"/reply", "")
		s.w.attach(c, box+draft.text("id"), "MAIN", "svar.txt", "Svar på "+a[3])
		s.sent[draft.text("label")] = s.w.ask(c, 200, "POST", box+draft.text("id")+"/send", "").text("messageUUID")
		return nil
	}},
	{regexp.MustCompile(`^(\S+) on (\S+) forwards "(.+)" to (\S+)$`), func(s *scenario, a []string) error {
		return s.act(a[1], a[2], a[3], "POST", "/forward", fmt.Sprintf(`{"recipientId":%q,"recipientIdType":"CPR"}`, s.number(a[4])))
	}},
	{regexp.MustCompile(`^(.+) fetches "(.+)" and answers (COMPLETED|INVALID)$`), func(s *scenario, a []string) error {
		c, _ := s.system(a[1])
		s.w.fetched(c, s.sent[a[2]])
		s.w.ask(c, 200, "POST", "/apis/v1/memos/"+s.sent[a[2]]+"/receipt", fmt.Sprintf(`{"receiptStatus":%q}`, a[3]))
		s.w.ask(c, 204, "DELETE", "/apis/v1/memos/"+s.sent[a[2]], "")
		return nil
	}},
	{regexp.MustCompile(`^the server starts again(, its views gone)?$`), func(s *scenario, a []string) error {
		s.w.stop()
		if a[1] != "" {
			if err := os.RemoveAll(filepath.Join(s.w.data, "views")); err != nil {
				return err
			}
		}
		s.w = start(s.w.t, s.w.data)
		return nil
	}},
}

func (s *scenario) number(name string) string {
	for _, c := range s.w.d.Companies {
		if strings.HasPrefix(c.Name, name+" ") {
			return c.CVR
		}
	}
	for _, p := range s.w.d.People {
		if strings.HasPrefix(p.Name, name+" ") {
			return p.CPR
		}
	}
	s.w.t.Fatalf("nobody is called %s", name)
	return ""
}

func (s *scenario) person(name, platform string) *client { return s.w.with(s.number(name), platform) }

type systemOf struct{ cvr string }

func (s *scenario) system(organisation string) (*client, systemOf) {
	for i, x := range s.w.d.SenderSystems {
		if x.Organisation == organisation {
			return (&client{url: s.w.url}).as(s.w.d, i), systemOf{x.CVR}
		}
	}
	s.w.t.Fatalf("no sender is called %s", organisation)
	return nil, systemOf{}
}

func (s *scenario) look(name, platform, label string) (v shown, m shownMessage, err error) {
	v, err = s.person(name, platform).look()
	for _, m := range v.messages {
		if m.Label == label {
			return v, m, err
		}
	}
	if err == nil {
		err = fmt.Errorf("%s is not shown", label)
	}
	return v, m, err
}

func (s *scenario) act(name, platform, label, method, suffix, body string) error {
	v, m, err := s.look(name, platform, label)
	if err == nil {
		_, err = s.person(name, platform).do(method, "/apis/v1/mailboxes/"+v.mailbox+"/messages/"+m.ID+suffix, nil, strings.NewReader(body), nil)
	}
	return err
}

var (
	anyID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anyTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`)
)

// plain gives JSON with its fields in order, ids numbered as they come and times left out, so that two answers that are the
// same as JSON are the same.
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

// Each story plays, and at its end each platform shows the first person's mailbox as its golden view has it, and the senders have the golden receipts.
func TestScenarios(t *testing.T) {
	files, _ := filepath.Glob("../../testdata/scenarios/*.txt")
	if len(files) == 0 {
		t.Fatal("there is no scenario")
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := &scenario{w: start(t, t.TempDir()+"/var"), sent: map[string]string{}, trans: map[string]string{}}
			for i, line := range strings.Split(string(text), "\n") {
				if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
					continue
				}
				if err := s.step(line); err != nil {
					t.Fatalf("%s:%d: %s: %v", file, i+1, line, err)
				}
			}
			s.goldens(t, name)
		})
	}
}

func (s *scenario) step(line string) error {
	for _, st := range steps {
		if a := st.form.FindStringSubmatch(line); a != nil {
			return st.play(s, a)
		}
	}
	return fmt.Errorf("no step reads like this")
}

func (s *scenario) goldens(t *testing.T, name string) {
	for _, p := range platform.All {
		me, box := (*client)(nil), "/apis/v1/mailboxes/"
		if p.Citizens {
			me, box = s.w.person(s.w.d.People[0].CPR, p.ID), box+s.w.d.People[0].Mailbox
		} else { // virk.dk shows the first company's
			me, box = s.w.with(s.w.d.Companies[0].CVR, p.ID), box+s.w.d.Companies[0].Mailbox
		}
		var out strings.Builder
		out.WriteString("{")
		for i, path := range []string{"/folders/summary/", "/messages/", "/sender-information/"} {
			status, _, body := me.status("GET", box+path, nil, "")
			if status != 200 {
				t.Fatalf("GET %s on %s: %d %s", path, p.ID, status, body)
			}
			fmt.Fprintf(&out, "%s%q: %s", strings.Repeat(",", min(i, 1)), "GET "+path, body)
		}
		out.WriteString("}")
		golden(t, "../../testdata/views/"+p.ID+"/"+name+".json", plain(out.String()))
	}
	var out strings.Builder
	out.WriteString("{")
	for i, x := range s.w.d.SenderSystems {
		_, _, body := (&client{url: s.w.url}).as(s.w.d, i).status("GET", "/apis/v1/receipts-bulk/", nil, "")
		fmt.Fprintf(&out, "%s%q: %s", strings.Repeat(",", min(i, 1)), x.Name, body)
	}
	out.WriteString("}")
	golden(t, "../../testdata/receipts/"+name+".json", plain(out.String()))
}
