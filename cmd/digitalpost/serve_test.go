package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A world is a server with a directory of its own, and those who use it.
type world struct {
	t      testing.TB
	url    string
	data   string
	log    *bytes.Buffer
	stop   func()
	d      directory
	sender *client
}

func start(t testing.TB, data string) *world {
	t.Helper()
	return startAs(t, serveCmd{dataFlags: dataFlags{Data: data}, Dev: true, Listen: "127.0.0.1:0"})
}

func startAs(t testing.TB, c serveCmd) *world {
	t.Helper()
	w := &world{t: t, data: c.Data, log: &bytes.Buffer{}}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan server, 1), make(chan error, 1)
	go func() {
		done <- run(ctx, c, w.log, func(s server) { ready <- s })
	}()
	select {
	case s := <-ready:
		w.url = s.URL
	case err := <-done:
		t.Fatalf("run: %v\n%s", err, w.log)
	}
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run ended with %v", err)
		}
	}
	t.Cleanup(w.stop)
	var err error
	if w.d, err = (&client{url: w.url}).directory(); err != nil {
		t.Fatal(err)
	}
	w.sender = &client{url: w.url, basic: [2]string{w.d.SenderSystems[0].ID, w.d.SenderSystems[0].Key}}
	return w
}

func (w *world) person(cpr, platform string) *client {
	w.t.Helper()
	c := &client{url: w.url}
	if err := c.signIn(cpr, platform); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// patient waits for an answer, but not for ever.
var patient = &http.Client{Timeout: 20 * time.Second}

// status sends a request and gives status, header and body.
func (c *client) status(method, path string, header map[string]string, body string) (int, http.Header, string) {
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	} else if c.basic[0] != "" {
		req.SetBasicAuth(c.basic[0], c.basic[1])
	}
	res, err := patient.Do(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(b)
}

// want checks a status, and a word in the body.
func (w *world) want(status int, word string) func(int, http.Header, string) http.Header {
	return func(got int, h http.Header, body string) http.Header {
		w.t.Helper()
		if got != status || !strings.Contains(body, word) {
			w.t.Errorf("got %d %.300s, want %d with %q", got, body, status, word)
		}
		return h
	}
}

func postPath(uuid string) string { return "/apis/v1/memos/?memo-message-uuid=" + uuid }

var asXML = map[string]string{"Content-Type": "application/xml"}

func (w *world) letter(uuid, label, text string) string {
	s := w.d.SenderSystems[0]
	return write(uuid, s.CVR, s.Organisation, w.d.People[0].CPR, label, text)
}

func (w *world) send(label string) (uuid string, r shownReceipt) {
	w.t.Helper()
	uuid = newUUID4()
	r, err := w.sender.post(uuid, strings.NewReader(w.letter(uuid, label, "Hej "+label)))
	if err != nil {
		w.t.Fatal(err)
	}
	return uuid, r
}

// find gives the message of a label, as a platform shows it.
func (w *world) find(c *client, label string) (box string, m shownMessage) {
	w.t.Helper()
	v, err := c.look()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range v.messages {
		if m.Label == label {
			return v.mailbox, m
		}
	}
	w.t.Fatalf("no message is called %s", label)
	return "", m
}

func TestStoryIsTold(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	var out bytes.Buffer
	if err := story(&out, w.url, w.data); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"read, in Børn", "read, in DELETED", "COMPLETED", "mailbox.message-delivered", "looks.content-opened", "COMPLETED, Sag 2026-117", "mailbox.message-sent"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the story does not say %q:\n%s", want, out.String())
		}
	}
}

