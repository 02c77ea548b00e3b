package identity_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/identity"
)

func newKey(t testing.TB, client string, change func(*identity.Key)) (string, identity.Key) {
	t.Helper()
	text, k, err := identity.NewKey(client, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&k)
	}
	return text, k
}

// keyFile is a file with keys.
func keyFile(t testing.TB, name string, keys ...identity.Key) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	for _, k := range keys {
		if err := identity.NewKeyFile(path).Create(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestKeyText(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		text, k := newKey(t, "mobile", nil)
		if len(text) != 64 || !strings.HasPrefix(text, "trb_"+k.ID+"_") || k.Hash != identity.HashOf(text) || seen[text] {
			t.Fatalf("%q %+v", text, k)
		}
		seen[text] = true
	}
	for _, client := range []string{"", "a\nb", strings.Repeat("x", 300)} {
		if _, _, err := identity.NewKey(client, time.Now()); err == nil {
			t.Errorf("a key for %q", client)
		}
	}
}

// TestKeys goes through the ways to show a key, over both forms of the file.
func TestKeys(t *testing.T) {
	now := newClock()
	good, k1 := newKey(t, "mobile", func(k *identity.Key) { k.Plan, k.Scopes = "gold", []string{"read:b", "read:a"} })
	second, k2 := newKey(t, "mobile", nil)
	ended, k3 := newKey(t, "mobile", func(k *identity.Key) { k.Expires = now.now() })
	soon, k4 := newKey(t, "web", func(k *identity.Key) { k.Expires = now.now().Add(time.Hour) })
	gone, k5 := newKey(t, "mobile", func(k *identity.Key) { k.Revoked = now.now().Add(-time.Hour) })
	unknown, _ := newKey(t, "mobile", nil)
	own := "a-key-that-somebody-else-has-made-0123456789"
	_, k6 := newKey(t, "legacy", func(k *identity.Key) { k.Hash = identity.HashOf(own) })
	wrong := good[:len(good)-1] + map[bool]string{true: "a", false: "b"}[good[len(good)-1] != 'a']

	for _, name := range []string{"keys.yaml", "keys.json"} {
		a := start(t, identity.Config{
			Keys:    identity.Keys{File: keyFile(t, name, k1, k2, k3, k4, k5, k6)},
			Clients: []identity.ClientConfig{{ID: "mobile", Plan: "silver", Scopes: []string{"extra"}}},
		}, identity.Options{Now: now.now})
		const invalid = "The API key is not valid."
		for _, c := range []struct {
			name, refused   string
			headers         []string
			id, plan, scope string
		}{
			{"X-Api-Key", "", []string{"X-Api-Key", good}, "mobile", "gold", "extra read:a read:b"},
			{"x-access-tokens", "", []string{"x-access-tokens", good}, "mobile", "gold", "extra read:a read:b"},
			{"white space", "", []string{"X-Api-Key", " " + good + " "}, "mobile", "gold", "extra read:a read:b"},
			{"twice the same", "", []string{"X-Api-Key", good, "X-Access-Tokens", good}, "mobile", "gold", "extra read:a read:b"},
			{"the client's plan", "", []string{"X-Api-Key", second}, "mobile", "silver", "extra"},
			{"the default plan", "", []string{"X-Api-Key", soon}, "web", "default", ""},
			{"a key of others", "", []string{"X-Api-Key", own}, "legacy", "default", ""},
			{"no key", "", nil, "192.0.2.1", "anonymous", ""},
			{"an empty key", "", []string{"X-Api-Key", ""}, "192.0.2.1", "anonymous", ""},
			{"a token without issuers", "", []string{"Authorization", "Bearer " + good}, "192.0.2.1", "anonymous", ""},
			{"expired", invalid, []string{"X-Api-Key", ended}, "", "", ""},
			{"revoked", invalid, []string{"X-Api-Key", gone}, "", "", ""},
			{"unknown", invalid, []string{"X-Api-Key", unknown}, "", "", ""},
			{"a wrong checksum", invalid, []string{"X-Api-Key", wrong}, "", "", ""},
			{"too long", invalid, []string{"X-Api-Key", strings.Repeat("x", 10_000)}, "", "", ""},
			{"its hash", invalid, []string{"X-Api-Key", k1.Hash.String()}, "", "", ""},
			{"two", "There is more than one credential of a kind.", []string{"X-Api-Key", good, "X-Api-Key", second}, "", "", ""},
			{"a good and a bad one", "There is more than one credential of a kind.", []string{"X-Api-Key", good, "x-access-tokens", unknown}, "", "", ""},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				client, err := a.Identify(request(c.headers...))
				if c.refused != "" {
					refused(t, a, err, c.refused, c.headers[1])
					if got := a.Challenge(err); got != `ApiKey realm="graphql"` {
						t.Errorf("challenge %s", got)
					}
					return
				}
				if err != nil || client.ID != c.id || client.Plan != c.plan || strings.Join(client.Scopes, " ") != c.scope {
					t.Fatalf("%+v %v", client, err)
				}
				if keyed := c.id != "192.0.2.1"; client.Authenticated != keyed || (client.Method == identity.APIKey) != keyed || (client.Key != "") != keyed {
					t.Errorf("%+v", client)
				}
			})
		}
		t.Run(name+"/it ends", func(t *testing.T) {
			later := newClock()
			later.advance(time.Hour)
			b := start(t, identity.Config{Keys: identity.Keys{File: keyFile(t, name, k4)}}, identity.Options{Now: later.now})
			_, err := b.Identify(request("X-Api-Key", soon))
			refused(t, b, err, invalid, soon)
		})
	}
}

