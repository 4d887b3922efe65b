package organisation

import (
	"maps"
	"slices"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Bounds of a contact structure.
const (
	MaxContacts = 2000 // groups, and as many points, that an organisation may have
	MaxDepth    = 16   // groups that lie within one another
)

// Targets: who a contact point is for.
const (
	ForCitizens    = "CITIZEN"
	ForCompanies   = "COMPANY"
	ForAuthorities = "AUTHORITY"
)

// A ContactGroup (kontaktgruppe) is a heading under which an organisation's contact points are found. The contact
// structure is public: it stands in the open.
type ContactGroup struct {
	Group       domain.UUID `cbor:"1,keyasint" json:"id"`
	Name        string      `cbor:"2,keyasint" json:"name"`
	Description string      `cbor:"3,keyasint,omitempty" json:"description,omitempty"`
	Parent      domain.UUID `cbor:"4,keyasint,omitzero" json:"parent,omitzero"` // zero: at the top
}

// A ContactPoint (kontaktpunkt) is where an organisation is written to: a category, bound to the recipient system that
// takes its post in.
type ContactPoint struct {
	Point       domain.UUID     `cbor:"1,keyasint" json:"id"`
	Name        string          `cbor:"2,keyasint" json:"name"`
	Description string          `cbor:"3,keyasint,omitempty" json:"description,omitempty"`
	Groups      []domain.UUID   `cbor:"4,keyasint,omitempty" json:"contactGroups,omitempty"`
	Targets     []string        `cbor:"5,keyasint,omitempty" json:"targets,omitempty"` // CITIZEN, COMPANY, AUTHORITY
	MaxBytes    int64           `cbor:"6,keyasint" json:"maxBytes"`                    // of a MeMo to it
	Attachments int             `cbor:"7,keyasint" json:"attachments"`                 // additional documents
	Active      bool            `cbor:"8,keyasint,omitempty" json:"active,omitempty"`
	Visible     bool            `cbor:"9,keyasint,omitempty" json:"visible,omitempty"`
	System      domain.SystemID `cbor:"10,keyasint,omitzero" json:"system,omitzero"` // zero: the organisation's default
	SearchTerms []string        `cbor:"11,keyasint,omitempty" json:"searchTerms,omitempty"`
}

// Open reports whether the point can be written to, and found, by those of a target.
func (p ContactPoint) Open(target string) bool {
	return p.Active && p.Visible && slices.Contains(p.Targets, target)
}

// ContactGroupCreated records a new group.
type ContactGroupCreated struct {
	Group ContactGroup `cbor:"1,keyasint" json:"group"`
}

// EventType is the stored name.
func (ContactGroupCreated) EventType() string { return "organisation.contact-group-created" }

// Effect is on the organisation alone.
func (ContactGroupCreated) Effect() domain.Effect { return domain.Effect{} }

func (e ContactGroupCreated) evolve(s *State) {
	s.Groups[e.Group.Group] = e.Group
	s.version[e.Group.Group]++
}

// ContactGroupChanged records a group as it is now.
type ContactGroupChanged struct {
	Group ContactGroup `cbor:"1,keyasint" json:"group"`
}

// EventType is the stored name.
func (ContactGroupChanged) EventType() string { return "organisation.contact-group-changed" }

// Effect is on the organisation alone.
func (ContactGroupChanged) Effect() domain.Effect { return domain.Effect{} }

func (e ContactGroupChanged) evolve(s *State) {
	s.Groups[e.Group.Group] = e.Group
	s.version[e.Group.Group]++
}

// ContactGroupClosed records that a group is gone.
type ContactGroupClosed struct {
	Group domain.UUID `cbor:"1,keyasint" json:"group"`
}

// EventType is the stored name.
func (ContactGroupClosed) EventType() string { return "organisation.contact-group-closed" }

// Effect is on the organisation alone.
func (ContactGroupClosed) Effect() domain.Effect { return domain.Effect{} }

func (e ContactGroupClosed) evolve(s *State) { delete(s.Groups, e.Group) }

// ContactPointCreated records a new point.
type ContactPointCreated struct {
	Point ContactPoint `cbor:"1,keyasint" json:"point"`
}

// EventType is the stored name.
func (ContactPointCreated) EventType() string { return "organisation.contact-point-created" }

// Effect is on the organisation alone.
func (ContactPointCreated) Effect() domain.Effect { return domain.Effect{} }

func (e ContactPointCreated) evolve(s *State) {
	s.Points[e.Point.Point] = e.Point
	s.version[e.Point.Point]++
}

// ContactPointChanged records a point as it is now.
type ContactPointChanged struct {
	Point ContactPoint `cbor:"1,keyasint" json:"point"`
}

// EventType is the stored name.
func (ContactPointChanged) EventType() string { return "organisation.contact-point-changed" }

// Effect is on the organisation alone.
func (ContactPointChanged) Effect() domain.Effect { return domain.Effect{} }

func (e ContactPointChanged) evolve(s *State) {
	s.Points[e.Point.Point] = e.Point
	s.version[e.Point.Point]++
}

// ContactPointClosed records that a point is gone: nobody can write to it, nor answer what named it.
type ContactPointClosed struct {
	Point domain.UUID `cbor:"1,keyasint" json:"point"`
}

// EventType is the stored name.
func (ContactPointClosed) EventType() string { return "organisation.contact-point-closed" }

// Effect is on the organisation alone.
func (ContactPointClosed) Effect() domain.Effect { return domain.Effect{} }

func (e ContactPointClosed) evolve(s *State) { delete(s.Points, e.Point) }

// ownSystems are who changes a contact structure: the organisation's own systems, and the register of made-up ones.
func ownSystems() []access.Machine { return []access.Machine{access.System, access.Register} }

// at refuses what a change is about and is not there, or not at the version that the caller knows; 0: any. That is
// another no than one to what the change names.
func (s State) at(id domain.UUID, version uint32) error {
	_, group := s.Groups[id]
	_, point := s.Points[id]
	if !group && !point {
		return domain.Refuse(domain.NotFound)
	}

	return domain.AtVersion(s.version[id], version)
}

// PutGroup creates or changes a group.
type PutGroup struct {
	Group   ContactGroup
	Create  bool
	Version uint32 // of a group that is changed, as the caller knows it; 0: any
}

func (PutGroup) machines() []access.Machine { return ownSystems() }

func (c PutGroup) decide(s State) ([]Event, error) {
	g := c.Group
	below := 0
	if !c.Create {
		if err := s.at(g.Group, c.Version); err != nil {
			return nil, err
		}

		if _, there := s.Groups[g.Group]; !there {
			return nil, domain.Refuse(NoSuchGroup)
		}
		below = s.height(g.Group, 0)
	}

	for at, up := g.Parent, 1; at != (domain.UUID{}); up++ {
		parent, there := s.Groups[at]
		switch {
		case !there:
			return nil, domain.Refuse(NoSuchGroup)
		case at == g.Group:
			return nil, domain.Refuse(GroupCycle)
		case up+below >= MaxDepth:
			return nil, domain.Refuse(GroupTooDeep)
		}
		at = parent.Parent
	}

	if !c.Create {
		return []Event{ContactGroupChanged{g}}, nil
	}

	if len(s.Groups) >= MaxContacts {
		return nil, domain.Refuse(TooManyContacts)
	}

	return []Event{ContactGroupCreated{g}}, nil
}

// height gives how deep groups lie below one.
func (s State) height(id domain.UUID, depth int) (most int) {
	if depth > MaxDepth {
		return 0
	}

	for _, g := range s.Groups {
		if g.Parent == id {
			most = max(most, 1+s.height(g.Group, depth+1))
		}
	}

	return most
}

// CloseGroup takes a group away that nothing lies in.
type CloseGroup struct {
	Group   domain.UUID
	Version uint32
}

func (CloseGroup) machines() []access.Machine { return ownSystems() }

func (c CloseGroup) decide(s State) ([]Event, error) {
	if err := s.at(c.Group, c.Version); err != nil {
		return nil, err
	}

	if _, there := s.Groups[c.Group]; !there {
		return nil, domain.Refuse(NoSuchGroup)
	}

	for _, g := range s.Groups {
		if g.Parent == c.Group {
			return nil, domain.Refuse(GroupNotEmpty)
		}
	}

	for _, p := range s.Points {
		if slices.Contains(p.Groups, c.Group) {
			return nil, domain.Refuse(GroupNotEmpty)
		}
	}

	return []Event{ContactGroupClosed{c.Group}}, nil
}

// PutPoint creates or changes a point. An organisation that has a visible point keeps one.
type PutPoint struct {
	Point   ContactPoint
	Create  bool
	Version uint32
}

func (PutPoint) machines() []access.Machine { return ownSystems() }

func (c PutPoint) decide(s State) ([]Event, error) {
	p := c.Point
	before, there := s.Points[p.Point]
	if !c.Create {
		if err := s.at(p.Point, c.Version); err != nil {
			return nil, err
		}
	}

	if !there && !c.Create {
		return nil, domain.Refuse(NoSuchPoint)
	}

	for _, g := range p.Groups {
		if _, known := s.Groups[g]; !known {
			return nil, domain.Refuse(NoSuchGroup)
		}
	}

	if p.System != (domain.SystemID{}) && !s.Systems[p.System].Receives {
		return nil, domain.Refuse(NoSuchSystem)
	}

	if there && seen(before) && !seen(p) && !s.othersSeen(p.Point) {
		return nil, domain.Refuse(LastVisiblePoint)
	}

	if !c.Create {
		return []Event{ContactPointChanged{p}}, nil
	}

	if len(s.Points) >= MaxContacts {
		return nil, domain.Refuse(TooManyContacts)
	}

	return []Event{ContactPointCreated{p}}, nil
}

// ClosePoint takes a point away, but not the last one that can be seen.
type ClosePoint struct {
	Point   domain.UUID
	Version uint32
}

func (ClosePoint) machines() []access.Machine { return ownSystems() }

func (c ClosePoint) decide(s State) ([]Event, error) {
	if err := s.at(c.Point, c.Version); err != nil {
		return nil, err
	}

	p, there := s.Points[c.Point]
	switch {
	case !there:
		return nil, domain.Refuse(NoSuchPoint)
	case seen(p) && !s.othersSeen(c.Point):
		return nil, domain.Refuse(LastVisiblePoint)
	}

	return []Event{ContactPointClosed{c.Point}}, nil
}

func seen(p ContactPoint) bool { return p.Active && p.Visible && len(p.Targets) > 0 }

func (s State) othersSeen(but domain.UUID) bool {
	for id, p := range s.Points {
		if id != but && seen(p) {
			return true
		}
	}

	return false
}

// BeginContacts makes a whole contact structure where there is no point yet; where there is one, nothing.
type BeginContacts struct {
	Groups []ContactGroup
	Points []ContactPoint
}

func (BeginContacts) machines() []access.Machine { return []access.Machine{access.Register} }

func (c BeginContacts) decide(s State) (events []Event, err error) {
	if len(s.Points) > 0 {
		return nil, nil
	}

	commands := make([]Command, 0, len(c.Groups)+len(c.Points))
	for _, g := range c.Groups {
		commands = append(commands, PutGroup{Group: g, Create: true})
	}

	for _, p := range c.Points {
		commands = append(commands, PutPoint{Point: p, Create: true})
	}

	next := s.clone()
	for _, one := range commands {
		more, err := one.decide(next)
		if err != nil {
			return nil, err
		}

		for _, e := range more {
			e.evolve(&next)
		}
		events = append(events, more...)
	}

	return events, nil
}

func (s State) clone() State {
	s.Systems, s.Groups, s.Points = maps.Clone(s.Systems), maps.Clone(s.Groups), maps.Clone(s.Points)
	s.version = maps.Clone(s.version)

	return s
}
