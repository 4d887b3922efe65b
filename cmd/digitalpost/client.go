package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"digitalpost/adapters/memo"
	"digitalpost/domain"
)

// A client speaks the backbone's HTTP API, as any sender system or platform would.
type client struct {
	url   string
	http  http.Client
	basic [2]string
	token string
}

// do sends a request and reads a JSON answer; an answer that is not 2xx is an error that says code and message.
func (c *client) do(method, path string, header map[string]string, body io.Reader, out any) (*http.Response, error) {
	req, err := http.NewRequest(method, c.url+path, body)
	if err != nil {
		return nil, err
	}

	for k, v := range header {
		req.Header.Set(k, v)
	}

	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	} else if c.basic[0] != "" {
		req.SetBasicAuth(c.basic[0], c.basic[1])
	}

	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf(
			"%s does not answer: is the server running? (digitalpost serve --dev --data ./var)", c.url)
	}

	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return res, err
	}

	if res.StatusCode/100 != 2 {
		var e struct {
			Code, Message string
			FieldErrors   []struct{ Field, Message string }
		}
		if json.Unmarshal(b, &e) != nil || e.Code == "" {
			return res, fmt.Errorf("%s %s: %s", method, strings.SplitN(path, "?", 2)[0], res.Status)
		}
		text := fmt.Sprintf("%d %s: %s", res.StatusCode, e.Code, e.Message)
		for _, f := range e.FieldErrors {
			text += fmt.Sprintf("\n  %s %s", f.Field, f.Message)
		}
		return res, errors.New(text)
	}

	if out != nil && len(b) > 0 {
		return res, json.Unmarshal(b, out)
	}

	return res, nil
}

type directory struct {
	People []struct{ CPR, Name, Mailbox string }

	Companies     []struct{ CVR, Name, Mailbox string }
	SenderSystems []struct{ ID, Key, Name, CVR, Type, Platform, Organisation string }
	Webhooks      string // of the outbox; empty: there is none
}

func (c *client) directory() (d directory, err error) {
	_, err = c.do("GET", "/dev/", nil, nil, &d)
	return d, err
}

func (c *client) signIn(cpr, platform string) error {
	var t struct {
		AccessToken string `json:"access_token"`
	}
	_, err := c.do("POST", "/dev/token", map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		strings.NewReader(url.Values{"cpr": {cpr}, "client_id": {platform}}.Encode()), &t)
	c.token = t.AccessToken
	return err
}

type shownReceipt struct {
	ID, TransmissionID, MessageUUID, ErrorCode, ErrorMessage, ReceiptStatus string
}

func (r shownReceipt) String() string {
	s := r.MessageUUID + "  " + r.ReceiptStatus
	if r.ErrorCode != "" {
		s += "  " + r.ErrorCode + ": " + r.ErrorMessage
	}
	return s
}

// post sends a MeMo and gives its technical receipt.
func (c *client) post(uuid string, xml io.Reader) (r shownReceipt, err error) {
	_, err = c.do("POST", "/apis/v1/memos/?memo-message-uuid="+url.QueryEscape(uuid),
		map[string]string{"Content-Type": "application/xml"}, xml, &r)
	return r, err
}

// final finds the final receipt of a transmission.
func (c *client) final(transmission string) (shownReceipt, error) {
	for page := 0; ; page++ {
		var list struct {
			Receipts   []shownReceipt
			TotalPages int
		}
		path := fmt.Sprintf("/apis/v1/receipts-bulk/?size=1000&page=%d", page)
		if _, err := c.do("GET", path, nil, nil, &list); err != nil {
			return shownReceipt{}, err
		}

		for _, r := range list.Receipts {
			if r.TransmissionID == transmission {
				return r, nil
			}
		}

		if page+1 >= list.TotalPages {
			return shownReceipt{
				TransmissionID: transmission, ReceiptStatus: "no final receipt yet: it comes at the message's date",
			}, nil
		}
	}
}

func newUUID4() string {
	id := [16]byte(ulid.MustNew(ulid.Now(), rand.Reader))
	rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return domain.UUID(id).String()
}

// memoOfText is a MeMo with one file of text: UUID, label, CVR number, sender, CPR number, time and content.
const memoOfText = `<?xml version="1.0" encoding="UTF-8"?>
<memo:Message xmlns:memo="https://DigitalPost.dk/MeMo-1" memoVersion="1.2">` +
	`<memo:MessageHeader><memo:messageType>DIGITALPOST</memo:messageType>` +
	`<memo:messageUUID>%s</memo:messageUUID><memo:label>%s</memo:label>` +
	`<memo:Sender><memo:senderID>%s</memo:senderID><memo:idType>CVR</memo:idType>` +
	`<memo:label>%s</memo:label></memo:Sender>` +
	`<memo:Recipient><memo:recipientID>%s</memo:recipientID><memo:idType>CPR</memo:idType></memo:Recipient>` +
	`</memo:MessageHeader><memo:MessageBody><memo:createdDateTime>%s</memo:createdDateTime>` +
	`<memo:MainDocument><memo:File><memo:encodingFormat>text/plain</memo:encodingFormat>` +
	`<memo:filename>besked.txt</memo:filename><memo:language>da</memo:language>` +
	`<memo:content>%s</memo:content></memo:File></memo:MainDocument></memo:MessageBody></memo:Message>`

// write makes a valid MeMo 1.2 of a text.
func write(uuid, cvr, sender, cpr, label, text string) string {
	esc := func(s string) string {
		var b bytes.Buffer
		_ = xml.EscapeText(&b, []byte(s)) // a buffer takes all
		return b.String()
	}
	now := time.Now().UTC().Format("2006-01-02T15:04:05Z")
	content := base64.StdEncoding.EncodeToString([]byte(text))
	return fmt.Sprintf(memoOfText, uuid, esc(label), cvr, esc(sender), esc(cpr), now, content)
}