func TestSending(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	uuid := newUUID4()
	memo := w.letter(uuid, "Brev", "Hej")
	nobody := &client{url: w.url}
	other := &client{url: w.url, basic: [2]string{w.d.SenderSystems[1].ID, w.d.SenderSystems[1].Key}}
	w.want(401, "unauthorized")(nobody.status("POST", postPath(uuid), asXML, memo))
	w.want(415, "media.type")(w.sender.status("POST", postPath(uuid), map[string]string{"Content-Type": "application/x-lzma"}, memo))
	w.want(400, "memo-message-uuid")(w.sender.status("POST", "/apis/v1/memos/", asXML, memo))
	w.want(400, "messageUUID")(w.sender.status("POST", postPath(newUUID4()), asXML, memo))
	w.want(400, "memo.not.well.formed")(w.sender.status("POST", postPath(uuid), asXML, memo[:200]))
	w.want(400, "MessageHeader/Sender/label")(w.sender.status("POST", postPath(uuid), asXML, regexp.MustCompile(`<memo:label>Eksempel Kommune</memo:label>`).ReplaceAllString(memo, "")))
	w.want(201, "RECEIVED")(w.sender.status("POST", postPath(uuid), asXML, memo))
	_, _, first := w.sender.status("POST", postPath(strings.ToUpper(uuid)), asXML, memo)
	_, _, again := w.sender.status("POST", "/apis/v1/memos?memo-message-uuid="+uuid, asXML, memo)
	if first != again {
		t.Errorf("the same MeMo again: %s, then %s", first, again)
	}
	w.want(400, "message.uuid.reused")(w.sender.status("POST", postPath(uuid), asXML, w.letter(uuid, "Andet", "Hej")))
	form := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"m.xml\"\r\nContent-Type: application/xml\r\n\r\n" + memo + "\r\n--b--\r\n"
	if _, _, again = w.sender.status("POST", postPath(uuid), map[string]string{"Content-Type": "multipart/form-data; boundary=b"}, form); again != first {
		t.Errorf("the same MeMo as a part: %s", again)
	}
	w.want(415, "lzma")(w.sender.status("POST", postPath(uuid), map[string]string{"Content-Type": "multipart/form-data; boundary=b"}, strings.Replace(form, "application/xml", "application/x-lzma", 1)))
	w.want(400, "file")(w.sender.status("POST", postPath(uuid), map[string]string{"Content-Type": "multipart/form-data; boundary=b"}, strings.Replace(form, "name=\"file\"", "name=\"other\"", 1)))
	var list struct{ Receipts []shownReceipt }
	w.sender.do("GET", "/apis/v1/receipts-bulk/", nil, nil, &list)
	if len(list.Receipts) != 1 || list.Receipts[0].ReceiptStatus != "COMPLETED" || !strings.Contains(first, list.Receipts[0].TransmissionID) {
		t.Fatalf("receipts = %+v, want one COMPLETED of the same transmission", list.Receipts)
	}
	id := list.Receipts[0].ID
	w.want(404, "not.found")(other.status("GET", "/apis/v1/receipts/"+id, nil, ""))
	w.want(200, "COMPLETED")(w.sender.status("GET", "/apis/v1/receipts/"+id, nil, ""))
	w.want(200, "COMPLETED")(w.sender.status("GET", "/apis/v1/receipts/"+id+"?delete=true", nil, ""))
	w.want(404, "not.found")(w.sender.status("GET", "/apis/v1/receipts/"+id, nil, ""))
	w.want(400, "message.uuid.reused")(w.sender.status("POST", postPath(uuid), asXML, w.letter(uuid, "Andet", "Hej")))
	for code, change := range map[string]func(string) string{
		"sender.id.not.allowed": func(s string) string {
			return strings.Replace(s, "<memo:senderID>20000001", "<memo:senderID>20000002", 1)
		},
		"sender.id.format.not.allowed": func(s string) string {
			return strings.Replace(s, "<memo:senderID>20000001", "<memo:senderID>2000000", 1)
		},
		"recipient.not.found": func(s string) string { return strings.Replace(s, w.d.People[0].CPR, "6701011111", 1) },
		"file.empty.not.allowed": func(s string) string {
			return regexp.MustCompile(`<memo:content>.*</memo:content>`).ReplaceAllString(s, "<memo:content/>")
		},
		"file.extension.not.allowed":         func(s string) string { return strings.Replace(s, "besked.txt", "besked.exe", 1) },
		"file.name.not.allowed":              func(s string) string { return strings.Replace(s, "besked.txt", "a:b.txt", 1) },
		"recipient.nemsms.not.registered":    func(s string) string { return sms(s, "<memo:notification>Hej</memo:notification>") },
		"empty.notification.not.allowed":     func(s string) string { return sms(s, "") },
		"do.not.deliver.until.date.too.late": func(s string) string { return dated(s, "2099-01-01") },
		"contact.point.id.format.not.allowed": func(s string) string {
			return strings.Replace(s, "</memo:idType></memo:Recipient>", "</memo:idType><memo:ContactPoint><memo:contactPointID>x</memo:contactPointID></memo:ContactPoint></memo:Recipient>", 1)
		},
	} {
		uuid := newUUID4()
		r, err := w.sender.post(uuid, strings.NewReader(change(w.letter(uuid, "Brev", "Hej"))))
		if err != nil || r.ReceiptStatus != "RECEIVED" {
			t.Errorf("%s: %v, %v", code, r, err)
			continue
		}
		final, err := w.sender.final(r.TransmissionID)
		if err != nil || final.ErrorCode != code || final.ReceiptStatus != "INVALID" && final.ReceiptStatus != "NOT_ALLOWED" {
			t.Errorf("final receipt %v, %v; want %s", final, err, code)
		}
	}
	uuid = newUUID4()
	w.want(201, "RECEIVED")(other.status("POST", postPath(uuid), asXML, strings.NewReplacer("20000001", "20000002", "<memo:Sender>", "<memo:mandatory>true</memo:mandatory><memo:Sender>").Replace(w.letter(uuid, "Brev", "Hej"))))
	w.want(200, "mandatory.not.allowed")(other.status("GET", "/apis/v1/receipts-bulk/", nil, ""))
	// A scheduled message is recalled; a delivered one is not.
	uuid = newUUID4()
	r, err := w.sender.post(uuid, strings.NewReader(dated(w.letter(uuid, "Senere", "Hej"), time.Now().AddDate(0, 0, 3).Format("2006-01-02"))))
	if final, _ := w.sender.final(r.TransmissionID); err != nil || !strings.Contains(final.ReceiptStatus, "no final receipt") {
		t.Errorf("a scheduled message has a final receipt: %v, %v", final, err)
	}
	w.want(404, "")(other.status("DELETE", "/apis/v1/memos/"+uuid, nil, ""))
	w.want(204, "")(w.sender.status("DELETE", "/apis/v1/memos/"+uuid, nil, ""))
	if final, _ := w.sender.final(r.TransmissionID); final.ErrorCode != "message.recalled" {
		t.Errorf("recalled: %v", final)
	}
	uuid, _ = w.send("Nu")
	w.want(422, "message.already.delivered")(w.sender.status("DELETE", "/apis/v1/memos/"+uuid, nil, ""))
	w.want(200, "REGISTERED")(w.sender.status("GET", "/apis/v1/contacts/?cprNumber="+w.d.People[0].CPR, nil, ""))
	w.want(200, `"contacts":[]`)(w.sender.status("GET", "/apis/v1/contacts/?cprNumber=6701011111", nil, ""))
	w.want(201, "valid")(w.sender.status("POST", "/apis/v1/validations/", asXML, memo))
	w.want(400, "fieldErrors")(w.sender.status("POST", "/apis/v1/validations/", asXML, memo[:100]))
}

