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
		switch d.IntN(4) {
		case 0:
			return mailbox.RenewCode{Detail: x.ID, Code: code}
		case 1, 2:
			return mailbox.ConfirmContact{Detail: x.ID, Hash: domain.UUID{0xC0 + byte(d.IntN(2))}}
		}
	}

	kinds := []mailbox.DetailKind{mailbox.EMail, mailbox.Mobile}
	set := mailbox.SetContacts{Kinds: kinds, Platform: d.platform()}
	for _, kind := range kinds {
		if d.coin() {
			set.Given = append(set.Given, mailbox.Given{
				Kind: kind, Allowed: true, Hash: domain.UUID{byte(d.IntN(3))}, ID: d.id(), Seal: d.sealing(),
				Code: code,
			})
		}
	}

	if d.coin() {
		out := d.coin()
		set.OptOut = &out
	}

	return set
}

// notice tells the owner of new post, or says how that ended.
func notice(d draw) mailbox.Order {
	for _, x := range d.state.ContactsOf(domain.MailboxID{}).Details {
		n := x.Told.Asked
		if n.ID != (domain.UUID{}) && d.coin() {
			outcome := one(d, []string{mailbox.NoticeSent, mailbox.NoticeRefused, mailbox.NoticeNever})
			return d.machine(access.Backbone, mailbox.EndNotice{Detail: x.ID, Notice: n, Outcome: outcome})
		}

		through := x.Told.Through + uint64(d.IntN(60))
		n = mailbox.Notice{ID: d.id(), Through: through, Messages: 1, Reminder: d.coin()}

		return d.machine(access.Backbone, mailbox.RequestNotice{Detail: x.ID, Notice: n})
	}

	return d.owner(d.contacts())
}
