package backbone

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// An Authority is an organisation as those who write to it find it.
type Authority struct {
	Organisation
	ID     domain.OrganisationID
	Row    projections.OrganisationRow
	Folded string // its name
}

// A ContactDirectory is every organisation with its contact groups and points, as it stands at a moment. It is read only, by many at once.
type ContactDirectory struct {
	Organisations []Authority // by name
	Groups        []projections.GroupRow
	Points        []projections.PointRow
	GroupWords    []string // what a search looks in, of each group and each point, folded
	PointWords    []string
	byID          map[domain.OrganisationID]int
	groupByID     map[domain.UUID]int
	pointByID     map[domain.UUID]int
	targets       map[domain.UUID]map[string]bool // of each group: who finds an open point in it or below it
}

// contactCache keeps the directory until an organisation changes.
type contactCache struct {
	mu sync.Mutex // guards what follows, and lets one reader make it for all
	at uint64     // systemsAt that it was made at
	d  *ContactDirectory
}

// Contacts gives the directory of who can be written to.
func (b *Backbone) Contacts() (*ContactDirectory, error) {
	b.contacts.mu.Lock()
	defer b.contacts.mu.Unlock()
	at := b.systemsAt.Load()
	if b.contacts.d != nil && b.contacts.at == at {
		return b.contacts.d, nil
	}
	d, err := b.readContacts()
	if err == nil {
		b.contacts.d, b.contacts.at = d, at
	}
	return d, err
}

func (b *Backbone) readContacts() (*ContactDirectory, error) {
	s, err := b.snapshot(projections.Directory{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	d := &ContactDirectory{byID: map[domain.OrganisationID]int{}, groupByID: map[domain.UUID]int{}, pointByID: map[domain.UUID]int{}}
	rows, err := s.Organisations()
	if err != nil {
		return nil, err
	}
	for id, r := range rows {
		o, err := b.organisationOf(id, r.Registered)
		if err != nil {
			return nil, err
		}
		d.Organisations = append(d.Organisations, Authority{Organisation: o, ID: id, Row: r, Folded: Fold(o.Name)})
	}
	slices.SortFunc(d.Organisations, func(x, y Authority) int {
		return cmp.Or(cmp.Compare(x.Folded, y.Folded), bytes.Compare(x.ID[:], y.ID[:]))
	})
	if d.Groups, err = s.Groups(); err != nil {
		return nil, err
	}
	if d.Points, err = s.Points(); err != nil {
		return nil, err
	}
	slices.SortFunc(d.Groups, func(x, y projections.GroupRow) int {
		return cmp.Or(cmp.Compare(Fold(x.Group.Name), Fold(y.Group.Name)), bytes.Compare(x.Group.Group[:], y.Group.Group[:]))
	})
	slices.SortFunc(d.Points, func(x, y projections.PointRow) int {
		return cmp.Or(cmp.Compare(Fold(x.Point.Name), Fold(y.Point.Name)), bytes.Compare(x.Point.Point[:], y.Point.Point[:]))
	})
	for i, o := range d.Organisations {
		d.byID[o.ID] = i
	}
	for i, g := range d.Groups {
		d.groupByID[g.Group.Group] = i
		d.GroupWords = append(d.GroupWords, Fold(g.Group.Name+wordsPart+g.Group.Description))
	}
	for i, p := range d.Points {
		d.pointByID[p.Point.Point] = i
		o, _ := d.Organisation(p.Organisation)
		d.PointWords = append(d.PointWords, Fold(strings.Join(append([]string{p.Point.Name, p.Point.Description, o.Name}, p.Point.SearchTerms...), wordsPart)))
	}
	d.targets = map[domain.UUID]map[string]bool{}
	for _, p := range d.Points {
		for _, g := range p.Point.Groups {
			for up := 0; g != (domain.UUID{}) && up <= organisation.MaxDepth; up++ {
				if d.targets[g] == nil {
					d.targets[g] = map[string]bool{}
				}
				for _, t := range p.Point.Targets {
					d.targets[g][t] = d.targets[g][t] || p.Point.Open(t)
				}
				parent, _ := d.Group(g)
				g = parent.Group.Parent
			}
		}
	}
	return d, nil
}

// Targets tells who finds an open point in a group or below it. Not to be changed.
func (d *ContactDirectory) Targets(group domain.UUID) map[string]bool { return d.targets[group] }

// Fold makes texts alike that people take for the same: NFC, and without case. "Aa" is not "Å".
func Fold(s string) string { return cases.Fold().String(norm.NFC.String(s)) }

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
func (d *ContactDirectory) Group(id domain.UUID) (projections.GroupRow, bool) {
	i, ok := d.groupByID[id]
	if !ok {
		return projections.GroupRow{}, false
	}
	return d.Groups[i], true
}

// Point gives one contact point.
func (d *ContactDirectory) Point(id domain.UUID) (projections.PointRow, bool) {
	i, ok := d.pointByID[id]
	if !ok {
		return projections.PointRow{}, false
	}
	return d.Points[i], true
}

// ChangeContacts changes the contact structure of a sender system's own organisation, and returns once everybody sees it.
func (b *Backbone) ChangeContacts(ctx context.Context, sys System, what string, decide func(organisation.Contacts) ([]organisation.Event, error)) (eventstore.Position, error) {
	err := b.organise(ctx, sys.Organisation.CVR, what, func(_ vault.Key, s organisationState) ([]organisation.Event, error) { return decide(s.contacts) })
	return b.store.Last(), err
}

// Receive makes a system one that takes in what people write, in a MeMo version; the default one of its organisation, if asked.
func (b *Backbone) Receive(ctx context.Context, cvr string, system domain.SystemID, version int, byDefault bool) error {
	return b.organise(ctx, cvr, "register recipient system", func(_ vault.Key, s organisationState) ([]organisation.Event, error) {
		if _, there := s.keys[system]; !there {
			return nil, ErrNotFound
		}
		return []organisation.Event{organisation.RecipientSystemRegistered{System: system, MemoVersion: version, Default: byDefault}}, nil
	})
}

// organisationOf unseals an organisation.
func (b *Backbone) organisationOf(id domain.OrganisationID, o organisation.Registered) (Organisation, error) {
	k, err := b.vault.Key(vault.Owner(id), 0)
	if err != nil {
		return Organisation{}, err
	}
	cvr, err1 := k.Open(o.EventType(), "cvr", o.CVR)
	name, err2 := k.Open(o.EventType(), "name", o.Name)
	return Organisation{Kind: o.Kind, CVR: string(cvr), Name: string(name), MandatoryAllowed: o.MandatoryAllowed, LegalAllowed: o.LegalAllowed, UUID: o.UUID,
		LegalBasis: o.LegalBasis, AuthorityType: o.AuthorityType}, errors.Join(err1, err2)
}
