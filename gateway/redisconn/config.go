package redisconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Config is the redis section of gateway.yaml. Without addresses there's no Redis.
type Config struct {
	// Addresses are the servers, host:port: one, or some of a Cluster's, or the Sentinels. Default: none, no Redis.
	Addresses []string `yaml:"addresses" json:"addresses,omitempty"`
	// Master is the name of the master that Sentinels watch; addresses are then theirs. Default: none, no Sentinels.
	Master string `yaml:"master" json:"master,omitempty"`
	// Cluster says that addresses are nodes of a Redis Cluster. Default: false.
	Cluster bool `yaml:"cluster" json:"cluster,omitempty"`
	// Database is the number of the database; a Cluster has 0 only. Default: 0.
	Database int `yaml:"database" json:"database,omitempty"`
	// Username is the ACL user. Default: the default user.
	Username string `yaml:"username" json:"username,omitempty"`
	// Password is the user's. Default: none.
	Password secret.Text `yaml:"password" json:"password,omitempty"`
	// SentinelUsername is the ACL user at the Sentinels. Default: the default user.
	SentinelUsername string `yaml:"sentinel_username" json:"sentinel_username,omitempty"`
	// SentinelPassword is that user's. Default: none.
	SentinelPassword secret.Text `yaml:"sentinel_password" json:"sentinel_password,omitempty"`
	// TLS is how connections are encrypted. Default: they aren't.
	TLS TLS `yaml:"tls" json:"tls,omitempty"`
	// KeyPrefix begins every key, so that several gateways can share a server. Default: tributary:
	KeyPrefix string `yaml:"key_prefix" json:"key_prefix,omitempty"`
	// Timeout is the time of a command, from waiting for a connection to the answer. Default: 50ms.
	Timeout time.Duration `yaml:"timeout" json:"timeout,omitempty"`
	// DialTimeout is the time of making a connection, with TLS and asking a Sentinel. A command waits for it no longer
	// than timeout. Default: 250ms, or timeout if that is more.
	DialTimeout time.Duration `yaml:"dial_timeout" json:"dial_timeout,omitempty"`
	// PoolSize is the most connections to one server. Default: 10 for each CPU.
	PoolSize int `yaml:"pool_size" json:"pool_size,omitempty"`
	// MinIdle is how many connections are kept ready. Default: 2.
	MinIdle int `yaml:"min_idle" json:"min_idle,omitempty"`
	// BreakAfter is how many commands in a row may stay without an answer until a server is left alone. Default: 5.
	BreakAfter int `yaml:"break_after" json:"break_after,omitempty"`
	// BreakFor is how long it's left alone before one command tries again. Default: 500ms.
	BreakFor time.Duration `yaml:"break_for" json:"break_for,omitempty"`
}

// TLS is how connections to Redis are encrypted.
type TLS struct {
	// Enabled says that connections are encrypted. Default: false.
	Enabled bool `yaml:"enabled" json:"enabled,omitempty"`
	// CA is a PEM file of the authorities that servers' certificates come from. Default: the system's.
	CA string `yaml:"ca" json:"ca,omitempty"`
	// Cert is a PEM file with the certificate that the gateway shows. Default: none.
	Cert string `yaml:"cert" json:"cert,omitempty"`
	// Key is a PEM file with the key of cert. Default: none.
	Key string `yaml:"key" json:"key,omitempty"`
	// ServerName is the name that a server's certificate must have. Default: the host of the address.
	ServerName string `yaml:"server_name" json:"server_name,omitempty"`
}

// Enabled says whether there is a Redis.
func (c Config) Enabled() bool { return len(c.Addresses) > 0 }

// WithDefaults replaces every zero by what it stands for.
func (c Config) WithDefaults() Config {
	if c.KeyPrefix == "" {
		c.KeyPrefix = "tributary:"
	}
	if c.Timeout == 0 {
		c.Timeout = 50 * time.Millisecond
	}
	if c.DialTimeout == 0 {
		c.DialTimeout = max(250*time.Millisecond, c.Timeout)
	}
	if c.PoolSize == 0 {
		c.PoolSize = 10 * runtime.GOMAXPROCS(0)
	}
	if c.MinIdle == 0 {
		c.MinIdle = min(2, c.PoolSize)
	}
	if c.BreakAfter == 0 {
		c.BreakAfter = 5
	}
	if c.BreakFor == 0 {
		c.BreakFor = 500 * time.Millisecond
	}
	return c
}

// Validate names every problem, each beginning with its key, and both keys where two contradict.
func (c Config) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for i, address := range c.Addresses {
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
			wrong("addresses[%d]: %q is not host:port", i, address)
		}
	}
	if strings.ContainsAny(c.KeyPrefix, "{}") {
		wrong("key_prefix: braces decide a key's slot in a Cluster; leave them out")
	}
	for _, n := range []struct {
		key   string
		value int64
	}{
		{"database", int64(c.Database)},
		{"timeout", int64(c.Timeout)},
		{"dial_timeout", int64(c.DialTimeout)},
		{"pool_size", int64(c.PoolSize)},
		{"min_idle", int64(c.MinIdle)},
		{"break_after", int64(c.BreakAfter)},
		{"break_for", int64(c.BreakFor)},
	} {
		if n.value < 0 {
			wrong("%s: can't be negative", n.key)
		}
	}
	if !c.Enabled() {
		if c.Master != "" || c.Cluster || c.Username != "" || c.Password != "" || c.TLS.Enabled {
			wrong("addresses: none, but other keys say how to reach Redis")
		}
		return errors.Join(problems...)
	}
	full := c.WithDefaults()
	switch {
	case c.Master != "" && c.Cluster:
		wrong("master and cluster: give one; Sentinels watch no Cluster")
	case c.Master == "" && !c.Cluster && len(c.Addresses) > 1:
		wrong("addresses: several, but neither master, for Sentinels, nor cluster is given")
	}
	if c.Cluster && c.Database > 0 {
		wrong("database and cluster: a Cluster has database 0 only")
	}
	if c.Master == "" && (c.SentinelUsername != "" || c.SentinelPassword != "") {
		wrong("sentinel_username and sentinel_password: without master there are no Sentinels")
	}
	if c.Username != "" && c.Password == "" {
		wrong("username: %q has no password", c.Username)
	}
	if full.MinIdle > full.PoolSize {
		wrong("min_idle (%d) is over pool_size (%d)", full.MinIdle, full.PoolSize)
	}
	if full.Timeout > 0 && full.Timeout < time.Millisecond {
		wrong("timeout: %v is too short for any answer; give 1ms or more", full.Timeout)
	}
	if full.DialTimeout > 0 && full.DialTimeout < full.Timeout {
		wrong("dial_timeout (%v) is under timeout (%v): the command could wait longer", full.DialTimeout, full.Timeout)
	}
	return errors.Join(append(problems, c.TLS.validate()...)...)
}

func (t TLS) validate() []error {
	var problems []error
	if !t.Enabled && t != (TLS{}) {
		problems = append(problems, errors.New("tls.enabled: false, but other keys say how to encrypt"))
	}
	if (t.Cert == "") != (t.Key == "") {
		problems = append(problems, errors.New("tls.cert and tls.key: give both or none"))
	}
	return problems
}

// load reads the files. It returns nil when connections aren't encrypted.
func (t TLS) load() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("tls.ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca: %s has no certificate", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("tls.cert and tls.key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
