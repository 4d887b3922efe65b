package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"slices"
	"time"
)

// A list is one of an authority's (RFC 5280, CRL), as it was read.
type list struct {
	crl     *x509.RevocationList
	revoked map[string]bool // serial numbers
	scope   scope
	signed  map[[32]byte]bool // by an authority (see authorityOf), or not
}

// A scope is what certificates a list speaks of.
type scope struct {
	raw     string   // as the list has it; empty: all of its issuer's
	points  []string // those that name one of these addresses; empty: whatever they name
	users   bool     // those of people and systems alone
	issuers bool     // those of authorities alone
	unknown bool     // it is another, or not understood: the list says of nobody that they are not revoked
}

// Object identifiers of extensions of lists, and the reason by which a later list takes a certificate off (RFC 5280,
// 5.2.5 and 5.3.1).
var issuingPoint = asn1.ObjectIdentifier{2, 5, 29, 28}

const removedFromList = 8

// readLists reads what a file or an answer holds: one list in DER, or one or more in PEM.
func readLists(b []byte) (out []*list, err error) {
	block, rest := pem.Decode(b)
	if block == nil {
		l, err := readList(b)
		return []*list{l}, err
	}

	for ; block != nil; block, rest = pem.Decode(rest) {
		l, err := readList(block.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}

	return out, nil
}

func readList(der []byte) (*list, error) {
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}

	l := &list{crl: crl, revoked: map[string]bool{}, signed: map[[32]byte]bool{}}
	for _, e := range crl.RevokedCertificateEntries {
		if e.ReasonCode != removedFromList {
			l.revoked[e.SerialNumber.String()] = true
		}
	}
	for _, e := range crl.Extensions {
		switch {
		case e.Id.Equal(issuingPoint):
			l.scope = readScope(e.Value)
		case e.Critical: // changes to another list are among these
			l.scope.unknown = true
		}
	}

	return l, nil
}

// readScope reads an issuing distribution point.
func readScope(der []byte) scope {
	var x struct {
		Point          asn1.RawValue  `asn1:"optional,tag:0"`
		Users          bool           `asn1:"optional,tag:1"`
		Authorities    bool           `asn1:"optional,tag:2"`
		Reasons        asn1.BitString `asn1:"optional,tag:3"`
		Indirect       bool           `asn1:"optional,tag:4"`
		AttributesOnly bool           `asn1:"optional,tag:5"`
	}
	rest, err := asn1.Unmarshal(der, &x)
	out := scope{raw: string(der), users: x.Users, issuers: x.Authorities}
	if err != nil || len(rest) > 0 || x.Indirect || x.AttributesOnly || x.Reasons.BitLength > 0 {
		out.unknown = true
		return out
	}

	if len(x.Point.Bytes) > 0 {
		out.points = addresses(x.Point.Bytes)
		out.unknown = len(out.points) == 0
	}

	return out
}

// addresses gives those of a distribution point's full name.
func addresses(der []byte) (out []string) {
	var names asn1.RawValue
	if _, err := asn1.Unmarshal(der, &names); err != nil || names.Tag != 0 {
		return nil
	}

	const address = 6 // of GeneralName's kinds
	for rest := names.Bytes; len(rest) > 0; {
		var name asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &name); err != nil {
			return nil
		}
		if name.Class == asn1.ClassContextSpecific && name.Tag == address {
			out = append(out, string(name.Bytes))
		}
	}

	return out
}

// authorityOf tells an authority by its name and key, whichever of its certificates a chain has.
func authorityOf(issuer *x509.Certificate) [32]byte {
	return sha256.Sum256(append(slices.Clone(issuer.RawSubject), issuer.RawSubjectPublicKeyInfo...))
}

// signedBy reports whether the list is an authority's. The signature is looked at once.
func (l *list) signedBy(issuer *x509.Certificate) bool {
	key := authorityOf(issuer)
	ok, known := l.signed[key]
	if !known {
		ok = l.crl.CheckSignatureFrom(issuer) == nil
		l.signed[key] = ok
	}

	return ok
}

// covers reports whether the list would have a certificate of its issuer, if that were revoked, and is in force.
func (l *list) covers(cert *x509.Certificate, now time.Time) bool {
	if l.scope.unknown || !now.Before(l.crl.NextUpdate) || now.Before(l.crl.ThisUpdate) ||
		l.scope.users && cert.IsCA || l.scope.issuers && !cert.IsCA {
		return false
	}

	return len(l.scope.points) == 0 || slices.ContainsFunc(l.scope.points, func(p string) bool {
		return slices.Contains(cert.CRLDistributionPoints, p)
	})
}

// replaces reports whether the list, of the same issuer and scope as another, is not older than that.
func (l *list) replaces(other *list) bool {
	if l.scope.raw != other.scope.raw || l.scope.unknown != other.scope.unknown {
		return false
	}
	if l.crl.Number != nil && other.crl.Number != nil {
		return l.crl.Number.Cmp(other.crl.Number) >= 0
	}

	return !l.crl.ThisUpdate.Before(other.crl.ThisUpdate)
}

var errNoList = errors.New("identity: there is no list of revoked certificates that can be read")