// TestQueryIsNotRead: a credential in a URL is none, and wrong ones there are not looked at.
func TestQueryIsNotRead(t *testing.T) {
	text, k := newKey(t, "mobile", nil)
	a := start(t, identity.Config{Keys: identity.Keys{File: keyFile(t, "keys.yaml", k)}}, identity.Options{})
	r := request()
	r.URL.RawQuery = "X-Api-Key=" + text + "&api_key=" + text + "&access_token=" + text
	if c, err := a.Identify(r); err != nil || c.Authenticated {
		t.Errorf("%+v %v", c, err)
	}
}

func TestRequired(t *testing.T) {
	text, k := newKey(t, "mobile", nil)
	a := start(t, identity.Config{Required: true, Keys: identity.Keys{File: keyFile(t, "keys.yaml", k), Headers: []string{"My-Key"}}}, identity.Options{})
	_, err := a.Identify(request("X-Api-Key", text))
	refused(t, a, err, "Credentials are required.")
	if c, err := a.Identify(request("my-key", text)); err != nil || c.ID != "mobile" {
		t.Errorf("%+v %v", c, err)
	}
}

// TestKeysChange: a running gateway sees keys that are made and revoked, and goes on with those it has when the file
// breaks.
func TestKeysChange(t *testing.T) {
	first, k1 := newKey(t, "one", nil)
	second, k2 := newKey(t, "two", nil)
	path := keyFile(t, "keys.yaml", k1)
	var log records
	a := start(t, identity.Config{Keys: identity.Keys{File: path}}, identity.Options{Logger: log.logger()})
	valid := func(text string) bool {
		_, err := a.Identify(request("X-Api-Key", text))
		return err == nil
	}
	if !valid(first) || valid(second) {
		t.Fatal("wrong at the start")
	}
	ring := identity.NewKeyFile(path)
	if err := ring.Create(t.Context(), k2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new key works", func() bool { return valid(second) })
	begin := time.Now()
	if err := ring.Revoke(t.Context(), k1.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old key is refused", func() bool { return !valid(first) })
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("revoking took %v", took)
	}
	if err := os.WriteFile(path, []byte("keys:\n  - id: x\n    client: y\n    hash: zzz\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log says so", func() bool { return strings.Contains(log.String(), "keys.yaml:4: ") })
	if !valid(second) || valid(first) {
		t.Error("a broken file changed the keys")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log says so", func() bool { return strings.Contains(log.String(), "no such file") })
	if !valid(second) {
		t.Error("a missing file changed the keys")
	}
	if err := ring.Create(t.Context(), k1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the file is read again", func() bool { return valid(first) && !valid(second) })
}

// TestKeyFileByLink: Kubernetes replaces a link to a folder, not the file.
func TestKeyFileByLink(t *testing.T) {
	first, k1 := newKey(t, "one", nil)
	second, k2 := newKey(t, "two", nil)
	folder := t.TempDir()
	link := filepath.Join(folder, "keys.yaml")
	if err := errors.Join(os.Symlink(filepath.Dir(keyFile(t, "keys.yaml", k1)), filepath.Join(folder, "data")), os.Symlink("data/keys.yaml", link)); err != nil {
		t.Fatal(err)
	}
	a := start(t, identity.Config{Keys: identity.Keys{File: link}}, identity.Options{})
	if _, err := a.Identify(request("X-Api-Key", first)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(filepath.Dir(keyFile(t, "keys.yaml", k2)), filepath.Join(folder, "new")), os.Rename(filepath.Join(folder, "new"), filepath.Join(folder, "data"))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other file is read", func() bool {
		_, err := a.Identify(request("X-Api-Key", second))
		return err == nil
	})
}

func TestBrokenKeyFiles(t *testing.T) {
	hash := identity.HashOf("x").String()
	record := "  - id: a\n    client: b\n    hash: " + hash + "\n"
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ":1: the file is empty"},
		{"cut off", "keys:\n  - id: a\n    cli", ":3: "},
		{"no keys", "key: []", `:1: unknown or repeated key`},
		{"no list", "keys: {}", ":1: keys is no list"},
		{"an unknown member", "keys:\n" + record + "    secret: x\n", ":5: unknown field"},
		{"no client", "keys:\n  - id: a\n    hash: " + hash, "client is missing"},
		{"no hash", "keys:\n  - id: a\n    client: b", "hash is missing"},
		{"a wrong hash", "keys:\n" + record + "  - id: c\n    client: d\n    hash: sha256:12", "64 hexadecimal digits"},
		{"twice", "keys:\n" + record + record, ":5: key a is there twice"},
		{"a scope with a space", "keys:\n" + record + "    scopes: [a b]", `:2: scope "a b"`},
		{"no time", "keys:\n" + record + "    expires: soon", ":5: "},
		{"JSON", `{"keys": [{"id": "a"}]}`, ":1: client is missing"},
		{"two documents", "keys: []\n---\nkeys: []", ":1: "},
		{"nested", strings.Repeat("[", 100_000), "nested too deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.yaml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := identity.New(identity.Config{Keys: identity.Keys{File: path}}, identity.Options{})
			if err == nil || !strings.Contains(err.Error(), "keys.yaml") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), hash[7:]) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err := identity.NewKeyFile(path).Revoke(t.Context(), "a", time.Now()); err == nil {
				t.Error("it was changed all the same")
			}
			if after, _ := os.ReadFile(path); string(after) != c.text {
				t.Error("it was overwritten")
			}
		})
	}
}

