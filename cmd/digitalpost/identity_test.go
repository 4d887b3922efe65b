package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"digitalpost/adapters/backbone"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
)

// A generic OIDC client signs in by discovery, authorization code and PKCE, as a person whom it picks on the page; the token opens that person's mailbox, the
// refresh token rotates, and revocation ends both.
func TestSignInWithAGenericClient(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	ctx := context.Background()
	for _, prefix := range []string{"/dev/oauth", "/apis/v1/oauth"} {
		provider, err := oidc.NewProvider(ctx, w.url+prefix)
		if err != nil {
			t.Fatal(err)
		}
		party := oauth2.Config{ClientID: "eboks", Endpoint: provider.Endpoint(), RedirectURL: "http://127.0.0.1:1/back", Scopes: []string{"openid"}}
		party.Endpoint.AuthStyle = oauth2.AuthStyleInParams
		signIn := func(name string) *oauth2.Token {
			t.Helper()
			verifier, state := oauth2.GenerateVerifier(), strings.Repeat("s", 22)
			code := authorize(t, party.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(strings.Repeat("n", 22))), name, state)
			if _, err := party.Exchange(ctx, code, oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
				t.Error("a code is exchanged with another verifier")
			}
			code = authorize(t, party.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(strings.Repeat("n", 22))), name, state)
			token, err := party.Exchange(ctx, code, oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := party.Exchange(ctx, code, oauth2.VerifierOption(verifier)); err == nil {
				t.Error("a code is exchanged twice")
			}
			return token
		}
		token := signIn("Mette Made-Up Hansen")
		raw, _ := token.Extra("id_token").(string)
		id, err := provider.Verifier(&oidc.Config{ClientID: "eboks", SupportedSigningAlgs: []string{"ES256"}}).Verify(ctx, raw)
		if err != nil || id.Nonce != strings.Repeat("n", 22) {
			t.Errorf("id token: %v", err)
		}
		want := func(status int, token, path string) {
			t.Helper()
			if got, _, body := (&client{url: w.url, token: token}).status("GET", path, nil, ""); got != status {
				t.Errorf("GET %s: %d %.200s, want %d", path, got, body, status)
			}
		}
		box := "/apis/v1/mailboxes/" + w.d.People[0].Mailbox
		want(200, token.AccessToken, box)
		want(401, raw, box) // an id token is not for the backbone
		want(404, signIn("Søren Påfund Jensen").AccessToken, box)
		want(403, signIn("Nora Uden Nummer").AccessToken, "/apis/v1/mailboxes/") // no CPR number
		again, err := party.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := party.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token(); err == nil {
			t.Error("a refresh token is used twice")
		}
		want(200, again.AccessToken, box)
		if res, err := http.PostForm(w.url+prefix+"/revoke", url.Values{"token": {again.RefreshToken}}); err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		want(401, again.AccessToken, box)
		want(200, token.AccessToken, box)
	}
}

// authorize fetches the page at the authorization endpoint, presses a name's button, and gives the code that comes back.
func authorize(t *testing.T, page, name, state string) string {
	t.Helper()
	res, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	form := url.Values{}
	for _, m := range regexp.MustCompile(`type="hidden" name="(\w+)" value="([^"]*)"`).FindAllSubmatch(body, -1) {
		form.Set(string(m[1]), string(m[2]))
	}
	button := regexp.MustCompile(`name="user" value="([0-9a-f-]+)">` + regexp.QuoteMeta(name)).FindSubmatch(body)
	if button == nil {
		t.Fatalf("%s is not on the page: %d %.500s", name, res.StatusCode, body)
	}
	form.Set("user", string(button[1]))
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err = browser.PostForm(page, form)
	if err != nil {
		t.Fatal(err)
	}
	to, err := res.Location()
	if err != nil || to.Query().Get("state") != state {
		t.Fatalf("back to %v, %v", to, err)
	}
	return to.Query().Get("code")
}

// An authorization request that is wrong is answered, and never redirected.
func TestWrongAuthorizationRequests(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	good := url.Values{"client_id": {"app"}, "redirect_uri": {"http://127.0.0.1:1/"}, "response_type": {"code"}, "code_challenge": {strings.Repeat("c", 43)},
		"code_challenge_method": {"S256"}, "state": {strings.Repeat("s", 22)}}
	for field, value := range map[string]string{"client_id": "other", "redirect_uri": "https://elsewhere.example/", "response_type": "token", "code_challenge_method": "plain",
		"code_challenge": "", "state": "short", "nonce": "short"} {
		q := url.Values{}
		for k, v := range good {
			q[k] = v
		}
		q.Set(field, value)
		status, _, body := (&client{url: w.url}).status("GET", "/dev/oauth/authorize?"+q.Encode(), nil, "")
		if status != 400 {
			t.Errorf("%s=%s: %d %s", field, value, status, body)
		}
	}
}

// An authority that issues certificates and tokens, for a production server of made-up numbers.
type trust struct {
	t      *testing.T
	dir    string
	ca     *x509.Certificate
	caKey  *ecdsa.PrivateKey
	serial int64
	issuer *httptest.Server
	key    *ecdsa.PrivateKey
}