func sms(s, notification string) string {
	s = strings.Replace(s, "DIGITALPOST</memo:messageType>", "NEMSMS</memo:messageType>", 1)
	s = strings.Replace(s, "<memo:Sender>", notification+"<memo:Sender>", 1)
	return regexp.MustCompile(`(?s)<memo:MessageBody>.*</memo:MessageBody>`).ReplaceAllString(s, "")
}

func dated(s, date string) string {
	return strings.Replace(s, "<memo:Sender>", "<memo:doNotDeliverUntilDate>"+date+"</memo:doNotDeliverUntilDate><memo:Sender>", 1)
}

func TestReading(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	w.send("Brev")
	me := w.person(w.d.People[0].CPR, "eboks")
	box, m := w.find(me, "Brev")
	path := "/apis/v1/mailboxes/" + box + "/messages/" + m.ID
	for _, c := range []struct {
		ifMatch, body string
		status        int
		word          string
	}{
		{"", `{"read":true}`, 200, `"version":2`},
		{"1", `{"flag":true}`, 409, `"version":2`},
		{`"2"`, `{"flag":true,"note":"husk"}`, 200, `"version":4`},
		{"*", `{"flag":true}`, 200, `"version":4`},
		{"", `{"label":"x"}`, 400, "label"},
		{"", `{"read":"yes"}`, 400, "read"},
		{"", `[]`, 400, "body"},
		{"x", `{"read":true}`, 400, "If-Match"},
		{"", `{"folderId":"` + box + `"}`, 422, "folder.not.found"},
	} {
		h := w.want(c.status, c.word)(me.status("PATCH", path, map[string]string{"If-Match": c.ifMatch}, c.body))
		if c.status == 200 && (h.Get("Log-Position") == "" || h.Get("ETag") == "") || c.status == 409 && h.Get("ETag") != `"2"` {
			t.Errorf("%+v: header %v", c, h)
		}
	}
	w.want(200, "husk")(me.status("GET", path, nil, ""))
	// A command with a key is run once, and its repeat gets the first result.
	key := map[string]string{"Idempotency-Key": "k1"}
	w.want(200, `"read":false`)(me.status("PATCH", path, key, `{"read":false}`))
	w.want(200, `"read":true`)(me.status("PATCH", path, nil, `{"read":true}`))
	w.want(200, `"read":false`)(me.status("PATCH", path, key, `{"read":false}`))
	w.want(200, `"read":true`)(me.status("GET", path, nil, ""))
	w.want(422, "idempotency.key.reused")(me.status("PATCH", path, key, `{"read":true}`))
	w.want(422, "idempotency.key.reused")(me.status("DELETE", path, key, ""))
	// Others see nothing, and can't tell what is there.
	stranger := w.person(w.d.People[1].CPR, "eboks")
	w.want(404, "")(stranger.status("GET", path, nil, ""))
	w.want(403, "")(stranger.status("GET", "/apis/v1/mailboxes/"+box+"/messages/", nil, ""))
	w.want(403, "")(stranger.status("GET", "/apis/v1/mailboxes/"+newUUID4()+"/messages/", nil, ""))
	w.want(401, "")((&client{url: w.url, token: "x"}).status("GET", path, nil, ""))
	w.want(403, "")(w.person(w.d.People[0].CPR, "virkdk").status("GET", "/apis/v1/mailboxes/"+box+"/messages/", nil, ""))
	// Content is an attachment that can't run, served by range.
	file := path + "/documents/" + m.Documents[0].ID + "/files/" + m.Documents[0].Files[0].ID
	h := w.want(206, "j B")(me.status("GET", file+"/content", map[string]string{"Range": "bytes=2-4"}, ""))
	if !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("content header %v", h)
	}
	w.want(200, `"fileSize":8`)(me.status("GET", file, nil, ""))
	// Folders.
	folders := "/apis/v1/mailboxes/" + box + "/folders/"
	var made struct{ ID string }
	if _, err := me.do("POST", folders, nil, strings.NewReader(`{"name":"Århus"}`), &made); err != nil {
		t.Fatal(err)
	}
	w.want(422, "folder.name.taken")(me.status("POST", folders, nil, `{"name":"a\u030arhus"}`))
	w.want(201, "Aarhus")(me.status("POST", folders, nil, `{"name":"Aarhus"}`))
	w.want(400, "name")(me.status("POST", folders, nil, `{"name":" "}`))
	w.want(422, "folder.cycle")(me.status("PUT", folders+made.ID, nil, `{"parentFolderId":"`+made.ID+`"}`))
	w.want(200, "Børn")(me.status("PUT", folders+made.ID, map[string]string{"If-Match": "1"}, `{"name":"Børn"}`))
	w.want(409, "")(me.status("PUT", folders+made.ID, map[string]string{"If-Match": "1"}, `{"name":"Barn"}`))
	w.want(200, made.ID)(me.status("PATCH", path, nil, `{"folderId":"`+made.ID+`"}`))
	w.want(422, "folder.not.empty")(me.status("DELETE", folders+made.ID, nil, ""))
	w.want(200, `"totalMessages":1`)(me.status("GET", folders+"summary/", nil, ""))
	// Deleted, restored, deleted for good.
	w.want(204, "")(me.status("DELETE", path, nil, ""))
	w.want(200, made.ID)(me.status("POST", path+"/restore", nil, ""))
	w.want(422, "message.not.in.trash")(me.status("POST", path+"/restore", nil, ""))
	w.want(204, "")(me.status("DELETE", path, nil, ""))
	w.want(204, "")(me.status("DELETE", path, nil, ""))
	w.want(404, "")(me.status("GET", path, nil, ""))
	w.want(404, "")(me.status("GET", file+"/content", nil, ""))
	w.want(204, "")(me.status("DELETE", folders+made.ID, nil, ""))
	w.want(400, "size")(me.status("GET", "/apis/v1/mailboxes/"+box+"/messages?size=1001", nil, ""))
	w.want(404, "path.not.found")(me.status("GET", "/apis/v1/nothing", nil, ""))
	w.want(405, "method.not.allowed")(me.status("PUT", "/livez", nil, ""))
	if s := w.log.String(); strings.Contains(s, w.d.People[0].CPR) {
		t.Errorf("a number reached the log: %s", s)
	}
}

