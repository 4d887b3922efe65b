package officeapi_test

import (
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/server/servertest"
	"digitalpost/domain/mailbox"
)

// operator signs in as an operator of an authority, on a development server.
func operator(w *servertest.World) *servertest.Client {
	w.T.Helper()
	return w.Person(w.Companies[1].CVR, "virkdk", "OPERATOR")
}

// A mandate is opened with purpose and case number by those in an office, seen by who opened it and by auditors, and
// stands in the records of what is done under it.
func TestMandates(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	const path = "/apis/v1/mandates/"
	const body = `{"purpose":"Tilsyn med opslag","caseNumber":"2026-1"}`
	officer, owner := w.Officer(), w.User(0, "app")
	auditor := w.Person(w.Companies[0].CVR, "virkdk", "AUDITOR")
	other := w.Person(w.Companies[1].CVR, "virkdk", "CITIZEN_SERVICE_EMPLOYEE")

	m := officer.Ask(201, "POST", path, body)
	id := m.Text("id")
	if m.Text("office") != "CITIZEN_SERVICE_EMPLOYEE" || m.Text("purpose") != "Tilsyn med opslag" {
		t.Errorf("opened: %v", m)
	}
	officer.Want(200, "2026-1", "GET", path+id, "")
	auditor.Want(200, "2026-1", "GET", path+id, "")
	other.Want(404, "", "GET", path+id, "")
	owner.Want(404, "", "GET", path+id, "")

	owner.Want(403, "", "POST", path, body)
	officer.Want(422, "mandate.not.allowed", "POST", path, `{"purpose":"Tilsyn"}`)
	w.Person(w.People[0].CPR, "app", "AUDITOR").Want(403, "office.authority.missing", "POST", path, body)

	const search = "/apis/v1/citizens/search/"
	who := fmt.Sprintf(`{"cprNumber":%q}`, w.People[0].CPR)
	officer.Want(200, "", "POST", search, who, "Mandate", id)
	officer.Want(400, "header.not.valid", "POST", search, who, "Mandate", "2026-1")
	officer.Want(403, "mandate.not.in.force", "POST", search, who, "Mandate", servertest.NewUUID())
	other.Want(403, "mandate.not.in.force", "POST", search, who, "Mandate", id)
	owner.Want(403, "mandate.not.in.force", "GET", w.Box(0), "", "Mandate", id)

	stands := 0
	for _, rec := range w.Records() {
		if rec.Type == "looks.case-opened" && fmt.Sprintf("%x", rec.Meta.Mandate) == strings.ReplaceAll(id, "-", "") {
			stands++
		}
		if strings.Contains(string(rec.Data), "Tilsyn") || strings.Contains(string(rec.Data), "2026-1") {
			t.Errorf("%s has the purpose or the case number in the open", rec.Type)
		}
	}
	if stands != 1 {
		t.Errorf("%d looks name the mandate, want 1", stands)
	}
}

