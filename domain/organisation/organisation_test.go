package organisation_test

import (
	"maps"
	"slices"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/organisation"
)

// A scenario is a row of a rule book of this package.
type scenario = domaintest.Scenario[organisation.Command, organisation.Order, organisation.Event]

// A history is what has happened to an organisation.
type history []organisation.Event

func given(es ...organisation.Event) history { return es }

// and gives a longer history, and leaves h as it is.
func (h history) and(es ...organisation.Event) history { return append(h[:len(h):len(h)], es...) }

// then is what a command leads to.
func then(es ...organisation.Event) []organisation.Event { return es }

var (
	refused = domaintest.Refused
	stale   = domaintest.Stale

	sys1, sys2 = domain.SystemID{1}, domain.SystemID{2}
	strange    = domain.SystemID{9} // another organisation's

	registered = organisation.Registered{
		Kind: organisation.Authority, Rights: organisation.Rights{AuthorityType: "STATE"},
	}
	system1  = organisation.SystemRegistered{System: sys1, KeyHash: []byte{1}}
	system2  = organisation.SystemRegistered{System: sys2, KeyHash: []byte{2}}
	receives = organisation.RecipientSystemRegistered{System: sys1, MemoVersion: 12, Default: true}

	bringing        = organisation.SystemEndpointSet{System: sys1, Endpoint: "https://a.dk", Memos: true}
	stoppedBringing = organisation.SystemEndpointStopped{System: sys1, Memos: true}
	joined          = given(registered, system1)
)

// order has the organisation's own system change its contact structure, and whoever runs the server all else.
func order(c organisation.Command) organisation.Order {
	switch c.(type) {
	case organisation.RegisterSystem, organisation.Delegate, organisation.RegisterRecipient,
		organisation.Withdraw, organisation.ChangeRights:
		return by(access.Operations)(c)
	case organisation.BeginContacts:
		return by(access.Register)(c)
	}

	return bySystem(sys1)(c)
}

// by has a machine give a command.
func by(m access.Machine) func(organisation.Command) organisation.Order {
	return func(c organisation.Command) organisation.Order { return organisation.Order{Command: c, By: m} }
}

// bySystem has a system give it.
func bySystem(id domain.SystemID) func(organisation.Command) organisation.Order {
	return func(c organisation.Command) organisation.Order {
		return organisation.Order{Command: c, By: access.System, System: id}
	}
}

// books are the rule books of this package, by subject.
var books = map[string][]scenario{
	"organisation":  organisationRules,
	"rights":        rightsRules,
	"groups":        groupRules,
	"points":        pointRules,
	"structure":     structureRules,
	"subscriptions": subscriptionRules,
}

func TestRules(t *testing.T) {
	for name, rows := range books {
		t.Run(name, func(t *testing.T) {
			domaintest.Run(t, organisation.Decider, organisation.Codec, order, rows)
		})
	}
}

func TestEachReasonHasARow(t *testing.T) {
	var expected []domain.Reason
	for _, rows := range books {
		for _, row := range rows {
			if row.Err != nil {
				expected = append(expected, row.Err.Reason)
			}
		}
	}

	for _, row := range routingJudgements {
		expected = append(expected, row.Want)
	}

	domaintest.Reasons(t, organisation.Reasons, expected, nil)
}

// Every type of command has a row in which it is accepted.
func TestEachCommandHasARow(t *testing.T) {
	domaintest.Accepted(t, slices.Concat(slices.Collect(maps.Values(books))...))
}

// registering registers a system of an authority.
func registering(s organisation.SystemRegistered) organisation.RegisterSystem {
	return organisation.RegisterSystem{Organisation: registered, System: s}
}

