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
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// issued is a certificate with its key, signed by another one or by itself.
func issued(t *testing.T, name string, by *tls.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// files are the paths of a certificate and a key.
type files struct{ cert, key string }

func (f files) write(t *testing.T, c tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, f.key, "PRIVATE KEY", key)
	writePEM(t, f.cert, "CERTIFICATE", c.Certificate[0])
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newFiles(t *testing.T, c tls.Certificate) files {
	t.Helper()
	folder := t.TempDir()
	f := files{filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")}
	f.write(t, c)
	return f
}

// client speaks TLS as its settings say.
func client(t *testing.T, h2 bool, settings *tls.Config) *http.Transport {
	t.Helper()
	by := &http.Transport{TLSClientConfig: settings, DisableCompression: true, Protocols: new(http.Protocols)}
	by.Protocols.SetHTTP1(!h2)
	by.Protocols.SetHTTP2(h2)
	t.Cleanup(by.CloseIdleConnections)
	return by
}

func trusting(c tls.Certificate, own ...tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(c.Leaf)
	return &tls.Config{RootCAs: pool, ServerName: "gateway.test", Certificates: own, MinVersion: tls.VersionTLS12}
}

func TestTLS(t *testing.T) {
	server := issued(t, "gateway.test", nil)
	f := newFiles(t, server)
	r := start(t, fmt.Sprintf("edge:\n  tls: {cert_file: %s, key_file: %s}\n  headers: {hsts: 1h}\n", f.cert, f.key))
	body := `{"query":"{ long(bytes: 40000) }"}`
	for _, h2 := range []bool{false, true} {
		by := client(t, h2, trusting(server))
		for range 3 { // on one connection
			got := sendBy(t, by, http.MethodPost, "https://"+r.address+"/graphql", body, "Accept-Encoding", "gzip")
			if got.StatusCode != http.StatusOK || got.ProtoMajor == 2 != h2 || len(inflated(t, "gzip", got.body)) < 40000 {
				t.Errorf("%s: %d, %d bytes", got.Proto, got.StatusCode, len(got.body))
			}
			if got.Header.Get("Strict-Transport-Security") != "max-age=3600" {
				t.Errorf("%v", got.Header)
			}
			events := sendBy(t, by, http.MethodPost, "https://"+r.address+"/graphql", body, "Accept", "text/event-stream")
			if !strings.Contains(events.body, "event: complete") {
				t.Errorf("%s: no events: %.80s", events.Proto, events.body)
			}
		}
	}
	ws, _, err := websocket.Dial(t.Context(), "wss://"+r.address+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPClient: &http.Client{Transport: client(t, false, trusting(server))},
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = ws.CloseNow()
	if res, err := plain.RoundTrip(request(t, "http://"+r.address+"/healthz")); err == nil {
		if res.StatusCode == http.StatusOK {
			t.Error("it speaks without TLS")
		}
		_ = res.Body.Close()
	}
}

func request(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOnlyHTTP1(t *testing.T) {
	server := issued(t, "gateway.test", nil)
	f := newFiles(t, server)
	r := start(t, fmt.Sprintf("edge:\n  tls: {cert_file: %s, key_file: %s}\n  http2: {disabled: true}\n", f.cert, f.key))
	if res, err := client(t, true, trusting(server)).RoundTrip(request(t, "https://"+r.address+"/healthz")); err == nil {
		_ = res.Body.Close()
		t.Error(res.Proto)
	}
	got := sendBy(t, client(t, false, trusting(server)), http.MethodGet, "https://"+r.address+"/healthz", "")
	got.check(t, "HTTP/1.1", 200, "ok")
}

// A client is who its certificate says, over both protocols.
func TestClientCertificates(t *testing.T) {
	server, authority, other := issued(t, "gateway.test", nil), issued(t, "authority", nil), issued(t, "other", nil)
	f, ca := newFiles(t, server), newFiles(t, authority)
	yaml := fmt.Sprintf(`
edge:
  tls: {cert_file: %s, key_file: %s, client_ca_file: %s}
identity:
  required: true
  mtls: {name: dns}
  clients: [{id: shop.test, plan: partner}]
documents:
  trusted: {manifests: [%s], plans: {partner: enforce}}
`, f.cert, f.key, ca.cert, write(t, "m.json", `{"known":"{ greeting }"}`))
	r := start(t, yaml)
	query := `{"query":"{ hidden }"}`
	for _, h2 := range []bool{false, true} {
		ask := func(own ...tls.Certificate) answer {
			return sendBy(t, client(t, h2, trusting(server, own...)), http.MethodPost, "https://"+r.address+"/graphql", query)
		}
		ask(issued(t, "shop.test", &authority)).check(t, "on the plan partner", 200, "QUERY_NOT_IN_SAFELIST")
		ask(issued(t, "someone.test", &authority)).check(t, "on no plan", 200, `"hidden":null`)
		ask().check(t, "without a certificate", 401, "UNAUTHENTICATED")
		stranger := issued(t, "shop.test", &other)
		settings := trusting(server)
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &stranger, nil }
		if res, err := client(t, h2, settings).RoundTrip(request(t, "https://"+r.address+"/healthz")); err == nil {
			_ = res.Body.Close()
			t.Errorf("another authority's certificate is taken: %d", res.StatusCode)
		}
	}
	r = start(t, strings.Replace(yaml, "client_ca_file", "client_auth: require, client_ca_file", 1))
	if res, err := client(t, false, trusting(server)).RoundTrip(request(t, "https://"+r.address+"/healthz")); err == nil {
		_ = res.Body.Close()
		t.Error("no certificate is enough")
	}
}

// New connections get the new certificate; one that can't be used leaves the old one in force.
func TestCertificatesAreReadAgain(t *testing.T) {
	first, second := issued(t, "gateway.test", nil), issued(t, "gateway.test", nil)
	f := newFiles(t, first)
	r := start(t, fmt.Sprintf("edge:\n  tls: {cert_file: %s, key_file: %s}\n", f.cert, f.key))
	keeping := client(t, true, trusting(first))
	ask := func(by *http.Transport) error {
		res, err := by.RoundTrip(request(t, "https://"+r.address+"/healthz"))
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	if err := ask(keeping); err != nil {
		t.Fatal(err)
	}
	f.write(t, second)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if ask(client(t, true, trusting(second))) == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the new certificate isn't used")
		}
	}
	if err := ask(keeping); err != nil {
		t.Error("an old connection is cut:", err)
	}
	writePEM(t, f.cert, "CERTIFICATE", first.Certificate[0]) // with the other one's key
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(r.log.String(), "can't be read again"); {
		if err := ask(client(t, true, trusting(second))); err != nil {
			t.Fatal("half of a renewal is in force:", err)
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody is told")
		}
	}
}

// Connections beyond the limit are closed before a byte is read, and there is room again when one has gone.
func TestConnectionLimits(t *testing.T) {
	r := start(t, "edge: {connections: {max: 3, max_per_address: 2, count_loopback: true}}\nadmin: {listen: \"127.0.0.1:0\"}\n")
	dial := func() net.Conn {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.address)
		if err != nil {
			return nil // cut off at once
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		return conn
	}
	served := func(conn net.Conn) bool {
		if conn == nil {
			return false
		}
		if _, err := fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return false
		}
		answer := make([]byte, 12)
		n, _ := conn.Read(answer)
		return strings.HasPrefix(string(answer[:n]), "HTTP/1.1 200")
	}
	one, two := dial(), dial()
	if !served(one) || !served(two) {
		t.Fatal("those within the limit aren't served")
	}
	if served(dial()) {
		t.Error("a third one of an address is")
	}
	w := httptest.NewRecorder()
	r.gateway.Operators().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/process", nil))
	if !strings.Contains(w.Body.String(), `"connections": 2`) {
		t.Errorf("operators see %s", w.Body)
	}
	_ = one.Close()
	for deadline := time.Now().Add(20 * time.Second); !served(dial()); {
		if time.Now().After(deadline) {
			t.Fatal("there is no room after one has gone")
		}
	}
	if !strings.Contains(r.log.String(), "connections are refused") {
		t.Error("nobody is told")
	}
}
