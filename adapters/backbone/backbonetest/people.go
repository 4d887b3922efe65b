package backbonetest

import (
	"context"

	backboneaccess "digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
)

// Numbers of made-up people and companies, which nobody real has.
const (
	Mette = "6701901234"
	Søren = "7203852345"
	Åse   = "8112553456"

	Bakery = "10000001"

	Municipality = "20000001"
	Insurer      = "20000003"
)

// App is the platform that shows public post without asking for consent; EBoks asks, and shows private post.
const (
	App   = "app"
	EBoks = "eboks"
)

// Citizen opens the mailbox of a person with a CPR number, and gives it. One who was registered before has theirs.
func (b *Backbone) Citizen(number string) domain.MailboxID {
	b.tb.Helper()

	cpr, err := domain.ParseCPR(number)
	b.must(err)
	who := people.Person{Kind: mailbox.Citizen, Number: number, Name: "Person " + number, Municipality: "0101"}
	who.BirthDate, _ = cpr.BirthDate()

	return b.register(who)
}

// Company opens the mailbox of a company with a CVR number, and gives it.
func (b *Backbone) Company(number string) domain.MailboxID {
	b.tb.Helper()
	return b.register(people.Person{Kind: mailbox.Company, Number: number, Name: "Company " + number})
}

func (b *Backbone) register(who people.Person) domain.MailboxID {
	b.tb.Helper()

	id, _, err := b.People.Register(context.Background(), who)
	b.must(err)

	return id
}

// Authority registers an authority with a sender system, which takes in what people write to the authority's one
// contact point: see Point. It gives the system.
func (b *Backbone) Authority(cvr string) organisations.System {
	b.tb.Helper()

	sys := b.System(organisations.Organisation{
		Kind: organisation.Authority, CVR: cvr, Name: "Authority " + cvr,
		Rights: organisation.Rights{AuthorityType: "MUNICIPALITY", MandatoryAllowed: true, LegalAllowed: true},
	}, "")

	err := b.Organisations.RegisterRecipient(
		context.Background(), organisations.Registrar, cvr, sys.ID, memo.V12, true)
	b.must(err)

	b.must(b.Organisations.Begin(context.Background(), cvr, organisation.BeginContacts{
		Points: []organisation.ContactPoint{{
			Point: Point(cvr), Name: "Point", Active: true, Visible: true, MaxBytes: memo.MaxLength, Attachments: 10,
			Targets: []string{organisation.ForCitizens, organisation.ForCompanies},
		}},
	}))
	sys, err = b.Organisations.System(sys.ID)
	b.must(err)

	return sys
}

// Point gives the contact point of an authority that Authority has registered.
func Point(cvr string) domain.UUID { return domain.DeriveID("point", []byte(cvr)) }

// Sender registers a company with a system that sends private post through a platform, and gives the system.
func (b *Backbone) Sender(cvr, platform string) organisations.System {
	b.tb.Helper()

	return b.System(organisations.Organisation{
		Kind: organisation.Company, CVR: cvr, Name: "Company " + cvr,
	}, platform)
}

// System registers an organisation with a sender system, and gives the system.
func (b *Backbone) System(org organisations.Organisation, platform string) organisations.System {
	b.tb.Helper()

	const name = "System"
	r := organisations.Registration{
		Organisation: org, Name: name, Platform: platform, KeyHash: []byte("key " + org.CVR),
	}
	if org.Kind == organisation.Company {
		r.ConsentBasis = organisation.ConsentBases[0]
	}
	b.must(b.Organisations.RegisterSystem(context.Background(), organisations.Registrar, r))

	id, err := b.Organisations.SystemID(org.CVR, name)
	b.must(err)
	sys, err := b.Organisations.System(id)
	b.must(err)

	return sys
}

// Owner is a mailbox's owner, who asks through a platform.
func Owner(box domain.MailboxID, platform string) core.Ask {
	return core.Ask{Principal: access.Principal{Identity: box, Platform: platform}, Mailbox: box}
}

// Delegate is the owner of one mailbox, who asks for another.
func Delegate(who, box domain.MailboxID, platform string) core.Ask {
	ask := Owner(who, platform)
	ask.Mailbox = box

	return ask
}

// Official is a professional with a privilege for all mailboxes (access.Officer, BusinessOfficer, Operator, Auditor),
// who asks for one of them.
func Official(person domain.UUID, right access.Right, box domain.MailboxID, platform string) core.Ask {
	return core.Ask{Mailbox: box, Principal: access.Principal{
		Person: person, Platform: platform, Professional: true, Privileges: []access.Privilege{{Right: right}},
	}}
}

// User is a professional who acts for a company by a privilege, in the company's own mailbox.
func User(person domain.UUID, right access.Right, box domain.MailboxID, platform string) core.Ask {
	return core.Ask{Mailbox: box, Principal: access.Principal{
		Identity: box, Person: person, Platform: platform, Professional: true,
		Privileges: []access.Privilege{{Right: right, Mailbox: box}},
	}}
}

// Grant gives the owner of one mailbox access to another, by its owner, without an end.
func (b *Backbone) Grant(box, to domain.MailboxID, right access.Right) domain.GrantID {
	b.tb.Helper()

	wish := backboneaccess.Wish{Grantee: to, Right: right}
	given, _, err := b.Access.Grant(context.Background(), Owner(box, App), wish)
	b.must(err)

	return given.ID
}