func TestPrivatePostIsShownOnItsPlatformAlone(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	company := w.d.SenderSystems[2]
	if company.Platform != "eboks" {
		t.Fatalf("third system is %+v", company)
	}
	everywhere := func() map[string]string {
		out := map[string]string{}
		for _, p := range []string{"app", "mitdk", "lifeindenmark", "borgerdk"} {
			c := w.person(w.d.People[0].CPR, p)
			v, err := c.look()
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{"/apis/v1/mailboxes/", "/apis/v1/mailboxes/" + v.mailbox + "/messages/", "/apis/v1/mailboxes/" + v.mailbox + "/folders/", "/apis/v1/mailboxes/" + v.mailbox + "/folders/summary/", "/apis/v1/mailboxes/messages/unread/exists/"} {
				_, _, out[p+path] = c.status("GET", path, nil, "")
			}
		}
		return out
	}
	others := everywhere()
	cl := &client{url: w.url, basic: [2]string{company.ID, company.Key}}
	uuid := newUUID4()
	if _, err := cl.post(uuid, strings.NewReader(write(uuid, company.CVR, company.Organisation, w.d.People[0].CPR, "Police", "Hej"))); err != nil {
		t.Fatal(err)
	}
	box, m := w.find(w.person(w.d.People[0].CPR, "eboks"), "Police")
	for k, now := range everywhere() {
		if now != others[k] {
			t.Errorf("%s tells that private post came:\n%s\n%s", k, others[k], now)
		}
	}
	for _, p := range []string{"app", "mitdk", "lifeindenmark", "borgerdk"} {
		c := w.person(w.d.People[0].CPR, p)
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			w.want(404, "")(c.status(method, "/apis/v1/mailboxes/"+box+"/messages/"+m.ID, nil, `{"read":true}`))
		}
	}
}