type serverFlags struct {
	URL string `help:"The server." default:"http://127.0.0.1:8080" env:"DIGITALPOST_URL"`
}

type sendCmd struct {
	serverFlags
	Files  []string `arg:"" optional:"" type:"existingfile" help:"MeMo XML files."`
	System string   `help:"The sender system's id. Default: the first of GET /dev/." env:"DIGITALPOST_SYSTEM"`
	Key    string   `help:"The sender system's key." env:"DIGITALPOST_KEY"`
	To     string   `help:"CPR number of one who gets a message that is made of --text."`
	Text   string   `help:"The message's text."`
	Label  string   `help:"The message's title." default:"Besked"`
}

// Run sends and shows receipts. Its error says how many were not accepted.
func (c *sendCmd) Run() error {
	cl := &client{url: strings.TrimRight(c.URL, "/"), basic: [2]string{c.System, c.Key}}
	cvr, sender := "", "Afsender"
	if c.System == "" || c.To != "" {
		d, err := cl.directory()
		if err != nil {
			return err
		}
		for _, s := range d.SenderSystems {
			if c.System == "" || s.ID == c.System {
				cl.basic, cvr, sender = [2]string{s.ID, s.Key}, s.CVR, s.Organisation
				break
			}
		}
	}

	if c.To != "" {
		uuid := newUUID4()
		return c.one(cl, uuid, strings.NewReader(write(uuid, cvr, sender, c.To, c.Label, c.Text)))
	}

	if len(c.Files) == 0 {
		return errors.New("nothing to send: give MeMo files, or --to CPR --text TEXT")
	}

	failed := 0
	for i, name := range c.Files {
		if len(c.Files) > 1 {
			fmt.Fprintf(os.Stderr, "\r[%-30s] %d of %d ", strings.Repeat("=", 30*(i+1)/len(c.Files)), i+1, len(c.Files))
		}

		f, err := os.Open(name)
		if err != nil {
			return err
		}

		m, err := memo.Read(f)
		uuid := newUUID4() // of a file that is not valid: the server says why
		if err == nil {
			uuid = m.UUID().String()
		}

		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}

		if err := c.one(cl, uuid, f); err != nil {
			fmt.Fprintf(os.Stderr, "\n%s: %v\n", name, err)
			failed++
		}

		f.Close()
	}

	if len(c.Files) > 1 {
		fmt.Fprintln(os.Stderr)
	}

	if failed > 0 {
		return fmt.Errorf("%d of %d were not accepted", failed, len(c.Files))
	}

	return nil
}

func (c *sendCmd) one(cl *client, uuid string, in io.Reader) error {
	r, err := cl.post(uuid, in)
	if err != nil {
		return err
	}

	fmt.Println(r)
	final, err := cl.final(r.TransmissionID)
	if err != nil {
		return err
	}

	fmt.Println(final)
	if final.ReceiptStatus == "INVALID" || final.ReceiptStatus == "NOT_ALLOWED" {
		return fmt.Errorf("it was not delivered: %s %s", final.ReceiptStatus, final.ErrorCode)
	}

	return nil
}

type inboxCmd struct {
	serverFlags
	CPR      string `name:"cpr" help:"Whose messages." required:""`
	Platform string `help:"Through which platform: lifeindenmark, app, eboks, mitdk, borgerdk or virkdk." default:"app"`
}

type shownMessage struct {
	ID, MessageUUID, Label, FolderID, ReceivedDateTime string
	Version                                            int
	Read                                               bool
	Sender                                             struct{ Label string }
	Documents                                          []struct {
		ID    string
		Files []struct{ ID, Filename string }
	}
}

// Run prints a list.
func (c *inboxCmd) Run() error {
	cl := &client{url: strings.TrimRight(c.URL, "/")}
	if err := cl.signIn(c.CPR, c.Platform); err != nil {
		return err
	}
	return cl.printInbox(os.Stdout)
}

func (c *client) printInbox(out io.Writer) error {
	v, err := c.look()
	if err != nil {
		return err
	}

	for _, m := range v.messages {
		read := "unread"
		if m.Read {
			read = "read"
		}
		fmt.Fprintf(out, "%-7s %-12s %-32s from %-24s %s\n", read, v.folders[m.FolderID], m.Label, m.Sender.Label, m.ID)
	}

	if len(v.messages) == 0 {
		fmt.Fprintln(out, "no messages")
	}

	return nil
}

type shown struct {
	mailbox  string
	folders  map[string]string
	messages []shownMessage
}

// look gives what a platform shows of the signed-in person's mailbox.
func (c *client) look() (v shown, err error) {
	var boxes struct{ Mailboxes []struct{ ID string } }
	if _, err := c.do("GET", "/apis/v1/mailboxes/", nil, nil, &boxes); err != nil {
		return v, err
	}

	v.mailbox, v.folders = boxes.Mailboxes[0].ID, map[string]string{}
	var folders struct{ Folders []struct{ ID, Name string } }
	if _, err := c.do("GET", "/apis/v1/mailboxes/"+v.mailbox+"/folders/?size=1000", nil, nil, &folders); err != nil {
		return v, err
	}

	for _, f := range folders.Folders {
		v.folders[f.ID] = f.Name
	}

	var list struct{ Messages []shownMessage }
	_, err = c.do("GET", "/apis/v1/mailboxes/"+v.mailbox+"/messages/?size=1000", nil, nil, &list)
	v.messages = list.Messages
	return v, err
}

func (v shown) folder(name string) string {
	for id, n := range v.folders {
		if n == name {
			return id
		}
	}
	return ""
}
