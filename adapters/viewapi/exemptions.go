package viewapi

import (
	"errors"
	"net/http"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/exemption"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// exemptionHandlers serve exemption: a person's own, and what officers do at the counter.
type exemptionHandlers struct{ *api }

func (a exemptionHandlers) register(r routes) {
	r.one("GET", "mailboxes/{box}/exemption", a.ownExemption)
	r.one("POST", "mailboxes/{box}/exemption/cancel", a.cancelExemption)
	r.list("POST", "citizens/search", a.findOwner)
	r.list("GET", "exemptions", a.exemptionsOf)
	r.list("POST", "exemptions", a.applyForExemption)
	r.one("GET", "exemptions/{exemption}", a.exemption)
	r.one("PUT", "exemptions/{exemption}", a.changeExemption)
	r.one("DELETE", "exemptions/{exemption}", a.endExemption)
}

// answerOwner answers with an exemption as its owner sees it.
func (a exemptionHandlers) answerOwner(
	w http.ResponseWriter, x exemption.Status, at eventstore.Position, err error,
) error {
	if err != nil {
		return err
	}
	a.position(w, at)
	problem.Versioned(w, http.StatusOK, x.Row.Version, exemptionOf(x))
	return nil
}

// answerOfficer answers with an exemption as officers see it.
func (a exemptionHandlers) answerOfficer(w http.ResponseWriter, status int, x exemption.Status, at eventstore.Position,
	err error) error {
	if err != nil {
		return err
	}
	a.position(w, at)
	problem.Versioned(w, status, x.Row.Version, caseOf(x))
	return nil
}

// numberField reads whose number is given: cprNumber, or cvrNumber.
func numberField(in map[string]rawJSON) (kind mailbox.OwnerKind, name, number string, err error) {
	kind, name = mailbox.Citizen, "cprNumber"
	if in["cvrNumber"] != nil {
		kind, name = mailbox.Company, "cvrNumber"
	}
	number, err = textField(in, name, "must be a number, as text")
	return kind, name, number, err
}

// findOwner finds a citizen or company by number, for an officer. The number comes in the body, since addresses are
// written down on their way.
func (a exemptionHandlers) findOwner(w http.ResponseWriter, r request) error {
	in, err := fields(r, "cprNumber", "cvrNumber")
	if err != nil {
		return err
	}
	kind, name, number, err := numberField(in)
	if err != nil {
		return err
	}

	found, err := a.b.Exemption.Find(r.Context(), r.p, kind, number)
	if errors.Is(err, core.ErrNotFound) {
		return problem.BadField(name, "person.not.found", "nobody here has that number")
	}
	if err == nil {
		problem.JSON(w, http.StatusOK, foundOf(found))
	}
	return err
}

// exemptionsOf lists the exemption of a mailbox, if there is or was one.
func (a exemptionHandlers) exemptionsOf(w http.ResponseWriter, r request) error {
	id, err := domain.ParseUUID(r.URL.Query().Get("mailboxId"))
	if err != nil {
		return problem.BadField("mailboxId", "parameter.not.valid", "must be a mailbox's id")
	}

	x, err := a.b.Exemption.Status(r.Context(), r.p, id, true)
	shown := []ExemptionCase{}
	switch {
	case err == nil:
		shown = append(shown, caseOf(x))
	case !errors.Is(err, core.ErrNotFound):
		return err
	}

	result := func(p Page, some Listed[ExemptionCase]) any { return ExemptionSearchResult{p, some} }
	return paged(w, r, shown, result, "mailboxId")
}

// applyForExemption is what an officer enters at the counter; unless exemptionStatus is APPLIED it is decided at once.
func (a exemptionHandlers) applyForExemption(w http.ResponseWriter, r request) error {
	in, err := fields(r, "cprNumber", "cvrNumber", "criteria", "inPerson", "idShown", "declarationSigned",
		"exemptByProxy", "bothSigned", "alternativeAddress", "exemptionStatus")
	if err != nil {
		return err
	}
	if !a.b.Exemption.Decides(r.p) { // before anybody is told who has a mailbox
		return core.ErrForbidden
	}
	kind, name, number, err := numberField(in)
	if err != nil {
		return err
	}
	app, err := readApplication(in)
	if err != nil {
		return err
	}
	ask, err := a.ask(r)
	if err != nil {
		return err
	}

	box, ok, err := a.b.People.MatchNumber(r.Context(), r.p, kind, number)
	if err != nil {
		return err
	}
	if !ok {
		return problem.BadField(name, "person.not.found", "nobody here has that number")
	}
	r.box, ask.Mailbox = box, box

	x, at, err := a.b.Exemption.Apply(r.Context(), ask, app)
	return a.answerOfficer(w, http.StatusCreated, x, at, err)
}

// readApplication reads what the form says.
func readApplication(in map[string]rawJSON) (app exemption.Application, err error) {
	if c, err := field[[]string](in, "criteria", "must be a list of criteria"); err != nil {
		return app, err
	} else if c != nil {
		app.Criteria = *c
	}

	for name, to := range map[string]*bool{
		"inPerson": &app.InPerson, "idShown": &app.IDShown, "declarationSigned": &app.Declaration,
		"exemptByProxy": &app.Proxy, "bothSigned": &app.BothSigned,
	} {
		v, err := field[bool](in, name, "must be true or false")
		if err != nil {
			return app, err
		}
		*to = v != nil && *v
	}

	if app.Address, err = textField(in, "alternativeAddress", "must be text"); err != nil {
		return app, err
	}

	status, err := textField(in, "exemptionStatus", "must be APPLIED or EXEMPT")
	app.Decide = status != "APPLIED"
	return app, err
}

// exemptionAsk finds the mailbox of the exemption that the path names.
func (a exemptionHandlers) exemptionAsk(r request) (core.Ask, domain.GrantID, error) {
	id, err := pathID(r, "exemption")
	if err != nil {
		return core.Ask{}, id, err
	}
	if r.box, err = a.b.Exemption.Mailbox(id); err != nil {
		return core.Ask{}, id, err
	}
	ask, err := a.ask(r)
	return ask, id, err
}

func (a exemptionHandlers) exemption(w http.ResponseWriter, r request) error {
	ask, _, err := a.exemptionAsk(r)
	if err != nil {
		return err
	}
	x, err := a.b.Exemption.Status(r.Context(), r.p, ask.Mailbox, true)
	return a.answerOfficer(w, http.StatusOK, x, a.b.Position(), err)
}

// changeExemption decides an application (exemptionStatus EXEMPT, or REFUSED with grounds), or sets the alternative
// address.
func (a exemptionHandlers) changeExemption(w http.ResponseWriter, r request) error {
	ask, id, err := a.exemptionAsk(r)
	if err != nil {
		return err
	}

	in, err := fields(r, "exemptionStatus", "grounds", "alternativeAddress")
	if err != nil {
		return err
	}

	var x exemption.Status
	var at eventstore.Position
	if address, err := field[string](in, "alternativeAddress", "must be text"); err != nil {
		return err
	} else if address != nil {
		if len(in) > 1 {
			return problem.BadField("alternativeAddress", "field.not.allowed",
				"is set alone, not together with a decision")
		}
		x, at, err = a.b.Exemption.SetAddress(r.Context(), ask, id, *address)
		return a.answerOfficer(w, http.StatusOK, x, at, err)
	}

	status, err := textField(in, "exemptionStatus", "must be EXEMPT or REFUSED")
	if err != nil {
		return err
	}

	grounds, err := textField(in, "grounds", "must be text")
	switch {
	case err != nil:
		return err
	case status != "EXEMPT" && status != "REFUSED":
		return problem.BadField("exemptionStatus", "field.not.valid", "must be EXEMPT or REFUSED")
	case status == "REFUSED" && (grounds == "" || len(grounds) > 4000):
		return problem.BadField("grounds", "field.missing", "of a refusal are required, in at most 4,000 bytes")
	}

	x, at, err = a.b.Exemption.Decide(r.Context(), ask, exemption.Decision{
		Exemption: id, Grant: status == "EXEMPT", Grounds: grounds,
	})
	return a.answerOfficer(w, http.StatusOK, x, at, err)
}

func (a exemptionHandlers) endExemption(w http.ResponseWriter, r request) error {
	ask, id, err := a.exemptionAsk(r)
	if err != nil {
		return err
	}
	_, at, err := a.b.Exemption.End(r.Context(), ask, id)
	if err != nil {
		return err
	}
	a.position(w, at)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// ownExemption is the owner's receipt: that the exemption stands, and since when.
func (a exemptionHandlers) ownExemption(w http.ResponseWriter, r request) error {
	x, err := a.b.Exemption.Status(r.Context(), r.p, r.box, false)
	return a.answerOwner(w, x, a.b.Position(), err)
}

// cancelExemption is the owner's own end of it, with contact details that they confirm.
func (a exemptionHandlers) cancelExemption(w http.ResponseWriter, r request) error {
	ask, err := a.ask(r)
	if err != nil {
		return err
	}

	in, err := fields(r, "email", "mobileNumber")
	if err != nil {
		return err
	}

	var given exemption.Contacts
	if given.EMail, err = textField(in, "email", "must be text"); err != nil {
		return err
	}

	if given.Mobile, err = textField(in, "mobileNumber", "must be text"); err != nil {
		return err
	}

	x, at, err := a.b.Exemption.Cancel(r.Context(), ask, given)
	return a.answerOwner(w, x, at, err)
}
