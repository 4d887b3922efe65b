package mailbox_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/mailbox"
)

// machines are all of them, and one that nobody knows.
var machines = []access.Machine{
	access.Clock, access.System, access.Register, access.Operations, access.Backbone, access.Forwarder, "nobody",
}

// holder gives somebody who has a right and no other to the mailbox, and the state once they have it.
func holder(r access.Right, s mailbox.State) (mailbox.Caller, mailbox.State) {
	by := as(stranger)

	switch r {
	case access.Owner:
		by = as(own)
	case access.Read, access.ReadWrite, access.Designated:
		e := mailbox.AccessGranted{Grant: domain.GrantID{200}, Grantee: stranger, Right: r, Via: mailbox.ViaOwner}
		s = mailbox.Decider.Evolve(s.Clone(), e, domain.Moment{Type: e.EventType()})
	case access.Officer, access.BusinessOfficer, access.Operator, access.Auditor:
		by = office(r)
	default:
		by.Principal.Professional, by.Principal.Privileges = true, []access.Privilege{{Right: r, Mailbox: own}}
	}

	return by, s
}

// allows reports whether a right's row of the table has every action.
func allows(r access.Right, actions []access.Action) bool {
	for _, a := range actions {
		if !r.Allows(a) {
			return false
		}
	}

	return true
}

// refusedAccess reports whether a caller may not give a command, and no events came of it.
func refusedAccess(s mailbox.State, c mailbox.Command, by mailbox.Caller) bool {
	events, err := mailbox.Decider.Decide(s, mailbox.Order{Command: c, By: by})
	r, _ := domain.Refused(err)

	return len(events) == 0 && (r == mailbox.NoAccess || r == mailbox.AccessLimited)
}

// A command is refused to whoever lacks one of the actions that it needs, and to each machine that it does not name. It
// is not refused access to those who have all, nor to its own machines.
func TestLeaves(t *testing.T) {
	everyRow(t, func(t *testing.T, row scenario) {
		if row.Err != nil {
			return
		}

		c := row.When
		leave := mailbox.LeaveOf(stateOf(row), c)
		if reflect.DeepEqual(leave, mailbox.Leave{}) {
			t.Fatalf("%T is accepted, and its leave %+v names nobody", c, leave)
		}

		rightsOf(t, stateOf(row), c, leave)
		machinesOf(t, stateOf(row), c, leave)

		if by := as(stranger); !refusedAccess(stateOf(row), c, by) {
			t.Errorf("Decide(%+v) by one with no right is not refused", c)
		}

		if by := as(domain.MailboxID{}); !refusedAccess(stateOf(row), c, by) {
			t.Errorf("Decide(%+v) by one who is nobody is not refused", c)
		}
	})
}

// rightsOf tries a command by every right.
func rightsOf(t *testing.T, state mailbox.State, c mailbox.Command, leave mailbox.Leave) {
	t.Helper()

	for _, r := range access.Rights {
		by, s := holder(r, state)
		may := len(leave.Actions) > 0 && allows(r, leave.Actions)

		if got := refusedAccess(s, c, by); got == may {
			t.Errorf("Decide(%+v) by %s: refused access = %v, want %v; it needs %v", c, r, got, !may, leave.Actions)
		}
	}
}

// machinesOf tries a command by every machine.
func machinesOf(t *testing.T, state mailbox.State, c mailbox.Command, leave mailbox.Leave) {
	t.Helper()

	for _, m := range machines {
		may := slices.Contains(leave.Machines, m)
		if got := refusedAccess(state, c, machine(m)); got == may {
			t.Errorf("Decide(%+v) by the %s: refused access = %v, want %v; it names %v",
				c, m, got, !may, leave.Machines)
		}
	}
}

