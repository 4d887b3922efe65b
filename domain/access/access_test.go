package access_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// table has a row for each right and a column for each action, in the order of access.Actions: y may, - may not.
const table = `
                list open mark organise folders trash purge write forward grant settings access looks exempt shred texts
OWNER           y    y    y    y        y       y     y     y     y       y     y        y      y     -      -      y
READ            y    y    y    y        -       -     -     -     y       -     -        y      y     -      -      -
READ_WRITE      y    y    y    y        y       y     -     y     y       -     -        y      y     -      -      -
DESIGNATED      y    y    -    -        -       -     -     -     -       -     -        y      y     -      -      -
ORGANISATION_ADMINISTRATOR y y y y y y y y y y y y y - - y
LEGAL_OWNER     y    y    y    y        y       y     y     y     y       y     y        y      y     -      -      y
MESSAGE_WRITE   y    y    y    y        y       y     y     y     y       -     -        -      y     -      -      -
ASSOCIATION     y    y    y    y        y       y     y     y     y       -     -        -      -     -      -      -
MESSAGE_BASIC   y    y    y    y        -       -     -     -     -       -     -        -      -     -      -      -
CITIZEN_SERVICE_EMPLOYEE - - - - - - - - - y - y - y - y
DANISH_BUSINESS_AUTHORITY_SERVICE_EMPLOYEE - - - - - - - - - y - y - y - y
OPERATOR        -    -    -    -        -       -     -     -     -       y     -        y      -     -      y      -
AUDITOR         -    -    -    -        -       -     -     -     -       -     -        y      y     -      -      -
`

var (
	box   = domain.MailboxID{1}
	other = domain.MailboxID{2}
	now   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	id    = domain.GrantID{7}
)

// holder gives one who has a right to box, and the mailbox as it is then.
func holder(r access.Right) (access.Principal, access.Mailbox) {
	m := access.Mailbox{ID: box}
	switch r {
	case access.Owner:
		return access.Principal{Identity: box}, m
	case access.Read, access.ReadWrite, access.Designated:
		m.Grants = map[domain.GrantID]access.Grant{id: {Grantee: other, Right: r}}
		return access.Principal{Identity: other}, m
	case access.Officer, access.BusinessOfficer, access.Operator, access.Auditor:
		return access.Principal{Identity: other, Professional: true, Privileges: []access.Privilege{{Right: r}}}, m
	case access.LegalOwner:
		return access.Principal{Identity: other, Privileges: []access.Privilege{{Right: r, Mailbox: box}}}, m
	}
	return access.Principal{
		Identity: box, Professional: true, Privileges: []access.Privilege{{Right: r, Mailbox: box}},
	}, m
}

func TestEveryCell(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines)-1 != len(access.Rights) {
		t.Fatalf("%d rows for %d rights", len(lines)-1, len(access.Rights))
	}
	for r := range access.Table {
		if !slices.Contains(access.Rights, r) {
			t.Errorf("%s allows something, and is not listed", r)
		}
	}
	cells := 0
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		r := access.Right(words[0])
		if len(words)-1 != len(access.Actions()) {
			t.Fatalf("%s has %d cells, want %d", r, len(words)-1, len(access.Actions()))
		}
		p, m := holder(r)
		for i, a := range access.Actions() {
			d := access.Decide(p, a, m, now)
			if want := words[i+1] == "y"; (d.Right != access.None) != want {
				t.Errorf("%s may %s: %v, want %v", r, a, d, want)
			} else if want && d.Right != r || !want && d.Why != access.NotAllowed {
				t.Errorf("%s, %s: %+v", r, a, d)
			}
			cells++
		}
	}
	t.Logf("%d cells", cells)
}

// Whatever the grants are: what has ended or is another's never allows; delegates never write without READ_WRITE, nor
// purge, nor grant; no right to one mailbox is a right to another; who sees no content sees none.
func TestProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	kinds := []access.Right{access.Read, access.ReadWrite, access.Designated}
	never := []access.Action{access.Purge, access.GrantAccess, access.Exempt, access.Shred}
	writers := []access.Action{access.Write, access.Trash, access.DeleteFolder}
	allowed := 0
	for range 50_000 {
		m := access.Mailbox{ID: box, Grants: map[domain.GrantID]access.Grant{}}
		best := access.None
		for n := range rng.IntN(4) {
			g := access.Grant{Grantee: domain.MailboxID{byte(2 + rng.IntN(3))}, Right: kinds[rng.IntN(3)]}
			switch rng.IntN(3) {
			case 0:
				g.Until = now.Add(-time.Duration(rng.IntN(100)))
			case 1:
				g.Until = now.Add(time.Duration(1 + rng.IntN(100)))
			}
			m.Grants[domain.GrantID{byte(n)}] = g
			if g.Grantee == other && (g.Until.IsZero() || g.Until.After(now)) && best != access.ReadWrite {
				best = g.Right
			}
		}
		p := access.Principal{Identity: other}
		for _, a := range access.Actions() {
			d := access.Decide(p, a, m, now)
			if d.Right == access.None {
				continue
			}
			allowed++
			g, there := m.Grants[d.Grant]
			if !there || g.Grantee != other || !g.InForce(now) || g.Right != d.Right || best == access.None {
				t.Fatalf("%s is allowed by %+v of %+v", a, d, m.Grants)
			}
			if slices.Contains(never, a) || slices.Contains(writers, a) && d.Right != access.ReadWrite {
				t.Fatalf("%s may %s", d.Right, a)
			}
			elsewhere := access.Mailbox{ID: domain.MailboxID{9}}
			if d := access.Decide(p, a, elsewhere, now); d.Right != access.None {
				t.Fatalf("a grant of one mailbox allows %s in another", a)
			}
		}
	}
	if allowed < 1000 {
		t.Fatalf("only %d were allowed: nothing was tried", allowed)
	}
	for _, r := range []access.Right{access.Officer, access.BusinessOfficer, access.Operator, access.Auditor} {
		if r.SeesContent() {
			t.Errorf("%s sees content", r)
		}
	}
}

// The named day counts to its end, and not a moment longer [13].
func TestEndOfDay(t *testing.T) {
	end := time.Date(2026, 3, 29, 22, 0, 0, 0, time.UTC) // 30 March 00:00 in Copenhagen, after a day of 23 hours
	m := access.Mailbox{ID: box, Grants: map[domain.GrantID]access.Grant{
		id: {Grantee: other, Right: access.Read, Until: end},
	}}
	p := access.Principal{Identity: other}
	if d := access.Decide(p, access.List, m, end.Add(-1)); d.Right != access.Read || d.Grant != id {
		t.Errorf("the last moment of the day: %+v", d)
	}
	if d := access.Decide(p, access.List, m, end); d.Right != access.None || d.Why != access.NoAccess {
		t.Errorf("the day after: %+v", d)
	}
}

// Who has an office does not act by it on their own mailbox; and has there what everybody has.
func TestNobodyIsOnBothSidesOfTheCounter(t *testing.T) {
	for _, r := range []access.Right{access.Officer, access.BusinessOfficer, access.Operator, access.Auditor} {
		p := access.Principal{Identity: box, Privileges: []access.Privilege{{Right: r}}}
		for _, a := range access.Actions() {
			alone := access.Decide(access.Principal{Identity: box}, a, access.Mailbox{ID: box}, now)
			if d := access.Decide(p, a, access.Mailbox{ID: box}, now); d != alone {
				t.Errorf("%s in their own mailbox, %s: %+v, want %+v", r, a, d, alone)
			}
		}
	}
}
