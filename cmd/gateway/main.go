// Command gateway serves a GraphQL schema whose fields are answered by REST services.
//
// It knows everybody and decides nothing: main turns signals into a context, each subcommand has a file, and wire.go
// hands this repository's graph to gateway/assemble, which puts the parts together. Results go to stdout; what goes
// wrong goes to stderr with exit status 1, or 2 when the command line itself is wrong. The first SIGINT or SIGTERM ends
// gracefully, the second at once.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(mainStatus()) }

func mainStatus() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from then on a signal kills, as by default
	app := newCommand(run)       // run is in wire.go
	app.Writer, app.ErrWriter = os.Stdout, os.Stderr
	return execute(ctx, app, os.Args)
}
