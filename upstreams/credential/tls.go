package credential

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// maxPEM bounds a file of certificates: a bundle of all public authorities has a fifth of it.
const maxPEM = 1 << 20

// TLSConfig is how connections to a service are secured. The service's certificate is always checked.
type TLSConfig struct {
	// CAFile has further authorities to trust, as PEM, besides the system's. Default: none.
	CAFile string `yaml:"ca_file" json:"ca_file,omitempty"`
	// CertFile has our certificate and what leads to its authority, as PEM; it's read again when it changes. Default:
	// none.
	CertFile string `yaml:"cert_file" json:"cert_file,omitempty"`
	// KeyFile has the certificate's private key, as PEM. Default: none.
	KeyFile string `yaml:"key_file" json:"key_file,omitempty"`
	// ServerName is the name that the service's certificate must have. Default: the host of its address.
	ServerName string `yaml:"server_name" json:"server_name,omitempty"`
}

// Validate names every problem.
func (c TLSConfig) Validate() error {
	switch {
	case c.CertFile != "" && c.KeyFile == "":
		return errors.New("cert_file: needs key_file as well")
	case c.CertFile == "" && c.KeyFile != "":
		return errors.New("key_file: needs cert_file as well")
	}
	return nil
}

// TLS makes the settings of a service's connections. Of o it uses the service's name and the logger, which is told of
// certificates that have ended and of renewed ones that can't be read.
func TLS(c TLSConfig, o Options) (*tls.Config, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	var problems []error
	if c.CAFile != "" {
		pool, err := authorities(c.CAFile, o.logger())
		if err != nil {
			problems = append(problems, fmt.Errorf("ca_file: %w", err))
		}
		settings.RootCAs = pool
	}
	if c.CertFile != "" {
		p := &pair{certFile: c.CertFile, keyFile: c.KeyFile, logger: o.logger()}
		if err := p.load(); err != nil {
			problems = append(problems, err)
		}
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return p.current(), nil }
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return settings, nil
}

// authorities is the system's pool and the certificates of a file.
func authorities(path string, logger *slog.Logger) (*x509.CertPool, error) {
	text, _, err := readBounded(path, maxPEM)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a container without any
	}
	count := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s: block %d is %s; give certificates only", path, count+1, block.Type)
		}
		count++
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d: %w", path, count, err)
		}
		warnOfEnd(logger, path, certificate)
		pool.AddCert(certificate)
	}
	if count == 0 {
		return nil, fmt.Errorf("%s: has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----", path)
	}
	return pool, nil
}

// pair is a client certificate in two files.
type pair struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu       sync.Mutex // guards what follows
	checked  time.Time
	certInfo os.FileInfo
	keyInfo  os.FileInfo
	failing  bool
	loaded   *tls.Certificate
}

// current is the certificate that the files have, or had before they were spoilt. Half of a renewal, where the key
// doesn't match yet, is one way to be spoilt.
func (p *pair) current() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.checked) < lookAgain {
		return p.loaded
	}
	p.checked = now
	certInfo, certErr := os.Stat(p.certFile)
	keyInfo, keyErr := os.Stat(p.keyFile)
	if certErr == nil && keyErr == nil && sameFile(certInfo, p.certInfo) && sameFile(keyInfo, p.keyInfo) && !p.failing {
		return p.loaded
	}
	err := p.load()
	switch {
	case err != nil && !p.failing:
		p.logger.WarnContext(context.Background(), "the client certificate can't be read again, the old one stays", "reason", err)
	case err == nil:
		p.logger.InfoContext(context.Background(), "the client certificate was read again", "file", p.certFile, "until", p.loaded.Leaf.NotAfter)
	}
	p.failing = err != nil
	return p.loaded
}

// load reads both files. The mutex is held, or p is not shared yet.
func (p *pair) load() error {
	cert, certInfo, err := readBounded(p.certFile, maxPEM)
	if err != nil {
		return fmt.Errorf("cert_file: %w", err)
	}
	key, keyInfo, err := readBounded(p.keyFile, maxPEM)
	if err != nil {
		return fmt.Errorf("key_file: %w", err)
	}
	if block, _ := pem.Decode(cert); block == nil {
		return fmt.Errorf("cert_file: %s: has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----", p.certFile)
	}
	if block, _ := pem.Decode(key); block == nil {
		return fmt.Errorf("key_file: %s: has no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----", p.keyFile)
	}
	loaded, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("cert_file and key_file: %s and %s: %w", p.certFile, p.keyFile, err)
	}
	warnOfEnd(p.logger, p.certFile, loaded.Leaf)
	p.loaded, p.certInfo, p.keyInfo, p.checked = &loaded, certInfo, keyInfo, time.Now()
	return nil
}

func warnOfEnd(logger *slog.Logger, path string, certificate *x509.Certificate) {
	now := time.Now()
	switch {
	case now.After(certificate.NotAfter):
		logger.WarnContext(context.Background(), "a certificate has ended", "file", path, "subject", certificate.Subject.String(), "until", certificate.NotAfter)
	case now.Before(certificate.NotBefore):
		logger.WarnContext(context.Background(), "a certificate is not valid yet", "file", path, "subject", certificate.Subject.String(), "from", certificate.NotBefore)
	}
}
