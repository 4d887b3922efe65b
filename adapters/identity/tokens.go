package identity

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	lru "github.com/hashicorp/golang-lru/v2"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/projections/platform"
)

const (
	leeway       = 30 * time.Second // by which an issuer's clock may be ahead
	maxToken     = 8 << 10          // bytes
	maxMandates  = 100
	rememberedAt = 10_000 // tokens whose signature need not be looked at again
)

// algorithms are those that a token may be signed with: asymmetric ones only.
var algorithms = []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA}

// Levels of assurance (National Standard for Identiteters Sikringsniveauer) that are enough.
var enough = []string{"https://data.gov.dk/concept/core/nsis/Substantial", "https://data.gov.dk/concept/core/nsis/High"}

// Tokens verifies access tokens.
type Tokens struct {
	verify     *oidc.IDTokenVerifier
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
}

// claims are what the backbone reads of a token beside the registered ones.
type claims struct {
	ClientID string `json:"client_id"`
	Azp      string `json:"azp"`
	ID       string `json:"jti"`
	LoA      string `json:"loa"`
	ACR      string `json:"acr"`
	CPR      string `json:"dk.cpr"`
	NemCPR   string `json:"nemlogin.cpr"`
	CVR      string `json:"nemlogin.cvr"`
	Type     string `json:"identity_type"`
	UUID     string `json:"mitid.uuid"`
	Priv     []priv `json:"priv"`

	expires time.Time
}

// A priv is a right that the identity brings along; scope is the CVR number that it is for, empty for officers, operators and auditors.
type priv struct {
	Right string `json:"right"`
	Scope string `json:"scope"`
}

// Discover makes the verifier of an issuer's tokens: it asks the issuer for its keys, now and when it signs with new ones. clients gives the platform of each
// client id.
func Discover(ctx context.Context, issuer, audience string, clients map[string]string, b *backbone.Backbone) (*Tokens, error) {
	for id, p := range clients {
		if _, ok := platform.Of(p); !ok {
			return nil, fmt.Errorf("client %s: no platform is called %s", id, p)
		}
	}
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the issuer %s for its configuration: %w", issuer, err)
	}
	t := newTokens(b, clients, time.Now)
	t.verify = provider.VerifierContext(ctx, t.config(audience))
	return t, nil
}

func newTokens(b *backbone.Backbone, clients map[string]string, now func() time.Time) *Tokens {
	cache, err := lru.New[[32]byte, remembered](rememberedAt)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return &Tokens{b: b, clients: clients, now: now, remembered: cache}
}

func (t *Tokens) config(audience string) *oidc.Config {
	return &oidc.Config{ClientID: audience, SupportedSigningAlgs: algorithms, Now: func() time.Time { return t.now().Add(-leeway) }}
}

// Principal tells whose a token is. Errors are *problem.Error: 401 for a token that is not valid, 403 for one that is and opens no mailbox.
func (t *Tokens) Principal(ctx context.Context, token string) (p backbone.Principal, err error) {
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
		if p.Platform, ok = t.clients[c.Azp]; !ok {
			return p, problem.New(http.StatusForbidden, "client.not.allowed", "the token's client is no platform")
		}
	}
	if !slices.Contains(enough, c.LoA) && !slices.Contains(enough, c.ACR) {
		return p, problem.New(http.StatusForbidden, "loa.too.low", "level of assurance Substantial or High is needed")
	}
	number, kind := c.CPR, mailbox.Citizen
	if number == "" {
		number = c.NemCPR
	}
	if c.Type == "professional" || number == "" && c.CVR != "" {
		number, kind = c.CVR, mailbox.Company
	}
	if kind == mailbox.Citizen {
		if _, err := domain.ParseCPR(number); err != nil {
			return p, problem.New(http.StatusForbidden, "no.cpr", "Digital Post needs a CPR number, which this identity does not have")
		}
	} else if _, err := domain.ParseCVR(number); err != nil {
		return p, problem.New(http.StatusForbidden, "no.cvr", "a professional identity needs a CVR number")
	}
	if p.Identity, ok, err = t.b.Find(kind, number); err != nil {
		return p, err
	}
	if p.Professional = kind == mailbox.Company; p.Professional {
		if p.Person, err = domain.ParseUUID(c.UUID); err != nil {
			return p, problem.New(http.StatusForbidden, "no.person", "a professional identity needs mitid.uuid, a UUID")
		}
	}
	if p.Mandates, err = t.mandates(c.Priv); err != nil {
		return p, err
	}
	if !ok && !slices.ContainsFunc(p.Mandates, func(m access.Mandate) bool { return m.Mailbox == domain.MailboxID{} }) {
		return p, problem.New(http.StatusForbidden, "no.mailbox", "there is no mailbox with this number")
	}
	return p, nil
}

// mandates reads the rights that an identity brings along. One that is not known here, or for a company without a mailbox, is no right.
func (t *Tokens) mandates(all []priv) (out []access.Mandate, err error) {
	if len(all) > maxMandates {
		return nil, problem.New(http.StatusForbidden, "priv.too.many", "a token brings at most 100 rights along")
	}
	for _, x := range all {
		m := access.Mandate{Right: access.Right(x.Right)}
		switch m.Right {
		case access.Officer, access.BusinessOfficer, access.Operator, access.Auditor:
		case access.Administrator, access.Writer, access.Basic, access.LegalOwner, access.Association:
			var ok bool
			if m.Mailbox, ok, err = t.b.Find(mailbox.Company, x.Scope); err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
		default:
			continue
		}
		out = append(out, m)
	}
	return out, nil
}

// known tells whether a token's signature was found good before.
func (t *Tokens) known(token string) bool { return t.remembered.Contains(sha256.Sum256([]byte(token))) }

// claims verifies a token. A signature that was good is not looked at again; times are.
func (t *Tokens) claims(ctx context.Context, token string) (c claims, err error) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return c, unauthorized("the token is not a signed JWT of at most 8 KiB")
	}
	key := sha256.Sum256([]byte(token))
	r, known := t.remembered.Get(key)
	if !known {
		verified, err := t.verify.Verify(ctx, token)
		if err != nil {
			return c, unauthorized("the token is not valid, or has expired")
		}
		if t.issued != nil && !t.issued(verified.Issuer) {
			return c, unauthorized("the token is of another issuer")
		}
		if err := verified.Claims(&r.claims); err != nil {
			return c, unauthorized("the token's claims do not read")
		}
		r.expires = verified.Expiry
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

// Platform tells which platform's own server a token of client credentials is for (identity_type system), and when it ends.
func (t *Tokens) Platform(ctx context.Context, token string) (string, time.Time, error) {
	c, err := t.claims(ctx, token)
	if err != nil {
		return "", time.Time{}, err
	}
	p, ok := t.clients[c.ClientID]
	if c.Type != "system" || !ok {
		return "", time.Time{}, problem.New(http.StatusForbidden, "client.not.allowed", "a platform's own token is needed, of client credentials")
	}
	return p, c.expires.Add(leeway), nil
}