// Of made-up people one operator does what is otherwise for two; both stand in the log.
func TestProposalsInDevelopment(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	op := operator(w)
	const path = "/apis/v1/operations/proposals/"

	w.Send("Før")
	shred := fmt.Sprintf(`{"measure":"SHRED_MAILBOX","mailboxId":%q,"reason":"Dødsbo afsluttet"}`, w.People[0].Mailbox)
	if p := op.Ask(201, "POST", path, shred); p.At("approved") != true {
		t.Errorf("proposed: %v", p)
	}
	w.User(1, "app").Ask(200, "GET", w.Box(1), "")
	if r := w.SendAs(0, w.People[0].CPR, "Efter", nil); r.ErrorCode != "recipient.is.closed" {
		t.Errorf("post to a mailbox that is gone: %+v", r)
	}

	if p := op.Ask(201, "POST", path, `{"measure":"ROLL_KEYS","reason":"Månedligt"}`); p.At("approved") != true {
		t.Errorf("proposed: %v", p)
	}
	if all := op.Ask(200, "GET", path, ""); len(all.At("proposals").([]any)) != 0 {
		t.Errorf("what waits: %v", all)
	}

	op.Want(422, "proposal.measure.unknown", "POST", path, `{"measure":"GO_ON_RESTORED","reason":"x"}`)
	op.Want(422, "proposal.measure.unknown", "POST", path, `{"measure":"SHRED_MAILBOX","reason":"x"}`)
	op.Want(422, "proposal.not.open", "POST", path+servertest.NewUUID()+"/approve", "")
	op.Want(422, "proposal.not.open", "POST", path+servertest.NewUUID()+"/withdraw", "")
	for _, c := range []*servertest.Client{w.Officer(), w.User(1, "app")} {
		c.Want(403, "", "GET", path, "")
		c.Want(403, "", "POST", path, `{"measure":"ROLL_KEYS","reason":"x"}`)
		c.Want(403, "", "POST", path+servertest.NewUUID()+"/approve", "")
		c.Want(403, "", "POST", "/apis/v1/operations/views/rebuild", "")
		c.Want(403, "", "POST", "/apis/v1/operations/clock/confirm", "")
	}
	w.Nobody().Want(401, "", "GET", path, "")

	var types []string
	for _, rec := range w.Records() {
		if strings.HasPrefix(rec.Type, "log.proposal-") || rec.Type == "mailbox.shredded" {
			types = append(types, rec.Type)
		}
	}
	const want = "log.proposal-made log.proposal-approved mailbox.shredded log.proposal-carried-out " +
		"log.proposal-made log.proposal-approved log.proposal-carried-out"
	if got := strings.Join(types, " "); got != want {
		t.Errorf("the log has %s, want %s", got, want)
	}
}

// In production a measure takes two operators, each under a mandate, and auditors and operators look at nothing without
// one.
func TestProposalsTakeTwoOperators(t *testing.T) {
	t.Parallel()
	p := servertest.StartProduction(t)
	const proposals = "/apis/v1/operations/proposals/"
	signIn := func(person int, right string) *servertest.Client {
		return p.As(map[string]any{
			"identity_type": "professional", "nemlogin.cvr": "20000001", "dk.cpr": nil,
			"mitid.uuid": fmt.Sprintf("11111111-2222-4333-8444-%012d", person),
			"priv":       []map[string]string{{"right": right}},
		})
	}
	anna, bent := signIn(1, "OPERATOR"), signIn(2, "OPERATOR")
	mandate := func(c *servertest.Client) string {
		return c.Ask(201, "POST", "/apis/v1/mandates/", `{"purpose":"Drift","caseNumber":"7"}`).Text("id")
	}
	mine, his := mandate(anna), mandate(bent)
	const roll = `{"measure":"ROLL_KEYS","reason":"Månedligt"}`

	anna.Want(403, "mandate.missing", "POST", proposals, roll)
	anna.Want(422, "proposal.reason", "POST", proposals, `{"measure":"ROLL_KEYS"}`, "Mandate", mine)
	x := anna.Ask(201, "POST", proposals, roll, "Mandate", mine)
	approve := proposals + x.Text("id") + "/approve"
	if x.At("approved") != false {
		t.Errorf("proposed by one: %v", x)
	}
	anna.Want(403, "proposal.own", "POST", approve, "", "Mandate", mine)
	bent.Want(403, "mandate.missing", "POST", approve, "")
	bent.Want(403, "mandate.not.in.force", "POST", approve, "", "Mandate", mine)
	signIn(3, "CITIZEN_SERVICE_EMPLOYEE").Want(403, "", "POST", approve, "")
	signIn(1, "AUDITOR").Want(403, "mandate.not.in.force", "GET", proposals, "", "Mandate", mine) // of another office
	if p.B.Epoch() != 1 {
		t.Fatalf("the keys were rolled by one operator: epoch %d", p.B.Epoch())
	}
	bent.Want(204, "", "POST", approve, "", "Mandate", his)
	if p.B.Epoch() != 2 {
		t.Errorf("after both: epoch %d, want 2", p.B.Epoch())
	}
	bent.Want(422, "proposal.not.open", "POST", approve, "", "Mandate", his)

	x = anna.Ask(201, "POST", proposals, roll, "Mandate", mine)
	anna.Want(403, "mandate.missing", "GET", proposals, "")
	anna.Want(200, "Månedligt", "GET", proposals, "", "Mandate", mine)
	anna.Want(403, "mandate.missing", "POST", "/apis/v1/operations/views/rebuild", "")
	bent.Want(204, "", "POST", proposals+x.Text("id")+"/withdraw", "", "Mandate", his)
	bent.Want(422, "proposal.not.open", "POST", proposals+x.Text("id")+"/approve", "", "Mandate", his)
}

