package senderapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/organisation"
)

// An organisation's own systems keep its contact structure: groups, points, and which system takes post in. What they
// set is the whole of a thing, each time.

func (a *api) registerContacts(route func(method, path string, fn handler)) {
	const groups, points = "organisations/{organisation}/contact-groups", "organisations/{organisation}/contact-points"
	route("POST", groups, a.putGroup)
	route("PUT", groups+"/{group}", a.putGroup)
	route("DELETE", groups+"/{group}", a.closeGroup)
	route("POST", points, a.putPoint)
	route("PUT", points+"/{point}", a.putPoint)
	route("DELETE", points+"/{point}", a.closePoint)
	route("POST", "organisations/{organisation}/systems/{system}/makedefaultrecipient", a.receive)
}

// own checks that the path's organisation is the system's, an authority.
func own(r *http.Request, sys organisations.System) error {
	id, err := domain.ParseUUID(r.PathValue("organisation"))
	if err != nil {
		return core.ErrNotFound
	}
	if domain.OrganisationID(id) != sys.OrgID || sys.Organisation.Kind != organisation.Authority {
		return domain.Refuse(organisation.NotYours)
	}
	return nil
}

// thing gives the id in the path, or a new one where the path has none.
func thing(r *http.Request, name string, newID func() domain.UUID) (id domain.UUID, create bool, err error) {
	s := r.PathValue(name)
	if s == "" {
		return newID(), true, nil
	}
	raw, err := domain.ParseUUID(s)
	if err != nil {
		return id, false, core.ErrNotFound
	}
	return raw, false, nil
}

func readBody(r *http.Request, into any) error {
	return problem.ReadJSON(r.Body, 64<<10, into,
		"must be a JSON object of at most 64 KiB, its fields of the types that are described")
}

func checkText(name, s string, least, most int) error {
	hidden := func(r rune) bool { return domain.Hidden(r) && (r != '\n' || name != "description") }
	n := utf8.RuneCountInString(s)
	if n < least || n > most || !utf8.ValidString(s) || strings.ContainsFunc(s, hidden) {
		return problem.BadField(name, "field.not.valid",
			"must be a text of a length that is allowed, without characters that are not seen")
	}
	return nil
}

func parseIDs(name string, refs []idRef) (out []domain.UUID, err error) {
	if len(refs) > 32 {
		return nil, problem.BadField(name, "field.not.valid", "must be at most 32")
	}
	for _, x := range refs {
		id, err := domain.ParseUUID(x.ID)
		if err != nil {
			return nil, problem.BadField(name, "field.not.valid", "must be ids, UUIDs")
		}
		out = append(out, id)
	}
	return out, nil
}

// kept answers with what was made or changed, at its version.
func kept(w http.ResponseWriter, create bool, version uint32, answer any) {
	status := http.StatusOK
	if create {
		status = http.StatusCreated
	}
	w.Header().Set("ETag", `"`+strconv.FormatUint(uint64(version), 10)+`"`)
	problem.JSON(w, status, answer)
}

func (a *api) putGroup(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if err := own(r, sys); err != nil {
		return err
	}
	id, create, err := thing(r, "group", core.NewUUID)
	if err != nil {
		return err
	}
	version, err := problem.IfMatch(r)
	if err != nil {
		return err
	}
	var in groupCommand
	if err := readBody(r, &in); err != nil {
		return err
	}
	g, err := in.read(id)
	if err != nil {
		return err
	}

	cmd := organisation.PutGroup{Group: g, Create: create, Version: version}
	if _, err := a.b.Organisations.Change(r.Context(), sys, cmd); err != nil {
		return err
	}
	now, err := a.b.Organisations.GroupVersion(id)
	if err != nil {
		return err
	}
	kept(w, create, now, groupKept(g, now))
	return nil
}

func (in groupCommand) read(id domain.UUID) (g organisation.ContactGroup, err error) {
	g = organisation.ContactGroup{Group: id, Name: in.Name, Description: in.Description}
	if err := checkText("name", in.Name, 1, 256); err != nil {
		return g, err
	}

	if err := checkText("description", in.Description, 0, 2000); err != nil {
		return g, err
	}

	if in.Parent != nil {
		ids, err := parseIDs("parent", []idRef{*in.Parent})
		if err != nil {
			return g, err
		}
		g.Parent = ids[0]
	}

	return g, nil
}

func (a *api) closeGroup(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if err := own(r, sys); err != nil {
		return err
	}
	id, _, err := thing(r, "group", core.NewUUID)
	if err != nil {
		return err
	}
	version, err := problem.IfMatch(r)
	if err != nil {
		return err
	}

	return a.close(w, r, sys, organisation.CloseGroup{Group: id, Version: version})
}

