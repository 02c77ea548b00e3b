package admin

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// Config says where operators are served.
type Config struct {
	// Listen is the address of the admin listener, host:port. Empty, the default, means there is none.
	Listen string `yaml:"listen" json:"listen,omitempty"`
	// Token is what requests must bring as "Authorization: Bearer …". It may only be left out where listen is on loopback.
	Token secret.Text `yaml:"token" json:"token,omitempty"`
}

// Validate names everything wrong with the section.
func (c Config) Validate() error {
	var problems []error
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case c.Listen == "" && c.Token != "":
		problems = append(problems, errors.New("token: there is no listener; give listen an address, like 127.0.0.1:9090"))
	case c.Listen == "":
	case err != nil:
		problems = append(problems, fmt.Errorf("listen: %q is no address; write host:port, like 127.0.0.1:9090", c.Listen))
	case c.Token == "" && !loopback(host):
		problems = append(problems, errors.New("listen: others than this machine can reach it; set token as well, or listen on 127.0.0.1"))
	}
	if strings.ContainsFunc(c.Token.Reveal(), func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		problems = append(problems, errors.New("token: has a space or control character, or one that isn't ASCII"))
	}
	return errors.Join(problems...)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