var organisationRules = []scenario{
	{
		Name: "the first system registers its organisation",
		When: registering(system1),
		Then: then(registered, system1),
	},
	{
		Name:  "made-up ones are registered by their register",
		When:  registering(system1),
		Order: by(access.Register),
		Then:  then(registered, system1),
	},
	{Name: "the second system is one more", Given: joined, When: registering(system2), Then: then(system2)},
	{Name: "a system that is there as it is", Given: joined, When: registering(system1)},
	{
		Name:  "a system that is there gets another key",
		Given: joined,
		When:  registering(organisation.SystemRegistered{System: sys1, KeyHash: []byte{7}}),
		Then:  then(organisation.SystemKeySet{System: sys1, KeyHash: []byte{7}}),
	},
	{
		Name:  "the key before is another key again",
		Given: joined.and(organisation.SystemKeySet{System: sys1, KeyHash: []byte{7}}),
		When:  registering(system1),
		Then:  then(organisation.SystemKeySet{System: sys1, KeyHash: []byte{1}}),
	},
	{
		Name:  "the key that was set is there as it is",
		Given: joined.and(organisation.SystemKeySet{System: sys1, KeyHash: []byte{7}}),
		When:  registering(organisation.SystemRegistered{System: sys1, KeyHash: []byte{7}}),
	},
	{
		Name:  "a system registers none",
		Given: joined,
		When:  registering(system2),
		Order: bySystem(sys1),
		Err:   refused(organisation.NotYours),
	},
	{
		Name:  "the clock registers none",
		When:  registering(system1),
		Order: by(access.Clock),
		Err:   refused(organisation.NotYours),
	},
	{
		Name:  "nobody registers none",
		When:  registering(system1),
		Order: by(""),
		Err:   refused(organisation.NotYours),
	},
	{
		Name:  "a system may come with its supplier's certificates",
		Given: joined,
		When:  organisation.Delegate{Delegated: organisation.SystemDelegated{System: sys1}},
		Then:  then(organisation.SystemDelegated{System: sys1}),
	},
	{
		Name:  "a system that is not there may not",
		Given: joined,
		When:  organisation.Delegate{Delegated: organisation.SystemDelegated{System: strange}},
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "a system does not say so itself",
		Given: joined,
		When:  organisation.Delegate{Delegated: organisation.SystemDelegated{System: sys1}},
		Order: bySystem(sys1),
		Err:   refused(organisation.NotYours),
	},
	{
		Name:  "how many numbers a system met that nobody has is recorded",
		Given: joined,
		When:  organisation.NoteUnknown{Met: organisation.UnknownMet{System: sys1, Count: 1000}},
		Order: by(access.Backbone),
		Then:  then(organisation.UnknownMet{System: sys1, Count: 1000}),
	},
	{
		Name:  "not of a system that is not there",
		Given: joined,
		When:  organisation.NoteUnknown{Met: organisation.UnknownMet{System: strange}},
		Order: by(access.Backbone),
		Err:   refused(organisation.NoSuchSystem),
	},
	{
		Name:  "a system does not count itself",
		Given: joined,
		When:  organisation.NoteUnknown{Met: organisation.UnknownMet{System: sys1}},
		Order: bySystem(sys1),
		Err:   refused(organisation.NotYours),
	},
	{
		Name:  "a system takes in what people write",
		Given: joined,
		When:  organisation.RegisterRecipient{Registered: receives},
		Then:  then(receives),
	},
	{
		Name:  "a system says so itself",
		Given: joined,
		When:  organisation.RegisterRecipient{Registered: receives},
		Order: bySystem(sys1),
		Then:  then(receives),
	},
	{
		Name:  "another organisation's system does not",
		Given: joined,
		When:  organisation.RegisterRecipient{Registered: receives},
		Order: bySystem(strange),
		Err:   refused(organisation.NotYours),
	},
	{
		Name:  "a system that is not there takes nothing in",
		Given: joined,
		When: organisation.RegisterRecipient{
			Registered: organisation.RecipientSystemRegistered{System: strange},
		},
		Err: refused(domain.NotFound),
	},
}

// Each command is for its machines alone, and for a system that is the organisation's own.
func TestMachines(t *testing.T) {
	machines := []access.Machine{
		"", access.Clock, access.System, access.Register, access.Operations, access.Backbone, access.Forwarder,
		"nobody",
	}

	registrars := []access.Machine{access.Operations, access.Register}
	systems := []access.Machine{access.System, access.Register}

	for name, rows := range books {
		for _, row := range rows {
			may := systems
			switch row.When.(type) {
			case organisation.RegisterSystem, organisation.Delegate, organisation.Withdraw, organisation.ChangeRights:
				may = registrars
			case organisation.BeginContacts:
				may = []access.Machine{access.Register}
			case organisation.NoteUnknown, organisation.StopEndpoint:
				may = []access.Machine{access.Backbone}
			case organisation.SetEndpoint, organisation.PutSubscription, organisation.EndSubscription:
				may = []access.Machine{access.System}
			case organisation.RegisterRecipient:
				may = append(systems, access.Operations)
			}

			for _, m := range machines {
				o := organisation.Order{Command: row.When, By: m, System: sys1}
				want := slices.Contains(may, m)
				own, there := domaintest.State(organisation.Decider, row).Systems[sys1]
				if m == access.System && (!there || own.Withdrawn) {
					want = false
				}

				_, err := organisation.Decider.Decide(domaintest.State(organisation.Decider, row), o)
				if r, _ := domain.Refused(err); (r != organisation.NotYours) != want {
					t.Errorf("%s/%s by %q: error = %v, want it allowed: %v", name, row.Name, m, err, want)
				}
			}
		}
	}
}
