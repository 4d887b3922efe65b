package identity_test

import (
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/server/servertest"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
)

// A production server takes the tokens of its issuer alone, for its own audience, of the clients and the levels that it
// knows.
func TestTokensOfOthersOpenNothing(t *testing.T) {
	t.Parallel()
	p := servertest.StartProduction(t)
	box, _, err := p.B.People.Register(t.Context(),
		people.Person{Kind: mailbox.Citizen, Number: "6701901234", Name: "Mette Opdigtet"})
	if err != nil {
		t.Fatal(err)
	}
	client := p.Client(nil)
	get := func(token string) (int, string) {
		req, _ := http.NewRequest("GET", p.URL+"/apis/v1/mailboxes/"+box.String(), nil)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}

	with := func(claim string, value any) string { return p.Token(map[string]any{claim: value}, nil) }
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." +
		strings.Split(p.Token(nil, nil), ".")[1] + "."
	for _, x := range []struct {
		name   string
		token  string
		status int
		code   string
	}{
		{"good", p.Token(nil, nil), 200, ""},
		{"expired within the leeway", with("exp", ago(10*time.Second)), 200, ""},
		{"expired", with("exp", ago(time.Minute)), 401, "unauthorized"},
		{"another issuer", with("iss", "https://elsewhere.example"), 401, "unauthorized"},
		{"another audience", with("aud", "other"), 401, "unauthorized"},
		{"another key", p.Token(nil, servertest.NewKey()), 401, "unauthorized"},
		{"unsigned", unsigned, 401, "unauthorized"},
		{"of development", servertest.Start(t).User(0, "eboks").Token, 401, "unauthorized"},
		{"no client", with("client_id", nil), 401, "client_id"},
		{"of another client than it says", with("azp", "app"), 401, "azp"},
		{"good until the year 5138", with("exp", int64(100_000_000_000)), 401, "24 hours"},
		{"two levels of assurance", with("acr", "https://data.gov.dk/concept/core/nsis/High"), 403, "loa.too.low"},
		{"an ID token", p.TokenOf("JWT", nil), 401, "at+jwt"},
		{"of no type", p.TokenOf("", nil), 401, "at+jwt"},
		{"a claim twice", p.TokenOf("at+jwt", []byte(`"dk.cpr":"6702901234",`)), 401, "twice"},
		{"another client", with("client_id", "elsewhere"), 403, "client.not.allowed"},
		{"low assurance", with("loa", "https://data.gov.dk/concept/core/nsis/Low"), 403, "loa.too.low"},
		{"no assurance", with("loa", nil), 403, "loa.too.low"},
		{"no CPR number", with("dk.cpr", nil), 403, "no.cpr"},
		{"no mailbox", with("dk.cpr", "6702901234"), 403, "no.mailbox"},
	} {
		if status, body := get(x.token); status != x.status || !strings.Contains(body, x.code) {
			t.Errorf("%s: %d %s, want %d %s", x.name, status, body, x.status, x.code)
		}
	}
	for _, number := range []string{"6701901234", "6702901234"} {
		if strings.Contains(p.Log.String(), number) {
			t.Errorf("the log output holds a number: %s", p.Log)
		}
	}
}

const (
	cvr      = "20000001"
	unit     = "11111111-2222-4333-8444-555555555555" // of the organisation, which its certificates name
	elsewise = "99999999-2222-4333-8444-555555555555"
)

// A production server takes a sender system with its key and a certificate of its organisation, or of one that it is
// delegated to.
func TestSenderSystemsNeedTheirCertificate(t *testing.T) {
	t.Parallel()
	p := servertest.StartProduction(t)
	of, err := domain.ParseUUID(unit)
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.B.Organisations.SystemID(cvr, "Fagsystem")
	if err != nil {
		t.Fatal(err)
	}
	register := func(key string) {
		t.Helper()
		err := p.B.Organisations.RegisterSystem(t.Context(), organisations.Console, organisations.Registration{
			Organisation: organisations.Organisation{
				Kind: organisation.Authority, CVR: cvr, UUID: of, Name: "Eksempel Kommune",
				Rights: organisation.Rights{AuthorityType: "MUNICIPALITY"},
			},
			Name: "Fagsystem", KeyHash: identity.HashKey(key),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(name string, cert *tls.Certificate, key string, want int) {
		t.Helper()
		req, _ := http.NewRequest("GET", p.URL+"/apis/v1/receipts/", nil)
		req.SetBasicAuth(id.String(), key)
		got := 0 // no answer: TLS refuses
		if res, err := p.Client(cert).Do(req); err == nil {
			res.Body.Close()
			got = res.StatusCode
		}
		if got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}

	register("key one")
	mine, supplier := p.Certificate(cvr, unit), p.Certificate("20000009", elsewise)
	check("its own certificate", mine, "key one", 200)
	check("another of its own at the same time", p.Certificate(cvr, unit), "key one", 200)
	check("no certificate", nil, "key one", 401)
	check("the wrong key", mine, "x", 401)
	check("a certificate of another CVR", p.Certificate("20000002", unit), "key one", 403)
	check("a certificate of another unit of the CVR", p.Certificate(cvr, elsewise), "key one", 403)
	check("a certificate of an unknown authority", servertest.NewTrust(t).Certificate(cvr, unit), "key one", 0)
	check("its supplier's, before it is delegated", supplier, "key one", 403)
	if err := p.B.Organisations.Delegate(t.Context(), organisations.Console, cvr, id, "20000009"); err != nil {
		t.Fatal(err)
	}
	check("its supplier's, delegated", supplier, "key one", 200)
	register("key two")
	check("the old key after a new one", mine, "key one", 401)
	check("the new key", mine, "key two", 200)
	p.Revoke(mine)
	check("a certificate that was revoked", mine, "key two", 401)
	check("another that was not", p.Certificate(cvr, unit), "key two", 200)

	for _, secret := range []string{"key one", "key two"} {
		if strings.Contains(p.Log.String(), secret) {
			t.Errorf("the log output holds a key: %s", p.Log)
		}
	}
}
