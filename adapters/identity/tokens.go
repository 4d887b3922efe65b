package identity

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	lru "github.com/hashicorp/golang-lru/v2"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/platform"
)

const (
	leeway        = 30 * time.Second // by which an issuer's clock may be ahead
	maxToken      = 8 << 10          // bytes
	maxLife       = 24 * time.Hour   // of a token, from when it is shown
	maxPrivileges = 100
	rememberedAt  = 10_000 // tokens whose signature need not be looked at again
)

// algorithms are those that a token may be signed with: asymmetric ones only.
var algorithms = []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA}

var signatures = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

// accessTypes are what the header of an access token says that it is (RFC 9068): an ID token says something else.
var accessTypes = []string{"at+jwt", "application/at+jwt"}

// Levels of assurance (National Standard for Identiteters Sikringsniveauer) that are enough.
const (
	Substantial = "https://data.gov.dk/concept/core/nsis/Substantial"
	High        = "https://data.gov.dk/concept/core/nsis/High"
)

var enough = []string{Substantial, High}

// Tokens verifies the access tokens of one issuer. It may be used by many goroutines at once.
type Tokens struct {
	verify     *oidc.IDTokenVerifier
	real       bool                     // people are: an office is held in a professional identity alone
	keySet     func() uint64            // counts the sets of keys that the issuer had; 0: none is good
	issued     func(issuer string) bool // whether the issuer is the one; nil: the verifier looks
	revoked    func(jti string) bool    // nil: none is
	clients    map[string]string        // platform by client id
	b          *backbone.Backbone
	now        func() time.Time
	remembered *lru.Cache[[32]byte, remembered]
}

type remembered struct {
	claims  claims
	expires time.Time
	keySet  uint64 // that its signature was found good by
}

// An Issuer is who is believed about people.
type Issuer struct {
	URL      string            // https
	Audience string            // that its tokens must have
	Clients  map[string]string // platform by client id
	Roots    *x509.CertPool    // who may vouch for its address; nil: whom the machine believes
	Now      func() time.Time  // nil: time.Now
}

// Discover makes the verifier of an issuer's tokens: it asks the issuer for its keys, now, every few minutes and when a
// token has one that is not known. While the issuer does not answer, its keys are good for a day. A client that is no
// platform is an error, as is an address that is not https, and an issuer that does not answer now.
func Discover(ctx context.Context, is Issuer, b *backbone.Backbone) (*Tokens, error) {
	for id, p := range is.Clients {
		if _, ok := platform.Of(p); !ok {
			return nil, fmt.Errorf("client %s: no platform is called %s", id, p)
		}
	}
	if err := secure("the issuer", is.URL); err != nil {
		return nil, err
	}

	client := secureClient(is.Roots)
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), is.URL)
	if err != nil {
		return nil, fmt.Errorf("ask the issuer %s for its configuration: %w", is.URL, err)
	}

	var told struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&told); err != nil {
		return nil, err
	}
	if err := secure("the issuer's jwks_uri", told.Keys); err != nil {
		return nil, err
	}

	if is.Now == nil {
		is.Now = time.Now
	}
	t := newTokens(b, is.Clients, is.Now)
	t.real = true
	k, err := fetchKeys(ctx, told.Keys, client, t.now)
	if err != nil {
		return nil, err
	}
	t.keySet = func() uint64 { _, version := k.current(); return version }
	t.verify = oidc.NewVerifier(is.URL, k, t.config(is.Audience))

	return t, nil
}

// A Config is what is known of an issuer that need not be asked for its keys.
type Config struct {
	Audience string
	Keys     oidc.KeySet              // that its tokens are signed with
	Issued   func(issuer string) bool // whether a token's issuer is the one; it can't be left out
	Revoked  func(id string) bool     // whether the token with that id was revoked; nil: none is
	Clients  map[string]string        // platform by client id
	Now      func() time.Time         // nil: time.Now
}

