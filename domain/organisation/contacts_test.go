package organisation_test

import (
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/organisation"
)

var (
	a, b, c = domain.UUID{'a'}, domain.UUID{'b'}, domain.UUID{'c'}
	p1, p2  = domain.UUID{1}, domain.UUID{2}
	nowhere = domain.UUID{99}
)

// group is a group under a parent.
func group(id, parent domain.UUID) organisation.ContactGroup {
	return organisation.ContactGroup{Group: id, Name: "Skat", Parent: parent}
}

// grouped is a group that was created.
func grouped(id, parent domain.UUID) organisation.Event {
	return organisation.ContactGroupCreated{Group: group(id, parent)}
}

// visible is a point that people can find, in groups.
func visible(id domain.UUID, groups ...domain.UUID) organisation.ContactPoint {
	return organisation.ContactPoint{
		Point: id, Name: "Skat", Groups: groups, Targets: []string{organisation.ForCitizens},
		Active: true, Visible: true,
	}
}

// hidden is a point that nobody finds.
func hidden(id domain.UUID) organisation.ContactPoint {
	return organisation.ContactPoint{Point: id, Name: "Skat", Active: true}
}

// atSystem is a point whose post a system takes in.
func atSystem(id domain.UUID, system domain.SystemID) organisation.ContactPoint {
	p := visible(id)
	p.System = system

	return p
}

// pointed is a point that was created.
func pointed(p organisation.ContactPoint) organisation.Event {
	return organisation.ContactPointCreated{Point: p}
}

// chain is groups that lie within one another, one more with each.
func chain(n int) history {
	h := joined
	for i := range n {
		parent := domain.UUID{}
		if i > 0 {
			parent = domain.UUID{200, byte(i - 1)}
		}
		h = h.and(grouped(domain.UUID{200, byte(i)}, parent))
	}

	return h
}

// deepest is the innermost group of a chain.
func deepest(n int) domain.UUID { return domain.UUID{200, byte(n - 1)} }

// many is as many groups, or points, as an organisation may have.
func many(one func(domain.UUID) organisation.Event) history {
	h := joined
	for i := range organisation.MaxContacts {
		h = append(h, one(domain.UUID{100, byte(i), byte(i >> 8)}))
	}

	return h
}

var (
	ab       = joined.and(grouped(a, domain.UUID{}), grouped(b, a))
	pointInA = joined.and(grouped(a, domain.UUID{}), pointed(visible(p1, a)))
)

