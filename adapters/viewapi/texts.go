package viewapi

import "strings"

// words is a text in the two languages of Digital Post.
type words struct{ da, en string }

func (x words) in(language string) string {
	if strings.EqualFold(language, "en") {
		return x.en
	}
	return x.da
}

// interfaceTexts are the words that the answers' codes stand for.
var interfaceTexts = map[string]words{
	"folder.INBOX":   {"Indbakke", "Inbox"},
	"folder.DRAFTS":  {"Kladder", "Drafts"},
	"folder.SENT":    {"Sendt post", "Sent"},
	"folder.DELETED": {"Slettet post", "Deleted"},

	"message.REGULAR":            {"Almindelig post", "Ordinary post"},
	"message.MANDATORY":          {"Post, du skal modtage", "Mandatory post"},
	"message.LEGAL_NOTIFICATION": {"Forkyndelse", "Service of process"},

	"state.DRAFT":    {"Kladde", "Draft"},
	"state.SENT":     {"Sendt", "Sent"},
	"state.RECEIVED": {"Modtaget", "Received"},

	"receipt.RECEIVED":    {"Sendt, endnu ikke besvaret", "Sent, not answered yet"},
	"receipt.COMPLETED":   {"Modtaget af modtageren", "Received by the recipient"},
	"receipt.NOT_ALLOWED": {"Ikke tilladt hos modtageren", "Not allowed by the recipient"},
	"receipt.INVALID":     {"Afvist af modtageren", "Refused by the recipient"},

	"access.OWNER":      {"Ejer", "Owner"},
	"access.READ":       {"Læseadgang", "Read access"},
	"access.READ_WRITE": {"Læse- og skriveadgang", "Read and write access"},
	"access.DESIGNATED": {"Udpeget adgang", "Designated access"},

	"authority.STATE":        {"Stat", "State"},
	"authority.REGION":       {"Region", "Region"},
	"authority.MUNICIPALITY": {"Kommune", "Municipality"},
	"authority.OTHER":        {"Anden myndighed", "Other authority"},

	"exemption.APPLIED": {"Ansøgt", "Applied for"},
	"exemption.EXEMPT":  {"Fritaget", "Exempt"},
	"exemption.REFUSED": {"Afslået", "Refused"},
	"exemption.REVOKED": {"Ophørt", "Ended"},

	"sender.AUTHORITIES": {"Offentlige myndigheder", "Public authorities"},
	"sender.COMPANY":     {"Virksomhed", "Company"},

	"consent.DIRECT":    {"Tilmeldt", "Registered"},
	"consent.INDIRECT":  {"Tilmeldt gennem aftale", "Registered by contract"},
	"consent.WITHDRAWN": {"Afmeldt", "Cancelled"},
	"consent.NONE":      {"Ikke tilmeldt", "Not registered"},

	"action.reply":           {"Svar", "Reply"},
	"action.forward":         {"Videresend", "Forward"},
	"action.write":           {"Skriv ny post", "Write new message"},
	"action.delete":          {"Slet", "Delete"},
	"action.move":            {"Flyt", "Move"},
	"action.restore":         {"Gendan", "Restore"},
	"action.attach":          {"Vedhæft filer", "Attach files"},
	"action.send":            {"Send", "Send"},
	"action.cancelExemption": {"Ophæv fritagelse", "Cancel exemption"},
	"action.registerSenders": {"Tilmeld afsendere", "Register senders"},
	"action.switchMailbox":   {"Skift postkasse", "Change mailbox"},

	"nemsms.terms.2026-01": {
		"Når du accepterer vilkårene, giver du alle offentlige myndigheder, der bruger NemSMS, lov til at sende dig " +
			"servicebeskeder som sms. Det er gratis. Kun danske mobilnumre kan bruges, og du har selv ansvar for, at " +
			"nummeret er rigtigt. Du kan altid framelde dig.",
		"When you accept the terms, you permit all public authorities who use NemSMS to send you service messages as " +
			"text messages. It is free. Only Danish mobile numbers can be used, and you alone are responsible for " +
			"the number. You can opt out at any time.",
	},
	"email.confirm": {"En e-mail forlader Digital Post og er ikke beskyttet der",
		"An e-mail leaves Digital Post, and is not protected there"},
}
