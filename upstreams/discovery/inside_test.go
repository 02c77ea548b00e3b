package discovery

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestNextIndex(t *testing.T) {
	for _, test := range []struct{ before, now, want uint64 }{{0, 7, 7}, {7, 7, 7}, {7, 9, 9}, {9, 7, 0}, {0, 0, 1}, {1, 0, 0}} {
		if got := nextIndex(test.before, test.now); got != test.want {
			t.Errorf("%d after %d: %d, want %d", test.now, test.before, got, test.want)
		}
	}
}

// TestTidy: whatever the order of a list, it comes out the same, sorted, each address once.
func TestTidy(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pool := []string{"http://a", "http://A:80/", "https://a", "http://10.0.0.1:8080", "http://[::ffff:10.0.0.1]:8080", "http://[2001:DB8:0::1]", "junk", "http://b/x"}
	for range 1000 {
		list := make([]Instance, random.IntN(12))
		for i := range list {
			list[i] = Instance{URL: pool[random.IntN(len(pool))], Weight: random.IntN(4), Zone: []string{"", "z1", "z2"}[random.IntN(3)]}
		}
		good, refused := tidy(list)
		shuffled := slices.Clone(list)
		random.Shuffle(len(list), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again, _ := tidy(shuffled)
		if !slices.Equal(good, again) {
			t.Fatalf("%v\n%v\n%v", list, good, again)
		}
		urls := map[string]bool{}
		for i, instance := range good {
			if urls[instance.URL] || i > 0 && good[i-1].URL > instance.URL || instance.Weight < 1 {
				t.Fatalf("%v from %v", good, list)
			}
			urls[instance.URL] = true
		}
		if len(good)+len(refused) > len(list) || len(list) > 0 && len(good)+len(refused) == 0 {
			t.Fatalf("%d and %d of %d", len(good), len(refused), len(list))
		}
	}
}

// FuzzOrigin: what is taken is http(s)://host:port and nothing else, and is taken again as it is.
func FuzzOrigin(f *testing.F) {
	for _, seed := range []string{"http://a", "https://[::1]:8443", "http://10.0.0.1:8080/", "http://a@b", "http://a:0", "http://%41", "http://a#", "//a", "http:a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseOrigin(text)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Port() == "" || u.Hostname() == "" || u.User != nil || u.Path+u.RawQuery+u.Fragment != "" ||
			strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("%q became %q", text, got)
		}
		if again, err := parseOrigin(got); err != nil || again != got {
			t.Fatalf("%q became %q, then %q, %v", text, got, again, err)
		}
	})
}

// FuzzTargets: nothing makes the reader stumble, a mistake has a line, and what comes out are instances.
func FuzzTargets(f *testing.F) {
	for _, seed := range []string{
		`[{"targets": ["a:1"], "labels": {"zone": "z"}}]`, "- targets: [a:1]\n  labels:\n    weight: 2\n", "- &a x\n- *a", "{", "[[[[", "- - - -", "? x\n: y", "|\n x",
		"- targets:\n  - !!str a:1", "<<: {}", "- {<<: {targets: []}}", `[{"targets": [1e999]}]`, "a: .nan", "%YAML 1.2\n---\n[]", "- targets: [\"a:1\"]\n  labels: {? x : y}",
	} {
		f.Add(true, []byte(seed))
		f.Add(false, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, asJSON bool, text []byte) {
		if len(text) > 16<<10 {
			return
		}
		path := "t.yaml"
		if asJSON {
			path = "t.json"
		}
		list, err := parseTargets(path, text)
		if err != nil {
			line, ok := strings.CutPrefix(err.Error(), path+":")
			if !ok || line == "" || line[0] < '1' || line[0] > '9' {
				t.Fatalf("%q: no line in %q", text, err)
			}
			return
		}
		if good, refused := tidy(list); len(refused) > 0 {
			t.Fatalf("%q: %v, %v", text, good, errors.Join(refused...))
		}
	})
}
