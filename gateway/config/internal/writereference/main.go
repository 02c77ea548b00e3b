// Command writereference writes the page of all keys of gateway.yaml to the file named by its argument. It's run by go generate
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
		log.Fatal("usage: writereference FILE")
	}
	if err := os.WriteFile(os.Args[1], config.Reference(), 0o644); err != nil {
		log.Fatal("writereference: ", err)
	}
}
