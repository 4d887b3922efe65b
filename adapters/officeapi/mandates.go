package officeapi

import (
	"net/http"

	"digitalpost/adapters/backbone/mandates"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/oplog"
)

// openMandate opens the mandate under which somebody in an office acts from then on: its id is what they give as the
// header Mandate.
func (a *api) openMandate(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	var in struct{ Purpose, CaseNumber string }
	if err := read(r, &in); err != nil {
		return err
	}

	var m mandates.Mandate
	var err error
	if by.Console {
		m, err = a.b.Mandates.OpenAtConsole(r.Context(), in.Purpose, in.CaseNumber)
	} else {
		m, err = a.b.Mandates.Open(r.Context(), by.Principal, in.Purpose, in.CaseNumber)
	}

	if err == nil {
		problem.JSON(w, http.StatusCreated, mandateOf(m))
	}
	return err
}

// mandate shows a mandate to who has opened it, and to auditors.
func (a *api) mandate(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	id, err := pathID(r, "mandate")
	if err != nil {
		return err
	}
	if a.b.Mandates.Needed() && by.Holds(access.Auditor) && by.Mandate == (domain.UUID{}) {
		return domain.Refuse(oplog.MandateMissing)
	}
	m, err := a.b.Mandates.Mandate(r.Context(), by.Principal, id)
	if err == nil {
		problem.JSON(w, http.StatusOK, mandateOf(m))
	}
	return err
}
