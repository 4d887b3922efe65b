package identity

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	askFor       = 5 * time.Second  // in which the issuer must have answered
	askAgain     = 10 * time.Second // after which a key that is not known is asked for again, at the earliest
	refreshAfter = 5 * time.Minute  // after which the keys are asked for again, beside those who use them
	keysGood     = 24 * time.Hour   // for which they are good while the issuer does not answer
	maxAnswer    = 1 << 20          // bytes of the issuer's
	maxKeys      = 100
)

// errNoKeys says that the issuer has not told its keys for so long that they are not believed any more.
var errNoKeys = errors.New("the issuer has not told its keys for a day")

// keys are those that an issuer signs with, as it last told them. They are asked for one request at a time, and not
// more often than every 10 s, so that neither its silence nor a stranger's tokens with keys that nobody knows hold
// anything up. They may be used by many goroutines at once.
type keys struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex // guards what follows
	set     []jose.JSONWebKey
	version uint64        // counts the sets
	told    time.Time     // when the set was told
	asked   time.Time     // when the issuer was last asked
	asking  chan struct{} // closed when it has answered; nil: it is not being asked
}

// secureClient asks over https alone, wherever it is sent; roots are who may vouch for the issuer, nil for the
// machine's.
func secureClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout:   askFor,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Scheme != "https" || len(via) > 3 {
				return errors.New("the issuer sends elsewhere than to https, or in a circle")
			}
			return nil
		},
	}
}

// secure refuses an address that is not https.
func secure(what, address string) error {
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%s %q must be https", what, address)
	}
	return nil
}

// fetchKeys gets the keys for the first time.
func fetchKeys(ctx context.Context, address string, client *http.Client, now func() time.Time) (*keys, error) {
	k := &keys{url: address, client: client, now: now}
	k.mu.Lock()
	k.ask()
	done := k.asking
	k.mu.Unlock()

	select {
	case <-done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if _, version := k.current(); version == 0 {
		return nil, fmt.Errorf("ask %s for the issuer's keys: no answer that is one", address)
	}
	return k, nil
}

// current gives the keys and counts the set; it is asked for again if it is old.
func (k *keys) current() ([]jose.JSONWebKey, uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()

	if now := k.now(); now.Sub(k.told) > refreshAfter && now.Sub(k.asked) > askAgain {
		k.ask()
	}
	if k.now().Sub(k.told) > keysGood {
		return nil, 0
	}

	return k.set, k.version
}

// ask asks the issuer, unless it is being asked. The lock is held.
func (k *keys) ask() {
	if k.asking != nil {
		return
	}

	done := make(chan struct{})
	k.asking, k.asked = done, k.now()
	go func() {
		set, err := k.fetch()

		k.mu.Lock()
		defer k.mu.Unlock()
		if err == nil {
			if !slices.EqualFunc(set, k.set, sameKey) {
				k.set = set
				k.version++
			}
			k.told = k.now()
		}
		k.asking = nil
		close(done)
	}()
}

func sameKey(a, b jose.JSONWebKey) bool {
	x, err := a.MarshalJSON()
	y, err2 := b.MarshalJSON()
	return err == nil && err2 == nil && bytes.Equal(x, y)
}

// fetch asks the issuer.
func (k *keys) fetch() ([]jose.JSONWebKey, error) {
	r, err := k.client.Get(k.url)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()

	b, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err != nil || r.StatusCode != http.StatusOK || len(b) > maxAnswer {
		return nil, fmt.Errorf("the issuer answers with %d and %d bytes: %w", r.StatusCode, len(b), err)
	}

	var set jose.JSONWebKeySet
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, err
	}
	use := slices.DeleteFunc(set.Keys, func(j jose.JSONWebKey) bool {
		return !j.Valid() || !j.IsPublic() || j.Use != "" && j.Use != "sig"
	})
	if len(use) == 0 || len(use) > maxKeys {
		return nil, errors.New("the issuer tells no keys, or too many")
	}

	return use, nil
}

// VerifySignature gives the payload of a token that one of the keys has signed: see oidc.KeySet.
func (k *keys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, signatures)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errors.New("the token is not signed as it must be")
	}

	set, version := k.current()
	if version == 0 {
		return nil, errNoKeys
	}
	if payload, ok := verify(jws, set); ok {
		return payload, nil
	}

	if !k.again(ctx, jws.Signatures[0].Header.KeyID, set) {
		return nil, errors.New("no key of the issuer has signed the token")
	}
	set, _ = k.current()
	if payload, ok := verify(jws, set); ok {
		return payload, nil
	}
	return nil, errors.New("no key of the issuer has signed the token")
}

// again asks for the keys once more for the sake of one that is not among them, and waits for the answer; false if it
// may not be asked, or the key is there.
func (k *keys) again(ctx context.Context, id string, set []jose.JSONWebKey) bool {
	if slices.ContainsFunc(set, func(j jose.JSONWebKey) bool { return j.KeyID == id }) {
		return false
	}

	k.mu.Lock()
	if k.asking == nil && k.now().Sub(k.asked) > askAgain {
		k.ask()
	}
	done := k.asking
	k.mu.Unlock()
	if done == nil {
		return false
	}

	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// verify tries the keys that the token may mean.
func verify(jws *jose.JSONWebSignature, set []jose.JSONWebKey) ([]byte, bool) {
	id := jws.Signatures[0].Header.KeyID
	for i := range set {
		if id != "" && set[i].KeyID != id {
			continue
		}
		if payload, err := jws.Verify(&set[i]); err == nil {
			return payload, true
		}
	}
	return nil, false
}
