package credential_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/credential"
)

// authority signs certificates for a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) pem() string { return encode("CERTIFICATE", a.certificate.Raw) }

// issue makes a certificate and its key, both as PEM.
func (a *authority) issue(t *testing.T, name string, until time.Time) (cert, key string) {
	t.Helper()
	private := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, a.certificate, private.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER)
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// mutual is a server that wants certificates of clients and answers with their names.
func mutual(t *testing.T, server, clients *authority, name string) *httptest.Server {
	t.Helper()
	cert, key := server.issue(t, name, time.Now().Add(time.Hour))
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(clients.certificate)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are to fail
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func ask(t *testing.T, settings *tls.Config, address string) (string, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: settings, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

func TestMutualTLS(t *testing.T) {
	ours, theirs := newAuthority(t, "clients"), newAuthority(t, "servers")
	server := mutual(t, theirs, ours, "users.internal")
	dir := t.TempDir()
	ca, cert, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	other := filepath.Join(dir, "other.pem")
	write(t, ca, newAuthority(t, "another").pem()+theirs.pem())
	write(t, other, newAuthority(t, "other").pem())
	certText, keyText := ours.issue(t, "gateway", time.Now().Add(time.Hour))
	write(t, cert, certText)
	write(t, key, keyText)
	for name, test := range map[string]struct {
		config credential.TLSConfig
		want   string // of the answer, or of the error
	}{
		"good":             {credential.TLSConfig{CAFile: ca, CertFile: cert, KeyFile: key}, "gateway"},
		"named":            {credential.TLSConfig{CAFile: ca, CertFile: cert, KeyFile: key, ServerName: "users.internal"}, "gateway"},
		"wrong name":       {credential.TLSConfig{CAFile: ca, CertFile: cert, KeyFile: key, ServerName: "posts.internal"}, "not posts.internal"},
		"other authority":  {credential.TLSConfig{CAFile: other, CertFile: cert, KeyFile: key}, "unknown authority"},
		"system's only":    {credential.TLSConfig{CertFile: cert, KeyFile: key}, "unknown authority"},
		"no certificate":   {credential.TLSConfig{CAFile: ca}, "certificate required"},
		"foreign, refused": {credential.TLSConfig{CAFile: ca, CertFile: foreign(t, dir, "cert"), KeyFile: foreign(t, dir, "key")}, "unknown certificate authority"},
	} {
		settings, err := credential.TLS(test.config, credential.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if settings.InsecureSkipVerify || settings.MinVersion != tls.VersionTLS12 {
			t.Errorf("%s: %+v", name, settings)
		}
		got, err := ask(t, settings, server.URL)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// foreign writes a certificate of an authority that nobody knows, and its key beside it.
func foreign(t *testing.T, dir, which string) string {
	t.Helper()
	path := filepath.Join(dir, "foreign-")
	if _, err := os.Stat(path + "cert"); err != nil {
		cert, key := newAuthority(t, "foreign").issue(t, "foreign", time.Now().Add(time.Hour))
		write(t, path+"cert", cert)
		write(t, path+"key", key)
	}
	return path + which
}

// TestOldProtocolIsRefused: TLS 1.1 is not spoken.
func TestOldProtocolIsRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // is to be refused
	server.StartTLS()
	defer server.Close()
	settings, err := credential.TLS(credential.TLSConfig{}, credential.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, settings, server.URL); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Error(err)
	}
}

// TestRenewedClientCertificate: used within a second or so; a half-written renewal leaves the old one in use.
func TestRenewedClientCertificate(t *testing.T) {
	ours, theirs := newAuthority(t, "clients"), newAuthority(t, "servers")
	server := mutual(t, theirs, ours, "users.internal")
	dir := t.TempDir()
	ca, cert, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, ca, theirs.pem())
	certText, keyText := ours.issue(t, "old", time.Now().Add(time.Hour))
	write(t, cert, certText)
	write(t, key, keyText)
	var told capture
	settings, err := credential.TLS(credential.TLSConfig{CAFile: ca, CertFile: cert, KeyFile: key}, credential.Options{Logger: told.logger()})
	if err != nil {
		t.Fatal(err)
	}
	until := func(what string, done func(name string) bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; {
			got, err := ask(t, settings, server.URL)
			if err != nil {
				t.Fatal(err)
			}
			if done(got) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: still %s; log:\n%s", what, got, told.String())
			}
		}
	}
	until("at first", func(name string) bool { return name == "old" })
	certText, keyText = ours.issue(t, "new", time.Now().Add(time.Hour))
	write(t, cert, certText)
	until("half of a renewal", func(name string) bool {
		if name != "old" {
			t.Fatalf("half of a renewal: %s", name)
		}
		return strings.Contains(told.String(), "can't be read again")
	})
	write(t, key, keyText)
	until("renewed", func(name string) bool { return name == "new" })
	if n := strings.Count(told.String(), "can't be read again"); n != 1 {
		t.Errorf("%d lines for one state:\n%s", n, told.String())
	}
	if strings.Contains(told.String(), "PRIVATE") {
		t.Error("the log has a key")
	}
}

func TestTLSMistakes(t *testing.T) {
	a := newAuthority(t, "clients")
	cert, key := a.issue(t, "gateway", time.Now().Add(time.Hour))
	_, otherKey := a.issue(t, "other", time.Now().Add(time.Hour))
	dir := t.TempDir()
	for name, text := range map[string]string{
		"cert": cert, "key": key, "otherKey": otherKey, "text": "no PEM at all", "broken": encode("CERTIFICATE", []byte("x")), "big": strings.Repeat("x", 2<<20),
	} {
		write(t, filepath.Join(dir, name), text)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, test := range map[string]struct {
		config credential.TLSConfig
		want   []string
	}{
		"no key":         {credential.TLSConfig{CertFile: in("cert")}, []string{"cert_file: needs key_file as well"}},
		"no certificate": {credential.TLSConfig{KeyFile: in("key")}, []string{"key_file: needs cert_file as well"}},
		"missing":        {credential.TLSConfig{CAFile: in("missing"), CertFile: in("gone"), KeyFile: in("key")}, []string{"ca_file: open " + in("missing"), "cert_file: open " + in("gone")}},
		"text":           {credential.TLSConfig{CAFile: in("text"), CertFile: in("text"), KeyFile: in("key")}, []string{"ca_file: " + in("text") + ": has no certificate in PEM", "cert_file: " + in("text") + ": has no certificate in PEM"}},
		"text as key":    {credential.TLSConfig{CertFile: in("cert"), KeyFile: in("text")}, []string{"key_file: " + in("text") + ": has no private key in PEM"}},
		"key as ca":      {credential.TLSConfig{CAFile: in("key")}, []string{"ca_file: " + in("key") + ": block 1 is PRIVATE KEY; give certificates only"}},
		"broken ca":      {credential.TLSConfig{CAFile: in("broken")}, []string{"ca_file: " + in("broken") + ": certificate 1: x509"}},
		"big":            {credential.TLSConfig{CAFile: in("big")}, []string{"ca_file: " + in("big") + ": has more than 1048576 bytes"}},
		"other key":      {credential.TLSConfig{CertFile: in("cert"), KeyFile: in("otherKey")}, []string{in("cert") + " and " + in("otherKey"), "private key does not match public key"}},
	} {
		_, err := credential.TLS(test.config, credential.Options{})
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	}
}

func TestEndedCertificatesAreTold(t *testing.T) {
	a := newAuthority(t, "clients")
	cert, key := a.issue(t, "gateway", time.Now().Add(-time.Hour))
	dir := t.TempDir()
	write(t, filepath.Join(dir, "cert"), cert)
	write(t, filepath.Join(dir, "key"), key)
	var told capture
	_, err := credential.TLS(credential.TLSConfig{CertFile: filepath.Join(dir, "cert"), KeyFile: filepath.Join(dir, "key")},
		credential.Options{Service: "users", Logger: told.logger()})
	if err != nil {
		t.Fatal(err)
	}
	if got := told.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "has ended") || !strings.Contains(got, "service=users") {
		t.Error(got)
	}
}
