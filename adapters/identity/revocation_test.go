package identity_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
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

// signed is a certificate for the authority's own key; by nil it is its own issuer.
func (a *authority) signed(c, by *x509.Certificate) *x509.Certificate {
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if by == nil {
		by = c
	}
	return a.certified(c, by, a.key.Public())
}

func (a *authority) certified(c, by *x509.Certificate, key any) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, by, key, a.key)
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
	now := time.Now()
	return a.numbered(1, now.Add(-time.Minute), now.Add(valid), nil, serials...)
}

// numbered is one with a number, times and an extension.
func (a *authority) numbered(n int64, from, until time.Time, more *pkix.Extension, serials ...int64) []byte {
	a.t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(n), ThisUpdate: from, NextUpdate: until}
	if more != nil {
		l.ExtraExtensions = []pkix.Extension{*more}
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

// extension is one that says which certificates a list is about.
func extension(critical bool, value ...byte) *pkix.Extension {
	return &pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: critical, Value: value}
}

// served gives the address at which what answer gives is served.
func (a *authority) served(answer http.HandlerFunc) string {
	srv := httptest.NewServer(answer)
	a.t.Cleanup(srv.Close)
	return srv.URL
}

// file gives the name of a file with these bytes.
func (a *authority) file(b []byte) string {
	a.t.Helper()
	name := filepath.Join(a.t.TempDir(), "list.crl")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return name
}

// Whatever an address answers later, what its authority revoked stays revoked: a list that is forged, older, or for
// other certificates lets nobody in.
func TestARevokedCertificateStaysRevoked(t *testing.T) {
	t.Parallel()
	own, other := newAuthority(t), newAuthority(t)
	start := time.Now()
	for what, later := range map[string][]byte{
		"forged":                other.list(48 * time.Hour),
		"older, still in force": own.numbered(4, start.Add(-50*time.Minute), start.Add(48*time.Hour), nil),
		"older, and over":       own.numbered(4, start.Add(-50*time.Minute), start.Add(-40*time.Minute), nil),
		"no list":               []byte("no list"),
		"of authorities alone": own.numbered(6, start, start.Add(48*time.Hour),
			extension(true, 0x30, 3, 0x82, 1, 0xff)),
		"changes alone": own.numbered(6, start, start.Add(48*time.Hour),
			&pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}),
	} {
		var body atomic.Pointer[[]byte]
		url := own.served(func(w http.ResponseWriter, _ *http.Request) { w.Write(*body.Load()) })
		for _, required := range []bool{false, true} {
			now, first := start, own.numbered(5, start.Add(-time.Minute), start.Add(time.Hour), nil, 7)
			body.Store(&first)
			r := &identity.Revocations{Fetch: true, Required: required, Now: func() time.Time { return now }}
			if err := r.Check(own.chain(7, url)); !errors.Is(err, identity.ErrRevoked) {
				t.Fatalf("%s: before: %v", what, err)
			}
			body.Store(&later)
			for range 3 {
				now = now.Add(61 * time.Minute)
				_ = r.Check(own.chain(8, url)) // of which no list in force speaks: it waits for the next
				if err := r.Check(own.chain(7, url)); !errors.Is(err, identity.ErrRevoked) {
					t.Errorf("%s, required %v: %v", what, required, err)
				}
			}
		}
	}
}

// A list that does not speak of a certificate, by its scope or by what is not understood, does not say that it was not
// revoked.
func TestAListSpeaksOfItsScope(t *testing.T) {
	t.Parallel()
	own := newAuthority(t)
	now := time.Now()
	point := func(value ...byte) *pkix.Extension { return extension(true, value...) }
	other := func(critical bool, id ...int) *pkix.Extension {
		return &pkix.Extension{Id: id, Critical: critical, Value: []byte{2, 1, 1}}
	}
	at := func(url string) *pkix.Extension {
		name := append([]byte{0x86, byte(len(url))}, url...)
		full := append([]byte{0xa0, byte(len(name))}, name...)
		distribution := append([]byte{0xa0, byte(len(full))}, full...)
		return point(append([]byte{0x30, byte(len(distribution))}, distribution...)...)
	}
	for what, x := range map[string]struct {
		more  *pkix.Extension
		known bool
	}{
		"all":                   {nil, true},
		"people's":              {point(0x30, 3, 0x81, 1, 0xff), true},
		"authorities'":          {point(0x30, 3, 0x82, 1, 0xff), false},
		"others', too":          {point(0x30, 3, 0x84, 1, 0xff), false},
		"attributes'":           {point(0x30, 3, 0x85, 1, 0xff), false},
		"of some reasons":       {point(0x30, 4, 0x83, 2, 1, 6), false},
		"of its address":        {at("http://own.example/1"), true},
		"of another's address":  {at("http://own.example/2"), false},
		"changes":               {other(true, 2, 5, 29, 27), false},
		"something unknown":     {other(true, 1, 2, 3), false},
		"unknown, not critical": {other(false, 1, 2, 3), true},
	} {
		file := own.file(own.numbered(9, now.Add(-time.Minute), now.Add(time.Hour), x.more, 99))
		r := &identity.Revocations{Files: []string{file}, Required: true}
		chain := own.chain(7, "http://own.example/1")
		if err := r.Check(chain); (err == nil) != x.known {
			t.Errorf("%s: %v", what, err)
		}
		if err := r.Check(own.chain(99, "http://own.example/1")); !errors.Is(err, identity.ErrRevoked) {
			t.Errorf("%s: one that is listed: %v", what, err)
		}
	}
}

