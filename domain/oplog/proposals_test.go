package oplog_test

import (
	"strings"
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/oplog"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	box   = domain.MailboxID{9}
	p1    = domain.UUID{1}
	anna  = [16]byte{7}
	bent  = [16]byte{8}
	shred = oplog.ProposalMade{Proposal: p1, Measure: oplog.ShredMailbox, Mailbox: box}
	roll  = oplog.ProposalMade{Proposal: p1, Measure: oplog.RollKeys}
	goOn  = oplog.ProposalMade{Proposal: p1, Measure: oplog.GoOnRestored}

	approved = oplog.ProposalApproved{Proposal: p1}
)

// as has an operator give a command under a mandate, some time after noon. What is given was done at noon, by nobody
// who has an id: whoever is at the console.
func as(who [16]byte, after time.Duration) func(oplog.Command) oplog.Order {
	return func(c oplog.Command) oplog.Order {
		return oplog.Order{Command: c, By: access.Operations, Who: who, Mandate: true, Now: noon.Add(after)}
	}
}

// without has no mandate.
func without(c oplog.Command) oplog.Order {
	return oplog.Order{Command: c, By: access.Operations, Who: anna, Now: noon}
}

// alone is development, where one may do what is otherwise for two.
func alone(c oplog.Command) oplog.Order {
	return oplog.Order{Command: c, By: access.Operations, Alone: true, Now: noon}
}

func proposing(e oplog.ProposalMade, reason string) oplog.Propose {
	return oplog.Propose{Made: e, Reason: reason}
}

func events(all ...oplog.Event) []oplog.Event { return all }

func refused(r domain.Reason) *domain.Rejection { return &domain.Rejection{Reason: r} }

func many(n int) (out []oplog.Event) {
	for i := range n {
		out = append(out, oplog.ProposalMade{Proposal: domain.UUID{1, byte(i)}, Measure: oplog.RollKeys})
	}
	return out
}

var proposalRules = []scenario{
	{Name: "a shredding", When: proposing(shred, "why"), Order: as(anna, 0), Then: events(shred)},
	{Name: "a roll", When: proposing(roll, "why"), Order: as(anna, 0), Then: events(roll)},
	{Name: "to go on restored", When: proposing(goOn, "why"), Order: as(anna, 0), Then: events(goOn)},
	{
		Name: "without a reason", When: proposing(shred, ""), Order: as(anna, 0),
		Err: refused(oplog.ReasonNotAllowed),
	},
	{
		Name: "with a reason that is too long", When: proposing(shred, strings.Repeat("x", oplog.MaxReason+1)),
		Order: as(anna, 0), Err: refused(oplog.ReasonNotAllowed),
	},
	{
		Name: "expired ones count no more", Given: many(oplog.MaxProposals), Recorded: noon,
		When: proposing(shred, "why"), Order: as(anna, oplog.ApprovedIn), Then: events(shred),
	},
	{
		Name: "to go on restored, beside as many as there may be", Given: many(oplog.MaxProposals), Recorded: noon,
		When: proposing(goOn, "why"), Order: as(anna, 0), Then: events(goOn),
	},
	{
		Name: "a roll of a log that waits to be gone on with", Given: events(oplog.Restored{Incarnation: 2}),
		When: proposing(roll, "why"), Order: as(anna, 0), Err: refused(oplog.RestoreNotApproved),
	},
	{
		Name: "approved in a log that waits to be gone on with", Recorded: noon,
		Given: events(shred, oplog.Restored{Incarnation: 2}), When: oplog.Approve{Proposal: p1},
		Order: as(bent, 0), Err: refused(oplog.RestoreNotApproved),
	},
	{
		Name: "the same person in another identity", Recorded: noon, When: oplog.Approve{Proposal: p1},
		Given: events(oplog.ProposalMade{Proposal: p1, Measure: oplog.RollKeys, Citizen: box}),
		Order: func(c oplog.Command) oplog.Order { o := as(bent, 0)(c); o.Citizen = box; return o },
		Err:   refused(oplog.ProposalOwn),
	},
	{
		Name: "withdrawn without a mandate", Given: events(shred), Recorded: noon,
		When: oplog.Withdraw{Proposal: p1}, Order: without, Err: refused(oplog.MandateMissing),
	},
	{Name: "without a mandate", When: proposing(shred, "why"), Order: without, Err: refused(oplog.MandateMissing)},
	{Name: "in development, without either", When: proposing(shred, ""), Order: alone, Then: events(shred)},
	{
		Name: "a shredding of no mailbox", Order: as(anna, 0), Err: refused(oplog.MeasureUnknown),
		When: proposing(oplog.ProposalMade{Proposal: p1, Measure: oplog.ShredMailbox}, "why"),
	},
	{
		Name: "a roll of a mailbox", Order: as(anna, 0), Err: refused(oplog.MeasureUnknown),
		When: proposing(oplog.ProposalMade{Proposal: p1, Measure: oplog.RollKeys, Mailbox: box}, "why"),
	},
	{
		Name: "something else", Order: as(anna, 0), Err: refused(oplog.MeasureUnknown),
		When: proposing(oplog.ProposalMade{Proposal: p1, Measure: "DANCE"}, "why"),
	},
	{
		Name: "one too many", Given: many(oplog.MaxProposals), Recorded: noon, When: proposing(shred, "why"),
		Order: as(anna, 0), Err: refused(oplog.TooManyProposals),
	},
	{
		Name: "another approves", Given: events(shred), Recorded: noon, When: oplog.Approve{Proposal: p1},
		Order: as(bent, 0), Then: events(approved),
	},
	{
		Name: "nobody approves of their own", Given: events(shred), Recorded: noon, When: oplog.Approve{Proposal: p1},
		Order: as([16]byte{}, 0), Err: refused(oplog.ProposalOwn),
	},
	{
		Name: "in development one does", Given: events(shred), Recorded: noon, When: oplog.Approve{Proposal: p1},
		Order: alone, Then: events(approved),
	},
	{
		Name: "nobody approves without a mandate", Given: events(shred), Recorded: noon,
		When: oplog.Approve{Proposal: p1}, Order: without, Err: refused(oplog.MandateMissing),
	},
	{
		Name: "a moment before a day is over", Given: events(shred), Recorded: noon, When: oplog.Approve{Proposal: p1},
		Order: as(bent, oplog.ApprovedIn-1), Then: events(approved),
	},
	{
		Name: "a day later", Given: events(shred), Recorded: noon, When: oplog.Approve{Proposal: p1},
		Order: as(bent, oplog.ApprovedIn), Err: refused(oplog.ProposalNotOpen),
	},
	{
		Name: "to go on restored, days later", Given: events(goOn), Recorded: noon, When: oplog.Approve{Proposal: p1},
		Order: as(bent, 100*time.Hour), Then: events(approved),
	},
	{
		Name: "twice", Given: events(shred, approved), Recorded: noon, When: oplog.Approve{Proposal: p1},
		Order: as(bent, 0), Err: refused(oplog.ProposalNotOpen),
	},
	{
		Name: "of what nobody proposed", When: oplog.Approve{Proposal: p1}, Order: as(bent, 0),
		Err: refused(oplog.ProposalNotOpen),
	},
	{
		Name: "withdrawn", Given: events(shred), Recorded: noon, When: oplog.Withdraw{Proposal: p1},
		Order: as(bent, 0), Then: events(oplog.ProposalWithdrawn{Proposal: p1}),
	},
	{
		Name: "approved after it was withdrawn", Given: events(shred, oplog.ProposalWithdrawn{Proposal: p1}),
		Recorded: noon, When: oplog.Approve{Proposal: p1}, Order: as(bent, 0), Err: refused(oplog.ProposalNotOpen),
	},
	{
		Name: "withdrawn after it was approved", Given: events(shred, approved), Recorded: noon,
		When: oplog.Withdraw{Proposal: p1}, Order: as(bent, 0), Err: refused(oplog.ProposalNotOpen),
	},
	{
		Name: "a restored log is not gone back on", Given: events(goOn), Recorded: noon,
		When: oplog.Withdraw{Proposal: p1}, Order: as(bent, 0), Err: refused(oplog.ProposalNotOpen),
	},
	{
		Name: "carried out", Given: events(shred, approved), Recorded: noon,
		When: oplog.NoteCarriedOut{Proposal: p1}, Order: by(access.Backbone),
		Then: events(oplog.ProposalCarriedOut{Proposal: p1}),
	},
	{
		Name: "carried out twice", Order: by(access.Backbone), When: oplog.NoteCarriedOut{Proposal: p1}, Recorded: noon,
		Given: events(shred, approved, oplog.ProposalCarriedOut{Proposal: p1}),
	},
	{
		Name: "carried out before it was approved", Given: events(shred), Recorded: noon,
		When: oplog.NoteCarriedOut{Proposal: p1}, Order: by(access.Backbone),
	},
}

