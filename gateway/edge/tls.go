package edge

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// TLS is how connections are encrypted. Without files they aren't.
type TLS struct {
	// CertFile has the certificate and what leads to its authority, as PEM; it's read again when it changes. Default: none.
	CertFile string `yaml:"cert_file" json:"cert_file,omitempty"`
	// KeyFile has the certificate's private key, as PEM. Default: none.
	KeyFile string `yaml:"key_file" json:"key_file,omitempty"`
	// ClientCAFile has the authorities of clients' certificates, as PEM; it's read again when it changes. Default: none,
	// clients show none.
	ClientCAFile string `yaml:"client_ca_file" json:"client_ca_file,omitempty"`
	// ClientAuth says whether a client has to show a certificate: request (one that is shown must be right) or require.
	// Default: request, with client_ca_file.
	ClientAuth ClientAuth `yaml:"client_auth" json:"client_auth,omitempty"`
	// MinVersion is 1.2 or 1.3. Default: 1.2.
	MinVersion TLSVersion `yaml:"min_version" json:"min_version,omitempty"`
}

// ClientAuth says whether a client has to show a certificate.
type ClientAuth string

// What clients have to do.
const (
	Request ClientAuth = "request"
	Require ClientAuth = "require"
)

// Values lists what a ClientAuth can be.
func (ClientAuth) Values() []string { return []string{string(Request), string(Require)} }

// TLSVersion is a version of TLS.
type TLSVersion string

// Values lists what a TLSVersion can be.
func (TLSVersion) Values() []string { return []string{"1.2", "1.3"} }

// Enabled says whether connections are encrypted.
func (c TLS) Enabled() bool { return c.CertFile != "" }

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c TLS) WithDefaults() TLS {
	if c.ClientAuth == "" && c.ClientCAFile != "" {
		c.ClientAuth = Request
	}
	if c.MinVersion == "" {
		c.MinVersion = "1.2"
	}
	return c
}

// Validate names everything wrong, by its keys.
func (c TLS) Validate() error {
	var problems []error
	wrong := func(text string) { problems = append(problems, errors.New(text)) }
	switch {
	case c.CertFile != "" && c.KeyFile == "":
		wrong("cert_file: needs key_file as well")
	case c.CertFile == "" && c.KeyFile != "":
		wrong("key_file: needs cert_file as well")
	case c.CertFile == "" && c.ClientCAFile != "":
		wrong("client_ca_file: needs cert_file and key_file as well")
	}
	switch c.ClientAuth {
	case "":
	case Request, Require:
		if c.ClientCAFile == "" {
			wrong("client_auth: needs client_ca_file")
		}
	default:
		wrong("client_auth: can be request or require")
	}
	if c.MinVersion != "" && c.MinVersion != "1.2" && c.MinVersion != "1.3" {
		wrong("min_version: can be 1.2 or 1.3")
	}
	return errors.Join(problems...)
}

// maxPEM bounds a file of certificates: a bundle of all public authorities has a fifth of it.
const maxPEM = 1 << 20

// lookAgain is how long the files aren't looked at after they were: handshakes may be many.
const lookAgain = time.Second

// NewTLS reads the files and makes the settings of a server's connections. Each handshake looks whether the files are
// others by now, once a second at most. Those that can't be used leave in force what was read before: half of a renewal,
// where the key doesn't match yet, is one way to be spoilt. The logger, which may be nil, is told.
func NewTLS(c TLS, h HTTP2, logger *slog.Logger) (*tls.Config, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	if !c.Enabled() {
		return nil, errors.New("tls: cert_file is missing")
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	c = c.WithDefaults()
	p := &certificates{config: c, protocols: []string{"h2", "http/1.1"}, logger: logger}
	if h.Disabled {
		p.protocols = p.protocols[1:]
	}
	p.stamps = p.look()
	loaded, err := p.load()
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	p.current, p.checked = loaded, time.Now()
	// The outer settings are what net/http looks at; the handshake's own come from current.
	outer := loaded.Clone()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return p.get(), nil }
	return outer, nil
}

// certificates are the server's settings, as the files have them or had before they were spoilt.
type certificates struct {
	config    TLS
	protocols []string
	logger    *slog.Logger

	mu      sync.Mutex // guards what follows
	checked time.Time
	stamps  [3]stamp
	failing string
	current *tls.Config
}

// stamp tells files apart without reading them.
type stamp struct {
	size     int64
	modified time.Time
}

func (p *certificates) look() (stamps [3]stamp) {
	for i, path := range []string{p.config.CertFile, p.config.KeyFile, p.config.ClientCAFile} {
		if info, err := os.Stat(path); path != "" && err == nil { // follows links, as Kubernetes renews them
			stamps[i] = stamp{info.Size(), info.ModTime()}
		}
	}
	return stamps
}

func (p *certificates) get() *tls.Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.checked) < lookAgain {
		return p.current
	}
	p.checked = now
	stamps := p.look()
	if stamps == p.stamps && p.failing == "" {
		return p.current
	}
	loaded, err := p.load()
	if err != nil {
		if p.failing != err.Error() {
			p.failing = err.Error()
			p.logger.Error("the certificates can't be read again; the old ones stay", "cause", err)
		}
		return p.current
	}
	p.stamps, p.failing, p.current = stamps, "", loaded
	p.logger.Info("certificates were read again", "file", p.config.CertFile, "until", loaded.Certificates[0].Leaf.NotAfter)
	return p.current
}

// load reads the files.
func (p *certificates) load() (*tls.Config, error) {
	cert, err := readPEM(p.config.CertFile)
	if err != nil {
		return nil, fmt.Errorf("cert_file: %w", err)
	}
	key, err := readPEM(p.config.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("cert_file and key_file: %s and %s: %w", p.config.CertFile, p.config.KeyFile, err)
	}
	if now := time.Now(); now.After(pair.Leaf.NotAfter) {
		p.logger.Warn("the certificate has ended", "file", p.config.CertFile, "until", pair.Leaf.NotAfter)
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: p.protocols}
	if p.config.MinVersion == "1.3" {
		settings.MinVersion = tls.VersionTLS13
	}
	if p.config.ClientCAFile == "" {
		return settings, nil
	}
	text, err := readPEM(p.config.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("client_ca_file: %w", err)
	}
	settings.ClientCAs = x509.NewCertPool()
	if !settings.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("client_ca_file: %s has no certificate", p.config.ClientCAFile)
	}
	settings.ClientAuth = tls.VerifyClientCertIfGiven
	if p.config.ClientAuth == Require {
		settings.ClientAuth = tls.RequireAndVerifyClientCert
	}
	settings.SessionTicketsDisabled = true // a resumed session would outlive an authority that was taken away
	return settings, nil
}

// readPEM reads a file of sane size that has something in PEM.
func readPEM(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	text, err := io.ReadAll(io.LimitReader(file, maxPEM+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxPEM:
		return nil, fmt.Errorf("%s: is over %d bytes", path, maxPEM)
	}
	if block, _ := pem.Decode(text); block == nil {
		return nil, fmt.Errorf("%s: has nothing in PEM, which begins with -----BEGIN", path)
	}
	return text, nil
}
