package config

import (
	"net"
	"strconv"
)

// validListen checks an address to listen on: host:port, where an empty host is every address of the machine and port 0
// any free port.
func validListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		e := wrong("%s is not an address", short(address))
		if _, err := strconv.ParseUint(address, 10, 16); err == nil {
			return e.hint(`write ":%s"`, address)
		}
		return e.hint(`write host:port, or ":8080" for every address of the machine`)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return wrong("%s is not a port", short(port)).hint("ports are 0 to 65535; with 0 the system chooses")
	}
	return nil
}
