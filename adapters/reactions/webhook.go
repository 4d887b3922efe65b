package reactions

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is sent to others' servers.
const (
	connectWithin = 5 * time.Second
	answerWithin  = 15 * time.Second
	maxAnswer     = 64 << 10 // bytes of an answer that are read
)

// A webhook sends to others' servers: over https, and to public addresses alone, whatever a name means by then. In
// development loopback and http are allowed. Redirections are not followed: they are answers like any other that is
// not 2xx.
type webhook struct {
	client *http.Client
	dev    bool
}

// Outward is how others' servers are spoken to.
type Outward struct {
	Dev bool // loopback and http are allowed
	// Certificate is the backbone's own, for servers that ask for one (mutual TLS); nil: there is none.
	Certificate *tls.Certificate
}

// errAddress says that an address is not for others to have the backbone call.
var errAddress = errors.New("is a private, link-local or otherwise reserved address")

func newWebhook(o Outward) *webhook {
	w := &webhook{dev: o.Dev}
	dialer := &net.Dialer{Timeout: connectWithin}
	transport := &http.Transport{
		DialContext:         w.dial(dialer),
		TLSHandshakeTimeout: connectWithin, ResponseHeaderTimeout: answerWithin, MaxIdleConnsPerHost: 2,
		IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswer, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if o.Certificate != nil {
		transport.TLSClientConfig.Certificates = []tls.Certificate{*o.Certificate}
	}
	w.client = &http.Client{
		Transport: transport, Timeout: answerWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}

	return w
}

// dial connects to what a name means now, if that is an address that may be called: the very address that was checked.
func (w *webhook) dial(d *net.Dialer) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}

		all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, errors.New("the name is not known")
		}

		err = errAddress
		for _, ip := range all {
			if !w.allowed(ip.Unmap()) {
				continue
			}

			var c net.Conn
			if c, err = d.DialContext(ctx, network, net.JoinHostPort(ip.Unmap().String(), port)); err == nil {
				return c, nil
			}
		}

		return nil, err
	}
}

// reserved are networks that are nobody's on the internet, beyond those that netip knows of.
var reserved = func() (out []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
		"2001:db8::/32", "2002::/16", "fec0::/10", "::/96", "::ffff:0:0:0/96", "3fff::/20", "5f00::/16",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}

	return out
}()

// allowed reports whether an address may be called.
func (w *webhook) allowed(ip netip.Addr) bool {
	if w.dev && ip.IsLoopback() {
		return true
	}

	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}

	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}

	return true
}

// check refuses an address that is never called: the error is for who gave it.
func (w *webhook) check(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, errors.New("must be an absolute address")
	case u.User != nil:
		return nil, errors.New("must hold no user name or password")
	case u.Fragment != "":
		return nil, errors.New("must have no fragment")
	case u.Scheme == "https", u.Scheme == "http" && w.dev && loopback(u.Hostname()):
		return u, nil
	}

	return nil, errors.New("must be https; in development http to a loopback address, too")
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// A delivery is what is posted.
type delivery struct {
	url, contentType string
	body             []byte
	id               string            // the same however often it is tried
	secrets          [][]byte          // that sign
	header           map[string]string // more
}

// A statusError is an answer that is not 2xx.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("answered with status %d", int(e)) }

// post sends a delivery, signed as Standard Webhooks have it, and gives the beginning of the answer. An answer that is
// not 2xx is an error.
func (w *webhook) post(ctx context.Context, d delivery) ([]byte, error) {
	if _, err := w.check(d.url); err != nil {
		return nil, err
	}

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", d.contentType)
	req.Header.Set("User-Agent", "digitalpost")
	for k, v := range d.header {
		req.Header.Set(k, v)
	}
	sign(req.Header, d, time.Now())

	return w.do(req)
}

// do sends a request, and gives the beginning of the answer. An answer that is not 2xx is an error.
func (w *webhook) do(req *http.Request) ([]byte, error) {
	res, err := w.client.Do(req)
	if err != nil {
		return nil, briefly(err)
	}
	defer res.Body.Close()

	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, briefly(err)
	}

	if res.StatusCode/100 != 2 {
		return nil, statusError(res.StatusCode)
	}

	return answer, nil
}

// briefly leaves out of an error the address that was called.
func briefly(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return errors.New("does not answer in time")
		}
		err = u.Err
	}

	return err
}

// sign sets the headers of Standard Webhooks: a signature for each secret over id, time and body.
func sign(h http.Header, d delivery, at time.Time) {
	if len(d.secrets) == 0 {
		return
	}

	stamp := strconv.FormatInt(at.Unix(), 10)
	var signatures []string
	for _, secret := range d.secrets {
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%s.%s.", d.id, stamp)
		mac.Write(d.body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}

	h.Set("webhook-id", d.id)
	h.Set("webhook-timestamp", stamp)
	h.Set("webhook-signature", strings.Join(signatures, " "))
}

// verification is the type of what an address is asked before it is used.
const verification = "dk.digitalpost.subscription-verification"

// verify asks an address to repeat a challenge, and refuses one that does not. The error is for who gave the address.
func (w *webhook) verify(ctx context.Context, address string) error {
	if _, err := w.check(address); err != nil {
		return err
	}

	var random [24]byte
	rand.Read(random[:])
	challenge := hex.EncodeToString(random[:])
	body, err := json.Marshal(map[string]string{"type": verification, "challenge": challenge})
	if err != nil {
		return err
	}

	answer, err := w.post(ctx, delivery{url: address, contentType: "application/json", body: body})
	if err != nil {
		return fmt.Errorf("the address %w", notReached(err))
	}

	if !bytes.Contains(answer, []byte(challenge)) {
		return errors.New("the address has not repeated the challenge")
	}

	return nil
}

// notReached says no more of an error than who gave the address may know: which ports of whom are open is none of it.
func notReached(err error) error {
	var status statusError
	switch {
	case errors.As(err, &status):
		return status
	case errors.Is(err, errAddress):
		return errAddress
	}

	return errors.New("was not reached")
}
