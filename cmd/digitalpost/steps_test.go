package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/server/servertest"
)

// A step is one kind of line in a story. play is given what the form's groups have taken, from 1 on.
type step struct {
	form *regexp.Regexp
	play func(s *scenario, a []string) error
}

// steps are all kinds of line; the first whose form fits is played.
var steps = []step{
	{form(`(.+) sends "(.+)" to (\S+?)( to come on (\d{4}-\d\d-\d\d)| to come in (\d+) days)?( that can be answered)?`),
		(*scenario).sends},
	{form(`(.+) recalls "(.+)"`), (*scenario).recalls},
	{form(`(.+) receipt for "(.+)" is (\S+)( .+)?`), (*scenario).receiptIs},
	{form(`(.+) fetches "(.+)" and answers (COMPLETED|INVALID)`), (*scenario).fetches},

	{form(`(\S+) on (\S+) sees "(.+)" (read|unread) in (?:"(.+)"|(\S+))`), (*scenario).sees},
	{form(`(\S+) on (\S+) does not see "(.+)"`), (*scenario).doesNotSee},
	{form(`(\S+) on (\S+) creates the folder "(.+)"`), (*scenario).createsFolder},
	{form(`(\S+) on (\S+) (reads|marks unread|flags|deletes|restores) "(.+)"`), (*scenario).acts},
	{form(`(\S+) on (\S+) moves "(.+)" to (?:"(.+)"|(\S+))`), (*scenario).moves},
	{form(`(\S+) on (\S+) (begins|writes) "(.+)" to "(.+)"`), (*scenario).writes},
	{form(`(\S+) on (\S+) answers "(.+)"`), (*scenario).answers},
	{form(`(\S+) on (\S+) forwards "(.+)" to (\S+)`), (*scenario).forwards},

	{form(`the server starts again(, its views gone)?`), (*scenario).startsAgain},
}

func form(line string) *regexp.Regexp { return regexp.MustCompile("^" + line + "$") }

func (s *scenario) sends(a []string) error {
	c, cvr := s.system(a[1])
	uuid, to := servertest.NewUUID(), s.number(a[3])
	xml := servertest.MeMo(uuid, cvr, a[1], to, a[2], "Hej "+a[3])
	if len(to) == 8 {
		xml = servertest.ToCompany(xml, to)
	}
	if n, err := strconv.Atoi(a[6]); err == nil {
		a[5] = time.Now().In(memo.Copenhagen).AddDate(0, 0, n).Format(time.DateOnly)
	}
	if a[5] != "" {
		xml = servertest.Dated(xml, a[5])
	}
	if a[7] != "" {
		xml = servertest.Replyable(xml)
	}
	r, err := c.Post(uuid, strings.NewReader(xml))
	s.sent[a[2]], s.trans[a[2]] = uuid, r.TransmissionID
	return err
}

func (s *scenario) recalls(a []string) error {
	c, _ := s.system(a[1])
	_, err := c.Do("DELETE", "/apis/v1/memos/"+s.sent[a[2]], nil, nil)
	return err
}

func (s *scenario) receiptIs(a []string) error {
	c, _ := s.system(strings.TrimSuffix(a[1], "'s"))
	r, err := c.Final(s.trans[a[2]])
	if got := strings.TrimSpace(r.ReceiptStatus + " " + r.ErrorCode); err == nil && got != a[3]+a[4] {
		err = fmt.Errorf("it is %s", got)
	}
	return err
}

func (s *scenario) fetches(a []string) error {
	c, _ := s.system(a[1])
	memo := "/apis/v1/memos/" + s.sent[a[2]]
	c.Fetch(s.sent[a[2]])
	c.Ask(200, "POST", memo+"/receipt", fmt.Sprintf(`{"receiptStatus":%q}`, a[3]))
	c.Ask(204, "DELETE", memo, "")
	return nil
}

func (s *scenario) sees(a []string) error {
	v, m, err := s.person(a[1], a[2]).Shown(a[3])
	if err == nil && (v.Folders[m.FolderID] != a[5]+a[6] || m.Read != (a[4] == "read")) {
		err = fmt.Errorf("it is in %s, read %v", v.Folders[m.FolderID], m.Read)
	}
	return err
}

func (s *scenario) doesNotSee(a []string) error {
	if _, _, err := s.person(a[1], a[2]).Shown(a[3]); err == nil {
		return errors.New("it is seen")
	}
	return nil
}

func (s *scenario) createsFolder(a []string) error {
	c := s.person(a[1], a[2])
	v, err := c.Look()
	if err == nil {
		body := strings.NewReader(fmt.Sprintf(`{"name":%q}`, a[3]))
		_, err = c.Do("POST", "/apis/v1/mailboxes/"+v.ID+"/folders/", body, nil)
	}
	return err
}

func (s *scenario) acts(a []string) error {
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
}

// act sends a request about a message, as somebody on a platform.
func (s *scenario) act(name, platform, label, method, suffix, body string) error {
	c := s.person(name, platform)
	v, m, err := c.Shown(label)
	if err == nil {
		path := "/apis/v1/mailboxes/" + v.ID + "/messages/" + m.ID + suffix
		_, err = c.Do(method, path, strings.NewReader(body), nil)
	}
	return err
}

func (s *scenario) moves(a []string) error {
	v, err := s.person(a[1], a[2]).Look()
	if err != nil {
		return err
	}
	return s.act(a[1], a[2], a[3], "PATCH", "", fmt.Sprintf(`{"folderId":%q}`, v.Folder(a[4]+a[5])))
}

func (s *scenario) writes(a []string) error {
	c := s.person(a[1], a[2])
	v, err := c.Look()
	if err != nil {
		return err
	}
	path := c.Draft("/apis/v1/mailboxes/"+v.ID+"/messages/", a[4], s.w.Point(a[5]).Text("id"), "Kære "+a[5])
	if a[3] == "writes" {
		s.sent[a[4]] = c.Ask(200, "POST", path+"/send", "").Text("messageUUID")
	}
	return nil
}

func (s *scenario) answers(a []string) error {
	c := s.person(a[1], a[2])
	v, m, err := c.Shown(a[3])
	if err != nil {
		return err
	}
	box := "/apis/v1/mailboxes/" + v.ID + "/messages/"
	draft := c.Ask(200, "POST", box+m.ID+"/reply", "")
	c.Attach(box+draft.Text("id"), "MAIN", "svar.txt", "Svar på "+a[3])
	s.sent[draft.Text("label")] = c.Ask(200, "POST", box+draft.Text("id")+"/send", "").Text("messageUUID")
	return nil
}

func (s *scenario) forwards(a []string) error {
	body := fmt.Sprintf(`{"recipientId":%q,"recipientIdType":"CPR"}`, s.number(a[4]))
	return s.act(a[1], a[2], a[3], "POST", "/forward", body)
}

func (s *scenario) startsAgain(a []string) error {
	s.w.Stop()
	if a[1] != "" {
		if err := os.RemoveAll(filepath.Join(s.w.Data, "views")); err != nil {
			return err
		}
	}
	s.w.Start()
	return nil
}
