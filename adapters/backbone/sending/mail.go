package sending

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	words "digitalpost/adapters/backbone/text"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/outbox"
)

// ErrNoMail says that there is no mail server, or that it takes nothing now: the mail is tried again.
var ErrNoMail = errors.New("backbone: the mail server takes nothing now")

// mailRefused says that the mail server refuses a mail for good.
type mailRefused struct{ error }

// RefusedMail makes an error of a Mailer's one that says so.
func RefusedMail(err error) error { return &mailRefused{err} }

// IsRefusedMail reports whether an error says that.
func IsRefusedMail(err error) bool {
	refused := (*mailRefused)(nil)
	return errors.As(err, &refused)
}

// A Mail is a message that leaves Digital Post as e-mail.
type Mail struct {
	ID      string // the same when it is tried again, so that a receiver can tell
	To      string
	Subject string
	Text    string
	Files   []MailFile
}

// A MailFile is a file that goes with it. Open may be called more than once.
type MailFile struct {
	Name, Kind string
	Open       func() io.ReadSeeker
}

// A Mailer hands a mail to a mail server. It returns nil once that has taken it over; ErrNoMail to be asked again;
// RefusedMail if it never will.
type Mailer func(context.Context, Mail) error

// Bounds of the e-mail that one mailbox sends, counted by this process.
const (
	mailsADay    = 50
	mailCounters = 10_000 // mailboxes that are remembered
)

// mailCount limits how much leaves as e-mail. It may be used by many goroutines at once.
type mailCount struct {
	by *lru.Cache[domain.MailboxID, *rate.Limiter]
}

func newMailCount() mailCount {
	by, err := lru.New[domain.MailboxID, *rate.Limiter](mailCounters)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}

	return mailCount{by}
}

// allow counts one mail, and reports whether it may leave.
func (c mailCount) allow(id domain.MailboxID, now time.Time) bool {
	c.by.ContainsOrAdd(id, rate.NewLimiter(rate.Every(24*time.Hour/mailsADay), mailsADay))
	l, ok := c.by.Get(id)

	return ok && l.AllowN(now, 1)
}

// mail sends what was forwarded as e-mail. It names the writer as the register does.
func (s *Sending) mail(ctx context.Context, r outbox.Row) error {
	if s.mailer == nil {
		return ErrNoMail
	}

	to, err := s.core.Opened(r.Handover.Root, 0, mailbox.MessageSent{}.EventType(), "address", r.To.Address)
	if err != nil {
		return err
	}

	d, err := s.content.OpenHandover(r)
	if err != nil {
		return err
	}
	defer d.Close()

	m, err := memo.Read(io.NewSectionReader(d, 0, r.Handover.Length))
	if err != nil {
		return err
	}

	writer, err := s.people.Owner(r.Mailbox)
	if err != nil {
		return err
	}

	subject := words.Line(m.Header().Get("label"))
	out := Mail{ID: r.UUID.String(), To: string(to), Subject: subject, Text: mailText(writer.Name, m)}
	for _, doc := range m.Documents() {
		for _, f := range doc.All("File") {
			x := *f.Child("content").File
			out.Files = append(out.Files, MailFile{
				Name: f.Get("filename"), Kind: f.Get("encodingFormat"),
				Open: func() io.ReadSeeker { return m.Content(d, r.Handover.Length, x) },
			})
		}
	}

	return s.mailer(ctx, out)
}

// mailText is what a mail says: who forwards what, and their comment. What others have written stands in lines of its
// own, behind > or a name: none of it looks like a line of ours.
func mailText(writer string, m *memo.Message) string {
	forward := m.Header().Child("ForwardData")
	var text strings.Builder

	line := words.Line
	fmt.Fprintf(&text, "%s har videresendt en meddelelse fra Digital Post.\n"+
		"%s forwards a message from Digital Post.\n\n"+
		"Afsender / Sender: %s\nModtaget / Received: %s\n",
		line(writer), line(writer), line(forward.Get("originalSender")), line(forward.Get("originalMessageDateTime")))

	if c := forward.Get("comment"); c != "" {
		fmt.Fprintf(&text, "\nKommentar / Comment:\n")
		for l := range strings.SplitSeq(c, "\n") {
			fmt.Fprintf(&text, "> %s\n", line(l))
		}
	}

	return text.String()
}
