package viewapi

import (
	"net/http"

	"digitalpost/adapters/backbone/consents"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/settings"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/projections/platform"
)

// settingHandlers serve what platforms are, their texts, and what an owner prefers of them.
type settingHandlers struct{ *api }

func (a settingHandlers) register(r routes) {
	r.open("platforms", a.platforms)
	r.open("interface-texts", a.texts)
	r.one("GET", "mailboxes/{box}/language", a.language)
	r.one("PUT", "mailboxes/{box}/language", a.setLanguage)
	r.list("GET", "mailboxes/{box}/senders", a.privateSenders)
	r.one("PUT", "mailboxes/{box}/senders/{organisation}", a.consentToSender)
	r.list("GET", "mailboxes/{box}/platform-consents", a.consents)
	r.one("PUT", "mailboxes/{box}/platform-consents/{platform}", a.consent)
}

// platforms lists what each platform shows, whom it serves and in which languages.
func (a settingHandlers) platforms(w http.ResponseWriter, _ *http.Request) error {
	shown := []Platform{}
	for _, p := range platform.All {
		shown = append(shown, platformOf(p))
	}
	problem.JSON(w, http.StatusOK, Platforms{shown})
	return nil
}

// texts gives the texts of an interface, in Danish or English. Messages are never translated.
func (a settingHandlers) texts(w http.ResponseWriter, r *http.Request) error {
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
func (a settingHandlers) languageNow(r request) (Language, error) {
	now, err := a.b.Settings.Language(r.p, r.box)
	p, _ := platform.Of(r.p.Platform)
	return Language{p.ID, now, p.Languages, p.AppFollowsDevice}, err
}

func (a settingHandlers) language(w http.ResponseWriter, r request) error {
	if _, err := a.b.Access.Door(r.Context(), r.p, r.box); err != nil {
		return err
	}
	x, err := a.languageNow(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, x)
	}
	return err
}

func (a settingHandlers) setLanguage(w http.ResponseWriter, r request) error {
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

	at, err := a.b.Settings.SetLanguage(r.Context(), ask, settings.Language{Language: language, InApp: device == "APP"})
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
func (a settingHandlers) privateSenders(w http.ResponseWriter, r request) error {
	companies, exempt, err := a.b.Consents.Senders(r.Context(), r.p, r.box)
	if err != nil {
		return err
	}

	language, err := a.b.Settings.Language(r.p, r.p.Identity)
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

func (a settingHandlers) consentToSender(w http.ResponseWriter, r request) error {
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

	at, err := a.b.Consents.SetSender(r.Context(), ask, consents.ToSender{Organisation: id, Given: *given})
	if err != nil {
		return err
	}

	companies, _, err := a.b.Consents.Senders(r.Context(), r.p, r.box)
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

	return core.ErrNotFound
}
