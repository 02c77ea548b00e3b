package reuse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

func TestConfigNamesEveryProblem(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*reuse.Config)
		want   []string
	}{
		{"what there is before anything is configured", func(*reuse.Config) {}, nil},
		{"below 0", func(c *reuse.Config) { c.TTL, c.StaleIfError, c.StaleWhileRevalidate, c.Keep = -1, -1, -1, -1 }, []string{"ttl: ", "stale_while_revalidate: ", "stale_if_error: ", "keep: "}},
		{"over a year", func(c *reuse.Config) { c.TTL = 9000 * time.Hour }, []string{"ttl: "}},
		{"long negative answers", func(c *reuse.Config) { c.NegativeTTL = 2 * time.Hour }, []string{"negative_ttl: "}},
		{"no negative answers", func(c *reuse.Config) { c.NegativeTTL = -1 }, nil},
		{"sizes", func(c *reuse.Config) { c.MaxSize = -1 }, []string{"max_size: "}},
		{"large", func(c *reuse.Config) { c.MaxSize = 1 << 30 }, []string{"max_size: "}},
		{"no respect, and no ttl", func(c *reuse.Config) { c.Respect = false }, []string{"respect, ttl: "}},
		{"no respect, and a ttl", func(c *reuse.Config) { c.Respect, c.TTL = false, time.Minute }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := reuse.Default()
			c.change(&config)
			begin(t, config.Validate(), c.want)
			_, err := reuse.New(config, reuse.Options{Service: "shop", Store: memory(t, nil)})
			if (err != nil) != (len(c.want) > 0) {
				t.Errorf("New: %v", err)
			}
		})
	}
}

func TestRuleNamesEveryProblem(t *testing.T) {
	for _, c := range []struct {
		rule reuse.Rule
		want []string
	}{
		{reuse.Rule{}, nil},
		{reuse.Rule{TTL: time.Minute, Respect: reuse.Ignored, Stale: time.Minute}, nil},
		{reuse.Rule{Off: true}, nil},
		{reuse.Rule{TTL: reuse.None, Stale: reuse.None}, nil},
		{reuse.Rule{TTL: -2, Stale: -2}, []string{"ttl: ", "stale: "}},
		{reuse.Rule{Off: true, TTL: time.Minute}, []string{"ttl, respect, stale: "}},
	} {
		begin(t, c.rule.Validate(), c.want)
	}
}

func TestNewWantsAServiceAndAStore(t *testing.T) {
	if _, err := reuse.New(reuse.Default(), reuse.Options{Service: "shop"}); err == nil {
		t.Error("no store")
	}
	if _, err := reuse.New(reuse.Default(), reuse.Options{Store: memory(t, nil)}); err == nil {
		t.Error("no service")
	}
}

// begin wants as many lines, with these beginnings.
func begin(t *testing.T, err error, want []string) {
	t.Helper()
	var got []string
	if err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}
