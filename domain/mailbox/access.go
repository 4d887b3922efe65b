package mailbox

import (
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse access for others.
const (
	NoAccess        domain.Reason = access.NoAccess
	AccessLimited   domain.Reason = access.NotAllowed
	AccessSelf      domain.Reason = "access.self"
	AccessDuplicate domain.Reason = "access.duplicate"
	AccessNotFound  domain.Reason = "access.not.found"
	AccessPast      domain.Reason = "access.until.past"
	AccessKind      domain.Reason = "access.kind.not.allowed"
	AccessTooMany   domain.Reason = "access.too.many"
	RequestClosed   domain.Reason = "access.request.closed"
)

// MaxGrants is how many grants and open requests a mailbox may have at once.
const MaxGrants = 200

// A Request is access that somebody has asked for and that is not yet decided on.
type Request struct {
	Grantee domain.MailboxID
	Right   access.Right
	Until   time.Time
}

// AccessRequested records that somebody asked for access. Its id becomes the grant's.
type AccessRequested struct {
	Grant   domain.GrantID   `cbor:"1,keyasint" json:"grant"`
	Grantee domain.MailboxID `cbor:"2,keyasint" json:"grantee"`
	Right   access.Right     `cbor:"3,keyasint" json:"right"`
	Until   time.Time        `cbor:"4,keyasint,omitzero" json:"until,omitzero"`
}

// AccessDeclined records that a request came to nothing: declined by the owner or an officer, or withdrawn by who asked.
type AccessDeclined struct {
	Grant   domain.GrantID   `cbor:"1,keyasint" json:"grant"`
	Grantee domain.MailboxID `cbor:"2,keyasint" json:"grantee"`
}

// How access was granted.
const (
	ViaOwner        = "OWNER"
	ViaMunicipality = "MUNICIPALITY" // by an officer, who has seen documentation
	ViaOperator     = "OPERATOR"     // designated access
)

// AccessGranted records access for another. Until is the end of the named day; what the officer saw (an ID, a power of attorney, a court's appointment) is sealed.
type AccessGranted struct {
	Grant         domain.GrantID   `cbor:"1,keyasint" json:"grant"`
	Grantee       domain.MailboxID `cbor:"2,keyasint" json:"grantee"`
	Right         access.Right     `cbor:"3,keyasint" json:"right"`
	Until         time.Time        `cbor:"4,keyasint,omitzero" json:"until,omitzero"`
	Via           string           `cbor:"5,keyasint" json:"via"`
	Documentation domain.Sealed    `cbor:"6,keyasint,omitempty" json:"documentation,omitempty"` // under leaf 0
}

// AccessRevoked records that access ended before its time: revoked by the owner or an officer, or given up by who had it.
type AccessRevoked struct {
	Grant   domain.GrantID   `cbor:"1,keyasint" json:"grant"`
	Grantee domain.MailboxID `cbor:"2,keyasint" json:"grantee"`
}

func (AccessRequested) EventType() string { return "mailbox.access-requested" }
func (AccessDeclined) EventType() string  { return "mailbox.access-declined" }
func (AccessGranted) EventType() string   { return "mailbox.access-granted" }
func (AccessRevoked) EventType() string   { return "mailbox.access-revoked" }

func (e AccessRequested) evolve(s *State) { s.Requests[e.Grant] = Request{e.Grantee, e.Right, e.Until} }
func (e AccessDeclined) evolve(s *State)  { delete(s.Requests, e.Grant) }
func (e AccessGranted) evolve(s *State) {
	delete(s.Requests, e.Grant)
	s.Grants[e.Grant] = access.Grant{Grantee: e.Grantee, Right: e.Right, Until: e.Until}
}
func (e AccessRevoked) evolve(s *State) { delete(s.Grants, e.Grant) }

// By is a command given under a right that must hold when it is appended, not only when it was asked for: another event may have ended it in between.
type By struct {
	Command
	Principal access.Principal
	Action    access.Action
	Mailbox   domain.MailboxID
	Now       time.Time
}

func (c By) decide(s State) ([]Event, error) {
	if d := access.Decide(c.Principal, c.Action, access.Mailbox{ID: c.Mailbox, Grants: s.Grants}, c.Now); d.Right == access.None {
		return nil, domain.Refuse(d.Why)
	}
	return c.Command.decide(s)
}

// RequestAccess asks the owner for access. Whether owner and grantee have a mailbox is known before.
type RequestAccess struct {
	Requested AccessRequested
	Mailbox   domain.MailboxID
	Now       time.Time
}

func (c RequestAccess) decide(s State) ([]Event, error) {
	r := c.Requested
	if r.Right == access.Designated {
		return nil, domain.Refuse(AccessKind)
	}
	if err := s.takesGrant(c.Mailbox, r.Grantee, r.Right, r.Until, c.Now); err != nil {
		return nil, err
	}
	for _, q := range s.Requests {
		if q.Grantee == r.Grantee && q.Right == r.Right {
			return nil, domain.Refuse(AccessDuplicate)
		}
	}
	return []Event{r}, nil
}

// takesGrant tells whether a grant may be made or asked for.
func (s State) takesGrant(owner, grantee domain.MailboxID, r access.Right, until, now time.Time) error {
	switch {
	case s.Owner == "":
		return domain.Refuse(NotOpen)
	case !r.Delegated():
		return domain.Refuse(AccessKind)
	case grantee == owner:
		return domain.Refuse(AccessSelf)
	case !until.IsZero() && !now.Before(until):
		return domain.Refuse(AccessPast)
	}
	open := len(s.Requests)
	for _, g := range s.Grants {
		if !g.InForce(now) {
			continue
		}
		if open++; g.Grantee == grantee && g.Right == r {
			return domain.Refuse(AccessDuplicate)
		}
	}
	if open >= MaxGrants {
		return domain.Refuse(AccessTooMany)
	}
	return nil
}

// GiveAccess grants access: of the owner's own accord, at the municipality, or, with a request's id, as an answer to it.
type GiveAccess struct {
	Granted AccessGranted
	Mailbox domain.MailboxID
	Now     time.Time
}

func (c GiveAccess) decide(s State) ([]Event, error) {
	g := c.Granted
	if _, taken := s.Grants[g.Grant]; taken {
		return nil, domain.Refuse(AccessDuplicate)
	}
	if (g.Right == access.Designated) != (g.Via == ViaOperator) {
		return nil, domain.Refuse(AccessKind) // designated access is the operator's to grant, and it grants no other
	}
	if err := s.takesGrant(c.Mailbox, g.Grantee, g.Right, g.Until, c.Now); err != nil {
		return nil, err
	}
	return []Event{g}, nil
}

// Approve answers a request with what it asks for.
type Approve struct {
	Grant   domain.GrantID
	Mailbox domain.MailboxID
	Via     string
	Now     time.Time
}

func (c Approve) decide(s State) ([]Event, error) {
	if _, done := s.Grants[c.Grant]; done {
		return nil, nil
	}
	r, ok := s.Requests[c.Grant]
	if !ok {
		return nil, domain.Refuse(RequestClosed)
	}
	without := s.clone()
	delete(without.Requests, c.Grant)
	s = without
	return GiveAccess{Granted: AccessGranted{Grant: c.Grant, Grantee: r.Grantee, Right: r.Right, Until: r.Until, Via: c.Via}, Mailbox: c.Mailbox, Now: c.Now}.decide(s)
}

// Decline turns a request down, or takes it back.
type Decline struct{ Grant domain.GrantID }

func (c Decline) decide(s State) ([]Event, error) {
	r, ok := s.Requests[c.Grant]
	if !ok {
		return nil, domain.Refuse(RequestClosed)
	}
	return []Event{AccessDeclined{Grant: c.Grant, Grantee: r.Grantee}}, nil
}

// Revoke ends access at once, on every platform: for its owner or an officer, or for who has it and gives it up.
type Revoke struct{ Grant domain.GrantID }

func (c Revoke) decide(s State) ([]Event, error) {
	g, ok := s.Grants[c.Grant]
	if !ok {
		return nil, domain.Refuse(AccessNotFound)
	}
	return []Event{AccessRevoked{Grant: c.Grant, Grantee: g.Grantee}}, nil
}
