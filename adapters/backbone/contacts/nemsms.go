package contacts

import (
	"context"
	"errors"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
)

// A Registration is an owner's for NemSMS, as they and the counter see it.
type Registration struct {
	Mailbox domain.MailboxID
	Version uint32
	Terms   string // that were accepted; empty: not registered
	At      time.Time
	Shared  bool
	Number  *Detail // nil: there is none
	Used    string  // the number before, as long as Number is not confirmed; empty: there is none
}

// NemSMS gives an owner's registration, to whoever may change it.
func (x *Contacts) NemSMS(ctx context.Context, p access.Principal, box domain.MailboxID) (Registration, error) {
	if _, err := x.texts(ctx, p, box); err != nil {
		return Registration{}, err
	}

	return x.registration(box)
}

// texts admits whoever may register an owner for NemSMS. That somebody in an office looks is recorded.
func (x *Contacts) texts(ctx context.Context, p access.Principal, box domain.MailboxID) (core.Admission, error) {
	a, err := x.core.Admit(ctx, p, box, access.Texts)
	if err != nil || !a.Right.InOffice() {
		return a, err
	}

	return a, x.core.Look(ctx, a, looks.CaseOpened{})
}

func (x *Contacts) registration(box domain.MailboxID) (Registration, error) {
	row, err := x.core.Mailbox(box)
	if err != nil {
		return Registration{}, err
	}

	own, err := x.own(box, domain.MailboxID{})
	out := Registration{
		Mailbox: box, Version: own.Version + 1, Terms: row.NemSMS.Terms, At: row.NemSMS.At, Shared: row.NemSMS.Shared,
	}

	kind := mailbox.NemSMSNumber
	if out.Shared {
		kind = mailbox.Mobile
	}
	for _, d := range own.Details {
		if d.Kind != kind || out.Terms == "" {
			continue
		}

		if out.Number != nil {
			out.Used = out.Number.Words
		}
		out.Number = &d
	}

	return out, err
}

// A NemSMSWish is what an owner, or the counter for them, wants of NemSMS.
type NemSMSWish struct {
	Number string // empty: that for new post
	Terms  string // the version of those that are accepted
}

// Register registers an owner for NemSMS, by themselves or at the counter.
func (x *Contacts) Register(
	ctx context.Context, ask core.Ask, w NemSMSWish,
) (Registration, eventstore.Position, error) {
	a, err := x.texts(ctx, ask.Principal, ask.Mailbox)
	if err != nil {
		return Registration{}, 0, err
	}

	cmd := mailbox.RegisterNemSMS{Version: ask.Version, Terms: w.Terms, Platform: ask.Platform}
	if w.Number != "" {
		var set mailbox.SetContacts
		if err := x.give(&set, ask, mailbox.NemSMSNumber, &[]Given{{Words: w.Number, Anytime: true}}); err != nil {
			return Registration{}, 0, err
		}
		cmd.Number = &set.Given[0]
	}

	return x.registered(ctx, ask, a, w, cmd)
}

func (x *Contacts) registered(
	ctx context.Context, ask core.Ask, a core.Admission, asked any, cmd mailbox.Command,
) (Registration, eventstore.Position, error) {
	done, err := x.core.Execute(ctx, a, ask.Of(asked, domain.MessageID{}), cmd)
	if err != nil {
		return Registration{}, 0, err
	}
	out, err := x.registration(ask.Mailbox)

	return out, done.Position, err
}

// optOut is the request to end it.
type optOut struct{}

// OptOut ends an owner's registration.
func (x *Contacts) OptOut(ctx context.Context, ask core.Ask) (Registration, eventstore.Position, error) {
	a, err := x.texts(ctx, ask.Principal, ask.Mailbox)
	if err != nil {
		return Registration{}, 0, err
	}

	return x.registered(ctx, ask, a, optOut{}, mailbox.OptOutNemSMS{Version: ask.Version})
}

