package development

import (
	"context"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/organisation"
)

// madeUpContacts are the contact structures of the made-up authorities, by CVR number.
var madeUpContacts = map[string]struct {
	version int // of MeMo that the authority's recipient system takes in
	groups  []string
	points  []madeUpPoint
}{
	"20000001": {version: memo.V12, groups: []string{"Familie", "Bolig og byggeri"}, points: []madeUpPoint{{
		name:        "Borgerservice",
		description: "Alt det, som ikke hører til andre steder",
		targets:     []string{organisation.ForCitizens, organisation.ForCompanies},
		bytes:       99_500_000,
		attachments: 10,
		terms:       []string{"pas", "kørekort", "flytning"},
	}, {
		name:        "Dagtilbud",
		description: "Vuggestue, børnehave og dagpleje",
		group:       "Familie",
		targets:     []string{organisation.ForCitizens},
		bytes:       50_000_000,
		attachments: 10,
		terms:       []string{"vuggestue", "børnehave"},
	}, {
		name:        "Byggesager",
		description: "Ansøgninger om at bygge",
		group:       "Bolig og byggeri",
		targets:     []string{organisation.ForCitizens, organisation.ForCompanies},
		bytes:       10_000_000,
		attachments: 2,
		terms:       []string{"byggetilladelse"},
	}, {
		name:        "Andre myndigheder",
		description: "For myndigheder alene",
		targets:     []string{organisation.ForAuthorities},
		bytes:       99_500_000,
		attachments: 10,
	}}},
	"20000002": {version: memo.V11, points: []madeUpPoint{{
		name:        "Patientkontoret",
		description: "Spørgsmål om behandling og indkaldelser",
		targets:     []string{organisation.ForCitizens},
		bytes:       99_500_000,
		attachments: 10,
		terms:       []string{"indkaldelse", "hospital"},
	}}},
	"20000005": {version: memo.V12, points: []madeUpPoint{{
		name:        "SU",
		description: "Statens Uddannelsesstøtte",
		targets:     []string{organisation.ForCitizens},
		bytes:       20_000_000,
		attachments: 5,
		terms:       []string{"studielån"},
	}}},
}

type madeUpPoint struct {
	name, description string
	group             string // empty: in none
	targets           []string
	bytes             int64
	attachments       int
	terms             []string
}

// seedContacts makes an authority's contact structure, if it has none.
func seedContacts(ctx context.Context, b *backbone.Backbone, cvr string, system domain.SystemID) error {
	made, ok := madeUpContacts[cvr]
	if !ok {
		return nil
	}
	sys, err := b.Organisations.System(system)
	if err != nil {
		return err
	}
	if sys.Receives == 0 {
		err := b.Organisations.RegisterRecipient(ctx, organisations.Registrar, cvr, system, made.version, true)
		if err != nil {
			return err
		}
	}

	id := func(what, name string) domain.UUID { return domain.DeriveID(what, []byte(cvr), []byte(name)) }
	var structure organisation.BeginContacts
	for _, g := range made.groups {
		structure.Groups = append(structure.Groups, organisation.ContactGroup{Group: id("contact group", g), Name: g})
	}

	for _, p := range made.points {
		point := organisation.ContactPoint{
			Point: id("contact point", p.name), Name: p.name, Description: p.description, Targets: p.targets,
			MaxBytes: p.bytes, Attachments: p.attachments, Active: true, Visible: true, SearchTerms: p.terms,
		}
		if p.group != "" {
			point.Groups = []domain.UUID{id("contact group", p.group)}
		}
		structure.Points = append(structure.Points, point)
	}

	return b.Organisations.Begin(ctx, cvr, structure)
}
