package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/urfave/cli/v3"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/gateway/operation"
)

func listSizeFlag(text string) (int, error) {
	if strings.EqualFold(text, "Infinity") {
		return cost.Unbounded, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("--default-list-size: %q is no size; write a number from 1 on, or Infinity", text)
	}
	return n, nil
}

func readInput(cmd *cli.Command, name string) ([]byte, error) {
	if name != "-" {
		return os.ReadFile(name)
	}
	in := cmd.Root().Reader
	if in == nil {
		in = os.Stdin
	}
	return io.ReadAll(in)
}

func variablesFlag(name string) (map[string]any, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var variables map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&variables); err != nil {
		end := int(d.InputOffset())
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			end = int(syntax.Offset)
		}
		line := 1 + bytes.Count(text[:min(end, len(text))], []byte("\n"))
		return nil, &costRefusal{Code: fail.BadRequest.Code(), Message: fmt.Sprintf("%s:%d: no JSON object of variables: %v", name, line, err)}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &costRefusal{Code: fail.BadRequest.Code(), Message: name + " has more than one JSON object of variables"}
	}
	return variables, nil
}

// answerFlag reads an answer's data. A whole response is taken for its data.
func answerFlag(name string, selected *ast.OperationDefinition) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if !json.Valid(text) {
		return nil, &costRefusal{Code: costAnswer, Message: name + " is no JSON"}
	}
	var response map[string]json.RawMessage
	if json.Unmarshal(text, &response) == nil && response["data"] != nil && !selects(selected.SelectionSet, "data") {
		return response["data"], nil
	}
	return text, nil
}

// selects tells whether a response name may be at the root.
func selects(set ast.SelectionSet, name string) bool {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if s.Alias == name {
				return true
			}
		case *ast.InlineFragment:
			if selects(s.SelectionSet, name) {
				return true
			}
		case *ast.FragmentSpread:
			if s.Definition != nil && selects(s.Definition.SelectionSet, name) {
				return true
			}
		}
	}
	return false
}

// schemaFlag loads the schema of files; without any it's this binary's.
func schemaFlag(patterns []string) (*ast.Schema, error) {
	if len(patterns) == 0 {
		return newSchema().Schema(), nil
	}
	var sources []*ast.Source
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			files = []string{pattern}
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			sources = append(sources, &ast.Source{Name: file, Input: string(text)})
		}
	}
	sources = append(sources, cost.Definitions(sources...)...)
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		return nil, &costRefusal{Code: costSchema, Message: err.Error()}
	}
	return schema, nil
}

// priceable are the limits on a document that is only priced: what ends the process or takes seconds is refused.
var priceable = operation.Limits{
	MaxBytes: 4 << 20, MaxTokens: 100_000, MaxNesting: 200, MaxDepth: 10_000, MaxAliases: 1 << 30, MaxRootFields: 1 << 30,
}

// admit does what the gateway does with a request: it parses, checks against the schema, chooses the operation and
// coerces the variables. Only variables of @skip and @include may be missing: the dearer branch is priced.
func admit(ctx context.Context, schema *ast.Schema, file, query, name string, given map[string]any) (*ast.QueryDocument, *ast.OperationDefinition, map[string]any, error) {
	config := operation.Config{Limits: priceable}
	documents, err := operation.NewDocuments(schema, config)
	if err != nil {
		return nil, nil, nil, err
	}
	doc, errs := documents.Load(ctx, query)
	if errs != nil {
		return nil, nil, nil, refusalOf(file, errs)
	}
	executor, err := operation.NewExecutor(bareSchema{schema}, config, nil, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	all := map[string]any{}
	maps.Copy(all, given)
	var open []string
	if selected := doc.Operations.ForName(name); selected != nil {
		for _, v := range selected.VariableDefinitions {
			if _, there := given[v.Variable]; !there && v.DefaultValue == nil && v.Type.NonNull && v.Type.NamedType == "Boolean" {
				all[v.Variable] = true
				open = append(open, v.Variable)
			}
		}
	}
	admitted, errs := executor.CreateOperationContext(graphql.StartOperationTrace(ctx), &graphql.RawParams{Query: query, OperationName: name, Variables: all})
	if errs != nil {
		return nil, nil, nil, refusalOf(file, errs)
	}
	for _, variable := range open {
		delete(admitted.Variables, variable)
	}
	return admitted.Doc, admitted.Operation, admitted.Variables, nil
}

// refusalOf tells the first error of a document; they are all of one kind.
func refusalOf(file string, errs gqlerror.List) error {
	code, _ := errs[0].Extensions["code"].(string)
	if code == "" {
		code = fail.ValidationFailed.Code()
	}
	return &costRefusal{Code: code, Path: errs[0].Path.String(), Message: placed(file, errs[0].Locations) + errs[0].Message}
}

// placed is what stands before a message about a place in a document.
func placed(file string, at []gqlerror.Location) string {
	if file == "-" {
		file = "stdin"
	}
	if len(at) == 0 {
		return file + ": "
	}
	return fmt.Sprintf("%s:%d:%d: ", file, at[0].Line, at[0].Column)
}

// bareSchema is a schema that nothing is executed with.
type bareSchema struct{ schema *ast.Schema }

func (b bareSchema) Schema() *ast.Schema { return b.schema }

func (bareSchema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (bareSchema) Exec(context.Context) graphql.ResponseHandler { return nil }
