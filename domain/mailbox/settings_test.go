package mailbox_test

import "digitalpost/domain/mailbox"

// english asks for a language that the app has.
var english = mailbox.SetLanguage{Platform: "app", Language: "en", Offered: true}

// inEnglish is what that leads to.
var inEnglish = mailbox.LanguageSet{Platform: "app", Language: "en"}

var settingRules = []scenario{
	{Name: "a language", Given: open, When: english, Then: then(inEnglish)},
	{Name: "the same language", Given: open.and(inEnglish), When: english},
	{
		Name:  "another language",
		Given: open.and(inEnglish),
		When:  mailbox.SetLanguage{Platform: "app", Language: "da", Offered: true},
		Then:  then(mailbox.LanguageSet{Platform: "app", Language: "da"}),
	},
	{Name: "a language of no mailbox", When: english, Err: refused(mailbox.NotOpen)},
	{
		Name:  "a language that the platform has not",
		Given: open,
		When:  mailbox.SetLanguage{Platform: "app", Language: "fr"},
		Err:   refused(mailbox.NotOffered),
	},
	{
		Name:  "a language that follows the device",
		Given: open,
		When:  mailbox.SetLanguage{Platform: "app", Language: "en", Offered: true, Device: true},
		Err:   refused(mailbox.FollowsDevice),
	},
	{
		Name:  "a delegate sets no language",
		Given: open.and(mayWrite),
		When:  english,
		Order: by(as(helper)),
		Err:   refused(mailbox.AccessLimited),
	},
}
