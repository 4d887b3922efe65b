package mailbox_test

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

var (
	handedOver = mailbox.MessageHandedOver{Message: m1}
	takenOver  = mailbox.MessageTaken{Message: m1, Root: way.Root, Copy: way.Document}
	completed  = mailbox.ReceiptReceived{Message: m1, Status: "COMPLETED"}

	fetched = away.and(handedOver)
	taken   = fetched.and(takenOver)

	// unwritten is what was sent, and purged by its writer.
	unwritten = away.and(trashed(m1, mailbox.Sent), purged(m1, 1))
	// passed is what goes into another mailbox: the backbone itself delivers it.
	passed = here.and(forwarded(2))

	another = domain.SystemID{6}
)

// receipt gives a business receipt, with words.
func receipt(system domain.SystemID, status string) mailbox.GiveReceipt {
	return mailbox.GiveReceipt{Message: m1, System: system, Status: status}
}

// receiptWords is a business receipt with words.
var receiptWords = mailbox.GiveReceipt{Message: m1, System: sys, Status: "COMPLETED", Seal: sealing("answer")}

var handoverRules = []scenario{
	{
		Name:  "the recipient system fetches",
		Given: away,
		When:  mailbox.HandOver{Message: m1, System: sys},
		Then:  then(handedOver),
	},
	{Name: "it fetches again", Given: fetched, When: mailbox.HandOver{Message: m1, System: sys}},
	{
		Name:  "another system fetches",
		Given: away,
		When:  mailbox.HandOver{Message: m1, System: another},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "what was received is not fetched",
		Given: here,
		When:  mailbox.HandOver{Message: m1, System: sys},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "its writer does not fetch",
		Given: away,
		When:  mailbox.HandOver{Message: m1, System: sys},
		Order: by(as(own)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "fetched after its writer purged it",
		Given: unwritten,
		When:  mailbox.HandOver{Message: m1, System: sys},
		Then:  then(handedOver),
	},
	{
		Name:  "the recipient needs its copy no more",
		Given: fetched,
		When:  mailbox.Take{Message: m1, System: sys},
		Then:  then(takenOver),
	},
	{
		Name:  "deleted before it was fetched",
		Given: away,
		When:  mailbox.Take{Message: m1, System: sys},
		Err:   refused(mailbox.NotFetched),
	},
	{
		Name:  "answered before it was fetched",
		Given: away,
		When:  receipt(sys, "COMPLETED"),
		Err:   refused(mailbox.NotFetched),
	},
	{
		Name:  "taken once",
		Given: taken,
		When:  mailbox.Take{Message: m1, System: sys},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "fetched after it was taken",
		Given: taken,
		When:  mailbox.HandOver{Message: m1, System: sys},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "taken by another system",
		Given: fetched,
		When:  mailbox.Take{Message: m1, System: another},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{Name: "a business receipt", Given: taken, When: receipt(sys, "COMPLETED"), Then: then(completed)},
	{
		Name:  "a business receipt's words are sealed under the message's leaf",
		Given: taken.and(delivered(m2, 2)),
		When:  receiptWords,
		Then: then(mailbox.ReceiptReceived{
			Message: m1, Status: "COMPLETED", Text: sealed("answer", 1),
		}),
	},
	{
		Name:  "a business receipt for what its writer purged has none",
		Given: unwritten.and(handedOver),
		When:  receiptWords,
		Then:  then(completed),
	},
	{
		Name:  "the same business receipt again [22]",
		Given: taken.and(completed),
		When:  receipt(sys, "COMPLETED"),
	},
	{
		Name:  "another business receipt [22]",
		Given: taken.and(completed),
		When:  receipt(sys, "INVALID"),
		Err:   refused(mailbox.ReceiptGiven),
	},
	{
		Name:  "another system's business receipt",
		Given: taken,
		When:  receipt(another, "COMPLETED"),
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "delivered from here: the receipt is given and the copy taken at once",
		Given: passed,
		When: mailbox.All{
			mailbox.GiveReceipt{Message: m2, Status: "COMPLETED"},
			mailbox.Take{Message: m2},
		},
		Order: by(machine(access.Backbone)),
		Then: then(
			mailbox.ReceiptReceived{Message: m2, Status: "COMPLETED"},
			mailbox.MessageTaken{Message: m2, Root: way.Root, Copy: way.Document},
		),
	},
}
