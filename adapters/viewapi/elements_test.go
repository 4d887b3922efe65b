package viewapi_test

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// Every value of the MeMo with every element is found in the message's JSON; also after a restart, and with views built
// anew.
func TestEveryElementIsShown(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	raw, err := os.ReadFile("../../testdata/memo/full-1.2.xml")
	if err != nil {
		t.Fatal(err)
	}
	const uuid = "8c2ea15d-61fb-4ba9-9366-42f8b194c114"
	full := strings.NewReplacer(
		"<memo:senderID>12345678</memo:senderID><memo:idType>", "<memo:senderID>20000001</memo:senderID><memo:idType>",
		"<memo:recipientID>6701902345", "<memo:recipientID>"+w.People[0].CPR,
		"22.33.44.55", "241d39f6-998e-4929-b198-ccacbbf4b330", "2026-08-30", "2026-01-01").Replace(string(raw))
	if r, err := w.Sender.Post(uuid, strings.NewReader(full)); err != nil || r.MessageUUID != uuid {
		t.Fatal(r, err)
	}

	want := valuesOf(full)
	for round, restart := range []func(){
		func() {},
		func() { w.Stop(); w.Start() },
		func() { w.Stop(); os.RemoveAll(filepath.Join(w.Data, "views")); w.Start() },
	} {
		restart()
		me := w.User(0, "app")
		_, m := me.Find("Pladsanvisning æøå")
		body := me.Body("GET", w.Messages(0)+m.ID, "")
		for _, v := range want {
			if !strings.Contains(strings.ToLower(body), v) {
				t.Errorf("round %d: the JSON does not show %q", round, v)
			}
		}
		if m.Documents[0].Files[0].Filename != "a.pdf" || !strings.Contains(body, `"fileSize":14`) {
			t.Errorf("round %d: files %+v", round, m.Documents)
		}
	}
}

// valuesOf gives the texts of a MeMo's elements as they stand in JSON, in lower case: all but those of its files, and
// those that are said in another way.
func valuesOf(memo string) (out []string) {
	d := xml.NewDecoder(strings.NewReader(memo))
	for inContent := false; ; {
		tok, err := d.Token()
		if err != nil {
			return out
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			inContent = tok.Name.Local == "content"
		case xml.CharData:
			s := strings.TrimSpace(string(tok))
			if s == "" || inContent || slices.Contains([]string{"DIGITALPOST", "false", "true"}, s) {
				continue
			}
			js, _ := json.Marshal(s) // a string can't fail
			out = append(out, strings.ToLower(strings.Trim(string(js), `"`)))
		}
	}
}
