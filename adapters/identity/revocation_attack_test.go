package identity_test

import (
	"crypto/x509"
	"errors"
	"math/big"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"digitalpost/adapters/identity"
)

// refused fails the test unless a certificate is refused as revoked.
func refused(t *testing.T, what string, r *identity.Revocations, chain []*x509.Certificate) {
	t.Helper()
	if err := r.Check(chain); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("%s: %v, want %v", what, err, identity.ErrRevoked)
	}
}

// A certificate of one authority that names the address of another's lists keeps nothing from that other.
func TestAnAddressOfAnotherAuthority(t *testing.T) {
	t.Parallel()
	one, other := newAuthority(t), newAuthority(t)
	start := time.Now()
	var body atomic.Pointer[[]byte]
	url := other.served(func(w http.ResponseWriter, _ *http.Request) { w.Write(*body.Load()) })
	for _, required := range []bool{false, true} {
		first := other.numbered(1, start.Add(-time.Minute), start.Add(time.Hour), nil)
		body.Store(&first)
		now := start
		r := &identity.Revocations{Fetch: true, Required: required, Now: func() time.Time { return now }}
		_ = r.Check(one.chain(5, url))
		if err := r.Check(other.chain(5, url)); err != nil {
			t.Errorf("required %v: after another authority's: %v", required, err)
		}

		next := other.numbered(2, start, start.Add(100*time.Hour), nil, 5)
		body.Store(&next)
		now = start.Add(61 * time.Minute)
		_ = r.Check(one.chain(5, url)) // of which no list speaks: it waits for the next
		refused(t, "revoked since", r, other.chain(5, url))
	}
}

// An older list is not taken for a newer: not by a renewed certificate of the same authority, not in a file of the same
// length and time, not when many other addresses were looked at, and not before an address was asked.
func TestAnOlderListIsNotTaken(t *testing.T) {
	t.Parallel()
	own := newAuthority(t)
	now := time.Now()
	older := own.numbered(1, now.Add(-time.Hour), now.Add(48*time.Hour), nil)
	newer := own.numbered(2, now.Add(-time.Minute), now.Add(time.Hour), nil, 7)

	name := own.file(newer)
	r := &identity.Revocations{Files: []string{name}, Required: true}
	refused(t, "by a file", r, own.chain(7))
	if err := os.WriteFile(name, older, 0o600); err != nil {
		t.Fatal(err)
	}
	renewed := own.signed(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: own.cert.Subject, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCRLSign | x509.KeyUsageCertSign, SubjectKeyId: []byte{1},
	}, nil)
	refused(t, "by the authority's renewed certificate", r, []*x509.Certificate{own.chain(7)[0], renewed})

	same := own.file(own.numbered(1, now.Add(-time.Hour), now.Add(48*time.Hour), nil, 8))
	st, err := os.Stat(same)
	if err != nil {
		t.Fatal(err)
	}
	r = &identity.Revocations{Files: []string{same}, Required: true}
	if err := r.Check(own.chain(7)); err != nil {
		t.Fatal(err)
	}
	for b := []byte(nil); int64(len(b)) != st.Size(); {
		b = own.numbered(2, now.Add(-time.Minute), now.Add(48*time.Hour), nil, 7)
		if err := errors.Join(os.WriteFile(same, b, 0o600), os.Chtimes(same, st.ModTime(), st.ModTime())); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, "by a file of the same length and time", r, own.chain(7))

	var body atomic.Pointer[[]byte]
	body.Store(&newer)
	url := own.served(func(w http.ResponseWriter, _ *http.Request) { w.Write(*body.Load()) })
	r = &identity.Revocations{Files: []string{own.file(older)}, Fetch: true, Required: true}
	refused(t, "by an address that was never asked", r, own.chain(7, url))
	body.Store(&older)
	for i := range 200 {
		_ = r.Check(own.chain(8, url+"/"+string(rune('a'+i))))
	}
	refused(t, "after other addresses", r, own.chain(7, url))
}

// A list of people's certificates alone does not speak for an authority's, nor one of authorities' for people's.
func TestAuthoritiesAndPeopleHaveTheirLists(t *testing.T) {
	t.Parallel()
	root := newAuthority(t)
	now := time.Now()
	issuing := root.signed(&x509.Certificate{
		SerialNumber: big.NewInt(9), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, root.cert)
	authority, person := []*x509.Certificate{issuing, root.cert}, root.chain(8)
	for what, x := range map[string]struct {
		tag                                 byte
		speaksForAuthority, speaksForOthers bool
	}{
		"people's":     {0x81, false, true},
		"authorities'": {0x82, true, false},
	} {
		l := root.numbered(1, now.Add(-time.Hour), now.Add(time.Hour), extension(true, 0x30, 3, x.tag, 1, 0xff))
		r := &identity.Revocations{Files: []string{root.file(l)}, Required: true}
		if err := r.Check(authority); (err == nil) != x.speaksForAuthority {
			t.Errorf("%s list of an authority: %v", what, err)
		}
		if err := r.Check(person); (err == nil) != x.speaksForOthers {
			t.Errorf("%s list of a person: %v", what, err)
		}
	}
}