// Nobody is two operators: not in two professional identities, nor as a private person, who holds no office, nor as
// whoever is at the console.
func TestOnePersonIsOneOperator(t *testing.T) {
	t.Parallel()
	p := servertest.StartProduction(t)
	const proposals, mandates = "/apis/v1/operations/proposals/", "/apis/v1/mandates/"
	const why, roll = `{"purpose":"Drift","caseNumber":"7"}`, `{"measure":"ROLL_KEYS","reason":"Månedligt"}`
	const cpr = "6701901234"
	who := people.Person{Kind: mailbox.Citizen, Number: cpr, Name: "Mette"}
	if _, _, err := p.B.People.Register(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	claims := func(person int, cvr string) map[string]any {
		return map[string]any{
			"identity_type": "professional", "nemlogin.cvr": cvr, "dk.cpr": cpr,
			"mitid.uuid": fmt.Sprintf("11111111-2222-4333-8444-%012d", person),
			"priv":       []map[string]string{{"right": "OPERATOR"}},
		}
	}
	one, two := p.As(claims(1, "20000001")), p.As(claims(2, "20000002"))
	mine := one.Ask(201, "POST", mandates, why).Text("id")
	also := two.Ask(201, "POST", mandates, why).Text("id")
	x := one.Ask(201, "POST", proposals, roll, "Mandate", mine)
	two.Want(403, "proposal.own", "POST", proposals+x.Text("id")+"/approve", "", "Mandate", also)

	private := claims(1, "20000001")
	private["identity_type"], private["mitid.uuid"] = nil, nil
	same := p.As(private)
	same.Want(403, "", "POST", mandates, why)
	same.Want(403, "", "POST", proposals, roll)
	same.Want(403, "", "GET", proposals, "")

	atConsole, err := p.B.Mandates.OpenAtConsole(t.Context(), "Drift", "8")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*servertest.Client{one, same} {
		c.Want(403, "mandate.not.in.force", "GET", proposals, "", "Mandate", atConsole.ID.String())
		c.Want(404, "", "GET", mandates+atConsole.ID.String(), "")
	}
	nobody := claims(0, "20000001")
	nobody["mitid.uuid"] = "00000000-0000-0000-0000-000000000000"
	p.As(nobody).Want(403, "no.person", "POST", mandates, why)

	// Who is no operator leaves nothing in the keys.
	before, _, err := p.B.CheckKeys()
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		same.Want(403, "", "POST", proposals, roll)
		one.Want(422, "proposal.reason", "POST", proposals, `{"measure":"ROLL_KEYS"}`, "Mandate", mine)
		one.Want(404, "", "POST", proposals, `{"measure":"SHRED_MAILBOX","reason":"x","mailboxId":"`+
			servertest.NewUUID()+`"}`, "Mandate", mine)
	}
	if after, _, err := p.B.CheckKeys(); err != nil || after != before {
		t.Errorf("refused proposals made %d keys, %v", after-before, err)
	}
}

