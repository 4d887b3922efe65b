package organisation_test

import (
	"strings"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/organisation"
)

var (
	lawful  = organisation.Rights{AuthorityType: "STATE", LegalBasis: "a law", MandatoryAllowed: true}
	company = organisation.Registered{Kind: organisation.Company}
)

// joining registers a company's system.
func joining(r organisation.Registered, s organisation.SystemRegistered, names ...string) organisation.RegisterSystem {
	return organisation.RegisterSystem{Organisation: r, System: s, Names: names}
}

// withRights is an authority with other rights.
func withRights(r organisation.Rights) organisation.Registered {
	return organisation.Registered{Kind: organisation.Authority, Rights: r}
}

var (
	byContract = organisation.SystemRegistered{System: sys1, KeyHash: []byte{1}, ConsentBasis: "CONTRACT"}
	byWhim     = organisation.SystemRegistered{System: sys1, KeyHash: []byte{1}, ConsentBasis: "WHIM"}
)

var rightsRules = []scenario{
	{
		Name: "a change of the legal basis is recorded", Given: joined,
		When: organisation.ChangeRights{Rights: lawful}, Then: then(organisation.RightsChanged{Rights: lawful}),
	},
	{
		Name: "what is so already is not", Given: joined.and(organisation.RightsChanged{Rights: lawful}),
		When: organisation.ChangeRights{Rights: lawful},
	},
	{
		Name: "rights of nobody", When: organisation.ChangeRights{Rights: lawful},
		Err: refused(organisation.NotRegistered),
	},
	{
		Name: "an authority of no type", Given: joined, When: organisation.ChangeRights{},
		Err: refused(organisation.RightsNotAllowed),
	},
	{
		Name: "a legal basis that is too long", Given: joined,
		When: organisation.ChangeRights{Rights: organisation.Rights{
			AuthorityType: "STATE", LegalBasis: strings.Repeat("x", organisation.MaxLegalBasis+1),
		}},
		Err: refused(organisation.RightsNotAllowed),
	},
	{
		Name: "a system gives itself no rights", Given: joined, When: organisation.ChangeRights{Rights: lawful},
		Order: bySystem(sys1), Err: refused(organisation.NotYours),
	},
	{
		Name: "an authority joins with its rights",
		When: joining(withRights(lawful), system1, "A", "B"), Then: then(withRights(lawful), system1),
	},
	{
		Name: "an authority of an unknown type",
		When: joining(withRights(organisation.Rights{AuthorityType: "CLUB"}), system1),
		Err:  refused(organisation.RightsNotAllowed),
	},
	{
		Name: "a company has no rights of authorities",
		When: joining(organisation.Registered{Kind: organisation.Company, Rights: lawful}, system1),
		Err:  refused(organisation.RightsNotAllowed),
	},
	{
		Name: "a company's system writes to customers",
		When: joining(company, byContract), Then: then(company, byContract),
	},
	{
		Name: "a basis of consent that there is not", When: joining(company, byWhim),
		Err: refused(organisation.BasisNotAllowed),
	},
	{
		Name: "an authority needs no consent", When: joining(registered, byContract),
		Err: refused(organisation.BasisNotAllowed),
	},
	{
		Name: "a name with a character that is not seen", When: joining(registered, system1, "A", "B\u202e"),
		Err: refused(organisation.NameNotAllowed),
	},
	{
		Name: "no name", When: joining(registered, system1, "A", ""),
		Err: refused(organisation.NameNotAllowed),
	},
	{
		Name: "a company's system that is registered again claims nothing", Given: given(company, byContract),
		When: joining(company, organisation.SystemRegistered{System: sys1, KeyHash: []byte{1}}),
		Then: then(organisation.SystemBasisSet{System: sys1}),
	},
	{
		Name: "an authority is no company", Given: joined, When: joining(company, system2),
		Err: refused(organisation.RightsNotAllowed),
	},
	{
		Name: "a registration is withdrawn", Given: joined,
		When: organisation.Withdraw{Withdrawn: organisation.SystemWithdrawn{System: sys1}},
		Then: then(organisation.SystemWithdrawn{System: sys1}),
	},
	{
		Name: "a system is told of receipts", Given: joined,
		When:  organisation.SetEndpoint{Set: organisation.SystemEndpointSet{System: sys1, Endpoint: "https://a.dk"}},
		Order: bySystem(sys1), Then: then(organisation.SystemEndpointSet{System: sys1, Endpoint: "https://a.dk"}),
	},
	{
		Name: "it is told nowhere already", Given: joined,
		When:  organisation.SetEndpoint{Set: organisation.SystemEndpointSet{System: sys1}},
		Order: bySystem(sys1),
	},
	{
		Name: "one that takes nothing in is brought nothing", Given: joined,
		When:  organisation.SetEndpoint{Set: organisation.SystemEndpointSet{System: sys1, Memos: true}},
		Order: bySystem(sys1), Err: refused(domain.NotFound),
	},
	{
		Name: "a recipient system is brought what people write", Given: joined.and(receives),
		When:  organisation.SetEndpoint{Set: bringing},
		Order: bySystem(sys1), Then: then(bringing),
	},
	{
		Name: "it took nothing for days", Given: joined.and(receives, bringing),
		When:  organisation.StopEndpoint{Stopped: stoppedBringing},
		Order: by(access.Backbone), Then: then(stoppedBringing),
	},
	{
		Name: "it is stopped once", Given: joined.and(receives, bringing, stoppedBringing),
		When:  organisation.StopEndpoint{Stopped: stoppedBringing},
		Order: by(access.Backbone),
	},
	{
		Name: "it is brought again at the same address", Given: joined.and(receives, bringing, stoppedBringing),
		When:  organisation.SetEndpoint{Set: bringing},
		Order: bySystem(sys1), Then: then(bringing),
	},
	{
		Name: "it is withdrawn once", Given: joined.and(organisation.SystemWithdrawn{System: sys1}),
		When: organisation.Withdraw{Withdrawn: organisation.SystemWithdrawn{System: sys1}},
	},
	{
		Name: "of a system that is not there", Given: joined,
		When: organisation.Withdraw{Withdrawn: organisation.SystemWithdrawn{System: strange}},
		Err:  refused(organisation.NoSuchSystem),
	},
	{
		Name: "a system that was withdrawn does nothing", Given: joined.and(organisation.SystemWithdrawn{System: sys1}),
		When:  organisation.RegisterRecipient{Registered: receives},
		Order: bySystem(sys1), Err: refused(organisation.NotYours),
	},
	{
		Name: "it may be registered again", Given: joined.and(organisation.SystemWithdrawn{System: sys1}),
		When: registering(system1), Order: by(access.Register), Then: then(system1),
	},
}