// VerifyNumber is Verify, of the owner's number for NemSMS, at the counter too.
func (x *Contacts) VerifyNumber(
	ctx context.Context, ask core.Ask, detail domain.UUID, v Verification,
) (Registration, eventstore.Position, error) {
	a, err := x.texts(ctx, ask.Principal, ask.Mailbox)
	if err != nil {
		return Registration{}, 0, err
	}

	var cmd mailbox.Command
	if v.Renew {
		code, err := x.newCode(ask.Mailbox, detail)
		if err != nil {
			return Registration{}, 0, err
		}
		cmd = mailbox.RenewCode{Detail: detail, Code: code}
	} else {
		hash, err := x.codeHash(ask.Mailbox, detail, v.Code)
		if err != nil {
			return Registration{}, 0, err
		}
		cmd = mailbox.ConfirmContact{Detail: detail, Hash: hash}
		ask.Key = "" // each is a try
	}

	out, at, err := x.registered(ctx, ask, a, renewal{detail}, cmd)
	right := out.Number != nil && out.Number.ID == detail && out.Number.Confirmed
	if err == nil && !v.Renew && !right {
		err = domain.Refuse(CodeWrong)
	}

	return out, at, err
}

// A Reach is whether post and NemSMS reach the owner of a mailbox.
type Reach struct {
	Kind                   mailbox.OwnerKind
	Exempt, Closed, NemSMS bool
	Shared                 bool        // NemSMS goes to the number for new post
	Number                 domain.UUID // the contact detail that NemSMS goes to; zero: none
}

// Reach gives it as it stands. What never was is closed.
func (x *Contacts) Reach(box domain.MailboxID) (r Reach, err error) {
	s, err := mailboxes.At(x.core.Views)
	if err != nil {
		return r, err
	}
	defer s.Close()

	row, open, err := s.Mailbox(box)
	number, reached := row.TextNumber()
	r.NemSMS, r.Number, r.Shared = reached, number.ID, row.NemSMS.Shared
	r.Kind, r.Exempt, r.Closed = row.Shown.Opened.Owner, row.Exemption.Exempt, !open

	return r, err
}

// Texts are the text messages that authorities send, as whoever sends them needs them. They may be used by many
// goroutines at once.
type Texts struct{ n *Notices }

// TextsOf gives them.
func TextsOf(n *Notices) Texts { return Texts{n} }

// A Text is a text message that is to go out.
type Text struct {
	ID     domain.UUID // the same however often it is tried
	To     string      // empty: nobody is registered any more
	Body   string
	System domain.SystemID // that sent it
}

// Queued gives a text message as it stands now, with the number that the owner has now; false if it is not to go out
// any more: it was sent, recalled, or refused.
func (t Texts) Queued(box domain.MailboxID, m domain.MessageID) (out Text, waits bool, err error) {
	s, err := mailboxes.At(t.n.core.Views)
	if err != nil {
		return out, false, err
	}
	defer s.Close()

	if s.Parked(box) {
		return out, false, core.ErrParked
	}

	row, ok, err := s.Row(box, m)
	if err != nil || !ok || row.Stage != mailbox.Scheduled {
		return out, false, err
	}

	letter, ok, err := s.Letter(box, m)
	if err != nil || !ok {
		return out, false, err
	}
	out.ID, out.System = domain.UUID(m), row.System

	owner, _, err := s.Mailbox(box)
	if err != nil {
		return out, false, err
	}

	d, ok := owner.TextNumber()
	if !ok || row.Shown.Changed < owner.NemSMS.Since { // opted out, perhaps registered again since
		return out, true, nil
	}

	opened, err := t.n.content.Open(box, row, letter)
	if errors.Is(err, vault.ErrForgotten) {
		return out, false, nil
	}

	if err != nil {
		return out, false, err
	}
	out.Body = opened.Memo.Header().Get("notification")
	out.To, err = t.n.contacts.words(box, d.Shown.Leaf, d.Shown.Words)

	return out, true, err
}

// EndText notes how sending ended; once, however often it is called. Refused is the rule's code; empty: it was sent.
func (t Texts) EndText(ctx context.Context, box domain.MailboxID, m domain.MessageID, refused domain.Reason) error {
	machine := core.Machine{Kind: access.Backbone, Once: "nemsms ended", Thing: m}
	_, err := t.n.core.ByMachine(ctx, machine, box, mailbox.EndNemSMS{Message: m, Refused: refused})

	return core.IgnoreGone(err)
}
