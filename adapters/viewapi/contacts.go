package viewapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/text"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/organisation"
)

// contactHandlers serve the directory of who can be written to. Contact groups and points are public; organisations
// are for who has a token, or a system's key.
type contactHandlers struct{ *api }

func (a contactHandlers) register(r routes) {
	r.open("contact-points", a.contactPoints)
	r.open("contact-groups", a.contactGroups)
	r.open("organisations", a.known(a.organisations))
	r.open("organisations/{organisation}", a.known(a.organisation))
	r.open("organisations/{organisation}/contact-points", a.known(a.contactPoints))
	r.open("organisations/{organisation}/contact-points/{point}", a.known(a.contactPoint))
	r.open("organisations/{organisation}/contact-groups", a.known(a.contactGroups))
	r.open("organisations/{organisation}/contact-groups/{group}", a.known(a.contactGroup))
}

// known asks for a token, or a system's key.
func (a contactHandlers) known(fn openHandler) openHandler {
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		if _, _, basic := r.BasicAuth(); basic {
			_, err = a.who.System(r)
		} else {
			_, err = a.who.Person(r)
		}
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="digitalpost"`)
			return err
		}

		return fn(w, r)
	}
}

// directoryParameters are those of every list of the directory.
var directoryParameters = []string{
	"page", "size", "next", "sortFields", "fields", "searchTerm", "searchTermOrName", "any", "visibility"}

// contactQuery is what is asked of the directory.
type contactQuery struct {
	all        *organisations.ContactDirectory
	of         domain.OrganisationID // zero: any
	words      string                // folded; empty: all
	group      domain.UUID
	roots      bool
	visibility []string // targets, one of which must be served
	values     url.Values
}

func (a contactHandlers) contactQuery(r *http.Request, allowed ...string) (q contactQuery, err error) {
	q.values = r.URL.Query()
	for name, v := range q.values {
		if !slices.Contains(directoryParameters, name) && !slices.Contains(allowed, name) {
			return q, problem.BadField(clip(name), "parameter.not.allowed", "is no parameter here")
		}
		if len(v) > 16 || len(v[0]) > 256 {
			return q, problem.BadField(clip(name), "parameter.not.valid",
				"must be at most 16 values of at most 256 bytes")
		}
	}

	if s := r.PathValue("organisation"); s != "" {
		id, err := domain.ParseUUID(s)
		if err != nil {
			return q, core.ErrNotFound
		}
		q.of = id
	}

	said := q.values.Get("searchTerm") + q.values.Get("searchTermOrName") + q.values.Get("any")
	q.words = text.Fold(strings.TrimSpace(said))
	if s := q.values.Get("contactGroupId"); s != "" {
		if q.group, err = domain.ParseUUID(s); err != nil {
			return q, problem.BadField("contactGroupId", "parameter.not.valid",
				"must be a contact group's id")
		}
	}

	if s := q.values.Get("isRoot"); s != "" {
		if q.roots, err = strconv.ParseBool(s); err != nil {
			return q, problem.BadField("isRoot", "parameter.not.valid", "must be true or false")
		}
	}

	for _, v := range q.values["visibility"] {
		if v != organisation.ForCitizens && v != organisation.ForCompanies && v != organisation.ForAuthorities {
			return q, problem.BadField("visibility", "parameter.not.valid", "must be CITIZEN, COMPANY or AUTHORITY")
		}
		q.visibility = append(q.visibility, v)
	}

	if q.all, err = a.b.Organisations.Contacts(); err != nil {
		return q, err
	}

	if _, there := q.all.Organisation(q.of); !there && q.of != (domain.OrganisationID{}) {
		return q, core.ErrNotFound
	}

	return q, nil
}

// takes reports whether a point, by its place in the directory, is one that is asked for. What is closed or hidden is
// in no list.
func (q contactQuery) takes(i int) bool {
	p := q.all.Points[i]
	x := p.Point
	if !x.Active || !x.Visible || q.of != (domain.OrganisationID{}) && p.Organisation != q.of {
		return false
	}
	if len(q.visibility) > 0 && !slices.ContainsFunc(q.visibility, x.Open) {
		return false
	}
	if q.group != (domain.UUID{}) && !slices.Contains(x.Groups, q.group) || q.roots && len(x.Groups) > 0 {
		return false
	}
	return strings.Contains(q.all.PointWords[i], q.words)
}

func (a contactHandlers) contactPoints(w http.ResponseWriter, r *http.Request) error {
	q, err := a.contactQuery(r, "contactGroupId", "isRoot")
	if err != nil {
		return err
	}

	var shown []int
	for i := range q.all.Points {
		if q.takes(i) {
			shown = append(shown, i)
		}
	}
	item := func(i int) *ContactPoint {
		p := pointOf(q.all, q.all.Points[shown[i]])
		return &p
	}

	result := func(p Page, some Listed[ContactPoint]) any { return ContactPointSearchResult{p, some} }
	return pagedOf(w, request{Request: r}, len(shown), item, result,
		"searchTerm", "searchTermOrName", "any", "visibility", "contactGroupId", "isRoot")
}

func (a contactHandlers) contactPoint(w http.ResponseWriter, r *http.Request) error {
	q, err := a.contactQuery(r)
	if err != nil {
		return err
	}
	id, err := domain.ParseUUID(r.PathValue("point"))
	p, there := q.all.Point(id)
	if err != nil || !there || p.Organisation != q.of || !p.Point.Active || !p.Point.Visible {
		return core.ErrNotFound
	}
	problem.Versioned(w, http.StatusOK, p.Version, pointOf(q.all, p))
	return nil
}

func (a contactHandlers) contactGroups(w http.ResponseWriter, r *http.Request) error {
	q, err := a.contactQuery(r, "isRoot", "name")
	if err != nil {
		return err
	}

	name := text.Fold(q.values.Get("name"))
	var shown []ContactGroup
	for i, g := range q.all.Groups {
		openTo := func(t string) bool { return q.all.Targets(g.Group.Group)[t] }
		switch {
		case q.of != domain.OrganisationID{} && g.Organisation != q.of:
		case q.roots && g.Group.Parent != domain.UUID{}:
		case name != "" && text.Fold(g.Group.Name) != name:
		case !strings.Contains(q.all.GroupWords[i], q.words):
		case len(q.visibility) > 0 && !slices.ContainsFunc(q.visibility, openTo):
		default:
			shown = append(shown, groupOf(q.all, g))
		}
	}

	result := func(p Page, some Listed[ContactGroup]) any { return ContactGroupSearchResult{p, some} }
	return paged(w, request{Request: r}, shown, result,
		"searchTerm", "searchTermOrName", "any", "visibility", "isRoot", "name")
}

func (a contactHandlers) contactGroup(w http.ResponseWriter, r *http.Request) error {
	q, err := a.contactQuery(r)
	if err != nil {
		return err
	}
	id, err := domain.ParseUUID(r.PathValue("group"))
	g, there := q.all.Group(id)
	if err != nil || !there || g.Organisation != q.of {
		return core.ErrNotFound
	}
	problem.Versioned(w, http.StatusOK, g.Version, groupOf(q.all, g))
	return nil
}

func (a contactHandlers) organisations(w http.ResponseWriter, r *http.Request) error {
	q, err := a.contactQuery(r, "name", "type", "authorityType", "cvrNumber")
	if err != nil {
		return err
	}

	open := map[domain.OrganisationID]map[string]bool{}
	said := map[domain.OrganisationID]bool{} // a word of a point finds its organisation
	for i, p := range q.all.Points {
		if !p.Point.Active || !p.Point.Visible {
			continue
		}

		if open[p.Organisation] == nil {
			open[p.Organisation] = map[string]bool{}
		}

		for _, t := range p.Point.Targets {
			open[p.Organisation][t] = true
		}

		said[p.Organisation] = said[p.Organisation] || strings.Contains(q.all.PointWords[i], q.words)
	}

	is := func(name, value string) bool {
		s := q.values.Get(name)
		return s == "" || text.Fold(s) == text.Fold(value)
	}
	var shown []Organisation
	for _, o := range q.all.Organisations {
		openTo := func(t string) bool { return open[o.ID][t] }
		switch {
		case len(q.visibility) > 0 && !slices.ContainsFunc(q.visibility, openTo):
		case !is("name", o.Name) || !is("type", o.Kind):
		case !is("authorityType", authorityType(o)) || !is("cvrNumber", o.CVR):
		case !said[o.ID] && !strings.Contains(o.Folded, q.words):
		default:
			shown = append(shown, organisationOf(o, open[o.ID]))
		}
	}

	result := func(p Page, some Listed[Organisation]) any { return OrganisationSearchResult{p, some} }
	return paged(w, request{Request: r}, shown, result,
		"searchTerm", "searchTermOrName", "any", "visibility", "name", "type", "authorityType", "cvrNumber")
}

func (a contactHandlers) organisation(w http.ResponseWriter, r *http.Request) error {
	q, err := a.contactQuery(r)
	if err != nil {
		return err
	}
	o, _ := q.all.Organisation(q.of)
	open := map[string]bool{}
	for _, p := range q.all.Points {
		for _, t := range p.Point.Targets {
			open[t] = open[t] || p.Organisation == q.of && p.Point.Open(t)
		}
	}
	problem.JSON(w, http.StatusOK, organisationOf(o, open))
	return nil
}
