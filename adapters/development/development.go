// Package development holds what a development server has and production does not: people, companies and sender
// systems that are made up, an OpenID provider that lets anybody in as one of them, and the routes under /dev/ that
// list and register them. Its tokens are verified as any other issuer's are; the packages that production uses know
// nothing of it.
package development

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/platform"
)

const (
	maxBody    = 16 << 10 // bytes of a request
	dateLayout = "2006-01-02"
)

type dev struct {
	b   *backbone.Backbone
	i   *Issuer
	log *slog.Logger
	out *Outbox // nil: there is none
}

// A Config is what development's own routes stand on.
type Config struct {
	Backbone *backbone.Backbone
	Issuer   *Issuer
	Tokens   *identity.Tokens // those that the issuer's Tokens gave: the same that the server's gate asks
	Outbox   *Outbox          // nil: nothing that leaves is shown
	Log      *slog.Logger
}

// Register adds development's own routes to mux: /dev/, /dev/token, /dev/people, /dev/returns, /dev/register/,
// /dev/clock, /dev/outbox, and the issuer's.
func Register(mux *http.ServeMux, cfg Config) {
	i, tokens, log := cfg.Issuer, cfg.Tokens, cfg.Log
	d := &dev{cfg.Backbone, i, log, cfg.Outbox}
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
	route("POST", "/dev/register/{register}", d.lines)
	route("GET", "/dev/clock", d.clock)
	route("POST", "/dev/clock", d.moveClock)
	if cfg.Outbox != nil {
		route("GET", "/dev/outbox", cfg.Outbox.show)
	}
}

// list answers with everybody whom one may act as, and the keys that it takes.
func (d *dev) list(w http.ResponseWriter, r *http.Request) error {
	if err := d.b.Fresh(r.Context(), d.b.Position()); err != nil {
		return err
	}

	people, companies, err := d.owners()
	if err != nil {
		return err
	}
	systems, err := d.systems()
	if err != nil {
		return err
	}
	platforms := []any{}
	for _, p := range platform.All {
		platforms = append(platforms, map[string]any{
			"client_id": p.ID, "name": p.Name, "client_secret": d.i.ClientSecret(p.ID)})
	}

	shown := map[string]any{
		"people": people, "companies": companies, "senderSystems": systems, "platforms": platforms}
	if d.out != nil {
		shown["webhooks"] = d.out.Webhook("")
	}
	problem.JSON(w, http.StatusOK, shown)
	return nil
}

// inOrder puts those who are there from the start first, in their order: ids that were made within one millisecond have
// none.
func inOrder(all []people.Person) {
	seeded := slices.Concat(madeUp.people, madeUp.companies)
	rank := map[string]int{}
	for i, p := range seeded {
		rank[p.Number] = i - len(seeded)
	}
	slices.SortStableFunc(all, func(a, b people.Person) int { return rank[a.Number] - rank[b.Number] })
}

func (d *dev) owners() (people, companies []any, err error) {
	all, err := d.b.People.All()
	if err != nil {
		return nil, nil, err
	}

	inOrder(all)
	people, companies = []any{}, []any{}
	for _, p := range all {
		if p.Kind == mailbox.Company {
			companies = append(companies, map[string]any{"cvr": p.Number, "name": p.Name, "mailbox": p.Mailbox})
			continue
		}
		people = append(people, map[string]any{"cpr": p.Number, "name": p.Name, "mailbox": p.Mailbox,
			"birthDate": p.BirthDate.Format(dateLayout), "municipality": p.Municipality})
	}

	return people, companies, nil
}

func (d *dev) systems() ([]any, error) {
	list, err := d.b.Organisations.Systems()
	if err != nil {
		return nil, err
	}

	systems := []any{}
	for _, made := range madeUp.systems { // in this order: the first is an authority's
		for _, s := range list {
			if s.Name != made.name {
				continue
			}

			o := map[string]any{"id": s.ID, "key": d.i.SystemKey(s.ID), "name": s.Name, "cvr": s.Organisation.CVR,
				"type": s.Organisation.Kind, "organisation": s.Organisation.Name}
			if s.Platform != "" {
				o["platform"] = s.Platform
			}
			if s.ConsentBasis != "" {
				o["consentBasis"] = s.ConsentBasis
			}

			systems = append(systems, o)
		}
	}

	return systems, nil
}

