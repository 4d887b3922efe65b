package mailbox

import (
	"time"
	"unicode/utf8"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse access for others.
const (
	NoAccess         domain.Reason = access.NoAccess
	AccessLimited    domain.Reason = access.NotAllowed
	AccessSelf       domain.Reason = "access.self"
	AccessDuplicate  domain.Reason = "access.duplicate"
	AccessNotFound   domain.Reason = "access.not.found"
	AccessPast       domain.Reason = "access.until.past"
	AccessKind       domain.Reason = "access.kind.not.allowed"
	AccessTooMany    domain.Reason = "access.too.many"
	RequestClosed    domain.Reason = "access.request.closed"
	GranteeNoMailbox domain.Reason = "access.grantee.no.mailbox"
	OwnerNotFound    domain.Reason = "access.owner.not.found"
	NoDocumentation  domain.Reason = "access.documentation.missing"
)

// Bounds of access for others.
const (
	MaxGrants        = 200  // grants and open requests that a mailbox may have at once
	MaxDocumentation = 1000 // characters of what an officer says was shown
)

// Where access stands.
const (
	Requested = "SUBMITTED"
	Granted   = "APPROVED"
	Declined  = "REJECTED"
	Revoked   = "REVOKED"
	Expired   = "EXPIRED"
)

// A Grant is access that was granted or asked for.
type Grant struct {
	Grant   access.Grant `cbor:"1,keyasint"`
	State   string       `cbor:"2,keyasint"` // empty: there never was such a grant
	Version uint32       `cbor:"3,keyasint"` // from 1
	Shown   GrantShown   `cbor:"4,keyasint"`
}

// A GrantShown is what only people see of a grant.
type GrantShown struct {
	Via  string    `cbor:"1,keyasint,omitempty"`
	At   time.Time `cbor:"2,keyasint"`
	Last time.Time `cbor:"3,keyasint"`
}

// Ended reports whether access was declined or revoked, or has ended by its time. It ends on the minute, and is
// recorded a little later: see access.Grant.InForce.
func (g Grant) Ended() bool { return g.State == Declined || g.State == Revoked || g.State == Expired }

// How access was granted.
const (
	ViaOwner        = "OWNER"
	ViaMunicipality = "MUNICIPALITY" // by an officer, who has seen documentation
	ViaOperator     = "OPERATOR"     // designated access
)

// ViaOf gives how one grants who acts by a right.
func ViaOf(r access.Right) string {
	switch r {
	case access.Officer, access.BusinessOfficer:
		return ViaMunicipality
	case access.Operator:
		return ViaOperator
	}

	return ViaOwner
}

// onGrant is the effect of an event about a grant.
func onGrant(id domain.GrantID, grantee domain.MailboxID) domain.Effect {
	return domain.Effect{
		Touches: domain.Parts{Grants: []domain.GrantID{id}},
		Tells:   &domain.Change{Grant: id, Grantee: grantee},
	}
}

// putGrant stores a grant as an event leaves it: the first one begins it.
func (s *State) putGrant(id domain.GrantID, at domain.Moment, g Grant) {
	before := s.grant(id)
	g.Shown.At = at.Recorded

	if before.State != "" {
		g.Shown.At = before.Shown.At
	}
	g.Version, g.Shown.Last = before.Version+1, at.Recorded
	s.grants[id] = g
}

// endGrant ends a grant that is there.
func (s *State) endGrant(id domain.GrantID, at domain.Moment, state string) {
	g := s.grant(id)
	if g.State == "" {
		s.miss("an event ends a grant that never was:", id)
		return
	}

	g.State = state
	s.putGrant(id, at, g)
}

// accessEvents are the zero values of this file's event types.
var accessEvents = []Event{AccessRequested{}, AccessDeclined{}, AccessGranted{}, AccessRevoked{}, AccessExpired{}}

// AccessRequested records that somebody asked for access. Its id becomes the grant's.
type AccessRequested struct {
	Grant   domain.GrantID   `cbor:"1,keyasint" json:"grant"`
	Grantee domain.MailboxID `cbor:"2,keyasint" json:"grantee"`
	Right   access.Right     `cbor:"3,keyasint" json:"right"`
	Until   time.Time        `cbor:"4,keyasint,omitzero" json:"until,omitzero"`
}

// EventType is the stored name.
func (AccessRequested) EventType() string { return "mailbox.access-requested" }

// Effect is on the request alone.
func (e AccessRequested) Effect() domain.Effect { return onGrant(e.Grant, e.Grantee) }

func (e AccessRequested) evolve(s *State, at domain.Moment) {
	s.putGrant(e.Grant, at, Grant{
		Grant: access.Grant{Grantee: e.Grantee, Right: e.Right, Until: e.Until}, State: Requested,
	})
}

// AccessDeclined records that a request came to nothing: declined by the owner or an officer, or withdrawn by who
// asked.
type AccessDeclined struct {
	Grant   domain.GrantID   `cbor:"1,keyasint" json:"grant"`
	Grantee domain.MailboxID `cbor:"2,keyasint" json:"grantee"`
}

// EventType is the stored name.
func (AccessDeclined) EventType() string { return "mailbox.access-declined" }

// Effect is on the request alone.
func (e AccessDeclined) Effect() domain.Effect { return onGrant(e.Grant, e.Grantee) }

func (e AccessDeclined) evolve(s *State, at domain.Moment) { s.endGrant(e.Grant, at, Declined) }

// AccessGranted records access for another. Until is the end of the named day; what the officer saw (an ID, a power of
// attorney, a court's appointment) is sealed.
type AccessGranted struct {
	Grant   domain.GrantID   `cbor:"1,keyasint" json:"grant"`
	Grantee domain.MailboxID `cbor:"2,keyasint" json:"grantee"`
	Right   access.Right     `cbor:"3,keyasint" json:"right"`
	Until   time.Time        `cbor:"4,keyasint,omitzero" json:"until,omitzero"`
	Via     string           `cbor:"5,keyasint" json:"via"`
	// Documentation is sealed under leaf 0. It is evidence, which replay shows that it is there; no view has it.
	Documentation domain.Sealed `cbor:"6,keyasint,omitempty" json:"documentation,omitempty"`
}

// EventType is the stored name.
func (AccessGranted) EventType() string { return "mailbox.access-granted" }

// Effect is on the grant, and on who reads.
func (e AccessGranted) Effect() domain.Effect { return onReaders(onGrant(e.Grant, e.Grantee)) }

func (e AccessGranted) evolve(s *State, at domain.Moment) {
	s.putGrant(e.Grant, at, Grant{
		Grant: access.Grant{Grantee: e.Grantee, Right: e.Right, Until: e.Until}, State: Granted,
		Shown: GrantShown{Via: e.Via},
	})
}

// takesGrant refuses a grant that may not be made or asked for. One that answers a request does not count beside it.
func (s *State) takesGrant(g access.Grant, answers domain.GrantID) error {
	now := s.by.Now
	switch {
	case s.Owner == "":
		return domain.Refuse(NotOpen)
	case !g.Right.Delegated():
		return domain.Refuse(AccessKind)
	case g.Grantee == s.by.Mailbox:
		return domain.Refuse(AccessSelf)
	case !g.Until.IsZero() && !now.Before(g.Until):
		return domain.Refuse(AccessPast)
	}

	open := 0
	for id, other := range s.openGrants() {
		switch {
		case other.State == Requested:
			if id != answers {
				open++
			}
		case other.State == Granted && other.Grant.InForce(now):
			if open++; other.Grant.Grantee == g.Grantee && other.Grant.Right == g.Right {
				return domain.Refuse(AccessDuplicate)
			}
		}
	}

	if open >= MaxGrants {
		return domain.Refuse(AccessTooMany)
	}

	return nil
}

// RequestAccess asks the owner for access, in one's own name. Whether owner and grantee have a mailbox is known before.
type RequestAccess struct{ Requested AccessRequested }

func (c RequestAccess) needs() domain.Parts {
	return domain.Parts{AllGrants: true, Grants: []domain.GrantID{c.Requested.Grant}}
}

func (c RequestAccess) leave(*State) Leave { return Leave{Grantee: c.Requested.Grantee} }

func (c RequestAccess) decide(s *State) ([]Event, error) {
	r := c.Requested
	if r.Right == access.Designated {
		return nil, domain.Refuse(AccessKind)
	}

	g := access.Grant{Grantee: r.Grantee, Right: r.Right, Until: r.Until}
	if err := s.takesGrant(g, domain.GrantID{}); err != nil {
		return nil, err
	}

	for _, q := range s.openGrants() {
		if q.State == Requested && q.Grant.Grantee == r.Grantee && q.Grant.Right == r.Right {
			return nil, domain.Refuse(AccessDuplicate)
		}
	}

	return []Event{r}, nil
}

// GrantAccess grants access, of the owner's own accord or at the municipality: which of them is the caller's right to
// say. Who grants by an office says which documentation was shown, and grants nothing to themselves.
type GrantAccess struct {
	Granted       AccessGranted
	GranteeOpen   bool   // that the grantee has a mailbox: a fact of the view
	Documentation string // in the open
	Seal          domain.Seal
}

func (c GrantAccess) needs() domain.Parts {
	return domain.Parts{AllGrants: true, Grants: []domain.GrantID{c.Granted.Grant}}
}

func (GrantAccess) leave(*State) Leave { return Leave{Actions: []access.Action{access.GrantAccess}} }

func (c GrantAccess) decide(s *State) ([]Event, error) {
	e := c.Granted
	e.Via = s.via()
	office := e.Via != ViaOwner
	shown := utf8.RuneCountInString(c.Documentation)

	switch {
	case !c.GranteeOpen:
		return nil, domain.Refuse(GranteeNoMailbox)
	case office && e.Grantee == s.by.Principal.Identity:
		return nil, domain.Refuse(AccessSelf)
	case office && (shown == 0 || shown > MaxDocumentation):
		return nil, domain.Refuse(NoDocumentation)
	case s.grant(e.Grant).State == Granted:
		return nil, domain.Refuse(AccessDuplicate)
	case (e.Right == access.Designated) != (e.Via == ViaOperator):
		return nil, domain.Refuse(AccessKind) // designated access is the operator's to grant, and it grants no other
	}

	g := access.Grant{Grantee: e.Grantee, Right: e.Right, Until: e.Until}
	if err := s.takesGrant(g, domain.GrantID{}); err != nil {
		return nil, err
	}

	if office {
		var err error
		if e.Documentation, err = c.Seal.Under(0, nil); err != nil {
			return nil, err
		}
	}

	return []Event{e}, nil
}

// Approve answers a request with what it asks for. It is the owner's to give: an officer grants with documentation, of
// their own accord.
type Approve struct {
	Grant   domain.GrantID
	Version uint32 // the version that the caller knows; 0: any
}

func (c Approve) needs() domain.Parts {
	return domain.Parts{AllGrants: true, Grants: []domain.GrantID{c.Grant}}
}

func (Approve) leave(*State) Leave { return Leave{Actions: []access.Action{access.GrantAccess}} }

func (c Approve) decide(s *State) ([]Event, error) {
	if s.via() != ViaOwner {
		return nil, domain.Refuse(NoDocumentation)
	}

	r, err := s.grantAt(c.Grant, c.Version)
	if err != nil || r.State == Granted {
		return nil, err
	}

	if r.State != Requested {
		return nil, domain.Refuse(RequestClosed)
	}

	if r.Grant.Right == access.Designated {
		return nil, domain.Refuse(AccessKind)
	}

	if err := s.takesGrant(r.Grant, c.Grant); err != nil {
		return nil, err
	}

	return []Event{AccessGranted{
		Grant: c.Grant, Grantee: r.Grant.Grantee, Right: r.Grant.Right, Until: r.Grant.Until, Via: ViaOwner,
	}}, nil
}

// grantAt gives a grant or a request at the version that the caller knows; 0: any, and it need not be there.
func (s *State) grantAt(id domain.GrantID, version uint32) (Grant, error) {
	g := s.grant(id)
	if version != 0 && g.State == "" {
		return g, domain.Refuse(domain.NotFound)
	}

	return g, domain.AtVersion(g.Version, version)
}
