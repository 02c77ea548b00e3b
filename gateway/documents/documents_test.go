package documents_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/redis/go-redis/v9"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/documents"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
	"github.com/tributary-gateway/tributary/internal/journal"
)

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func apq(hash string) map[string]any {
	return map[string]any{"persistedQuery": map[string]any{"version": json.Number("1"), "sha256Hash": hash}}
}

func start(t testing.TB, c documents.Config, o documents.Options) *documents.Documents {
	t.Helper()
	d, err := documents.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// codeOf is the error's code as a client reads it, "" for none.
func codeOf(err error) string {
	var told *gqlerror.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &told):
		return told.Extensions["code"].(string)
	case fail.KindOf(err) == fail.BadRequest:
		return "BAD_REQUEST"
	}
	return err.Error()
}

// resolve gives what came of a request: the text, the error's code, and what is to be remembered.
func resolve(d *documents.Documents, query, id, plan string, extensions map[string]any) (string, string, documents.Lesson) {
	params := &graphql.RawParams{Query: query, Extensions: extensions}
	lesson, err := d.Resolve(context.Background(), params, id, plan)
	return params.Query, codeOf(err), lesson
}

func TestAutomaticPersistedQueries(t *testing.T) {
	d := start(t, documents.Config{}, documents.Options{})
	const query = "{ posts { id } }"
	if _, code, _ := resolve(d, "", "", "", apq(sha(query))); code != fail.PersistedQueryNotFound.Code() {
		t.Errorf("unknown: %s", code)
	}
	got, code, lesson := resolve(d, query, "", "", apq(sha(query)))
	if got != query || code != "" {
		t.Errorf("with its text: %q %s", got, code)
	}
	if _, code, _ := resolve(d, "", "", "", apq(sha(query))); code != fail.PersistedQueryNotFound.Code() {
		t.Errorf("a text was learnt before it was checked: %s", code)
	}
	d.Remember(t.Context(), lesson)
	d.Remember(t.Context(), documents.Lesson{}) // nothing to learn
	if got, code, _ := resolve(d, "", "", "", apq(sha(query))); got != query || code != "" {
		t.Errorf("by hash: %q %s", got, code)
	}
	if got, code, _ := resolve(d, "", "sha256:"+sha(query), "", nil); got != query || code != "" {
		t.Errorf("by prefixed id: %q %s", got, code)
	}
	if got, code, lesson := resolve(d, query, "", "", nil); got != query || code != "" || lesson != (documents.Lesson{}) {
		t.Errorf("without the extension: %q %s", got, code)
	}
}

