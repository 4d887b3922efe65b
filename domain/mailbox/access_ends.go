package mailbox

import (
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// AccessRevoked records that access ended before its time: revoked by the owner or an officer, or given up by who had
// it.
type AccessRevoked struct {
	Grant   domain.GrantID   `cbor:"1,keyasint" json:"grant"`
	Grantee domain.MailboxID `cbor:"2,keyasint" json:"grantee"`
}

// EventType is the stored name.
func (AccessRevoked) EventType() string { return "mailbox.access-revoked" }

// Effect is on the grant, and on who reads.
func (e AccessRevoked) Effect() domain.Effect { return onReaders(onGrant(e.Grant, e.Grantee)) }

func (e AccessRevoked) evolve(s *State, at domain.Moment) { s.endGrant(e.Grant, at, Revoked) }

// AccessExpired records that access has ended at the end of the day that was named when it was granted.
type AccessExpired struct {
	Grant   domain.GrantID   `cbor:"1,keyasint" json:"grant"`
	Grantee domain.MailboxID `cbor:"2,keyasint" json:"grantee"`
}

// EventType is the stored name.
func (AccessExpired) EventType() string { return "mailbox.access-expired" }

// Effect is on the grant, and on who reads.
func (e AccessExpired) Effect() domain.Effect { return onReaders(onGrant(e.Grant, e.Grantee)) }

func (e AccessExpired) evolve(s *State, at domain.Moment) { s.endGrant(e.Grant, at, Expired) }

// Decline turns a request down, or takes it back.
type Decline struct {
	Grant   domain.GrantID
	Version uint32
}

func (c Decline) needs() domain.Parts { return domain.Parts{Grants: []domain.GrantID{c.Grant}} }

func (c Decline) leave(s *State) Leave { return s.endsGrant(c.Grant) }

// endsGrant lets those end access who may grant it, and who has it or asked for it.
func (s *State) endsGrant(id domain.GrantID) Leave {
	return Leave{Actions: []access.Action{access.GrantAccess}, Grantee: s.grant(id).Grant.Grantee}
}

func (c Decline) decide(s *State) ([]Event, error) {
	r, err := s.grantAt(c.Grant, c.Version)
	if err != nil {
		return nil, err
	}

	if r.State != Requested {
		return nil, domain.Refuse(RequestClosed)
	}

	return []Event{AccessDeclined{Grant: c.Grant, Grantee: r.Grant.Grantee}}, nil
}

// Revoke ends access at once, on every platform: for its owner or an officer, or for who has it and gives it up.
type Revoke struct {
	Grant   domain.GrantID
	Version uint32
}

func (c Revoke) needs() domain.Parts {
	return domain.Parts{AllGrants: true, Grants: []domain.GrantID{c.Grant}}
}

func (c Revoke) leave(s *State) Leave { return s.endsGrant(c.Grant) }

func (c Revoke) decide(s *State) ([]Event, error) {
	g, err := s.grantAt(c.Grant, c.Version)
	if err != nil {
		return nil, err
	}

	if g.State != Granted {
		return nil, domain.Refuse(AccessNotFound)
	}

	return append([]Event{AccessRevoked{Grant: c.Grant, Grantee: g.Grant.Grantee}},
		endsWith(s, c.Grant, g.Grant.Grantee)...), nil
}

// Expire records the end of access whose time is over. It is the clock's.
type Expire struct {
	Grant domain.GrantID
	At    time.Time
}

func (c Expire) needs() domain.Parts {
	return domain.Parts{AllGrants: true, Grants: []domain.GrantID{c.Grant}}
}

func (Expire) leave(*State) Leave { return Leave{Machines: []access.Machine{access.Clock}} }

func (c Expire) decide(s *State) ([]Event, error) {
	g := s.grant(c.Grant)
	if g.State != Granted || g.Grant.InForce(c.At) {
		return nil, nil
	}

	return append([]Event{AccessExpired{Grant: c.Grant, Grantee: g.Grant.Grantee}},
		endsWith(s, c.Grant, g.Grant.Grantee)...), nil
}
