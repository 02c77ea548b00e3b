package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"

	"github.com/urfave/cli/v3"

	"github.com/tributary-gateway/tributary/gateway/assemble"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/telemetry"
	"github.com/tributary-gateway/tributary/internal/demo"
)

func demoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "serve a small shop whose services run in this process",
		Description: `Starts five REST services on loopback, a gateway before them, and opens nothing else: no configuration, no
network, no database. A gateway.yaml in this folder adds services to them. Ends with Ctrl-C.

Examples:
  gateway demo
  gateway demo --listen 127.0.0.1:9000`,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			in := inputs(cmd)
			if !cmd.IsSet("log-level") {
				in.Flags = append(in.Flags, config.Override{Source: "demo", Path: "log.level", Value: "warn"})
			}
			cfg, err := config.Load(cmd.String("config"), in)
			if errors.Is(err, fs.ErrNotExist) && !cmd.IsSet("config") {
				cfg, err = config.Parse("demo", nil, in)
			}
			if err != nil {
				return err
			}
			return runDemo(ctx, cfg, cmd.Root().Writer, cmd.Root().ErrWriter)
		},
	}
}

// runDemo serves the demo until ctx ends. What to do with it is told on out, the log goes to log.
func runDemo(ctx context.Context, cfg *config.Config, out, log io.Writer) (err error) {
	services, err := demo.Start(ctx)
	if err != nil {
		return fmt.Errorf("start the demo's services: %w", err)
	}
	defer func() { err = errors.Join(err, services.Close()) }()
	demoConfig(cfg, services)
	clients, err := demoClients(cfg)
	if err != nil {
		return err
	}

	lines := telemetry.NewLines(log)
	defer lines.Close()
	logger := telemetry.NewLogger(lines, cfg.Log)
	s, err := assemble.New(newSchema(), cfg, logger, assemble.WithKeys(clients.keys...))
	if err != nil {
		return err
	}
	defer s.Close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w\n  to serve elsewhere: gateway demo --listen 127.0.0.1:0", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	tell(out, "http://localhost:"+port, services)
	clients.tell(out)
	_, _ = fmt.Fprintln(out, "\nPress Ctrl-C to stop.")
	logger.InfoContext(ctx, "serving", "address", listener.Addr().String())
	return s.Serve(ctx, listener)
}

// demoConfig is what gateway.yaml would say of the demo's services.
func demoConfig(cfg *config.Config, services *demo.Services) {
	cfg.Playground.Title = cmp.Or(cfg.Playground.Title, "Tributary demo")
	cfg.Playground.Query = cmp.Or(cfg.Playground.Query, demo.Query)
	if cfg.Services == nil {
		cfg.Services = map[string]config.Service{}
	}
	explain := map[string]config.Errors{
		"users":     {Message: "/detail"},
		"catalog":   {Message: "/errors/0/message"},
		"inventory": {Message: "/message", Code: "/reason"},
		"orders":    {Message: "/error/title", Code: "/error/code"},
		"reviews":   {Message: "/message"},
	}
	for _, name := range demo.Names {
		if _, given := cfg.Services[name]; given {
			continue
		}
		s := config.DefaultService()
		s.URL = services.Address(name)
		s.Errors = explain[name]
		cfg.Services[name] = s
	}
}

// tell prints where everything is.
func tell(out io.Writer, address string, services *demo.Services) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("GraphiQL  %s/", address)
	say("GraphQL   %s/graphql", address)
	say("")
	for _, name := range demo.Names {
		say("  %-10s %s", name, services.Address(name))
	}
}
