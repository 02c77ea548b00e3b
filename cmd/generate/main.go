// Command generate makes the Go code of a gateway from its schema: gqlgen with Tributary's plugin.
//
//	go run github.com/tributary-gateway/tributary/cmd/generate [gqlgen.yml]
//
// Run it, or go generate, whenever a .graphql file changes.
package main

import (
	"fmt"
	"os"

	"github.com/tributary-gateway/tributary/gateway/codegen"
)

func main() {
	file := "gqlgen.yml"
	if len(os.Args) > 1 {
		file = os.Args[1]
	}
	if err := codegen.Generate(file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