// Every value of the MeMo with every element is found in the message's JSON; also after a restart, and with views built anew.
func TestEveryElementIsShown(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	raw, err := os.ReadFile("../../testdata/memo/full-1.2.xml")
	if err != nil {
		t.Fatal(err)
	}
	uuid := "8c2ea15d-61fb-4ba9-9366-42f8b194c114"
	full := strings.NewReplacer("<memo:senderID>12345678</memo:senderID><memo:idType>", "<memo:senderID>20000001</memo:senderID><memo:idType>", "<memo:recipientID>6701902345", "<memo:recipientID>"+w.d.People[0].CPR,
		"22.33.44.55", "241d39f6-998e-4929-b198-ccacbbf4b330", "2026-08-30", "2026-01-01").Replace(string(raw))
	if r, err := w.sender.post(uuid, strings.NewReader(full)); err != nil || r.MessageUUID != uuid {
		t.Fatal(r, err)
	}
	var want []string
	d := xml.NewDecoder(strings.NewReader(full))
	inContent := false
	for {
		tok, err := d.Token()
		if err != nil {
			break
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			inContent = tok.Name.Local == "content"
		case xml.CharData:
			if s := strings.TrimSpace(string(tok)); s != "" && !inContent {
				want = append(want, s)
			}
		}
	}
	skip := map[string]bool{"DIGITALPOST": true, "false": true, "true": true}
	for round, restart := range []func(){func() {}, func() { w.stop(); w = start(t, w.data) }, func() {
		w.stop()
		os.RemoveAll(filepath.Join(w.data, "views"))
		w = start(t, w.data)
	}} {
		restart()
		me := w.person(w.d.People[0].CPR, "app")
		box, m := w.find(me, "Pladsanvisning æøå")
		_, _, body := me.status("GET", "/apis/v1/mailboxes/"+box+"/messages/"+m.ID, nil, "")
		for _, v := range want {
			if js, _ := json.Marshal(v); !skip[v] && !strings.Contains(strings.ToLower(body), strings.ToLower(strings.Trim(string(js), `"`))) {
				t.Errorf("round %d: the JSON does not show %q", round, v)
			}
		}
		if m.Documents[0].Files[0].Filename != "a.pdf" || !strings.Contains(body, `"fileSize":14`) {
			t.Errorf("round %d: files %+v", round, m.Documents)
		}
	}
}

