package identity

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"digitalpost/domain"
)

// holder is the organisation that a certificate was issued to.
type holder struct {
	cvr  string
	uuid domain.UUID
}

var (
	oidSerialNumber           = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidOrganizationIdentifier = asn1.ObjectIdentifier{2, 5, 4, 97}
)

// holderOf reads the subject of an OCES3 organisation or system certificate: serialNumber UI:DK-O:G:<uuid>, and
// organizationIdentifier NTRDK-<CVR>. It binds to these and not to a thumbprint, so that several certificates are valid
// at once and one is renewed without anybody being told.
func holderOf(c *x509.Certificate) (h holder, err error) {
	for _, name := range c.Subject.Names {
		text, _ := name.Value.(string)
		switch {
		case name.Type.Equal(oidSerialNumber) && h.uuid != domain.UUID{},
			name.Type.Equal(oidOrganizationIdentifier) && h.cvr != "":
			return h, errors.New("the certificate's subject names more than one organisation")
		case name.Type.Equal(oidSerialNumber):
			id, ok := strings.CutPrefix(text, "UI:DK-O:G:")
			if !ok {
				return h, errors.New("the certificate's serialNumber must be UI:DK-O:G: and a UUID")
			}
			if h.uuid, err = domain.ParseUUID(id); err != nil {
				return h, errors.New("the certificate's serialNumber must be UI:DK-O:G: and a UUID")
			}
		case name.Type.Equal(oidOrganizationIdentifier):
			cvr, ok := strings.CutPrefix(text, "NTRDK-")
			if _, err := domain.ParseCVR(cvr); !ok || err != nil {
				return h, errors.New("the certificate's organizationIdentifier must be NTRDK- and a CVR number")
			}
			h.cvr = cvr
		}
	}

	if h.cvr == "" || h.uuid == (domain.UUID{}) {
		return h, errors.New(
			"the certificate's subject must name the organisation: serialNumber and organizationIdentifier")
	}

	return h, nil
}

// Certificates are the server's own certificate and the authorities whose client certificates it trusts. Files that
// were changed are read again, at most once a second, so that both are renewed without a stop; one that does not read
// keeps the last that did. They may be used by many goroutines at once.
type Certificates struct {
	cert, key, clients string // file names

	mu      sync.Mutex // guards what follows; held by current alone, also while it reads the files
	looked  time.Time
	changed time.Time
	config  *tls.Config
}

// LoadCertificates reads the files, which are PEM: the certificate's chain, its key, and a bundle of client
// authorities.
func LoadCertificates(cert, key, clients string) (*Certificates, error) {
	c := &Certificates{cert: cert, key: key, clients: clients}
	_, err := c.current()
	return c, err
}

// Roots reads a bundle of authorities, PEM.
func Roots(name string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}

	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", name)
	}

	return pool, nil
}

// current returns the configuration as the files have it. When they do not read, it gives the last that did beside the
// error; nil: there was none.
func (c *Certificates) current() (*tls.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	now := time.Now()
	if c.config != nil && now.Sub(c.looked) < time.Second {
		return c.config, nil
	}
	c.looked = now
	var newest time.Time
	for _, name := range []string{c.cert, c.key, c.clients} {
		if st, err := os.Stat(name); err == nil && st.ModTime().After(newest) {
			newest = st.ModTime()
		}
	}
	if c.config != nil && newest.Equal(c.changed) {
		return c.config, nil
	}

	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return c.config, fmt.Errorf("read %s and %s: %w", c.cert, c.key, err)
	}

	pool, err := Roots(c.clients)
	if err != nil {
		return c.config, err
	}

	c.config = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{pair},
		ClientCAs:    pool,
		ClientAuth:   tls.VerifyClientCertIfGiven, // view clients bring none: the gate says whether one is needed
	}
	c.changed = newest
	return c.config, nil
}

// TLS returns the server's configuration, which asks for the files as they are at each handshake.
func (c *Certificates) TLS() *tls.Config {
	current := func(*tls.ClientHelloInfo) (*tls.Config, error) {
		config, err := c.current()
		if config != nil {
			return config, nil
		}
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: current}
}