var groupRules = []scenario{
	{
		Name:  "a group",
		Given: joined,
		When:  organisation.PutGroup{Group: group(a, domain.UUID{}), Create: true},
		Then:  then(grouped(a, domain.UUID{})),
	},
	{
		Name:  "a made-up group",
		Given: joined,
		When:  organisation.PutGroup{Group: group(a, domain.UUID{}), Create: true},
		Order: by(access.Register),
		Then:  then(grouped(a, domain.UUID{})),
	},
	{
		Name:  "a group of another organisation",
		Given: joined,
		When:  organisation.PutGroup{Group: group(a, domain.UUID{}), Create: true},
		Order: bySystem(strange),
		Err:   refused(organisation.NotYours),
	},
	{
		Name:  "a group of the operator's",
		Given: joined,
		When:  organisation.PutGroup{Group: group(a, domain.UUID{}), Create: true},
		Order: by(access.Operations),
		Err:   refused(organisation.NotYours),
	},
	{
		Name:  "a group within a group",
		Given: joined.and(grouped(a, domain.UUID{})),
		When:  organisation.PutGroup{Group: group(b, a), Create: true},
		Then:  then(grouped(b, a)),
	},
	{
		Name:  "a group within none",
		Given: joined,
		When:  organisation.PutGroup{Group: group(b, a), Create: true},
		Err:   refused(organisation.NoSuchGroup),
	},
	{
		Name:  "a group at the greatest depth",
		Given: chain(organisation.MaxDepth - 1),
		When:  organisation.PutGroup{Group: group(a, deepest(organisation.MaxDepth-1)), Create: true},
		Then:  then(grouped(a, deepest(organisation.MaxDepth-1))),
	},
	{
		Name:  "a group one deeper",
		Given: chain(organisation.MaxDepth),
		When:  organisation.PutGroup{Group: group(a, deepest(organisation.MaxDepth)), Create: true},
		Err:   refused(organisation.GroupTooDeep),
	},
	{
		Name:  "a group goes deeper with those within it",
		Given: chain(organisation.MaxDepth-1).and(grouped(a, domain.UUID{}), grouped(b, a)),
		When:  organisation.PutGroup{Group: group(a, deepest(organisation.MaxDepth-1))},
		Err:   refused(organisation.GroupTooDeep),
	},
	{
		Name:  "too many groups",
		Given: many(func(id domain.UUID) organisation.Event { return grouped(id, domain.UUID{}) }),
		When:  organisation.PutGroup{Group: group(a, domain.UUID{}), Create: true},
		Err:   refused(organisation.TooManyContacts),
	},
	{
		Name:  "a group changes",
		Given: ab,
		When:  organisation.PutGroup{Group: group(b, domain.UUID{}), Version: 1},
		Then:  then(organisation.ContactGroupChanged{Group: group(b, domain.UUID{})}),
	},
	{
		Name:  "a group changes at a stale version",
		Given: ab.and(organisation.ContactGroupChanged{Group: group(b, a)}),
		When:  organisation.PutGroup{Group: group(b, domain.UUID{}), Version: 1},
		Err:   stale(2),
	},
	{
		Name:  "a group that is not there changes",
		Given: joined,
		When:  organisation.PutGroup{Group: group(a, domain.UUID{})},
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "a point is no group",
		Given: joined.and(pointed(visible(p1))),
		When:  organisation.PutGroup{Group: group(p1, domain.UUID{})},
		Err:   refused(organisation.NoSuchGroup),
	},
	{
		Name:  "a group into itself",
		Given: ab,
		When:  organisation.PutGroup{Group: group(a, a)},
		Err:   refused(organisation.GroupCycle),
	},
	{
		Name:  "a group into one within it",
		Given: ab,
		When:  organisation.PutGroup{Group: group(a, b)},
		Err:   refused(organisation.GroupCycle),
	},
	{
		Name:  "a group closes",
		Given: ab,
		When:  organisation.CloseGroup{Group: b, Version: 1},
		Then:  then(organisation.ContactGroupClosed{Group: b}),
	},
	{
		Name:  "a group closes at a stale version",
		Given: ab,
		When:  organisation.CloseGroup{Group: b, Version: 2},
		Err:   stale(1),
	},
	{
		Name:  "a group closes once",
		Given: ab.and(organisation.ContactGroupClosed{Group: b}),
		When:  organisation.CloseGroup{Group: b},
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "a point does not close as a group",
		Given: joined.and(pointed(visible(p1))),
		When:  organisation.CloseGroup{Group: p1},
		Err:   refused(organisation.NoSuchGroup),
	},
	{
		Name:  "a group with a group stays",
		Given: ab,
		When:  organisation.CloseGroup{Group: a},
		Err:   refused(organisation.GroupNotEmpty),
	},
	{
		Name:  "a group with a point stays",
		Given: pointInA,
		When:  organisation.CloseGroup{Group: a},
		Err:   refused(organisation.GroupNotEmpty),
	},
}

// structure is a whole contact structure: a point in a group in a group.
var structure = organisation.BeginContacts{
	Groups: []organisation.ContactGroup{group(a, domain.UUID{}), group(b, a)},
	Points: []organisation.ContactPoint{visible(p1, b)},
}

var structureRules = []scenario{
	{
		Name:  "a whole structure begins",
		Given: joined,
		When:  structure,
		Then:  then(grouped(a, domain.UUID{}), grouped(b, a), pointed(visible(p1, b))),
	},
	{
		Name:  "a structure that has points is left as it is",
		Given: joined.and(pointed(visible(p2))),
		When:  structure,
	},
	{
		Name:  "a structure with a point in no group of it",
		Given: joined,
		When:  organisation.BeginContacts{Points: []organisation.ContactPoint{visible(p1, a)}},
		Err:   refused(organisation.NoSuchGroup),
	},
	{
		Name:  "an organisation's own system begins none",
		Given: joined,
		When:  structure,
		Order: bySystem(sys1),
		Err:   refused(organisation.NotYours),
	},
}

