package redisconn_test

import (
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"testing"
)

// encrypt listens for TLS with the certificate in dir and passes on what comes, until the test ends.
func encrypt(t *testing.T, dir, to string) (address string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			target, err := net.Dial("tcp", to)
			if err != nil {
				from.Close()
				continue
			}
			go func() {
				defer from.Close()
				defer target.Close()
				_, _ = io.Copy(target, from) // until either ends
			}()
			go func() { _, _ = io.Copy(from, target) }()
		}
	}()
	return listener.Addr().String()
}
