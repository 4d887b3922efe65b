package reactions

import (
	"fmt"
	"strings"
	"unicode"

	"digitalpost/adapters/backbone/contacts"
	"digitalpost/adapters/backbone/text"
	"digitalpost/adapters/memo"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/platform"
)

// What people are told: by e-mail and text message, in Danish or English. It never has a name, a number or anything of
// the post itself, but the words that its sender has given to be told, where they are about one message alone and have
// no number like a CPR number.

// A said is what is said, as e-mail and as a text message of at most 160 characters.
type said struct{ subject, body string }

// saidOf puts it together.
func saidOf(t contacts.Telling) said {
	x := danish
	if t.Language == "en" {
		x = english
	}

	where := "digitalpost.dk"
	if p, ok := platform.Of(t.Platform); ok {
		where = p.Name
	}

	switch {
	case t.Code != "":
		return said{x.codeSubject, fmt.Sprintf(x.code, t.Code)}
	case t.Messages == 0 && t.Kind == mailbox.NemSMSNumber:
		return said{x.removedSubject, x.noNemSMS}
	case t.Messages == 0:
		return said{x.removedSubject, x.removed}
	}

	what := x.one
	if t.Messages > 1 {
		what = fmt.Sprintf(x.many, t.Messages)
	}

	if t.Reminder {
		what = x.unread + what
	}

	others := ""
	if !t.Own {
		others = x.others
	}

	log := fmt.Sprintf(x.where, where)
	if words := senders(t.Text); words != "" && t.Messages == 1 && !t.Reminder {
		for _, body := range []string{words + others + "." + log, words + others + "."} {
			if t.Kind == mailbox.EMail || memo.FitsSMS(body) { // else the words are too many for one text message
				return said{x.subject, body}
			}
		}
	}

	return said{x.subject, what + others + "." + log}
}

// The words, in each language.
type phrases struct {
	subject, codeSubject, removedSubject string
	one, many, unread, others, where     string
	code, removed, noNemSMS              string
}

var danish = phrases{
	subject: "Ny post i Digital Post", codeSubject: "Din kode til Digital Post",
	removedSubject: "Dine kontaktoplysninger i Digital Post er ændret",
	one:            "Du har fået ny post i Digital Post", many: "Du har fået %d nye meddelelser i Digital Post",
	unread: "Påmindelse: ", others: ", i en postkasse, som du har adgang til", where: " Log på %s for at læse.",
	code: "Din kode til Digital Post er %s. Den gælder i 10 minutter. Har du ikke bedt om den, så se bort fra den.",
	noNemSMS: "Dette nummer får ikke længere NemSMS. Har du ikke selv ændret det, så log på og se dine " +
		"kontaktoplysninger.",
	removed: "Du får ikke længere besked her om ny post i Digital Post, heller ikke NemSMS. Har du ikke selv ændret " +
		"det, så log på og se efter.",
}

var english = phrases{
	subject: "New Digital Post", codeSubject: "Your code for Digital Post",
	removedSubject: "Your contact details in Digital Post were changed",
	one:            "You have new Digital Post", many: "You have %d new messages in Digital Post",
	unread: "Reminder: ", others: ", in a mailbox that you have access to", where: " Log on to %s to read.",
	code: "Your code for Digital Post is %s. It is valid for 10 minutes. If you did not ask for it, ignore it.",
	noNemSMS: "This number gets no NemSMS any more. If you did not change that yourself, log on and see your " +
		"contact details.",
	removed: "You are no longer told here of new Digital Post, nor sent NemSMS. If you did not change that yourself, " +
		"log on and see.",
}

// maxSenders is how many characters of a sender's words are told (MeMo's notification has no more).
const maxSenders = 160

// senders gives a sender's words as one line that ends in no stop; empty where they may not be told.
func senders(words string) string {
	words = strings.TrimRight(strings.TrimSpace(text.Line(words)), ".")
	if likeANumber(words) {
		return ""
	}

	if r := []rune(words); len(r) > maxSenders {
		words = string(r[:maxSenders])
	}

	return words
}

// likeANumber reports whether a text has what may be somebody's CPR number: ten digits, whatever but letters stands
// between them, that begin with a date.
func likeANumber(text string) bool {
	var digits []rune
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			digits = append(digits, r)
		case unicode.IsLetter(r):
			digits = nil
		}

		if n := len(digits); n >= 10 && likeADate(digits[n-10:n-6]) {
			return true
		}
	}

	return false
}

// likeADate reports whether four digits are a day and a month; the day of one who is made up is 60 more. Digits that
// are no ASCII count as any.
func likeADate(digits []rune) bool {
	for _, r := range digits {
		if r > '9' {
			return true
		}
	}
	day, month := (digits[0]-'0')*10+digits[1]-'0', (digits[2]-'0')*10+digits[3]-'0'

	return (day >= 1 && day <= 31 || day >= 61 && day <= 91) && month >= 1 && month <= 12
}
