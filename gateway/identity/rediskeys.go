package identity

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisKeys is a Keyring in Redis, for many keys or many gateways. A key's record is a hash under "<prefix>key:" and the
// key's SHA-256; "<prefix>keys" leads from ids to hashes. Neither names a client, and no credential is kept. Every
// command is for one Redis key, so that a cluster will do.
type RedisKeys struct {
	client redis.UniversalClient
	prefix string
}

var _ Keyring = (*RedisKeys)(nil)

// DefaultRedisPrefix is what our Redis keys begin with.
const DefaultRedisPrefix = "tributary:"

// NewRedisKeys keeps keys in Redis. An empty prefix is DefaultRedisPrefix.
func NewRedisKeys(client redis.UniversalClient, prefix string) *RedisKeys {
	return &RedisKeys{client, cmp.Or(prefix, DefaultRedisPrefix)}
}

func (r *RedisKeys) record(h Hash) string { return r.prefix + "key:" + hex.EncodeToString(h[:]) }
func (r *RedisKeys) ids() string          { return r.prefix + "keys" }

// Create writes the id first: a key that works without being listed could not be revoked.
func (r *RedisKeys) Create(ctx context.Context, k Key) error {
	if err := k.check(); err != nil {
		return err
	}
	added, err := r.client.HSetNX(ctx, r.ids(), k.ID, k.Hash.String()).Result()
	if err != nil {
		return fmt.Errorf("write the key's id: %w", err)
	}
	if !added {
		return fmt.Errorf("the key %s exists", k.ID)
	}
	fields := []any{"id", k.ID, "client", k.Client, "plan", k.Plan, "scopes", strings.Join(k.Scopes, " "), "created", stamp(k.Created), "expires", stamp(k.Expires)}
	if err := r.client.HSet(ctx, r.record(k.Hash), fields...).Err(); err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	return nil
}

// List reads all records.
func (r *RedisKeys) List(ctx context.Context) ([]Key, error) {
	ids, err := r.client.HGetAll(ctx, r.ids()).Result()
	if err != nil {
		return nil, fmt.Errorf("read the keys' ids: %w", err)
	}
	keys := make([]Key, 0, len(ids))
	for id, text := range ids {
		var h Hash
		if err := h.UnmarshalText([]byte(text)); err != nil {
			return nil, fmt.Errorf("key %s: %w", id, err)
		}
		k, found, err := r.find(ctx, h)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", id, err)
		}
		if found { // else Create didn't get to its end
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID)) })
	return keys, nil
}

// Revoke writes into the record when the key was revoked.
func (r *RedisKeys) Revoke(ctx context.Context, id string, now time.Time) error {
	text, err := r.client.HGet(ctx, r.ids(), id).Result()
	if err == redis.Nil { //nolint:errorlint // it's never wrapped
		return ErrNoKey
	}
	if err != nil {
		return fmt.Errorf("read the key's id: %w", err)
	}
	var h Hash
	if err := h.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	if err := r.client.HSetNX(ctx, r.record(h), "revoked", stamp(now.UTC().Truncate(time.Second))).Err(); err != nil {
		return fmt.Errorf("revoke the key: %w", err)
	}
	return nil
}

// find reads one record. A record that can't be read is an error: it might be a revocation.
func (r *RedisKeys) find(ctx context.Context, h Hash) (Key, bool, error) {
	fields, err := r.client.HGetAll(ctx, r.record(h)).Result()
	if err != nil {
		return Key{}, false, err
	}
	if fields["id"] == "" { // nothing, or what Revoke left of a record that was removed
		return Key{}, false, nil
	}
	k := Key{ID: fields["id"], Client: fields["client"], Hash: h, Plan: fields["plan"], Scopes: strings.Fields(fields["scopes"])}
	for name, at := range map[string]*time.Time{"created": &k.Created, "expires": &k.Expires, "revoked": &k.Revoked} {
		if fields[name] == "" {
			continue
		}
		if *at, err = time.Parse(time.RFC3339, fields[name]); err != nil {
			return Key{}, false, &recordError{k.ID, name + " is no time"}
		}
	}
	if err := k.check(); err != nil {
		return Key{}, false, &recordError{k.ID, err.Error()}
	}
	return k, subtle.ConstantTimeCompare(k.Hash[:], h[:]) == 1, nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
