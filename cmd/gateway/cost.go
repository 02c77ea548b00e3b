package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/gateway/fail"
)

func costCommand() *cli.Command {
	return &cli.Command{
		Name:  "cost",
		Usage: "tell what operations cost",
		Description: `Prices are those of @cost and @listSize in the schema.

Examples:
  gateway cost explain --query q.graphql
  gateway cost explain --schema s.graphql --query q.graphql --json`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return cli.ShowSubcommandHelp(cmd)
		},
		Commands: []*cli.Command{{
			Name:  "explain",
			Usage: "print what an operation is estimated to cost, by path",
			Description: `Prices an operation as the gateway would before it runs, and its answer as it would afterwards. Starts nothing.
An operation that can't be priced ends with status 1.

Examples:
  gateway cost explain --query q.graphql --variables v.json
  echo '{ users(first: 5) { name } }' | gateway cost explain --query -
  gateway cost explain --schema 'schema/*.graphql' --query q.graphql --response data.json --json`,
			Flags: []cli.Flag{
				&cli.StringSliceFlag{Name: "schema", TakesFile: true, Usage: "read the schema from `FILE` or a pattern such as 'schema/*.graphql', again for more (default: the schema of this binary)"},
				&cli.StringFlag{Name: "query", TakesFile: true, Usage: "read the document from `FILE`, - is stdin"},
				&cli.StringFlag{Name: "operation", Usage: "price the operation `NAME` of a document with several"},
				&cli.StringFlag{Name: "variables", TakesFile: true, Usage: "read the variables from `FILE`: a JSON object"},
				&cli.StringFlag{Name: "response", TakesFile: true, Usage: "price the answer in `FILE` too: the JSON of its data"},
				&cli.StringFlag{Name: "default-list-size", Value: "100", Usage: "take lists that nothing bounds to have `N` items, or Infinity"},
				&cli.BoolFlag{Name: "json", Usage: "print JSON"},
			},
			Action: explainCost,
		}},
	}
}

// costRefusal is why an operation can't be priced.
type costRefusal struct {
	Code    string `json:"code"`
	Path    string `json:"path"`
	Message string `json:"message"`
}

func (r *costRefusal) Error() string {
	if r.Path == "" {
		return r.Code + ": " + r.Message
	}
	return r.Code + " at " + r.Path + ": " + r.Message
}

const (
	// costSchema: the schema can't be read or its cost directives are wrong.
	costSchema = "COST_SCHEMA_INVALID"
	// costAnswer: --response isn't an answer of the operation.
	costAnswer = "COST_RESPONSE_INVALID"
)

func explainCost(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	report, err := priceOperation(ctx, cmd)
	out := cmd.Root().Writer
	var refused *costRefusal
	switch {
	case errors.As(err, &refused) && cmd.Bool("json"):
		if written := writeJSON(out, map[string]any{"error": refused}); written != nil {
			return written
		}
		return err
	case err != nil:
		return err
	case cmd.Bool("json"):
		return writeJSON(out, report)
	default:
		_, err = io.WriteString(out, report.table())
		return err
	}
}

func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

func priceOperation(ctx context.Context, cmd *cli.Command) (*costReport, error) {
	size, err := listSizeFlag(cmd.String("default-list-size"))
	if err != nil {
		return nil, usageError{err}
	}
	if cmd.String("query") == "" {
		return nil, usageError{errors.New("--query is missing: name a file, or - for stdin")}
	}
	query, err := readInput(cmd, cmd.String("query"))
	if err != nil {
		return nil, err
	}
	given, err := variablesFlag(cmd.String("variables"))
	if err != nil {
		return nil, err
	}
	schema, err := schemaFlag(cmd.StringSlice("schema"))
	if err != nil {
		return nil, err
	}
	prices, err := cost.Compile(schema, cost.Config{DefaultListSize: size})
	if err != nil {
		return nil, &costRefusal{Code: costSchema, Message: fromRoot(err.Error())}
	}
	doc, selected, variables, err := admit(ctx, schema, cmd.String("query"), string(query), cmd.String("operation"), given)
	if err != nil {
		return nil, err
	}
	formula, err := prices.Formula(doc, selected)
	if err != nil {
		return nil, &costRefusal{Code: fail.ValidationFailed.Code(), Message: err.Error()}
	}
	report, err := explain(formula, cmd.String("query"), variables)
	if err != nil || cmd.String("response") == "" {
		return report, err
	}
	data, err := answerFlag(cmd.String("response"), selected)
	if err != nil {
		return nil, err
	}
	return report, report.addActual(formula, variables, data)
}

func explain(formula *cost.Formula, file string, variables map[string]any) (*costReport, error) {
	estimated, err := formula.Estimate(variables)
	var refused *cost.Refusal
	if errors.As(err, &refused) {
		return nil, &costRefusal{Code: cost.SlicingCode, Path: strings.Join(refused.Path, "."), Message: placed(file, refused.Locations) + refused.Message}
	}
	if err != nil {
		return nil, err
	}
	rows, err := formula.Table(variables)
	if err != nil {
		return nil, err
	}
	report := &costReport{Estimated: sumsOf(estimated), Unbounded: strings.Join(formula.Unbounded(variables), ".")}
	for _, row := range rows {
		report.ByPath = append(report.ByPath, costRow{
			Path: row.Path, Coordinate: row.Coordinate, Size: costNumber(row.Size),
			FieldCost: costNumber(row.Field), TypeCost: costNumber(row.Type), Share: costNumber(math.Round(row.Share*1e4) / 1e4),
		})
	}
	return report, nil
}
