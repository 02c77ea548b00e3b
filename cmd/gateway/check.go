package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/gateway/documents"
	"github.com/tributary-gateway/tributary/gateway/operation"
	"github.com/tributary-gateway/tributary/upstreams/call"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "check the schema's directives and the trusted documents against the configuration",
		Description: `Reads the directives of the schema that this binary was built with, as serve would, and starts nothing. Trusted
documents are held against the schema as operations are.
Mistakes end with status 1; what works but will be slow is told as advice.

Examples:
  gateway check
  gateway check --config staging.yaml`,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			cfg, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			schema := newSchema().Schema()
			calls, wrong := call.Compile(schema, cfg.ServiceNames())
			_, prices := cost.Compile(schema, cfg.Cost)
			_, rules := authorize.New(schema)
			if err := errors.Join(wrong, prices, rules); err != nil {
				return fmt.Errorf("the schema can't be served:\n%s", fromRoot(err.Error()))
			}
			for _, advice := range calls.Advice() {
				_, _ = fmt.Fprintf(cmd.Root().Writer, "advice: %s\n", fromRoot(advice.String()))
			}
			trusted, err := checkDocuments(ctx, schema, cfg)
			if err != nil {
				return fmt.Errorf("the trusted documents can't be run:\n%w", err)
			}
			if trusted > 0 {
				_, _ = fmt.Fprintf(cmd.Root().Writer, "the manifests are right: %d trusted documents\n", trusted)
			}
			_, err = fmt.Fprintf(cmd.Root().Writer, "the schema is right: %d declarative fields of %d services\n",
				len(calls.Fields), len(calls.Services()))
			return err
		},
	}
}

// mostWrong is how many trusted documents are told that can't be run.
const mostWrong = 20

// checkDocuments reads the manifests and says how many documents they have.
func checkDocuments(ctx context.Context, schema *ast.Schema, cfg *config.Config) (count int, err error) {
	all, err := documents.New(cfg.Documents, documents.Options{})
	if err != nil {
		return 0, err
	}
	defer all.Close()
	checked, err := operation.NewDocuments(schema, cfg.Server.Operation)
	if err != nil {
		return 0, err
	}
	var problems []error
	for id, text := range all.Trusted() {
		count++
		if _, errs := checked.Load(ctx, text); errs != nil && len(problems) < mostWrong {
			problems = append(problems, fmt.Errorf("%.80q: %s", id, errs[0].Message))
		}
	}
	return count, errors.Join(problems...)
}

// fromRoot names schema files from the module's root; the generated code has them from its own folder.
func fromRoot(text string) string { return strings.ReplaceAll(text, "../schema/", "schema/") }