// What people wrote, and who they are, is in no file, no log line and no metric; after a purge and a roll it can't be opened.
func TestCanary(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	const cpr = "7812994321"
	if _, err := (&client{url: w.url}).do("POST", "/dev/people", nil, strings.NewReader(`{"cpr":"`+cpr+`","name":"Kanariefugl Navnesen"}`), nil); err != nil {
		t.Fatal(err)
	}
	uuid := newUUID4()
	s := w.d.SenderSystems[0]
	if _, err := w.sender.post(uuid, strings.NewReader(write(uuid, s.CVR, "Kanarieafsender", cpr, "Kanarietitel", "Kanarietekst i dokumentet"))); err != nil {
		t.Fatal(err)
	}
	me := w.person(cpr, "app")
	box, m := w.find(me, "Kanarietitel")
	path := "/apis/v1/mailboxes/" + box + "/messages/" + m.ID
	w.want(200, "")(me.status("PATCH", path, nil, `{"note":"Kanarienote"}`))
	w.want(201, "")(me.status("POST", "/apis/v1/mailboxes/"+box+"/folders/", nil, `{"name":"Kanariemappe"}`))
	// What a person writes, forwards and is answered, a draft that stays one, and a search for it all.
	written := "/apis/v1/mailboxes/" + box + "/messages/"
	w.draft(me, written, "Kanariekladde", w.point("SU").text("id"), "Kanarietekst i kladden")
	draft := w.draft(me, written, "Kanariebrev", w.point("Borgerservice").text("id"), "Kanarietekst i brevet")
	w.attach(me, draft, "ADDITIONAL", "kanariefil.txt", "Kanarietekst i bilaget")
	sent := w.ask(me, 200, "POST", draft+"/send", "").text("messageUUID")
	w.fetched(w.sender, sent)
	w.ask(w.sender, 200, "POST", "/apis/v1/memos/"+sent+"/receipt", `{"receiptStatus":"INVALID","errorCode":"kanarie.kode","errorMessage":"Kanariesvar"}`)
	w.ask(me, 200, "POST", path+"/forward", `{"recipientId":"`+w.d.People[1].CPR+`","recipientIdType":"CPR","comment":"Kanariekommentar","senderLabel":"Kanarielabel"}`)
	if x := w.ask(me, 200, "GET", written+"?any=kanarie", ""); x.text("totalElements") != "4" {
		t.Errorf("a search finds %s, want 4", x.text("totalElements"))
	}
	_, _, metrics := me.status("GET", "/metrics", nil, "")
	time.Sleep(1200 * time.Millisecond) // a flush of the views
	canaries := []string{cpr, "Kanarie", "kanarie", base64.StdEncoding.EncodeToString([]byte("Kanarietekst i dokumentet"))[:20]}
	scan := func() {
		t.Helper()
		filepath.Walk(w.data, func(name string, info os.FileInfo, err error) error {
			if err != nil || !info.Mode().IsRegular() {
				return err
			}
			b, err := os.ReadFile(name)
			for _, c := range canaries {
				if bytes.Contains(b, []byte(c)) {
					t.Errorf("%q is in %s", c, name)
				}
			}
			return err
		})
	}
	scan()
	var replayed bytes.Buffer
	if err := (&replayCmd{Data: w.data, From: 1, JSON: true}).print(&replayed); err != nil {
		t.Fatal(err)
	}
	for _, c := range canaries {
		if strings.Contains(w.log.String(), c) || strings.Contains(metrics, c) || strings.Contains(replayed.String(), c) {
			t.Errorf("%q is in the log output, the metrics or the replay", c)
		}
	}
	w.want(204, "")(me.status("DELETE", path, nil, ""))
	w.want(204, "")(me.status("DELETE", path, nil, ""))
	var out struct{ Epoch int }
	if running, err := askServer(w.data, "POST", "/keys/roll", &out); !running || err != nil || out.Epoch != 2 {
		t.Fatalf("roll: %v, %v, epoch %d", running, err, out.Epoch)
	}
	if err := (&verifyCmd{dataFlags{Data: w.data}}).Run(); err != nil {
		t.Fatalf("verify beside the server: %v", err)
	}
	w.send("Efter")
	w.stop()
	if err := (&verifyCmd{dataFlags{Data: w.data}}).Run(); err != nil {
		t.Fatalf("verify: %v", err)
	}
	os.RemoveAll(filepath.Join(w.data, "views"))
	w = start(t, w.data)
	w.find(w.person(w.d.People[0].CPR, "app"), "Efter")
}