var pointRules = []scenario{
	{
		Name:  "a point",
		Given: joined,
		When:  organisation.PutPoint{Point: visible(p1), Create: true},
		Then:  then(pointed(visible(p1))),
	},
	{
		Name:  "a point of another organisation",
		Given: joined,
		When:  organisation.PutPoint{Point: visible(p1), Create: true},
		Order: bySystem(strange),
		Err:   refused(organisation.NotYours),
	},
	{
		Name:  "a point in a group",
		Given: ab,
		When:  organisation.PutPoint{Point: visible(p1, a, b), Create: true},
		Then:  then(pointed(visible(p1, a, b))),
	},
	{
		Name:  "a point in a group that is not there",
		Given: ab,
		When:  organisation.PutPoint{Point: visible(p1, a, c), Create: true},
		Err:   refused(organisation.NoSuchGroup),
	},
	{
		Name:  "a point at a system that takes post in",
		Given: joined.and(receives),
		When:  organisation.PutPoint{Point: atSystem(p1, sys1), Create: true},
		Then:  then(pointed(atSystem(p1, sys1))),
	},
	{
		Name:  "a point at a system that takes none in",
		Given: joined,
		When:  organisation.PutPoint{Point: atSystem(p1, sys1), Create: true},
		Err:   refused(organisation.NoSuchSystem),
	},
	{
		Name:  "a point at a system that is not there",
		Given: joined.and(receives),
		When:  organisation.PutPoint{Point: atSystem(p1, strange), Create: true},
		Err:   refused(organisation.NoSuchSystem),
	},
	{
		Name:  "too many points",
		Given: many(func(id domain.UUID) organisation.Event { return pointed(visible(id)) }),
		When:  organisation.PutPoint{Point: visible(p1), Create: true},
		Err:   refused(organisation.TooManyContacts),
	},
	{
		Name:  "a point changes",
		Given: pointInA,
		When:  organisation.PutPoint{Point: visible(p1), Version: 1},
		Then:  then(organisation.ContactPointChanged{Point: visible(p1)}),
	},
	{
		Name:  "a point changes at a stale version",
		Given: pointInA.and(organisation.ContactPointChanged{Point: visible(p1)}),
		When:  organisation.PutPoint{Point: visible(p1), Version: 1},
		Err:   stale(2),
	},
	{
		Name:  "a point that is not there changes",
		Given: joined,
		When:  organisation.PutPoint{Point: visible(nowhere)},
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "a group is no point",
		Given: ab,
		When:  organisation.PutPoint{Point: visible(a)},
		Err:   refused(organisation.NoSuchPoint),
	},
	{
		Name:  "the last visible point is not hidden",
		Given: joined.and(pointed(visible(p1)), pointed(hidden(p2))),
		When:  organisation.PutPoint{Point: hidden(p1)},
		Err:   refused(organisation.LastVisiblePoint),
	},
	{
		Name:  "one of two visible points is hidden",
		Given: joined.and(pointed(visible(p1)), pointed(visible(p2))),
		When:  organisation.PutPoint{Point: hidden(p1)},
		Then:  then(organisation.ContactPointChanged{Point: hidden(p1)}),
	},
	{
		Name:  "a hidden point changes where none is visible",
		Given: joined.and(pointed(hidden(p1))),
		When:  organisation.PutPoint{Point: hidden(p1)},
		Then:  then(organisation.ContactPointChanged{Point: hidden(p1)}),
	},
	{
		Name:  "a point closes",
		Given: joined.and(pointed(visible(p1)), pointed(visible(p2))),
		When:  organisation.ClosePoint{Point: p1, Version: 1},
		Then:  then(organisation.ContactPointClosed{Point: p1}),
	},
	{
		Name:  "a point closes at a stale version",
		Given: joined.and(pointed(visible(p1)), pointed(visible(p2))),
		When:  organisation.ClosePoint{Point: p1, Version: 4},
		Err:   stale(1),
	},
	{
		Name:  "a point closes once",
		Given: joined.and(pointed(visible(p1)), pointed(visible(p2)), organisation.ContactPointClosed{Point: p1}),
		When:  organisation.ClosePoint{Point: p1},
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "a group does not close as a point",
		Given: ab,
		When:  organisation.ClosePoint{Point: a},
		Err:   refused(organisation.NoSuchPoint),
	},
	{
		Name:  "the last visible point does not close",
		Given: joined.and(pointed(visible(p1)), pointed(hidden(p2))),
		When:  organisation.ClosePoint{Point: p1},
		Err:   refused(organisation.LastVisiblePoint),
	},
	{
		Name:  "a hidden point closes",
		Given: joined.and(pointed(visible(p1)), pointed(hidden(p2))),
		When:  organisation.ClosePoint{Point: p2},
		Then:  then(organisation.ContactPointClosed{Point: p2}),
	},
}
