package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const priced = `
directive @cost(weight: String!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
type Query { users(max: Int): [User] @listSize(slicingArguments: ["max"])  all: [User]  me: User }
type User { name: String  age: Int @cost(weight: "2.0") }
`

// explained runs gateway cost explain with files in place of the arguments that end in .graphql or .json.
func explained(t *testing.T, files map[string]string, args ...string) result {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, arg := range args {
		if filepath.Ext(arg) != "" {
			args[i] = filepath.Join(folder, arg)
		}
	}
	return gateway(t, "", nil, append([]string{"cost", "explain"}, args...)...)
}

func TestExplainCostAsJSON(t *testing.T) {
	r := explained(t, map[string]string{
		"s.graphql": priced,
		"q.graphql": `query A { me { name } } query B($n: Int) { u: users(max: $n) { age } }`,
		"v.json":    `{"n": 5}`,
		"data.json": `{"u": [{"age": 1}, null, {"age": 2}, {"age": 3}]}`,
	}, "--schema", "s.graphql", "--query", "q.graphql", "--operation", "B", "--variables", "v.json", "--response", "data.json", "--default-list-size", "Infinity", "--json")
	want := `{
  "estimated": {
    "fieldCost": 11,
    "typeCost": 6,
    "points": 17
  },
  "actual": {
    "fieldCost": 7,
    "typeCost": 4,
    "points": 11
  },
  "byPath": [
    {
      "path": "",
      "coordinate": "Query",
      "size": 1,
      "fieldCost": 0,
      "typeCost": 1,
      "share": 0.0588
    },
    {
      "path": "u",
      "coordinate": "Query.users",
      "size": 5,
      "fieldCost": 1,
      "typeCost": 5,
      "share": 0.3529
    },
    {
      "path": "u.age",
      "coordinate": "User.age",
      "size": 1,
      "fieldCost": 10,
      "typeCost": 0,
      "share": 0.5882
    }
  ]
}
`
	if r.status != 0 || r.err != "" || r.out != want {
		t.Errorf("got %+v", r)
	}
}

func TestExplainCostForPeople(t *testing.T) {
	r := explained(t, map[string]string{
		"s.graphql": priced, "q.graphql": `{ all { age } }`, "data.json": `{"data": {"all": [{"age": 1}]}}`,
	}, "--schema", "s.graphql", "--query", "q.graphql", "--response", "data.json", "--default-list-size", "Infinity")
	want := `PATH     FIELD          SIZE  FIELD COST  TYPE COST    SHARE
(root)   Query             1           0          1    0.0 %
all      Query.all  Infinity           1   Infinity  100.0 %
all.age  User.age          1    Infinity          0  100.0 %

           FIELD COST  TYPE COST    POINTS
estimated    Infinity   Infinity  Infinity
actual              3          2         5

all: nothing says how long this list is; give it @listSize
`
	if r.status != 0 || r.err != "" || r.out != want {
		t.Errorf("got %d %s\n%s", r.status, r.err, r.out)
	}
}

func TestExplainCostTellsWhatWasLonger(t *testing.T) {
	r := explained(t, map[string]string{
		"s.graphql": priced, "q.graphql": `{ users(max: 1) { age } }`, "data.json": `{"users": [{"age": 1}, {"age": 2}]}`,
	}, "--schema", "s.graphql", "--query", "q.graphql", "--response", "data.json")
	if r.status != 0 || !strings.HasSuffix(r.out, "\nusers: the answer has 2, estimated were 1\n") {
		t.Errorf("got %+v", r)
	}
}

