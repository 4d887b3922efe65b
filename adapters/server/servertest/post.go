package servertest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"digitalpost/adapters/memo"
)

// A Receipt is what a sender system is told of a MeMo.
type Receipt struct {
	ID, TransmissionID, MessageUUID, ErrorCode, ErrorMessage, ReceiptStatus string
}

// Waiting is the status that Final gives where there is no final receipt yet.
const Waiting = "no final receipt yet"

// PostPath is where a MeMo is posted.
func PostPath(uuid string) string { return "/apis/v1/memos/?memo-message-uuid=" + uuid }

// Post sends a MeMo and gives its technical receipt.
func (c *Client) Post(uuid string, xml io.Reader) (r Receipt, err error) {
	_, err = c.Do("POST", PostPath(uuid), xml, &r, AsXML...)
	return r, err
}

// Final finds the final receipt of a transmission; its status is Waiting if there is none yet.
func (c *Client) Final(transmission string) (Receipt, error) {
	for page := 0; ; page++ {
		var list struct {
			Receipts   []Receipt
			TotalPages int
		}
		path := fmt.Sprintf("/apis/v1/receipts-bulk/?size=1000&page=%d", page)
		if _, err := c.Do("GET", path, nil, &list); err != nil {
			return Receipt{}, err
		}

		for _, r := range list.Receipts {
			if r.TransmissionID == transmission {
				return r, nil
			}
		}

		if page+1 >= list.TotalPages {
			return Receipt{TransmissionID: transmission, ReceiptStatus: Waiting}, nil
		}
	}
}

// Letter is a MeMo of the first sender system to the first person.
func (w *World) Letter(uuid, label, text string) string {
	s := w.SenderSystems[0]
	return MeMo(uuid, s.CVR, s.Organisation, w.People[0].CPR, label, text)
}

// Send sends a letter with a label, and gives its UUID and technical receipt.
func (w *World) Send(label string) (uuid string, r Receipt) {
	w.T.Helper()
	uuid = NewUUID()
	r, err := w.Sender.Post(uuid, strings.NewReader(w.Letter(uuid, label, "Hej "+label)))
	if err != nil {
		w.T.Fatal(err)
	}
	return uuid, r
}

// SendAs sends a MeMo of a sender system, by its place in the directory, and gives its final receipt. change, if not
// nil, changes the MeMo before.
func (w *World) SendAs(i int, cpr, label string, change func(string) string) Receipt {
	w.T.Helper()
	return w.SendBy(w.System(i), w.SenderSystems[i].CVR, cpr, label, change)
}

// SendBy is SendAs, of a system that is in no directory, of the organisation with a CVR number.
func (w *World) SendBy(sys *Client, cvr, cpr, label string, change func(string) string) Receipt {
	w.T.Helper()
	uuid := NewUUID()
	xml := MeMo(uuid, cvr, "Afsender", cpr, label, "Hej")
	if change != nil {
		xml = change(xml)
	}

	r, err := sys.Post(uuid, strings.NewReader(xml))
	if err == nil {
		r, err = sys.Final(r.TransmissionID)
	}

	if err != nil {
		w.T.Fatal(err)
	}

	return r
}

// Fetch fetches a MeMo as a recipient system, and reads it with the backbone's own reader, and with the official schema
// where that is there.
func (c *Client) Fetch(uuid string) (*memo.Message, string) {
	t := c.w.T
	t.Helper()
	status, h, raw := c.Status("GET", "/apis/v1/memos/"+uuid, "")
	named := strings.Contains(h.Get("Content-Disposition"), uuid)
	if status != 200 || h.Get("Content-Type") != "application/xml" || !named {
		t.Fatalf("GET memos/%s: %d %v %.300s", uuid, status, h, raw)
	}
	m, err := memo.Read(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("%s is no MeMo: %v\n%s", uuid, err, raw)
	}

	const xsd = "../../../shared/memo/xsd-1.2/"
	schema := map[int]string{memo.V11: xsd + "MeMo_core.xsd", memo.V12: xsd + "Version1.2/MeMo_core.xsd"}[m.Version]
	if _, err := os.Stat(schema); err != nil {
		t.Log("the official schemas are not there: their verdict is not asked for")
		return m, raw
	}
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Log("xmllint is not installed: the schema's verdict is not asked for")
		return m, raw
	}
	name := filepath.Join(t.TempDir(), "memo.xml")
	if err := os.WriteFile(name, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("xmllint", "--noout", "--nonet", "--schema", schema, name).CombinedOutput()
	if err != nil {
		t.Errorf("the schema refuses %s: %s\n%s", uuid, out, raw)
	}
	return m, raw
}

// Content gives the first file of a MeMo's document, by the document's place.
func Content(m *memo.Message, raw string, i int) string {
	f := m.Documents()[i].All("File")[0].Child("content").File
	b := make([]byte, f.Size)
	m.Content(strings.NewReader(raw), int64(len(raw)), *f).Read(b)
	return string(b)
}
