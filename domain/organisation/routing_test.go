package organisation_test

import (
	"reflect"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/organisation"
)

const citizen = organisation.ForCitizens

// anyPoint says that the writer has chosen no contact point.
var anyPoint = domain.UUID{}

// authority is a known one with points, whose default system takes in for those that name none.
func authority(points ...organisation.ContactPoint) organisation.Recipient {
	return organisation.Recipient{
		Known: true, Organisation: domain.OrganisationID{3}, Points: points, Default: sys1,
	}
}

// deaf is an authority with points, and no default system.
func deaf(points ...organisation.ContactPoint) organisation.Recipient {
	r := authority(points...)
	r.Default = domain.SystemID{}

	return r
}

// forCompanies is a point that is not for citizens.
func forCompanies(id domain.UUID) organisation.ContactPoint {
	p := visible(id)
	p.Targets = []string{organisation.ForCompanies}

	return p
}

// inactive is a point that was open once.
func inactive(id domain.UUID) organisation.ContactPoint {
	p := visible(id)
	p.Active = false

	return p
}

// A way is a row of a table of where post goes.
type way struct {
	name  string
	to    organisation.Recipient
	point domain.UUID
	want  organisation.Route // where it goes
	why   domain.Reason      // or why it does not
}

// at is a way to a point, by a system.
func at(p organisation.ContactPoint, system domain.SystemID) organisation.Route {
	return organisation.Route{Organisation: domain.OrganisationID{3}, Point: p, System: system}
}

// asSuch is an answer's way to an authority that named no contact point.
var asSuch = at(organisation.ContactPoint{MaxBytes: 1000, Attachments: 10}, sys1)

var ways = []way{
	{name: "nobody", why: organisation.NoSuchRecipient},
	{name: "no points", to: authority(), why: organisation.PointClosed},
	{name: "the only point", to: authority(visible(p1)), want: at(visible(p1), sys1)},
	{name: "the only open one", to: authority(hidden(p1), inactive(b), visible(p2)), want: at(visible(p2), sys1)},
	{name: "the only one for citizens", to: authority(forCompanies(p1), visible(p2)), want: at(visible(p2), sys1)},
	{name: "none for citizens", to: authority(forCompanies(p1)), why: organisation.PointClosed},
	{name: "one of two", to: authority(visible(p1), visible(p2)), why: organisation.CategoryRequired},
	{name: "the chosen one", to: authority(visible(p1), visible(p2)), point: p2, want: at(visible(p2), sys1)},
	{name: "a chosen one that is not there", to: authority(visible(p1)), point: p2, why: organisation.PointClosed},
	{
		name: "a chosen one that is closed", to: authority(visible(p1), inactive(p2)), point: p2,
		why: organisation.PointClosed,
	},
	{name: "a point's own system", to: authority(atSystem(p1, sys2)), want: at(atSystem(p1, sys2), sys2)},
	{name: "a point's own system alone", to: deaf(atSystem(p1, sys2)), want: at(atSystem(p1, sys2), sys2)},
	{name: "nobody takes in", to: deaf(visible(p1)), why: organisation.PointClosed},
}

// Answers go where others do; who takes none is closed, and who names no point is written to as such.
var answers = []way{
	{name: "nobody", why: organisation.SenderClosed},
	{name: "no points", to: authority(), why: organisation.SenderClosed},
	{name: "the only point", to: authority(visible(p1)), want: at(visible(p1), sys1)},
	{name: "one of two", to: authority(visible(p1), visible(p2)), want: asSuch},
	{name: "one of two, and nobody takes in", to: deaf(visible(p1), visible(p2)), why: organisation.CategoryRequired},
	{name: "the named one", to: authority(visible(p1), visible(p2)), point: p2, want: at(visible(p2), sys1)},
	{name: "a named one that is closed", to: authority(inactive(p2)), point: p2, why: organisation.SenderClosed},
	{name: "nobody takes in", to: deaf(visible(p1)), why: organisation.SenderClosed},
}

func TestRoutes(t *testing.T) {
	for _, w := range ways {
		got, err := w.to.Route(w.point, citizen)
		compare(t, "Route", w, got, err)
	}
}

func TestRoutesOfAnswers(t *testing.T) {
	for _, w := range answers {
		got, err := w.to.RouteAnswer(w.point, citizen, 1000)
		compare(t, "RouteAnswer", w, got, err)
	}
}

func compare(t *testing.T, call string, w way, got organisation.Route, err error) {
	t.Helper()

	if r, _ := domain.Refused(err); r != w.why || !reflect.DeepEqual(got, w.want) {
		t.Errorf("%s to %s = %+v, %v, want %+v, %q", call, w.name, got, err, w.want, w.why)
	}
}

// route is why post to a citizen's choice of point goes nowhere.
func route(to organisation.Recipient, point domain.UUID) error {
	_, err := to.Route(point, citizen)
	return err
}

// takes is why a citizen can't answer.
func takes(from organisation.Recipient, point domain.UUID) error {
	return from.TakesAnswers(point, citizen)
}

var routingJudgements = []domaintest.Judgement{
	{Name: "post to nobody", Got: route(organisation.Recipient{}, anyPoint), Want: organisation.NoSuchRecipient},
	{
		Name: "post to any of two",
		Got:  route(authority(visible(p1), visible(p2)), anyPoint),
		Want: organisation.CategoryRequired,
	},
	{Name: "post to none", Got: route(authority(), anyPoint), Want: organisation.PointClosed},

	{Name: "one point takes answers", Got: takes(authority(visible(p1)), anyPoint)},
	{Name: "of two the writer chooses", Got: takes(authority(visible(p1), visible(p2)), anyPoint)},
	{Name: "a named point takes answers", Got: takes(authority(visible(p1), visible(p2)), p2)},
	{Name: "a named point that is closed", Got: takes(authority(inactive(p1)), p1), Want: organisation.SenderClosed},
	{Name: "no point takes answers", Got: takes(authority(), anyPoint), Want: organisation.SenderClosed},
	{Name: "nobody takes in", Got: takes(deaf(visible(p1)), anyPoint), Want: organisation.SenderClosed},
	{Name: "nobody", Got: takes(organisation.Recipient{}, anyPoint), Want: organisation.SenderClosed},
}

func TestJudgements(t *testing.T) { domaintest.Judge(t, routingJudgements) }
