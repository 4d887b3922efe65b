package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/identity"
)

// An authority issues certificates, and lists of those that it has revoked.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	a.cert = a.signed(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCRLSign | x509.KeyUsageCertSign, SubjectKeyId: []byte{1},
	}, nil)
	return a
}

func (a *authority) signed(c, by *x509.Certificate) *x509.Certificate {
	a.t.Helper()
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if by == nil {
		by = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, a.key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

// chain is a certificate with a serial number, that names where its list is, and its issuer.
func (a *authority) chain(serial int64, lists ...string) []*x509.Certificate {
	leaf := a.signed(&x509.Certificate{SerialNumber: big.NewInt(serial), CRLDistributionPoints: lists}, a.cert)
	return []*x509.Certificate{leaf, a.cert}
}

// list is one that is good for so long.
func (a *authority) list(valid time.Duration, serials ...int64) []byte {
	a.t.Helper()
	l := &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(valid),
	}
	for _, s := range serials {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: big.NewInt(s), RevocationTime: time.Now().Add(-time.Hour),
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

// A certificate that its issuer has revoked is refused, by a list of a file or of the address that it names; another
// authority's list says nothing, and one that is over is not enough where a list is required.
func TestRevokedCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	own, other := newAuthority(t), newAuthority(t)
	name := filepath.Join(t.TempDir(), "list.crl")
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Duration(len(b)) * time.Second) // another time than before
		if err := os.Chtimes(name, later, later); err != nil {
			t.Fatal(err)
		}
	}
	file := &identity.Revocations{Files: []string{name}}
	strict := &identity.Revocations{Files: []string{name}, Required: true}
	want := func(what string, r *identity.Revocations, chain []*x509.Certificate, want error) {
		t.Helper()
		if err := r.Check(chain); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}

	want("nothing is looked at", nil, own.chain(7), nil)
	if err := file.Load(); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("no list, at the start: %v", err)
	}
	want("no list", file, own.chain(7), nil)
	want("no list, required", strict, own.chain(7), identity.ErrUnknownRevocation)
	write(own.list(time.Hour, 7))
	for _, r := range []*identity.Revocations{file, strict} {
		if err := r.Load(); err != nil {
			t.Error(err)
		}
		want("revoked", r, own.chain(7), identity.ErrRevoked)
		want("not revoked", r, own.chain(8), nil)
	}
	want("another's list", file, other.chain(7), nil)
	want("another's list, required", strict, other.chain(7), identity.ErrUnknownRevocation)
	write(own.list(time.Hour, 7, 8, 9))
	want("the file was renewed", strict, own.chain(8), identity.ErrRevoked)
	write([]byte("no list"))
	want("a file that does not read keeps the last", strict, own.chain(8), identity.ErrRevoked)
	write(own.list(-time.Second, 7))
	want("revoked, by a list that is over", file, own.chain(7), identity.ErrRevoked)
	want("a list that is over", strict, own.chain(10), identity.ErrUnknownRevocation)

	asked, answers := 0, true
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; !answers {
			w.WriteHeader(500)
			return
		}
		w.Write(own.list(time.Hour, 7))
	}))
	defer srv.Close()
	now := time.Now()
	fetch := &identity.Revocations{Fetch: true, Required: true, Now: func() time.Time { return now }}
	for range 5 {
		want("revoked, by the list that it names", fetch, own.chain(7, srv.URL), identity.ErrRevoked)
		want("not revoked", fetch, own.chain(8, srv.URL), nil)
	}
	if asked != 1 {
		t.Errorf("the list was fetched %d times, want once", asked)
	}
	want("it names none", fetch, own.chain(7), identity.ErrUnknownRevocation)
	answers, now = false, now.Add(50*time.Minute)
	want("the address does not answer, the list is in force", fetch, own.chain(8, srv.URL), nil)
	now = now.Add(time.Hour)
	want("it is in force no more", fetch, own.chain(8, srv.URL), identity.ErrUnknownRevocation)
}