// A command whose leave says nothing is nobody's, alone or among others.
func TestNobodysCommand(t *testing.T) {
	state := domain.Fold(mailbox.Decider, here...)
	mark := mailbox.MarkRead{Target: at(m1), Read: true}

	for _, c := range []mailbox.Command{
		mailbox.Nobodys{}, mailbox.All{}, mailbox.All{mailbox.Nobodys{}}, mailbox.All{mark, mailbox.Nobodys{}},
	} {
		for _, r := range access.Rights {
			if by, s := holder(r, state); !refusedAccess(s, c, by) {
				t.Errorf("Decide(%#v) by %s is not refused", c, r)
			}
		}

		for _, m := range machines {
			if !refusedAccess(state, c, machine(m)) {
				t.Errorf("Decide(%#v) by the %s is not refused", c, m)
			}
		}
	}
}

// Every type of command has a row in which it is accepted: what holds of every row holds of every command.
func TestEachCommandHasARow(t *testing.T) {
	domaintest.Accepted(t, slices.Concat(slices.Collect(maps.Values(books))...), "All", "Each")
}

// Every type of event is in a row: what holds of every row holds of every event.
func TestEachEventHasARow(t *testing.T) {
	tried := map[string]bool{}
	for _, rows := range books {
		for _, row := range rows {
			for _, e := range append(given(row.Given...), row.Then...) {
				tried[e.EventType()] = true
			}
		}
	}

	for _, name := range mailbox.Codec.Names() {
		if !tried[name] {
			t.Errorf("no row has a %s", name)
		}
	}
}

// leaves is a line for each command and each leave that it has in some state: the actions that a person must be
// allowed, the machines that may give it, and others who may.
const leaves = `
ApplyForExemption  exempt
Approve            grant access
Check              list
CheckFolder        organise
ConfirmContact     settings
ConfirmContact     texts
Consent            settings | register
ConsentToSender    settings
CreateFolder       organise
Decline            grant access | grantee
Delete             purge
Delete             trash
Delete             write
DeleteFolder       delete folder
EndAlias           clock
EndNemSMS          backbone
EndNotice          backbone
Expire             clock
Flag               mark
Forward            forward
GiveReceipt        backbone system
GrantAccess        grant access
GrantExemption     exempt
HandOver           backbone system
MarkRead           mark
Move               organise
Move               organise trash
MoveFolder         organise
Open               register
OpenDue            clock
OpenDue            register
OptOutNemSMS       texts
PassLeaves         operator
QueueNemSMS        system
Recall             system
Receive            mailbox system
RefuseExemption    exempt
RegisterNemSMS     texts
RegisterSays       register
Release            clock
RenameFolder       organise
RenewCode          settings
RequestAccess      grantee
RequestNotice      backbone
Restore            organise
Retell             backbone
Revoke             grant access | grantee
RevokeExemption    exempt
RevokeExemption    register
RevokeExemption    settings
SaveDraft          write
Send               write
SetContacts        grantee
SetContacts        settings
SetLanguage        settings
SetNote            mark
SetPostalAddress   exempt
Show               backbone
Shred              shred | operator
Take               backbone system
`

// words gives a leave as the table has it.
func words(l mailbox.Leave) string {
	var actions, machines, all []string
	for _, a := range l.Actions {
		actions = append(actions, a.String())
	}

	for _, m := range l.Machines {
		machines = append(machines, string(m))
	}
	slices.Sort(machines)

	for _, some := range [][]string{actions, machines} {
		if len(some) > 0 {
			all = append(all, strings.Join(some, " "))
		}
	}

	if l.Grantee != own && l.Grantee == helper {
		all = append(all, "grantee")
	}

	return strings.Join(all, " | ")
}

// Who may give each command is a table. The rows of the rule books, accepted or not, make the states.
func TestWhoMayGiveWhat(t *testing.T) {
	found := map[string]bool{}
	for _, rows := range books {
		for _, row := range rows {
			name := reflect.TypeOf(row.When).Name()
			leave := mailbox.LeaveOf(stateOf(row), row.When)

			if name != "All" && name != "Each" && row.Err == nil {
				found[fmt.Sprintf("%-18s %s", name, words(leave))] = true
			}
		}
	}

	want := strings.Split(strings.TrimSpace(leaves), "\n")
	for _, line := range want {
		if !found[line] {
			t.Errorf("no row has the leave %q", line)
		}
		delete(found, line)
	}

	for line := range found {
		t.Errorf("a row has the leave %q, which is not in the table", line)
	}
}
