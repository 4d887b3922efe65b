// Package contacts is people's own contact details for a mailbox, and what they want to be told at them: e-mail
// addresses and a Danish mobile number, each confirmed by a code that is sent to it.
package contacts

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// CodeWrong refuses a code that is not the one that was sent. It was a try.
const CodeWrong domain.Reason = "contact.code.wrong"

// Contacts sets and shows them. It may be used by many goroutines at once.
type Contacts struct{ core *core.Core }

// New makes one.
func New(c *core.Core) *Contacts { return &Contacts{c} }

var (
	danishMobile = regexp.MustCompile(`^(\+45|0045)?([2-9][0-9]{7})$`)
	anEMail      = regexp.MustCompile(
		`^[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+)*` +
			`@([A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$`)
)

// Characters of an address, and of what stands before its @ (RFC 5321, 4.5.3.1).
const (
	maxEMail = 254
	maxLocal = 64
)

// Kept gives an e-mail address, or a mobile number as +45 and 8 digits, as it is kept; empty for what is neither.
func Kept(kind mailbox.DetailKind, words string) string {
	words = strings.Join(strings.Fields(words), "")
	if kind == mailbox.EMail {
		at := strings.LastIndexByte(words, '@')
		if len(words) > maxEMail || at > maxLocal || !anEMail.MatchString(words) {
			return ""
		}

		return words[:at] + strings.ToLower(words[at:])
	}

	if m := danishMobile.FindStringSubmatch(words); m != nil {
		return "+45" + m[2]
	}

	return ""
}

// Hash gives a keyed hash of a contact detail as it is kept: the same for the same one, in a mailbox.
func (x *Contacts) Hash(box domain.MailboxID, words string) (domain.UUID, error) {
	k, err := x.core.Key(box, 0)
	if err != nil {
		return domain.UUID{}, err
	}

	return k.Hash("contact", strings.ToLower(words)), nil
}

// codeHash gives a keyed hash of a code for a contact detail.
func (x *Contacts) codeHash(box domain.MailboxID, detail domain.UUID, code string) (domain.UUID, error) {
	k, err := x.core.Key(box, 0)
	if err != nil {
		return domain.UUID{}, err
	}

	return k.Hash("contact code", detail.String()+" "+code), nil
}

// CodeLength is how many digits a code has.
const CodeLength = 6

// newCode makes a code for a contact detail.
func (x *Contacts) newCode(box domain.MailboxID, detail domain.UUID) (mailbox.NewCode, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return mailbox.NewCode{}, err
	}

	code := fmt.Sprintf("%0*d", CodeLength, n)
	hash, err := x.codeHash(box, detail, code)

	return mailbox.NewCode{
		Hash: hash, Seal: x.core.Sealing(box, mailbox.ContactCodeIssued{}, "code", []byte(code)),
	}, err
}

// A Detail is a contact detail as its person sees it.
type Detail struct {
	mailbox.Detail
	Words string // as it is kept
}

// Own are a person's own contact details for a mailbox.
type Own struct {
	Mailbox  domain.MailboxID
	Version  uint32
	OptedOut time.Time // zero: they are told
	Reminder int       // days; 0: none
	Details  []Detail
}

// Of gives a principal's own contact details for a mailbox that they may open.
func (x *Contacts) Of(ctx context.Context, p access.Principal, box domain.MailboxID) (Own, error) {
	if _, err := x.core.Admit(ctx, p, box, access.List); err != nil {
		return Own{}, err
	}

	return x.own(box, person(p, box))
}

// person names a principal among those who have contact details for a mailbox: zero is its owner, and whoever acts for
// a company that is.
func person(p access.Principal, box domain.MailboxID) domain.MailboxID {
	ofBox := func(x access.Privilege) bool { return x.Mailbox == box && !x.Right.InOffice() }
	if p.Identity == box || slices.ContainsFunc(p.Privileges, ofBox) {
		return domain.MailboxID{}
	}

	return p.Identity
}

func (x *Contacts) own(box, person domain.MailboxID) (Own, error) {
	row, err := x.core.Mailbox(box)
	if err != nil {
		return Own{}, err
	}

	c := row.ContactsOf(person)
	out := Own{Mailbox: box, Version: c.Version, OptedOut: c.OptedOut, Reminder: int(c.Reminder)}
	for _, d := range c.Details {
		words, err := x.words(box, d.Shown.Leaf, d.Shown.Words)
		if err != nil {
			return Own{}, err
		}
		out.Details = append(out.Details, Detail{d, words})
	}

	return out, nil
}

func (x *Contacts) words(box domain.MailboxID, leaf uint32, sealed domain.Sealed) (string, error) {
	words, err := x.core.Opened(box, leaf, mailbox.ContactSet{}.EventType(), "words", sealed)
	return string(words), err
}

// A Given is a contact detail as somebody gives it.
type Given struct {
	Words   string
	Anytime bool // that it may be used at night, too
}

