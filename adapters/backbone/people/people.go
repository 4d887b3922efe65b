// Package people is whose mailboxes there are: who has which number, their names, and what kind of owner they are. What
// it gives is unsealed, and stands in no log line.
package people

import (
	"context"
	"errors"
	"strings"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/text"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/directory"
	"digitalpost/projections/mailboxes"
)

// A Person is a citizen or company as the register has them.
type Person struct {
	Kind         mailbox.OwnerKind
	Number       string // CPR or CVR
	Name         string
	BirthDate    time.Time // zero for a company
	Municipality string
	Mailbox      domain.MailboxID
}

// IDType is how a MeMo names the kind of a person's number.
func (p Person) IDType() string {
	if p.Kind == mailbox.Company {
		return "CVR"
	}

	return "CPR"
}

// People finds and registers them. It may be used by many goroutines at once.
type People struct {
	core    *core.Core
	guesses *core.Guesses
}

// New makes one.
func New(c *core.Core) *People {
	return &People{c, core.NewGuesses(core.LimitNumbers, MostMismatches, MismatchesIn)}
}

// purpose keeps the numbers of citizens and companies apart.
func purpose(kind mailbox.OwnerKind) vault.Purpose {
	if kind == mailbox.Company {
		return vault.Company
	}

	return vault.Citizen
}

// Register opens the mailbox of a citizen or company, once: created reports whether it did. One number has one mailbox.
func (p *People) Register(ctx context.Context, who Person) (id domain.MailboxID, created bool, err error) {
	owner, err := p.core.Vault.Enter(purpose(who.Kind), who.Number, vault.Owner(p.core.NewID()))
	if err != nil {
		return id, false, err
	}

	// A crash here leaves a number with an id and no mailbox: the next registration opens it under that id.
	p.core.Fail("root written")

	id = domain.MailboxID(owner)
	k, err := p.core.Key(id, 0)
	if errors.Is(err, vault.ErrForgotten) {
		return id, false, domain.Refuse(mailbox.RecipientClosed)
	}

	if err != nil {
		return id, false, err
	}

	opened := mailbox.Opened{Owner: who.Kind, Residence: who.Municipality}
	seal := func(field, s string) domain.Sealed { return k.Seal(opened.EventType(), field, []byte(s)) }
	opened.Number, opened.Name = seal("number", who.Number), seal("name", who.Name)
	if !who.BirthDate.IsZero() {
		opened.BirthDate = seal("birthDate", who.BirthDate.Format(time.DateOnly))
	}

	_, err = p.core.ByMachine(ctx, core.Machine{Kind: access.Register, Once: "open", Thing: id}, id,
		mailbox.Open{Opened: opened, Born: who.BirthDate, Today: p.core.Now().In(memo.Copenhagen)})
	if core.IsReason(err, mailbox.AlreadyOpen) {
		return id, false, p.core.Views.Wait(ctx, p.core.Log.Last())
	}

	return id, err == nil, err
}

// Find gives the mailbox of a number; false if nobody has it, or it is not open.
func (p *People) Find(kind mailbox.OwnerKind, number string) (domain.MailboxID, bool, error) {
	id, ok, err := p.Number(kind, number)
	if err != nil || !ok {
		return domain.MailboxID{}, false, err
	}

	_, err = p.core.Mailbox(id)
	if errors.Is(err, core.ErrNotFound) {
		return id, false, nil
	}

	return id, err == nil, err
}

// Number gives the id that a number has in the directory, whether or not its mailbox is open.
func (p *People) Number(kind mailbox.OwnerKind, number string) (domain.MailboxID, bool, error) {
	owner, ok, err := p.core.Vault.Find(purpose(kind), number)
	return domain.MailboxID(owner), ok, err
}

// Owner gives whose mailbox it is; core.ErrNotFound if there is none.
func (p *People) Owner(id domain.MailboxID) (Person, error) {
	box, err := p.core.Mailbox(id)
	if err != nil {
		return Person{}, err
	}

	return p.Of(id, box)
}

