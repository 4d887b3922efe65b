package mailbox_test

import (
	"time"

	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

var (
	facts = mailbox.Facts{
		Owner: mailbox.Citizen, Number: sealed("number", 0), Name: sealed("name", 0), Residence: "0101",
	}
	moved2     = mailbox.Facts{Owner: mailbox.Citizen, Number: sealed("number", 0), Residence: "0751"}
	firm       = mailbox.Facts{Owner: mailbox.Company, Number: sealed("number", 0)}
	nextYear   = noon.AddDate(1, 0, 0)
	soon       = noon.Add(time.Hour)
	awaited    = mailbox.OwnerRegistered{Facts: facts, Opens: soon}
	grace      = mailbox.OwnerRegistered{Facts: firm, Opens: soon}
	fromFacts  = mailbox.Opened{Owner: mailbox.Citizen, Number: facts.Number, Name: facts.Name, Residence: "0101"}
	died       = mailbox.Closed{Why: mailbox.Died, Purge: nextYear}
	seenByApp  = mailbox.MailboxVisible{Platform: "app", Scope: mailbox.Public}
	unseen     = mailbox.MailboxHidden{Platform: "app", Scope: mailbox.Public}
	renumbered = mailbox.NumberChanged{Facts: moved2, Old: sealed("old", 0), Until: nextYear}
	back       = mailbox.OwnerReturned{Opens: noon}
)

func says(e mailbox.Event) mailbox.Command { return mailbox.RegisterSays{Event: e} }

var lifeRules = []scenario{
	{Name: "a register knows somebody", When: says(awaited), Then: then(awaited)},
	{Name: "nobody else says so", Given: open, Order: by(as(own)),
		When: says(died), Err: refused(mailbox.AccessLimited)},
	{Name: "known anew, with another date", Given: given(awaited),
		When: says(mailbox.OwnerRegistered{Facts: facts, Opens: nextYear}),
		Then: then(mailbox.OwnerRegistered{Facts: facts, Opens: nextYear})},
	{Name: "known anew, with an open mailbox", Given: open, When: says(awaited),
		Then: then(mailbox.OwnerChanged{Facts: facts})},
	{Name: "it opens at its date", Given: given(awaited), When: mailbox.OpenDue{At: soon},
		Then: then(fromFacts)},
	{Name: "at once, where that is past",
		When: says(mailbox.OwnerRegistered{Facts: facts, Opens: noon}),
		Then: then(fromFacts)},
	{Name: "not before it", Given: given(awaited), When: mailbox.OpenDue{At: soon.Add(-time.Second)}},
	{Name: "not for a citizen who signs in", Given: given(awaited),
		When: mailbox.OpenDue{At: noon, SignIn: true}},
	{Name: "earlier for a company that signs in", Given: given(grace),
		When: mailbox.OpenDue{At: noon, SignIn: true},
		Then: then(mailbox.Opened{Owner: mailbox.Company, Number: firm.Number})},
	{Name: "it opens once", Given: given(awaited, fromFacts), When: mailbox.OpenDue{At: soon}},
	{Name: "not for one who has left", Given: given(awaited, mailbox.OwnerLeft{}),
		When: mailbox.OpenDue{At: nextYear}},
	{Name: "not for one who has died", Given: given(awaited, died), When: mailbox.OpenDue{At: nextYear}},
	{Name: "a line is taken once", Given: open.and(mailbox.OwnerChanged{Facts: moved2, Line: 7}),
		When: mailbox.RegisterSays{Line: 7, Event: mailbox.OwnerChanged{Facts: moved2, Line: 7}}},
	{Name: "an owner leaves", Given: open, When: says(mailbox.OwnerLeft{}),
		Then: then(mailbox.OwnerLeft{})},
	{Name: "it is left once", Given: open.and(mailbox.OwnerLeft{}), When: says(mailbox.OwnerLeft{})},
	{Name: "nobody leaves", When: says(mailbox.OwnerLeft{})},
	{Name: "a child comes back", Given: given(awaited, mailbox.OwnerLeft{}), When: says(back),
		Then: then(back)},
	{Name: "an owner comes back", Given: open.and(mailbox.OwnerLeft{}), When: says(back),
		Then: then(mailbox.OwnerReturned{})},
	{Name: "an exemption for having left ends", When: says(back),
		Given: open.and(left, mailbox.ExemptionGranted{Exemption: g1, Departure: true}),
		Then:  then(mailbox.ExemptionRevoked{Exemption: g1, By: mailbox.ByReturn})},
	{Name: "who never left", Given: open, When: says(back)},
	{Name: "an owner has moved", Given: open, When: says(mailbox.OwnerChanged{Facts: moved2}),
		Then: then(mailbox.OwnerChanged{Facts: moved2})},
	{Name: "nobody has", When: says(mailbox.OwnerChanged{Facts: moved2}),
		Err: refused(mailbox.NotOpen)},
	{Name: "an owner dies: it is hidden, and closed", Given: here.and(seenByApp), When: says(died),
		Then: then(unseen, died)},
	{Name: "it is closed once", Given: here.and(died), When: says(died)},
	{Name: "nothing comes in", Given: open.and(died),
		When: mailbox.Receive{Letter: letter(m1, 1), At: noon}, Err: refused(mailbox.RecipientClosed)},
	{Name: "nobody does anything in it", Given: here.and(died),
		When: mailbox.MarkRead{Target: mailbox.Target{Message: m1}}, Err: refused(access.NoAccess)},
	{Name: "a register has made a mistake", Given: here.and(died), When: says(mailbox.Reopened{}),
		Then: then(mailbox.Reopened{})},
	{Name: "about a child", Given: given(awaited, died), When: says(mailbox.Reopened{}),
		Then: then(mailbox.Reopened{Opens: soon})},
	{Name: "about a child that had left", Given: given(awaited, mailbox.OwnerLeft{}, died),
		When: says(mailbox.Reopened{}), Then: then(mailbox.Reopened{})},
	{Name: "nobody dies", When: says(died), Err: refused(mailbox.NotOpen)},
	{Name: "nobody did not die", When: says(mailbox.Reopened{}), Err: refused(mailbox.NotOpen)},
	{Name: "another date of birth, another day", When: mailbox.OpenDue{At: soon},
		Given: given(awaited, mailbox.OwnerChanged{Facts: moved2, Opens: nextYear})},
	{Name: "or not", Given: here, When: says(mailbox.Reopened{})},
	{Name: "after that post comes in", Given: open.and(died, mailbox.Reopened{}),
		When: mailbox.Receive{Letter: letter(m1, 1), At: noon}, Then: then(delivered(m1, 1))},
	{Name: "the dead are not born", Given: open.and(died), When: says(awaited),
		Err: refused(mailbox.RecipientClosed)},
	{Name: "what is destroyed stays so", Given: open.and(mailbox.Shredded{}),
		When: says(mailbox.Reopened{}), Err: refused(mailbox.RecipientClosed)},
	{Name: "one that is closed can be destroyed", Given: open.and(died),
		When: mailbox.Shred{}, Then: then(mailbox.Shredded{})},
	{Name: "an owner has another number", Given: open, When: says(renumbered), Then: then(renumbered)},
	{Name: "the old one counts for a while", Given: open.and(renumbered),
		When: mailbox.EndAlias{At: noon}},
	{Name: "and then not any more", Given: open.and(renumbered), When: mailbox.EndAlias{At: nextYear},
		Then: then(mailbox.AliasEnded{Through: nextYear})},
	{Name: "an alias ends once", Given: open.and(renumbered, mailbox.AliasEnded{Through: nextYear}),
		When: mailbox.EndAlias{At: nextYear}},
}
