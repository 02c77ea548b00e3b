package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/tributary-gateway/tributary/gateway/config"
)

func configCommand() *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "check, print and describe the configuration",
		Description: "The configuration is gateway.yaml; environment and flags override it, in this order:\n\n" + variables() + `

Examples:
  gateway config check
  gateway config print --config staging.yaml
  gateway config schema > gateway.schema.json`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return cli.ShowSubcommandHelp(cmd)
		},
		Commands: []*cli.Command{
			{
				Name:  "check",
				Usage: "look for mistakes and name them all",
				Description: `Loads the configuration as serve would and starts nothing. Every mistake is told with its line.

Examples:
  gateway config check
  gateway config check --config staging.yaml`,
				Action: checkConfig,
			},
			{
				Name:  "print",
				Usage: "print the configuration in effect, with secrets masked",
				Description: `Prints YAML: defaults, file, environment and flags in one. Values of headers are printed as [secret].

Examples:
  gateway config print
  TRIBUTARY_LOG_LEVEL=debug gateway config print`,
				Action: printConfig,
			},
			{
				Name:  "schema",
				Usage: "print the JSON Schema of gateway.yaml for editors",
				Description: `Prints a JSON Schema. Editors with the YAML language server take it from a comment on the file's first line.

Examples:
  gateway config schema > gateway.schema.json
  # yaml-language-server: $schema=gateway.schema.json`,
				Action: printSchema,
			},
		},
	}
}

// variables is the table of environment overrides, for the help.
func variables() string {
	var b strings.Builder
	for i, v := range config.Variables() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "  %-36s %-30s %s", v.Name, v.Path, v.Text)
	}
	return b.String()
}

func checkConfig(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	cfg, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	services := "1 service"
	if n := len(cfg.Services); n != 1 {
		services = fmt.Sprintf("%d services", n)
	}
	_, err = fmt.Fprintf(cmd.Root().Writer, "%s is right: %s\n", cmd.String("config"), services)
	return err
}

func printConfig(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	cfg, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	return cfg.Print(cmd.Root().Writer)
}

func printSchema(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	_, err := cmd.Root().Writer.Write(config.JSONSchema())
	return err
}
