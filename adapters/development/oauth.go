package development

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"digitalpost/adapters/identity"
	"digitalpost/adapters/problem"
	"digitalpost/projections/platform"
)

//go:embed authorize.html
var authorizePage string

var authorizeTemplate = template.Must(template.New("authorize").Parse(authorizePage))

const minState = 22 // characters of state and nonce

// registerOAuth adds the issuer's routes: discovery, keys, authorization code with PKCE, token, refresh, revoke,
// userinfo and logout.
func registerOAuth(mux *http.ServeMux, i *Issuer, tokens *identity.Tokens, log *slog.Logger) {
	route := func(method, path string, fn func(http.ResponseWriter, *http.Request) error) {
		h := func(w http.ResponseWriter, r *http.Request) {
			err := fn(w, r)
			var e *oauthError
			if errors.As(err, &e) {
				writeOAuthError(w, e)
			} else if err != nil {
				problem.Write(w, log, err)
			}
		}
		for _, prefix := range prefixes {
			mux.HandleFunc(method+" "+prefix+path, h)
			mux.HandleFunc(method+" "+prefix+path+"/{$}", h)
		}
	}

	route("GET", "/.well-known/openid-configuration", i.discovery)
	route("GET", "/jwks.json", i.jwks)
	route("GET", "/authorize", i.authorize)
	route("POST", "/authorize", i.authorized)
	route("POST", "/token", i.token)
	route("POST", "/revoke", i.revocation)
	route("GET", "/logout", i.logout)
	route("POST", "/logout", i.logout)

	userinfo := func(w http.ResponseWriter, r *http.Request) error {
		p, err := identity.NewGate(i.b, tokens, false, nil, log).Person(r)
		if err == nil {
			problem.JSON(w, http.StatusOK, map[string]any{"sub": subjectOf(r), "client_id": p.Platform})
		}
		return err
	}
	route("GET", "/userinfo", userinfo)
	route("POST", "/userinfo", userinfo)
}

// subjectOf reads the subject of a bearer token that was verified.
func subjectOf(r *http.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	parts := strings.Split(strings.TrimSpace(token), ".")
	if len(parts) != 3 {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return ""
	}
	return claims.Subject
}

// discovery answers with the configuration (OpenID Connect Discovery 1.0).
func (i *Issuer) discovery(w http.ResponseWriter, r *http.Request) error {
	iss := issuerOf(r)
	problem.JSON(w, http.StatusOK, map[string]any{
		"issuer":                                iss,
		"authorization_endpoint":                iss + "/authorize",
		"token_endpoint":                        iss + "/token",
		"jwks_uri":                              iss + "/jwks.json",
		"revocation_endpoint":                   iss + "/revoke",
		"userinfo_endpoint":                     iss + "/userinfo",
		"end_session_endpoint":                  iss + "/logout",
		"scopes_supported":                      []string{"openid"},
		"response_types_supported":              []string{"code"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token", "client_credentials"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"code_challenge_methods_supported":      []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"none", "client_secret_basic", "client_secret_post"},
	})
	return nil
}

func (i *Issuer) jwks(w http.ResponseWriter, _ *http.Request) error {
	key := jose.JSONWebKey{Key: i.key.Public(), KeyID: i.keyID(), Algorithm: "ES256", Use: "sig"}
	problem.JSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
	return nil
}

// checkClient refuses a client that is no platform.
func checkClient(id string) error {
	if _, ok := platform.Of(id); !ok {
		return problem.BadField("client_id", "parameter.not.valid",
			"must be one of lifeindenmark, app, eboks, mitdk, borgerdk, virkdk")
	}
	return nil
}

// checkAuthorize checks an authorization request. A client or redirect_uri that is wrong is told to the user and never
// redirected to.
func checkAuthorize(q url.Values) error {
	if err := checkClient(q.Get("client_id")); err != nil {
		return err
	}
	u, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !onLoopback(u) || u.Fragment != "" {
		return problem.BadField("redirect_uri", "parameter.not.valid", "must be a URL on loopback, without a fragment")
	}

	switch {
	case q.Get("response_type") != "code":
		return problem.BadField("response_type", "parameter.not.valid", "must be code")
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		return problem.BadField("code_challenge", "parameter.not.valid",
			"must be the 43 characters of an S256 challenge (RFC 7636), with code_challenge_method=S256")
	case len(q.Get("state")) < minState || len(q.Get("state")) > 1024:
		return problem.BadField("state", "parameter.not.valid", "must have at least 22 characters")
	case q.Get("nonce") != "" && len(q.Get("nonce")) < minState || len(q.Get("nonce")) > 1024:
		return problem.BadField("nonce", "parameter.not.valid", "must have at least 22 characters")
	}
	return nil
}

// authorize shows the page on which a user is chosen.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if err := checkAuthorize(q); err != nil {
		return err
	}
	users, err := i.users()
	if err != nil {
		return err
	}

	type choice struct{ Name, Subject string }
	page := struct {
		Platform string
		Query    map[string]string
		Users    []choice
	}{Query: map[string]string{}}
	p, _ := platform.Of(q.Get("client_id"))
	page.Platform = p.Name
	for _, k := range []string{"client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method",
		"state", "nonce"} {
		page.Query[k] = q.Get(k)
	}
	for _, u := range users {
		page.Users = append(page.Users, choice{u.name, i.subject(u)})
	}

	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	return authorizeTemplate.Execute(w, page)
}

