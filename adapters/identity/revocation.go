package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what is fetched of an authority.
const (
	maxRevocations = 32 << 20 // bytes of one list
	maxLists       = 100      // that are remembered
	fetchTimeout   = 5 * time.Second
	fetchAgain     = time.Minute // after a list could not be fetched
	longestKept    = 24 * time.Hour
)

// ErrRevoked says that a certificate was revoked; ErrUnknownRevocation that nobody can say whether it was.
var (
	ErrRevoked           = errors.New("identity: the certificate was revoked")
	ErrUnknownRevocation = errors.New("identity: whether the certificate was revoked can't be found out")
)

// Revocations are how it is found out whether client certificates were revoked, by lists (RFC 5280, CRL): of files, and
// of the addresses that certificates name. The zero one looks at none. They may be used by many goroutines at once.
type Revocations struct {
	// Files are names of lists, PEM or DER, read again when they change.
	Files []string
	// Fetch has the lists fetched that certificates name, over HTTP or HTTPS; they are kept until the next is due.
	Fetch bool
	// Required refuses a certificate of which no list says whether it was revoked; else it is taken.
	Required bool
	Now      func() time.Time // nil: time.Now

	mu    sync.Mutex       // guards what follows, and is held while a list is fetched: one at a time
	lists map[string]*list // by file or address
}

// A list is one of an authority's, as it was read last.
type list struct {
	crl     *x509.RevocationList // nil: it could not be read
	revoked map[string]bool      // serial numbers
	stamp   time.Time            // of the file
	again   time.Time            // when it is fetched again
	signed  map[[32]byte]bool    // by an authority whose certificate has that hash, or not
}

// Load reads the files, and says which can't be read: a list that is named and isn't there is a mistake at the start,
// and the last that read is kept later.
func (r *Revocations) Load() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range r.Files {
		if r.file(name).crl == nil {
			return fmt.Errorf("identity: %s is no list of revoked certificates that can be read", name)
		}
	}

	return nil
}

// signedBy reports whether the list is an authority's. The signature is looked at once.
func (l *list) signedBy(issuer *x509.Certificate) bool {
	if l.crl == nil {
		return false
	}

	key := sha256.Sum256(issuer.Raw)
	ok, known := l.signed[key]
	if !known {
		ok = l.crl.CheckSignatureFrom(issuer) == nil
		l.signed[key] = ok
	}

	return ok
}

// Check refuses with ErrRevoked a certificate that its issuer has revoked, as a verified chain has it; and, where lists
// are required, with ErrUnknownRevocation one of which no list that is in force says whether.
func (r *Revocations) Check(chain []*x509.Certificate) error {
	if r == nil || len(r.Files) == 0 && !r.Fetch {
		return nil
	}
	if len(chain) < 2 {
		return ErrUnknownRevocation
	}

	now := time.Now()
	if r.Now != nil {
		now = r.Now()
	}
	leaf, issuer := chain[0], chain[1]

	r.mu.Lock()
	defer r.mu.Unlock()
	known := false
	for _, l := range r.candidates(leaf, now) {
		if !l.signedBy(issuer) {
			continue // another authority's, or nobody's
		}
		if l.revoked[leaf.SerialNumber.String()] {
			return ErrRevoked
		}
		known = known || now.Before(l.crl.NextUpdate) && !now.Before(l.crl.ThisUpdate)
	}

	if r.Required && !known {
		return ErrUnknownRevocation
	}

	return nil
}

// candidates gives the lists that may say something of a certificate: a list that is due is read anew. The caller holds
// mu.
func (r *Revocations) candidates(leaf *x509.Certificate, now time.Time) (out []*list) {
	for _, name := range r.Files {
		out = append(out, r.file(name))
	}

	if !r.Fetch {
		return out
	}
	for _, url := range leaf.CRLDistributionPoints {
		if strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") {
			out = append(out, r.fetched(url, now))
		}
	}

	return out
}

// file gives the list of a file; one that does not read keeps the last that did.
func (r *Revocations) file(name string) *list {
	if r.lists == nil {
		r.lists = map[string]*list{}
	}

	l := r.lists[name]
	st, err := os.Stat(name)
	if l != nil && (err != nil || st.ModTime().Equal(l.stamp)) {
		return l
	}

	if b, readErr := os.ReadFile(name); err == nil && readErr == nil {
		if read, err := readList(b); err == nil {
			read.stamp = st.ModTime()
			r.lists[name] = read

			return read
		}
	}

	if l == nil {
		return &list{}
	}

	return l
}

// fetched gives the list of an address. While it does not answer, the last that did is kept.
func (r *Revocations) fetched(url string, now time.Time) *list {
	l := r.lists[url]
	if l != nil && now.Before(l.again) {
		return l
	}

	read, err := fetchList(url)
	if err != nil {
		if l == nil {
			l = &list{}
		}
		l.again = now.Add(fetchAgain)
		read = l
	} else {
		read.again = now.Add(longestKept)
		if read.crl.NextUpdate.Before(read.again) {
			read.again = read.crl.NextUpdate
		}
		if least := now.Add(fetchAgain); read.again.Before(least) {
			read.again = least
		}
	}

	if len(r.lists) >= maxLists+len(r.Files) {
		maps.DeleteFunc(r.lists, func(name string, _ *list) bool { return !slices.Contains(r.Files, name) })
	}
	if r.lists == nil {
		r.lists = map[string]*list{}
	}
	r.lists[url] = read

	return read
}

func fetchList(url string) (*list, error) {
	client := http.Client{Timeout: fetchTimeout}
	res, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()

	b, err := io.ReadAll(io.LimitReader(res.Body, maxRevocations+1))
	if err == nil && (res.StatusCode != http.StatusOK || len(b) > maxRevocations) {
		err = fmt.Errorf("identity: the list of revoked certificates: status %d, %d bytes", res.StatusCode, len(b))
	}
	if err != nil {
		return nil, err
	}

	return readList(b)
}

func readList(b []byte) (*list, error) {
	if block, _ := pem.Decode(b); block != nil {
		b = block.Bytes
	}
	crl, err := x509.ParseRevocationList(b)
	if err != nil {
		return nil, err
	}

	l := &list{crl: crl, revoked: map[string]bool{}, signed: map[[32]byte]bool{}}
	for _, e := range crl.RevokedCertificateEntries {
		if e.ReasonCode != removedFromList {
			l.revoked[e.SerialNumber.String()] = true
		}
	}

	return l, nil
}

// removedFromList is the reason by which a later list takes a certificate off (RFC 5280, 5.3.1).
const removedFromList = 8
