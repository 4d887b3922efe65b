// Package email hands what people forward out of Digital Post to a mail server (SMTP, RFC 5321). A mail is handed over
// at least once; its Message-ID is the same each time, so that a receiver can tell.
package email

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"digitalpost/adapters/backbone/sending"
)

// A Server is a mail server, and how it is spoken to.
type Server struct {
	Address  string // HOST:PORT
	From     string // the sender's address
	User     string // empty: no sign-in
	Password string
	Plain    bool // TLS is not asked for: development alone
}

// timeout is how long one mail may take.
const timeout = 2 * time.Minute

// Mailer returns the means to send by the server; an error if the configuration can't be used. It speaks to the server
// with each mail and not before.
func (s Server) Mailer() (sending.Mailer, error) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: give HOST:PORT", s.Address)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: give HOST:PORT", s.Address)
	}
	options := []mail.Option{mail.WithPort(int(n)), mail.WithTimeout(timeout), mail.WithTLSPolicy(mail.TLSMandatory)}
	if s.Plain {
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}

	if _, err := mail.NewClient(host, options...); err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	if err := mail.NewMsg().FromFormat("Digital Post", s.From); err != nil {
		return nil, fmt.Errorf("mail sender %q: give an e-mail address", s.From)
	}

	return func(ctx context.Context, m sending.Mail) error {
		client, err := mail.NewClient(host, options...)
		if err != nil {
			return err
		}
		msg, err := s.message(m)
		if err != nil {
			return sending.RefusedMail(err)
		}

		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		err = client.DialAndSendWithContext(ctx, msg)
		if msg.IsDelivered() { // the server has it, however it ended the conversation
			return nil
		}
		return outcome(err)
	}, nil
}

// message makes a mail in the form that the server takes.
func (s Server) message(m sending.Mail) (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := msg.FromFormat("Digital Post", s.From); err != nil {
		return nil, err
	}

	if err := msg.To(m.To); err != nil {
		return nil, err
	}

	msg.SetMessageIDWithValue(m.ID + s.From[strings.LastIndexByte(s.From, '@'):])
	msg.Subject(strings.ReplaceAll(m.Subject, "=?", "= ?")) // what begins a coded word would be decoded by who reads it
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	for _, f := range m.Files {
		kind, _, err := mime.ParseMediaType(f.Kind)
		if err != nil || strings.HasPrefix(kind, "multipart/") || strings.HasPrefix(kind, "message/") { // RFC 2045, 6.4
			kind = "application/octet-stream"
		}
		msg.AttachReadSeeker(f.Name, f.Open(), mail.WithFileContentType(mail.ContentType(kind)))
	}

	return msg, nil
}

// outcome tells apart a server's no to this mail, for good (5xx) or for now (4xx), and a server that can't be spoken
// to.
func outcome(err error) error {
	var sent *mail.SendError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &sent) && sent.ErrorCode() >= 500 && !sent.IsTemp():
		return sending.RefusedMail(err)
	case errors.As(err, &sent) && sent.ErrorCode() >= 400:
		return err
	}
	return errors.Join(sending.ErrNoMail, err)
}
