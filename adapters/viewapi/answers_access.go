package viewapi

import (
	accesshall "digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/exemption"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// A Granted is what access and a request for it both say.
type Granted struct {
	Resource
	CreatedDateTime  string           `json:"createdDateTime"`
	LastUpdated      string           `json:"lastUpdated"`
	MailboxID        domain.MailboxID `json:"mailboxId"`
	IdentityID       domain.MailboxID `json:"identityId"` // who has it, or asks for it
	Privileges       []access.Right   `json:"privileges"`
	PrivilegeEndDate string           `json:"privilegeEndDate,omitempty"` // the last day; absent: no end
	State            string           `json:"state"`
	GrantedVia       string           `json:"grantedVia,omitempty"` // by whose office; absent: by nobody yet
	OwnerName        string           `json:"ownerName"`
	IdentityName     string           `json:"identityName"`
}

// An Access is access to a mailbox: another's, or one's own. One's own says what one is told of.
type Access struct {
	Granted
	AccessType string `json:"accessType"` // OWNER or PARTY_REPRESENTATIVE
	Notifications
}

// An AccessSearchResult is a page of access for others.
type AccessSearchResult struct {
	Page
	Accesses Listed[Access] `json:"accesses"`
}

// An AccessRequest is a request for access to another's mailbox.
type AccessRequest struct {
	Granted
	RequestType  string   `json:"requestType"` // PRIVILEGE_REQUEST
	RequestState string   `json:"requestState"`
	Requester    Identity `json:"requester"`
	AccessTo     Identity `json:"accessTo"`
}

// An Identity is a person or company that access is about.
type Identity struct {
	IdentityID        domain.MailboxID `json:"identityId"`
	FirstNameResolved string           `json:"firstNameResolved"` // the whole name
}

// An AccessRequestSearchResult is a page of requests for access.
type AccessRequestSearchResult struct {
	Page
	AccessRequests Listed[AccessRequest] `json:"accessRequests"`
}

// grantedOf shows access with its names, its last day and where it stands.
func grantedOf(x accesshall.Given) Granted {
	state := x.Row.State
	if state == mailbox.Granted && x.Over {
		state = mailbox.Expired
	}
	return Granted{
		Resource:        Resource{domain.UUID(x.ID), x.Row.Version},
		CreatedDateTime: stamp(x.Row.Shown.At), LastUpdated: stamp(x.Row.Shown.Last),
		MailboxID: x.Mailbox, IdentityID: x.Row.Grant.Grantee,
		Privileges: []access.Right{x.Row.Grant.Right}, PrivilegeEndDate: accesshall.LastDay(x.Row.Grant.Until),
		State: state, GrantedVia: x.Row.Shown.Via,
		OwnerName: x.Owner, IdentityName: x.Grantee,
	}
}

// accessOf shows access for another.
func accessOf(x accesshall.Given) Access {
	return Access{Granted: grantedOf(x), AccessType: "PARTY_REPRESENTATIVE"}
}

// requestOf shows a request for access. One that was granted stays so when the access has ended by its time.
func requestOf(x accesshall.Given) AccessRequest {
	answer := x.Row.State
	if answer == mailbox.Expired {
		answer = mailbox.Granted
	}
	return AccessRequest{
		Granted:     grantedOf(x),
		RequestType: "PRIVILEGE_REQUEST", RequestState: answer,
		Requester: Identity{x.Row.Grant.Grantee, x.Grantee},
		AccessTo:  Identity{x.Mailbox, x.Owner},
	}
}

// A DirectPrivilege is access to a mailbox, as NgDP's privileges have it.
type DirectPrivilege struct {
	Resource
	CreatedDate string           `json:"createdDate"`
	LastUpdated string           `json:"lastUpdated"`
	GranteeID   domain.MailboxID `json:"granteeId"`
	IssuerID    domain.MailboxID `json:"issuerId"`
	ScopeID     domain.MailboxID `json:"scopeId"` // the mailbox
	Type        access.Right     `json:"type"`
	Source      string           `json:"source"`
	ActiveTo    string           `json:"activeTo,omitempty"` // the last day; absent: no end
}

// A DirectPrivilegeSearchResult is a page of privileges.
type DirectPrivilegeSearchResult struct {
	Page
	DirectPrivileges Listed[DirectPrivilege] `json:"directPrivileges"`
}

// privilegeOf shows access as a privilege.
func privilegeOf(x accesshall.Given) DirectPrivilege {
	return DirectPrivilege{
		Resource:    Resource{domain.UUID(x.ID), x.Row.Version},
		CreatedDate: stamp(x.Row.Shown.At), LastUpdated: stamp(x.Row.Shown.Last),
		GranteeID: x.Row.Grant.Grantee, IssuerID: x.Mailbox, ScopeID: x.Mailbox,
		Type: x.Row.Grant.Right, Source: x.Row.Shown.Via, ActiveTo: accesshall.LastDay(x.Row.Grant.Until),
	}
}

// An Exemption is an exemption as its owner sees it: their receipt, which names no criterion.
type Exemption struct {
	Resource
	MailboxID       domain.MailboxID `json:"mailboxId"`
	ExemptionStatus string           `json:"exemptionStatus"` // APPLIED, EXEMPT, REFUSED or REVOKED
	Date            string           `json:"date"`
	LastUpdated     string           `json:"lastUpdated"`
	ExemptByProxy   bool             `json:"exemptByProxy"`
	Grounds         string           `json:"grounds,omitempty"` // of a refusal
}

// An ExemptionCase is an exemption as officers see it.
type ExemptionCase struct {
	Exemption
	Criteria           []string `json:"criteria"`
	AlternativeAddress string   `json:"alternativeAddress"` // empty: none
	ForwardToAddress   bool     `json:"forwardToAddress"`
	EndedBy            string   `json:"endedBy"` // empty: it has not ended
}

// exemptionOf shows an exemption to its owner.
func exemptionOf(x exemption.Status) Exemption {
	return Exemption{
		Resource:  Resource{domain.UUID(x.Row.ID), x.Row.Version},
		MailboxID: x.Mailbox, ExemptionStatus: x.Row.Shown.Status,
		Date: stamp(x.Row.Shown.At), LastUpdated: stamp(x.Row.Shown.Last),
		ExemptByProxy: x.Row.Shown.Proxy, Grounds: x.Grounds,
	}
}

// caseOf shows an exemption to officers.
func caseOf(x exemption.Status) ExemptionCase {
	return ExemptionCase{
		Exemption: exemptionOf(x),
		Criteria:  append([]string{}, x.Criteria...), AlternativeAddress: x.Address, ForwardToAddress: x.Address != "",
		EndedBy: x.Row.Shown.By,
	}
}

// A FoundOwner is a citizen or company as an officer finds them by number.
type FoundOwner struct {
	MailboxID    domain.MailboxID `json:"mailboxId"`
	OwnerType    string           `json:"ownerType"`
	OwnerName    string           `json:"ownerName"`
	Municipality string           `json:"municipality,omitempty"`
	Exemption    *ExemptionCase   `json:"exemption,omitempty"` // absent: there never was any
}

// An ExemptionSearchResult is a page of exemptions.
type ExemptionSearchResult struct {
	Page
	Exemptions Listed[ExemptionCase] `json:"exemptions"`
}

func foundOf(f exemption.Found) FoundOwner {
	out := FoundOwner{
		MailboxID: f.Person.Mailbox, OwnerType: ownerTypeOf(f.Person.Kind), OwnerName: f.Person.Name,
		Municipality: f.Person.Municipality,
	}
	if f.Exemption.Row.Version > 0 {
		x := caseOf(f.Exemption)
		out.Exemption = &x
	}
	return out
}
