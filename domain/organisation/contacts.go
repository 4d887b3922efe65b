package organisation

import "digitalpost/domain"

// Reasons to refuse what an organisation wants of its contact structure.
const (
	NoSuchGroup      domain.Reason = "contact.group.not.found"
	NoSuchPoint      domain.Reason = "contact.point.not.found"
	NoSuchSystem     domain.Reason = "system.not.found"
	LastVisiblePoint domain.Reason = "contact.point.last.visible"
	GroupNotEmpty    domain.Reason = "contact.group.not.empty"
	GroupCycle       domain.Reason = "contact.group.cycle"
	GroupTooDeep     domain.Reason = "contact.group.too.deep"
	TooManyContacts  domain.Reason = "contacts.too.many"
	StaleVersion     domain.Reason = "version.stale"
)

// Reasons lists them all.
var Reasons = []domain.Reason{NoSuchGroup, NoSuchPoint, NoSuchSystem, LastVisiblePoint, GroupNotEmpty, GroupCycle, GroupTooDeep, TooManyContacts, StaleVersion}

// MaxContacts is how many groups, and how many points, an organisation may have.
const MaxContacts = 2000

// MaxDepth is how deep groups may lie within one another.
const MaxDepth = 16

// Targets: who a contact point is for.
const (
	ForCitizens    = "CITIZEN"
	ForCompanies   = "COMPANY"
	ForAuthorities = "AUTHORITY"
)

// A ContactGroup (kontaktgruppe) is a heading under which an organisation's contact points are found. The contact structure is public: it stands in the open.
type ContactGroup struct {
	Group       domain.UUID `cbor:"1,keyasint" json:"id"`
	Name        string      `cbor:"2,keyasint" json:"name"`
	Description string      `cbor:"3,keyasint,omitempty" json:"description,omitempty"`
	Parent      domain.UUID `cbor:"4,keyasint,omitzero" json:"parent,omitzero"` // zero: at the top
}

// A ContactPoint (kontaktpunkt) is where an organisation is written to: a category, bound to the recipient system that takes its post in.
type ContactPoint struct {
	Point       domain.UUID     `cbor:"1,keyasint" json:"id"`
	Name        string          `cbor:"2,keyasint" json:"name"`
	Description string          `cbor:"3,keyasint,omitempty" json:"description,omitempty"`
	Groups      []domain.UUID   `cbor:"4,keyasint,omitempty" json:"contactGroups,omitempty"`
	Targets     []string        `cbor:"5,keyasint,omitempty" json:"targets,omitempty"` // CITIZEN, COMPANY, AUTHORITY
	MaxBytes    int64           `cbor:"6,keyasint" json:"maxBytes"`                    // of a MeMo to it: memoSizeThresholdMB
	Attachments int             `cbor:"7,keyasint" json:"attachments"`                 // additional documents: allowedNumberOfAttachments
	Active      bool            `cbor:"8,keyasint,omitempty" json:"active,omitempty"`
	Visible     bool            `cbor:"9,keyasint,omitempty" json:"visible,omitempty"`
	System      domain.SystemID `cbor:"10,keyasint,omitzero" json:"system,omitzero"` // zero: the organisation's default recipient system
	SearchTerms []string        `cbor:"11,keyasint,omitempty" json:"searchTerms,omitempty"`
}

// Open tells whether the point can be written to, and found, by those of a target.
func (p ContactPoint) Open(target string) bool {
	if !p.Active || !p.Visible {
		return false
	}
	for _, t := range p.Targets {
		if t == target {
			return true
		}
	}
	return false
}

type (
	// ContactGroupCreated records a new group; ContactGroupChanged one as it is now.
	ContactGroupCreated struct {
		Group ContactGroup `cbor:"1,keyasint" json:"group"`
	}
	ContactGroupChanged struct {
		Group ContactGroup `cbor:"1,keyasint" json:"group"`
	}
	// ContactGroupClosed records that a group is gone.
	ContactGroupClosed struct {
		Group domain.UUID `cbor:"1,keyasint" json:"group"`
	}
	// ContactPointCreated records a new point; ContactPointChanged one as it is now.
	ContactPointCreated struct {
		Point ContactPoint `cbor:"1,keyasint" json:"point"`
	}
	ContactPointChanged struct {
		Point ContactPoint `cbor:"1,keyasint" json:"point"`
	}
	// ContactPointClosed records that a point is gone: nobody can write to it, nor answer what named it.
	ContactPointClosed struct {
		Point domain.UUID `cbor:"1,keyasint" json:"point"`
	}
	// RecipientSystemRegistered records that a system takes in what people write (modtagersystem).
	RecipientSystemRegistered struct {
		System      domain.SystemID `cbor:"1,keyasint" json:"system"`
		MemoVersion int             `cbor:"2,keyasint" json:"memoVersion"`                 // 11 or 12: what it wants
		Default     bool            `cbor:"3,keyasint,omitempty" json:"default,omitempty"` // of contact points that name no system
	}
)

func (ContactGroupCreated) EventType() string { return "organisation.contact-group-created" }
func (ContactGroupChanged) EventType() string { return "organisation.contact-group-changed" }
func (ContactGroupClosed) EventType() string  { return "organisation.contact-group-closed" }
func (ContactPointCreated) EventType() string { return "organisation.contact-point-created" }
func (ContactPointChanged) EventType() string { return "organisation.contact-point-changed" }
func (ContactPointClosed) EventType() string  { return "organisation.contact-point-closed" }
func (RecipientSystemRegistered) EventType() string {
	return "organisation.recipient-system-registered"
}

