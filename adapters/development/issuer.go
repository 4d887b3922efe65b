package development

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	lru "github.com/hashicorp/golang-lru/v2"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/platform"
)

// TokenLife is how long a development access token is valid.
const TokenLife = 8 * time.Hour

const (
	refreshLife = 30 * 24 * time.Hour // of a refresh token
	codeLife    = time.Minute         // in which a code may be exchanged for tokens
	audience    = "digitalpost"
	maxGrants   = 10_000  // codes that are remembered, and as many refresh tokens; the oldest go first
	maxRevoked  = 100_000 // access tokens that are remembered as revoked
)

// prefixes are the paths under which the issuer is found; a token's issuer ends in one of them.
var prefixes = []string{"/dev/oauth", "/apis/v1/oauth"}

// An Issuer is development's OpenID provider for made-up people. Its signing key and the sender systems' keys live as
// long as the data; codes, refresh tokens and revocations as long as the process. It may be used by many goroutines at
// once.
type Issuer struct {
	b       *backbone.Backbone
	secret  []byte
	key     *ecdsa.PrivateKey
	signer  jose.Signer // of access tokens
	ids     jose.Signer // of ID tokens
	now     func() time.Time
	codes   *lru.Cache[string, grant]
	refresh *lru.Cache[string, grant]
	revoked *lru.Cache[string, bool]
}

// A user is one whom development lets in: by number, or, with neither number, one who has none (a P code).
type user struct {
	kind   mailbox.OwnerKind
	number string
	name   string
	priv   []identity.Privilege // beside what is theirs anyway
}

// A grant is what a code or a refresh token may be exchanged for.
type grant struct {
	user      user
	client    string
	redirect  string
	challenge string
	nonce     string
	expires   time.Time
	access    string // id of the access token that was given beside a refresh token
}

// NewIssuer makes the issuer, whose keys are derived from a secret of the data. now may be nil: the backbone's clock.
func NewIssuer(b *backbone.Backbone, now func() time.Time) (*Issuer, error) {
	if now == nil {
		now = b.Clock.Now
	}
	secret := b.Secret("development issuer")
	var err error

	i := &Issuer{b: b, secret: secret, now: now}
	for n := byte(0); i.key == nil; n++ { // a hash that is no key on the curve comes once in 2^32
		h := hmac.New(sha256.New, secret)
		h.Write([]byte{'k', n})
		if i.key, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), h.Sum(nil)); err != nil && n > 10 {
			return nil, err
		}
	}
	key := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.keyID()}}
	for kind, signer := range map[jose.ContentType]*jose.Signer{"at+jwt": &i.signer, "JWT": &i.ids} {
		if *signer, err = jose.NewSigner(key, (&jose.SignerOptions{}).WithType(kind)); err != nil {
			return nil, err
		}
	}

	if i.codes, err = lru.New[string, grant](maxGrants); err != nil {
		return nil, err
	}
	if i.refresh, err = lru.New[string, grant](maxGrants); err != nil {
		return nil, err
	}
	if i.revoked, err = lru.New[string, bool](maxRevoked); err != nil {
		return nil, err
	}
	return i, nil
}

func (i *Issuer) keyID() string {
	h := sha256.Sum256(append([]byte("kid"), i.secret...))
	return hex.EncodeToString(h[:8])
}

// Tokens makes the verifier of the issuer's own tokens. It verifies as it does any other issuer's, but for the issuer's
// address, which is any on loopback, since its port changes and its key does not.
func (i *Issuer) Tokens() *identity.Tokens {
	clients := map[string]string{}
	for _, p := range platform.All {
		clients[p.ID] = p.ID
	}

	return identity.NewTokens(i.b, identity.Config{
		Audience: audience,
		Keys:     &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{i.key.Public()}},
		Issued: func(issuer string) bool {
			u, err := url.Parse(issuer)
			return err == nil && u.Scheme == "http" && onLoopback(u) && slices.Contains(prefixes, u.Path)
		},
		Revoked: i.revoked.Contains,
		Clients: clients,
		Now:     i.now,
	})
}

func onLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func sign(signer jose.Signer, claims map[string]any) (string, error) {
	b, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(b)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// access issues an access token, and gives its id.
func (i *Issuer) access(issuer string, u user, client string) (token, id string, err error) {
	now := i.now()
	id = random()
	c := map[string]any{
		"iss": issuer, "sub": i.subject(u), "aud": audience, "client_id": client, "jti": id,
		"iat": now.Unix(), "exp": now.Add(TokenLife).Unix(),
		"loa": identity.Substantial, "mitid.uuid": i.subject(u), "identity_type": "private",
	}
	switch {
	case u.kind == mailbox.Company:
		c["nemlogin.cvr"], c["nemlogin.org_name"], c["identity_type"] = u.number, u.name, "professional"
		if len(u.priv) == 0 {
			u.priv = []identity.Privilege{{Right: string(access.Administrator), Scope: u.number}}
		}
	case u.number != "":
		c["dk.cpr"] = u.number
	}

	if len(u.priv) > 0 {
		c["priv"] = u.priv
	}

	token, err = sign(i.signer, c)
	return token, id, err
}

// subject names a user without a number in it.
func (i *Issuer) subject(u user) string {
	h := hmac.New(sha256.New, i.secret)
	fmt.Fprintf(h, "subject %v %s", u.kind, u.number)
	return domain.UUID(h.Sum(nil)[:16]).String()
}

func random() string {
	b := make([]byte, 24)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// SystemKey returns a sender system's development key. It is derived, so that GET /dev/ can show it; what is kept is
// its hash, as for any other.
func (i *Issuer) SystemKey(id domain.SystemID) string {
	h := hmac.New(sha256.New, i.secret)
	h.Write([]byte("system key\x00"))
	h.Write(id[:])
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// ClientSecret returns the development secret of a platform's own server.
func (i *Issuer) ClientSecret(client string) string {
	h := hmac.New(sha256.New, i.secret)
	h.Write([]byte("client secret\x00" + client))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// clientToken makes the answer that gives a platform's own server its token.
func (i *Issuer) clientToken(issuer, client, secret string) (map[string]any, error) {
	if _, ok := platform.Of(client); !ok || !hmac.Equal([]byte(secret), []byte(i.ClientSecret(client))) {
		return nil, &oauthError{"invalid_client", "the client or its secret is wrong"}
	}

	now := i.now()
	token, err := sign(i.signer, map[string]any{
		"iss": issuer, "sub": client, "aud": audience, "client_id": client, "jti": random(),
		"iat": now.Unix(), "exp": now.Add(TokenLife).Unix(), "identity_type": "system"})
	return map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(TokenLife / time.Second)}, err
}

// exchange makes the answer of the token endpoint to one who may have what a grant is for.
func (i *Issuer) exchange(issuer string, g grant) (map[string]any, error) {
	access, id, err := i.access(issuer, g.user, g.client)
	if err != nil {
		return nil, err
	}

	now := i.now()
	c := map[string]any{
		"iss": issuer, "sub": i.subject(g.user), "aud": g.client,
		"iat": now.Unix(), "exp": now.Add(TokenLife).Unix(), "name": g.user.name}
	if g.nonce != "" {
		c["nonce"] = g.nonce
	}
	idToken, err := sign(i.ids, c)
	if err != nil {
		return nil, err
	}

	refresh := random()
	g.access, g.expires = id, now.Add(refreshLife)
	i.refresh.Add(refresh, g)
	return map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(TokenLife / time.Second),
		"refresh_token": refresh, "id_token": idToken, "scope": "openid"}, nil
}

// redeem checks a request of the token endpoint, and gives what it may have.
func (i *Issuer) redeem(form url.Values) (grant, error) {
	bad := func(code, text string) error { return &oauthError{code, text} }
	client := form.Get("client_id")
	switch form.Get("grant_type") {
	case "authorization_code":
		code := form.Get("code")
		g, ok := i.codes.Get(code)
		i.codes.Remove(code) // once, whatever comes of it
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		switch {
		case !ok || i.now().After(g.expires) || g.client != client || g.redirect != form.Get("redirect_uri"):
			return g, bad("invalid_grant",
				"the code is not known, was used, has expired, or is for another client or redirect_uri")
		case base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
			return g, bad("invalid_grant", "code_verifier does not match code_challenge")
		}
		return g, nil
	case "refresh_token":
		token := form.Get("refresh_token")
		g, ok := i.refresh.Get(token)
		if !ok || i.now().After(g.expires) || client != "" && g.client != client {
			return g, bad("invalid_grant", "the refresh_token is not known, was used, or has expired")
		}
		i.refresh.Remove(token) // it rotates
		return g, nil
	}

	return grant{}, bad("unsupported_grant_type",
		"grant_type must be authorization_code, refresh_token or client_credentials")
}

// revoke ends a refresh token and the access token that came with it, or an access token.
func (i *Issuer) revoke(ctx context.Context, token string) {
	if g, ok := i.refresh.Get(token); ok {
		i.refresh.Remove(token)
		i.revoked.Add(g.access, true)
		return
	}
	if id, err := i.Tokens().ID(ctx, token); err == nil {
		i.revoked.Add(id, true)
	}
}

// users returns those whom one may sign in as: all with a mailbox, and one who has no CPR number.
func (i *Issuer) users() ([]user, error) {
	all, err := i.b.People.All()
	out := []user{{kind: mailbox.Citizen, name: "Nora Uden Nummer (has a P code and no CPR number)"}}
	for _, p := range all {
		out = append(out, user{kind: p.Kind, number: p.Number, name: p.Name})
	}
	return out, err
}

// An oauthError is an answer of RFC 6749 §5.2.
type oauthError struct{ code, text string }

func (e *oauthError) Error() string { return e.code }

func writeOAuthError(w http.ResponseWriter, e *oauthError) {
	problem.JSON(w, http.StatusBadRequest, map[string]string{"error": e.code, "error_description": e.text})
}

// issuerOf returns the issuer that a request speaks to, as its tokens name it.
func issuerOf(r *http.Request) string {
	for _, prefix := range prefixes {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return "http://" + r.Host + prefix
		}
	}
	return "http://" + r.Host + prefixes[0]
}
