package main

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// longHelp is the help that is too long for the tag of its flag or command.
var longHelp = kong.Vars{
	"data_help":         "Directory of log, views, documents and wrapped keys.",
	"keys_help":         "Directory of the epoch keys, outside of --data. Default: --data with .keys.",
	"issuer_ca_help":    "Authorities of the issuer's certificate, PEM. Default: those that the machine believes.",
	"audience_help":     "Audience that such a token must have.",
	"tls_cert_help":     "The server's certificate chain, PEM; read again when it changes.",
	"client_ca_help":    "Authorities of sender systems' certificates, PEM; read again when it changes.",
	"crl_help":          "Lists of revoked client certificates, PEM or DER; read again when they change.",
	"crl_fetch_help":    "Fetch the lists of revoked certificates that client certificates name.",
	"crl_required_help": "Refuse a client certificate of which no list in force says whether it was revoked.",
	"admin_help":        "Address for /metrics and health, not for the public; empty: none.",
	"connections_help":  "Connections open at once. Default: by the descriptors that the process may have.",
	"address_help":      "Connections that one address may have open. Default: a quarter of all.",
	"stall_help":        "How long a body may bring nothing, and an answer go untaken.",
	"nats_help": "NATS servers, URL, to whose JetStream each platform's events are published; " +
		"embedded, in development: one in this process, under the data.",
	"cpr_feed_help": "Where the register of persons is read from: a file or a folder of NDJSON, or a URL that " +
		"answers with lines from ?from= on.",
	"nats_age_help": "How old what such a stream holds may become.",
	"smtp_help": "Mail server, HOST:PORT, by which people are told of new post, and forward as e-mail; " +
		"in development, an outbox if there is none.",
	"smtp_from_help": "Address that such mail comes from.",
	"sms_help": "Gateway for text messages, URL, by which people are told of new post; " +
		"in development, an outbox if there is none.",
	"push_cert_help":  "Own certificate for receivers of pushes that ask for one, PEM.",
	"hold_help":       "How long new post waits for more, and for being read, before people are told of it.",
	"hours_help":      "Hours of the day in Denmark between which people are told: FROM,TO. In development, always.",
	"rebuild_help":    "Build every view anew from the log, beside the living one, compare both, and switch.",
	"backup_help":     "Copy log, documents and keys, beside a running server; epoch keys are not copied.",
	"restore_help":    "Make the data anew from a backup, as a new incarnation of its log.",
	"roll_help":       "End the key epoch: what was forgotten is gone from every copy of the data from then on.",
	"confirm_help":    "Say that the machine's clock is right, after it jumped: what was refused goes on.",
	"system_add_help": "Register a sender system, or give one a new key; prints id and key, which is kept nowhere.",
	"delegate_help":   "Let a sender system come with certificates of another organisation, such as its supplier.",
	"basis_help":      "Of a company's system: CONTRACT or EMPLOYMENT, if all to whom it writes have agreed by that.",
	"uuid_help":       "UUID in the organisation's certificates; without it any of that CVR number will do.",
}

type dataFlags struct {
	Data string `help:"${data_help}" required:"" env:"DIGITALPOST_DATA" type:"path"`
	Keys string `help:"${keys_help}" env:"DIGITALPOST_KEYS" type:"path"`
}

// keys gives the epoch keys' folder, and refuses one that a backup of the data would take along.
func (d dataFlags) keys() (string, error) {
	k := d.Keys
	if k == "" {
		k = strings.TrimRight(d.Data, "/") + ".keys"
	}
	if rel, err := filepath.Rel(d.Data, k); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return "", fmt.Errorf(
			"--keys %s lies within --data %s: a copy of the data would hold the keys; name a folder outside", k, d.Data)
	}
	return k, nil
}

type serveCmd struct {
	dataFlags
	Dev    bool   `help:"Development mode: made-up people, open tokens; on loopback only." env:"DIGITALPOST_DEV"`
	Listen string `help:"Address to listen on." default:"127.0.0.1:8080" env:"DIGITALPOST_LISTEN"`

	Admin string `help:"${admin_help}" default:"127.0.0.1:8081" env:"DIGITALPOST_ADMIN"`

	MaxConnections int           `help:"${connections_help}" env:"DIGITALPOST_MAX_CONNECTIONS"`
	MaxPerAddress  int           `help:"${address_help}" env:"DIGITALPOST_MAX_PER_ADDRESS"`
	Stall          time.Duration `help:"${stall_help}" default:"10s" env:"DIGITALPOST_STALL"`

	Issuer   string            `help:"URL of the OpenID issuer of people's tokens." env:"DIGITALPOST_ISSUER"`
	IssuerCA string            `name:"issuer-ca" help:"${issuer_ca_help}" env:"DIGITALPOST_ISSUER_CA" type:"path"`
	Audience string            `help:"${audience_help}" default:"digitalpost" env:"DIGITALPOST_AUDIENCE"`
	Clients  map[string]string `help:"Client ids of the platforms: ID=PLATFORM;…" env:"DIGITALPOST_CLIENTS"`
	TLSCert  string            `name:"tls-cert" help:"${tls_cert_help}" env:"DIGITALPOST_TLS_CERT" type:"path"`
	TLSKey   string            `name:"tls-key" help:"Its key, PEM." env:"DIGITALPOST_TLS_KEY" type:"path"`
	ClientCA string            `name:"client-ca" help:"${client_ca_help}" env:"DIGITALPOST_CLIENT_CA" type:"path"`

	CRL         []string `name:"crl" help:"${crl_help}" env:"DIGITALPOST_CRL" type:"path"`
	CRLFetch    bool     `name:"crl-fetch" help:"${crl_fetch_help}" env:"DIGITALPOST_CRL_FETCH"`
	CRLRequired bool     `name:"crl-required" help:"${crl_required_help}" env:"DIGITALPOST_CRL_REQUIRED"`

	tellFlags
	natsFlags
	registersFlags
}

// check refuses a configuration that is half of one.
func (c serveCmd) check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen %s: give HOST:PORT, such as 127.0.0.1:8080", c.Listen)
	}
	if c.Dev {
		return c.checkDevelopment(host)
	}

	var missing []string
	for _, f := range []struct {
		flag string
		set  bool
	}{
		{"--issuer", c.Issuer != ""}, {"--clients", len(c.Clients) > 0}, {"--tls-cert", c.TLSCert != ""},
		{"--tls-key", c.TLSKey != ""}, {"--client-ca", c.ClientCA != ""}, {"--keys", c.Keys != ""},
	} {
		if !f.set {
			missing = append(missing, f.flag)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("production also needs %s; digitalpost serve --help tells what each is, "+
			"and --dev tries it with made-up people", strings.Join(missing, ", "))
	}
	return nil
}

// checkDevelopment refuses to let anybody from outside in, and to be half of a production server.
func (c serveCmd) checkDevelopment(host string) error {
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf(
			"--listen %s: development mode listens on loopback only, such as 127.0.0.1:8080", c.Listen)
	}
	if c.Issuer != "" || c.TLSCert != "" || c.TLSKey != "" || c.ClientCA != "" || len(c.Clients) > 0 {
		return errors.New("--dev is its own issuer and uses no certificates: " +
			"leave out --issuer, --clients, --tls-cert, --tls-key and --client-ca, or --dev")
	}
	return nil
}
