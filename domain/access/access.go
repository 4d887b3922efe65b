// Package access decides who may do what with a mailbox. It is one pure function over one table.
package access

import (
	"time"

	"digitalpost/domain"
)

// An Action is what somebody wants to do with a mailbox.
type Action uint8

// Actions.
const (
	List         Action = iota // see folders, counts and messages
	Open                       // see a document's content
	Mark                       // read, unread, flag, note
	Organise                   // move; create, rename and move folders; out of DELETED too
	DeleteFolder               // one that is empty
	Trash                      // put into DELETED, by DELETE or by a move
	Purge                      // delete for good
	Write                      // write and answer
	Forward                    // send on
	GrantAccess                // grant, approve, decline and revoke
	Settings                   // consents, language, cancelling an exemption
	SeeAccess                  // see who has access
	SeeLooks                   // see who has seen the mailbox
	Exempt                     // decide on exemption
	Shred                      // end the mailbox
	Texts                      // NemSMS: register, opt out
	actions                    // how many there are
)

var actionNames = [actions]string{
	"list", "open", "mark", "organise", "delete folder", "trash", "purge", "write", "forward", "grant access",
	"settings", "see access", "see looks", "exempt", "shred", "texts",
}

func (a Action) String() string { return actionNames[a] }

// Actions are all of them.
func Actions() (all []Action) {
	for a := range actions {
		all = append(all, a)
	}
	return all
}

// A Right is why somebody may: what they are to the mailbox.
type Right string

// Rights. Those of grants, then those of privileges, which an identity brings along.
const (
	None       Right = ""
	Owner      Right = "OWNER"
	Read       Right = "READ"       // læseadgang
	ReadWrite  Right = "READ_WRITE" // læse- og skriveadgang
	Designated Right = "DESIGNATED" // curator, liquidator, administrator, estate

	Administrator   Right = "ORGANISATION_ADMINISTRATOR"
	Writer          Right = "MESSAGE_WRITE"
	Basic           Right = "MESSAGE_BASIC"
	LegalOwner      Right = "LEGAL_OWNER" // a sole signatory, with a private MitID
	Association     Right = "ASSOCIATION" // a user of an association's mailbox
	Officer         Right = "CITIZEN_SERVICE_EMPLOYEE"
	BusinessOfficer Right = "DANISH_BUSINESS_AUTHORITY_SERVICE_EMPLOYEE"
	Operator        Right = "OPERATOR"
	Auditor         Right = "AUDITOR"
)

// Rights are all that somebody can have, in the order in which the first that allows is taken.
var Rights = []Right{
	Owner, Administrator, LegalOwner, Writer, Association, Basic, ReadWrite, Read, Designated, Officer,
	BusinessOfficer, Operator, Auditor,
}

// all is what an owner may: whoever may all.
var all = []Action{
	List, Open, Mark, Organise, DeleteFolder, Trash, Purge, Write, Forward, GrantAccess, Settings, SeeAccess, SeeLooks,
	Texts,
}

// may is the table: what each right allows. Delegates don't delete for good, nor grant: access never widens along a
// chain.
var may = map[Right][]Action{
	Owner:           all,
	Read:            {List, Open, Mark, Organise, Forward, SeeAccess, SeeLooks},
	ReadWrite:       {List, Open, Mark, Organise, DeleteFolder, Trash, Write, Forward, SeeAccess, SeeLooks},
	Designated:      {List, Open, SeeAccess, SeeLooks},
	Administrator:   all,
	LegalOwner:      all,
	Writer:          {List, Open, Mark, Organise, DeleteFolder, Trash, Purge, Write, Forward, SeeLooks},
	Association:     {List, Open, Mark, Organise, DeleteFolder, Trash, Purge, Write, Forward},
	Basic:           {List, Open, Mark, Organise},
	Officer:         {GrantAccess, SeeAccess, Exempt, Texts},
	BusinessOfficer: {GrantAccess, SeeAccess, Exempt, Texts},
	Operator:        {GrantAccess, SeeAccess, Shred},
	Auditor:         {SeeAccess, SeeLooks},
}

// Allows reports whether a right allows an action.
func (r Right) Allows(a Action) bool {
	for _, x := range may[r] {
		if x == a {
			return true
		}
	}
	return false
}

// SeesContent reports whether a right shows anything that was written.
func (r Right) SeesContent() bool { return r.Allows(List) || r.Allows(Open) }

// Delegated reports whether a right comes of a grant. It never shows private post.
func (r Right) Delegated() bool { return r == Read || r == ReadWrite || r == Designated }

// A Privilege is a right that an identity brings along: of one mailbox, or (zero) of all, for officers, operators and
// auditors.
type Privilege struct {
	Right   Right
	Mailbox domain.MailboxID
}

// A Machine is who acts where no person does. Its text is how the log names the actor.
type Machine string

