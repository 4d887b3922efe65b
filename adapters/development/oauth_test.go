package development_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"digitalpost/adapters/server/servertest"
)

// prefixes are where the issuer is found.
var prefixes = []string{"/dev/oauth", "/apis/v1/oauth"}

var state, nonce = strings.Repeat("s", 22), strings.Repeat("n", 22)

// A party is a client that signs people in, as any library for OpenID Connect would.
type party struct {
	oauth2.Config
	ctx  context.Context // has the client that it speaks through
	http *http.Client
}

func newParty(w *servertest.World, prefix string) (*party, *oidc.Provider) {
	w.T.Helper()
	client := w.Nobody().HTTP
	ctx := oidc.ClientContext(context.Background(), client)
	provider, err := oidc.NewProvider(ctx, w.URL+prefix)
	if err != nil {
		w.T.Fatal(err)
	}
	p := &party{ctx: ctx, http: client, Config: oauth2.Config{
		ClientID: "eboks", Endpoint: provider.Endpoint(), RedirectURL: "http://127.0.0.1:1/back",
		Scopes: []string{"openid"},
	}}
	p.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	return p, provider
}

// authorize fetches the page at the authorization endpoint, presses a name's button, and gives the code that comes
// back.
func (p *party) authorize(t *testing.T, verifier, name string) string {
	t.Helper()
	page := p.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce))
	res, err := p.http.Get(page)
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

	browser := *p.http
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err = browser.PostForm(page, form)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	to, err := res.Location()
	if err != nil || to.Query().Get("state") != state {
		t.Fatalf("back to %v, %v", to, err)
	}
	return to.Query().Get("code")
}

// signIn signs somebody in: a code is good for its own verifier, and once.
func (p *party) signIn(t *testing.T, name string) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	code := p.authorize(t, verifier, name)
	if _, err := p.Exchange(p.ctx, code, oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Error("a code is exchanged with another verifier")
	}
	code = p.authorize(t, verifier, name)
	token, err := p.Exchange(p.ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Exchange(p.ctx, code, oauth2.VerifierOption(verifier)); err == nil {
		t.Error("a code is exchanged twice")
	}
	return token
}

// A generic OIDC client signs in by discovery, authorization code and PKCE, as a person whom it picks on the page; the
// token opens that person's mailbox, the refresh token rotates, and revocation ends both.
func TestSignInWithAGenericClient(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	for _, prefix := range prefixes {
		p, provider := newParty(w, prefix)
		token := p.signIn(t, "Mette Made-Up Hansen")
		raw, _ := token.Extra("id_token").(string)
		config := &oidc.Config{ClientID: "eboks", SupportedSigningAlgs: []string{"ES256"}}
		if id, err := provider.Verifier(config).Verify(p.ctx, raw); err != nil || id.Nonce != nonce {
			t.Errorf("id token: %v", err)
		}

		want := func(status int, token, path string) {
			t.Helper()
			w.Bearer(token).Want(status, "", "GET", path, "")
		}
		box := w.Box(0)
		want(200, token.AccessToken, box)
		want(401, raw, box) // an id token is not for the backbone
		want(404, p.signIn(t, "Søren Påfund Jensen").AccessToken, box)
		want(403, p.signIn(t, "Nora Uden Nummer").AccessToken, "/apis/v1/mailboxes/") // no CPR number

		refresh := &oauth2.Token{RefreshToken: token.RefreshToken}
		again, err := p.TokenSource(p.ctx, refresh).Token()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.TokenSource(p.ctx, refresh).Token(); err == nil {
			t.Error("a refresh token is used twice")
		}
		want(200, again.AccessToken, box)
		form := url.Values{"token": {again.RefreshToken}}.Encode()
		w.Nobody().Want(200, "", "POST", prefix+"/revoke", form, "Content-Type", "application/x-www-form-urlencoded")
		want(401, again.AccessToken, box)
		want(200, token.AccessToken, box)
	}
}

// An authorization request that is wrong is answered, and never redirected.
func TestWrongAuthorizationRequests(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	good := url.Values{
		"client_id": {"app"}, "redirect_uri": {"http://127.0.0.1:1/"}, "response_type": {"code"},
		"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"}, "state": {state},
	}
	for field, value := range map[string]string{
		"client_id": "other", "redirect_uri": "https://elsewhere.example/", "response_type": "token",
		"code_challenge_method": "plain", "code_challenge": "", "state": "short", "nonce": "short",
	} {
		q := url.Values{}
		for k, v := range good {
			q[k] = v
		}
		q.Set(field, value)
		if status, _, body := w.Nobody().Status("GET", "/dev/oauth/authorize?"+q.Encode(), ""); status != 400 {
			t.Errorf("%s=%s: %d %s", field, value, status, body)
		}
	}
}

// A token is ended by a form or by JSON; a request that names none is refused. userinfo tells the subject that the
// tokens have.
func TestRevokingATokenNeverFailsOpen(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	asJSON := []string{"Content-Type", "application/json"}
	for _, prefix := range prefixes {
		me, none := w.User(0, "app"), w.Nobody()
		if sub := me.Ask(200, "GET", prefix+"/userinfo", "").Text("sub"); len(sub) != 36 {
			t.Errorf("userinfo's subject is %s", sub)
		}
		none.Ask(400, "POST", prefix+"/revoke", "")
		none.Ask(400, "POST", prefix+"/revoke", `{"x":"y"}`, asJSON...)
		me.Ask(200, "GET", "/apis/v1/mailboxes/", "")
		none.Ask(200, "POST", prefix+"/revoke", fmt.Sprintf(`{"token":%q}`, me.Token), asJSON...)
		me.Ask(401, "GET", "/apis/v1/mailboxes/", "")
		none.Ask(200, "POST", prefix+"/logout", "", "Content-Type", "application/x-www-form-urlencoded")
	}
}

// What a signed-in person asks of the issuer is answered by GET and by POST, and to nobody else.
func TestUserinfo(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me := w.User(0, "app")
	for _, prefix := range prefixes {
		for _, method := range []string{"GET", "POST"} {
			me.Want(200, `"sub"`, method, prefix+"/userinfo", "")
			w.Nobody().Want(401, "", method, prefix+"/userinfo", "")
		}
		me.Want(200, "", "GET", prefix+"/logout", "")
	}
}
