package identity_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/server/servertest"
)

// a clock that a test sets.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// believe makes a verifier of an issuer's tokens, on a backbone where the person of those tokens has a mailbox.
func believe(t *testing.T, tr *servertest.Trust, c *clock) *identity.Tokens {
	t.Helper()
	b := backbonetest.Open(t)
	b.Citizen("6701901234")
	issuer := identity.Issuer{
		URL: tr.Issuer, Audience: "digitalpost", Clients: map[string]string{servertest.ProductionClient: "eboks"},
		Roots: tr.Roots(), Now: c.now,
	}
	tokens, err := identity.Discover(context.Background(), issuer, b.Backbone)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// good reports whether a token opens a mailbox.
func good(tokens *identity.Tokens, token string) bool {
	_, err := tokens.Principal(context.Background(), token)
	return err == nil
}

// An issuer that does not answer holds up nobody whose key is known, and others not for long; it is asked seldom,
// whatever tokens come.
func TestIssuerThatHangs(t *testing.T) {
	t.Parallel()
	tr, c := servertest.NewTrust(t), &clock{}
	tokens := believe(t, tr, c)
	c.forward(time.Minute)

	asked := &atomic.Int32{}
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	tr.Keys.Store(&hang)

	later := map[string]any{"exp": time.Now().Add(time.Hour).Unix()}
	var wg sync.WaitGroup
	begun := time.Now()
	for range 50 {
		wg.Go(func() {
			if good(tokens, tr.TokenBy("unknown", later)) {
				t.Error("a token of a key that nobody knows is good")
			}
		})
	}
	for range 20 {
		if !good(tokens, tr.Token(later, nil)) {
			t.Error("a token of a known key is not good")
		}
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("tokens of a known key waited for %v", took)
	}
	wg.Wait()
	if took := time.Since(begun); took > 9*time.Second {
		t.Errorf("tokens of unknown keys waited for %v", took)
	}
	if n := asked.Load(); n > 1 {
		t.Errorf("the issuer was asked %d times at once", n)
	}
}

// A key that the issuer has withdrawn is believed no more, in tokens that were remembered either; a new one is learned
// at once. While it does not answer, its keys are good for a day.
func TestKeysThatTheIssuerWithdraws(t *testing.T) {
	t.Parallel()
	tr, c := servertest.NewTrust(t), &clock{}
	tokens := believe(t, tr, c)
	day := map[string]any{"exp": c.now().Add(23 * time.Hour).Unix()}
	old := tr.Token(day, nil)
	if !good(tokens, old) {
		t.Fatal("a token of the issuer is not good")
	}

	other := servertest.NewKey()
	told := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		key := jose.JSONWebKey{Key: other.Public(), KeyID: "2", Algorithm: "ES256", Use: "sig"}
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
	})
	tr.Keys.Store(&told)
	c.forward(6 * time.Minute)
	servertest.Eventually(t, "the old key is believed no more", func() bool { return !good(tokens, old) })
	day["exp"] = c.now().Add(23 * time.Hour).Unix()
	if !good(tokens, tr.TokenBy("2", day, other)) {
		t.Error("a token of the new key is not good")
	}

	silent := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	tr.Keys.Store(&silent)
	c.forward(22 * time.Hour)
	if !good(tokens, tr.TokenBy("2", day, other)) {
		t.Error("the issuer's trouble of 22 hours is everybody's")
	}
	c.forward(3 * time.Hour)
	day["exp"] = c.now().Add(time.Hour).Unix()
	_, err := tokens.Principal(context.Background(), tr.TokenBy("2", day, other))
	if err == nil || !strings.Contains(err.Error(), "issuer.not.answering") {
		t.Errorf("after a day: %v, want issuer.not.answering", err)
	}
}

// Neither the issuer nor its keys are asked for without TLS.
func TestIssuerMustBeSecure(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://issuer.example", "ftp://issuer.example", "issuer.example"} {
		_, err := identity.Discover(context.Background(), identity.Issuer{URL: url}, nil)
		if err == nil || !strings.Contains(err.Error(), "https") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Whoever sends bad tokens by the thousand keeps out nobody at the same address, not even somebody who has never been
// there.
func TestBadTokensKeepOutNobodyElse(t *testing.T) {
	t.Parallel()
	w := servertest.StartWith(t, servertest.Config{NotDescribed: true})
	throttled := 0
	for range 100 {
		switch status := w.Bearer("a.b.c").Code("GET", "/apis/v1/mailboxes/", ""); status {
		case http.StatusTooManyRequests:
			throttled++
		case http.StatusUnauthorized:
		default:
			t.Fatalf("a bad token: %d", status)
		}
	}
	if throttled == 0 {
		t.Error("100 bad tokens are not limited")
	}
	w.User(1, "app").Ask(200, "GET", "/apis/v1/mailboxes/", "")
	if code := w.Sender.Code("GET", "/apis/v1/receipts/", ""); code != 200 {
		t.Errorf("a sender system at that address: %d", code)
	}
}

// Who acts in an office acts for the organisation of their identity; and how surely they signed in is known.
func TestOfficesActForAnOrganisation(t *testing.T) {
	t.Parallel()
	tr := servertest.NewTrust(t)
	tokens := believe(t, tr, &clock{})
	priv := []identity.Privilege{{Right: "CITIZEN_SERVICE_EMPLOYEE"}}
	for _, x := range []struct {
		name      string
		change    map[string]any
		assurance uint8
		acts      bool
	}{
		{"a person", nil, 2, false},
		{"of high assurance", map[string]any{"loa": identity.High}, 3, false},
		{"an officer", map[string]any{"priv": priv, "dk.cpr": nil, "nemlogin.cvr": "20000001",
			"identity_type": "professional", "mitid.uuid": servertest.NewUUID()}, 2, true},
	} {
		p, err := tokens.Principal(context.Background(), tr.Token(x.change, nil))
		if err != nil || p.Assurance != x.assurance || (p.Authority != [16]byte{}) != x.acts {
			t.Errorf("%s: %+v, %v", x.name, p, err)
		}
	}
}
