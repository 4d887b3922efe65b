package viewapi

import (
	"net/http"

	"digitalpost/adapters/backbone/consents"
	"digitalpost/adapters/problem"
	"digitalpost/projections/platform"
)

// consents lists the platforms that show public post only with the owner's consent.
func (a settingHandlers) consents(w http.ResponseWriter, r request) error {
	all, err := a.b.Consents.Platforms(r.Context(), r.p, r.box)
	if err != nil {
		return err
	}
	shown := []Consent{}
	for _, p := range platform.All {
		if given, ok := all[p.ID]; ok {
			shown = append(shown, consentOf(p.ID, given))
		}
	}
	problem.JSON(w, http.StatusOK, Consents{shown})
	return nil
}

// consent gives or withdraws one.
func (a settingHandlers) consent(w http.ResponseWriter, r request) error {
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
	at, err := a.b.Consents.Set(r.Context(), ask, consents.ToPlatform{Platform: name, Given: *given})
	if err != nil {
		return err
	}

	a.position(w, at)
	problem.JSON(w, http.StatusOK, consentOf(name, *given))
	return nil
}