func TestExplainCostOfThisBinarysSchema(t *testing.T) {
	r := explained(t, map[string]string{"q.graphql": `query($n: Int = 3) { users(first: $n) { name } __typename }`}, "--query", "q.graphql", "--json")
	var report struct {
		Estimated struct{ FieldCost, TypeCost float64 }
	}
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || r.status != 0 || report.Estimated.FieldCost < 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestExplainCostBringsTheDefinitions(t *testing.T) {
	_, bare, _ := strings.Cut(strings.TrimSpace(priced), "type Query")
	r := explained(t, map[string]string{
		"a.graphql": "type Query" + strings.SplitN(bare, "\ntype User", 2)[0], "b.graphql": `type User { name: String age: Int @cost(weight: 2) }`,
		"q.graphql": `{ me { age } }`,
	}, "--schema", "*.graphql", "--query", "q.graphql", "--json")
	if r.status != 1 || !strings.Contains(r.out, `"code": "COST_SCHEMA_INVALID"`) { // q.graphql is no schema
		t.Errorf("got %+v", r)
	}
	r = explained(t, map[string]string{
		"a.graphql": "type Query" + strings.SplitN(bare, "\ntype User", 2)[0], "b.graphql": `type User { name: String age: Int @cost(weight: 2) }`,
		"q.txt": `{ me { age } }`,
	}, "--schema", "?.graphql", "--query", "q.txt", "--json")
	if r.status != 0 || !strings.Contains(r.out, `"fieldCost": 3,`) {
		t.Errorf("got %+v", r)
	}
}

// A condition without value is priced as the dearer of both.
func TestExplainCostWithoutConditions(t *testing.T) {
	r := explained(t, map[string]string{
		"s.graphql": priced,
		"q.graphql": `query($a: Boolean!) { me @skip(if: $a) { age } users(max: 3) @include(if: $a) { age } }`,
	}, "--schema", "s.graphql", "--query", "q.graphql", "--json")
	if r.status != 0 || !strings.Contains(r.out, `"fieldCost": 7,`) || !strings.Contains(r.out, `"typeCost": 4,`) {
		t.Errorf("got %+v", r)
	}
}

func TestExplainCostRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, query, variables, code, path, message string
		more                                        []string
	}{
		{"no GraphQL", "{\n me ", "", "GRAPHQL_PARSE_FAILED", "", "q.graphql:2:5: Syntax error", nil},
		{"no such field", `{ you }`, "", "GRAPHQL_VALIDATION_FAILED", "", `q.graphql:1:3: Cannot query field "you" on type "Query".`, nil},
		{"no such operation", `query A { me { age } }`, "", "GRAPHQL_VALIDATION_FAILED", "", `no operation named "B"`, []string{"--operation", "B"}},
		{"several operations", `query A { me { age } } query B { me { age } }`, "", "GRAPHQL_VALIDATION_FAILED", "", `several operations`, nil},
		{"a variable of another type", `query($n: Int) { users(max: $n) { age } }`, `{"n": "5"}`, "GRAPHQL_VALIDATION_FAILED", "", `Int cannot represent non-integer value`, nil},
		{"a required variable", `query($n: Int!) { users(max: $n) { age } }`, `{}`, "GRAPHQL_VALIDATION_FAILED", "", `"$n" of required type "Int!" was not provided`, nil},
		{"variables that are none", `{ me { age } }`, `[]`, "BAD_REQUEST", "", `v.json:1: no JSON object of variables`, nil},
		{"variables that are no JSON", `{ me { age } }`, "{\n\"n\": 1,\n}", "BAD_REQUEST", "", `v.json:3: no JSON object of variables`, nil},
		{"variables of two", `{ me { age } }`, `{} {}`, "BAD_REQUEST", "", `v.json has more than one`, nil},
		{"a slicing argument", `{ me { age } a: users { age } }`, "", "COST_SLICING_ARGUMENTS", "a", `q.graphql:1:14: Field "users" needs the argument "max"`, nil},
		{"an answer of something else", `{ me { age } }`, "", "COST_RESPONSE_INVALID", "", `object due at byte 7`, []string{"--response", "data.json"}},
		{"an answer that is no JSON", `{ me { age } }`, "", "COST_RESPONSE_INVALID", "", `is no JSON`, []string{"--response", "bad.json"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"s.graphql": priced, "q.graphql": tt.query, "v.json": tt.variables, "data.json": `{"me": 7}`, "bad.json": `{`}
			args := append([]string{"--schema", "s.graphql", "--query", "q.graphql"}, tt.more...)
			if tt.variables != "" {
				args = append(args, "--variables", "v.json")
			}
			r := explained(t, files, append(args, "--json")...)
			var refused struct {
				Error struct{ Code, Path, Message string }
			}
			if err := json.Unmarshal([]byte(r.out), &refused); err != nil || r.status != 1 || r.err == "" {
				t.Fatalf("got %+v, %v", r, err)
			}
			if got := refused.Error; got.Code != tt.code || got.Path != tt.path || !strings.Contains(got.Message, tt.message) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestExplainCostNamesAllMistakesOfTheSchema(t *testing.T) {
	r := explained(t, map[string]string{
		"s.graphql": "type Query {\n a: Int @cost(weight: \"x\")\n b: Int @listSize(assumedSize: 2)\n}", "q.graphql": `{ a }`,
	}, "--schema", "s.graphql", "--query", "q.graphql")
	if r.status != 1 || r.out != "" || !strings.Contains(r.err, "s.graphql:2: @cost on Query.a: ") || !strings.Contains(r.err, "s.graphql:3: @listSize on Query.b: ") {
		t.Errorf("got %+v", r)
	}
}

func TestExplainCostUsage(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "--query is missing"},
		{[]string{"--query", "q.graphql", "--default-list-size", "0"}, 2, `--default-list-size: "0" is no size`},
		{[]string{"--query", "q.graphql", "now"}, 2, `gateway cost explain takes no argument: "now"`},
		{[]string{"--query", "none.graphql"}, 1, "no such file"},
		{[]string{"--query", "q.graphql", "--schema", "none.graphql"}, 1, "no such file"},
	} {
		r := explained(t, map[string]string{"q.graphql": `{ __typename }`}, tt.args...)
		if r.status != tt.status || r.out != "" || !strings.Contains(r.err, tt.want) {
			t.Errorf("%v: %+v", tt.args, r)
		}
	}
}
