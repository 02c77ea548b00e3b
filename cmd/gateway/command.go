package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/tributary-gateway/tributary/gateway/config"
)

// defaultFile is the configuration that is read when --config names no other.
const defaultFile = "gateway.yaml"

// runner serves until ctx ends, then drains and returns nil; any other end is an error.
type runner func(ctx context.Context, cfg *config.Config, logger *slog.Logger) error

// usageError is a wrong command line: status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// newCommand builds the whole command line. Without a subcommand it serves.
func newCommand(run runner) *cli.Command {
	root := &cli.Command{
		Name:    "gateway",
		Usage:   "GraphQL in front of REST services",
		Version: version(),
		Description: `Serves the schema this binary was built with. Without a command, gateway serves.

Examples:
  gateway                              serve what gateway.yaml says
  gateway demo                         try it: no configuration, no services needed
  gateway config check                 look for mistakes in gateway.yaml
  gateway serve --listen :9000         serve on another port`,
		Flags:  settings(),
		Action: serveAction(run),
		Commands: []*cli.Command{
			serveCommand(run),
			demoCommand(),
			checkCommand(),
			configCommand(),
			keysCommand(),
			costCommand(),
			cacheCommand(),
			versionCommand(),
		},
		Suggest:        true,
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // execute decides, and nobody exits before it
	}
	// The walk can't fail: the function doesn't.
	_ = root.Walk(func(c *cli.Command) error {
		c.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error { return usageError{err} }
		return nil
	})
	return root
}

// settings are the flags of every command that reads the configuration. They win over the file and the environment.
func settings() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Value: defaultFile, TakesFile: true, Usage: "read the configuration from `FILE`", Sources: cli.EnvVars("TRIBUTARY_CONFIG")},
		&cli.StringFlag{Name: "listen", Usage: "serve on `ADDRESS`: :8080, 127.0.0.1:0"},
		&cli.StringFlag{Name: "log-level", Usage: "write lines of `LEVEL` and above: debug, info, warn, error"},
		&cli.StringFlag{Name: "log-format", Usage: "write lines as `FORMAT`: text, json"},
	}
}

// flagSettings says which setting a flag overrides.
var flagSettings = []struct{ flag, path string }{
	{"listen", "listen"},
	{"log-level", "log.level"},
	{"log-format", "log.format"},
}

// loadConfig reads the configuration that the flags of cmd ask for.
func loadConfig(cmd *cli.Command) (*config.Config, error) {
	return config.Load(cmd.String("config"), inputs(cmd))
}

// inputs are the environment and the flags of cmd.
func inputs(cmd *cli.Command) config.Inputs {
	in := config.Inputs{Environ: os.Environ()}
	for _, s := range flagSettings {
		if cmd.IsSet(s.flag) {
			in.Flags = append(in.Flags, config.Override{Source: "--" + s.flag, Path: s.path, Value: cmd.String(s.flag)})
		}
	}
	return in
}

// noArguments refuses what is left on the command line. A word where a command could stand is taken for one.
func noArguments(cmd *cli.Command) error {
	if !cmd.Args().Present() {
		return nil
	}
	word := cmd.Args().First()
	if len(cmd.VisibleCommands()) == 0 {
		return usageError{fmt.Errorf("%s takes no argument: %q", cmd.FullName(), word)}
	}
	err := fmt.Errorf("%s has no command %q", cmd.FullName(), word)
	if near := cli.SuggestCommand(cmd.VisibleCommands(), word); near != "" {
		err = fmt.Errorf("%w; did you mean %q?", err, near)
	}
	return usageError{err}
}

// execute runs the command line and returns the exit status; an error is told on stderr, once.
func execute(ctx context.Context, app *cli.Command, args []string) int {
	err := app.Run(ctx, args)
	if err == nil {
		return 0
	}
	text := err.Error()
	if !config.IsProblem(err) {
		text = "gateway: " + text
	}
	_, _ = fmt.Fprintln(app.ErrWriter, text)
	if !isUsage(err) {
		return 1
	}
	_, _ = fmt.Fprintln(app.ErrWriter, `"gateway help" lists commands and flags`)
	return 2
}

// isUsage says whether the command line is to blame: an unknown flag or command, or a flag's value.
func isUsage(err error) bool {
	var usage usageError
	var coded cli.ExitCoder // the library's own: no such help topic
	var problems config.Problems
	return errors.As(err, &usage) || errors.As(err, &coded) ||
		errors.As(err, &problems) && slices.ContainsFunc(problems, func(p *config.Problem) bool { return strings.HasPrefix(p.Source, "--") })
}
