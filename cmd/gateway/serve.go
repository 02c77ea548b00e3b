package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/urfave/cli/v3"

	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/telemetry"
)

func serveCommand(run runner) *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "answer GraphQL; the default command",
		Description: `Reads the configuration, prints what is in effect to the log, and serves until SIGINT or SIGTERM. Requests that
are under way then are answered; a second signal ends at once.

Examples:
  gateway serve
  gateway serve --config /etc/tributary/gateway.yaml --log-format json
  TRIBUTARY_LISTEN=:9000 gateway serve`,
		Action: serveAction(run),
	}
}

func serveAction(run runner) cli.ActionFunc {
	return func(ctx context.Context, cmd *cli.Command) error {
		if err := noArguments(cmd); err != nil {
			return err
		}
		cfg, err := loadConfig(cmd)
		if errors.Is(err, fs.ErrNotExist) {
			return noFile(cmd.String("config"), err)
		}
		if err != nil {
			return err
		}
		return serve(ctx, cfg, cmd.Root().ErrWriter, run)
	}
}

// serve runs the gateway with a logger that writes to log.
func serve(ctx context.Context, cfg *config.Config, log io.Writer, run runner) error {
	lines := telemetry.NewLines(log)
	defer lines.Close()
	logger := telemetry.NewLogger(lines, cfg.Log)
	logger.InfoContext(ctx, "configuration", "config", cfg)
	return run(ctx, cfg, logger)
}

// noFile says what to do where there is no configuration.
func noFile(name string, err error) error {
	return fmt.Errorf(`no configuration: %w
  to serve, write %s (gateway config schema describes it) or name another file: --config FILE
  to try the gateway without one: gateway demo`, err, name)
}
