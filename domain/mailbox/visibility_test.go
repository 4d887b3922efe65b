package mailbox_test

import (
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// onEBoks asks for what e-Boks may hold of the mailbox.
func onEBoks(s mailbox.Scopes) mailbox.Show {
	return mailbox.Show{Wanted: map[string]mailbox.Scopes{"eboks": s}}
}

var (
	shownThere  = mailbox.MailboxVisible{Platform: "eboks", Scope: mailbox.Public}
	ownThere    = mailbox.MailboxVisible{Platform: "eboks", Scope: mailbox.Private}
	hiddenThere = mailbox.MailboxHidden{Platform: "eboks", Scope: mailbox.Public}
	goneThere   = mailbox.MailboxHidden{Platform: "eboks", Scope: mailbox.Private}
)

// anew is that all rows are told anew.
func anew(e mailbox.MailboxVisible) mailbox.MailboxVisible { e.Again = true; return e }

var visibilityRules = []scenario{
	{
		Name:  "a mailbox is read on a platform",
		Given: open,
		When:  onEBoks(mailbox.Scopes{Public: true, Private: true}),
		Order: by(machine(access.Backbone)),
		Then:  then(shownThere, ownThere),
	},
	{
		Name:  "it is read there already",
		Given: open.and(shownThere),
		When:  onEBoks(mailbox.Scopes{Public: true}),
		Order: by(machine(access.Backbone)),
	},
	{
		Name:  "its public post is read there no more",
		Given: open.and(shownThere, ownThere),
		When:  onEBoks(mailbox.Scopes{Private: true}),
		Order: by(machine(access.Backbone)),
		Then:  then(hiddenThere),
	},
	{
		Name:  "on a platform that nothing is said of nothing changes",
		Given: open.and(shownThere),
		When:  mailbox.Show{Wanted: map[string]mailbox.Scopes{"app": {Public: true}}},
		Order: by(machine(access.Backbone)),
		Then:  then(mailbox.MailboxVisible{Platform: "app", Scope: mailbox.Public}),
	},
	{
		Name:  "a mailbox that is not open",
		When:  onEBoks(mailbox.Scopes{Public: true}),
		Order: by(machine(access.Backbone)),
	},
	{
		Name:  "a mailbox that was parked is told anew",
		Given: open.and(shownThere, ownThere),
		When:  mailbox.Retell{},
		Order: by(machine(access.Backbone)),
		Then:  then(hiddenThere, goneThere, anew(shownThere), anew(ownThere)),
	},
	{
		Name:  "one that is visible nowhere is not",
		Given: open,
		When:  mailbox.Retell{},
		Order: by(machine(access.Backbone)),
	},
	{
		Name:  "a mailbox that ends is hidden first",
		Given: open.and(shownThere, ownThere),
		When:  mailbox.Shred{},
		Order: by(machine(access.Operations)),
		Then:  then(hiddenThere, goneThere, mailbox.Shredded{}),
	},
}