func newTrust(t *testing.T) *trust {
	tr := &trust{t: t, dir: t.TempDir()}
	tr.caKey, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tr.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, tr.caKey.Public(), tr.caKey)
	if err != nil {
		t.Fatal(err)
	}
	tr.ca, _ = x509.ParseCertificate(der)
	tr.write("ca.pem", "CERTIFICATE", der)
	tr.issuer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Not-Described", "it is not the backbone")
		if strings.HasSuffix(r.URL.Path, "openid-configuration") {
			json.NewEncoder(w).Encode(map[string]any{"issuer": tr.issuer.URL, "jwks_uri": tr.issuer.URL + "/jwks", "authorization_endpoint": tr.issuer.URL, "token_endpoint": tr.issuer.URL})
			return
		}
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: tr.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	}))
	t.Cleanup(tr.issuer.Close)
	return tr
}

func (tr *trust) write(name, kind string, der []byte) string {
	path := filepath.Join(tr.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tr.t.Fatal(err)
	}
	return path
}

// certificate issues one, of a host or of an organisation.
func (tr *trust) certificate(cvr, uuid string) tls.Certificate {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tr.serial++
	c := &x509.Certificate{SerialNumber: big.NewInt(1 + tr.serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if cvr == "" {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		c.Subject = pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 5}, Value: "UI:DK-O:G:" + uuid},
			{Type: asn1.ObjectIdentifier{2, 5, 4, 97}, Value: "NTRDK-" + cvr}}}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, tr.ca, key.Public(), tr.caKey)
	if err != nil {
		tr.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (tr *trust) serverFiles() {
	c := tr.certificate("", "")
	tr.write("server.pem", "CERTIFICATE", c.Certificate[0])
	der, _ := x509.MarshalECPrivateKey(c.PrivateKey.(*ecdsa.PrivateKey))
	tr.write("server.key", "EC PRIVATE KEY", der)
}

func (tr *trust) token(change map[string]any) string {
	c := map[string]any{"iss": tr.issuer.URL, "aud": "digitalpost", "client_id": "eboks-production", "jti": "1", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"loa": "https://data.gov.dk/concept/core/nsis/Substantial", "dk.cpr": "6701901234"}
	for k, v := range change {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	key := tr.key
	if k, ok := c["key"].(*ecdsa.PrivateKey); ok {
		key = k
		delete(c, "key")
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	b, _ := json.Marshal(c)
	s, err := signer.Sign(b)
	if err != nil {
		tr.t.Fatal(err)
	}
	out, _ := s.CompactSerialize()
	return out
}

func (tr *trust) client(cert *tls.Certificate) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(tr.ca)
	c := &tls.Config{RootCAs: pool}
	if cert != nil {
		c.Certificates = []tls.Certificate{*cert}
	}
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
}

// A production server takes the tokens of its issuer alone, and sender systems with a certificate of their organisation.
func TestProduction(t *testing.T) {
	tr := newTrust(t)
	tr.serverFiles()
	data := t.TempDir() + "/var"
	c := serveCmd{dataFlags: dataFlags{Data: data, Keys: data + ".keys"}, Listen: "127.0.0.1:0", Issuer: tr.issuer.URL, Audience: "digitalpost",
		Clients: map[string]string{"eboks-production": "eboks"}, TLSCert: tr.dir + "/server.pem", TLSKey: tr.dir + "/server.key", ClientCA: tr.dir + "/ca.pem"}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan server, 1), make(chan error, 1)
	var log bytes.Buffer
	go func() { done <- run(ctx, c, &log, func(s server) { ready <- s }) }()
	var s server
	select {
	case s = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	box, _, err := s.B.Register(ctx, backbone.Person{Kind: mailbox.Citizen, Number: "6701901234", Name: "Mette Opdigtet"})
	if err != nil {
		t.Fatal(err)
	}
	get := func(token string) (int, string) {
		req, _ := http.NewRequest("GET", s.URL+"/apis/v1/mailboxes/"+box.String(), nil)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := tr.client(nil).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(tr.token(nil), ".")[1] + "."
	dev := func() string { // what a development server issues
		w := start(t, t.TempDir()+"/dev")
		return w.person(w.d.People[0].CPR, "eboks").token
	}()
	for _, x := range []struct {
		name   string
		token  string
		status int
		code   string
	}{
		{"good", tr.token(nil), 200, ""},
		{"expired within the leeway", tr.token(map[string]any{"exp": time.Now().Add(-10 * time.Second).Unix()}), 200, ""},
		{"expired", tr.token(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}), 401, "unauthorized"},
		{"another issuer", tr.token(map[string]any{"iss": "https://elsewhere.example"}), 401, "unauthorized"},
		{"another audience", tr.token(map[string]any{"aud": "other"}), 401, "unauthorized"},
		{"another key", tr.token(map[string]any{"key": other}), 401, "unauthorized"},
		{"unsigned", unsigned, 401, "unauthorized"},
		{"of development", dev, 401, "unauthorized"},
		{"another client", tr.token(map[string]any{"client_id": "elsewhere"}), 403, "client.not.allowed"},
		{"low assurance", tr.token(map[string]any{"loa": "https://data.gov.dk/concept/core/nsis/Low"}), 403, "loa.too.low"},
		{"no assurance", tr.token(map[string]any{"loa": nil}), 403, "loa.too.low"},
		{"no CPR number", tr.token(map[string]any{"dk.cpr": nil}), 403, "no.cpr"},
		{"no mailbox", tr.token(map[string]any{"dk.cpr": "6702901234"}), 403, "no.mailbox"},
	} {
		if status, body := get(x.token); status != x.status || !strings.Contains(body, x.code) {
			t.Errorf("%s: %d %s, want %d %s", x.name, status, body, x.status, x.code)
		}
	}

	const cvr, uuid = "20000001", "11111111-2222-4333-8444-555555555555"
	q := url.Values{"cvr": {cvr}, "uuid": {uuid}, "organisation": {"Eksempel Kommune"}, "name": {"Fagsystem"}, "kind": {organisation.Authority}}
	var sys systemAdded
	if running, err := askServer(data, "POST", "/systems?"+q.Encode(), &sys); !running || err != nil {
		t.Fatal(running, err)
	}
	receipts := func(cert *tls.Certificate, key string) int {
		req, _ := http.NewRequest("GET", s.URL+"/apis/v1/receipts/", nil)
		req.SetBasicAuth(sys.ID, key)
		res, err := tr.client(cert).Do(req)
		if err != nil {
			return 0
		}
		res.Body.Close()
		return res.StatusCode
	}
	mine, second, another, supplier := tr.certificate(cvr, uuid), tr.certificate(cvr, uuid), tr.certificate("20000002", uuid), tr.certificate("20000009", "99999999-2222-4333-8444-555555555555")
	sibling := tr.certificate(cvr, "99999999-2222-4333-8444-555555555555")
	foreign := newTrust(t).certificate(cvr, uuid)
	check := func(name string, cert *tls.Certificate, key string, want int) {
		t.Helper()
		if got := receipts(cert, key); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	check("its own certificate", &mine, sys.Key, 200)
	check("another of its own at the same time", &second, sys.Key, 200)
	check("no certificate", nil, sys.Key, 401)
	check("the wrong key", &mine, "x", 401)
	check("a certificate of another CVR", &another, sys.Key, 403)
	check("a certificate of another unit of the CVR", &sibling, sys.Key, 403)
	check("a certificate of an unknown authority", &foreign, sys.Key, 0)
	check("its supplier's, before it is delegated", &supplier, sys.Key, 403)
	d := url.Values{"cvr": {cvr}, "system": {sys.ID}, "to": {"20000009"}}
	if _, err := askServer(data, "POST", "/systems/delegate?"+d.Encode(), &struct{}{}); err != nil {
		t.Fatal(err)
	}
	check("its supplier's, delegated", &supplier, sys.Key, 200)
	old := sys.Key
	if _, err := askServer(data, "POST", "/systems?"+q.Encode(), &sys); err != nil || sys.Key == old {
		t.Fatal(err)
	}
	check("the old key after a new one", &mine, old, 401)
	check("the new key", &mine, sys.Key, 200)
	tr.serverFiles() // renewed, without a stop
	time.Sleep(1100 * time.Millisecond)
	check("after the server's certificate was renewed", &mine, sys.Key, 200)
	for _, secret := range []string{"6701901234", "6702901234", sys.Key, old} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log output holds a number or key: %s", log.String())
		}
	}
	throttled := 0
	for range 60 {
		if receipts(&mine, "wrong") == http.StatusTooManyRequests {
			throttled++
		}
	}
	if throttled == 0 {
		t.Error("60 failures from one address are not limited")
	}
}

// A system that fails is slowed down; its neighbours at the same address are not, nor is who tries systems that are not there any faster.
func TestFailuresKeepOutWhoFails(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	try := func(id, key string, n int) (throttled int) {
		c := &client{url: w.url, basic: [2]string{id, key}}
		for range n {
			if status, _, _ := c.status("GET", "/apis/v1/receipts/", nil, ""); status == http.StatusTooManyRequests {
				throttled++
			}
		}
		return throttled
	}
	first, second := w.d.SenderSystems[0], w.d.SenderSystems[1]
	if n := try(first.ID, "wrong", 60); n == 0 {
		t.Error("60 failures of one system are not limited")
	}
	if n := try(second.ID, second.Key, 10); n > 0 {
		t.Errorf("its neighbour was refused %d times", n)
	}
	n := 0
	for range 60 {
		n += try(newUUID4(), "wrong", 1)
	}
	if n == 0 {
		t.Error("60 systems that are not there are not limited")
	}
	if n := try(second.ID, second.Key, 10); n > 0 {
		t.Errorf("its neighbour was refused %d times", n)
	}
}
