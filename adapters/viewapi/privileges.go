package viewapi

import (
	"net/http"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/problem"
	"digitalpost/domain/mailbox"
)

func (a accessHandlers) grantPrivilege(w http.ResponseWriter, r request) error {
	in, err := fields(r, "issuerId", "granteeId", "scopeId", "type", "activeTo", "source", "documentation")
	if err != nil {
		return err
	}

	right, err := privilege(in, "type")
	if err != nil {
		return err
	}

	box, given, err := idOf(in, "scopeId")
	if err != nil || !given {
		return problem.BadField("scopeId", "field.missing", "must be the id of the mailbox")
	}

	grantee, given, err := idOf(in, "granteeId")
	if err != nil || !given {
		return problem.BadField("granteeId", "field.missing", "must be the id of who gets access")
	}

	r.box = box
	ask, err := a.ask(r)
	if err != nil {
		return err
	}

	x, at, err := a.grantTo(r, ask, in, grantee, right, "activeTo")
	if err != nil {
		return err
	}

	a.position(w, at)
	problem.JSON(w, http.StatusCreated, privilegeOf(x))
	return nil
}

// privileges lists the access in force that was given to an identity: one's own only.
func (a accessHandlers) privileges(w http.ResponseWriter, r request) error {
	id, err := pathID(r, "identity")
	if err != nil {
		return err
	}

	if id != r.p.Identity {
		return core.ErrForbidden
	}

	all, err := a.b.Access.Of(r.p)
	if err != nil {
		return err
	}

	var shown []DirectPrivilege
	for _, x := range all {
		if x.Row.State == mailbox.Granted && !x.Over {
			shown = append(shown, privilegeOf(x))
		}
	}

	result := func(p Page, some Listed[DirectPrivilege]) any { return DirectPrivilegeSearchResult{p, some} }
	return paged(w, r, shown, result)
}
