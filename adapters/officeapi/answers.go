package officeapi

import (
	"time"

	"digitalpost/adapters/backbone/mandates"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/oplog"
	"digitalpost/projections/engine"
)

// A Mandate is why somebody in an office acts.
type Mandate struct {
	ID         string       `json:"id"`
	Office     access.Right `json:"office"`
	Opened     string       `json:"opened"`
	Until      string       `json:"until"`
	Purpose    string       `json:"purpose"`
	CaseNumber string       `json:"caseNumber"`
}

func mandateOf(m mandates.Mandate) Mandate {
	return Mandate{m.ID.String(), m.Office, stamp(m.Opened), stamp(m.Until), m.Purpose, m.CaseNumber}
}

// A Proposal is a measure that waits for another operator.
type Proposal struct {
	ID        string        `json:"id"`
	Measure   oplog.Measure `json:"measure"`
	MailboxID string        `json:"mailboxId,omitempty"` // that is to be shredded
	Reason    string        `json:"reason"`
	By        string        `json:"by,omitempty"` // the operator; absent: whoever is at the console
	At        string        `json:"at"`
	Until     string        `json:"until,omitempty"` // when it can't be approved any more
	Approved  bool          `json:"approved"`        // and carried out, or being so
}

// A ProposalList is what waits for another operator.
type ProposalList struct {
	Proposals []Proposal `json:"proposals"`
}

func proposalOf(p proposals.Proposal) Proposal {
	out := Proposal{ID: p.ID.String(), Measure: p.Measure, Reason: p.Reason, At: stamp(p.At), Approved: p.Approved}
	if p.Mailbox != (domain.MailboxID{}) {
		out.MailboxID = p.Mailbox.String()
	}

	if by := domain.UUID(p.By); by != (domain.UUID{}) {
		out.By = by.String()
	}

	if !p.Until.IsZero() {
		out.Until = stamp(p.Until)
	}

	return out
}

// A SystemKey is what a sender system comes with.
type SystemKey struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

// A Clock is the server's, once it was confirmed.
type Clock struct {
	Now string `json:"now"`
}

// A RebuiltView is a view that was built anew and compared with the one before.
type RebuiltView struct {
	View     string `json:"view"`
	Rows     int    `json:"rows"`
	Unlike   int    `json:"unlike"`
	Position int    `json:"position"`
}

// RebuiltViews are all of them.
type RebuiltViews struct {
	Views []RebuiltView `json:"views"`
}

func rebuiltOf(all []engine.Rebuilt) []RebuiltView {
	out := []RebuiltView{}
	for _, r := range all {
		out = append(out, RebuiltView{r.View, r.Rows, r.Unlike, int(r.Position)})
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
