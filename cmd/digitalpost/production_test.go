package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"digitalpost/adapters/backbone/people"
	"digitalpost/adapters/officeapi"
	"digitalpost/adapters/server/servertest"
	"digitalpost/domain/mailbox"
)

// A production is a server that runs with production's flags, in this process.
type production struct {
	*servertest.Trust
	t    *testing.T
	s    instance
	data string
	sys  officeapi.SystemKey
}

// A production server takes the flags' issuer, clients and certificates; sender systems are registered by the
// operator's commands, and need a certificate of their organisation.
func TestProduction(t *testing.T) {
	t.Parallel()
	p := &production{Trust: servertest.NewTrust(t), t: t, data: t.TempDir() + "/var"}
	p.ServerFiles()
	log := &servertest.Log{}
	s, stop, err := launch(serveCmd{
		dataFlags: dataFlags{Data: p.data, Keys: p.data + ".keys"}, Listen: "127.0.0.1:0",
		Issuer: p.Issuer, IssuerCA: p.File("ca.pem"),
		Audience: "digitalpost", Clients: map[string]string{servertest.ProductionClient: "eboks"},
		TLSCert: p.File("server.pem"), TLSKey: p.File("server.key"), ClientCA: p.File("ca.pem"),
	}, log)
	if err != nil {
		t.Fatal(err)
	}
	p.s = s
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()

	p.takesItsIssuersTokens()
	const cvr, uuid = "20000001", "11111111-2222-4333-8444-555555555555"
	add := map[string]string{
		"cvr": cvr, "uuid": uuid, "organisation": "Eksempel Kommune", "name": "Fagsystem", "type": "AUTHORITY",
		"authorityType": "MUNICIPALITY",
	}
	p.ask("operations/systems", add, &p.sys)
	mine, supplier := p.Certificate(cvr, uuid), p.Certificate("20000009", "99999999-2222-4333-8444-555555555555")
	p.check("its own certificate", mine, p.sys.Key, 200)
	p.check("no certificate", nil, p.sys.Key, 401)
	p.check("a certificate of another CVR", p.Certificate("20000002", uuid), p.sys.Key, 403)
	p.check("a certificate of an unknown authority", servertest.NewTrust(t).Certificate(cvr, uuid), p.sys.Key, 0)
	p.check("its supplier's, before it is delegated", supplier, p.sys.Key, 403)
	p.ask("operations/systems/"+p.sys.ID+"/delegate", map[string]string{"cvr": cvr, "to": "20000009"}, nil)
	p.check("its supplier's, delegated", supplier, p.sys.Key, 200)
	old := p.sys.Key
	if p.ask("operations/systems", add, &p.sys); p.sys.Key == old {
		t.Error("a new key is the old one")
	}
	p.check("the old key after a new one", mine, old, 401)
	p.check("the new key", mine, p.sys.Key, 200)

	p.renewsItsCertificate(mine)
	for _, secret := range []string{"6701901234", "6702901234", p.sys.Key, old} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log output holds a number or key: %s", log)
		}
	}
	throttled := 0
	for range 60 {
		if p.receipts(mine, "wrong") == http.StatusTooManyRequests {
			throttled++
		}
	}
	if throttled == 0 {
		t.Error("60 failures from one address are not limited")
	}
}

// takesItsIssuersTokens looks at the tokens of the issuer, and at those of a development server.
func (p *production) takesItsIssuersTokens() {
	p.t.Helper()
	box, _, err := p.s.B.People.Register(p.t.Context(),
		people.Person{Kind: mailbox.Citizen, Number: "6701901234", Name: "Mette Opdigtet"})
	if err != nil {
		p.t.Fatal(err)
	}
	client := p.Client(nil)
	for token, want := range map[string]int{
		p.Token(nil, nil): 200,
		p.Token(map[string]any{"client_id": "elsewhere"}, nil): 403,
		p.Token(map[string]any{"dk.cpr": "6702901234"}, nil):   403,
		p.Token(nil, servertest.NewKey()):                      401,
		servertest.Start(p.t).User(0, "eboks").Token:           401,
	} {
		req, _ := http.NewRequest("GET", p.s.URL+"/apis/v1/mailboxes/"+box.String(), nil)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := client.Do(req)
		if err != nil {
			p.t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			p.t.Errorf("token %s: %d, want %d", token, res.StatusCode, want)
		}
	}
}

// ask sends one of the operator's commands to the server.
func (p *production) ask(path string, body, out any) {
	p.t.Helper()
	running, err := askServer(p.data, question{method: "POST", path: path, body: body}, out)
	if !running || err != nil {
		p.t.Fatal(running, err)
	}
}

// receipts gives the status of a sender system's request, 0 if TLS refuses it.
func (p *production) receipts(cert *tls.Certificate, key string) int {
	req, _ := http.NewRequest("GET", p.s.URL+"/apis/v1/receipts/", nil)
	req.SetBasicAuth(p.sys.ID, key)
	res, err := p.Client(cert).Do(req)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

func (p *production) check(name string, cert *tls.Certificate, key string, want int) {
	p.t.Helper()
	if got := p.receipts(cert, key); got != want {
		p.t.Errorf("%s: %d, want %d", name, got, want)
	}
}

// renewsItsCertificate gives the server a new one, which it takes without a stop.
func (p *production) renewsItsCertificate(mine *tls.Certificate) {
	p.t.Helper()
	shown := func() string {
		c, err := tls.Dial("tcp", strings.TrimPrefix(p.s.URL, "https://"),
			&tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{*mine}})
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		return fmt.Sprint(c.ConnectionState().PeerCertificates[0].SerialNumber)
	}
	before := shown()
	p.ServerFiles()
	servertest.Eventually(p.t, "the server shows its new certificate", func() bool { return shown() != before })
	p.check("after the server's certificate was renewed", mine, p.sys.Key, 200)
}
