package viewapi

import (
	"net/http"

	accesshall "digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// accessHandlers serve access that others have to a mailbox, requests for it, and who looked.
type accessHandlers struct{ *api }

func (a accessHandlers) register(r routes) {
	r.list("GET", "mailboxes/{box}/accesses", a.accesses)
	r.list("POST", "mailboxes/{box}/accesses", a.grant)
	r.one("GET", "mailboxes/{box}/accesses/{access}", notificationHandlers(a).access)
	r.one("DELETE", "mailboxes/{box}/accesses/{access}", a.revoke)
	r.list("GET", "mailboxes/{box}/looks", a.looks)
	r.list("POST", "access-requests", a.requestAccess)
	r.list("GET", "access-requests", a.requests)
	r.one("GET", "access-requests/{access}", a.oneRequest)
	r.one("PUT", "access-requests/{access}", a.decideRequest)
	r.one("DELETE", "access-requests/{access}", a.decideRequest)
	r.list("POST", "privileges/direct", a.grantPrivilege)
	r.list("GET", "privileges/direct/grantee/{identity}", a.privileges)
	r.one("DELETE", "privileges/direct/{access}", a.revoke)
}

func (a accessHandlers) accesses(w http.ResponseWriter, r request) error {
	all, err := a.b.Access.To(r.Context(), r.p, r.box)
	if err != nil {
		return err
	}
	var shown []Access
	for _, x := range all {
		switch x.Row.State {
		case mailbox.Granted, mailbox.Revoked, mailbox.Expired:
			shown = append(shown, accessOf(x))
		}
	}
	result := func(p Page, some Listed[Access]) any { return AccessSearchResult{p, some} }
	return paged(w, r, shown, result)
}

// privilege reads which right is asked for: one of the list privileges, or the single word of type.
func privilege(in map[string]rawJSON, name string) (access.Right, error) {
	const rule = "must be one of READ, READ_WRITE and, for operators, DESIGNATED"
	var word string
	if name == "privileges" {
		list, err := field[[]string](in, name, rule)
		if err != nil {
			return "", err
		}
		if list == nil || len(*list) != 1 {
			return "", problem.BadField(name, "field.not.valid", rule)
		}
		word = (*list)[0]
	} else if s, err := field[string](in, name, rule); err != nil || s == nil {
		return "", problem.BadField(name, "field.not.valid", rule)
	} else {
		word = *s
	}

	if r := access.Right(word); r.Delegated() {
		return r, nil
	}

	return "", problem.BadField(name, "field.not.valid", rule)
}

func textField(in map[string]rawJSON, name, rule string) (string, error) {
	s, err := field[string](in, name, rule)
	if err != nil || s == nil {
		return "", err
	}
	return *s, nil
}

func idOf(in map[string]rawJSON, name string) (id [16]byte, given bool, err error) {
	s, err := textField(in, name, "must be an id, a UUID")
	if err != nil || s == "" {
		return id, false, err
	}
	if id, err = domain.ParseUUID(s); err != nil {
		return id, false, problem.BadField(name, "field.not.valid", "must be an id, a UUID")
	}
	return id, true, nil
}

// grant gives access: the body names who gets it (identityId, or cprNumber or cvrNumber with the name), which
// (privileges), until when (privilegeEndDate), and, by an officer, what was shown (documentation).
func (a accessHandlers) grant(w http.ResponseWriter, r request) error {
	ask, err := a.ask(r)
	if err != nil {
		return err
	}

	in, err := fields(r, "identityId", "cprNumber", "cvrNumber", "name",
		"privileges", "privilegeEndDate", "documentation")
	if err != nil {
		return err
	}

	right, err := privilege(in, "privileges")
	if err != nil {
		return err
	}

	id, given, err := idOf(in, "identityId")
	if err != nil {
		return err
	}

	if !given {
		until, err := textField(in, "privilegeEndDate", "must be a date")
		if err != nil {
			return err
		}
		if _, err := textField(in, "documentation", "must be text"); err != nil {
			return err
		}
		if err := a.b.Access.MayGrant(r.Context(), r.p, r.box, until); err != nil {
			return err
		}
		if id, err = a.byNumber(r, in); err != nil {
			return err
		}
	}

	x, at, err := a.grantTo(r, ask, in, id, right, "privilegeEndDate")
	return a.answerAccess(w, http.StatusCreated, x, at, err)
}

func (a accessHandlers) byNumber(r request, in map[string]rawJSON) (domain.MailboxID, error) {
	kind, name := mailbox.Citizen, "cprNumber"
	if in["cvrNumber"] != nil {
		kind, name = mailbox.Company, "cvrNumber"
	}

	number, err := textField(in, name, "must be a number, as text")
	if err != nil {
		return domain.MailboxID{}, err
	}

	if number == "" {
		return domain.MailboxID{}, problem.BadField("identityId", "field.missing",
			"or cprNumber or cvrNumber is required")
	}

	who, err := textField(in, "name", "must be text")
	if err != nil {
		return domain.MailboxID{}, err
	}

	id, ok, err := a.b.People.Match(r.Context(), r.p, kind, number, who)
	if err == nil && !ok {
		err = domain.Refuse(mailbox.GranteeNoMailbox)
	}

	return id, err
}

// grantTo gives a right to who is named, until the day in the field untilName, on the documentation that the body has.
func (a accessHandlers) grantTo(
	r request, ask core.Ask, in map[string]rawJSON, grantee domain.MailboxID, right access.Right, untilName string,
) (x accesshall.Given, at eventstore.Position, err error) {
	until, err := textField(in, untilName, "must be a date")
	if err != nil {
		return x, 0, err
	}
	documentation, err := textField(in, "documentation", "must be text")
	if err != nil {
		return x, 0, err
	}
	return a.b.Access.Grant(r.Context(), ask, accesshall.Wish{
		Grantee: grantee, Right: right, Until: until, Documentation: documentation,
	})
}

func (a accessHandlers) answerAccess(w http.ResponseWriter, status int, x accesshall.Given, at eventstore.Position,
	err error) error {
	if err != nil {
		return err
	}
	a.position(w, at)
	problem.Versioned(w, status, x.Row.Version, accessOf(x))
	return nil
}

// oneAccess finds the access that the path names, among those of a mailbox or those that were given to who asks.
func (a accessHandlers) oneAccess(r request) (accesshall.Given, error) {
	id, err := pathID(r, "access")
	if err != nil {
		return accesshall.Given{}, err
	}

	mine, err := a.b.Access.Of(r.p)
	if err != nil {
		return accesshall.Given{}, err
	}

	boxes := []domain.MailboxID{r.box}
	if r.box == (domain.MailboxID{}) {
		boxes = []domain.MailboxID{r.p.Identity}
	}

	for _, box := range boxes {
		all, err := a.b.Access.To(r.Context(), r.p, box)
		if err == nil {
			mine = append(mine, all...)
		}
	}

	for _, x := range mine {
		if x.ID == id && (r.box == domain.MailboxID{} || r.box == x.Mailbox) {
			return x, nil
		}
	}

	return accesshall.Given{}, core.ErrNotFound
}

// revoke ends access: of the owner, an officer, or who has it.
func (a accessHandlers) revoke(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "access")
	if err != nil {
		return err
	}

	if r.box == (domain.MailboxID{}) { // privileges/direct/{id}: the id alone names it
		x, err := a.oneAccess(r)
		if err != nil {
			return err
		}
		ask.Mailbox = x.Mailbox
	}

	_, at, err := a.b.Access.Revoke(r.Context(), ask, domain.GrantID(id))
	if err != nil {
		return err
	}

	a.position(w, at)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// requestAccess asks for access to another's mailbox: accessTo names its owner by CPR number and name.
func (a accessHandlers) requestAccess(w http.ResponseWriter, r request) error {
	in, err := fields(r, "requestType", "accessTo", "privileges", "privilegeEndDate")
	if err != nil {
		return err
	}

	right, err := privilege(in, "privileges")
	if err != nil {
		return err
	}

	to, err := field[struct{ FirstNameProvided, LastNameProvided, ExternalID, ExternalIDType string }](in, "accessTo",
		"must be an object with externalId, firstNameProvided and lastNameProvided")
	if err != nil {
		return err
	}

	if to == nil || to.ExternalID == "" {
		return problem.BadField("accessTo", "field.missing", "with externalId, a CPR number, is required")
	}

	until, err := textField(in, "privilegeEndDate", "must be a date")
	if err != nil {
		return err
	}

	name := to.FirstNameProvided + " " + to.LastNameProvided
	owner := accesshall.Owner{CPR: to.ExternalID, Name: name}
	x, at, err := a.b.Access.Request(r.Context(), r.p, owner, right, until)
	if err != nil {
		return err
	}

	a.position(w, at)
	problem.JSON(w, http.StatusCreated, requestOf(x))
	return nil
}

// requests lists what was asked of one's own mailbox, and what one has asked of others.
func (a accessHandlers) requests(w http.ResponseWriter, r request) error {
	all, err := a.b.Access.Of(r.p)
	if err != nil {
		return err
	}
	if own, err := a.b.Access.To(r.Context(), r.p, r.p.Identity); err == nil {
		all = append(all, own...)
	}
	var shown []AccessRequest
	for _, x := range all {
		shown = append(shown, requestOf(x))
	}
	result := func(p Page, some Listed[AccessRequest]) any { return AccessRequestSearchResult{p, some} }
	return paged(w, r, shown, result)
}

func (a accessHandlers) oneRequest(w http.ResponseWriter, r request) error {
	x, err := a.oneAccess(r)
	if err != nil {
		return err
	}
	problem.Versioned(w, http.StatusOK, x.Row.Version, requestOf(x))
	return nil
}

// decideRequest answers a request: requestState is APPROVED or REJECTED.
func (a accessHandlers) decideRequest(w http.ResponseWriter, r request) error {
	x, err := a.oneAccess(r)
	if err != nil {
		return err
	}

	ask, err := a.ask(r)
	if err != nil {
		return err
	}

	ask.Mailbox = x.Mailbox
	state := "REVOKED" // DELETE: taken back
	if r.Method == http.MethodPut {
		in, err := fields(r, "requestState")
		if err != nil {
			return err
		}
		if state, err = textField(in, "requestState", "must be APPROVED or REJECTED"); err != nil {
			return err
		}
	}

	var at eventstore.Position
	switch state {
	case "APPROVED":
		x, at, err = a.b.Access.Approve(r.Context(), ask, x.ID)
	case "REJECTED", "REVOKED":
		x, at, err = a.b.Access.Decline(r.Context(), ask, x.ID)
	default:
		return problem.BadField("requestState", "field.not.valid", "must be APPROVED or REJECTED")
	}

	if err != nil {
		return err
	}

	a.position(w, at)
	if r.Method == http.MethodDelete {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}

	problem.JSON(w, http.StatusOK, requestOf(x))
	return nil
}
