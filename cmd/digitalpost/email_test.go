package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/email"

	"github.com/emersion/go-smtp"
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
func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }

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

// A message leaves as e-mail only once its writer says that this is meant. One that the server refuses for good is answered INVALID, one that it refuses for now is
// tried again; no address stands in log or data.
func TestForwardingAsEMail(t *testing.T) {
	m := &mailServer{once: map[string]*smtp.SMTPError{}, never: map[string]*smtp.SMTPError{}}
	m.once["busy@example.org"] = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
	m.never["slow@example.org"] = &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 1, 2}, Message: "no such domain"}
	m.never["nobody@example.org"] = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody"}
	s := smtp.NewServer(m)
	s.Domain, s.AllowInsecureAuth = "localhost", true
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(listener)
	defer s.Close()
	w := startAs(t, serveCmd{dataFlags: dataFlags{Data: t.TempDir() + "/var"}, Dev: true, Listen: "127.0.0.1:0", SMTP: listener.Addr().String(), SMTPFrom: "post@example.org"})
	w.send("Æblegrød")
	me := w.person(w.d.People[0].CPR, "app")
	box, x := w.find(me, "Æblegrød")
	path := "/apis/v1/mailboxes/" + box + "/messages/"
	for _, bad := range []string{"nobody", "a@b@c.dk", "Anna <a@example.org>", "a@localhost", "a@example.org\\nBcc: x@example.org"} {
		w.refuse(me, 422, "forward.recipient.not.allowed", "POST", path+x.ID+"/forward", fmt.Sprintf(`{"recipientId":"%s","recipientIdType":"EMAIL","confirmed":true}`, bad))
	}
	w.refuse(me, 422, "forward.email.not.confirmed", "POST", path+x.ID+"/forward", `{"recipientId":"anna@example.org","recipientIdType":"EMAIL"}`)
	w.ask(me, 200, "POST", path+x.ID+"/forward", `{"recipientId":"slow@example.org","recipientIdType":"EMAIL","confirmed":true}`) // holds up nobody
	want := map[string]string{"anna@example.org": "COMPLETED", "busy@example.org": "COMPLETED", "nobody@example.org": "INVALID"}
	ids := map[string]string{}
	for to := range want {
		ids[to] = w.ask(me, 200, "POST", path+x.ID+"/forward", fmt.Sprintf(`{"recipientId":%q,"recipientIdType":"EMAIL","confirmed":true,"comment":"Til dig\\nHilsen","senderLabel":"Skattestyrelsen"}`, to)).text("id")
	}
	for to, id := range ids {
		got := thing{}
		for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
			if got = w.ask(me, 200, "GET", path+id, ""); got.text("receipt", "receiptStatus") != "RECEIVED" {
				break
			}
		}
		if got.text("receipt", "receiptStatus") != want[to] || got.text("recipient", "recipientId") != to {
			t.Errorf("%s: %v, want %s", to, got.at("receipt"), want[to])
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.mails) != 2 {
		t.Errorf("%d mails arrived, want 2", len(m.mails))
	}
	for _, mail := range m.mails {
		if !strings.Contains(mail, "From: \"Digital Post\" <post@example.org>") || !strings.Contains(mail, "Til dig") || !strings.Contains(mail, "besked.txt") || !strings.Contains(mail, "Message-ID: <") || strings.Contains(mail, "Skattestyrelsen har") {
			t.Errorf("the mail is\n%s", mail)
		}
	}
	w.stop()
	for to := range want {
		if strings.Contains(w.log.String(), to) {
			t.Errorf("%s stands in the log:\n%s", to, w.log)
		}
	}
}

// A mail that the server has taken is sent once, however the server ends the conversation.
func TestMailThatWasTakenIsSentOnce(t *testing.T) {
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
	send, err := email.Server{Address: listener.Addr().String(), From: "post@example.org", Plain: true}.Mailer()
	if err != nil {
		t.Fatal(err)
	}
	if err := send(t.Context(), backbone.Mail{ID: "1", To: "anna@example.org", Subject: "Emne", Text: "Hej"}); err != nil || taken.Load() != 1 {
		t.Errorf("send = %v, and the server has taken %d", err, taken.Load())
	}
}