// Of gives whose mailbox it is, from its row.
func (p *People) Of(id domain.MailboxID, box mailbox.Box) (Person, error) {
	opened := box.Shown.Opened
	out := Person{Kind: opened.Owner, Municipality: opened.Residence, Mailbox: id}
	k, err := p.core.Key(id, 0)
	if err != nil {
		return out, err
	}

	open := func(field string, s domain.Sealed) string {
		plain, openErr := k.Open(opened.EventType(), field, s)
		err = errors.Join(err, openErr)

		return string(plain)
	}
	out.Number, out.Name = open("number", opened.Number), open("name", opened.Name)
	if len(opened.BirthDate) > 0 {
		out.BirthDate, _ = time.Parse(time.DateOnly, open("birthDate", opened.BirthDate))
	}

	return out, err
}

// NameIn gives the name of a mailbox's owner, from a view as it stands; empty if there is none.
func (p *People) NameIn(s *mailboxes.Snapshot, id domain.MailboxID) (string, error) {
	box, ok, err := s.Mailbox(id)
	if err != nil || !ok {
		return "", err
	}
	owner, err := p.Of(id, box)

	return owner.Name, err
}

// Named gives the mailbox of one with a number and a name. That nobody has that number, and that it is another's name,
// are the same answer.
func (p *People) Named(kind mailbox.OwnerKind, number, name string) (domain.MailboxID, bool, error) {
	id, ok, err := p.Find(kind, number)
	if err != nil || !ok {
		return id, false, err
	}
	owner, err := p.Owner(id)
	same := text.FoldName(owner.Name) == text.FoldName(strings.Join(strings.Fields(name), " "))

	return id, err == nil && same, err
}

// All gives every owner, for development's listing.
func (p *People) All() (out []Person, err error) {
	d, err := directory.At(p.core.Views)
	if err != nil {
		return nil, err
	}
	ids := d.Mailboxes()
	d.Close()

	for _, id := range ids {
		owner, err := p.Owner(id)
		if err != nil {
			return nil, err
		}
		out = append(out, owner)
	}

	return out, nil
}

// Returned is what the register says of one who lives in the country again: an exemption whose ground was that they had
// left ends by itself.
func (p *People) Returned(ctx context.Context, id domain.MailboxID) (core.Done, error) {
	m := core.Machine{Kind: access.Register, Thing: p.core.NewID()}
	done, err := p.core.ByMachine(ctx, m, id, mailbox.RevokeExemption{By: mailbox.ByReturn})
	if core.IsReason(err, mailbox.NotExempt) {
		return core.Done{Position: p.core.Log.Last()}, nil
	}

	return done, err
}

// Shred destroys every key of a mailbox: nothing in it can be read when it returns, and by no copy of the data once the
// epoch is rolled. It is for the lawful end of a mailbox, once two operators are at one: approved is where the log says
// so.
func (p *People) Shred(ctx context.Context, id domain.MailboxID, approved eventstore.Position) error {
	m := core.Machine{Kind: access.Operations, Once: "shred", Thing: id, Causation: approved}
	_, err := p.core.ByMachine(ctx, m, id, mailbox.Shred{})

	return err
}

// SenderNode makes a MeMo's Sender: the mailbox's owner, and a delegate as its representative, so that the receiver
// sees who helped.
func (p *People) SenderNode(a core.Admission) (*memo.Node, error) {
	owner, err := p.Owner(a.Mailbox)
	if err != nil {
		return nil, err
	}

	out := memo.Group("Sender", memo.Text("senderID", owner.Number), memo.Text("idType", owner.IDType()),
		memo.Text("label", text.Clip(owner.Name, mailbox.MaxLabel)))
	if !a.Right.Delegated() {
		return out, nil
	}

	helper, err := p.Owner(a.Principal.Identity)
	if err != nil {
		return nil, err
	}
	out.Set("Representative", memo.Group("Representative", memo.Text("representativeID", helper.Number),
		memo.Text("idType", helper.IDType()), memo.Text("label", text.Clip(helper.Name, mailbox.MaxLabel))))

	return out, nil
}
