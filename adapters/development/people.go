package development

import (
	"context"
	"slices"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/identity"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/projections/platform"
)

// madeUp are the people, companies and sender systems that a development server has from the start. Nobody real has
// such numbers: 60 is added to the day of a CPR number, and the CVR numbers fail their check digit.
var madeUp = struct {
	people, companies []people.Person
	systems           []madeUpSystem
}{
	people: []people.Person{
		{Number: "6701901234", Name: "Mette Made-Up Hansen", Municipality: "0101"},
		{Number: "7203852345", Name: "Søren Påfund Jensen", Municipality: "0751"},
		{Number: "8112553456", Name: "Åse Opdigtet Møller", Municipality: "0851"},
		{Number: "6506024567", Name: "Ali Testesen", Municipality: "0461"},
		{Number: "9105785678", Name: "Kirsten Eksempel", Municipality: "0400"},
	},
	companies: []people.Person{
		{Number: "10000001", Name: "Påfundets Bageri ApS"},
		{Number: "10000002", Name: "Foreningen Opdigtet"},
	},
	systems: []madeUpSystem{{
		name: "Kommunens fagsystem",
		org: organisations.Organisation{Kind: organisation.Authority, CVR: "20000001", Name: "Eksempel Kommune",
			Rights: organisation.Rights{
				AuthorityType: "MUNICIPALITY", MandatoryAllowed: true, LegalAllowed: true,
			}},
	}, {
		name: "Regionens patientsystem",
		org: organisations.Organisation{Kind: organisation.Authority, CVR: "20000002", Name: "Region Påfund",
			Rights: organisation.Rights{AuthorityType: "REGION"}},
	}, {
		name:     "Forsikringens post til e-Boks",
		platform: "eboks",
		basis:    "CONTRACT",
		org: organisations.Organisation{
			Kind: organisation.Company, CVR: "20000003", Name: "Opdigtet Forsikring A/S",
		},
	}, {
		name:     "Bankens post til mit.dk",
		platform: "mitdk",
		basis:    "CONTRACT",
		org:      organisations.Organisation{Kind: organisation.Company, CVR: "20000004", Name: "Påfund Bank A/S"},
	}, {
		name: "Styrelsens udbetalinger",
		org: organisations.Organisation{Kind: organisation.Authority, CVR: "20000005",
			Name:   "Opdigtet Uddannelsesstyrelse",
			Rights: organisation.Rights{AuthorityType: "STATE", LegalBasis: "SU-loven (opdigtet)"}},
	}, {
		name:     "Butikkens post til e-Boks",
		platform: "eboks",
		org: organisations.Organisation{
			Kind: organisation.Company, CVR: "20000006", Name: "Påfund Butik ApS",
		},
	}},
}

type madeUpSystem struct {
	name     string
	platform string // of a company's system: the one that shows what it sends
	basis    string // of a company's: of consent; empty: it says so with each letter
	org      organisations.Organisation
}

// Seed makes development's people, companies, sender systems and contact structures, if they are not there. What an
// earlier start made is left as it is, so that it may run at each start.
func Seed(ctx context.Context, b *backbone.Backbone, i *Issuer) error {
	for _, p := range madeUp.people {
		cpr, err := domain.ParseCPR(p.Number)
		if err != nil {
			return err
		}
		p.Kind = mailbox.Citizen
		p.BirthDate, _ = cpr.BirthDate()
		if err := registerWith(ctx, b, p, nil); err != nil {
			return err
		}
	}

	for _, c := range madeUp.companies {
		c.Kind = mailbox.Company
		if err := registerWith(ctx, b, c, nil); err != nil {
			return err
		}
	}

	for _, s := range madeUp.systems {
		id, err := b.Organisations.SystemID(s.org.CVR, s.name)
		if err != nil {
			return err
		}
		err = b.Organisations.RegisterSystem(ctx, organisations.Registrar, organisations.Registration{
			Organisation: s.org, Name: s.name, Platform: s.platform, ConsentBasis: s.basis,
			KeyHash: identity.HashKey(i.SystemKey(id)),
		})
		if err != nil {
			return err
		}
		if err := seedContacts(ctx, b, s.org.CVR, id); err != nil {
			return err
		}
	}
	return nil
}

// registerWith registers a person or company that consents to what the platforms named show; nil: to all that need it.
// With platforms named, one who was registered before is left as they are.
func registerWith(ctx context.Context, b *backbone.Backbone, p people.Person, consents *[]string) error {
	id, created, err := b.People.Register(ctx, p)
	if core.IsReason(err, mailbox.RecipientClosed) && consents == nil {
		return nil // made up at an earlier start, and shredded since
	}
	if err != nil || !created && consents != nil {
		return err
	}

	for _, x := range platform.All {
		if x.Consent && (consents == nil || slices.Contains(*consents, x.ID)) {
			if err := b.Consents.GiveAtRegistration(ctx, id, x.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
