package organisation_test

import (
	"digitalpost/domain"
	"digitalpost/domain/organisation"
)

var u1, u2 = domain.UUID{0x51}, domain.UUID{0x52}

// citizens is a subscription of all citizens, of a system's.
func citizens(id domain.UUID, of domain.SystemID) organisation.SubscriptionSet {
	return organisation.SubscriptionSet{
		Subscription: id, System: of, Operations: []string{organisation.AllCitizens}, URL: "https://a.dk",
	}
}

// manySubscriptions are as many subscriptions as a system may have.
func manySubscriptions() (out []organisation.Event) {
	for i := range organisation.MaxSubscriptions {
		out = append(out, citizens(domain.UUID{byte(i)}, sys1))
	}

	return out
}

// put begins a subscription.
func put(e organisation.SubscriptionSet) organisation.PutSubscription {
	return organisation.PutSubscription{Set: e, Create: true}
}

// instead changes one that is there.
func instead(e organisation.SubscriptionSet, version uint32) organisation.PutSubscription {
	return organisation.PutSubscription{Set: e, Version: version}
}

// of makes a subscription one of something else.
func of(e organisation.SubscriptionSet, operations ...string) organisation.SubscriptionSet {
	e.Operations = operations
	return e
}

var subscriptionRules = []scenario{
	{
		Name: "a subscription of citizens", Given: joined, When: put(citizens(u1, sys1)),
		Then: then(citizens(u1, sys1)),
	},
	{
		Name: "it begins once", Given: joined.and(citizens(u1, sys1)), When: put(citizens(u1, sys1)),
		Err: refused(domain.NotFound),
	},
	{
		Name: "it is changed", Given: joined.and(citizens(u1, sys1)),
		When: instead(of(citizens(u1, sys1), organisation.NewCompanies), 1),
		Then: then(of(citizens(u1, sys1), organisation.NewCompanies)),
	},
	{
		Name: "it is changed at a stale version", Given: joined.and(citizens(u1, sys1), citizens(u1, sys1)),
		When: instead(citizens(u1, sys1), 1), Err: stale(2),
	},
	{
		Name: "another system does not change it", Given: joined.and(system2, citizens(u1, sys1)),
		When: instead(citizens(u1, sys2), 0), Order: bySystem(sys2), Err: refused(domain.NotFound),
	},
	{
		Name: "of nothing", Given: joined, When: put(of(citizens(u1, sys1))),
		Err: refused(organisation.SubscriptionNotAllowed),
	},
	{
		Name: "of what there is not", Given: joined,
		When: put(of(citizens(u1, sys1), organisation.AllOrganisations)),
		Err:  refused(organisation.SubscriptionNotAllowed),
	},
	{
		Name: "one more than a system may have", Given: joined.and(manySubscriptions()...),
		When: put(citizens(u1, sys1)),
		Err:  refused(organisation.TooManySubscriptions),
	},
	{
		Name: "it ends", Given: joined.and(citizens(u1, sys1)),
		When: organisation.EndSubscription{Ended: organisation.SubscriptionEnded{Subscription: u1}, System: sys1},
		Then: then(organisation.SubscriptionEnded{Subscription: u1}),
	},
	{
		Name: "it ends at a stale version", Given: joined.and(citizens(u1, sys1)),
		When: organisation.EndSubscription{
			Ended: organisation.SubscriptionEnded{Subscription: u1}, System: sys1, Version: 3,
		},
		Err: stale(1),
	},
	{
		Name: "what is not there does not end", Given: joined,
		When: organisation.EndSubscription{Ended: organisation.SubscriptionEnded{Subscription: u2}, System: sys1},
		Err:  refused(domain.NotFound),
	},
}
