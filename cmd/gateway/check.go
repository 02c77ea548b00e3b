package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/tributary-gateway/tributary/gateway/authorize"
	"github.com/tributary-gateway/tributary/gateway/cost"
	"github.com/tributary-gateway/tributary/upstreams/call"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "check the schema's directives against the configuration",
		Description: `Reads the directives of the schema that this binary was built with, as serve would, and starts nothing.
Mistakes end with status 1; what works but will be slow is told as advice.

Examples:
  gateway check
  gateway check --config staging.yaml`,
		Action: func(_ context.Context, cmd *cli.Command) error {
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
			_, err = fmt.Fprintf(cmd.Root().Writer, "the schema is right: %d declarative fields of %d services\n",
				len(calls.Fields), len(calls.Services()))
			return err
		},
	}
}

// fromRoot names schema files from the module's root; the generated code has them from its own folder.
func fromRoot(text string) string { return strings.ReplaceAll(text, "../schema/", "schema/") }
