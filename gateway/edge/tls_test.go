package edge_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/address"
	"github.com/tributary-gateway/tributary/gateway/edge"
	"github.com/tributary-gateway/tributary/internal/journal"
)

// issue makes a certificate signed by an authority, or one that signs itself.
func issue(t *testing.T, name string, by *tls.Certificate) tls.Certificate {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der := must(x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: must(x509.ParseCertificate(der))}
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writePair(t *testing.T, folder string, c tls.Certificate) edge.TLS {
	t.Helper()
	files := edge.TLS{CertFile: filepath.Join(folder, "tls.crt"), KeyFile: filepath.Join(folder, "tls.key")}
	writePEM(t, files.KeyFile, "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(c.PrivateKey)))
	writePEM(t, files.CertFile, "CERTIFICATE", c.Certificate[0])
	return files
}

func poolOf(c tls.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.Leaf)
	return pool
}

// secure starts a server that answers with the protocol and its client's name.
func secure(t *testing.T, c edge.TLS, h edge.HTTP2, logger *slog.Logger) string {
	t.Helper()
	settings, err := edge.NewTLS(c, h, logger)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{TLSConfig: settings, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "nobody"
		if len(r.TLS.VerifiedChains) > 0 {
			name = r.TLS.VerifiedChains[0][0].Subject.CommonName
		}
		fmt.Fprint(w, r.Proto, " ", name)
	})}
	h.Apply(server)
	inner := must(net.Listen("tcp", "127.0.0.1:0"))
	l := must(edge.Limit(inner, edge.Connections{}, address.Proxies{}, nil))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { server.Close(); <-done })
	return inner.Addr().String()
}

func fetch(t *testing.T, address string, settings *tls.Config) (string, *tls.ConnectionState, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	settings.ServerName = "gateway.test"
	res, err := client.Get("https://" + address)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), res.TLS, err
}

func TestTLSSpeaksBothProtocols(t *testing.T) {
	own := issue(t, "gateway.test", nil)
	files := writePair(t, t.TempDir(), own)
	for disabled, want := range map[bool]string{false: "HTTP/2.0 nobody", true: "HTTP/1.1 nobody"} {
		address := secure(t, files, edge.HTTP2{Disabled: disabled}, nil)
		if got, _, err := fetch(t, address, &tls.Config{RootCAs: poolOf(own)}); err != nil || got != want {
			t.Errorf("%q %v", got, err)
		}
	}
}

func TestTLSMinimumVersion(t *testing.T) {
	own := issue(t, "gateway.test", nil)
	files := writePair(t, t.TempDir(), own)
	for least, refused := range map[edge.TLSVersion]uint16{"": tls.VersionTLS11, "1.3": tls.VersionTLS12} {
		files.MinVersion = least
		address := secure(t, files, edge.HTTP2{}, nil)
		if _, _, err := fetch(t, address, &tls.Config{RootCAs: poolOf(own), MinVersion: tls.VersionTLS10, MaxVersion: refused}); err == nil {
			t.Errorf("%q: version %x is taken", least, refused)
		}
		if _, _, err := fetch(t, address, &tls.Config{RootCAs: poolOf(own), MaxVersion: refused + 1}); err != nil {
			t.Errorf("%q: version %x: %v", least, refused+1, err)
		}
	}
}

func TestTLSReadsFilesAgain(t *testing.T) {
	var log journal.Journal
	folder := t.TempDir()
	first, second := issue(t, "gateway.test", nil), issue(t, "gateway.test", nil)
	address := secure(t, writePair(t, folder, first), edge.HTTP2{}, slog.New(slog.NewTextHandler(&log, nil)))
	if _, _, err := fetch(t, address, &tls.Config{RootCAs: poolOf(first)}); err != nil {
		t.Fatal(err)
	}
	// Half of a renewal: the key isn't there yet. Nobody notices.
	writePEM(t, filepath.Join(folder, "tls.crt"), "CERTIFICATE", second.Certificate[0])
	until(t, func() bool {
		if _, _, err := fetch(t, address, &tls.Config{RootCAs: poolOf(first)}); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(log.String(), "can't be read again")
	})
	writePair(t, folder, second)
	until(t, func() bool {
		_, _, err := fetch(t, address, &tls.Config{RootCAs: poolOf(second)})
		return err == nil
	})
	if n := strings.Count(log.String(), "can't be read again"); n != 1 {
		t.Errorf("%d complaints: %s", n, log.String())
	}
}

// until tries again until the condition holds or the test's time is over.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-t.Context().Done():
			t.Fatal("it never came true")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestTLSClientCertificates(t *testing.T) {
	folder := t.TempDir()
	authority, stranger := issue(t, "authority", nil), issue(t, "stranger", nil)
	own := issue(t, "gateway.test", nil)
	client, other := issue(t, "client-7", &authority), issue(t, "client-7", &stranger)
	files := writePair(t, folder, own)
	files.ClientCAFile = filepath.Join(folder, "ca.crt")
	writePEM(t, files.ClientCAFile, "CERTIFICATE", authority.Certificate[0])
	for _, c := range []struct {
		auth  edge.ClientAuth
		shown []tls.Certificate
		want  string // "" for an error
	}{
		{edge.Request, nil, "HTTP/2.0 nobody"},
		{edge.Request, []tls.Certificate{client}, "HTTP/2.0 client-7"},
		{edge.Request, []tls.Certificate{other}, ""},
		{edge.Require, nil, ""},
		{edge.Require, []tls.Certificate{client}, "HTTP/2.0 client-7"},
	} {
		files.ClientAuth = c.auth
		address := secure(t, files, edge.HTTP2{}, nil)
		settings := &tls.Config{RootCAs: poolOf(own), ClientSessionCache: tls.NewLRUClientSessionCache(4)}
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(c.shown) == 0 {
				return &tls.Certificate{}, nil
			}
			return &c.shown[0], nil // even if the server says that it doesn't know the authority
		}
		for range 2 {
			got, state, err := fetch(t, address, settings)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%s: %q %v", c.auth, got, err)
			}
			if state != nil && state.DidResume {
				t.Error("a session was resumed: an authority that is taken away would go on counting")
			}
		}
	}
}

func TestTLSTellsWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	good := writePair(t, folder, issue(t, "a", nil))
	other := writePair(t, t.TempDir(), issue(t, "b", nil))
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]edge.TLS{
		"cert_file: needs":          {CertFile: good.CertFile},
		"key_file: needs":           {KeyFile: good.KeyFile},
		"cert_file is missing":      {},
		"private key does not":      {CertFile: good.CertFile, KeyFile: other.KeyFile},
		"cert_file: " + empty:       {CertFile: empty, KeyFile: good.KeyFile},
		"key_file: open":            {CertFile: good.CertFile, KeyFile: filepath.Join(folder, "none")},
		"client_ca_file: " + empty:  {CertFile: good.CertFile, KeyFile: good.KeyFile, ClientCAFile: empty},
		"client_auth: needs":        {CertFile: good.CertFile, KeyFile: good.KeyFile, ClientAuth: edge.Require},
		"client_auth: can be":       {CertFile: good.CertFile, KeyFile: good.KeyFile, ClientAuth: "maybe"},
		"min_version: can be":       {CertFile: good.CertFile, KeyFile: good.KeyFile, MinVersion: "1.1"},
		"client_ca_file: needs cer": {ClientCAFile: good.CertFile},
	} {
		if _, err := edge.NewTLS(c, edge.HTTP2{}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
