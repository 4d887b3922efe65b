package mailbox_test

import (
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// Contact details that the rows are about.
var (
	c1, c2 = domain.UUID{0xD1}, domain.UUID{0xD2}
	code   = domain.UUID{0xC0}
	until  = noon.Add(10 * time.Minute)

	mailSet = mailbox.ContactSet{
		Detail: c1, Kind: mailbox.EMail, Leaf: 1, Words: sealed("mail", 1), Hash: nameA, Platform: "app",
	}
	codeSent = mailbox.ContactCodeIssued{Detail: c1, Leaf: 1, Code: sealed("code", 1), Hash: code, Until: until}
	mailGone = mailbox.ContactRemoved{
		Detail: c1, Kind: mailbox.EMail, Leaf: 1, Words: sealed("mail", 1), Platform: "app",
	}
	confirmed = mailbox.ContactConfirmed{Detail: c1}
	known     = open.and(mailSet, codeSent, confirmed)
)

// mail gives an e-mail address of an id and a hash.
func mail(id, hash domain.UUID) mailbox.Given {
	return mailbox.Given{
		Kind: mailbox.EMail, Allowed: true, Hash: hash, ID: id, Seal: sealing("mail"),
		Code: mailbox.NewCode{Hash: code, Seal: sealing("code")},
	}
}

// mobile gives a number of an id and a hash.
func mobile(id, hash domain.UUID) mailbox.Given {
	g := mail(id, hash)
	g.Kind = mailbox.Mobile

	return g
}

// atNight is one that may be used at night.
func atNight(g mailbox.Given) mailbox.Given { g.Anytime = true; return g }

// mails sets e-mail addresses, in the app.
func mails(all ...mailbox.Given) mailbox.SetContacts {
	return mailbox.SetContacts{Kinds: []mailbox.DetailKind{mailbox.EMail}, Given: all, Platform: "app"}
}

// ofPerson are those of somebody who was let in.
func ofPerson(person domain.MailboxID, c mailbox.SetContacts) mailbox.SetContacts {
	c.Person = person
	return c
}

// wasConfirmed is that a confirmed contact detail is gone, so that it is told.
func wasConfirmed(e mailbox.ContactRemoved) mailbox.ContactRemoved { e.Confirmed = true; return e }

// times is an event again and again.
func times(n int, e mailbox.Event) []mailbox.Event { return slices.Repeat([]mailbox.Event{e}, n) }

// later is the owner at another time.
func later(d time.Duration) func(mailbox.Command) mailbox.Order {
	c := as(own)
	c.Now = noon.Add(d)

	return by(c)
}

var contactRules = slices.Concat(settingContacts, confirming, delegatesContacts)

var settingContacts = []scenario{
	{Name: "an e-mail address", Given: open, When: mails(mail(c1, nameA)), Then: then(mailSet, codeSent)},
	{Name: "the same again", Given: open.and(mailSet, codeSent), When: mails(mail(c2, nameA))},
	{
		Name:  "another in its place",
		Given: known,
		When:  mails(mail(c2, nameB)),
		Then: then(
			wasConfirmed(mailGone),
			mailbox.ContactSet{
				Detail: c2, Kind: mailbox.EMail, Leaf: 2, Words: sealed("mail", 2), Hash: nameB,
				Platform: "app",
			},
			mailbox.ContactCodeIssued{Detail: c2, Leaf: 2, Code: sealed("code", 2), Hash: code, Until: until},
		),
	},
	{
		Name:  "one that is given twice",
		Given: open,
		When:  mails(mail(c1, nameA), mail(c2, nameA)),
		Then:  then(mailSet, codeSent),
	},
	{
		Name:  "at night, too",
		Given: known,
		When:  mails(atNight(mail(c2, nameA))),
		Then:  then(mailbox.ContactHoursSet{Detail: c1, Anytime: true}),
	},
	{
		Name:  "a number in the place of one that is confirmed, which is used until then",
		Given: open.and(mobileSet, codeSent, confirmed),
		When: mailbox.SetContacts{
			Kinds: []mailbox.DetailKind{mailbox.Mobile}, Given: []mailbox.Given{mobile(c2, nameB)},
		},
		Then: then(
			mailbox.ContactSet{Detail: c2, Kind: mailbox.Mobile, Leaf: 2, Words: sealed("mail", 2), Hash: nameB},
			mailbox.ContactCodeIssued{Detail: c2, Leaf: 2, Code: sealed("code", 2), Hash: code, Until: until},
		),
	},
	{
		Name: "the same again, while the one before is used",
		Given: open.and(mobileSet, codeSent, confirmed,
			mailbox.ContactSet{Detail: c2, Kind: mailbox.Mobile, Leaf: 2, Words: sealed("mail", 2), Hash: nameB}),
		When: mailbox.SetContacts{
			Kinds: []mailbox.DetailKind{mailbox.Mobile}, Given: []mailbox.Given{mobile(c2, nameB)},
		},
	},
	{
		Name: "it is confirmed",
		Given: open.and(mobileSet, codeSent, confirmed,
			mailbox.ContactSet{Detail: c2, Kind: mailbox.Mobile, Leaf: 2, Words: sealed("mail", 2), Hash: nameB},
			mailbox.ContactCodeIssued{Detail: c2, Leaf: 2, Code: sealed("code", 2), Hash: code, Until: until}),
		When: mailbox.ConfirmContact{Detail: c2, Hash: code},
		Then: then(mailbox.ContactConfirmed{Detail: c2}, mailbox.ContactRemoved{
			Detail: c1, Kind: mailbox.Mobile, Leaf: 1, Words: sealed("mail", 1), Confirmed: true,
		}),
	},
	{Name: "none any more", Given: open.and(mailSet, codeSent), When: mails(), Then: then(mailGone)},
	{
		Name:  "of another kind nothing is said",
		Given: known,
		When:  mailbox.SetContacts{Kinds: []mailbox.DetailKind{mailbox.Mobile}},
	},
	{Name: "at a stale version", Given: known, When: mailbox.SetContacts{Version: 7}, Err: stale(4)},
	{
		Name:  "what is no e-mail address",
		Given: open,
		When:  mails(mailbox.Given{Kind: mailbox.EMail}),
		Err:   refused(mailbox.DetailNotAllowed),
	},
	{
		Name:  "more addresses than one may have",
		Given: open,
		When:  mails(mail(c1, nameA), mail(c2, nameB), mail(c2, code), mail(c1, c1)),
		Err:   refused(mailbox.TooManyDetails),
	},
	{
		Name:  "more codes than a day has",
		Given: open.and(mailSet).and(times(mailbox.MaxCodes, codeSent)...),
		When:  mails(mail(c2, nameB)),
		Err:   refused(mailbox.TooManyCodes),
	},
	{Name: "of no mailbox", When: mails(mail(c1, nameA)), Err: refused(mailbox.NotOpen)},
	{
		Name:  "no notifications",
		Given: known,
		When:  mailbox.SetContacts{OptOut: yes()},
		Then:  then(mailbox.NotificationsSet{OptedOut: noon}),
	},
	{
		Name:  "notifications again, with a reminder",
		Given: known.and(mailbox.NotificationsSet{OptedOut: noon}),
		When:  mailbox.SetContacts{OptOut: no(), Reminder: days(7)},
		Then:  then(mailbox.NotificationsSet{Reminder: 7}),
	},
	{
		Name:  "none, as before",
		Given: known.and(mailbox.NotificationsSet{OptedOut: noon}),
		When:  mailbox.SetContacts{OptOut: yes()},
		Order: later(time.Hour),
	},
	{
		Name:  "a reminder after too many days",
		Given: known,
		When:  mailbox.SetContacts{Reminder: days(31)},
		Err:   refused(mailbox.DetailNotAllowed),
	},
}

func yes() *bool { on := true; return &on }

func no() *bool { on := false; return &on }

func days(n uint8) *uint8 { return &n }

var confirming = []scenario{
	{
		Name:  "the code",
		Given: open.and(mailSet, codeSent),
		When:  mailbox.ConfirmContact{Detail: c1, Hash: code},
		Then:  then(confirmed),
	},
	{Name: "the code again", Given: known, When: mailbox.ConfirmContact{Detail: c1, Hash: code}},
	{
		Name:  "a wrong code",
		Given: open.and(mailSet, codeSent),
		When:  mailbox.ConfirmContact{Detail: c1, Hash: nameB},
		Then:  then(mailbox.ContactCodeFailed{Detail: c1}),
	},
	{
		Name:  "the code, on the fifth try",
		Given: open.and(mailSet, codeSent).and(times(4, mailbox.ContactCodeFailed{Detail: c1})...),
		When:  mailbox.ConfirmContact{Detail: c1, Hash: code},
		Then:  then(confirmed),
	},
	{
		Name:  "the code, on the sixth try",
		Given: open.and(mailSet, codeSent).and(times(5, mailbox.ContactCodeFailed{Detail: c1})...),
		When:  mailbox.ConfirmContact{Detail: c1, Hash: code},
		Err:   refused(mailbox.CodeSpent),
	},
	{
		Name:  "the code, after ten minutes",
		Given: open.and(mailSet, codeSent),
		When:  mailbox.ConfirmContact{Detail: c1, Hash: code},
		Order: later(10 * time.Minute),
		Err:   refused(mailbox.CodeSpent),
	},
	{
		Name:  "a code of what is not there",
		Given: open,
		When:  mailbox.ConfirmContact{Detail: c1, Hash: code},
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "another code, after five tries",
		Given: open.and(mailSet, codeSent).and(times(5, mailbox.ContactCodeFailed{Detail: c1})...),
		When:  mailbox.RenewCode{Detail: c1, Code: mailbox.NewCode{Hash: nameB, Seal: sealing("code")}},
		Then: then(mailbox.ContactCodeIssued{
			Detail: c1, Leaf: 1, Code: sealed("code", 1), Hash: nameB, Until: until,
		}),
	},
	{Name: "another code for what is confirmed", Given: known, When: mailbox.RenewCode{Detail: c1}},
	{
		Name:  "more codes for one than a day has",
		Given: open.and(mailSet).and(times(mailbox.MaxCodes, codeSent)...),
		When:  mailbox.RenewCode{Detail: c1},
		Err:   refused(mailbox.TooManyCodes),
	},
	{
		Name:  "more codes, on the next day",
		Given: open.and(mailSet).and(times(mailbox.MaxCodes, codeSent)...),
		When:  mailbox.RenewCode{Detail: c1, Code: mailbox.NewCode{Hash: nameB, Seal: sealing("code")}},
		Order: later(24 * time.Hour),
		Then: then(mailbox.ContactCodeIssued{
			Detail: c1, Leaf: 1, Code: sealed("code", 1), Hash: nameB, Until: until.Add(24 * time.Hour),
		}),
	},
}

// ofHelper is a contact detail of somebody who was let in.
var ofHelper = mailbox.ContactSet{
	Detail: c1, Person: helper, Kind: mailbox.EMail, Leaf: 1, Words: sealed("mail", 1), Hash: nameA, Platform: "app",
}

// helperGone is that it ends.
var helperGone = mailbox.ContactRemoved{
	Detail: c1, Kind: mailbox.EMail, Leaf: 1, Words: sealed("mail", 1), Platform: "app", Person: helper,
}

var delegatesContacts = []scenario{
	{
		Name:  "a delegate's own",
		Given: open.and(mayWrite),
		When:  ofPerson(helper, mails(mail(c1, nameA))),
		Order: by(as(helper)),
		Then:  then(ofHelper, codeSent),
	},
	{
		Name:  "a delegate does not confirm the owner's",
		Given: open.and(mayWrite, mailSet, codeSent),
		When:  mailbox.ConfirmContact{Person: helper, Detail: c1, Hash: code},
		Order: by(as(helper)),
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "a stranger's",
		Given: open,
		When:  ofPerson(stranger, mails(mail(c1, nameA))),
		Order: by(as(stranger)),
		Err:   refused(mailbox.NoAccess),
	},
	{
		Name:  "an officer's",
		Given: open,
		When:  mails(mail(c1, nameA)),
		Order: by(office(access.Officer)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "they end with the access",
		Given: open.and(mayWrite, ofHelper),
		When:  mailbox.Revoke{Grant: g1},
		Then:  then(mailbox.AccessRevoked{Grant: g1, Grantee: helper}, helperGone),
	},
	{
		Name: "they stay with other access",
		Given: open.and(mayWrite, ofHelper,
			mailbox.AccessGranted{Grant: g2, Grantee: helper, Right: access.ReadWrite}),
		When: mailbox.Revoke{Grant: g1},
		Then: then(mailbox.AccessRevoked{Grant: g1, Grantee: helper}),
	},
}

// notice is one of new post up to an arrival.
func notice(through uint64) mailbox.Notice {
	return mailbox.Notice{ID: domain.UUID{0x40, byte(through)}, Through: through, Messages: 1}
}

// reminder is one of post up to an arrival.
func reminder(through uint64) mailbox.Notice {
	n := notice(through)
	n.ID, n.Reminder = domain.UUID{0x50, byte(through)}, true

	return n
}

var noticeRules = []scenario{
	{
		Name:  "new post is told of",
		Given: known,
		When:  mailbox.RequestNotice{Detail: c1, Notice: notice(9)},
		Then:  then(mailbox.NotificationRequested{Detail: c1, Notice: notice(9)}),
	},
	{
		Name:  "not where that is under way",
		Given: known.and(mailbox.NotificationRequested{Detail: c1, Notice: notice(9)}),
		When:  mailbox.RequestNotice{Detail: c1, Notice: notice(10)},
	},
	{
		Name:  "a reminder beside it",
		Given: known.and(mailbox.NotificationRequested{Detail: c1, Notice: notice(9)}),
		When:  mailbox.RequestNotice{Detail: c1, Notice: reminder(9)},
		Then:  then(mailbox.NotificationRequested{Detail: c1, Notice: reminder(9)}),
	},
	{
		Name: "one that ends leaves the other under way",
		Given: known.and(mailbox.NotificationRequested{Detail: c1, Notice: notice(9)},
			mailbox.NotificationRequested{Detail: c1, Notice: reminder(9)},
			mailbox.NotificationEnded{Detail: c1, Notice: reminder(9), Outcome: mailbox.NoticeSent}),
		When: mailbox.EndNotice{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeSent},
		Then: then(mailbox.NotificationEnded{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeSent}),
	},
	{
		Name:  "nor what was told",
		Given: known.and(mailbox.NotificationEnded{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeSent}),
		When:  mailbox.RequestNotice{Detail: c1, Notice: notice(9)},
	},
	{
		Name:  "nor at what is not confirmed",
		Given: open.and(mailSet, codeSent),
		When:  mailbox.RequestNotice{Detail: c1, Notice: notice(9)},
	},
	{
		Name: "a reminder of what was told",
		Given: known.and(
			mailbox.NotificationEnded{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeSent}),
		When: mailbox.RequestNotice{Detail: c1, Notice: mailbox.Notice{Through: 9, Reminder: true}},
		Then: then(mailbox.NotificationRequested{Detail: c1, Notice: mailbox.Notice{Through: 9, Reminder: true}}),
	},
	{
		Name:  "it was sent",
		Given: known.and(mailbox.NotificationRequested{Detail: c1, Notice: notice(9)}),
		When:  mailbox.EndNotice{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeSent},
		Then:  then(mailbox.NotificationEnded{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeSent}),
	},
	{
		Name: "that is said once",
		Given: known.and(mailbox.NotificationRequested{Detail: c1, Notice: notice(9)},
			mailbox.NotificationEnded{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeSent}),
		When: mailbox.EndNotice{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeSent},
	},
	{
		Name:  "it was read before",
		Given: known,
		When:  mailbox.EndNotice{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeNot},
		Then:  then(mailbox.NotificationEnded{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeNot}),
	},
	{
		Name:  "what was taken away meanwhile is not told",
		Given: known.and(mailbox.NotificationRequested{Detail: c1, Notice: notice(9)}, mailGone),
		When:  mailbox.EndNotice{Detail: c1, Notice: notice(9), Outcome: mailbox.NoticeSent},
	},
}
