// Package identity tells who asks. In development it is also the issuer: of bearer tokens for made-up people, and of keys for sender systems.
package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/projections/platform"
)

// An Issuer issues and checks development's tokens and keys. Both live as long as the data.
type Issuer struct {
	b      *backbone.Backbone
	secret []byte
	now    func() time.Time
}

// TokenLife is how long a development token is valid.
const TokenLife = 8 * time.Hour

// NewIssuer makes the issuer; now may be nil.
func NewIssuer(b *backbone.Backbone, now func() time.Time) (*Issuer, error) {
	if now == nil {
		now = time.Now
	}
	secret, err := b.Secret("development issuer")
	return &Issuer{b: b, secret: secret, now: now}, err
}

type claims struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"` // the owner's mailbox
	Client  string `json:"client_id"`
	Expires int64  `json:"exp"`
	Issued  int64  `json:"iat"`
}

const issuerName = "digitalpost-development"

// Token issues a token for an owner through a platform.
func (i *Issuer) Token(owner domain.MailboxID, client string) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: i.secret}, nil)
	if err != nil {
		return "", err
	}
	now := i.now()
	b, err := json.Marshal(claims{issuerName, owner.String(), client, now.Add(TokenLife).Unix(), now.Unix()})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(b)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

var errUnauthorized = problem.New(http.StatusUnauthorized, "unauthorized", "a valid bearer token is needed")

// Person tells who sends a request of a view client.
func (i *Issuer) Person(r *http.Request) (backbone.Principal, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || len(token) > 4096 {
		return backbone.Principal{}, errUnauthorized
	}
	signed, err := jose.ParseSignedCompact(strings.TrimSpace(token), []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return backbone.Principal{}, errUnauthorized
	}
	payload, err := signed.Verify(i.secret)
	if err != nil {
		return backbone.Principal{}, errUnauthorized
	}
	var c claims
	if json.Unmarshal(payload, &c) != nil || c.Issuer != issuerName || i.now().Unix() >= c.Expires {
		return backbone.Principal{}, errUnauthorized
	}
	id, err := domain.ParseUUID(c.Subject)
	if _, ok := platform.Of(c.Client); err != nil || !ok {
		return backbone.Principal{}, errUnauthorized
	}
	return backbone.Principal{Identity: id, Platform: c.Client}, nil
}

// SystemKey gives a sender system's development key.
func (i *Issuer) SystemKey(id domain.SystemID) string {
	h := hmac.New(sha256.New, i.secret)
	h.Write([]byte("system key\x00"))
	h.Write(id[:])
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// System tells which sender system sends a request: Basic, system id and key.
func (i *Issuer) System(r *http.Request) (backbone.System, error) {
	refused := problem.New(http.StatusUnauthorized, "unauthorized", "Basic authentication with the sender system's id and key is needed")
	user, key, ok := r.BasicAuth()
	if !ok {
		return backbone.System{}, refused
	}
	id, err := domain.ParseUUID(user)
	if err != nil || !hmac.Equal([]byte(i.SystemKey(id)), []byte(key)) {
		return backbone.System{}, refused
	}
	sys, err := i.b.System(id)
	if err != nil {
		return backbone.System{}, refused
	}
	return sys, nil
}
