package identity

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/projections/platform"
)

// madeUp are the people, companies and sender systems that a development server has from the start. Nobody real has such numbers: 60 is added to
// the day of a CPR number, and the CVR numbers fail their check digit.
var madeUp = struct {
	people, companies []backbone.Person
	systems           []struct {
		org            backbone.Organisation
		name, platform string
	}
}{
	people: []backbone.Person{
		{Number: "6701901234", Name: "Mette Made-Up Hansen", Municipality: "0101"},
		{Number: "7203852345", Name: "Søren Påfund Jensen", Municipality: "0751"},
		{Number: "8112553456", Name: "Åse Opdigtet Møller", Municipality: "0851"},
		{Number: "6506024567", Name: "Ali Testesen", Municipality: "0461"},
		{Number: "9105785678", Name: "Kirsten Eksempel", Municipality: "0400"},
	},
	companies: []backbone.Person{{Number: "10000001", Name: "Påfundets Bageri ApS"}, {Number: "10000002", Name: "Foreningen Opdigtet"}},
	systems: []struct {
		org            backbone.Organisation
		name, platform string
	}{
		{backbone.Organisation{Kind: organisation.Authority, CVR: "20000001", Name: "Eksempel Kommune", AuthorityType: "MUNICIPALITY", MandatoryAllowed: true, LegalAllowed: true}, "Kommunens fagsystem", ""},
		{backbone.Organisation{Kind: organisation.Authority, CVR: "20000002", Name: "Region Påfund", AuthorityType: "REGION"}, "Regionens patientsystem", ""},
		{backbone.Organisation{Kind: organisation.Company, CVR: "20000003", Name: "Opdigtet Forsikring A/S"}, "Forsikringens post til e-Boks", "eboks"},
		{backbone.Organisation{Kind: organisation.Company, CVR: "20000004", Name: "Påfund Bank A/S"}, "Bankens post til mit.dk", "mitdk"},
		{backbone.Organisation{Kind: organisation.Authority, CVR: "20000005", Name: "Opdigtet Uddannelsesstyrelse", AuthorityType: "STATE", LegalBasis: "SU-loven (opdigtet)"}, "Styrelsens udbetalinger", ""},
	},
}

// Seed makes development's people, companies and sender systems, if they are not there.
func Seed(ctx context.Context, b *backbone.Backbone, i *Issuer) error {
	for _, p := range madeUp.people {
		cpr, err := domain.ParseCPR(p.Number)
		if err != nil {
			return err
		}
		p.Kind = mailbox.Citizen
		p.BirthDate, _ = cpr.BirthDate()
		if err := registerWith(ctx, b, p, nil); err != nil {
			return err
		}
	}
	for _, c := range madeUp.companies {
		c.Kind = mailbox.Company
		if err := registerWith(ctx, b, c, nil); err != nil {
			return err
		}
	}
	for _, s := range madeUp.systems {
		id, err := b.SystemID(s.org.CVR, s.name)
		if err != nil {
			return err
		}
		if err := b.RegisterSystem(ctx, s.org, s.name, s.platform, HashKey(i.SystemKey(id))); err != nil {
			return err
		}
		if err := seedContacts(ctx, b, s.org.CVR, id); err != nil {
			return err
		}
	}
	return nil
}

// madeUpContacts are the contact structures of the made-up authorities, by CVR number.
var madeUpContacts = map[string]struct {
	version int // of MeMo that the authority's recipient system takes in
	groups  []string
	points  []madeUpPoint
}{
	"20000001": {memo.V12, []string{"Familie", "Bolig og byggeri"}, []madeUpPoint{
		{"Borgerservice", "Alt det, som ikke hører til andre steder", "", []string{organisation.ForCitizens, organisation.ForCompanies}, 99_500_000, 10, []string{"pas", "kørekort", "flytning"}},
		{"Dagtilbud", "Vuggestue, børnehave og dagpleje", "Familie", []string{organisation.ForCitizens}, 50_000_000, 10, []string{"vuggestue", "børnehave"}},
		{"Byggesager", "Ansøgninger om at bygge", "Bolig og byggeri", []string{organisation.ForCitizens, organisation.ForCompanies}, 10_000_000, 2, []string{"byggetilladelse"}},
		{"Andre myndigheder", "For myndigheder alene", "", []string{organisation.ForAuthorities}, 99_500_000, 10, nil}}},
	"20000002": {memo.V11, nil, []madeUpPoint{
		{"Patientkontoret", "Spørgsmål om behandling og indkaldelser", "", []string{organisation.ForCitizens}, 99_500_000, 10, []string{"indkaldelse", "hospital"}}}},
	"20000005": {memo.V12, nil, []madeUpPoint{
		{"SU", "Statens Uddannelsesstøtte", "", []string{organisation.ForCitizens}, 20_000_000, 5, []string{"studielån"}}}},
}

