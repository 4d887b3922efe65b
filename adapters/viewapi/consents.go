package viewapi

import (
	"net/http"

	"digitalpost/adapters/problem"
	"digitalpost/projections/platform"
)

func consentJSON(name string, given bool) object {
	p, _ := platform.Of(name)
	return object{"platform": name, "name": p.Name, "given": given}
}

// consents lists the platforms that show public post only with the owner's consent.
func (a *api) consents(w http.ResponseWriter, r request) error {
	all, err := a.b.Consents(r.Context(), r.p, r.box)
	if err != nil {
		return err
	}
	shown := []object{}
	for _, p := range platform.All {
		if given, ok := all[p.ID]; ok {
			shown = append(shown, consentJSON(p.ID, given))
		}
	}
	problem.JSON(w, http.StatusOK, object{"consents": shown})
	return nil
}

// consent gives or withdraws one.
func (a *api) consent(w http.ResponseWriter, r request) error {
	ask, err := a.ask(r)
	if err != nil {
		return err
	}
	in, err := fields(r, "given")
	if err != nil {
		return err
	}
	given, err := field[bool](in, "given", "must be true or false")
	if err != nil {
		return err
	}
	if given == nil {
		return problem.BadField("given", "field.missing", "is required")
	}
	name := r.PathValue("platform")
	at, err := a.b.Consent(r.Context(), ask, name, *given)
	if err != nil {
		return err
	}
	a.position(w, at)
	problem.JSON(w, http.StatusOK, consentJSON(name, *given))
	return nil
}
