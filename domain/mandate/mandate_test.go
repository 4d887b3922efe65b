package mandate_test

import (
	"strings"
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/mandate"
)

type scenario = domaintest.Scenario[mandate.Open, mandate.Open, mandate.Event]

var (
	own    = domain.OrganisationID{3}
	opened = mandate.Opened{
		Office: access.Auditor, Purpose: domain.Sealed{1}, CaseNumber: domain.Sealed{2}, Authority: own,
	}
)

func opening(purpose, caseNumber string) mandate.Open {
	return mandate.Open{Opened: opened, Purpose: purpose, CaseNumber: caseNumber}
}

var rules = []scenario{
	{Name: "a mandate is opened", When: opening("An audit", "2026-1"), Then: []mandate.Event{opened}},
	{Name: "it is opened once", Given: []mandate.Event{opened}, When: opening("An audit", "2026-1")},
	{Name: "without a purpose", When: opening("", "2026-1"), Err: &domain.Rejection{Reason: mandate.NotAllowed}},
	{Name: "of nothing but blanks", When: opening(" ", " "), Err: &domain.Rejection{Reason: mandate.NotAllowed}},
	{Name: "without a case", When: opening("An audit", ""), Err: &domain.Rejection{Reason: mandate.NotAllowed}},
	{
		Name: "with a purpose that is too long", When: opening(strings.Repeat("x", mandate.MaxPurpose+1), "2026-1"),
		Err: &domain.Rejection{Reason: mandate.NotAllowed},
	},
	{
		Name: "by an owner", When: mandate.Open{
			Opened: mandate.Opened{Office: access.Owner}, Purpose: "An audit", CaseNumber: "1",
		},
		Err: &domain.Rejection{Reason: mandate.NotAllowed},
	},
}

func TestRules(t *testing.T) {
	domaintest.Run(t, mandate.Decider, mandate.Codec, func(c mandate.Open) mandate.Open { return c }, rules)
}

// A mandate covers who has opened it, for 30 days.
func TestCovers(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	anna, bent := [16]byte{1}, [16]byte{2}
	s := mandate.Decider.Evolve(mandate.State{}, opened, domain.Moment{Recorded: noon, Actor: anna})

	in := func(office access.Right, authority domain.OrganisationID) access.Principal {
		return access.Principal{Authority: authority, Privileges: []access.Privilege{{Right: office}}}
	}
	officer := in(opened.Office, own)
	console := mandate.Opened{Office: access.Operator}
	atConsole := mandate.Decider.Evolve(mandate.State{}, console, domain.Moment{Recorded: noon})

	for _, x := range []struct {
		what  string
		state mandate.State
		who   [16]byte
		by    access.Principal
		after time.Duration
		ok    bool
	}{
		{"who has opened it", s, anna, officer, 0, true},
		{"the last moment", s, anna, officer, mandate.LastsFor - 1, true},
		{"a moment later", s, anna, officer, mandate.LastsFor, false},
		{"another", s, bent, officer, 0, false},
		{"for another authority", s, anna, in(opened.Office, domain.OrganisationID{9}), 0, false},
		{"in another office", s, anna, in(access.Operator, own), 0, false},
		{"in no office any more", s, anna, access.Principal{Authority: own}, 0, false},
		{"whoever is at the console", atConsole, [16]byte{}, access.Principal{}, 0, true},
		{"one that never was", mandate.State{}, [16]byte{}, access.Principal{}, 0, false},
	} {
		err := x.state.Covers(x.who, x.by, noon.Add(x.after))
		if reason, _ := domain.Refused(err); (err == nil) != x.ok || err != nil && reason != mandate.NotInForce {
			t.Errorf("%s: %v, want ok %v", x.what, err, x.ok)
		}
	}
}
