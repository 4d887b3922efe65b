package organisations

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"digitalpost/adapters/backbone/text"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/projections/directory"
)

// wordsPart parts the words that a search looks in.
const wordsPart = "\x1f"

// An Authority is an organisation as those who write to it find it.
type Authority struct {
	Organisation
	ID     domain.OrganisationID
	Row    directory.OrganisationRow
	Folded string // its name
}

// A ContactDirectory is every organisation with its contact groups and points, as it stands at a moment. It is read
// only, by many at once.
type ContactDirectory struct {
	Organisations []Authority // by name
	Groups        []directory.GroupRow
	Points        []directory.PointRow
	GroupWords    []string // what a search looks in, of each group and each point, folded
	PointWords    []string
	byID          map[domain.OrganisationID]int
	groupByID     map[domain.UUID]int
	pointByID     map[domain.UUID]int
	targets       map[domain.UUID]map[string]bool // of each group: who finds an open point in it or below it
	withdrawn     map[domain.SystemID]bool
}

// Contacts gives the directory of who can be written to.
func (o *Organisations) Contacts() (*ContactDirectory, error) {
	return o.contacts.Get(o.core.Views, o.readContacts)
}

func (o *Organisations) readContacts(s *directory.Snapshot) (*ContactDirectory, error) {
	d := &ContactDirectory{
		byID: map[domain.OrganisationID]int{}, groupByID: map[domain.UUID]int{}, pointByID: map[domain.UUID]int{},
	}
	rows, err := s.Organisations()
	if err != nil {
		return nil, err
	}

	for id, r := range rows {
		org, err := o.of(id, r.Registered)
		if err != nil {
			return nil, err
		}
		d.Organisations = append(d.Organisations, Authority{
			Organisation: org, ID: id, Row: r, Folded: text.Fold(org.Name),
		})
	}

	if d.Groups, err = s.Groups(); err != nil {
		return nil, err
	}

	if d.Points, err = s.Points(); err != nil {
		return nil, err
	}

	if err := d.readSystems(s); err != nil {
		return nil, err
	}
	d.sort()
	d.index()

	return d, nil
}

// readSystems notes which systems take nothing in any more.
func (d *ContactDirectory) readSystems(s *directory.Snapshot) error {
	systems, err := s.Systems()
	d.withdrawn = map[domain.SystemID]bool{}
	for _, r := range systems {
		if r.Withdrawn {
			d.withdrawn[r.System.System] = true
		}
	}

	return err
}

// sort puts everything in the order of its folded name.
func (d *ContactDirectory) sort() {
	slices.SortFunc(d.Organisations, func(x, y Authority) int {
		return cmp.Or(cmp.Compare(x.Folded, y.Folded), bytes.Compare(x.ID[:], y.ID[:]))
	})
	sortByName(d.Groups, func(g *directory.GroupRow) (string, domain.UUID) { return g.Group.Name, g.Group.Group })
	sortByName(d.Points, func(p *directory.PointRow) (string, domain.UUID) { return p.Point.Name, p.Point.Point })
}

// sortByName sorts rows by their folded names, each of which is folded once.
func sortByName[T any](rows []T, name func(*T) (string, domain.UUID)) {
	type named struct {
		folded string
		id     domain.UUID
		row    T
	}
	all := make([]named, len(rows))
	for i, r := range rows {
		s, id := name(&r)
		all[i] = named{text.Fold(s), id, r}
	}
	slices.SortFunc(all, func(x, y named) int {
		return cmp.Or(cmp.Compare(x.folded, y.folded), bytes.Compare(x.id[:], y.id[:]))
	})
	for i := range all {
		rows[i] = all[i].row
	}
}

// index finds the words that a search looks in, and who finds an open point in each group or below it.
func (d *ContactDirectory) index() {
	for i, o := range d.Organisations {
		d.byID[o.ID] = i
	}

	for i, g := range d.Groups {
		d.groupByID[g.Group.Group] = i
		d.GroupWords = append(d.GroupWords, text.Fold(g.Group.Name+wordsPart+g.Group.Description))
	}

	d.targets = map[domain.UUID]map[string]bool{}
	for i, p := range d.Points {
		d.pointByID[p.Point.Point] = i
		o, _ := d.Organisation(p.Organisation)
		words := append([]string{p.Point.Name, p.Point.Description, o.Name}, p.Point.SearchTerms...)
		d.PointWords = append(d.PointWords, text.Fold(strings.Join(words, wordsPart)))
	}

	for _, p := range d.Points {
		for _, g := range p.Point.Groups {
			d.openIn(g, p.Point)
		}
	}
}

// openIn notes a point in its group and in those above it.
func (d *ContactDirectory) openIn(g domain.UUID, p organisation.ContactPoint) {
	for up := 0; g != (domain.UUID{}) && up <= organisation.MaxDepth; up++ {
		if d.targets[g] == nil {
			d.targets[g] = map[string]bool{}
		}

		for _, t := range p.Targets {
			d.targets[g][t] = d.targets[g][t] || p.Open(t)
		}
		parent, _ := d.Group(g)
		g = parent.Group.Parent
	}
}

// Targets gives who finds an open point in a group or below it. Not to be changed.
func (d *ContactDirectory) Targets(group domain.UUID) map[string]bool { return d.targets[group] }

// Organisation gives one organisation.
func (d *ContactDirectory) Organisation(id domain.OrganisationID) (Authority, bool) {
	i, ok := d.byID[id]
	if !ok {
		return Authority{}, false
	}
	return d.Organisations[i], true
}

// OfCVR gives the organisation of a CVR number.
func (d *ContactDirectory) OfCVR(cvr string) (Authority, bool) {
	for _, o := range d.Organisations {
		if o.CVR == cvr {
			return o, true
		}
	}
	return Authority{}, false
}

// Group gives one contact group.
func (d *ContactDirectory) Group(id domain.UUID) (directory.GroupRow, bool) {
	i, ok := d.groupByID[id]
	if !ok {
		return directory.GroupRow{}, false
	}
	return d.Groups[i], true
}

// Point gives one contact point.
func (d *ContactDirectory) Point(id domain.UUID) (directory.PointRow, bool) {
	i, ok := d.pointByID[id]
	if !ok {
		return directory.PointRow{}, false
	}
	return d.Points[i], true
}

// Recipient gives an organisation as somebody writes to it: the facts by which post is routed.
func (d *ContactDirectory) Recipient(cvr string) organisation.Recipient {
	o, ok := d.OfCVR(cvr)
	if !ok {
		return organisation.Recipient{}
	}

	out := organisation.Recipient{
		Known: true, Organisation: o.ID, Default: o.Row.Default,
		Closed: func(s domain.SystemID) bool { return d.withdrawn[s] },
	}
	for _, p := range d.Points {
		if p.Organisation == o.ID {
			out.Points = append(out.Points, p.Point)
		}
	}

	return out
}

// TargetOf gives the target that a mailbox's owner is.
func TargetOf(owner mailbox.OwnerKind) string {
	if owner == mailbox.Company {
		return organisation.ForCompanies
	}

	return organisation.ForCitizens
}