// Contacts is an organisation's contact structure, as far as its rules ask for it.
type Contacts struct {
	Groups  map[domain.UUID]ContactGroup
	Points  map[domain.UUID]ContactPoint
	Systems map[domain.SystemID]bool // those that receive

	Versions map[domain.UUID]uint32 // of groups and points, from 1
}

// NewContacts is a structure with nothing in it.
func NewContacts() Contacts {
	return Contacts{map[domain.UUID]ContactGroup{}, map[domain.UUID]ContactPoint{}, map[domain.SystemID]bool{}, map[domain.UUID]uint32{}}
}

// Evolve applies an event.
func (c Contacts) Evolve(e Event) {
	switch e := e.(type) {
	case ContactGroupCreated:
		c.Groups[e.Group.Group] = e.Group
		c.Versions[e.Group.Group]++
	case ContactGroupChanged:
		c.Groups[e.Group.Group] = e.Group
		c.Versions[e.Group.Group]++
	case ContactGroupClosed:
		delete(c.Groups, e.Group)
	case ContactPointCreated:
		c.Points[e.Point.Point] = e.Point
		c.Versions[e.Point.Point]++
	case ContactPointChanged:
		c.Points[e.Point.Point] = e.Point
		c.Versions[e.Point.Point]++
	case ContactPointClosed:
		delete(c.Points, e.Point)
	case RecipientSystemRegistered:
		c.Systems[e.System] = true
	}
}

// At asks whether a group or point is there, at the version that the caller knows; 0: any.
func (c Contacts) At(id domain.UUID, version uint32, missing domain.Reason) error {
	_, group := c.Groups[id]
	_, point := c.Points[id]
	switch {
	case !group && !point:
		return domain.Refuse(missing)
	case version != 0 && version != c.Versions[id]:
		return &domain.Rejection{Reason: StaleVersion, Version: c.Versions[id]}
	}
	return nil
}

// PutGroup creates or changes a group.
func (c Contacts) PutGroup(g ContactGroup, create bool) ([]Event, error) {
	if _, there := c.Groups[g.Group]; !there && !create {
		return nil, domain.Refuse(NoSuchGroup)
	}
	below := 0
	if !create {
		below = c.height(g.Group, 0)
	}
	for at, up := g.Parent, 1; at != (domain.UUID{}); up++ {
		parent, there := c.Groups[at]
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
	if !create {
		return []Event{ContactGroupChanged{g}}, nil
	}
	if len(c.Groups) >= MaxContacts {
		return nil, domain.Refuse(TooManyContacts)
	}
	return []Event{ContactGroupCreated{g}}, nil
}

// height tells how deep groups lie below one.
func (c Contacts) height(id domain.UUID, depth int) (most int) {
	if depth > MaxDepth {
		return 0
	}
	for _, g := range c.Groups {
		if g.Parent == id {
			most = max(most, 1+c.height(g.Group, depth+1))
		}
	}
	return most
}

// CloseGroup takes a group away that nothing lies in.
func (c Contacts) CloseGroup(id domain.UUID) ([]Event, error) {
	if _, there := c.Groups[id]; !there {
		return nil, domain.Refuse(NoSuchGroup)
	}
	for _, g := range c.Groups {
		if g.Parent == id {
			return nil, domain.Refuse(GroupNotEmpty)
		}
	}
	for _, p := range c.Points {
		for _, g := range p.Groups {
			if g == id {
				return nil, domain.Refuse(GroupNotEmpty)
			}
		}
	}
	return []Event{ContactGroupClosed{id}}, nil
}

// PutPoint creates or changes a point. An organisation that has a visible point keeps one.
func (c Contacts) PutPoint(p ContactPoint, create bool) ([]Event, error) {
	before, there := c.Points[p.Point]
	if !there && !create {
		return nil, domain.Refuse(NoSuchPoint)
	}
	for _, g := range p.Groups {
		if _, known := c.Groups[g]; !known {
			return nil, domain.Refuse(NoSuchGroup)
		}
	}
	if p.System != (domain.SystemID{}) && !c.Systems[p.System] {
		return nil, domain.Refuse(NoSuchSystem)
	}
	if there && seen(before) && !seen(p) && !c.othersSeen(p.Point) {
		return nil, domain.Refuse(LastVisiblePoint)
	}
	if !create {
		return []Event{ContactPointChanged{p}}, nil
	}
	if len(c.Points) >= MaxContacts {
		return nil, domain.Refuse(TooManyContacts)
	}
	return []Event{ContactPointCreated{p}}, nil
}

// ClosePoint takes a point away, but not the last one that can be seen.
func (c Contacts) ClosePoint(id domain.UUID) ([]Event, error) {
	p, there := c.Points[id]
	switch {
	case !there:
		return nil, domain.Refuse(NoSuchPoint)
	case seen(p) && !c.othersSeen(id):
		return nil, domain.Refuse(LastVisiblePoint)
	}
	return []Event{ContactPointClosed{id}}, nil
}

func seen(p ContactPoint) bool { return p.Active && p.Visible && len(p.Targets) > 0 }

func (c Contacts) othersSeen(but domain.UUID) bool {
	for id, p := range c.Points {
		if id != but && seen(p) {
			return true
		}
	}
	return false
}
