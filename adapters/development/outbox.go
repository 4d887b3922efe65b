package development

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"digitalpost/adapters/problem"
)

// Bounds of the outbox.
const (
	outboxHolds   = 1000 // things; the oldest go first
	outboxTakes   = 1 << 20
	outboxTimeout = 10 * time.Second
)

// An Outbox takes what leaves a development server, and shows it: a mail server, an SMS gateway and a receiver of
// webhooks, on loopback alone. It may be used by many goroutines at once.
type Outbox struct {
	mails *smtp.Server
	hooks *http.Server
	mail  net.Listener
	hook  net.Listener

	mu    sync.Mutex // guards what follows
	items []OutboxItem
}

// An OutboxItem is something that has left.
type OutboxItem struct {
	Kind    string    `json:"kind"` // email, sms or webhook
	ID      string    `json:"id"`   // the same where it was sent more than once
	Times   int       `json:"times"`
	At      time.Time `json:"at"` // the last time
	To      string    `json:"to"`
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text"`
}

// NewOutbox begins to take what leaves. Close ends it.
func NewOutbox() (o *Outbox, err error) {
	o = &Outbox{}
	if o.mail, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if o.hook, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, o.mail.Close())
	}

	o.mails = smtp.NewServer(mailbag{o})
	o.mails.Domain, o.mails.MaxMessageBytes, o.mails.AllowInsecureAuth = "localhost", 128<<20, true
	o.mails.ReadTimeout, o.mails.WriteTimeout = time.Minute, time.Minute
	o.mails.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /sms", o.text)
	mux.HandleFunc("POST /webhooks/{name}", o.webhook)
	o.hooks = &http.Server{Handler: mux, ReadTimeout: outboxTimeout, WriteTimeout: outboxTimeout}
	go o.mails.Serve(o.mail)
	go o.hooks.Serve(o.hook)

	return o, nil
}

// MailServer is the mail server's HOST:PORT.
func (o *Outbox) MailServer() string { return o.mail.Addr().String() }

// Gateway is the SMS gateway's address.
func (o *Outbox) Gateway() string { return "http://" + o.hook.Addr().String() + "/sms" }

// Webhook is the address of a receiver of webhooks, by a name of one's own.
func (o *Outbox) Webhook(name string) string {
	return "http://" + o.hook.Addr().String() + "/webhooks/" + name
}

// Close ends it.
func (o *Outbox) Close() error { return errors.Join(o.mails.Close(), o.hooks.Close()) }

// Items gives what has left, the newest first.
func (o *Outbox) Items() []OutboxItem {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := append([]OutboxItem{}, o.items...)
	slices.Reverse(out)

	return out
}

// took notes that something has left. What comes with the same id again is the same thing.
func (o *Outbox) took(x OutboxItem) {
	o.mu.Lock()
	defer o.mu.Unlock()

	x.At, x.Times = time.Now().UTC(), 1
	for i, before := range o.items {
		if before.Kind == x.Kind && before.ID == x.ID && before.To == x.To {
			x.Times = before.Times + 1
			o.items[i] = x

			return
		}
	}

	o.items = append(o.items, x)
	o.items = o.items[max(0, len(o.items)-outboxHolds):]
}

func (o *Outbox) text(w http.ResponseWriter, r *http.Request) {
	var in struct{ ID, To, Text, Kind string }
	if json.NewDecoder(io.LimitReader(r.Body, outboxTakes)).Decode(&in) != nil || in.ID == "" || in.To == "" {
		http.Error(w, "no text message", http.StatusBadRequest)
		return
	}
	o.took(OutboxItem{Kind: "sms", ID: in.ID, To: in.To, Subject: in.Kind, Text: in.Text})
	w.WriteHeader(http.StatusAccepted)
}

// webhook takes what is pushed, and repeats a challenge as a receiver must.
func (o *Outbox) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, outboxTakes))
	if err != nil {
		http.Error(w, "cut short", http.StatusBadRequest)
		return
	}

	o.took(OutboxItem{
		Kind: "webhook", ID: r.Header.Get("Webhook-Id"), To: r.PathValue("name"), Subject: r.Header.Get("Content-Type"),
		Text: string(body),
	})
	var asked struct{ Challenge string }
	if json.Unmarshal(body, &asked) == nil {
		io.WriteString(w, asked.Challenge)
	}
}

// A mailbag is the outbox as a mail server.
type mailbag struct{ o *Outbox }

// NewSession begins to take mails.
func (m mailbag) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{o: m.o}, nil }

type mailSession struct {
	o  *Outbox
	to []string
}

// Mail begins a mail.
func (s *mailSession) Mail(string, *smtp.MailOptions) error { s.to = nil; return nil }

// Rcpt adds an address.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = append(s.to, to); return nil }

// Reset throws a mail away.
func (s *mailSession) Reset() { s.to = nil }

// Logout ends the session.
func (s *mailSession) Logout() error { return nil }

// Data takes the mail.
func (s *mailSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}

	words := new(mime.WordDecoder)
	subject, err := words.DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}

	text, err := plain(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	for _, to := range s.to {
		s.o.took(OutboxItem{Kind: "email", ID: m.Header.Get("Message-ID"), To: to, Subject: subject, Text: text})
	}

	return err
}

// plain gives the text of a mail: all of it, or its first part.
func plain(kind, encoding string, body io.Reader) (string, error) {
	what, params, err := mime.ParseMediaType(kind)
	if err == nil && strings.HasPrefix(what, "multipart/") {
		part, err := multipart.NewReader(body, params["boundary"]).NextRawPart()
		if err != nil {
			return "", err
		}

		return plain(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
	}

	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(io.LimitReader(body, outboxTakes))

	return string(text), err
}

// outboxPage shows what has left.
var outboxPage = template.Must(template.New("outbox").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Outbox</title>
<h1>What has left this server</h1>
<p>E-mail, text messages and webhooks, the newest first. Nothing of it leaves this machine.</p>
{{range .}}<article><h2>{{.Kind}} to {{.To}}</h2>
<p><time>{{.At.Format "2006-01-02 15:04:05Z"}}</time>{{if .Subject}} · {{.Subject}}{{end}}
{{if gt .Times 1}} · {{.Times}} times{{end}}</p>
<pre>{{.Text}}</pre></article>
{{else}}<p>Nothing yet.</p>{{end}}</html>
`))

// show answers with what has left: JSON, or a page for a browser.
func (o *Outbox) show(w http.ResponseWriter, r *http.Request) error {
	items := o.Items()
	if kind := r.URL.Query().Get("kind"); kind != "" {
		items = slices.DeleteFunc(items, func(x OutboxItem) bool { return x.Kind != kind })
	}

	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		problem.JSON(w, http.StatusOK, map[string]any{"items": items})
		return nil
	}

	var page bytes.Buffer
	if err := outboxPage.Execute(&page, items); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	_, err := page.WriteTo(w)

	return err
}
