package operation_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/operation"
)

// lexed counts tokens as gqlparser does, up to the first error; valid says whether there was none.
func lexed(query string) (tokens int, valid bool) {
	for lex := lexer.New(&ast.Source{Input: query}); ; tokens++ {
		tok, err := lex.ReadToken()
		if err != nil {
			return tokens, false
		}
		if tok.Kind == lexer.EOF {
			return tokens, true
		}
	}
}

// scanned finds out how many tokens Scan counts, by lowering its limit.
func scanned(t testing.TB, query string) int {
	t.Helper()
	low, high := 1, len(query)+1 // the least limit that passes is between the two
	for low < high {
		middle := (low + high) / 2
		if operation.Scan(query, operation.Limits{MaxTokens: middle, MaxNesting: 1 << 20, MaxBytes: 1 << 20}) == nil {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

var lexicon = []string{
	"{ a }",
	"\uFEFF{ a, b,,, c }\uFEFF",
	"query Q($a: [Int!]! = [1, -2, 0]) @d(if: true) { x: f(a: $a, o: {k: \"v\"}) { ...F ... on T { id } } }",
	"{ f(x: 1.5e+10, y: 2E-3, z: 0.1, w: -0) }",
	"{ f(x: 1a) }", // a number and a name
	`{ f(s: "a \" b \\", t: "é \u00e9", u: "") }`,
	`{ f(s: """block "quotes" \""" and ""more""", t: """""", u: """a"""") }`,
	"{ a # comment { [ (\n b #\r c }# last",
	"# only\n# comments\n",
	"{ f(s: \"# no comment\") }",
	"{ a|b & c = ! }",
	"",
}

func TestScanCountsAsTheLexer(t *testing.T) {
	for _, query := range lexicon {
		want, valid := lexed(query)
		if !valid {
			t.Errorf("%q is no row for this table", query)
		}
		if got := scanned(t, query); got != max(want, 1) {
			t.Errorf("Scan counts %d tokens in %q, the lexer %d", got, query, want)
		}
	}
}

func TestScanLimits(t *testing.T) {
	for _, c := range []struct {
		name, query string
		limits      operation.Limits
		want        string
		line, col   int
	}{
		{"bytes", "{ abc }", operation.Limits{MaxBytes: 6}, "The document has 7 bytes, over the limit of 6.", 0, 0},
		{"tokens after an umlaut", "{\r\n  a(s: \"ü\") b }", operation.Limits{MaxTokens: 7}, "The document has more than 7 tokens.", 2, 13},
		{"tokens on line 4", "{\r\n  a b\n\r c }", operation.Limits{MaxTokens: 3}, "The document has more than 3 tokens.", 4, 2},
		{"nesting", "{a(x:[{y:1}])}", operation.Limits{MaxNesting: 3}, "The document nests more than 3 levels deep.", 1, 7},
		{"nesting by default", strings.Repeat("{a", 65), operation.Limits{}, "The document nests more than 64 levels deep.", 1, 129},
		{"directives", "{a" + strings.Repeat("@a", 1000) + "}", operation.Limits{}, "The document has more than 2000 tokens.", 1, 2001},
		{"side by side", "{" + strings.Repeat("a(x:[1])", 100) + "}", operation.Limits{MaxNesting: 3}, "", 0, 0},
		{"strings hide braces", `{ a(s: "{{{{", t: """{{[[((""") } # {{{`, operation.Limits{MaxNesting: 2}, "", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := operation.Scan(c.query, c.limits)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var told *gqlerror.Error
			if !errors.As(err, &told) || told.Message != c.want || fail.KindOf(err) != fail.TooLarge {
				t.Fatalf("got %v, want %q of kind TooLarge", err, c.want)
			}
			if c.line > 0 && (len(told.Locations) != 1 || told.Locations[0] != gqlerror.Location{Line: c.line, Column: c.col}) {
				t.Errorf("place is %v, want %d:%d", told.Locations, c.line, c.col)
			}
		})
	}
}

func TestScanAllocatesNothing(t *testing.T) {
	query := strings.Join(lexicon, "\n")
	if n := testing.AllocsPerRun(100, func() {
		if err := operation.Scan(query, operation.Limits{}); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkScan(b *testing.B) {
	query := strings.Repeat(lexicon[2], 10)
	b.SetBytes(int64(len(query)))
	for b.Loop() {
		if err := operation.Scan(query, operation.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// What passes the scan is parsed and checked without harm, and for what the lexer accepts both count the same.
func FuzzScan(f *testing.F) {
	for _, query := range lexicon {
		f.Add(query)
	}
	for _, query := range hostile() {
		f.Add(query)
	}
	f.Add("{ a(b: \"\\")
	f.Add("{ a(b: \"\"\"\\\"\"\"")
	documents := documents(f, operation.Config{})
	f.Fuzz(func(t *testing.T, query string) {
		if operation.Scan(query, operation.Limits{}) != nil {
			return
		}
		tokens, valid := lexed(query)
		if tokens > 2000 {
			t.Errorf("Scan let %d tokens pass", tokens)
		}
		if valid && len(query) < 10_000 {
			if got := scanned(t, query); got != max(tokens, 1) {
				t.Errorf("Scan counts %d tokens, the lexer %d", got, tokens)
			}
		}
		_, parseErr := parser.ParseQuery(&ast.Source{Input: query})
		doc, errs := documents.Load(t.Context(), query)
		switch {
		case (doc == nil) != (errs != nil):
			t.Errorf("document %v and errors %v", doc, errs)
		case parseErr != nil && errs == nil:
			t.Errorf("%v, but the document was let through", parseErr)
		}
		for _, err := range errs {
			if err.Message == "" || err.Extensions["code"] == nil {
				t.Errorf("half an error: %+v", err)
			}
		}
	})
}
