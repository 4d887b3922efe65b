package looks_test

import (
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/looks"
)

// A scenario is a row of the rule book of this package. A look is its own order: it says itself whose it is. What is
// given was looked at by nobody in particular, through no platform.
type scenario = domaintest.Scenario[looks.Look, looks.Look, looks.Event]

var (
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	opened = looks.ContentOpened{Message: domain.MessageID{1}}
)

// after is a look some time after noon.
func after(d time.Duration, e looks.Event) looks.Look { return looks.Look{Look: e, Now: noon.Add(d)} }

// one is one look: what was, or what comes of it.
func one(e looks.Event) []looks.Event { return []looks.Event{e} }

var rules = []scenario{
	{Name: "the first look", When: after(0, opened), Then: one(opened)},
	{Name: "one look stands for those soon after", Given: one(opened), Recorded: noon, When: after(0, opened)},
	{
		Name:     "one look stands for ten minutes",
		Given:    one(opened),
		Recorded: noon,
		When:     after(looks.Again-1, opened),
	},
	{
		Name:     "a look after ten minutes is another",
		Given:    one(opened),
		Recorded: noon,
		When:     after(looks.Again, opened),
		Then:     one(opened),
	},
	{
		Name:     "another person's look is another",
		Given:    one(opened),
		Recorded: noon,
		When:     looks.Look{Look: opened, Who: [16]byte{2}, Now: noon},
		Then:     one(opened),
	},
	{
		Name:     "a look through another platform is another",
		Given:    one(opened),
		Recorded: noon,
		When:     looks.Look{Look: opened, Platform: "eboks", Now: noon},
		Then:     one(opened),
	},
	{
		Name:     "a look at another message is another",
		Given:    one(opened),
		Recorded: noon,
		When:     after(0, looks.ContentOpened{Message: domain.MessageID{2}}),
		Then:     one(looks.ContentOpened{Message: domain.MessageID{2}}),
	},
	{
		Name:     "a look at a message stands for none at the lists",
		Given:    one(opened),
		Recorded: noon,
		When:     after(0, looks.Listed{}),
		Then:     one(looks.Listed{}),
	},
	{Name: "the lists", When: after(0, looks.Listed{}), Then: one(looks.Listed{})},
	{
		Name:     "the lists, again",
		Given:    one(looks.Listed{}),
		Recorded: noon,
		When:     after(time.Second, looks.Listed{}),
	},
	{Name: "a search", When: after(0, looks.Searched{}), Then: one(looks.Searched{})},
	{
		Name:     "a search later on",
		Given:    one(looks.Searched{}),
		Recorded: noon,
		When:     after(time.Hour, looks.Searched{}),
		Then:     one(looks.Searched{}),
	},
	{Name: "a mismatch", When: after(0, looks.Mismatched{}), Then: one(looks.Mismatched{})},
	{Name: "a case", When: after(0, looks.CaseOpened{}), Then: one(looks.CaseOpened{})},
	{Name: "an inspection", When: after(0, looks.Inspected{}), Then: one(looks.Inspected{})},
	{Name: "one who was refused", When: after(0, looks.Refused{}), Then: one(looks.Refused{})},
	{
		Name:     "one who was refused, again",
		Given:    one(looks.Refused{}),
		Recorded: noon,
		When:     after(time.Minute, looks.Refused{}),
	},
	{Name: "the first opening through a platform", When: after(0, looks.SignedIn{}), Then: one(looks.SignedIn{})},
	{
		Name:     "a platform is opened for the first time once",
		Given:    one(looks.SignedIn{}),
		Recorded: noon,
		When:     after(1000*time.Hour, looks.SignedIn{}),
	},
}

func TestRules(t *testing.T) {
	domaintest.Run(t, looks.Decider, looks.Codec, func(l looks.Look) looks.Look { return l }, rules)
}

// What is looked at is another thing for each kind of look, so that one never stands for another.
func TestAtTellsLooksApart(t *testing.T) {
	seen := map[domain.MessageID]string{}
	for _, name := range looks.Codec.Names() {
		e, _ := looks.Codec.Zero(name)
		if e.EventType() == opened.EventType() {
			e = opened
		}

		if other, twice := seen[e.At()]; twice {
			t.Errorf("At() of %s = %v, the same as of %s", name, e.At(), other)
		}
		seen[e.At()] = name
	}
}

// Every kind of look has a row.
func TestEachLookHasARow(t *testing.T) {
	tried := map[string]bool{}
	for _, row := range rules {
		for _, e := range row.Then {
			tried[e.EventType()] = true
		}
	}

	for _, name := range looks.Codec.Names() {
		if !tried[name] {
			t.Errorf("no row leads to %s", name)
		}
	}
}
