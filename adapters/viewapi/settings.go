package viewapi

import (
	"net/http"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/projections/platform"
)

// registerSettings adds what platforms are, their texts, and what an owner prefers of them.
func (a *api) registerSettings(mux *http.ServeMux, route routes) {
	const one, list = true, false
	a.open(mux, "platforms", a.platforms)
	a.open(mux, "interface-texts", a.texts)
	route("GET", "/{box}/language", one, a.language)
	route("PUT", "/{box}/language", one, a.setLanguage)
	route("GET", "/{box}/senders", list, a.privateSenders)
	route("PUT", "/{box}/senders/{organisation}", one, a.consentToSender)
}

// platforms lists what each platform shows, whom it serves and in which languages.
func (a *api) platforms(w http.ResponseWriter, _ *http.Request) error {
	shown := []Platform{}
	for _, p := range platform.All {
		shown = append(shown, platformOf(p))
	}
	problem.JSON(w, http.StatusOK, Platforms{shown})
	return nil
}

// texts gives the texts of an interface, in Danish or English. Messages are never translated.
func (a *api) texts(w http.ResponseWriter, r *http.Request) error {
	language := r.URL.Query().Get("language")
	if language == "" {
		language = "da"
	}
	if language != "da" && language != "en" {
		return problem.BadField("language", "parameter.not.valid", "must be da or en")
	}
	texts := map[string]string{}
	for key, x := range interfaceTexts {
		texts[key] = x.in(language)
	}
	for code, text := range problem.Texts(language) {
		texts["error."+code] = text
	}
	problem.JSON(w, http.StatusOK, InterfaceTexts{language, texts})
	return nil
}

// languageNow gives the language of the platform's texts as it stands.
func (a *api) languageNow(r request) (Language, error) {
	now, err := a.b.Language(r.p, r.box)
	p, _ := platform.Of(r.p.Platform)
	return Language{p.ID, now, p.Languages, p.AppFollowsDevice}, err
}

func (a *api) language(w http.ResponseWriter, r request) error {
	if _, err := a.b.Door(r.Context(), r.p, r.box); err != nil {
		return err
	}
	x, err := a.languageNow(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, x)
	}
	return err
}

func (a *api) setLanguage(w http.ResponseWriter, r request) error {
	ask, err := a.ask(r)
	if err != nil {
		return err
	}
	in, err := fields(r, "language", "device")
	if err != nil {
		return err
	}
	language, err := textField(in, "language", "must be da or en")
	if err != nil {
		return err
	}
	device, err := textField(in, "device", "must be APP or DESKTOP")
	if err != nil || device != "" && device != "APP" && device != "DESKTOP" {
		return problem.BadField("device", "field.not.valid", "must be APP or DESKTOP")
	}
	at, err := a.b.SetLanguage(r.Context(), ask, language, device == "APP")
	if err != nil {
		return err
	}
	x, err := a.languageNow(r)
	if err == nil {
		a.position(w, at)
		problem.JSON(w, http.StatusOK, x)
	}
	return err
}

// privateSenders lists who sends: all authorities first, as one, then the companies of the asker's platform.
func (a *api) privateSenders(w http.ResponseWriter, r request) error {
	companies, exempt, err := a.b.PrivateSenders(r.Context(), r.p, r.box)
	if err != nil {
		return err
	}
	language, err := a.b.Language(r.p, r.p.Identity)
	if err != nil {
		return err
	}
	shown := []RegisteredSender{authoritiesOf(r.box, exempt, language)}
	for _, s := range companies {
		shown = append(shown, companyOf(s))
	}
	result := func(p Page, some Listed[RegisteredSender]) any { return SenderSearchResult{p, some} }
	return paged(w, r, shown, result)
}

func (a *api) consentToSender(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "organisation")
	if err != nil {
		return err
	}
	in, err := fields(r, "registered")
	if err != nil {
		return err
	}
	given, err := field[bool](in, "registered", "must be true or false")
	if err != nil {
		return err
	}
	if given == nil {
		return problem.BadField("registered", "field.missing", "is required")
	}
	at, err := a.b.ConsentToSender(r.Context(), ask, id, *given)
	if err != nil {
		return err
	}
	companies, _, err := a.b.PrivateSenders(r.Context(), r.p, r.box)
	if err != nil {
		return err
	}
	for _, s := range companies {
		if s.ID == domain.OrganisationID(id) {
			a.position(w, at)
			problem.JSON(w, http.StatusOK, companyOf(s))
			return nil
		}
	}
	return backbone.ErrNotFound
}
