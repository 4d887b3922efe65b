package officeapi

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"slices"

	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/organisation"
	"digitalpost/projections/platform"
)

// rights are an organisation's, as a body has them.
type rights struct {
	AuthorityType, LegalBasis                      string
	MandatoryPostAllowed, LegalNotificationAllowed bool
}

func (r rights) rights() organisation.Rights {
	return organisation.Rights{
		MandatoryAllowed: r.MandatoryPostAllowed, LegalAllowed: r.LegalNotificationAllowed,
		LegalBasis: r.LegalBasis, AuthorityType: r.AuthorityType,
	}
}

// registerSystem registers a sender system, and its organisation if it is not there; one that is there gets another
// key. The key is in the answer, and kept nowhere.
func (a *api) registerSystem(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	var in struct {
		CVR, UUID, Organisation, Name, Type, Platform, ConsentBasis string
		rights
	}
	if err := read(r, &in); err != nil {
		return err
	}

	org := organisations.Organisation{
		Kind: in.Type, CVR: in.CVR, Name: in.Organisation, Rights: in.rights.rights(),
	}
	if _, err := domain.ParseCVR(in.CVR); err != nil {
		return refusedField("cvr", err)
	}

	if in.UUID != "" {
		id, err := domain.ParseUUID(in.UUID)
		if err != nil {
			return problem.BadField("uuid", "field.not.valid", "must be a UUID")
		}
		org.UUID = id
	}

	if !slices.Contains([]string{organisation.Authority, organisation.Company}, org.Kind) {
		return problem.BadField("type", "field.not.valid", "must be AUTHORITY or COMPANY")
	}

	company := org.Kind == organisation.Company
	if shows, ok := platform.Of(in.Platform); (in.Platform != "" || company) && (!ok || !shows.Private || !company) {
		return problem.BadField("platform", "field.not.valid",
			"must be eboks or mitdk for a company's system, and is nothing for an authority's")
	}

	id, err := a.b.Organisations.SystemID(in.CVR, in.Name)
	if err != nil {
		return err
	}

	key := make([]byte, 16)
	rand.Read(key)
	out := SystemKey{id.String(), hex.EncodeToString(key)}

	err = a.b.Organisations.RegisterSystem(r.Context(), caller(by), organisations.Registration{
		Organisation: org, Name: in.Name, Platform: in.Platform, ConsentBasis: in.ConsentBasis,
		KeyHash: identity.HashKey(out.Key),
	})
	if err == nil {
		problem.JSON(w, http.StatusCreated, out)
	}
	return err
}

// delegateSystem lets a system come with certificates of another organisation, such as its supplier.
func (a *api) delegateSystem(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	id, err := pathID(r, "system")
	if err != nil {
		return err
	}

	var in struct{ CVR, To string }
	if err := read(r, &in); err != nil {
		return err
	}

	for name, n := range map[string]string{"cvr": in.CVR, "to": in.To} {
		if _, err := domain.ParseCVR(n); err != nil {
			return refusedField(name, err)
		}
	}

	if err := a.b.Organisations.Delegate(r.Context(), caller(by), in.CVR, domain.SystemID(id), in.To); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// withdrawSystem withdraws the registration of a system: its key is valid no more.
func (a *api) withdrawSystem(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	id, err := pathID(r, "system")
	if err != nil {
		return err
	}

	sys, err := a.b.Organisations.System(domain.SystemID(id))
	if err == nil {
		err = a.b.Organisations.Withdraw(r.Context(), caller(by), sys.Organisation.CVR, sys.ID)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// changeRights says what an organisation may do from now on: all of its rights, as they are then.
func (a *api) changeRights(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	var in struct {
		CVR string
		rights
	}
	if err := read(r, &in); err != nil {
		return err
	}

	if _, err := domain.ParseCVR(in.CVR); err != nil {
		return refusedField("cvr", err)
	}

	if err := a.b.Organisations.ChangeRights(r.Context(), caller(by), in.CVR, in.rights.rights()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
