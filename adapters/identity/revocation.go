package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
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
	maxSources     = 100      // addresses that are remembered
	maxIssuers     = 100      // whose lists are remembered, of one source
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
	// Required refuses a certificate of which no list says whether it, or an authority above it, was revoked; else it
	// is taken.
	Required bool
	Now      func() time.Time // nil: time.Now

	mu      sync.Mutex // guards what follows; it is never held while anything is read or fetched
	sources map[string]*source
}

// A source is a file or an address, and what it has said. What it says anew replaces that of the same authority only if
// the authority has signed it and it is not older: neither a forged list nor an old one lets in what was revoked.
type source struct {
	mu    sync.Mutex // guards what follows
	read  []*list    // as they came last, whoever signed them
	good  map[[32]byte][]*list
	stamp time.Time     // of the file
	size  int64         // of the file
	again time.Time     // when an address is asked again
	asked chan struct{} // closed when it has answered, or not; nil: it is not being asked
	fails bool          // it did not answer the last time
}

// Load reads the files, and says which can't be read: a list that is named and isn't there is a mistake at the start,
// and the last that read is kept later.
func (r *Revocations) Load() error {
	for _, name := range r.Files {
		if s := r.source(name); !s.file(name) {
			return fmt.Errorf("%w in %s", errNoList, name)
		}
	}

	return nil
}

// Check refuses with ErrRevoked a certificate that its issuer has revoked, or whose authority was, as a verified chain
// has them; and, where lists are required, with ErrUnknownRevocation one of which no list that is in force says
// whether. Where no list that it has says anything it waits for addresses that answered the last time, at most 5 s.
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
	var unknown error
	for i, cert := range chain[:len(chain)-1] {
		known, err := r.look(cert, chain[i+1], now)
		if err != nil {
			return err
		}
		if r.Required && !known {
			unknown = ErrUnknownRevocation
		}
	}

	return unknown
}

// look looks a certificate up, and reports whether a list says that it is not revoked.
func (r *Revocations) look(cert, issuer *x509.Certificate, now time.Time) (known bool, err error) {
	var all []*source
	for _, name := range r.Files {
		s := r.source(name)
		s.file(name)
		all = append(all, s)
	}

	var asked []<-chan struct{}
	if r.Fetch {
		for _, url := range cert.CRLDistributionPoints {
			if strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") {
				s := r.source(url)
				if first := s.refresh(url, issuer, now); first != nil {
					asked = append(asked, first)
				}
				all = append(all, s)
			}
		}
	}

	for {
		for _, s := range all {
			for _, l := range s.of(issuer, now) {
				if l.revoked[cert.SerialNumber.String()] {
					return true, ErrRevoked
				}
				known = known || l.covers(cert, now)
			}
		}
		if known || len(asked) == 0 {
			return known, nil
		}

		for _, answered := range asked {
			<-answered
		}
		asked = nil
	}
}

// source gives that of a name, which is made if it is new. Addresses are forgotten when there are too many.
func (r *Revocations) source(name string) *source {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sources[name]; s != nil {
		return s
	}

	if len(r.sources) >= maxSources+len(r.Files) || r.sources == nil {
		kept := map[string]*source{}
		for _, f := range r.Files {
			if s := r.sources[f]; s != nil {
				kept[f] = s
			}
		}
		r.sources = kept
	}
	s := &source{good: map[[32]byte][]*list{}}
	r.sources[name] = s

	return s
}

// of gives the lists of an authority, the newest of each scope. The caller's issuer is one of a verified chain.
func (s *source) of(issuer *x509.Certificate, now time.Time) []*list {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256(issuer.Raw)
	good := slices.Clone(s.good[key])
	for _, l := range s.read {
		if now.Before(l.crl.ThisUpdate) || !l.signedBy(issuer) {
			continue
		}
		good = adopt(good, l)
	}
	if len(s.good) < maxIssuers || s.good[key] != nil {
		s.good[key] = good
	}

	return good
}

// adopt puts a list in the place of one that it replaces, or beside those of other scopes.
func adopt(good []*list, l *list) []*list {
	for i, g := range good {
		switch {
		case l == g:
			return good
		case l.replaces(g):
			good[i] = l
			return good
		case g.replaces(l):
			return good
		}
	}

	return append(good, l)
}

// file reads a file that has changed since it was read last, whether that went well or not, and reports whether it has
// given a list yet.
func (s *source) file(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := os.Stat(name)
	if err != nil || st.ModTime().Equal(s.stamp) && st.Size() == s.size {
		return len(s.read) > 0
	}

	s.stamp, s.size = st.ModTime(), st.Size()
	if b, err := os.ReadFile(name); err == nil {
		if read, err := readLists(b); err == nil {
			s.read = read
		}
	}

	return len(s.read) > 0
}

// refresh asks an address again when that is due, beside everybody, one request at a time. It gives what is closed when
// the answer is there; nil where there is none to wait for: it has answered, or did not the last time.
func (s *source) refresh(url string, issuer *x509.Certificate, now time.Time) (answered <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil && !now.Before(s.again) {
		s.asked = make(chan struct{})
		s.again = now.Add(fetchAgain) // unless it says something better
		go s.ask(url, issuer, now)
	}

	if s.fails || s.asked == nil {
		return nil
	}
	return s.asked
}

// ask asks an address for its issuer's lists. An answer with anybody else's is none.
func (s *source) ask(url string, issuer *x509.Certificate, now time.Time) {
	read, err := fetchLists(url)
	if err == nil && !slices.ContainsFunc(read, func(l *list) bool { return l.signedBy(issuer) }) {
		err = errNoList
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails = err != nil; err == nil {
		s.read, s.again = read, due(read, now)
	}
	close(s.asked)
	s.asked = nil
}

// due gives when lists are fetched again: when the next is due, within bounds.
func due(lists []*list, now time.Time) time.Time {
	out := now.Add(longestKept)
	for _, l := range lists {
		if l.crl.NextUpdate.Before(out) {
			out = l.crl.NextUpdate
		}
	}
	if least := now.Add(fetchAgain); out.Before(least) {
		out = least
	}

	return out
}

// fetchLists fetches from an address, and from no other that it points to.
func fetchLists(url string) ([]*list, error) {
	client := http.Client{
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
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

	return readLists(b)
}