// NewTokens makes the verifier of the tokens of an issuer whose keys are at hand. It differs from Discover's in how the
// issuer is recognised and in that tokens can be revoked; all else is verified alike.
func NewTokens(b *backbone.Backbone, c Config) *Tokens {
	if c.Issued == nil {
		panic("identity: tokens of any issuer would be good")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	t := newTokens(b, c.Clients, c.Now)
	t.issued, t.revoked = c.Issued, c.Revoked

	config := t.config(c.Audience)
	config.SkipIssuerCheck = true // Issued looks
	t.verify = oidc.NewVerifier("", c.Keys, config)
	return t
}

func newTokens(b *backbone.Backbone, clients map[string]string, now func() time.Time) *Tokens {
	cache, err := lru.New[[32]byte, remembered](rememberedAt)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	always := func() uint64 { return 1 }
	return &Tokens{b: b, clients: clients, now: now, keySet: always, remembered: cache}
}

func (t *Tokens) config(audience string) *oidc.Config {
	return &oidc.Config{
		ClientID:             audience,
		SupportedSigningAlgs: algorithms,
		Now:                  func() time.Time { return t.now().Add(-leeway) },
	}
}

// Principal returns who a token is for. Errors are *problem.Error: 401 for a token that is not valid, 403 for one that
// is and opens no mailbox.
func (t *Tokens) Principal(ctx context.Context, token string) (p access.Principal, err error) {
	c, err := t.claims(ctx, token)
	if err != nil {
		return p, err
	}
	if c.Type == "system" {
		return p, problem.New(http.StatusForbidden, "no.cpr", "this is a platform's own token, not a person's")
	}

	p.Until = c.expires.Add(leeway)
	var ok bool
	if p.Platform, ok = t.clients[c.ClientID]; !ok {
		return p, problem.New(http.StatusForbidden, "client.not.allowed", "the token's client is no platform")
	}
	if c.LoA != "" && c.ACR != "" && c.LoA != c.ACR {
		return p, problem.New(http.StatusForbidden, "loa.too.low", "the token's claims loa and acr are not the same")
	}
	if !slices.Contains(enough, c.LoA) && !slices.Contains(enough, c.ACR) {
		return p, problem.New(http.StatusForbidden, "loa.too.low", "level of assurance Substantial or High is needed")
	}

	p.Assurance = 2
	if c.LoA == High || c.ACR == High {
		p.Assurance = 3
	}

	number, kind, err := c.number()
	if err != nil {
		return p, err
	}
	p.Identity, ok, err = t.b.People.Find(kind, number)
	if err == nil && !ok && kind == mailbox.Company { // whoever signs in wants its post
		p.Identity, ok, err = t.b.Registers.SignedIn(ctx, number)
	}
	if err != nil {
		return p, err
	}
	if p.Professional = kind == mailbox.Company; p.Professional {
		if p.Person, err = domain.ParseUUID(c.UUID); err != nil || p.Person == (domain.UUID{}) {
			return p, problem.New(http.StatusForbidden, "no.person", "a professional identity needs mitid.uuid, a UUID")
		}
		if p.Citizen, err = t.citizen(c); err != nil {
			return p, err
		}
	}

	if p.Privileges, err = t.privileges(c.Priv, p.Professional || !t.real); err != nil {
		return p, err
	}
	if err := t.authority(&p, c); err != nil {
		return p, err
	}
	office := func(m access.Privilege) bool { return m.Mailbox == domain.MailboxID{} } // who has one needs no mailbox
	if !ok && !slices.ContainsFunc(p.Privileges, office) {
		return p, problem.New(http.StatusForbidden, "no.mailbox", "there is no mailbox with this number")
	}
	return p, nil
}

// ID returns the id of a token (claim jti), or an error if the token is not valid now.
func (t *Tokens) ID(ctx context.Context, token string) (string, error) {
	c, err := t.claims(ctx, token)
	return c.ID, err
}

// claims verifies a token. A signature that was good is not looked at again; times are.
func (t *Tokens) claims(ctx context.Context, token string) (c claims, err error) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return c, unauthorized("the token is not a signed JWT of at most 8 KiB")
	}

	set := t.keySet()
	if set == 0 {
		return c, problem.New(http.StatusServiceUnavailable, "issuer.not.answering",
			"the issuer does not tell its keys")
	}

	key := sha256.Sum256([]byte(token))
	r, known := t.remembered.Get(key)
	if !known || r.keySet != set {
		t.remembered.Remove(key) // the key that has signed it may have been withdrawn
		if r, err = t.read(ctx, token); err != nil {
			return c, err
		}
		r.keySet = set
		t.remembered.Add(key, r)
	}

	if t.now().Add(-leeway).After(r.expires) {
		return c, unauthorized("the token has expired")
	}
	if t.revoked != nil && t.revoked(r.claims.ID) {
		return c, unauthorized("the token was revoked")
	}

	c = r.claims
	c.expires = r.expires
	return c, nil
}

// read verifies a token's signature, and reads its claims.
func (t *Tokens) read(ctx context.Context, token string) (r remembered, err error) {
	parts := strings.Split(token, ".")
	var header struct {
		Type string `json:"typ"`
	}
	if err := decodePart(parts[0], &header); err != nil {
		return r, unauthorized("the token's header " + err.Error())
	}
	if !slices.Contains(accessTypes, strings.ToLower(header.Type)) {
		return r, unauthorized("the token is no access token: its typ must be at+jwt")
	}
	if err := decodePart(parts[1], &r.claims); err != nil {
		return r, unauthorized("the token " + err.Error())
	}

	verified, err := t.verify.Verify(ctx, token)
	if err != nil {
		return r, unauthorized("the token is not valid, or has expired")
	}
	if t.issued != nil && !t.issued(verified.Issuer) {
		return r, unauthorized("the token is of another issuer")
	}
	if verified.Expiry.Sub(t.now()) > maxLife {
		return r, unauthorized("the token would be good for more than 24 hours")
	}

	if r.claims.ClientID == "" || r.claims.Azp != "" && r.claims.Azp != r.claims.ClientID {
		return r, unauthorized("the token must have client_id, and azp may be nothing else")
	}
	r.expires = verified.Expiry

	return r, nil
}

// Platform returns the platform whose own server a token of client credentials is for (identity_type system), and when
// it ends. Errors are *problem.Error: 401 for a token that is not valid, 403 for a person's.
func (t *Tokens) Platform(ctx context.Context, token string) (string, time.Time, error) {
	c, err := t.claims(ctx, token)
	if err != nil {
		return "", time.Time{}, err
	}
	p, ok := t.clients[c.ClientID]
	if c.Type != "system" || !ok {
		return "", time.Time{}, problem.New(http.StatusForbidden, "client.not.allowed",
			"a platform's own token is needed, of client credentials")
	}
	return p, c.expires.Add(leeway), nil
}