// close closes a thing of the contact structure.
func (a *api) close(w http.ResponseWriter, r *http.Request, sys organisations.System, cmd organisation.Command) error {
	if _, err := a.b.Organisations.Change(r.Context(), sys, cmd); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Bounds of a contact point.
const (
	leastMB, mostMB  = 10.0, 99.5
	mostAttachments  = 30
	mostSearchTerms  = 50
	defaultPointSize = memo.MaxLength
)

func (in pointCommand) read(id domain.UUID) (p organisation.ContactPoint, err error) {
	p = organisation.ContactPoint{Point: id, Name: in.Name, Description: in.Description,
		MaxBytes: defaultPointSize, Attachments: 10, Active: true, Visible: true}
	if err := checkText("name", in.Name, 1, 256); err != nil {
		return p, err
	}

	if err := checkText("description", in.Description, 0, 2000); err != nil {
		return p, err
	}

	all := []string{organisation.ForCitizens, organisation.ForCompanies, organisation.ForAuthorities}
	for _, t := range in.Targets {
		if !slices.Contains(all, t) {
			return p, problem.BadField("Targets", "field.not.valid", "must be CITIZEN, COMPANY or AUTHORITY")
		}
		if !slices.Contains(p.Targets, t) {
			p.Targets = append(p.Targets, t)
		}
	}

	if in.MaxMB != nil {
		if *in.MaxMB < leastMB || *in.MaxMB > mostMB {
			return p, problem.BadField("memoSizeThresholdMB", "field.not.valid", "must be from 10 to 99.5")
		}
		p.MaxBytes = int64(*in.MaxMB * 1e6)
	}

	if in.Attachments != nil {
		if p.Attachments = *in.Attachments; p.Attachments < 0 || p.Attachments > mostAttachments {
			return p, problem.BadField("allowedNumberOfAttachments", "field.not.valid", "must be from 0 to 30")
		}
	}

	if in.Active != nil {
		p.Active = *in.Active
	}

	if in.Visible != nil {
		p.Visible = *in.Visible
	}

	if in.System != "" {
		if p.System, err = domain.ParseUUID(in.System); err != nil {
			return p, problem.BadField("systemId", "field.not.valid", "must be a system's id, a UUID")
		}
	}

	if p.Groups, err = parseIDs("contactGroups", in.Groups); err != nil {
		return p, err
	}

	if len(in.Terms) > mostSearchTerms {
		return p, problem.BadField("searchTerms", "field.not.valid", "must be at most 50")
	}

	for _, t := range in.Terms {
		if err := checkText("searchTerms.term", t.Term, 1, 100); err != nil {
			return p, err
		}
		p.SearchTerms = append(p.SearchTerms, t.Term)
	}

	return p, nil
}

func (a *api) putPoint(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if err := own(r, sys); err != nil {
		return err
	}
	id, create, err := thing(r, "point", core.NewUUID)
	if err != nil {
		return err
	}
	version, err := problem.IfMatch(r)
	if err != nil {
		return err
	}
	var in pointCommand
	if err := readBody(r, &in); err != nil {
		return err
	}
	p, err := in.read(id)
	if err != nil {
		return err
	}

	cmd := organisation.PutPoint{Point: p, Create: create, Version: version}
	if _, err := a.b.Organisations.Change(r.Context(), sys, cmd); err != nil {
		return err
	}
	now, err := a.b.Organisations.PointVersion(id)
	if err != nil {
		return err
	}
	kept(w, create, now, pointKept(p, now, sys.OrgID))
	return nil
}

func (a *api) closePoint(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if err := own(r, sys); err != nil {
		return err
	}
	id, _, err := thing(r, "point", core.NewUUID)
	if err != nil {
		return err
	}
	version, err := problem.IfMatch(r)
	if err != nil {
		return err
	}

	return a.close(w, r, sys, organisation.ClosePoint{Point: id, Version: version})
}

// receive makes a system of the organisation the one that takes post in for contact points that name none.
// memoVersion, 1.2 by default, is what it wants.
func (a *api) receive(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if err := own(r, sys); err != nil {
		return err
	}
	id, err := domain.ParseUUID(r.PathValue("system"))
	if err != nil {
		return core.ErrNotFound
	}
	version := memo.V12
	switch r.URL.Query().Get("memoVersion") {
	case "", "1.2":
	case "1.1":
		version = memo.V11
	default:
		return problem.BadField("memoVersion", "parameter.not.valid", "must be 1.1 or 1.2")
	}
	by := organisations.Own(sys)
	err = a.b.Organisations.RegisterRecipient(r.Context(), by, sys.Organisation.CVR, id, version, true)
	if err != nil {
		return err
	}

	now, err := a.b.Organisations.System(id)
	if err != nil {
		return err
	}
	problem.JSON(w, http.StatusOK, systemOf(now))
	return nil
}
