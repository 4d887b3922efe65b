package mailbox_test

import (
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

var (
	sender     = mailbox.PrivateSender{Platform: "eboks"}
	byContract = mailbox.SenderConsentGiven{Platform: "eboks", Indirect: true, Basis: "CONTRACT"}
	byOneself  = mailbox.SenderConsentGiven{Platform: "eboks"}
	declined   = mailbox.SenderConsentWithdrawn{Platform: "eboks"}
)

// toSender says yes or no to the private sender.
func toSender(yes bool) mailbox.ConsentToSender {
	return mailbox.ConsentToSender{Sender: sender, Given: yes, Known: true, Here: true}
}

// toPlatform says yes or no to a platform that asks.
func toPlatform(yes bool) mailbox.Consent {
	return mailbox.Consent{Platform: "eboks", Given: yes, Needed: true}
}

var consentRules = []scenario{
	{
		Name:  "consent to a platform",
		Given: open,
		When:  toPlatform(true),
		Then:  then(mailbox.ConsentGiven{Platform: "eboks"}),
	},
	{
		Name:  "consent to a platform as the register has it",
		Given: open,
		When:  toPlatform(true),
		Order: by(machine(access.Register)),
		Then:  then(mailbox.ConsentGiven{Platform: "eboks"}),
	},
	{
		Name:  "consent to a platform again",
		Given: open.and(mailbox.ConsentGiven{Platform: "eboks"}),
		When:  toPlatform(true),
	},
	{
		Name:  "consent to a platform withdrawn",
		Given: open.and(mailbox.ConsentGiven{Platform: "eboks"}),
		When:  toPlatform(false),
		Then:  then(mailbox.ConsentWithdrawn{Platform: "eboks"}),
	},
	{Name: "no consent to a platform, as it was", Given: open, When: toPlatform(false)},
	{
		Name:  "consent to a platform that needs none",
		Given: open,
		When:  mailbox.Consent{Platform: "app", Given: true},
		Err:   refused(mailbox.NoConsentNeeded),
	},
	{Name: "consent to a platform in no mailbox", When: toPlatform(true), Err: refused(mailbox.NotOpen)},
	{
		Name:  "a delegate consents to nothing",
		Given: open.and(mayWrite),
		When:  toPlatform(true),
		Order: by(as(helper)),
		Err:   refused(mailbox.AccessLimited),
	},
	{Name: "consent to a private sender", Given: open, When: toSender(true), Then: then(byOneself)},
	{
		Name:  "consent by oneself, after a contract's",
		Given: open.and(byContract),
		When:  toSender(true),
		Then:  then(byOneself),
	},
	{Name: "consent again", Given: open.and(byOneself), When: toSender(true)},
	{Name: "consent withdrawn", Given: open.and(byContract), When: toSender(false), Then: then(declined)},
	{Name: "no before anybody asked", Given: open, When: toSender(false), Then: then(declined)},
	{Name: "no again", Given: open.and(declined), When: toSender(false)},
	{Name: "consent in no mailbox", When: toSender(true), Err: refused(mailbox.NotOpen)},
	{
		Name:  "consent to who sends no private post",
		Given: open,
		When:  mailbox.ConsentToSender{Sender: sender, Given: true, Here: true},
		Err:   refused(mailbox.UnknownSender),
	},
	{
		Name:  "consent to who sends none through the platform",
		Given: open,
		When:  mailbox.ConsentToSender{Sender: sender, Given: true, Known: true},
		Err:   refused(mailbox.WrongPlatform),
	},
}
