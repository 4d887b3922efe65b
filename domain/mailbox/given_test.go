package mailbox_test

import (
	"fmt"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/mailbox"
)

// A scenario is a row of a rule book of this package. A number in brackets in its name is that of the edge case.
type scenario = domaintest.Scenario[mailbox.Command, mailbox.Order, mailbox.Event]

// A history is what has happened in a mailbox.
type history []mailbox.Event

// given begins a history.
func given(es ...mailbox.Event) history { return es }

// and gives a longer history, and leaves h as it is.
func (h history) and(es ...mailbox.Event) history { return append(h[:len(h):len(h)], es...) }

// then is what a command leads to.
func then(es ...mailbox.Event) []mailbox.Event { return es }

var (
	refused = domaintest.Refused
	stale   = domaintest.Stale
)

// Things that the rows are about.
var (
	m1, m2     = domain.MessageID{1}, domain.MessageID{2}
	f1, f2, f3 = domain.FolderID{1}, domain.FolderID{2}, domain.FolderID{3}
	g1, g2     = domain.GrantID{1}, domain.GrantID{2}
	top        = domain.FolderID{}
	nameA      = domain.UUID{'a'}
	nameB      = domain.UUID{'b'}
	sys        = domain.SystemID{7}
	noon       = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// Who acts: the owner, somebody whom the owner may have let in, and somebody whom nobody knows.
var own, helper, stranger = domain.MailboxID{1}, domain.MailboxID{2}, domain.MailboxID{200}

// as is a person with an identity, who acts by no privilege.
func as(identity domain.MailboxID) mailbox.Caller {
	return mailbox.Caller{
		Principal: access.Principal{Identity: identity, Platform: "app"}, Mailbox: own, Now: noon,
	}
}

// office is somebody of another mailbox who acts by a privilege for all.
func office(r access.Right) mailbox.Caller {
	by := as(stranger)
	by.Principal.Professional, by.Principal.Privileges = true, []access.Privilege{{Right: r}}

	return by
}

// machine acts where no person does.
func machine(m access.Machine) mailbox.Caller {
	return mailbox.Caller{Machine: m, Mailbox: own, Now: noon}
}

// by says who gives a row's command.
func by(c mailbox.Caller) func(mailbox.Command) mailbox.Order {
	return func(cmd mailbox.Command) mailbox.Order { return mailbox.Order{Command: cmd, By: c} }
}

// order says who gives a command where a row does not: the owner, or the machine or office whose affair it is.
func order(c mailbox.Command) mailbox.Order {
	caller := as(own)

	switch c := c.(type) {
	case mailbox.OpenDue:
		if caller = machine(access.Clock); c.SignIn {
			caller = machine(access.Register)
		}
	case mailbox.EndAlias:
		caller = machine(access.Clock)
	case mailbox.Open, mailbox.RegisterSays:
		caller = machine(access.Register)
	case mailbox.Receive, mailbox.QueueNemSMS, mailbox.Recall, mailbox.HandOver, mailbox.Take, mailbox.GiveReceipt:
		caller = machine(access.System)
	case mailbox.Release:
		caller = machine(access.Clock)
	case mailbox.PassLeaves, mailbox.Shred:
		caller = machine(access.Operations)
	case mailbox.RequestNotice, mailbox.EndNotice, mailbox.EndNemSMS:
		caller = machine(access.Backbone)
	case mailbox.RequestAccess:
		caller = as(c.Requested.Grantee)
	case mailbox.GrantAccess:
		if c.Granted.Via == mailbox.ViaMunicipality {
			caller = office(access.Officer)
		} else if c.Granted.Via == mailbox.ViaOperator {
			caller = office(access.Operator)
		}
	case mailbox.ApplyForExemption, mailbox.GrantExemption, mailbox.RefuseExemption, mailbox.SetPostalAddress:
		caller = office(access.Officer)
	case mailbox.RevokeExemption:
		if c.By == mailbox.ByMunicipality {
			caller = office(access.Officer)
		} else if c.By == mailbox.ByReturn {
			caller = machine(access.Register)
		}
	}

	return mailbox.Order{Command: c, By: caller}
}

// app is what the owner is shown in the app.
var app = mailbox.Lens{Private: "app"}

// at is a message in the app, at any version.
func at(m domain.MessageID) mailbox.Target { return mailbox.Target{Message: m, Lens: app} }

// atVersion is a message in the app, at a version.
func atVersion(m domain.MessageID, version uint32) mailbox.Target {
	return mailbox.Target{Message: m, Lens: app, Version: version}
}

// sealing seals words so that the leaf is seen under which they were.
func sealing(words string) domain.Seal {
	return func(leaf uint32) (domain.Sealed, error) { return sealed(words, leaf), nil }
}

// sealed is what sealing makes of words.
func sealed(words string, leaf uint32) domain.Sealed {
	return fmt.Appendf(nil, "%s under %d", words, leaf)
}

func letter(m domain.MessageID, leaf uint32) mailbox.Letter { return letterOn("", m, leaf) }

// letterOn is a letter of private post.
func letterOn(platform string, m domain.MessageID, leaf uint32) mailbox.Letter {
	l := mailbox.Letter{Message: m, Leaf: leaf, System: sys, Platform: platform}
	if platform != "" {
		l.ConsentBasis = "CONTRACT"
	}

	return l
}

func delivered(m domain.MessageID, leaf uint32) mailbox.Event { return deliveredOn("", m, leaf) }

// deliveredOn is private post that came.
func deliveredOn(platform string, m domain.MessageID, leaf uint32) mailbox.Event {
	l := letterOn(platform, m, leaf)
	return mailbox.MessageDelivered{Message: m, Letter: &l}
}

// released is the delivery of a message that was scheduled.
func released(m domain.MessageID) mailbox.Event { return mailbox.MessageDelivered{Message: m} }

func read(m domain.MessageID) mailbox.Event { return mailbox.MessageMarkedRead{Message: m} }

func moved(m domain.MessageID, from, to domain.FolderID) mailbox.Event {
	return mailbox.MessageMoved{Message: m, From: from, To: to}
}

func trashed(m domain.MessageID, from domain.FolderID) mailbox.Event {
	return mailbox.MessageTrashed{Message: m, From: from}
}

func purged(m domain.MessageID, leaf uint32) mailbox.Event {
	return mailbox.MessagePurged{Message: m, Leaf: leaf, From: mailbox.Deleted}
}

func folder(f, parent domain.FolderID, leaf uint32, name domain.UUID) mailbox.Event {
	return mailbox.FolderCreated{Folder: f, Parent: parent, Leaf: leaf, NameKey: name}
}

func folderDeleted(f domain.FolderID, leaf uint32) mailbox.Event {
	return mailbox.FolderDeleted{Folder: f, Leaf: leaf}
}

// Histories that many rows begin with.
var (
	opened   = mailbox.Opened{Owner: mailbox.Citizen}
	open     = given(opened)
	here     = open.and(delivered(m1, 1))
	foldered = here.and(folder(f1, top, 2, nameA))
	inF1     = foldered.and(moved(m1, mailbox.Inbox, f1))
	inTrash  = here.and(trashed(m1, mailbox.Inbox))
	due      = open.and(mailbox.MessageScheduled{Letter: letter(m1, 1), Due: noon})
	gone     = inTrash.and(purged(m1, 1))
	helped   = here.and(granted)
)

// stateOf gives the state that a row's command is decided on, another one with each call.
func stateOf(row scenario) mailbox.State { return domaintest.State(mailbox.Decider, row) }
