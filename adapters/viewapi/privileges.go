package viewapi

import (
	"net/http"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/problem"
	"digitalpost/projections"
)

// privilegeJSON shows access as NgDP's DirectPrivilege.
func privilegeJSON(x backbone.Access) object {
	o := object{"id": x.ID, "version": x.Row.Version, "createdDate": stamp(x.Row.At), "lastUpdated": stamp(x.Row.Last), "granteeId": x.Row.Grant.Grantee, "issuerId": x.Mailbox,
		"scopeId": x.Mailbox, "type": x.Row.Grant.Right, "source": x.Row.Via, "activeTo": nil}
	if day := backbone.LastDay(x.Row.Grant.Until); day != "" {
		o["activeTo"] = day
	}
	return o
}

func (a *api) givePrivilege(w http.ResponseWriter, r request) error {
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
	until, err := textField(in, "activeTo", "must be a date")
	if err != nil {
		return err
	}
	documentation, err := textField(in, "documentation", "must be text")
	if err != nil {
		return err
	}
	x, at, err := a.b.Grant(r.Context(), ask, grantee, right, until, documentation)
	if err != nil {
		return err
	}
	a.position(w, at)
	problem.JSON(w, http.StatusCreated, privilegeJSON(x))
	return nil
}

// privileges lists the access in force that was given to an identity: one's own only.
func (a *api) privileges(w http.ResponseWriter, r request) error {
	id, err := pathID(r, "identity")
	if err != nil {
		return err
	}
	if id != r.p.Identity {
		return backbone.ErrForbidden
	}
	all, err := a.b.AccessesOf(r.p)
	if err != nil {
		return err
	}
	var shown []object
	for _, x := range all {
		if x.Row.State == projections.Granted && !x.Over {
			shown = append(shown, privilegeJSON(x))
		}
	}
	return paged(w, r, "directPrivileges", shown)
}
