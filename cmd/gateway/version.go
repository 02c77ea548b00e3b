package main

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/urfave/cli/v3"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version",
		Description: `Prints the version of this binary and of the Go that built it, as the build recorded them.

Examples:
  gateway version`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.Root().Writer, "gateway "+version())
			return err
		},
	}
}

// version is the module's version and what it was built with. A binary built from a working copy has the revision's
// pseudo-version, or "(devel)" where there was none.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	module := info.Main.Version
	if module == "" {
		module = "(devel)"
	}
	return module + " " + info.GoVersion
}
