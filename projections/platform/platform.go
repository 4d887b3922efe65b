// Package platform is the table of the platforms on which people read Digital Post. A platform is a lens over the one
// mailboxes view: a value that says which private post it shows, whom it serves and what can be done there. All show
// the same public post at the same position, because it is the same.
package platform

import (
	"slices"

	"digitalpost/domain/mailbox"
)

// A Platform is one of them.
type Platform struct {
	ID        string // as in tokens and records
	Name      string
	Owner     string   // PUBLIC, or the company
	Consent   bool     // shows public post to those alone who have consented
	Private   bool     // shows private post that was sent through it, to its own
	Citizens  bool     // serves citizens' mailboxes
	Companies bool     // serves companies' mailboxes
	Languages []string // of its interface, the usual one first; messages are never translated
	MinAge    int      // of its users, as the platform asks; public post is from 15 on all of them

	AppFollowsDevice bool // its app is in the telephone's language: nothing is stored for it
}

// All is the table, in the order in which platforms are listed.
var All = []Platform{
	{
		ID: "lifeindenmark", Name: "lifeindenmark.dk", Owner: "PUBLIC", // the state's, in English and Danish
		Citizens: true, Companies: true, Languages: []string{"en", "da"}, MinAge: 15,
	},
	{
		ID: "app", Name: "Digital Post app", Owner: "PUBLIC",
		Citizens: true, Companies: true, Languages: []string{"da", "en"}, MinAge: 15,
	},
	{
		ID: "eboks", Name: "e-Boks", Owner: "e-Boks A/S", Private: true, Consent: true,
		Citizens: true, Companies: true, Languages: []string{"da", "en"}, MinAge: 15, AppFollowsDevice: true,
	},
	{
		ID: "mitdk", Name: "mit.dk", Owner: "Netcompany", Private: true,
		Citizens: true, Companies: true, Languages: []string{"da", "en"}, MinAge: 13,
	},
	{
		ID: "borgerdk", Name: "borger.dk", Owner: "PUBLIC",
		Citizens: true, Languages: []string{"da"}, MinAge: 15,
	},
	{
		ID: "virkdk", Name: "virk.dk", Owner: "PUBLIC",
		Companies: true, Languages: []string{"da"},
	},
}

// Of gives the platform of an id.
func Of(id string) (Platform, bool) {
	for _, p := range All {
		if p.ID == id {
			return p, true
		}
	}

	return Platform{}, false
}

// Speaks reports whether the platform's interface has a language.
func (p Platform) Speaks(language string) bool { return slices.Contains(p.Languages, language) }

// Serves reports whether the platform shows the mailboxes of such owners.
func (p Platform) Serves(o mailbox.OwnerKind) bool {
	return o == mailbox.Citizen && p.Citizens || o == mailbox.Company && p.Companies
}