// The messages are what clients look for, to the letter.
func TestMessages(t *testing.T) {
	d := start(t, documents.Config{}, documents.Options{})
	off := start(t, documents.Config{Automatic: documents.Automatic{Disabled: true}}, documents.Options{})
	for _, c := range []struct {
		d             *documents.Documents
		message, code string
	}{{d, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND"}, {off, "PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED"}} {
		_, err := c.d.Resolve(t.Context(), &graphql.RawParams{Extensions: apq(sha("x"))}, "", "")
		var told *gqlerror.Error
		if !errors.As(err, &told) || told.Message != c.message || told.Extensions["code"] != c.code {
			t.Errorf("%v", err)
		}
	}
}

func TestMistakes(t *testing.T) {
	d := start(t, documents.Config{}, documents.Options{})
	const query = "{ posts { id } }"
	pq := func(value any) map[string]any { return map[string]any{"persistedQuery": value} }
	for name, c := range map[string]struct {
		query      string
		id         string
		extensions map[string]any
		code       string
	}{
		"another text's hash":  {query, "", apq(sha("{ users }")), "BAD_REQUEST"},
		"no hash":              {query, "", pq(map[string]any{"version": 1}), "BAD_REQUEST"},
		"a short hash":         {query, "", apq("abc"), "BAD_REQUEST"},
		"a short hash, alone":  {"", "", apq("abc"), fail.PersistedQueryNotFound.Code()},
		"capital letters":      {query, "", apq(strings.ToUpper(sha(query))), "BAD_REQUEST"},
		"a number":             {query, "", pq(map[string]any{"version": 1, "sha256Hash": 7}), "BAD_REQUEST"},
		"no object":            {query, "", pq("x"), "BAD_REQUEST"},
		"version 2":            {query, "", pq(map[string]any{"version": json.Number("2"), "sha256Hash": sha(query)}), "BAD_REQUEST"},
		"no version":           {query, "", pq(map[string]any{"sha256Hash": sha(query)}), "BAD_REQUEST"},
		"version 1 as a float": {query, "", pq(map[string]any{"version": 1.0, "sha256Hash": sha(query)}), ""},
		"null":                 {query, "", pq(nil), ""},
		"a huge hash":          {query, "", apq(strings.Repeat("a", 10_000)), "BAD_REQUEST"},
		"an unknown id":        {"", "7", nil, fail.UnknownDocument.Code()},
		"an unknown hash":      {"", "sha256:" + sha("x"), nil, fail.UnknownDocument.Code()},
		"a huge id":            {"", strings.Repeat("a", 10_000), nil, "BAD_REQUEST"},
		"nothing":              {"", "", nil, ""},
	} {
		if _, code, lesson := resolve(d, c.query, c.id, "", c.extensions); code != c.code {
			t.Errorf("%s: %q, want %q", name, code, c.code)
		} else if code != "" && lesson != (documents.Lesson{}) {
			t.Errorf("%s: something would be learnt", name)
		}
	}
}

func TestID(t *testing.T) {
	for _, c := range []struct {
		members map[string]any
		id      string
		bad     bool
	}{
		{map[string]any{}, "", false},
		{map[string]any{"documentId": "a"}, "a", false},
		{map[string]any{"doc_id": "a"}, "a", false},
		{map[string]any{"id": "a", "documentId": nil}, "a", false},
		{map[string]any{"id": "a", "documentId": "a"}, "a", false},
		{map[string]any{"id": "a", "documentId": "b"}, "", true},
		{map[string]any{"documentId": 7}, "", true},
		{map[string]any{"documentId": ""}, "", true},
	} {
		id, err := documents.ID(func(name string) (any, bool) { value, ok := c.members[name]; return value, ok })
		if id != c.id || (err != nil && fail.KindOf(err) == fail.BadRequest) != c.bad {
			t.Errorf("%v: %q %v", c.members, id, err)
		}
	}
}

// Whoever sends many texts drives out texts, but never makes the store grow.
func TestMemoryIsBounded(t *testing.T) {
	d := start(t, documents.Config{Automatic: documents.Automatic{MaxBytes: 10_000}}, documents.Options{})
	known := func(query string) bool { _, code, _ := resolve(d, "", "", "", apq(sha(query))); return code == "" }
	query := func(i int) string { return fmt.Sprintf("{ posts(first: %d) { %s } }", i, strings.Repeat("id ", 100)) }
	for i := range 1000 {
		_, _, lesson := resolve(d, query(i), "", "", apq(sha(query(i))))
		d.Remember(t.Context(), lesson)
	}
	n := 0
	for i := range 1000 {
		if known(query(i)) {
			n++
		}
	}
	if n == 0 || n > 10_000/300 || !known(query(999)) {
		t.Errorf("%d are known", n)
	}
	big := "{ " + strings.Repeat("a ", 10_000) + "}"
	_, _, lesson := resolve(d, big, "", "", apq(sha(big)))
	d.Remember(t.Context(), lesson)
	if known(big) || !known(query(999)) {
		t.Error("a text larger than the store was kept")
	}
}

func TestLearningIsBounded(t *testing.T) {
	d := start(t, documents.Config{Automatic: documents.Automatic{MaxNew: 3}}, documents.Options{})
	n := 0
	for i := range 10 {
		query := fmt.Sprintf("{ a%d }", i)
		_, _, lesson := resolve(d, query, "", "", apq(sha(query)))
		d.Remember(t.Context(), lesson)
		if _, code, _ := resolve(d, "", "", "", apq(sha(query))); code == "" {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d were learnt", n)
	}
}

func TestRedisSharesTexts(t *testing.T) {
	server := redistest.Start(t)
	client := server.Client()
	t.Cleanup(func() { client.Close() })
	c := documents.Config{Automatic: documents.Automatic{TTL: time.Minute}}
	first := start(t, c, documents.Options{Redis: client, Prefix: "p:"})
	second := start(t, c, documents.Options{Redis: client, Prefix: "p:"})
	const query = "{ posts { id } }"
	_, _, lesson := resolve(first, query, "", "", apq(sha(query)))
	first.Remember(t.Context(), lesson)
	key := "p:document:" + sha(query)
	if left := client.TTL(t.Context(), key).Val(); left <= 0 || left > time.Minute {
		t.Errorf("it ends in %v", left)
	}
	if got, code, _ := resolve(second, "", "", "", apq(sha(query))); got != query || code != "" {
		t.Errorf("the other gateway: %q %s", got, code)
	}
	// Who can write to Redis can't make a hash stand for another text.
	third := start(t, c, documents.Options{Redis: client, Prefix: "p:"})
	client.Set(t.Context(), key, "{ secrets }", time.Minute)
	if _, code, _ := resolve(third, "", "", "", apq(sha(query))); code != fail.PersistedQueryNotFound.Code() {
		t.Errorf("a false text: %q", code)
	}
}

func TestRedisIsDown(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1, DialTimeout: time.Second})
	t.Cleanup(func() { client.Close() })
	d := start(t, documents.Config{}, documents.Options{Redis: client})
	const query = "{ posts { id } }"
	if _, code, _ := resolve(d, "", "", "", apq(sha(query))); code != fail.PersistedQueryNotFound.Code() {
		t.Errorf("got %s", code)
	}
	_, _, lesson := resolve(d, query, "", "", apq(sha(query)))
	d.Remember(t.Context(), lesson)
	if got, code, _ := resolve(d, "", "", "", apq(sha(query))); got != query || code != "" {
		t.Errorf("memory alone: %q %s", got, code)
	}
}

