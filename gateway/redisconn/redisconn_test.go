package redisconn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tributary-gateway/tributary/gateway/redisconn"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
	"github.com/tributary-gateway/tributary/internal/journal"
)

func connect(t *testing.T, c redisconn.Config, o redisconn.Options) redis.UniversalClient {
	t.Helper()
	client, err := redisconn.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// patient is for tests of what works: a busy machine may take longer than a request would wait.
func patient(addresses ...string) redisconn.Config {
	return redisconn.Config{Addresses: addresses, Timeout: 10 * time.Second}
}

func TestSingle(t *testing.T) {
	c := patient(redistest.Start(t).Address)
	c.Database = 3
	client := connect(t, c, redisconn.Options{})
	if err := client.Set(t.Context(), "a", "b", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := client.Get(t.Context(), "a").Result(); got != "b" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestUser(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "gateway", "on", ">hunter2", "~trib:*", "+@all")
	server.Do("ACL", "SETUSER", "default", "off")
	c := patient(server.Address)
	c.Username, c.Password = "gateway", "hunter2"
	client := connect(t, c, redisconn.Options{})
	if err := client.Set(t.Context(), "trib:a", "b", 0).Err(); err != nil {
		t.Error(err)
	}
	if err := client.Set(t.Context(), "a", "b", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
		t.Errorf("got %v", err)
	}
}

func TestCluster(t *testing.T) {
	nodes := redistest.Cluster(t, 3)
	c := patient(nodes[0].Address)
	c.Cluster = true
	client := connect(t, c, redisconn.Options{})
	for _, key := range strings.Split("abcdefgh", "") {
		if err := client.Set(t.Context(), key, key, 0).Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestSentinels(t *testing.T) {
	master, _, sentinels := redistest.Sentinels(t)
	c := patient(redistest.Addresses(sentinels...)...)
	c.Master = "main"
	client := connect(t, c, redisconn.Options{})
	if err := client.Set(t.Context(), "a", "b", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got := master.Do("GET", "a"); got != "b" {
		t.Errorf("the master has %v", got)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir)
	server := redistest.Start(t)
	// A server of ours ends the encryption: not every redis-server is built with it.
	address := encrypt(t, dir, server.Address)
	c := patient(address)
	c.TLS = redisconn.TLS{Enabled: true, CA: filepath.Join(dir, "cert.pem"), ServerName: "redis.test"}
	if err := connect(t, c, redisconn.Options{}).Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
	c.TLS.ServerName = "other.test"
	if err := connect(t, c, redisconn.Options{}).Ping(t.Context()).Err(); err == nil {
		t.Error("a certificate of another name is taken")
	}
	c.TLS = redisconn.TLS{Enabled: true}
	if err := connect(t, c, redisconn.Options{}).Ping(t.Context()).Err(); err == nil {
		t.Error("an unknown authority is trusted")
	}
	c.TLS.CA = filepath.Join(dir, "nope.pem")
	if _, err := redisconn.New(c, redisconn.Options{}); err == nil || !strings.HasPrefix(err.Error(), "tls.ca: ") {
		t.Errorf("got %v", err)
	}
}

// lines counts what is logged.
type lines struct{ journal.Journal }

func (l *lines) count(text string) int {
	return strings.Count(l.String(), text)
}

type ups struct {
	mu  sync.Mutex
	all []bool
}

func (u *ups) RedisUp(up bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all = append(u.all, up)
}

// A server that is dead, or that takes connections and says nothing, costs each of five commands its timeout and the
// others nothing; when it's back, so is the client. The log has one line for each change.
func TestBreaker(t *testing.T) {
	for name, down := range map[string]struct{ stop, start func(*redistest.Server) }{
		"killed": {(*redistest.Server).Kill, (*redistest.Server).Restart},
		"paused": {(*redistest.Server).Pause, (*redistest.Server).Continue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			log, metrics := &lines{}, &ups{}
			client := connect(t, redisconn.Config{Addresses: []string{server.Address}}, redisconn.Options{
				Logger: slog.New(slog.NewTextHandler(log, nil)), Metrics: metrics,
			})
			redistest.Until(t, "an answer", func() bool { return client.Ping(t.Context()).Err() == nil })
			down.stop(server)
			sent := 0
			redistest.Until(t, "an open breaker", func() bool {
				sent++
				return errors.Is(client.Ping(t.Context()).Err(), redisconn.ErrDown)
			})
			if sent < 5 {
				t.Errorf("given up after %d commands", sent)
			}
			start, refused := time.Now(), 0
			for range 1000 {
				if errors.Is(client.Ping(t.Context()).Err(), redisconn.ErrDown) {
					refused++
				}
			}
			if took := time.Since(start); refused < 990 || took > 2*time.Second {
				t.Errorf("%d of 1000 refused, in %v", refused, took)
			}
			pipeline := client.Pipeline()
			first, second := pipeline.Get(t.Context(), "a"), pipeline.Get(t.Context(), "b")
			if _, err := pipeline.Exec(t.Context()); err == nil || first.Err() == nil || second.Err() == nil {
				t.Errorf("a pipeline: %v, %v, %v", err, first.Err(), second.Err())
			}
			down.start(server)
			redistest.Until(t, "an answer again", func() bool { return client.Ping(t.Context()).Err() == nil })
			redistest.Until(t, "lines", func() bool { return log.count("redis answers again") > 0 })
			// A busy machine may make a server seem down once more; each change is told once all the same.
			metrics.mu.Lock()
			defer metrics.mu.Unlock()
			for i, up := range metrics.all {
				if up != (i%2 == 1) {
					t.Errorf("changes: %v", metrics.all)
				}
			}
			if told := log.count("\n"); told != len(metrics.all) {
				t.Errorf("%d lines for %d changes:\n%s", told, len(metrics.all), log.String())
			}
		})
	}
}

// A refusal of one command, or a client that gave up, says nothing against the server.
func TestRefusalsDontBreak(t *testing.T) {
	client := connect(t, patient(redistest.Start(t).Address), redisconn.Options{})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		_ = client.EvalSha(t.Context(), strings.Repeat("a", 40), nil).Err()
		_ = client.Get(t.Context(), "nothing").Err()
		_ = client.Get(gone, "nothing").Err()
	}
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	one := []string{"redis:6379"}
	for name, test := range map[string]struct {
		config redisconn.Config
		want   string
	}{
		"none":      {redisconn.Config{}, ""},
		"one":       {redisconn.Config{Addresses: one}, ""},
		"no port":   {redisconn.Config{Addresses: []string{"redis"}}, `addresses[0]: "redis" is not host:port`},
		"several":   {redisconn.Config{Addresses: []string{"a:1", "b:1"}}, "addresses: several, but neither master, for Sentinels, nor cluster is given"},
		"both":      {redisconn.Config{Addresses: one, Master: "m", Cluster: true}, "master and cluster: give one; Sentinels watch no Cluster"},
		"nowhere":   {redisconn.Config{Password: "p"}, "addresses: none, but other keys say how to reach Redis"},
		"database":  {redisconn.Config{Addresses: one, Cluster: true, Database: 1}, "database and cluster: a Cluster has database 0 only"},
		"prefix":    {redisconn.Config{Addresses: one, KeyPrefix: "{a}"}, "key_prefix: braces decide a key's slot in a Cluster; leave them out"},
		"user":      {redisconn.Config{Addresses: one, Username: "u"}, `username: "u" has no password`},
		"idle":      {redisconn.Config{Addresses: one, PoolSize: 1, MinIdle: 2}, "min_idle (2) is over pool_size (1)"},
		"timeout":   {redisconn.Config{Addresses: one, Timeout: 1}, "timeout: 1ns is too short for any answer; give 1ms or more"},
		"dial":      {redisconn.Config{Addresses: one, DialTimeout: time.Millisecond}, "dial_timeout (1ms) is under timeout (50ms): the command could wait longer"},
		"tls":       {redisconn.Config{Addresses: one, TLS: redisconn.TLS{CA: "x"}}, "tls.enabled: false, but other keys say how to encrypt"},
		"pair":      {redisconn.Config{Addresses: one, TLS: redisconn.TLS{Enabled: true, Key: "x"}}, "tls.cert and tls.key: give both or none"},
		"sentinels": {redisconn.Config{Addresses: one, SentinelPassword: "x"}, "sentinel_username and sentinel_password: without master there are no Sentinels"},
		"negative":  {redisconn.Config{Addresses: one, PoolSize: -1, BreakFor: -1}, "pool_size: can't be negative\nbreak_for: can't be negative\nmin_idle (-1) is over pool_size (-1)"},
	} {
		got := ""
		if err := test.config.Validate(); err != nil {
			got = err.Error()
		}
		if name == "negative" {
			got, test.want = strings.Join(strings.SplitN(got, "\n", 3)[:2], "\n"), strings.Join(strings.SplitN(test.want, "\n", 3)[:2], "\n")
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"redis.test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