type madeUpPoint struct {
	name, description, group string
	targets                  []string
	bytes                    int64
	attachments              int
	terms                    []string
}

// seedContacts makes an authority's contact structure, if it has none.
func seedContacts(ctx context.Context, b *backbone.Backbone, cvr string, system domain.SystemID) error {
	made, ok := madeUpContacts[cvr]
	if !ok {
		return nil
	}
	sys, err := b.System(system)
	if err != nil {
		return err
	}
	if sys.Receives == 0 {
		if err := b.Receive(ctx, cvr, system, made.version, true); err != nil {
			return err
		}
	}
	id := func(what, name string) domain.UUID { return domain.DeriveID(what, []byte(cvr), []byte(name)) }
	_, err = b.ChangeContacts(ctx, sys, "made-up contacts", func(c organisation.Contacts) (events []organisation.Event, err error) {
		if len(c.Points) > 0 {
			return nil, nil
		}
		put := func(more []organisation.Event, err error) error {
			for _, e := range more {
				c.Evolve(e)
			}
			events = append(events, more...)
			return err
		}
		for _, g := range made.groups {
			if err := put(c.PutGroup(organisation.ContactGroup{Group: id("contact group", g), Name: g}, true)); err != nil {
				return nil, err
			}
		}
		for _, p := range made.points {
			point := organisation.ContactPoint{Point: id("contact point", p.name), Name: p.name, Description: p.description, Targets: p.targets, MaxBytes: p.bytes,
				Attachments: p.attachments, Active: true, Visible: true, SearchTerms: p.terms}
			if p.group != "" {
				point.Groups = []domain.UUID{id("contact group", p.group)}
			}
			if err := put(c.PutPoint(point, true)); err != nil {
				return nil, err
			}
		}
		return events, nil
	})
	return err
}

