package operation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/operation"
)

func newExecutor(t *testing.T, config operation.Config) *operation.Executor {
	t.Helper()
	e, err := operation.NewExecutor(&graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			return graphql.OneShot(&graphql.Response{Data: []byte(`{"n":1}`)})
		},
	}, config, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func create(t *testing.T, e *operation.Executor, ctx context.Context, query, name, variables string) (*graphql.OperationContext, gqlerror.List) {
	t.Helper()
	params := &graphql.RawParams{Query: query, OperationName: name}
	decoder := json.NewDecoder(strings.NewReader(variables))
	decoder.UseNumber()
	if err := decoder.Decode(&params.Variables); err != nil {
		t.Fatal(err)
	}
	return e.CreateOperationContext(graphql.StartOperationTrace(ctx), params)
}

func TestExecutorVariables(t *testing.T) {
	const filter = "query ($f: Filter) { user(filter: $f) { id } }"
	for _, c := range []struct{ name, query, variables, want string }{
		{"none", "{ n }", `null`, `{}`},
		{"absent and null differ", "query ($f: Filter, $g: ID = 1) { user(filter: $f, id: $g) { id } }", `{"f": null}`, `{"f":null,"g":1}`},
		{"more than defined", "{ n }", `{"x": 1}`, `{}`},
		{"id from a number", "query ($i: ID) { user(id: $i) { id } }", `{"i": 12}`, `{"i":"12"}`},
		{"id from a fraction", "query ($i: ID) { user(id: $i) { id } }", `{"i": 1.5}`, `Variable "$i" got invalid value 1.5; ID cannot represent value.`},
		{"object", filter, `{"f": {"score": 1, "age": 3.0, "tags": "a", "not": {"score": 2.5, "tags": ["b", "c"]}, "color": "RED", "since": {"any": 1}, "live": true}}`,
			`{"f":{"age":3,"color":"RED","live":true,"not":{"score":2.5,"tags":["b","c"]},"score":1,"since":{"any":1},"tags":["a"]}}`},
		{"string for a number", filter, `{"f": {"score": "1", "age": "3"}}`,
			"Variable \"$f\" got invalid value \"3\" at \"f.age\"; Int cannot represent non-integer value.\n" +
				"Variable \"$f\" got invalid value \"1\" at \"f.score\"; Float cannot represent non numeric value."},
		{"number for a string", filter, `{"f": {"score": 1, "name": 1}}`, `Variable "$f" got invalid value 1 at "f.name"; String cannot represent a non string value.`},
		{"too big", filter, `{"f": {"score": 1, "age": 2147483648}}`, `Variable "$f" got invalid value 2147483648 at "f.age"; Int cannot represent non 32-bit signed integer value.`},
		{"boolean", filter, `{"f": {"score": 1, "live": "true"}}`, `Variable "$f" got invalid value "true" at "f.live"; Boolean cannot represent a non boolean value.`},
		{"enum in another case", filter, `{"f": {"score": 1, "color": "red"}}`, `Variable "$f" got invalid value "red" at "f.color"; Value "red" does not exist in "Color" enum.`},
		{"enum of another type", filter, `{"f": {"score": 1, "color": 1}}`, `Variable "$f" got invalid value 1 at "f.color"; Enum "Color" cannot represent non-string value.`},
		{"null in a list", filter, `{"f": {"score": 1, "tags": ["a", null]}}`, `Variable "$f" got invalid value null at "f.tags[1]"; Expected non-nullable type "String!" not to be null.`},
		{"missing member", filter, `{"f": {"not": {}}}`,
			"Variable \"$f\" got invalid value {…}; Field \"score\" of required type \"Float!\" was not provided.\n" +
				"Variable \"$f\" got invalid value {…} at \"f.not\"; Field \"score\" of required type \"Float!\" was not provided."},
		{"unknown member", filter, `{"f": {"score": 1, "x": 1}}`, `Variable "$f" got invalid value {…}; Field "x" is not defined by type "Filter".`},
		{"no object", filter, `{"f": [1]}`, `Variable "$f" got invalid value […]; Expected type "Filter" to be an object.`},
		{"required", "mutation ($i: ID!, $n: String!) { rename(id: $i, name: $n) { id } }", `{"n": null}`,
			"Variable \"$i\" of required type \"ID!\" was not provided.\nVariable \"$n\" of non-null type \"String!\" must not be null."},
		{"long text is cut", "query ($c: Color) { user(color: $c) { id } }", `{"c": "` + strings.Repeat("x", 1000) + `"}`,
			`Variable "$c" got invalid value "` + strings.Repeat("x", 60) + `…"; Value "` + strings.Repeat("x", 60) + `…" does not exist in "Color" enum.`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, errs := create(t, newExecutor(t, operation.Config{}), t.Context(), c.query, "", c.variables)
			var text []string
			for _, err := range errs {
				text = append(text, err.Message)
				if err.Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" || len(err.Locations) != 1 || err.Path != nil {
					t.Errorf("incomplete: %+v", err)
				}
			}
			if errs == nil {
				encoded, err := json.Marshal(got.Variables)
				if err != nil {
					t.Fatal(err)
				}
				text = append(text, string(encoded))
			}
			if diff := cmp.Diff(c.want, strings.Join(text, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What isn't whole must not be rounded to what is, and neither 1 nor 0 be made of a number of 100,000 digits.
func TestWholeNumbers(t *testing.T) {
	e := newExecutor(t, operation.Config{})
	for number, want := range map[string]string{
		"3.0": "3", "3e0": "3", "3e2": "300", "30e-1": "3", "0.3e1": "3", "-0.5e1": "-5", "-0.0": "0", "-0e-5": "0", "1.25e2": "125", "0.0": "0",
		"9223372036854775807": "9223372036854775807", "9007199254740993.0": "9007199254740993", "922337203685477580.7e1": "9223372036854775807",
		"0.5": "", "-5e-1": "", "1.25e1": "", "1e-999999999": "", "1e-400": "", "1e19": "", "1e400": "", "1e99999999999999999999": "", "9223372036854775808": "",
		"0." + strings.Repeat("9", 1000): "", "1." + strings.Repeat("0", 1000) + "1": "", "0.00000000000000000000001": "",
	} {
		got, errs := create(t, e, t.Context(), "query ($i: ID) { user(id: $i) { id } }", "", `{"i": `+number+`}`)
		if want == "" != (errs != nil) || errs == nil && got.Variables["i"] != want {
			t.Errorf("%.40s is %v, %v", number, got.Variables["i"], errs)
		}
	}
}

func TestExecutorChoosesTheOperation(t *testing.T) {
	const two = "query A { n } mutation B { rename(id: 1, name: \"x\") { id } }"
	for _, c := range []struct{ query, name, want string }{
		{two, "A", ""},
		{two, "", "The document has several operations: operationName must say which."},
		{two, "C", `The document has no operation named "C".`},
		{"{ n }", "A", `The document has no operation named "A".`},
		{two, "B", "A mutation can't be sent this way."},
		{"subscription { ticks }", "", "A subscription can't be sent this way."},
	} {
		_, errs := create(t, newExecutor(t, operation.Config{}), operation.Allow(t.Context(), ast.Query), c.query, c.name, "null")
		got := ""
		if errs != nil {
			got = errs[0].Message
		}
		if got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.query, c.name, got, c.want)
		}
		var refused *operation.NotAllowedError
		if strings.HasPrefix(c.want, "A ") != errors.As(errs, &refused) {
			t.Errorf("%s: refusal %v", c.query, refused)
		}
	}
}

// swap puts another document in the request, as persisted operations do, and counts operations.
type swap struct{ seen *[]string }

func (swap) ExtensionName() string                   { return "Swap" }
func (swap) Validate(graphql.ExecutableSchema) error { return nil }
func (s swap) note(what string)                      { *s.seen = append(*s.seen, what) }
func (s swap) MutateOperationContext(context.Context, *graphql.OperationContext) *gqlerror.Error {
	s.note("context")
	return nil
}

func (s swap) MutateOperationParameters(_ context.Context, params *graphql.RawParams) *gqlerror.Error {
	s.note("parameters")
	if params.Query == "swap" {
		params.Query = "{ users { id } }"
	}
	return nil
}

func TestExecutorRunsExtensionsBeforeTheGate(t *testing.T) {
	var seen []string
	e := newExecutor(t, operation.Config{})
	if err := e.Use(swap{&seen}); err != nil {
		t.Fatal(err)
	}
	got, errs := create(t, e, t.Context(), "swap", "", "null")
	if errs != nil {
		t.Fatal(errs)
	}
	if field := got.Operation.SelectionSet[0].(*ast.Field); field.Name != "users" || got.DisableIntrospection {
		t.Errorf("operation is %+v", got.Operation)
	}
	if _, errs = create(t, e, t.Context(), "{ nothing other }", "", "null"); len(errs) != 2 {
		t.Errorf("want both errors, got %v", errs)
	}
	// A refused document reserves nothing: extensions that look at operations don't see it.
	if diff := cmp.Diff([]string{"parameters", "context", "parameters"}, seen); diff != "" {
		t.Error(diff)
	}
}

// Variables may be wrong 100,000 times in one request: what isn't told isn't written either.
func TestExecutorCountsRefusals(t *testing.T) {
	for name, c := range map[string]struct{ query, item, want string }{
		"items":   {"query ($f: Filter) { user(filter: $f) { id } }", `{"f": {"score": 1, "tags": [%s"x"]}}`, "And 4990 more errors."},
		"members": {"query ($f: Filter) { user(filter: $f) { id } }", `{"f": {"score": 1, "tags": [%s"x"], "y": 1, "z": 2}}`, "And 4992 more errors."},
	} {
		e := newExecutor(t, operation.Config{})
		_, errs := create(t, e, t.Context(), c.query, "", strings.Replace(c.item, "%s", strings.Repeat("1,", 5000), 1))
		if len(errs) != operation.MaxErrors+1 || errs[operation.MaxErrors].Message != c.want {
			t.Errorf("%s: %d errors, the last is %v", name, len(errs), errs[len(errs)-1])
		}
	}
}

type left int

func (left) Error() string { return "others" }
func (n left) More() int   { return int(n) }

// A response tells ten errors and counts the others, also those that the engine has counted only.
func TestExecutorBoundsErrors(t *testing.T) {
	for _, c := range []struct {
		errors, more, told int
		last               string
	}{
		{0, 0, 0, ""},
		{1, 0, 1, "no 0"},
		{10, 0, 10, "no 9"},
		{11, 0, 11, "And one more error."},
		{100, 0, 11, "And 90 more errors."},
		{100, 900, 11, "And 990 more errors."},
	} {
		var all gqlerror.List
		if c.more > 0 {
			all = append(all, &gqlerror.Error{Message: "others", Err: left(c.more)})
		}
		for i := range c.errors {
			all = append(all, &gqlerror.Error{
				Message: fmt.Sprintf("no %d", i), Path: ast.Path{ast.PathName("n")},
				Extensions: map[string]any{"code": "X", "service": "s"},
			})
		}
		e, err := operation.NewExecutor(&graphql.ExecutableSchemaMock{
			SchemaFunc: func() *ast.Schema { return schema },
			ExecFunc: func(context.Context) graphql.ResponseHandler {
				return graphql.OneShot(&graphql.Response{Data: []byte(`{"n":null}`), Errors: all})
			},
		}, operation.Config{}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		op, errs := create(t, e, t.Context(), "{ n }", "", "null")
		if errs != nil {
			t.Fatal(errs)
		}
		responses, ctx := e.DispatchOperation(t.Context(), op)
		got := responses(ctx).Errors
		if len(got) != c.told {
			t.Fatalf("%d errors are %d", c.errors, len(got))
		}
		if c.told == 0 {
			continue
		}
		last := got[c.told-1]
		if last.Message != c.last || last.Extensions["code"] != "X" {
			t.Errorf("%d errors: the last is %+v", c.errors, last)
		}
		if c.told > operation.MaxErrors && (last.Path != nil || len(last.Extensions) != 1) {
			t.Errorf("%+v is of no field", last)
		}
	}
}

// An answer in parts is one answer: its parts tell ten errors together, and each counts what it doesn't tell. The events of a
// subscription are answers of their own.
func TestExecutorBoundsErrorsOfParts(t *testing.T) {
	yes := true
	for name, c := range map[string]struct {
		hasNext *bool
		want    string
	}{
		"parts":  {&yes, "6 | 4, And 2 more errors. | And 6 more errors. | And 6 more errors."},
		"events": {nil, "6 | 6 | 6 | 6"},
	} {
		e, err := operation.NewExecutor(&graphql.ExecutableSchemaMock{
			SchemaFunc: func() *ast.Schema { return schema },
			ExecFunc: func(context.Context) graphql.ResponseHandler {
				return func(context.Context) *graphql.Response {
					response := &graphql.Response{Data: []byte(`{"n":null}`), HasNext: c.hasNext}
					for range 6 {
						response.Errors = append(response.Errors, &gqlerror.Error{Message: "no", Extensions: map[string]any{"code": "X"}})
					}
					return response
				}
			},
		}, operation.Config{}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		op, errs := create(t, e, t.Context(), "{ n }", "", "null")
		if errs != nil {
			t.Fatal(errs)
		}
		responses, ctx := e.DispatchOperation(t.Context(), op)
		var got []string
		for range 4 {
			told := 0
			var counts []string
			for _, err := range responses(ctx).Errors {
				if err.Extensions["code"] != "X" {
					t.Errorf("%s: %+v", name, err)
				}
				if err.Message == "no" {
					told++
				} else {
					counts = append(counts, err.Message)
				}
			}
			if told > 0 {
				counts = append([]string{fmt.Sprint(told)}, counts...)
			}
			got = append(got, strings.Join(counts, ", "))
		}
		if got := strings.Join(got, " | "); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
