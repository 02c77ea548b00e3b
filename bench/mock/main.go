// Command mock serves the rows of the benchmarks: see package placeholder.
//
//	LISTEN=127.0.0.1:3000 mock
package main

import (
	"fmt"
	"net"
	"os"

	"github.com/tributary-gateway/tributary/bench/internal/placeholder"
)

func main() {
	address := os.Getenv("LISTEN")
	if address == "" {
		address = "127.0.0.1:3000"
	}
	listener, err := net.Listen("tcp", address) //nolint:noctx // it listens until it is killed
	if err == nil {
		err = placeholder.New(placeholder.Posts).Serve(listener)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