const (
	posts = "query Posts { posts { id title } }"
	add   = "mutation Add($t: String!) { add(title: $t, note: \"\"\"\n  a\n  b\n\"\"\") { id } }"
)

func write(t testing.TB, path, text string) {
	t.Helper()
	// In one step, as build tools and Kubernetes do.
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func quoted(text string) string { b, _ := json.Marshal(text); return string(b) }

func apollo(entries ...string) string {
	var operations []string
	for i := 0; i < len(entries); i += 2 {
		operations = append(operations, fmt.Sprintf(`{"id":%q,"name":"N","type":"query","body":%s}`, entries[i], quoted(entries[i+1])))
	}
	return `{"format":"apollo-persisted-query-manifest","version":1,"operations":[` + strings.Join(operations, ",") + `]}`
}

func TestTrustedDocuments(t *testing.T) {
	folder := t.TempDir()
	relay, manifest := filepath.Join(folder, "relay.json"), filepath.Join(folder, "apollo.json")
	write(t, manifest, apollo(sha(posts), posts))
	write(t, relay, fmt.Sprintf(`{"d41d8cd98f00b204e9800998ecf8427e": %s}`, quoted(add)))
	var log journal.Journal
	d := start(t, documents.Config{Trusted: documents.Trusted{
		Manifests: []string{manifest, relay},
		Plans:     map[string]documents.Mode{"partner": documents.Enforce, "trial": documents.Log},
	}}, documents.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	const md5 = "d41d8cd98f00b204e9800998ecf8427e"
	other := "{ users { id } }"
	_, _, lesson := resolve(d, other, "", "", apq(sha(other)))
	d.Remember(t.Context(), lesson)
	for name, c := range map[string]struct {
		query, id  string
		extensions map[string]any
		plan       string
		want, code string
	}{
		"Apollo's id":                {"", "", apq(sha(posts)), "partner", posts, ""},
		"documentId":                 {"", md5, nil, "partner", add, ""},
		"prefixed":                   {"", "sha256:" + sha(add), nil, "partner", add, ""},
		"Relay's id in Apollo's way": {"", "", apq(md5), "partner", add, ""},
		"id and text":                {add, md5, nil, "partner", add, ""},
		"id and another text":        {posts, md5, nil, "partner", "", "BAD_REQUEST"},
		"full text":                  {posts, "", nil, "partner", posts, ""},
		"full text, written otherwise": {"query   Posts{posts,{id # comment\n title}}\n", "", nil, "partner",
			posts, ""},
		"a block string as a string": {"mutation Add($t: String!) { add(title: $t, note: \"a\\nb\") { id } }", "", nil, "partner", add, ""},
		"one name more":              {"query Posts { posts { id title body } }", "", nil, "partner", "", fail.UntrustedDocument.Code()},
		"another string":             {"mutation Add($t: String!) { add(title: $t, note: \"a\\nc\") { id } }", "", nil, "partner", "", fail.UntrustedDocument.Code()},
		"no GraphQL":                 {"query Posts { posts { id title } } \x00", "", nil, "partner", "", fail.UntrustedDocument.Code()},
		"untrusted":                  {other, "", nil, "partner", "", fail.UntrustedDocument.Code()},
		"untrusted, known by hash":   {"", "", apq(sha(other)), "partner", "", fail.PersistedQueryNotFound.Code()},
		"untrusted, by prefixed id":  {"", "sha256:" + sha(other), nil, "partner", "", fail.UnknownDocument.Code()},
		"untrusted, with its hash":   {other, "", apq(sha(other)), "partner", "", fail.UntrustedDocument.Code()},
		"untrusted, logged":          {other, "", nil, "trial", other, ""},
		"untrusted, allowed":         {other, "", nil, "", other, ""},
		"unknown id":                 {"", "nope", nil, "", "", fail.UnknownDocument.Code()},
	} {
		got, code, _ := resolve(d, c.query, c.id, c.plan, c.extensions)
		if code != c.code || code == "" && got != c.want {
			t.Errorf("%s: %q %q", name, got, code)
		}
	}
	if text := log.String(); strings.Count(text, "in no manifest") != 1 || strings.Contains(text, "users") {
		t.Errorf("logged %s", text)
	}
}

// A plan that is held to manifests must not be let through by what automatic persisted queries learnt from another plan.
func TestEnforceLearnsNothing(t *testing.T) {
	manifest := filepath.Join(t.TempDir(), "m.json")
	write(t, manifest, apollo("1", posts))
	d := start(t, documents.Config{Trusted: documents.Trusted{Manifests: []string{manifest}, Mode: documents.Enforce}}, documents.Options{})
	_, code, lesson := resolve(d, posts, "", "", apq(sha(posts)))
	if code != "" || lesson != (documents.Lesson{}) {
		t.Errorf("%s %v", code, lesson)
	}
}

func TestManifestsAreReadAgain(t *testing.T) {
	manifest := filepath.Join(t.TempDir(), "m.json")
	write(t, manifest, apollo("1", posts))
	var log journal.Journal
	d := start(t, documents.Config{Trusted: documents.Trusted{Manifests: []string{manifest}}}, documents.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	knows := func(id string) bool { _, code, _ := resolve(d, "", id, "", nil); return code == "" }
	if !knows("1") || knows("2") {
		t.Fatal("the manifest wasn't read")
	}
	write(t, manifest, "{ half")
	until(t, func() bool { return strings.Contains(log.String(), "can't be used") })
	if !knows("1") {
		t.Error("a broken manifest took documents away")
	}
	write(t, manifest, apollo("2", add))
	until(t, func() bool { return knows("2") })
	if knows("1") {
		t.Error("an old document is still known")
	}
}

// until looks again until the condition holds or the test's time is over.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-t.Context().Done():
			t.Fatal("it never came true")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestManifestForms(t *testing.T) {
	for text, want := range map[string]string{
		apollo("1", posts):             "",
		apollo():                       "",
		`{}`:                           "",
		"\ufeff" + apollo("1", posts):  "",
		fmt.Sprintf(`{"a":%q}`, posts): "",
		fmt.Sprintf(`{"operations":%q,"a":%[1]q}`, posts): "", // a map with an odd id
		``:                          "no JSON object",
		`[]`:                        "no JSON object",
		`{"a":"{ a }"`:              "no valid JSON",
		`{"a":"{ a }"}{}`:           "something follows",
		`{"a":7}`:                   `the document "a" is no text`,
		`{"a":""}`:                  "has no text",
		`{"":"{ a }"}`:              "its id has 0 bytes",
		`{"a":"{ a }","a":"{ b }"}`: "names two documents",
		`{"a":"{ \u0000 }"}`:        "isn't GraphQL",
		`{"format":"apollo-persisted-query-manifest","version":2,"operations":[]}`:  "version 2 isn't known",
		`{"format":"other","version":1,"operations":[]}`:                            `format "other"`,
		`{"format":"apollo-persisted-query-manifest","version":1,"operations":"x"}`: "operations: isn't",
	} {
		path := filepath.Join(t.TempDir(), "m.json")
		write(t, path, text)
		d, err := documents.New(documents.Config{Trusted: documents.Trusted{Manifests: []string{path}}}, documents.Options{})
		if err == nil {
			d.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "m.json")
	write(t, path, apollo("1", posts))
	_, err := documents.New(documents.Config{Trusted: documents.Trusted{Manifests: []string{path}, MaxBytes: 10}}, documents.Options{})
	if err == nil || !strings.Contains(err.Error(), "over 10 bytes") {
		t.Error(err)
	}
	_, err = documents.New(documents.Config{Trusted: documents.Trusted{Manifests: []string{path + ".none"}}}, documents.Options{})
	if err == nil {
		t.Error("a manifest that isn't there is taken")
	}
}

func TestValidate(t *testing.T) {
	if err := (documents.Config{}).WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
	err := documents.Config{
		Automatic: documents.Automatic{MaxBytes: -1, TTL: 1, MaxNew: -1},
		Trusted:   documents.Trusted{MaxBytes: -1, Mode: "strict", Plans: map[string]documents.Mode{"a": "x", "b": documents.Enforce}},
	}.Validate()
	for _, key := range []string{"automatic.max_bytes: ", "trusted.max_bytes: ", "automatic.ttl: ", "automatic.max_new: ", "trusted.mode: ", "trusted.plans.a: ", "enforce without"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("no %q in %v", key, err)
		}
	}
	if err := (documents.Config{Trusted: documents.Trusted{Manifests: []string{"a", "a", ""}}}).Validate(); err == nil || !strings.Contains(err.Error(), "manifests[1]") || !strings.Contains(err.Error(), "manifests[2]") {
		t.Error(err)
	}
}

// A text that is refused costs no more than reading the longest trusted document would.
func TestLongTextsAreNotRead(t *testing.T) {
	manifest := filepath.Join(t.TempDir(), "m.json")
	write(t, manifest, apollo("1", posts))
	d := start(t, documents.Config{Trusted: documents.Trusted{Manifests: []string{manifest}, Mode: documents.Enforce}}, documents.Options{})
	for _, text := range []string{strings.Repeat("{a ", 40_000), "{ " + strings.Repeat("#\n", 60_000), posts + strings.Repeat(" ", 5000) + strings.Repeat("{", 100_000)} {
		allocated := testing.AllocsPerRun(5, func() {
			if _, code, _ := resolve(d, text, "", "", nil); code != fail.UntrustedDocument.Code() {
				t.Errorf("%s", code)
			}
		})
		if allocated > 200 {
			t.Errorf("%.10q…: %v allocations", text, allocated)
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(apollo("1", posts)))
	f.Add([]byte(`{"a":"{ a }"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := documents.ParseManifest(text)
		if err == nil && !json.Valid(bytes.TrimPrefix(text, []byte("\ufeff"))) {
			t.Errorf("%d documents in what is no JSON", n)
		}
	})
}

func FuzzResolve(f *testing.F) {
	f.Add("{ a }", "x", `{"persistedQuery":{"version":1,"sha256Hash":"00"}}`)
	manifest := filepath.Join(f.TempDir(), "m.json")
	write(f, manifest, apollo("1", posts, sha(add), add))
	d := start(f, documents.Config{Trusted: documents.Trusted{Manifests: []string{manifest}, Mode: documents.Enforce}}, documents.Options{})
	f.Fuzz(func(t *testing.T, query, id, extensions string) {
		var given map[string]any
		if json.Unmarshal([]byte(extensions), &given) != nil {
			return
		}
		got, code, lesson := resolve(d, query, id, "", given)
		if code == "" && got != "" && got != posts && got != add {
			t.Errorf("an untrusted text passed: %q", got)
		}
		if lesson != (documents.Lesson{}) {
			t.Error("something would be learnt")
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	manifest := filepath.Join(b.TempDir(), "m.json")
	write(b, manifest, apollo("1", posts))
	d := start(b, documents.Config{Trusted: documents.Trusted{Manifests: []string{manifest}, Plans: map[string]documents.Mode{"p": documents.Enforce}}}, documents.Options{})
	_, _, lesson := resolve(d, add, "", "", apq(sha(add)))
	d.Remember(b.Context(), lesson)
	for name, c := range map[string]struct {
		query, id, plan string
		extensions      map[string]any
	}{"text": {posts, "", "", nil}, "hash": {"", "", "", apq(sha(add))}, "id": {"", "1", "p", nil}, "trusted": {posts, "", "p", nil}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				params := graphql.RawParams{Query: c.query, Extensions: c.extensions}
				if _, err := d.Resolve(b.Context(), &params, c.id, c.plan); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