// registerWith registers a person or company that consents, once, to what the platforms named show; nil: to all that need it.
func registerWith(ctx context.Context, b *backbone.Backbone, p backbone.Person, consents *[]string) error {
	id, created, err := b.Register(ctx, p)
	if err != nil || !created && consents != nil {
		return err
	}
	for _, x := range platform.All {
		if x.Consent && (consents == nil || slices.Contains(*consents, x.ID)) {
			if err := b.GiveConsent(ctx, id, x.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

type dev struct {
	b   *backbone.Backbone
	i   *Issuer
	log *slog.Logger
}

// RegisterDevelopment adds development's own routes to mux: /dev/, /dev/token, /dev/people, and the issuer's.
func RegisterDevelopment(mux *http.ServeMux, b *backbone.Backbone, i *Issuer, tokens *Tokens, log *slog.Logger) {
	d := &dev{b, i, log}
	registerOAuth(mux, i, tokens, log)
	route := func(method, path string, fn func(http.ResponseWriter, *http.Request) error) {
		h := func(w http.ResponseWriter, r *http.Request) {
			if err := fn(w, r); err != nil {
				problem.Write(w, log, err)
			}
		}
		mux.HandleFunc(method+" "+path, h)
		mux.HandleFunc(method+" "+path+"/{$}", h)
	}
	route("GET", "/dev", d.list)
	route("POST", "/dev/token", d.token)
	route("POST", "/dev/people", d.register)
	route("POST", "/dev/returns", d.returned)
}

func (d *dev) list(w http.ResponseWriter, r *http.Request) error {
	if err := d.b.Fresh(r.Context(), d.b.Position()); err != nil {
		return err
	}
	all, err := d.b.People()
	if err != nil {
		return err
	}
	people, companies, systems, platforms := []any{}, []any{}, []any{}, []any{}
	for _, p := range all {
		if p.Kind == mailbox.Company {
			companies = append(companies, map[string]any{"cvr": p.Number, "name": p.Name, "mailbox": p.Mailbox})
			continue
		}
		people = append(people, map[string]any{"cpr": p.Number, "name": p.Name, "mailbox": p.Mailbox, "birthDate": p.BirthDate.Format("2006-01-02"), "municipality": p.Municipality})
	}
	list, err := d.b.Systems()
	if err != nil {
		return err
	}
	for _, name := range madeUp.systems { // in this order: the first is an authority's
		for _, s := range list {
			if s.Name != name.name {
				continue
			}
			o := map[string]any{"id": s.ID, "key": d.i.SystemKey(s.ID), "name": s.Name, "cvr": s.Organisation.CVR, "type": s.Organisation.Kind, "organisation": s.Organisation.Name}
			if s.Platform != "" {
				o["platform"] = s.Platform
			}
			systems = append(systems, o)
		}
	}
	for _, p := range platform.All {
		platforms = append(platforms, map[string]any{"client_id": p.ID, "name": p.Name, "client_secret": d.i.ClientSecret(p.ID)})
	}
	problem.JSON(w, http.StatusOK, map[string]any{"people": people, "companies": companies, "senderSystems": systems, "platforms": platforms})
	return nil
}

func (d *dev) token(w http.ResponseWriter, r *http.Request) error {
	form, err := form(r)
	if err != nil {
		return err
	}
	client := form.Get("client_id")
	if _, ok := platform.Of(client); !ok {
		return problem.BadField("client_id", "parameter.not.valid", "must be one of lifeindenmark, app, eboks, mitdk, borgerdk, virkdk")
	}
	kind, number := mailbox.Citizen, form.Get("cpr")
	if number == "" {
		kind, number = mailbox.Company, form.Get("cvr")
	}
	if number == "" {
		return problem.BadField("cpr", "parameter.missing", "or cvr is required")
	}
	_, ok, err := d.b.Find(kind, number)
	if err != nil {
		return err
	}
	if !ok {
		return problem.New(http.StatusNotFound, "person.not.found", "nobody here has that number; POST /dev/people registers a person")
	}
	u := user{kind: kind, number: number}
	for _, x := range form["priv"] { // RIGHT, or RIGHT:CVR
		right, scope, _ := strings.Cut(x, ":")
		u.priv = append(u.priv, priv{right, scope})
	}
	token, _, err := d.i.access("http://"+r.Host+"/dev/oauth", u, client)
	if err != nil {
		return err
	}
	problem.JSON(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(TokenLife / time.Second)})
	return nil
}

// returned is what the CPR register says of a person who lives in the country again.
func (d *dev) returned(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		CPR string `json:"cpr"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 16<<10)).Decode(&in); err != nil {
		return problem.BadField("body", "body.not.valid", "must be a JSON object with cpr")
	}
	id, known, err := d.b.Find(mailbox.Citizen, in.CPR)
	if err == nil && !known {
		err = problem.New(http.StatusNotFound, "person.not.found", "nobody made up has that number")
	}
	if err == nil {
		_, err = d.b.Returned(r.Context(), id)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// register registers a person as the CPR register would.
func (d *dev) register(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		CPR          string    `json:"cpr"`
		Name         string    `json:"name"`
		BirthDate    string    `json:"birthDate"`
		Municipality string    `json:"municipality"`
		Consents     *[]string `json:"consents"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 16<<10)).Decode(&in); err != nil {
		return problem.BadField("body", "body.not.valid", "must be a JSON object with cpr and name")
	}
	cpr, err := domain.ParseCPR(in.CPR)
	if err != nil {
		return problem.BadField("cpr", "cpr.not.valid", "must be ten digits that begin with a date, 60 added to the day of a made-up person")
	}
	if in.Name == "" || len(in.Name) > 512 {
		return problem.BadField("name", "field.not.valid", "is required, of at most 512 bytes")
	}
	if len(in.Municipality) > 4 {
		return problem.BadField("municipality", "field.not.valid", "must be a code of four digits")
	}
	p := backbone.Person{Kind: mailbox.Citizen, Number: in.CPR, Name: in.Name, Municipality: in.Municipality}
	p.BirthDate, _ = cpr.BirthDate()
	if in.BirthDate != "" {
		if p.BirthDate, err = time.Parse("2006-01-02", in.BirthDate); err != nil {
			return problem.BadField("birthDate", "field.not.valid", "must be a date, such as 1990-01-31")
		}
	}
	_, was, err := d.b.Find(p.Kind, p.Number)
	if err == nil {
		if in.Consents == nil {
			in.Consents = &[]string{"eboks"}
		}
		err = registerWith(r.Context(), d.b, p, in.Consents)
	}
	if err != nil {
		return err
	}
	created := !was
	id, _, err := d.b.Find(p.Kind, p.Number)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	problem.JSON(w, status, map[string]any{"cpr": in.CPR, "name": in.Name, "mailbox": id, "birthDate": p.BirthDate.Format("2006-01-02")})
	return nil
}