// Operators register systems with their organisations' rights, change those, and withdraw systems, by the API.
func TestOperatorsRegisterSystems(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	op := operator(w)
	const systems, cpr = "/apis/v1/operations/systems/", "6701901234"

	const body = `{"cvr":"20000050","organisation":"Opdigtet Styrelse","name":"Sag","type":"AUTHORITY",%s}`
	rights := `"authorityType":"STATE","legalBasis":"En lov","mandatoryPostAllowed":true`
	key := op.Ask(201, "POST", systems, fmt.Sprintf(body, rights))
	sys := w.Basic(key.Text("id"), key.Text("key"))
	sys.Ask(200, "GET", "/apis/v1/receipts/", "")
	lookup := "/apis/v1/organisations/?name=Opdigtet%20Styrelse"
	if x := w.User(1, "app").Ask(200, "GET", lookup, ""); x.Text("organisations", 0, "authorityType") != "STATE" {
		t.Errorf("the directory: %v", x)
	}
	mandatory := func(xml string) string {
		return servertest.InHeader(xml, "<memo:mandatory>true</memo:mandatory>")
	}
	if r := w.SendBy(sys, "20000050", cpr, "Pligt", mandatory); r.ReceiptStatus != "COMPLETED" {
		t.Errorf("mandatory post, allowed: %+v", r)
	}
	w.Exempt(cpr)
	if r := w.SendBy(sys, "20000050", cpr, "Lov", nil); r.ReceiptStatus != "COMPLETED" {
		t.Errorf("on a legal basis to one who is exempt: %+v", r)
	}

	const less = `{"cvr":"20000050","authorityType":"OTHER"}`
	op.Want(204, "", "POST", "/apis/v1/operations/organisations/rights", less)
	if r := w.SendBy(sys, "20000050", cpr, "Uden lov", nil); r.ErrorCode != "recipient.is.exempt" {
		t.Errorf("after the legal basis is gone: %+v", r)
	}
	if r := w.SendBy(sys, "20000050", cpr, "Pligt", mandatory); r.ErrorCode != "mandatory.not.allowed" {
		t.Errorf("mandatory post, after the right is gone: %+v", r)
	}

	for code, bad := range map[string]string{
		"field.not.valid":                 `{"cvr":"1","organisation":"A","name":"B","type":"AUTHORITY"}`,
		"organisation.rights.not.allowed": `{"cvr":"20000051","organisation":"A","name":"B","type":"AUTHORITY"}`,
		"consent.basis.not.allowed": `{"cvr":"20000051","organisation":"A","name":"B","type":"COMPANY",` +
			`"platform":"eboks","consentBasis":"LUST"}`,
		"organisation.name.not.allowed": `{"cvr":"20000051","organisation":"A","name":"B\u202e","type":"COMPANY",` +
			`"platform":"eboks"}`,
	} {
		if status, _, answer := op.Status("POST", systems, bad); status/100 != 4 || !strings.Contains(answer, code) {
			t.Errorf("%s: %d %s, want %s", bad, status, answer, code)
		}
	}

	id := key.Text("id")
	op.Want(204, "", "POST", systems+id+"/delegate", `{"cvr":"20000050","to":"20000009"}`)
	op.Want(204, "", "POST", systems+id+"/withdraw", "")
	sys.Want(401, "", "GET", "/apis/v1/receipts/", "")
	op.Want(404, "", "POST", systems+servertest.NewUUID()+"/withdraw", "")
	w.Officer().Want(403, "", "POST", systems, fmt.Sprintf(body, rights))

	op.Want(200, `"now"`, "POST", "/apis/v1/operations/clock/confirm", "")
	op.Want(200, `"mailboxes"`, "POST", "/apis/v1/operations/views/rebuild", "")
}

// What a company has scheduled can be declined though its system is withdrawn, and does not come.
func TestWithdrawnSendersCanBeDeclined(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	op, eboks := operator(w), w.User(0, "eboks")
	cpr, insurer := w.People[0].CPR, w.SenderSystems[2]
	w.SendAs(2, cpr, "Police", nil)

	op.Want(204, "", "POST", "/apis/v1/operations/systems/"+insurer.ID+"/withdraw", "")
	path := w.Box(0) + "/senders/"
	found := false
	for _, s := range eboks.Ask(200, "GET", path, "").List("senders") {
		if s.Text("cvrNumber") != insurer.CVR {
			continue
		}
		found = true
		no := eboks.Ask(200, "PUT", path+s.Text("organisationId"), `{"registered":false}`)
		if no.Text("consent") != "WITHDRAWN" {
			t.Errorf("declined: %v", no)
		}
	}
	if !found {
		t.Error("a company whose system was withdrawn can't be declined")
	}

	body := `{"cvr":"` + insurer.CVR + `","organisation":"Opdigtet Forsikring A/S","name":"` + insurer.Name +
		`","type":"COMPANY","platform":"eboks","consentBasis":"CONTRACT"}`
	key := op.Ask(201, "POST", "/apis/v1/operations/systems/", body)
	again := w.Basic(key.Text("id"), key.Text("key"))
	if r := w.SendBy(again, insurer.CVR, cpr, "Police", nil); r.ErrorCode != "recipient.sender.declined" {
		t.Errorf("registered again, with a contract: %+v", r)
	}
}