// A Wish is what a person sets; what is nil stays as it is.
type Wish struct {
	EMails   *[]Given
	Mobile   *[]Given // one, or none
	OptOut   *bool
	Reminder *uint8 // days
}

// Set sets a principal's own contact details for a mailbox. Codes are on their way to those that are new when it
// returns.
func (x *Contacts) Set(ctx context.Context, ask core.Ask, w Wish) (Own, eventstore.Position, error) {
	cmd := mailbox.SetContacts{
		Person: person(ask.Principal, ask.Mailbox), Version: ask.Version, OptOut: w.OptOut, Reminder: w.Reminder,
		Platform: ask.Platform,
	}

	a, err := x.admit(ctx, ask)
	if err != nil {
		return Own{}, 0, err
	}

	if err := x.give(&cmd, ask, mailbox.EMail, w.EMails); err != nil {
		return Own{}, 0, err
	}

	if err := x.give(&cmd, ask, mailbox.Mobile, w.Mobile); err != nil {
		return Own{}, 0, err
	}

	return x.run(ctx, ask, a, w, cmd)
}

// give adds the contact details of a kind to a command; nil: nothing is said of them.
func (x *Contacts) give(cmd *mailbox.SetContacts, ask core.Ask, kind mailbox.DetailKind, all *[]Given) error {
	if all == nil {
		return nil
	}

	cmd.Kinds = append(cmd.Kinds, kind)
	for i, g := range *all {
		words := Kept(kind, g.Words)
		id := domain.UUID(x.core.ID(ask, fmt.Sprint("contact", kind, i)))
		hash, err := x.Hash(ask.Mailbox, words)
		if err != nil {
			return err
		}

		code, err := x.newCode(ask.Mailbox, id)
		if err != nil {
			return err
		}

		cmd.Given = append(cmd.Given, mailbox.Given{
			Kind: kind, Allowed: words != "", Hash: hash, Anytime: g.Anytime, ID: id,
			Seal: x.core.Sealing(ask.Mailbox, mailbox.ContactSet{}, "words", []byte(words)), Code: code,
		})
	}

	return nil
}

// admit admits whoever may set contact details of their own for a mailbox.
func (x *Contacts) admit(ctx context.Context, ask core.Ask) (core.Admission, error) {
	action := access.List
	if person(ask.Principal, ask.Mailbox) == (domain.MailboxID{}) {
		action = access.Settings
	}

	return x.core.Admit(ctx, ask.Principal, ask.Mailbox, action)
}

func (x *Contacts) run(
	ctx context.Context, ask core.Ask, a core.Admission, asked any, cmd mailbox.Command,
) (Own, eventstore.Position, error) {
	done, err := x.core.Execute(ctx, a, ask.Of(asked, domain.MessageID{}), cmd)
	if err != nil {
		return Own{}, 0, err
	}
	out, err := x.own(ask.Mailbox, person(ask.Principal, ask.Mailbox))

	return out, done.Position, err
}

// A Verification is what somebody does to confirm a contact detail.
type Verification struct {
	Code  string
	Renew bool // another code is sent
}

// Verify confirms a principal's own contact detail by a code, or sends another code to it. A wrong code is CodeWrong;
// after five tries, or ten minutes, a new one is needed.
func (x *Contacts) Verify(
	ctx context.Context, ask core.Ask, detail domain.UUID, v Verification,
) (Own, eventstore.Position, error) {
	a, err := x.admit(ctx, ask)
	switch {
	case err != nil:
		return Own{}, 0, err
	case v.Renew:
		return x.renew(ctx, ask, a, detail)
	}

	return x.confirm(ctx, ask, a, detail, v.Code)
}

func (x *Contacts) confirm(
	ctx context.Context, ask core.Ask, a core.Admission, detail domain.UUID, code string,
) (Own, eventstore.Position, error) {

	hash, err := x.codeHash(ask.Mailbox, detail, code)
	if err != nil {
		return Own{}, 0, err
	}

	ask.Key = "" // each is a try
	out, at, err := x.run(ctx, ask, a, nil, mailbox.ConfirmContact{
		Person: person(ask.Principal, ask.Mailbox), Detail: detail, Hash: hash,
	})
	if err != nil {
		return out, at, err
	}

	for _, d := range out.Details {
		if d.ID == detail && d.Confirmed {
			return out, at, nil
		}
	}

	return Own{}, 0, domain.Refuse(CodeWrong)
}

func (x *Contacts) renew(
	ctx context.Context, ask core.Ask, a core.Admission, detail domain.UUID,
) (Own, eventstore.Position, error) {
	code, err := x.newCode(ask.Mailbox, detail)
	if err != nil {
		return Own{}, 0, err
	}

	return x.run(ctx, ask, a, renewal{detail}, mailbox.RenewCode{
		Person: person(ask.Principal, ask.Mailbox), Detail: detail, Code: code,
	})
}

// renewal is the request for another code.
type renewal struct{ Detail domain.UUID }
