package officeapi

import (
	"net/http"

	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/oplog"
)

// proposals lists what waits for another operator, the oldest first.
func (a *api) proposals(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	if !by.Console && a.b.Mandates.Needed() && by.Mandate == (domain.UUID{}) && by.InOffice() {
		return domain.Refuse(oplog.MandateMissing)
	}
	all, err := a.b.Proposals.List(r.Context(), by)
	if err != nil {
		return err
	}

	shown := []Proposal{}
	for _, p := range all {
		shown = append(shown, proposalOf(p))
	}
	problem.JSON(w, http.StatusOK, ProposalList{shown})
	return nil
}

// propose proposes what nobody can undo: shredding a mailbox, or rolling the keys.
func (a *api) propose(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	var in struct{ Measure, Reason, MailboxID string }
	if err := read(r, &in); err != nil {
		return err
	}

	var box domain.MailboxID
	if in.MailboxID != "" {
		id, err := domain.ParseUUID(in.MailboxID)
		if err != nil {
			return problem.BadField("mailboxId", "field.not.valid", "must be a mailbox's id")
		}
		box = id
	}
	if m := oplog.Measure(in.Measure); m != oplog.ShredMailbox && m != oplog.RollKeys {
		return domain.Refuse(oplog.MeasureUnknown)
	}

	p, err := a.b.Proposals.Propose(r.Context(), by, oplog.Measure(in.Measure), box, in.Reason)
	if err == nil {
		problem.JSON(w, http.StatusCreated, proposalOf(p))
	}
	return err
}

// approve approves of another operator's proposal: it is carried out when the answer comes.
func (a *api) approve(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	id, err := pathID(r, "proposal")
	if err == nil {
		err = a.b.Proposals.Approve(r.Context(), by, id)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// withdraw takes a proposal back, or turns another's down.
func (a *api) withdraw(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	id, err := pathID(r, "proposal")
	if err == nil {
		err = a.b.Proposals.Withdraw(r.Context(), by, id)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
