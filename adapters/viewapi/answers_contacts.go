package viewapi

import (
	"strconv"

	"digitalpost/adapters/backbone/organisations"
	"digitalpost/domain"
	"digitalpost/domain/organisation"
	"digitalpost/projections/directory"
)

// An Organisation is an authority or company that sends, or can be written to.
type Organisation struct {
	Resource
	CreatedDate              string   `json:"createdDate"`
	LastUpdated              string   `json:"lastUpdated"`
	Name                     string   `json:"name"`
	CVRNumber                string   `json:"cvrNumber"`
	Type                     string   `json:"type"`          // AUTHORITY or COMPANY
	AuthorityType            string   `json:"authorityType"` // STATE, REGION, MUNICIPALITY, OTHER or UNKNOWN
	LegalNotificationAllowed bool     `json:"legalNotificationAllowed"`
	MandatoryPostAllowed     bool     `json:"mandatoryPostAllowed"`
	LogoAvailable            bool     `json:"logoAvailable"`
	Targets                  []string `json:"Targets"` // for whom it has an open contact point
	StatusType               string   `json:"statusType"`
	StatusDate               string   `json:"statusDate"`
}

// An OrganisationSearchResult is a page of organisations.
type OrganisationSearchResult struct {
	Page
	Organisations Listed[Organisation] `json:"organisations"`
}

// organisationOf shows an organisation, with the targets that its contact points are open to.
func organisationOf(o organisations.Authority, open map[string]bool) Organisation {
	at := stamp(o.Row.At)
	return Organisation{
		Resource:    Resource{domain.UUID(o.ID), uint32(o.Row.Version)},
		CreatedDate: at, LastUpdated: at,
		Name: o.Name, CVRNumber: o.CVR, Type: o.Kind, AuthorityType: authorityType(o),
		LegalNotificationAllowed: o.LegalAllowed, MandatoryPostAllowed: o.MandatoryAllowed,
		Targets: inOrder(open), StatusType: "ACTIVE", StatusDate: at,
	}
}

func authorityType(o organisations.Authority) string {
	switch {
	case o.AuthorityType != "":
		return o.AuthorityType
	case o.Kind == organisation.Authority:
		return "OTHER"
	}
	return "UNKNOWN"
}

// inOrder gives the targets that are set, in the order in which they are always shown.
func inOrder(set map[string]bool) []string {
	out := []string{}
	for _, t := range []string{organisation.ForCitizens, organisation.ForCompanies, organisation.ForAuthorities} {
		if set[t] {
			out = append(out, t)
		}
	}
	return out
}

// A ContactGroup is a group (kontaktgruppe) of an authority's contact points.
type ContactGroup struct {
	Resource
	CreatedDate        string            `json:"createdDate"`
	LastUpdated        string            `json:"lastUpdated"`
	Name               string            `json:"name"`
	Description        string            `json:"description"`
	OrganisationalUnit bool              `json:"organisationalUnit"`
	Organisation       *OrganisationName `json:"organisation,omitempty"`
	Parent             *ContactGroupName `json:"parent,omitempty"` // absent at the top
	Targets            []string          `json:"Targets"`          // for whom a point in it is open
}

// An OrganisationName names the organisation that a contact group is of.
type OrganisationName struct {
	Resource
	Name      string `json:"name"`
	CVRNumber string `json:"cvrNumber"`
}

// A ContactGroupName names a contact group that something lies in.
type ContactGroupName struct {
	Resource
	Name string `json:"name"`
}

// A ContactGroupSearchResult is a page of contact groups.
type ContactGroupSearchResult struct {
	Page
	ContactGroups Listed[ContactGroup] `json:"contactGroups"`
}

// groupOf shows a contact group of the directory.
func groupOf(all *organisations.ContactDirectory, g directory.GroupRow) ContactGroup {
	out := ContactGroup{
		Resource:    Resource{g.Group.Group, g.Version},
		CreatedDate: stamp(g.At), LastUpdated: stamp(g.Last),
		Name: g.Group.Name, Description: g.Group.Description,
		Targets: inOrder(all.Targets(g.Group.Group)),
	}
	if of, ok := all.Organisation(g.Organisation); ok {
		id := Resource{domain.UUID(of.ID), uint32(of.Row.Version)}
		out.Organisation = &OrganisationName{id, of.Name, of.CVR}
	}

	if up, ok := all.Group(g.Group.Parent); ok {
		out.Parent = &ContactGroupName{Resource{up.Group.Group, up.Version}, up.Group.Name}
	}

	return out
}

// A ContactPoint (kontaktpunkt) is where an authority can be written to.
type ContactPoint struct {
	Resource
	CreatedDate                string                `json:"createdDate"`
	LastUpdated                string                `json:"lastUpdated"`
	Name                       string                `json:"name"`
	Description                string                `json:"description"`
	Targets                    []string              `json:"Targets"` // who may write to it
	MemoSizeThresholdMB        float64               `json:"memoSizeThresholdMB"`
	AllowedNumberOfAttachments int                   `json:"allowedNumberOfAttachments"`
	Active                     bool                  `json:"active"`
	Visible                    bool                  `json:"visible"`
	OrganisationID             domain.OrganisationID `json:"organisationId"`
	SystemID                   domain.SystemID       `json:"systemId,omitzero"` // absent: the default one
	ContactGroups              []ContactGroupName    `json:"contactGroups"`
	SearchTerms                []SearchTerm          `json:"searchTerms"`
}

// A SearchTerm is a word by which a contact point is found.
type SearchTerm struct {
	Resource
	Term string `json:"term"`
}

// A ContactPointSearchResult is a page of contact points.
type ContactPointSearchResult struct {
	Page
	ContactPoints Listed[ContactPoint] `json:"contactPoints"`
}

// pointOf shows a contact point of the directory.
func pointOf(all *organisations.ContactDirectory, p directory.PointRow) ContactPoint {
	x := p.Point
	set := map[string]bool{}
	for _, t := range x.Targets {
		set[t] = true
	}

	groups, terms := []ContactGroupName{}, []SearchTerm{}
	for _, id := range x.Groups {
		if g, ok := all.Group(id); ok {
			groups = append(groups, ContactGroupName{Resource{id, g.Version}, g.Group.Name})
		}
	}
	for i, t := range x.SearchTerms {
		id := domain.UUID(domain.DeriveID("search term", x.Point[:], []byte(strconv.Itoa(i))))
		terms = append(terms, SearchTerm{Resource{id, p.Version}, t})
	}

	return ContactPoint{
		Resource:    Resource{x.Point, p.Version},
		CreatedDate: stamp(p.At), LastUpdated: stamp(p.Last),
		Name: x.Name, Description: x.Description, Targets: inOrder(set),
		MemoSizeThresholdMB: float64(x.MaxBytes) / 1e6, AllowedNumberOfAttachments: x.Attachments,
		Active: x.Active, Visible: x.Visible,
		OrganisationID: p.Organisation, SystemID: x.System,
		ContactGroups: groups, SearchTerms: terms,
	}
}
