package viewtest

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// contacts sets the owner's contact details, or confirms one.
func (d draw) contacts() mailbox.Command {
	code := mailbox.NewCode{Hash: domain.UUID{0xC0}, Seal: d.sealing()}
	for _, x := range d.state.ContactsOf(domain.MailboxID{}).Details {
		switch n := d.IntN(4); {
		case x.Confirmed:
		case n == 0:
			return mailbox.RenewCode{Detail: x.ID, Code: code}
		case n < 3:
			return mailbox.ConfirmContact{Detail: x.ID, Hash: domain.UUID{0xC0 + byte(d.IntN(2))}}
		}
	}

	kinds := []mailbox.DetailKind{mailbox.EMail, mailbox.Mobile}
	if len(d.state.ContactsOf(domain.MailboxID{}).Details) > 0 && d.IntN(4) > 0 {
		kinds = nil // what is confirmed stays for a while
	}

	set := mailbox.SetContacts{Kinds: kinds, Platform: d.platform()}
	for _, kind := range kinds {
		if d.coin() {
			set.Given = append(set.Given, mailbox.Given{
				Kind: kind, Allowed: true, Hash: domain.UUID{byte(d.IntN(3))}, ID: d.id(), Seal: d.sealing(),
				Code: code, Anytime: d.coin(),
			})
		}
	}

	if d.coin() {
		out := d.coin()
		set.OptOut = &out
	}

	return set
}

// text registers the owner for NemSMS step by step, then has text messages come in and go out.
func text(d draw) mailbox.Order {
	for id, m := range d.state.Messages() { // there is one at most
		if m.Stage == mailbox.Scheduled && m.Text {
			end := mailbox.EndNemSMS{Message: id}
			if d.state.NextLeaf%2 == 0 {
				end.Refused = mailbox.NemSMSNotSent
			}

			return d.machine(access.Backbone, end)
		}
	}

	code := mailbox.NewCode{Hash: domain.UUID{0xC0}, Seal: d.sealing()}
	_, reachable := d.state.TextNumber()
	switch {
	case reachable && d.IntN(8) == 0:
		return d.owner(mailbox.OptOutNemSMS{})
	case reachable:
		l := d.letter()
		l.Platform = ""
		return d.machine(access.System, mailbox.QueueNemSMS{Letter: l})
	}

	for _, x := range d.state.ContactsOf(domain.MailboxID{}).Details {
		if x.Kind == mailbox.NemSMSNumber && !x.Confirmed && x.Tries < mailbox.MaxTries {
			return d.owner(mailbox.ConfirmContact{Detail: x.ID, Hash: x.Code})
		}
	}

	return d.owner(mailbox.RegisterNemSMS{Terms: mailbox.NemSMSTerms, Number: &mailbox.Given{
		Kind: mailbox.NemSMSNumber, Allowed: true, Hash: d.id(), ID: d.id(), Seal: d.sealing(), Code: code,
	}})
}

// notice tells the owner of new post, or says how that ended.
func notice(d draw) mailbox.Order {
	all := d.state.ContactsOf(domain.MailboxID{}).Details
	if len(all) == 0 {
		return d.owner(d.contacts())
	}

	x := all[0]
	n := x.Told.Under(d.coin())
	switch {
	case d.IntN(4) == 0: // the same, at other hours
		return d.owner(mailbox.SetContacts{Kinds: []mailbox.DetailKind{x.Kind}, Given: []mailbox.Given{{
			Kind: x.Kind, Allowed: true, Hash: x.Hash, Anytime: !x.Shown.Anytime,
		}}})
	case n.ID != (domain.UUID{}) && d.coin():
		outcome := one(d, []string{mailbox.NoticeSent, mailbox.NoticeRefused, mailbox.NoticeNever})
		return d.machine(access.Backbone, mailbox.EndNotice{Detail: x.ID, Notice: n, Outcome: outcome})
	}

	through := x.Told.Through + uint64(d.IntN(60))
	n = mailbox.Notice{ID: d.id(), Through: through, Messages: 1, Reminder: d.coin()}

	return d.machine(access.Backbone, mailbox.RequestNotice{Detail: x.ID, Notice: n})
}
