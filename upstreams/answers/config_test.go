package answers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/answers"
)

func TestConfigNamesEveryProblem(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*answers.Config)
		want   []string
	}{
		{"what there is before anything is configured", func(*answers.Config) {}, nil},
		{"below 0", func(c *answers.Config) { c.TTL, c.StaleIfError, c.StaleWhileRevalidate, c.Keep = -1, -1, -1, -1 }, []string{"ttl: ", "stale_while_revalidate: ", "stale_if_error: ", "keep: "}},
		{"over a year", func(c *answers.Config) { c.TTL = 9000 * time.Hour }, []string{"ttl: "}},
		{"long negative answers", func(c *answers.Config) { c.NegativeTTL = 2 * time.Hour }, []string{"negative_ttl: "}},
		{"no negative answers", func(c *answers.Config) { c.NegativeTTL = -1 }, nil},
		{"sizes", func(c *answers.Config) { c.MaxSize = -1 }, []string{"max_size: "}},
		{"large", func(c *answers.Config) { c.MaxSize = 1 << 30 }, []string{"max_size: "}},
		{"no respect, and no ttl", func(c *answers.Config) { c.Respect = false }, []string{"respect, ttl: "}},
		{"no respect, and a ttl", func(c *answers.Config) { c.Respect, c.TTL = false, time.Minute }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := answers.Default()
			c.change(&config)
			begin(t, config.Validate(), c.want)
			_, err := answers.New(config, answers.Options{Service: "shop", Store: memory(t, nil)})
			if (err != nil) != (len(c.want) > 0) {
				t.Errorf("New: %v", err)
			}
		})
	}
}

func TestRuleNamesEveryProblem(t *testing.T) {
	for _, c := range []struct {
		rule answers.Rule
		want []string
	}{
		{answers.Rule{}, nil},
		{answers.Rule{TTL: time.Minute, Respect: answers.Ignored, Stale: time.Minute}, nil},
		{answers.Rule{Off: true}, nil},
		{answers.Rule{TTL: -1, Stale: -1}, []string{"ttl: ", "stale: "}},
		{answers.Rule{Off: true, TTL: time.Minute}, []string{"ttl, respect, stale: "}},
	} {
		begin(t, c.rule.Validate(), c.want)
	}
}

func TestNewWantsAServiceAndAStore(t *testing.T) {
	if _, err := answers.New(answers.Default(), answers.Options{Service: "shop"}); err == nil {
		t.Error("no store")
	}
	if _, err := answers.New(answers.Default(), answers.Options{Store: memory(t, nil)}); err == nil {
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
