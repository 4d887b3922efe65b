package mailbox_test

import (
	"slices"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// number is a number of NemSMS's own.
func number(id, hash domain.UUID) *mailbox.Given {
	g := mail(id, hash)
	g.Kind = mailbox.NemSMSNumber

	return &g
}

var (
	mobileSet = mailbox.ContactSet{Detail: c1, Kind: mailbox.Mobile, Leaf: 1, Words: sealed("mail", 1), Hash: nameA}
	smsSet    = mailbox.ContactSet{
		Detail: c1, Kind: mailbox.NemSMSNumber, Leaf: 1, Words: sealed("mail", 1), Hash: nameA, Platform: "app",
	}
	smsGone = mailbox.ContactRemoved{
		Detail: c1, Kind: mailbox.NemSMSNumber, Leaf: 1, Words: sealed("mail", 1), Platform: "app", Confirmed: true,
	}
	registered  = mailbox.NemSMSRegistered{Terms: mailbox.NemSMSTerms, At: noon}
	sharing     = mailbox.NemSMSRegistered{Terms: mailbox.NemSMSTerms, Shared: true, At: noon}
	texted      = open.and(smsSet, codeSent, confirmed, registered)
	otherNumber = mailbox.ContactSet{
		Detail: c2, Kind: mailbox.NemSMSNumber, Leaf: 2, Words: sealed("mail", 2), Hash: nameB,
	}
	queued = mailbox.NemSMSQueued{Letter: letter(m1, 2)}
)

// accepting registers with the terms of today.
func accepting(n *mailbox.Given) mailbox.RegisterNemSMS {
	return mailbox.RegisterNemSMS{Terms: mailbox.NemSMSTerms, Number: n, Platform: "app"}
}

var nemSMSRules = slices.Concat(registeringNemSMS, sendingNemSMS)

var registeringNemSMS = []scenario{
	{
		Name:  "registered at a number of its own",
		Given: open,
		When:  accepting(number(c1, nameA)),
		Then:  then(smsSet, codeSent, registered),
	},
	{
		Name:  "registered at the number for new post",
		Given: open.and(mobileSet, codeSent, confirmed),
		When:  accepting(nil),
		Then:  then(sharing),
	},
	{
		Name: "from a number of its own to one for new post that is not confirmed: the own is used until then",
		Given: texted.and(mailbox.ContactSet{
			Detail: c2, Kind: mailbox.Mobile, Leaf: 2, Words: sealed("mail", 2), Hash: nameB,
		}),
		When: accepting(nil),
		Then: then(sharing),
	},
	{Name: "registered at no number", Given: open, When: accepting(nil), Err: refused(mailbox.NumberMissing)},
	{
		Name:  "registered on other terms",
		Given: open,
		When:  mailbox.RegisterNemSMS{Terms: "2010-01", Number: number(c1, nameA)},
		Err:   refused(mailbox.TermsNotAccepted),
	},
	{Name: "registered as before", Given: texted, When: accepting(number(c2, nameA))},
	{
		Name:  "registered while exempt",
		Given: exempt.and(mobileSet, codeSent, confirmed),
		When:  accepting(nil),
		Then:  then(sharing),
	},
	{
		Name:  "registered at the counter",
		Given: open,
		When:  accepting(number(c1, nameA)),
		Order: by(office(access.Officer)),
		Then:  then(smsSet, codeSent, registered),
	},
	{
		Name:  "the number is confirmed at the counter",
		Given: open.and(smsSet, codeSent, registered),
		When:  mailbox.ConfirmContact{Detail: c1, Hash: code},
		Order: by(office(access.Officer)),
		Then:  then(confirmed),
	},
	{
		Name:  "an officer confirms no other contact details",
		Given: open.and(mailSet, codeSent),
		When:  mailbox.ConfirmContact{Detail: c1, Hash: code},
		Order: by(office(access.Officer)),
		Err:   refused(mailbox.AccessLimited),
	},
	{Name: "registered in no mailbox", When: accepting(number(c1, nameA)), Err: refused(mailbox.NotOpen)},
	{
		Name:  "registered at a stale version",
		Given: open,
		When:  mailbox.RegisterNemSMS{Version: 7},
		Err:   stale(1),
	},
	{
		Name:  "opted out",
		Given: texted,
		When:  mailbox.OptOutNemSMS{},
		Then:  then(smsGone, mailbox.NemSMSOptedOut{}),
	},
	{Name: "opted out of what there is not", Given: open, When: mailbox.OptOutNemSMS{}},
	{Name: "opted out at a stale version", Given: texted, When: mailbox.OptOutNemSMS{Version: 1}, Err: stale(5)},
}

// text is a text message that comes in.
func text(m domain.MessageID) mailbox.QueueNemSMS { return mailbox.QueueNemSMS{Letter: letter(m, 0)} }

var sendingNemSMS = []scenario{
	{Name: "a text message", Given: texted, When: text(m1), Then: then(queued)},
	{Name: "the same again", Given: texted.and(queued), When: text(m1), Err: refused(mailbox.AlreadyReceived)},
	{Name: "to one who is not registered", Given: open, When: text(m1), Err: refused(mailbox.NoNemSMS)},
	{
		Name:  "to a number that is not confirmed",
		Given: open.and(smsSet, codeSent, registered),
		When:  text(m1),
		Err:   refused(mailbox.NoNemSMS),
	},
	{
		Name:  "to one who has not accepted the terms that are in force",
		Given: open.and(smsSet, codeSent, confirmed, mailbox.NemSMSRegistered{Terms: "2010-01", At: noon}),
		When:  text(m1),
		Err:   refused(mailbox.NoNemSMS),
	},
	{
		Name:  "to the number for new post, while one of its own is not confirmed",
		Given: open.and(mobileSet, codeSent, confirmed, sharing, otherNumber, registered),
		When:  text(m1),
		Then:  then(mailbox.NemSMSQueued{Letter: letter(m1, 3)}),
	},
	{
		Name:  "not to the number for new post, where one of its own was asked for from the beginning",
		Given: open.and(mobileSet, codeSent, confirmed, otherNumber, registered),
		When:  text(m1),
		Err:   refused(mailbox.NoNemSMS),
	},
	{
		Name:  "to one who has opted out",
		Given: texted.and(mailbox.NemSMSOptedOut{}),
		When:  text(m1),
		Err:   refused(mailbox.NoNemSMS),
	},
	{
		Name:  "to one who is exempt",
		Given: exempt.and(mobileSet, codeSent, confirmed, sharing),
		When:  text(m1),
		Then:  then(queued),
	},
	{Name: "to no mailbox", When: text(m1), Err: refused(mailbox.NotOpen)},
	{
		Name:  "to a mailbox that has ended",
		Given: texted.and(mailbox.Shredded{}),
		When:  text(m1),
		Err:   refused(mailbox.RecipientClosed),
	},
	{
		Name:  "it is not delivered",
		Given: texted.and(queued),
		When:  mailbox.Release{Message: m1, At: noon},
	},
	{
		Name:  "it was sent",
		Given: texted.and(queued),
		When:  mailbox.EndNemSMS{Message: m1},
		Then:  then(mailbox.NemSMSSent{Message: m1, Leaf: 2}),
	},
	{
		Name:  "that is said once",
		Given: texted.and(queued, mailbox.NemSMSSent{Message: m1, Leaf: 2}),
		When:  mailbox.EndNemSMS{Message: m1},
	},
	{
		Name:  "it could not be sent",
		Given: texted.and(queued),
		When:  mailbox.EndNemSMS{Message: m1, Refused: mailbox.NemSMSNotSent},
		Then:  then(mailbox.NemSMSRefused{Message: m1, Leaf: 2, Reason: mailbox.NemSMSNotSent}),
	},
	{
		Name:  "it is recalled before",
		Given: texted.and(queued),
		When:  mailbox.Recall{Message: m1, System: sys},
		Then:  then(mailbox.MessageRecalled{Message: m1, Leaf: 2}),
	},
	{
		Name:  "what was recalled is not sent",
		Given: texted.and(queued, mailbox.MessageRecalled{Message: m1, Leaf: 2}),
		When:  mailbox.EndNemSMS{Message: m1},
	},
	{
		Name:  "what was sent is not recalled",
		Given: texted.and(queued, mailbox.NemSMSSent{Message: m1, Leaf: 2}),
		When:  mailbox.Recall{Message: m1, System: sys},
		Err:   refused(mailbox.AlreadyDelivered),
	},
}