func TestHalfConfiguredIsRefused(t *testing.T) {
	for want, c := range map[string]serveCmd{
		"--issuer": {dataFlags: dataFlags{Data: t.TempDir()}, Listen: "127.0.0.1:0"},
		"--tls-key": {dataFlags: dataFlags{Data: t.TempDir(), Keys: "/tmp/x"}, Listen: "127.0.0.1:0", Issuer: "http://127.0.0.1:1", Clients: map[string]string{"a": "app"},
			TLSCert: "/tmp/x", ClientCA: "/tmp/x"},
		"--dev":    {dataFlags: dataFlags{Data: t.TempDir()}, Dev: true, Issuer: "http://127.0.0.1:1", Listen: "127.0.0.1:0"},
		"loopback": {dataFlags: dataFlags{Data: t.TempDir()}, Dev: true, Listen: "0.0.0.0:0"},
		"--listen": {dataFlags: dataFlags{Data: t.TempDir()}, Dev: true, Listen: "here"},
		"--keys":   {dataFlags: dataFlags{Data: "/tmp/x", Keys: "/tmp/x/keys"}, Dev: true, Listen: "127.0.0.1:0"},
	} {
		if err := run(context.Background(), c, io.Discard, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("run = %v, want an error that says %s", err, want)
		}
	}
}

// Sixteen at once with the same UUID and bytes get the same receipt and one message; one with other bytes is refused.
func TestSameUUIDAtOnce(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	uuid := newUUID4()
	memo := w.letter(uuid, "Én gang", "Hej")
	answers := make(chan string, 16)
	for range cap(answers) {
		go func() {
			status, _, body := w.sender.status("POST", postPath(uuid), asXML, memo)
			answers <- fmt.Sprint(status, body)
		}()
	}
	first := <-answers
	for range cap(answers) - 1 {
		if got := <-answers; got != first || !strings.HasPrefix(got, "201") {
			t.Errorf("one got %s, another %s", first, got)
		}
	}
	w.want(400, "message.uuid.reused")(w.sender.status("POST", postPath(uuid), asXML, w.letter(uuid, "Andet", "Hej")))
	v, err := w.person(w.d.People[0].CPR, "app").look()
	if err != nil || len(v.messages) != 1 {
		t.Errorf("%d messages, %v; want 1", len(v.messages), err)
	}
}