// Machines.
const (
	Clock      Machine = "clock"    // a date has come
	System     Machine = "system"   // an organisation's sender or recipient system
	Register   Machine = "register" // the register of persons or companies
	Operations Machine = "operator" // whoever runs the server, at its console
	Backbone   Machine = "backbone" // the backbone itself, where it delivers what was sent
	Forwarder  Machine = "mailbox"  // another mailbox, whose owner sends a message on
)

// A Principal is who asks, and through which platform.
type Principal struct {
	Identity     domain.MailboxID // the mailbox of the person, or of the company that a professional acts for
	Person       domain.UUID      // of a professional: who it is
	Platform     string
	Professional bool // acts by privileges alone
	Privileges   []Privilege
	Until        time.Time             // when the proof of who it is ends; zero: never
	Assurance    uint8                 // of the sign-in, from 1 (low) to 3 (high); 0: none is known
	Authority    domain.OrganisationID // for which somebody in an office acts; zero: none
	// Citizen is the mailbox of the person that a professional is, where their sign-in says it; zero: it does not.
	Citizen domain.MailboxID
	// Mandate is why somebody in an office does what they do now: what they opened before, with its purpose; zero:
	// none.
	Mandate domain.UUID
}

// A Grant gives one identity access to a mailbox.
type Grant struct {
	Grantee domain.MailboxID `cbor:"1,keyasint"`
	Right   Right            `cbor:"2,keyasint"` // READ, READ_WRITE or DESIGNATED
	// Until is when access ends: the end of the named day in Copenhagen; zero: no end.
	Until time.Time `cbor:"3,keyasint,omitzero"`
}

// InForce reports whether a grant counts at a time.
func (g Grant) InForce(now time.Time) bool { return g.Until.IsZero() || now.Before(g.Until) }

// A Mailbox is what decides about access to it.
type Mailbox struct {
	ID     domain.MailboxID
	Grants map[domain.GrantID]Grant
}

// A Decision is the answer: by which right, and under which grant; or Why not.
type Decision struct {
	Right Right // None: no
	Grant domain.GrantID
	Why   domain.Reason
}

// Why somebody may not.
const (
	NoAccess   domain.Reason = "access.none"    // nothing to do with the mailbox, or access that has ended
	NotAllowed domain.Reason = "access.limited" // there is a right, and it does not go so far
	// NoAuthority is for somebody in an office whose sign-in does not say for which authority they act.
	NoAuthority domain.Reason = "office.authority.missing"
)

// Decide reports whether a principal may do something with a mailbox, by the strongest right that allows it. An office
// gives no right to one's own mailbox.
func Decide(p Principal, a Action, m Mailbox, now time.Time) Decision {
	held := map[Right]domain.GrantID{}
	if p.Identity == m.ID && !p.Professional && m.ID != (domain.MailboxID{}) {
		held[Owner] = domain.GrantID{}
	}

	for _, x := range p.Privileges {
		if x.Right.InOffice() && p.Identity == m.ID && m.ID != (domain.MailboxID{}) {
			continue // nobody is at the counter on both sides of it
		}
		if x.Right.InOffice() && x.Mailbox == (domain.MailboxID{}) || !x.Right.InOffice() && x.Mailbox == m.ID {
			held[x.Right] = domain.GrantID{}
		}
	}

	for id, g := range m.Grants {
		if g.Grantee == p.Identity && g.InForce(now) && g.Right.Delegated() && UsesGrants(p) {
			held[g.Right] = id
		}
	}

	for _, r := range Rights {
		if grant, ok := held[r]; ok && r.Allows(a) {
			return Decision{Right: r, Grant: grant}
		}
	}

	if len(held) > 0 {
		return Decision{Why: NotAllowed}
	}

	return Decision{Why: NoAccess}
}

// InOffice reports whether a right is held by an office, for all mailboxes.
func (r Right) InOffice() bool {
	return r == Officer || r == BusinessOfficer || r == Operator || r == Auditor
}

// UsesGrants reports whether a principal may use, ask for and give up what others grant to its identity: a person, and
// of a company those who write for it.
func UsesGrants(p Principal) bool {
	if p.Identity == (domain.MailboxID{}) {
		return false
	}
	if !p.Professional {
		return true
	}
	for _, x := range p.Privileges {
		if (x.Right == Administrator || x.Right == Writer) && x.Mailbox == p.Identity {
			return true
		}
	}
	return false
}

// Holds reports whether a principal comes with an office's right.
func (p Principal) Holds(r Right) bool {
	for _, x := range p.Privileges {
		if x.Right == r && r.InOffice() && x.Mailbox == (domain.MailboxID{}) {
			return true
		}
	}

	return false
}

// InOffice reports whether a principal comes with any office's right.
func (p Principal) InOffice() bool {
	return p.Holds(Officer) || p.Holds(BusinessOfficer) || p.Holds(Operator) || p.Holds(Auditor)
}