// form reads a form's body, or a JSON object of texts.
func form(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, err
	}

	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		var in map[string]string
		if json.Unmarshal(body, &in) != nil {
			return nil, problem.BadField("body", "body.not.valid", "must be a JSON object of texts")
		}
		f := url.Values{}
		for k, v := range in {
			f.Set(k, v)
		}
		return f, nil
	}

	f, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, problem.BadField("body", "body.not.valid", "must be a form")
	}

	return f, nil
}

// authorized is the choice of a user on the page: back to the client with a code.
func (i *Issuer) authorized(w http.ResponseWriter, r *http.Request) error {
	q, err := form(r)
	if err != nil {
		return err
	}
	if err := checkAuthorize(q); err != nil {
		return err
	}

	users, err := i.users()
	if err != nil {
		return err
	}
	n := slices.IndexFunc(users, func(u user) bool { return i.subject(u) == q.Get("user") })
	if n < 0 {
		return problem.BadField("user", "parameter.not.valid", "must be one of those on the page")
	}

	code := random()
	i.codes.Add(code, grant{user: users[n], client: q.Get("client_id"), redirect: q.Get("redirect_uri"),
		challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), expires: i.now().Add(codeLife)})

	to, _ := url.Parse(q.Get("redirect_uri")) // checked above
	back := to.Query()
	back.Set("code", code)
	back.Set("state", q.Get("state"))
	back.Set("iss", issuerOf(r))
	to.RawQuery = back.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return nil
}

// token answers with tokens for a code, a refresh token, or a platform server's own secret.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) error {
	f, err := form(r)
	if err != nil {
		return err
	}
	if user, secret, ok := r.BasicAuth(); ok && f.Get("client_id") == "" {
		f.Set("client_id", user)
		f.Set("client_secret", secret)
	}

	if f.Get("grant_type") == "client_credentials" {
		answer, err := i.clientToken(issuerOf(r), f.Get("client_id"), f.Get("client_secret"))
		if err == nil {
			problem.JSON(w, http.StatusOK, answer)
		}
		return err
	}

	g, err := i.redeem(f)
	if err != nil {
		return err
	}
	answer, err := i.exchange(issuerOf(r), g)
	if err == nil {
		problem.JSON(w, http.StatusOK, answer)
	}
	return err
}

// revocation ends a token (RFC 7009): 200 whether or not it was known.
func (i *Issuer) revocation(w http.ResponseWriter, r *http.Request) error {
	f, err := form(r)
	if err != nil {
		return err
	}
	if f.Get("token") == "" {
		return problem.BadField("token", "field.missing", "is required, in a form or as JSON")
	}
	i.revoke(r.Context(), f.Get("token"))
	w.WriteHeader(http.StatusOK)
	return nil
}

// logout goes back to the client, if that is on loopback: there is no session to end.
func (i *Issuer) logout(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if r.Method == http.MethodPost {
		f, err := form(r)
		if err != nil {
			return err
		}
		maps.Copy(q, f)
	}

	to, state := q.Get("post_logout_redirect_uri"), q.Get("state")
	u, err := url.Parse(to)
	if to == "" || err != nil || !onLoopback(u) || u.Scheme != "http" && u.Scheme != "https" {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	back := u.Query()
	if state != "" {
		back.Set("state", state)
	}
	u.RawQuery = back.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
	return nil
}
