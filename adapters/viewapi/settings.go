package viewapi

import (
	"net/http"
	"strings"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/platform"
)

// registerSettings adds what platforms are, their texts, and what an owner prefers of them.
func (a *api) registerSettings(mux *http.ServeMux, route func(method, path string, single bool, fn func(http.ResponseWriter, request) error)) {
	const one, list = true, false
	a.open(mux, "platforms", a.platforms)
	a.open(mux, "interface-texts", a.texts)
	route("GET", "/{box}/language", one, a.language)
	route("PUT", "/{box}/language", one, a.setLanguage)
	route("GET", "/{box}/senders", list, a.privateSenders)
	route("PUT", "/{box}/senders/{organisation}", one, a.consentToSender)
}

// platforms tells what each platform shows, whom it serves and in which languages.
func (a *api) platforms(w http.ResponseWriter, _ *http.Request) error {
	shown := []object{}
	for _, p := range platform.All {
		serves := []mailbox.OwnerKind{}
		for _, o := range []mailbox.OwnerKind{mailbox.Citizen, mailbox.Company} {
			if p.Serves(o) {
				serves = append(serves, o)
			}
		}
		shown = append(shown, object{"id": p.ID, "name": p.Name, "owner": p.Owner, "serves": serves, "showsPrivatePost": p.Private, "needsConsent": p.Consent,
			"languages": p.Languages, "appFollowsDevice": p.AppFollowsDevice, "minimumAge": p.MinAge})
	}
	problem.JSON(w, http.StatusOK, object{"platforms": shown})
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
	problem.JSON(w, http.StatusOK, object{"language": language, "texts": texts})
	return nil
}

func (a *api) languageJSON(r request) (object, error) {
	now, err := a.b.Language(r.p, r.box)
	p, _ := platform.Of(r.p.Platform)
	return object{"platform": p.ID, "language": now, "languages": p.Languages, "appFollowsDevice": p.AppFollowsDevice}, err
}

func (a *api) language(w http.ResponseWriter, r request) error {
	if _, err := a.b.Door(r.Context(), r.p, r.box); err != nil {
		return err
	}
	o, err := a.languageJSON(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, o)
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
	o, err := a.languageJSON(r)
	if err == nil {
		a.position(w, at)
		problem.JSON(w, http.StatusOK, o)
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
	authorities := object{"senderType": "AUTHORITIES", "name": interfaceTexts["sender.AUTHORITIES"].in(language), "registered": !exempt, "exempt": exempt, "cancelExemption": nil}
	if exempt {
		authorities["cancelExemption"] = "/apis/v1/mailboxes/" + r.box.String() + "/exemption/cancel"
	}
	shown := []object{authorities}
	for _, s := range companies {
		shown = append(shown, privateSenderJSON(s))
	}
	return paged(w, r, "senders", shown)
}

func privateSenderJSON(s backbone.PrivateSender) object {
	consent := "NONE"
	switch {
	case s.Consent.Given && s.Consent.Indirect:
		consent = "INDIRECT"
	case s.Consent.Given:
		consent = "DIRECT"
	case s.Asked:
		consent = "WITHDRAWN"
	}
	return object{"senderType": "COMPANY", "organisationId": s.ID, "cvrNumber": s.CVR, "name": s.Name, "registered": s.Consent.Given, "consent": consent}
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
			problem.JSON(w, http.StatusOK, privateSenderJSON(s))
			return nil
		}
	}
	return backbone.ErrNotFound
}

// words is a text in the two languages of Digital Post.
type words struct{ da, en string }

func (x words) in(language string) string {
	if strings.EqualFold(language, "en") {
		return x.en
	}
	return x.da
}

// interfaceTexts are the words that the answers' codes stand for.
var interfaceTexts = map[string]words{
	"folder.INBOX": {"Indbakke", "Inbox"}, "folder.DRAFTS": {"Kladder", "Drafts"}, "folder.SENT": {"Sendt post", "Sent"}, "folder.DELETED": {"Slettet post", "Deleted"},
	"message.REGULAR": {"Almindelig post", "Ordinary post"}, "message.MANDATORY": {"Post, du skal modtage", "Mandatory post"}, "message.LEGAL_NOTIFICATION": {"Forkyndelse", "Service of process"},
	"state.DRAFT": {"Kladde", "Draft"}, "state.SENT": {"Sendt", "Sent"}, "state.RECEIVED": {"Modtaget", "Received"},
	"receipt.RECEIVED": {"Sendt, endnu ikke besvaret", "Sent, not answered yet"}, "receipt.COMPLETED": {"Modtaget af modtageren", "Received by the recipient"}, "receipt.NOT_ALLOWED": {"Ikke tilladt hos modtageren", "Not allowed by the recipient"}, "receipt.INVALID": {"Afvist af modtageren", "Refused by the recipient"},
	"access.OWNER": {"Ejer", "Owner"}, "access.READ": {"Læseadgang", "Read access"}, "access.READ_WRITE": {"Læse- og skriveadgang", "Read and write access"}, "access.DESIGNATED": {"Udpeget adgang", "Designated access"},
	"authority.STATE": {"Stat", "State"}, "authority.REGION": {"Region", "Region"}, "authority.MUNICIPALITY": {"Kommune", "Municipality"}, "authority.OTHER": {"Anden myndighed", "Other authority"},
	"exemption.APPLIED": {"Ansøgt", "Applied for"}, "exemption.EXEMPT": {"Fritaget", "Exempt"}, "exemption.REFUSED": {"Afslået", "Refused"}, "exemption.REVOKED": {"Ophørt", "Ended"},
	"sender.AUTHORITIES": {"Offentlige myndigheder", "Public authorities"}, "sender.COMPANY": {"Virksomhed", "Company"},
	"consent.DIRECT": {"Tilmeldt", "Registered"}, "consent.INDIRECT": {"Tilmeldt gennem aftale", "Registered by contract"}, "consent.WITHDRAWN": {"Afmeldt", "Cancelled"}, "consent.NONE": {"Ikke tilmeldt", "Not registered"},
	"action.reply": {"Svar", "Reply"}, "action.forward": {"Videresend", "Forward"}, "action.write": {"Skriv ny post", "Write new message"}, "action.delete": {"Slet", "Delete"}, "action.move": {"Flyt", "Move"},
	"action.restore": {"Gendan", "Restore"}, "action.attach": {"Vedhæft filer", "Attach files"}, "action.send": {"Send", "Send"}, "action.cancelExemption": {"Ophæv fritagelse", "Cancel exemption"},
	"action.registerSenders": {"Tilmeld afsendere", "Register senders"}, "action.switchMailbox": {"Skift postkasse", "Change mailbox"},
	"email.confirm": {"En e-mail forlader Digital Post og er ikke beskyttet der", "An e-mail leaves Digital Post, and is not protected there"},
}
