// Package redisconn makes the gateway's connection to Redis.
//
// It knows how a single server, a master that Sentinels name and a Cluster are reached, with TLS and an ACL user, and
// turns that into one go-redis client for all packages that keep something in Redis. Its model of trouble: Redis is an
// aid, so nothing waits for it long. A command has 50 ms and is sent once. After five commands in a row without an
// answer a server is left alone for 500 ms: commands fail at once with ErrDown, then one is let through to see. Each
// server of a Cluster is judged by itself. The log has one line when a server stops answering and one when it is back.
// A client can be made while Redis is down.
package redisconn

import (
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// ErrDown is the answer to a command that wasn't sent, because the server gave no answers a moment ago.
var ErrDown = errors.New("redis gave no answers a moment ago")

// Options are what a client needs beside its Config. The zero value is silence.
type Options struct {
	// Logger gets a line when a server stops answering or is back.
	Logger *slog.Logger
	// Metrics counts the same.
	Metrics Metrics
}

// Metrics are the measurements of this package. Implementations may be called concurrently.
type Metrics interface {
	// RedisUp says that a server stopped answering (false) or is back (true).
	RedisUp(up bool)
}

// New makes a client of the servers that c names. Nothing is sent before the first command, but for idle connections
// that are kept ready. The error is c.Validate's, or says which file of TLS can't be read.
func New(c Config, o Options) (redis.UniversalClient, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if !c.Enabled() {
		return nil, errors.New("addresses: name at least one")
	}
	c = c.WithDefaults()
	tlsConfig, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	// go-redis tells the standard logger of each attempt to reach a server, by address. The breaker says it once. This
	// is a setting of the whole process, and there's no other.
	logging.Disable()

	all := &redis.UniversalOptions{
		Addrs:            c.Addresses,
		DB:               c.Database,
		ClientName:       "tributary",
		Protocol:         2, // RESP3 looks for pushed messages before each command, and none are for us
		Username:         c.Username,
		Password:         c.Password.Reveal(),
		SentinelUsername: c.SentinelUsername,
		SentinelPassword: c.SentinelPassword.Reveal(),
		MasterName:       c.Master,

		// A command has c.Timeout, connecting included: a dial that takes longer goes on for the next command.
		MaxRetries:            -1,
		DialerRetries:         1,
		DialTimeout:           c.DialTimeout,
		ReadTimeout:           c.Timeout,
		WriteTimeout:          c.Timeout,
		PoolTimeout:           c.Timeout,
		ContextTimeoutEnabled: true,
		MinRetryBackoff:       time.Millisecond, // between redirections of a Cluster
		MaxRetryBackoff:       8 * time.Millisecond,

		PoolSize:                 c.PoolSize,
		MinIdleConns:             c.MinIdle,
		PipelinePoolSize:         -1,
		ConnMaxIdleTime:          5 * time.Minute,
		TLSConfig:                tlsConfig,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	guarded := func(client *redis.Client) *redis.Client {
		client.AddHook(&guard{options: o, breaker: breaker{limit: c.BreakAfter, pause: c.BreakFor}})
		return client
	}
	switch {
	case c.Master != "":
		return guarded(redis.NewFailoverClient(all.Failover())), nil
	case c.Cluster:
		cluster := all.Cluster()
		cluster.NewClient = func(node *redis.Options) *redis.Client { return guarded(redis.NewClient(node)) }
		return redis.NewClusterClient(cluster), nil
	default:
		return guarded(redis.NewClient(all.Simple())), nil
	}
}
