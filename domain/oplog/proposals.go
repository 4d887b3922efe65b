package oplog

import (
	"time"
	"unicode/utf8"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// A Measure is what one operator proposes and another approves, since nobody can undo it.
type Measure string

// Measures.
const (
	ShredMailbox Measure = "SHRED_MAILBOX"  // at its lawful end: no key of it is left
	RollKeys     Measure = "ROLL_KEYS"      // no copy opens what was forgotten before
	GoOnRestored Measure = "GO_ON_RESTORED" // what came after the backup is lost
)

// Bounds of proposals.
const (
	MaxReason    = 1000 // characters
	MaxProposals = 100  // open at once
	ApprovedIn   = 24 * time.Hour
)

// Reasons to refuse what is about proposals.
const (
	ReasonNotAllowed   domain.Reason = "proposal.reason.not.allowed"
	MeasureUnknown     domain.Reason = "proposal.measure.unknown"
	MandateMissing     domain.Reason = "mandate.missing"
	ProposalNotOpen    domain.Reason = "proposal.not.open"
	ProposalOwn        domain.Reason = "proposal.own"
	TooManyProposals   domain.Reason = "proposal.too.many"
	RestoreNotApproved domain.Reason = "restore.not.approved"
)

// Reasons lists them all.
var Reasons = []domain.Reason{
	ReasonNotAllowed, MeasureUnknown, MandateMissing, ProposalNotOpen, ProposalOwn, TooManyProposals,
	RestoreNotApproved,
}

// A Proposal is a measure that waits for another operator, or to be carried out.
type Proposal struct {
	Measure  Measure
	Mailbox  domain.MailboxID // that is to be shredded
	By       [16]byte         // zero: the console
	Citizen  domain.MailboxID // who that is beyond their office, where the sign-in says it
	At       time.Time
	Approved uint64 // position of the approval; 0: it waits for it
}

// ProposalMade records that an operator proposes a measure. The mandate stands in the record.
type ProposalMade struct {
	Proposal domain.UUID      `cbor:"1,keyasint" json:"proposal"`
	Measure  Measure          `cbor:"2,keyasint" json:"measure"`
	Mailbox  domain.MailboxID `cbor:"3,keyasint,omitzero" json:"mailbox,omitzero"`
	Reason   domain.Sealed    `cbor:"4,keyasint" json:"reason"` // under leaf 0 of the proposal's own root
	// Citizen is the mailbox of the person who proposes, where their sign-in says who that is beyond their office: they
	// are one operator, however they sign in.
	Citizen domain.MailboxID `cbor:"5,keyasint,omitzero" json:"citizen,omitzero"`
}

// EventType is the stored name.
func (ProposalMade) EventType() string { return "log.proposal-made" }

// Effect is on nothing but the stream.
func (ProposalMade) Effect() domain.Effect { return domain.Effect{} }

func (e ProposalMade) evolve(s *State, at domain.Moment) {
	s.proposals(at, func(all map[domain.UUID]Proposal) {
		all[e.Proposal] = Proposal{
			Measure: e.Measure, Mailbox: e.Mailbox, By: at.Actor, Citizen: e.Citizen, At: at.Recorded,
		}
	})
}

// ProposalApproved records that another operator approved of a measure. It is carried out from then on.
type ProposalApproved struct {
	Proposal domain.UUID `cbor:"1,keyasint" json:"proposal"`
}

// EventType is the stored name.
func (ProposalApproved) EventType() string { return "log.proposal-approved" }

// Effect is on nothing but the stream.
func (ProposalApproved) Effect() domain.Effect { return domain.Effect{} }

func (e ProposalApproved) evolve(s *State, at domain.Moment) {
	s.proposals(at, func(all map[domain.UUID]Proposal) {
		p := all[e.Proposal]
		p.Approved = at.Position
		all[e.Proposal] = p

		if p.Measure != GoOnRestored {
			return
		}
		s.waits = false
		for id, other := range all { // of a copy that was restored before: it is gone on with, too
			if other.Measure == GoOnRestored && id != e.Proposal {
				delete(all, id)
			}
		}
	})
}

// ProposalWithdrawn records that a proposal came to nothing: taken back, or turned down.
type ProposalWithdrawn struct {
	Proposal domain.UUID `cbor:"1,keyasint" json:"proposal"`
}

// EventType is the stored name.
func (ProposalWithdrawn) EventType() string { return "log.proposal-withdrawn" }

// Effect is on nothing but the stream.
func (ProposalWithdrawn) Effect() domain.Effect { return domain.Effect{} }

func (e ProposalWithdrawn) evolve(s *State, at domain.Moment) {
	s.proposals(at, func(all map[domain.UUID]Proposal) { delete(all, e.Proposal) })
}

// ProposalCarriedOut records that a measure was carried out.
type ProposalCarriedOut struct {
	Proposal domain.UUID `cbor:"1,keyasint" json:"proposal"`
}

// EventType is the stored name.
func (ProposalCarriedOut) EventType() string { return "log.proposal-carried-out" }

// Effect is on nothing but the stream.
func (ProposalCarriedOut) Effect() domain.Effect { return domain.Effect{} }

func (e ProposalCarriedOut) evolve(s *State, at domain.Moment) {
	s.proposals(at, func(all map[domain.UUID]Proposal) { delete(all, e.Proposal) })
}

// proposals changes which proposals there are. Those that nobody approved of in time go, but for that to go on with a
// restored log, without which nothing else happens.
func (s *State) proposals(at domain.Moment, change func(map[domain.UUID]Proposal)) {
	all := make(map[domain.UUID]Proposal, len(s.Proposals)+1) // another one: states share what they don't change
	for id, p := range s.Proposals {
		if p.Approved > 0 || p.InTime(at.Recorded) {
			all[id] = p
		}
	}
	change(all)
	s.Proposals = all
}

// InTime reports whether a proposal can still be approved. That to go on with a restored log always can.
func (p Proposal) InTime(now time.Time) bool {
	return p.Measure == GoOnRestored || now.Before(p.At.Add(ApprovedIn))
}

// RestoreWaits reports whether a log of an incarnation was restored and nobody has approved of going on with it; or was
// being restored, which did not come to its end.
func (s State) RestoreWaits(incarnation uint64) bool {
	return s.waits || incarnation > 1 && s.restored != incarnation
}

// open counts the proposals that wait for an approval.
func (s State) open(now time.Time) (n int) {
	for _, p := range s.Proposals {
		if p.Approved == 0 && p.InTime(now) {
			n++
		}
	}

	return n
}

// Propose proposes a measure, by an operator, who says why and under which mandate.
type Propose struct {
	Made   ProposalMade
	Reason string // in the open
}

func (Propose) machines() []access.Machine { return operator }

func (c Propose) decide(s State, o Order) ([]Event, error) {
	n := utf8.RuneCountInString(c.Reason)
	toShred := c.Made.Measure == ShredMailbox

	switch {
	case n == 0 && !o.Alone || n > MaxReason || domain.HasHidden(c.Reason):
		return nil, domain.Refuse(ReasonNotAllowed)
	case !toShred && c.Made.Measure != RollKeys && c.Made.Measure != GoOnRestored,
		toShred != (c.Made.Mailbox != domain.MailboxID{}):
		return nil, domain.Refuse(MeasureUnknown)
	case !o.Alone && !o.Mandate:
		return nil, domain.Refuse(MandateMissing)
	case s.waits && c.Made.Measure != GoOnRestored:
		return nil, domain.Refuse(RestoreNotApproved)
	case s.open(o.Now) >= MaxProposals && c.Made.Measure != GoOnRestored:
		return nil, domain.Refuse(TooManyProposals)
	}

	e := c.Made
	e.Citizen = o.Citizen

	return []Event{e}, nil
}

// Approve approves of another operator's proposal, within a day. In development one may approve of one's own.
type Approve struct{ Proposal domain.UUID }

func (Approve) machines() []access.Machine { return operator }

func (c Approve) decide(s State, o Order) ([]Event, error) {
	p, ok := s.Proposals[c.Proposal]
	own := p.By == o.Who || p.Citizen != domain.MailboxID{} && p.Citizen == o.Citizen

	switch {
	case !ok || p.Approved > 0 || !p.InTime(o.Now):
		return nil, domain.Refuse(ProposalNotOpen)
	case s.waits && p.Measure != GoOnRestored:
		return nil, domain.Refuse(RestoreNotApproved)
	case own && !o.Alone:
		return nil, domain.Refuse(ProposalOwn)
	case !o.Alone && !o.Mandate:
		return nil, domain.Refuse(MandateMissing)
	}

	return []Event{ProposalApproved(c)}, nil
}

// Withdraw takes a proposal back, or turns another's down.
type Withdraw struct{ Proposal domain.UUID }

func (Withdraw) machines() []access.Machine { return operator }

func (c Withdraw) decide(s State, o Order) ([]Event, error) {
	if !o.Alone && !o.Mandate {
		return nil, domain.Refuse(MandateMissing)
	}

	if p, ok := s.Proposals[c.Proposal]; !ok || p.Approved > 0 || p.Measure == GoOnRestored {
		return nil, domain.Refuse(ProposalNotOpen)
	}

	return []Event{ProposalWithdrawn(c)}, nil
}

// NoteCarriedOut notes that a measure was carried out.
type NoteCarriedOut struct{ Proposal domain.UUID }

func (NoteCarriedOut) machines() []access.Machine { return process }

func (c NoteCarriedOut) decide(s State, _ Order) ([]Event, error) {
	if p, ok := s.Proposals[c.Proposal]; !ok || p.Approved == 0 {
		return nil, nil
	}

	return []Event{ProposalCarriedOut(c)}, nil
}
