// Package identity finds out who asks.
//
// People come with OIDC access tokens of one issuer: a JWT whose signature, issuer, audience and times are right, of
// level of assurance Substantial or High, with a CPR number (claim dk.cpr or nemlogin.cpr) or, of a professional
// identity, a CVR number (nemlogin.cvr). The platform is the token's client. Sender systems come with Basic
// authentication, system id and key, and in production with a client certificate of their organisation beside it.
//
// A development server is its own issuer (package development), whose tokens go through the same verification; nothing
// here knows of it.
package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mandate"
)

// A Gate finds out who sends a request, and slows down who fails to say it. It may be used by many goroutines at once.
type Gate struct {
	b            *backbone.Backbone
	tokens       *Tokens
	certificates bool // whether sender systems need one
	revocations  *Revocations
	failures     *failures
}

// Revocations has client certificates looked up in lists of revoked ones. It is called before the gate is used.
func (g *Gate) Revocations(r *Revocations) { g.revocations = r }

// NewGate makes the gate. With certificates, a sender system needs a client certificate of its organisation, which TLS
// has verified. The registerer may be nil.
func NewGate(
	b *backbone.Backbone, tokens *Tokens, certificates bool, registerer prometheus.Registerer, log *slog.Logger,
) *Gate {
	return &Gate{b: b, tokens: tokens, certificates: certificates, failures: newFailures(registerer, log)}
}

func unauthorized(text string) error {
	return problem.New(http.StatusUnauthorized, "unauthorized", text)
}

// Person finds out who sends a request of a view client, by its bearer token. Errors are *problem.Error: 401, 403, or
// 429 for an address that has failed too often.
func (g *Gate) Person(r *http.Request) (p access.Principal, err error) {
	err = g.bearer(r, func(token string) (err error) {
		p, err = g.tokens.Principal(r.Context(), token)
		return err
	})
	if err == nil {
		err = g.mandate(r, &p)
	}
	return p, err
}

// mandate finds the mandate under which somebody in an office asks, by the header Mandate.
func (g *Gate) mandate(r *http.Request, p *access.Principal) error {
	s := r.Header.Get("Mandate")
	if s == "" {
		return nil
	}

	id, err := domain.ParseUUID(s)
	if err != nil {
		return problem.BadField("Mandate", "header.not.valid", "must be a mandate's id")
	}

	if p.Mandate = id; !p.InOffice() {
		return domain.Refuse(mandate.NotInForce)
	}
	return g.b.Mandates.Check(r.Context(), *p, id)
}

// StillGood refuses a token that has been good and is no more: expired, revoked, or signed by a key that was withdrawn.
// It is for what goes on for long after Person or Platform.
func (g *Gate) StillGood(r *http.Request) error {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	_, err := g.tokens.claims(r.Context(), strings.TrimSpace(token))

	return err
}

// Platform returns the platform whose own server sends a request, and when the proof of that ends. Errors are as
// Person's.
func (g *Gate) Platform(r *http.Request) (p string, until time.Time, err error) {
	err = g.bearer(r, func(token string) (err error) {
		p, until, err = g.tokens.Platform(r.Context(), token)
		return err
	})
	return p, until, err
}

func (g *Gate) bearer(r *http.Request, check func(token string) error) error {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return unauthorized("a bearer token is needed")
	}
	return g.failures.note(r, "token", "", check(token))
}

// System returns the sender system that sends a request. Errors are as Person's; an id and a key that do not fit are
// refused in the same words, so that nobody learns which systems there are.
func (g *Gate) System(r *http.Request) (organisations.System, error) {
	user, key, ok := r.BasicAuth()
	who := ""
	if id, err := domain.ParseUUID(user); err == nil {
		if _, err := g.b.Organisations.System(id); err == nil {
			who = " " + user
		}
	}

	if !ok {
		return organisations.System{}, unauthorized(
			"Basic authentication with the sender system's id and key is needed")
	}
	sys, err := g.system(r, user, key)
	return sys, g.failures.note(r, "system", who, err)
}

func (g *Gate) system(r *http.Request, user, key string) (organisations.System, error) {
	refused := unauthorized("the sender system's id or key is wrong")
	id, err := domain.ParseUUID(user)
	if err != nil {
		return organisations.System{}, refused
	}
	sys, err := g.b.Organisations.System(id)
	if err != nil || sys.Withdrawn {
		return organisations.System{}, refused
	}
	if h := HashKey(key); subtle.ConstantTimeCompare(h, sys.KeyHash) != 1 {
		return organisations.System{}, refused
	}

	if !g.certificates {
		return sys, nil
	}
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return organisations.System{}, unauthorized("a client certificate of the organisation is needed")
	}
	if err := g.revocations.Check(r.TLS.VerifiedChains[0]); err != nil {
		return organisations.System{}, unauthorized(strings.TrimPrefix(err.Error(), "identity: "))
	}
	h, err := holderOf(r.TLS.VerifiedChains[0][0])
	if err != nil {
		return organisations.System{}, unauthorized(err.Error())
	}
	if !sys.Trusts(h.cvr, h.uuid) {
		return organisations.System{}, problem.New(http.StatusForbidden, "certificate.not.allowed",
			"the certificate is of another organisation, to which this system is not delegated")
	}
	return sys, nil
}

// HashKey returns what is kept of a sender system's key. Keys are random, of 128 bits, so one round of SHA-256 is
// enough.
func HashKey(key string) []byte {
	h := sha256.Sum256([]byte("digitalpost sender system key\x00" + key))
	return h[:]
}