func TestProposals(t *testing.T) {
	domaintest.Run(t, oplog.Decider, oplog.Codec, as(anna, 0), proposalRules)

	var expected []domain.Reason
	for _, row := range proposalRules {
		if row.Err != nil {
			expected = append(expected, row.Err.Reason)
		}
	}
	domaintest.Reasons(t, oplog.Reasons, expected, nil)
}

// Proposals are operators' alone.
func TestProposalsAreOperators(t *testing.T) {
	for _, c := range []oplog.Command{
		proposing(shred, "why"), oplog.Approve{Proposal: p1}, oplog.Withdraw{Proposal: p1},
	} {
		for _, m := range []access.Machine{"", access.Clock, access.System, access.Register, access.Backbone} {
			_, err := oplog.Decider.Decide(oplog.State{}, oplog.Order{Command: c, By: m, Mandate: true})
			if reason, _ := domain.Refused(err); reason != access.NotAllowed {
				t.Errorf("%T by %q: %v", c, m, err)
			}
		}
	}
}

// A restored log waits until somebody has approved of it, however long that takes.
func TestRestoreWaits(t *testing.T) {
	s := oplog.Decider.Initial()
	at := domain.Moment{Position: 1, Recorded: noon}
	if s.RestoreWaits(1) {
		t.Error("a log that was never restored waits")
	}

	if !s.RestoreWaits(2) {
		t.Error("a log whose restoration did not come to its end does not wait")
	}

	s = oplog.Decider.Evolve(s, oplog.Restored{Incarnation: 1}, at)
	s = oplog.Decider.Evolve(s, goOn, at)
	s = oplog.Decider.Evolve(s, oplog.ProposalMade{Proposal: domain.UUID{3}, Measure: oplog.GoOnRestored}, at)
	later := domain.Moment{Position: 2, Recorded: noon.Add(100 * time.Hour)}
	if s = oplog.Decider.Evolve(s, oplog.ProposalMade{Proposal: domain.UUID{2}}, later); !s.RestoreWaits(1) {
		t.Error("a restored log does not wait")
	}

	if s = oplog.Decider.Evolve(s, approved, later); s.RestoreWaits(1) {
		t.Error("an approved one waits")
	}
}