// An authority that was revoked has issued nothing that is taken; of a file with several lists all are read.
func TestRevokedAuthorities(t *testing.T) {
	t.Parallel()
	root, issuing := newAuthority(t), newAuthority(t)
	issuing.cert = root.issued(50, issuing)
	var both bytes.Buffer
	for _, l := range [][]byte{issuing.list(time.Hour, 7), root.list(time.Hour)} {
		pem.Encode(&both, &pem.Block{Type: "X509 CRL", Bytes: l})
	}
	for what, x := range map[string]struct {
		files  []string
		serial int64
		want   error
	}{
		"neither":                {[]string{root.file(both.Bytes())}, 8, nil},
		"the first of two lists": {[]string{root.file(both.Bytes())}, 7, identity.ErrRevoked},
		"the authority": {[]string{root.file(root.list(time.Hour, 50)), root.file(issuing.list(time.Hour))}, 8,
			identity.ErrRevoked},
		"the authority is in no list": {[]string{root.file(issuing.list(time.Hour))}, 8, identity.ErrUnknownRevocation},
	} {
		r := &identity.Revocations{Files: x.files, Required: true}
		chain := append(issuing.chain(x.serial), root.cert)
		if err := r.Check(chain); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", what, err, x.want)
		}
	}
}

// issued is the certificate that an authority gives another.
func (a *authority) issued(serial int64, to *authority) *x509.Certificate {
	c := *to.cert
	c.SerialNumber, c.Subject, c.SubjectKeyId = big.NewInt(serial), pkix.Name{CommonName: "Issuing"}, []byte{2}
	return a.certified(&c, a.cert, to.key.Public())
}

// An address that never answers holds up those alone whose certificates name it, once; and nobody is sent elsewhere.
func TestASilentAddressHoldsUpItsOwn(t *testing.T) {
	t.Parallel()
	own, other := newAuthority(t), newAuthority(t)
	end := make(chan bool)
	asked := make(chan bool, 8)
	var elsewhere atomic.Int32
	silent := own.served(func(http.ResponseWriter, *http.Request) { asked <- true; <-end })
	defer close(end)
	r := &identity.Revocations{Files: []string{other.file(other.list(time.Hour))}, Fetch: true, Required: true}
	held := make(chan error, 1)
	go func() { held <- r.Check(own.chain(7, silent+"/1", silent+"/2")) }()
	<-asked

	if err := r.Check(other.chain(8)); err != nil || len(held) > 0 {
		t.Errorf("another's certificate: %v, while the first was answered %d times", err, len(held))
	}
	if err := <-held; !errors.Is(err, identity.ErrUnknownRevocation) {
		t.Errorf("the silent one's: %v", err)
	}
	<-asked // the second address
	if err := r.Check(own.chain(8, silent+"/1")); !errors.Is(err, identity.ErrUnknownRevocation) || len(asked) > 0 {
		t.Errorf("the silent one's, again: %v, asked %d times more", err, len(asked))
	}

	inner := own.served(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	outer := own.served(func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, inner, http.StatusFound) })
	if err := r.Check(own.chain(9, outer)); !errors.Is(err, identity.ErrUnknownRevocation) || elsewhere.Load() > 0 {
		t.Errorf("an address that points elsewhere: %v, asked there %d times", err, elsewhere.Load())
	}
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

	var asked atomic.Int32
	var silent atomic.Bool
	url := own.served(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1); silent.Load() {
			w.WriteHeader(500)
			return
		}
		w.Write(own.list(time.Hour, 7))
	})
	now := time.Now()
	fetch := &identity.Revocations{Fetch: true, Required: true, Now: func() time.Time { return now }}
	for range 5 {
		want("revoked, by the list that it names", fetch, own.chain(7, url), identity.ErrRevoked)
		want("not revoked", fetch, own.chain(8, url), nil)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the list was fetched %d times, want once", n)
	}
	want("it names none", fetch, own.chain(7), identity.ErrUnknownRevocation)
	silent.Store(true)
	now = now.Add(50 * time.Minute)
	want("the address does not answer, the list is in force", fetch, own.chain(8, url), nil)
	now = now.Add(time.Hour)
	want("it is in force no more", fetch, own.chain(8, url), identity.ErrUnknownRevocation)
}