// token returns an access token for the asking.
func (d *dev) token(w http.ResponseWriter, r *http.Request) error {
	form, err := form(r)
	if err != nil {
		return err
	}
	client := form.Get("client_id")
	if err := checkClient(client); err != nil {
		return err
	}
	kind, number := mailbox.Citizen, form.Get("cpr")
	if number == "" {
		kind, number = mailbox.Company, form.Get("cvr")
	}
	if number == "" {
		return problem.BadField("cpr", "parameter.missing", "or cvr is required")
	}

	_, ok, err := d.b.People.Find(kind, number)
	if err == nil && !ok && kind == mailbox.Company {
		_, ok, err = d.b.Registers.SignedIn(r.Context(), number)
	}
	if err != nil {
		return err
	}
	if !ok {
		return problem.New(http.StatusNotFound, "person.not.found",
			"nobody here has that number, or their mailbox is not open; POST /dev/people registers a person")
	}

	u := user{kind: kind, number: number}
	for _, x := range form["priv"] { // RIGHT, or RIGHT:CVR
		right, scope, _ := strings.Cut(x, ":")
		u.priv = append(u.priv, identity.Privilege{Right: right, Scope: scope})
	}
	token, _, err := d.i.access("http://"+r.Host+"/dev/oauth", u, client)
	if err != nil {
		return err
	}
	problem.JSON(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(TokenLife / time.Second)})
	return nil
}

// returned is what the CPR register says of a person who lives in the country again.
func (d *dev) returned(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		CPR string `json:"cpr"`
	}
	if err := problem.ReadJSON(r.Body, maxBody, &in, "must be a JSON object with cpr"); err != nil {
		return err
	}

	id, known, err := d.b.People.Find(mailbox.Citizen, in.CPR)
	if err == nil && !known {
		err = problem.New(http.StatusNotFound, "person.not.found", "nobody made up has that number")
	}
	if err == nil {
		_, err = d.b.People.Returned(r.Context(), id)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// A registration is the request that registers a person.
type registration struct {
	CPR          string    `json:"cpr"`
	Name         string    `json:"name"`
	BirthDate    string    `json:"birthDate"` // empty: that of the number
	Municipality string    `json:"municipality"`
	Consents     *[]string `json:"consents"` // platforms; absent: e-Boks
}

// person checks a registration, and gives whom it is about.
func (in registration) person() (p people.Person, err error) {
	cpr, err := domain.ParseCPR(in.CPR)
	if err != nil {
		return p, problem.BadField("cpr", "cpr.not.valid",
			"must be ten digits that begin with a date, 60 added to the day of a made-up person")
	}
	if in.Name == "" || len(in.Name) > 512 {
		return p, problem.BadField("name", "field.not.valid", "is required, of at most 512 bytes")
	}
	if len(in.Municipality) > 4 {
		return p, problem.BadField("municipality", "field.not.valid", "must be a code of four digits")
	}

	p = people.Person{Kind: mailbox.Citizen, Number: in.CPR, Name: in.Name, Municipality: in.Municipality}
	p.BirthDate, _ = cpr.BirthDate()
	if in.BirthDate != "" {
		if p.BirthDate, err = time.Parse(dateLayout, in.BirthDate); err != nil {
			return p, problem.BadField("birthDate", "field.not.valid", "must be a date, such as 1990-01-31")
		}
	}
	return p, nil
}

// register registers a person as the CPR register would.
func (d *dev) register(w http.ResponseWriter, r *http.Request) error {
	var in registration
	if err := problem.ReadJSON(r.Body, maxBody, &in, "must be a JSON object with cpr and name"); err != nil {
		return err
	}
	p, err := in.person()
	if err != nil {
		return err
	}
	if in.Consents == nil {
		in.Consents = &[]string{"eboks"}
	}

	_, was, err := d.b.People.Find(p.Kind, p.Number)
	if err != nil {
		return err
	}
	if err := registerWith(r.Context(), d.b, p, in.Consents); err != nil {
		return err
	}
	id, _, err := d.b.People.Find(p.Kind, p.Number)
	if err != nil {
		return err
	}

	status := http.StatusCreated
	if was {
		status = http.StatusOK
	}
	problem.JSON(w, status, map[string]any{
		"cpr": in.CPR, "name": in.Name, "mailbox": id, "birthDate": p.BirthDate.Format(dateLayout)})
	return nil
}
