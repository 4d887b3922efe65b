package identity

import (
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

	"golang.org/x/sys/unix"
)

// Bounds of what is fetched of an authority.
const (
	maxRevocations = 32 << 20 // bytes of one list
	maxSources     = 1000     // addresses that are remembered
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
	looks   uint64
}

// A source is a file or an address, and what it has said. What it says anew replaces that of the same authority only if
// the authority has signed it and it is not older: neither a forged list nor an old one lets in what was revoked.
type source struct {
	mu    sync.Mutex // guards what follows
	read  []*list    // as they came last, whoever signed them
	good  map[[32]byte][]*list
	stamp unix.Stat_t   // of the file
	again time.Time     // when an address is asked again
	asked chan struct{} // closed when it has answered, or not; nil: it is not being asked
	fails bool          // it did not answer the last time
	used  uint64        // when it was looked at last; guarded by the Revocations' mu
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
// whether. It waits for an address that is asked for the first time, and, where no list that it has says anything, for
// those that answered the last time: at most 5 s.
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
	anew := false // an address was never asked before
	if r.Fetch {
		for _, url := range cert.CRLDistributionPoints {
			if strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") {
				s := r.source(url)
				if answered, first := s.refresh(url, issuer, now); answered != nil {
					asked, anew = append(asked, answered), anew || first
				}
				all = append(all, s)
			}
		}
	}

	for ; ; asked = nil {
		for _, s := range all {
			for _, l := range s.of(issuer, now) {
				if l.revoked[cert.SerialNumber.String()] {
					return true, ErrRevoked
				}
				known = known || l.covers(cert, now)
			}
		}
		if known && !anew || len(asked) == 0 {
			return known, nil
		}

		for _, answered := range asked {
			<-answered
		}
	}
}

// source gives that of a name, which is made if it is new. The address that was looked at longest ago is forgotten
// when there are too many.
func (r *Revocations) source(name string) *source {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looks++
	if s := r.sources[name]; s != nil {
		s.used = r.looks
		return s
	}

	if r.sources == nil {
		r.sources = map[string]*source{}
	}
	if len(r.sources) >= maxSources+len(r.Files) {
		oldest := ""
		for n, s := range r.sources {
			if !slices.Contains(r.Files, n) && (oldest == "" || s.used < r.sources[oldest].used) {
				oldest = n
			}
		}
		delete(r.sources, oldest)
	}
	s := &source{good: map[[32]byte][]*list{}, used: r.looks}
	r.sources[name] = s

	return s
}

// of gives the lists of an authority, the newest of each scope. The caller's issuer is one of a verified chain.
func (s *source) of(issuer *x509.Certificate, now time.Time) []*list {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := authorityOf(issuer)
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
	var st unix.Stat_t
	err := unix.Stat(name, &st)
	same := st.Ino == s.stamp.Ino && st.Size == s.stamp.Size && st.Mtim == s.stamp.Mtim && st.Ctim == s.stamp.Ctim
	if err != nil || same {
		return len(s.read) > 0
	}

	s.stamp = st
	if b, err := os.ReadFile(name); err == nil {
		if read, err := readLists(b); err == nil {
			s.read = read
		}
	}

	return len(s.read) > 0
}

// refresh asks an address again when that is due, beside everybody, one request at a time. It gives what is closed when
// the answer is there; nil where there is none to wait for: it has answered, or did not the last time. first says that
// it has not given any yet.
func (s *source) refresh(
	url string, issuer *x509.Certificate, now time.Time,
) (answered <-chan struct{}, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil && !now.Before(s.again) {
		s.asked = make(chan struct{})
		s.again = now.Add(fetchAgain) // unless it says something better
		go s.ask(url, issuer, now)
	}

	if s.fails || s.asked == nil {
		return nil, false
	}
	return s.asked, s.read == nil
}

// ask asks an address for lists. Which of them are an authority's is found out when its certificates are looked up; an
// answer without any of the one who asked is soon asked for again.
func (s *source) ask(url string, issuer *x509.Certificate, now time.Time) {
	read, err := fetchLists(url)
	next := now.Add(fetchAgain)
	if err == nil && slices.ContainsFunc(read, func(l *list) bool { return l.signedBy(issuer) }) {
		next = due(read, now)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails = err != nil; err == nil {
		s.read, s.again = read, next
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
