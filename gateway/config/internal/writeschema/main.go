// Command writeschema writes the JSON Schema of gateway.yaml to the file named by its argument. It's run by go generate
// after describe, so that it's compiled with the new descriptions.
package main

import (
	"log"
	"os"

	"github.com/tributary-gateway/tributary/gateway/config"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: writeschema FILE")
	}
	if err := os.WriteFile(os.Args[1], config.JSONSchema(), 0o644); err != nil {
		log.Fatal("writeschema: ", err)
	}
}
