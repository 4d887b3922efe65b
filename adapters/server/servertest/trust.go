package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ProductionClient is the id that e-Boks has at a Trust's issuer.
const ProductionClient = "eboks-production"

// A Trust is who a production server believes, with made-up numbers: an authority that issues certificates, and an
// issuer of people's tokens.
type Trust struct {
	Dir    string // server.pem, server.key and ca.pem, once ServerFiles was called
	Issuer string // URL of the issuer

	// Keys, if it is set, answers in place of the issuer when its keys are asked for.
	Keys atomic.Pointer[http.HandlerFunc]

	t      testing.TB
	ca     *x509.Certificate
	caKey  *ecdsa.PrivateKey
	key    *ecdsa.PrivateKey // of the issuer
	serial int64
}

// NewTrust makes one, whose issuer answers until the test ends.
func NewTrust(t testing.TB) *Trust {
	t.Helper()
	tr := &Trust{t: t, Dir: t.TempDir(), caKey: NewKey(), key: NewKey(), serial: 1}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SubjectKeyId: []byte{1},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, tr.caKey.Public(), tr.caKey)
	if err != nil {
		t.Fatal(err)
	}
	if tr.ca, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	tr.write("ca.pem", "CERTIFICATE", der)

	srv := httptest.NewUnstartedServer(http.HandlerFunc(tr.answer))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{*tr.Certificate("", "")}}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	tr.Issuer = srv.URL
	return tr
}

// NewKey makes a key of the kind that tokens and certificates have here.
func NewKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// answer is the issuer's discovery document, and its keys.
func (tr *Trust) answer(w http.ResponseWriter, r *http.Request) {
	url := "https://" + r.Host
	if strings.HasSuffix(r.URL.Path, "openid-configuration") {
		json.NewEncoder(w).Encode(map[string]any{
			"issuer": url, "jwks_uri": url + "/jwks", "authorization_endpoint": url, "token_endpoint": url,
		})
		return
	}
	if answer := tr.Keys.Load(); answer != nil {
		(*answer)(w, r)
		return
	}
	key := jose.JSONWebKey{Key: tr.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}
	json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
}

func (tr *Trust) write(name, kind string, der []byte) {
	tr.t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(filepath.Join(tr.Dir, name), text, 0o600); err != nil {
		tr.t.Fatal(err)
	}
}

// File is the path of one of the authority's files.
func (tr *Trust) File(name string) string { return filepath.Join(tr.Dir, name) }

// Certificate issues one to an organisation, or, without a CVR number, to the host.
func (tr *Trust) Certificate(cvr, uuid string) *tls.Certificate {
	tr.t.Helper()
	key := NewKey()
	tr.serial++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(tr.serial),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if cvr == "" {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		c.Subject = pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{
			{Type: asn1.ObjectIdentifier{2, 5, 4, 5}, Value: "UI:DK-O:G:" + uuid},
			{Type: asn1.ObjectIdentifier{2, 5, 4, 97}, Value: "NTRDK-" + cvr},
		}}
	}

	der, err := x509.CreateCertificate(rand.Reader, c, tr.ca, key.Public(), tr.caKey)
	if err != nil {
		tr.t.Fatal(err)
	}

	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// revokedFile is where a production server looks for what the authority has revoked.
const revokedFile = "revoked.crl"

// Revoke has the authority revoke certificates.
func (tr *Trust) Revoke(all ...*tls.Certificate) {
	tr.t.Helper()
	l := &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
	}
	for _, c := range all {
		parsed, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			tr.t.Fatal(err)
		}
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: parsed.SerialNumber, RevocationTime: time.Now(),
		})
	}

	der, err := x509.CreateRevocationList(rand.Reader, l, tr.ca, tr.caKey)
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.write(revokedFile, "X509 CRL", der)
}

// ServerFiles writes a new certificate of the host, and its key.
func (tr *Trust) ServerFiles() {
	tr.t.Helper()
	c := tr.Certificate("", "")
	tr.write("server.pem", "CERTIFICATE", c.Certificate[0])
	der, err := x509.MarshalECPrivateKey(c.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.write("server.key", "EC PRIVATE KEY", der)
}

// Token issues a token of e-Boks to a made-up person, with claims that are changed, or, where nil, left out. Key, if
// not nil, signs it in place of the issuer's.
func (tr *Trust) Token(change map[string]any, key *ecdsa.PrivateKey) string {
	tr.t.Helper()
	if key == nil {
		key = tr.key
	}

	return sign(tr.t, key, "1", "at+jwt", tr.claims(change))
}

// TokenBy is Token, by a key of another id; key, if it is given, is the key itself.
func (tr *Trust) TokenBy(id string, change map[string]any, key ...*ecdsa.PrivateKey) string {
	tr.t.Helper()
	by := tr.key
	if len(key) > 0 {
		by = key[0]
	}

	return sign(tr.t, by, id, "at+jwt", tr.claims(change))
}

// TokenOf is Token, of a type that its header says, and with members that stand before the claims, such as "a":1,.
func (tr *Trust) TokenOf(kind string, members []byte) string {
	tr.t.Helper()
	claims := tr.claims(nil)

	return sign(tr.t, tr.key, "1", kind, append([]byte("{"), append(members, claims[1:]...)...))
}

func (tr *Trust) claims(change map[string]any) []byte {
	claims := map[string]any{
		"iss": tr.Issuer, "aud": "digitalpost", "client_id": ProductionClient, "jti": "1",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"loa": "https://data.gov.dk/concept/core/nsis/Substantial", "dk.cpr": "6701901234",
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	b, err := json.Marshal(claims)
	if err != nil {
		tr.t.Fatal(err)
	}

	return b
}

func sign(t testing.TB, key *ecdsa.PrivateKey, id, kind string, claims []byte) string {
	t.Helper()
	signing := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: id}}
	signer, err := jose.NewSigner(signing, (&jose.SignerOptions{}).WithType(jose.ContentType(kind)))
	if err != nil {
		t.Fatal(err)
	}

	signed, err := signer.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}

	out, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}

	return out
}

// Roots are those who may vouch for the issuer and the server.
func (tr *Trust) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(tr.ca)
	return pool
}

// Client makes a client that believes the authority, and shows a certificate, if it is not nil, with each request.
func (tr *Trust) Client(cert *tls.Certificate) *http.Client {
	c := &tls.Config{RootCAs: tr.Roots()}
	if cert != nil {
		c.Certificates = []tls.Certificate{*cert}
	}
	d := newDescribed(&http.Transport{TLSClientConfig: c, DisableKeepAlives: true})
	tr.t.Cleanup(func() { d.report(tr.t) })
	return &http.Client{Timeout: patient, Transport: d}
}
