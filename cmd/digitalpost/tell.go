package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"time"

	"digitalpost/adapters/backbone/sending"
	"digitalpost/adapters/development"
	"digitalpost/adapters/email"
	"digitalpost/adapters/reactions"
)

// tellFlags say how people are told: of new post, and what they forward as e-mail.
type tellFlags struct {
	SMTP     string `name:"smtp" help:"${smtp_help}" env:"DIGITALPOST_SMTP"`
	SMTPFrom string `name:"smtp-from" help:"${smtp_from_help}" env:"DIGITALPOST_SMTP_FROM"`
	SMTPUser string `name:"smtp-user" help:"User at the mail server." env:"DIGITALPOST_SMTP_USER"`

	SMTPPassword string `kong:"-"` // of DIGITALPOST_SMTP_PASSWORD alone: flags can be seen by others

	SMS      string        `name:"sms" help:"${sms_help}" env:"DIGITALPOST_SMS"`
	Hold     time.Duration `name:"notify-after" help:"${hold_help}" default:"1m" env:"DIGITALPOST_NOTIFY_AFTER"`
	PushCert string        `name:"push-cert" help:"${push_cert_help}" env:"DIGITALPOST_PUSH_CERT" type:"path"`
	PushKey  string        `name:"push-key" help:"Its key, PEM." env:"DIGITALPOST_PUSH_KEY" type:"path"`

	Hours []int `name:"notify-hours" help:"${hours_help}" default:"7,22" env:"DIGITALPOST_NOTIFY_HOURS"`
}

// A telling is how people are told.
type telling struct {
	means  reactions.Means
	outbox *development.Outbox // in development; nil: there is none
}

// close ends the outbox, if there is one.
func (t telling) close() error {
	if t.outbox == nil {
		return nil
	}

	return t.outbox.Close()
}

// told gives how people are told. In development what has no server of its own goes to an outbox, at any hour.
func (f tellFlags) told(dev bool) (t telling, err error) {
	t.means.Hold = f.Hold
	if len(f.Hours) > 0 {
		if len(f.Hours) != 2 || f.Hours[0] < 0 || f.Hours[0] >= f.Hours[1] || f.Hours[1] > 24 {
			return t, errors.New("--notify-hours: give two hours of a day, such as 7,22")
		}
		t.means.From, t.means.To = f.Hours[0], f.Hours[1]
	}

	if dev {
		if t.outbox, err = development.NewOutbox(); err != nil {
			return t, fmt.Errorf("development's outbox: %w", err)
		}
		t.means.From, t.means.To = 0, 0
	}

	if t.means.Mail, err = f.mailer(t.outbox); err == nil {
		t.means.Text, err = f.texter(t.outbox)
	}

	if err != nil {
		err = errors.Join(err, t.close())
	}

	return t, err
}

// mailer gives the means to send e-mail, nil if there is no mail server.
func (f tellFlags) mailer(outbox *development.Outbox) (sending.Mailer, error) {
	if f.SMTP == "" && outbox != nil {
		return email.Server{Address: outbox.MailServer(), From: "digitalpost@example.org", Plain: true}.Mailer()
	}

	if f.SMTP == "" {
		return nil, nil
	}

	if f.SMTPFrom == "" {
		return nil, errors.New("--smtp also needs --smtp-from, the address that mail comes from")
	}

	password := f.SMTPPassword
	if password == "" {
		password = os.Getenv("DIGITALPOST_SMTP_PASSWORD")
	}
	server := email.Server{
		Address: f.SMTP, From: f.SMTPFrom, User: f.SMTPUser, Password: password, Plain: outbox != nil,
	}

	return server.Mailer()
}

// texter gives the means to send text messages, nil if there is no gateway. Its token is that of
// DIGITALPOST_SMS_TOKEN alone.
func (f tellFlags) texter(outbox *development.Outbox) (reactions.Texter, error) {
	g := reactions.Gateway{URL: f.SMS, Token: os.Getenv("DIGITALPOST_SMS_TOKEN"), Dev: outbox != nil}
	if g.URL == "" && outbox != nil {
		g.URL, g.Token = outbox.Gateway(), ""
	}

	if g.URL == "" {
		return nil, nil
	}

	return g.Texter()
}

// outward says how others' servers are spoken to.
func (f tellFlags) outward(dev bool) (reactions.Outward, error) {
	o := reactions.Outward{Dev: dev}
	if f.PushCert == "" && f.PushKey == "" {
		return o, nil
	}

	own, err := tls.LoadX509KeyPair(f.PushCert, f.PushKey)
	if err != nil {
		return o, fmt.Errorf("--push-cert and --push-key: %w", err)
	}
	o.Certificate = &own

	return o, nil
}
