package email_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-smtp"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/adapters/email"
	"digitalpost/adapters/server/servertest"
)

// A mailServer is a real SMTP server that keeps what it takes.
type mailServer struct {
	mu    sync.Mutex // guards what follows
	mails []string
	once  map[string]*smtp.SMTPError // what an address is answered, the first time
	never map[string]*smtp.SMTPError // and each time
}

func (m *mailServer) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{m: m}, nil }

type mailSession struct{ m *mailServer }

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

func (s *mailSession) Reset() {}

func (s *mailSession) Logout() error { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if err := s.m.never[to]; err != nil {
		return err
	}
	if err := s.m.once[to]; err != nil {
		delete(s.m.once, to)
		return err
	}
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.m.mu.Lock()
	s.m.mails = append(s.m.mails, string(b))
	s.m.mu.Unlock()
	return err
}

// serve serves until the test ends, and gives the means to send to it.
func (m *mailServer) serve(t *testing.T) sending.Mailer {
	t.Helper()
	s := smtp.NewServer(m)
	s.Domain, s.AllowInsecureAuth = "localhost", true
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(listener)
	t.Cleanup(func() { s.Close() })
	return mailer(t, listener)
}

// mailer gives the means to send mail to who listens.
func mailer(t *testing.T, l net.Listener) sending.Mailer {
	t.Helper()
	send, err := email.Server{Address: l.Addr().String(), From: "post@example.org", Plain: true}.Mailer()
	if err != nil {
		t.Fatal(err)
	}
	return send
}

// no is a mail server's refusal: 4xx for now, 5xx for good.
func no(code, subject, detail int, message string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, subject, detail}, Message: message}
}

// asEMail is the body that forwards a message as e-mail. more are fields beside it, each after a comma.
func asEMail(to string, more ...string) string {
	return fmt.Sprintf(`{"recipientId":"%s","recipientIdType":"EMAIL"%s}`, to, strings.Join(more, ""))
}

// A message leaves as e-mail only once its writer says that this is meant. One that the server refuses for good is
// answered INVALID, one that it refuses for now is tried again; no address stands in log or data.
func TestForwardingAsEMail(t *testing.T) {
	t.Parallel()
	m := &mailServer{once: map[string]*smtp.SMTPError{}, never: map[string]*smtp.SMTPError{}}
	m.once["busy@example.org"] = no(451, 3, 0, "later")
	m.never["slow@example.org"] = no(450, 1, 2, "no such domain")
	m.never["nobody@example.org"] = no(550, 1, 1, "nobody")
	send := m.serve(t)
	w := servertest.StartWith(t, servertest.Config{Backbone: func(c *backbone.Config) { c.Mail = send }})
	w.Send("Æblegrød")
	me := w.User(0, "app")
	_, x := me.Find("Æblegrød")
	path, confirmed := w.Messages(0)+x.ID+"/forward", `,"confirmed":true`
	for _, bad := range []string{
		"nobody", "a@b@c.dk", "Anna <a@example.org>", "a@localhost", "a@example.org\\nBcc: x@example.org",
	} {
		me.Refuse(422, "forward.recipient.not.allowed", "POST", path, asEMail(bad, confirmed))
	}
	me.Refuse(422, "forward.email.not.confirmed", "POST", path, asEMail("anna@example.org"))
	me.Ask(200, "POST", path, asEMail("slow@example.org", confirmed)) // holds up nobody

	want := map[string]string{
		"anna@example.org": "COMPLETED", "busy@example.org": "COMPLETED", "nobody@example.org": "INVALID",
	}
	ids := map[string]string{}
	for to := range want {
		ids[to] = me.Ask(200, "POST", path,
			asEMail(to, confirmed, `,"comment":"Til dig\\nHilsen"`, `,"senderLabel":"Skattestyrelsen"`)).Text("id")
	}
	for to, id := range ids {
		got := servertest.Thing{}
		servertest.Eventually(t, "what became of the mail to "+to+" is told", func() bool {
			got = me.Ask(200, "GET", w.Messages(0)+id, "")
			return got.Text("receipt", "receiptStatus") != "RECEIVED"
		})
		if got.Text("receipt", "receiptStatus") != want[to] || got.Text("recipient", "recipientId") != to {
			t.Errorf("%s: %v, want %s", to, got.At("receipt"), want[to])
		}
	}
	m.mu.Lock()
	mails := slices.Clone(m.mails)
	m.mu.Unlock()
	if len(mails) != 2 {
		t.Errorf("%d mails arrived, want 2", len(mails))
	}
	for _, mail := range mails {
		for _, text := range []string{
			`From: "Digital Post" <post@example.org>`, "Til dig", "besked.txt", "Message-ID: <",
		} {
			if !strings.Contains(mail, text) {
				t.Errorf("the mail does not have %s:\n%s", text, mail)
			}
		}
		if strings.Contains(mail, "Skattestyrelsen har") {
			t.Errorf("the mail speaks for another:\n%s", mail)
		}
	}
	w.Stop()
	for to := range want {
		if strings.Contains(w.Log.String(), to) {
			t.Errorf("%s stands in the log:\n%s", to, w.Log)
		}
	}
}

// A mail that the server has taken is sent once, however the server ends the conversation.
func TestMailThatWasTakenIsSentOnce(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var taken atomic.Int32
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewScanner(c)
				fmt.Fprint(c, "220 x\r\n")
				for data := false; in.Scan(); {
					switch line := in.Text(); {
					case data && line == ".":
						taken.Add(1)
						fmt.Fprint(c, "250 taken\r\n")
						return // without a goodbye
					case data:
					case strings.HasPrefix(line, "DATA"):
						data = true
						fmt.Fprint(c, "354 go on\r\n")
					default:
						fmt.Fprint(c, "250 x\r\n")
					}
				}
			}()
		}
	}()
	send := mailer(t, listener)
	err = send(t.Context(), sending.Mail{ID: "1", To: "anna@example.org", Subject: "Emne", Text: "Hej"})
	if err != nil || taken.Load() != 1 {
		t.Errorf("send = %v, and the server has taken %d", err, taken.Load())
	}
}

// What a sender wrote is shown as it stands: no coded word of theirs is decoded by who reads the subject, and no part
// has a kind that has parts of its own.
func TestASubjectIsNotDecoded(t *testing.T) {
	t.Parallel()
	m := &mailServer{once: map[string]*smtp.SMTPError{}, never: map[string]*smtp.SMTPError{}}
	send := m.serve(t)
	err := send(t.Context(), sending.Mail{
		ID: "1", To: "anna@example.org", Subject: "=?utf-8?Q?a=0D=0ABcc:_x=40y.dk?=", Text: "Hej",
		Files: []sending.MailFile{{
			Name: "a.txt", Kind: "message/rfc822", Open: func() io.ReadSeeker { return strings.NewReader("x") },
		}},
	})
	if err != nil {
		t.Fatal(err)
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	if mail := m.mails[0]; strings.Contains(mail, "=?utf-8?Q?a") || strings.Contains(mail, "message/rfc822") {
		t.Errorf("the mail:\n%s", mail)
	}
}
