// Package platform is the platforms on which people read Digital Post. A platform is a lens over the one mailboxes view: a value that says
// which private post it shows, whom it serves and what can be done there. All show the same public post at the same position, because it is the same.
package platform

import "digitalpost/domain/mailbox"

// A Platform is one of them.
type Platform struct {
	ID        string // as in tokens and records
	Name      string
	Owner     string   // PUBLIC, or the company
	Consent   bool     // shows public post to those alone who have consented
	Private   bool     // shows private post that was sent through it, to its own
	Citizens  bool     // serves citizens' mailboxes
	Companies bool     // serves companies' mailboxes
	Acts      bool     // reads, moves, deletes and writes; else it reads only
	Languages []string // of its interface; messages are never translated
	MinAge    int
}

// All are all platforms, in the order in which they are listed.
var All = []Platform{Lifeindenmark, App, EBoks, MitDK, BorgerDK, VirkDK}

// Of gives the platform of an id.
func Of(id string) (Platform, bool) {
	for _, p := range All {
		if p.ID == id {
			return p, true
		}
	}
	return Platform{}, false
}

// Serves tells whether the platform shows the mailboxes of such owners.
func (p Platform) Serves(o mailbox.OwnerKind) bool {
	return o == mailbox.Citizen && p.Citizens || o == mailbox.Company && p.Companies
}