// TestKeyrings holds the two keyrings to the same promises.
func TestKeyrings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	suite := func(t *testing.T, ring identity.Keyring) {
		ctx := t.Context()
		if keys, err := ring.List(ctx); err != nil || len(keys) != 0 {
			t.Fatalf("%v %v", keys, err)
		}
		_, k1 := newKey(t, "mobile", func(k *identity.Key) { k.Plan, k.Scopes = "gold", []string{"b", "a"} })
		_, k2 := newKey(t, "Ünïcode: #client", func(k *identity.Key) {
			k.Created = k.Created.Add(time.Minute)
			k.Expires = k.Created.Add(time.Hour)
		})
		for _, k := range []identity.Key{k1, k2} {
			if err := ring.Create(ctx, k); err != nil {
				t.Fatal(err)
			}
			if err := ring.Create(ctx, k); err == nil {
				t.Error("it was made twice")
			}
		}
		if err := ring.Create(ctx, identity.Key{ID: "x", Client: "y"}); err == nil {
			t.Error("a key without a hash")
		}
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		if err := errors.Join(ring.Revoke(ctx, k1.ID, at), ring.Revoke(ctx, k1.ID, at.Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
		if err := ring.Revoke(ctx, "nobody", at); !errors.Is(err, identity.ErrNoKey) {
			t.Errorf("got %v", err)
		}
		k1.Revoked = at
		keys, err := ring.List(ctx)
		if err != nil || len(keys) != 2 {
			t.Fatalf("%v %v", keys, err)
		}
		for i, want := range []identity.Key{k1, k2} {
			if got := keys[i]; got.ID != want.ID || got.Client != want.Client || got.Hash != want.Hash || got.Plan != want.Plan || !slices.Equal(got.Scopes, want.Scopes) ||
				!got.Created.Equal(want.Created) || !got.Expires.Equal(want.Expires) || !got.Revoked.Equal(want.Revoked) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		}
		var all sync.WaitGroup
		for i := range 20 { // nobody's change is lost
			all.Go(func() {
				_, k := newKey(t, fmt.Sprint("client", i), nil)
				if err := ring.Create(ctx, k); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if keys, err := ring.List(ctx); err != nil || len(keys) != 22 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
	}
	t.Run("file", func(t *testing.T) {
		suite(t, identity.NewKeyFile(file))
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		if err := os.Chmod(file, 0o640); err != nil {
			t.Fatal(err)
		}
		_, k := newKey(t, "another", nil)
		if err := identity.NewKeyFile(file).Create(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%v %v", info.Mode(), err)
		}
	})
	t.Run("json", func(t *testing.T) { suite(t, identity.NewKeyFile(filepath.Join(t.TempDir(), "keys.json"))) })
	t.Run("redis", func(t *testing.T) {
		client, _ := startRedis(t)
		suite(t, identity.NewRedisKeys(client, ""))
	})
}

// TestKeysInRedis: what is in Redis, how soon a change is seen, and what happens when Redis is gone.
func TestKeysInRedis(t *testing.T) {
	client, server := startRedis(t)
	ring := identity.NewRedisKeys(client, "")
	first, k1 := newKey(t, "mobile-client", func(k *identity.Key) { k.Scopes = []string{"a"} })
	second, k2 := newKey(t, "second-client", nil)
	never, _ := newKey(t, "x", nil)
	if err := errors.Join(ring.Create(t.Context(), k1), ring.Create(t.Context(), k2)); err != nil {
		t.Fatal(err)
	}
	for _, name := range client.Keys(t.Context(), "*").Val() {
		if strings.Contains(name, "client") || strings.Contains(name, first) || strings.Contains(name, k1.ID) {
			t.Errorf("Redis has %s", name)
		}
		if record := fmt.Sprint(client.HGetAll(t.Context(), name).Val()); strings.Contains(record, first[16:]) {
			t.Errorf("Redis has %s", record)
		}
	}
	now := newClock()
	var log records
	a := start(t, identity.Config{Keys: identity.Keys{Redis: true}}, identity.Options{Redis: client, Now: now.now, Logger: log.logger()})
	ask := func(text string) error {
		_, err := a.Identify(request("X-Api-Key", text))
		return err
	}
	if c, err := a.Identify(request("X-Api-Key", first)); err != nil || c.ID != "mobile-client" || !c.Scopes.Has("a") {
		t.Fatalf("%+v %v", c, err)
	}
	refused(t, a, ask(never), "The API key is not valid.", never)
	if err := ring.Revoke(t.Context(), k1.ID, now.now()); err != nil {
		t.Fatal(err)
	}
	now.advance(5 * time.Second)
	refused(t, a, ask(first), "The API key is not valid.", first)
	if err := ask(second); err != nil {
		t.Fatal(err)
	}

	_ = server.Kill()
	_, _ = server.Wait()
	now.advance(time.Minute)
	if err := ask(second); err != nil {
		t.Errorf("a key that was valid a minute ago: %v", err)
	}
	err := ask(never)
	if fail.KindOf(err) != fail.UpstreamUnavailable || a.Challenge(err) != "" {
		t.Errorf("got %v", err)
	}
	begin := time.Now()
	for range 1000 {
		_ = ask(second)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("1000 requests took %v", took)
	}
	now.advance(time.Hour)
	if err := ask(second); fail.KindOf(err) != fail.UpstreamUnavailable {
		t.Errorf("got %v", err)
	}
	if n := strings.Count(log.String(), "can't be looked up"); n != 1 {
		t.Errorf("%d lines in the log", n)
	}
}

// TestBadRecordInRedis: one record that can't be read is an error of its own key.
func TestBadRecordInRedis(t *testing.T) {
	client, _ := startRedis(t)
	ring := identity.NewRedisKeys(client, "p:")
	first, k1 := newKey(t, "one", nil)
	second, k2 := newKey(t, "two", nil)
	if err := errors.Join(ring.Create(t.Context(), k1), ring.Create(t.Context(), k2)); err != nil {
		t.Fatal(err)
	}
	if err := client.HSet(t.Context(), "p:key:"+k1.Hash.String()[7:], "revoked", "yesterday").Err(); err != nil {
		t.Fatal(err)
	}
	a := start(t, identity.Config{Keys: identity.Keys{Redis: true, RedisPrefix: "p:"}}, identity.Options{Redis: client})
	if _, err := a.Identify(request("X-Api-Key", first)); fail.KindOf(err) != fail.UpstreamUnavailable {
		t.Errorf("got %v", err)
	}
	if _, err := a.Identify(request("X-Api-Key", second)); err != nil {
		t.Error(err)
	}
}

// TestKeysOfTheProgram: a demo needs no file.
func TestKeysOfTheProgram(t *testing.T) {
	text, k := newKey(t, "demo", nil)
	a := start(t, identity.Config{}, identity.Options{Keys: []identity.Key{k}})
	if c, err := a.Identify(request("X-Api-Key", text)); err != nil || c.ID != "demo" {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := identity.New(identity.Config{}, identity.Options{Keys: []identity.Key{{ID: "x"}}}); err == nil {
		t.Error("a key without a client")
	}
}

// TestFileBeforeRedis: keys may be in both.
func TestFileBeforeRedis(t *testing.T) {
	client, _ := startRedis(t)
	first, k1 := newKey(t, "one", nil)
	second, k2 := newKey(t, "two", nil)
	if err := identity.NewRedisKeys(client, "").Create(context.Background(), k2); err != nil {
		t.Fatal(err)
	}
	a := start(t, identity.Config{Keys: identity.Keys{File: keyFile(t, "k.yaml", k1), Redis: true}}, identity.Options{Redis: client})
	for text, want := range map[string]string{first: "one", second: "two"} {
		if c, err := a.Identify(request("X-Api-Key", text)); err != nil || c.ID != want {
			t.Errorf("%+v %v", c, err)
		}
	}
}
