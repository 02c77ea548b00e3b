package discovery

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// slice is what we read of an EndpointSlice (discovery.k8s.io/v1).
type slice struct {
	Metadata    metadata
	AddressType string
	Endpoints   []endpoint
	Ports       []port
}

type metadata struct{ Name, ResourceVersion string }

type endpoint struct {
	Addresses  []string
	Conditions struct{ Ready, Terminating *bool }
	Zone       string
}

type port struct {
	Name     string
	Port     int
	Protocol string
}

// usable says whether the endpoint takes requests. A readiness that isn't told is one.
func (e endpoint) usable() bool {
	return (e.Conditions.Ready == nil || *e.Conditions.Ready) && (e.Conditions.Terminating == nil || !*e.Conditions.Terminating) && len(e.Addresses) > 0
}

// instances merges the slices of one service. It fails when there are endpoints that could be used if only the port
// was there.
func instances(all map[string]slice, c Kubernetes) ([]Instance, error) {
	list := []Instance{}
	var failed error
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		if s.AddressType != "IPv4" && s.AddressType != "IPv6" {
			continue // names in DNS: what they lead to isn't the API server's knowledge
		}
		if !slices.ContainsFunc(s.Endpoints, endpoint.usable) {
			continue
		}
		number, err := s.port(c.Port)
		if err != nil {
			failed = err
			continue
		}
		for _, e := range s.Endpoints {
			if e.usable() {
				// All addresses of an endpoint lead to the same pod; one is enough.
				list = append(list, Instance{URL: rawURL(c.Scheme, e.Addresses[0], number), Weight: 1, Zone: e.Zone})
			}
		}
	}
	if len(list) == 0 && failed != nil {
		return nil, failed
	}
	return list, nil
}

// port finds the one that is meant by a name, by a number, or by nothing when there is only one.
func (s slice) port(wanted string) (int, error) {
	var there []string
	var found []int
	for _, p := range s.Ports {
		if p.Protocol != "" && p.Protocol != "TCP" || p.Port == 0 {
			continue
		}
		there = append(there, strings.TrimPrefix(p.Name+":", ":")+strconv.Itoa(p.Port))
		if wanted == "" || wanted == p.Name || wanted == strconv.Itoa(p.Port) {
			found = append(found, p.Port)
		}
	}
	switch {
	case len(found) == 1 || len(found) > 1 && wanted != "":
		return found[0], nil
	case len(found) > 1:
		return 0, fmt.Errorf("kubernetes.port: is missing, and the service has more than one: %s", strings.Join(there, ", "))
	case len(there) == 0:
		return 0, errors.New("the service has no TCP port")
	}
	return 0, fmt.Errorf("kubernetes.port: the service has no port %s; it has %s", quote(wanted), strings.Join(there, ", "))
}

// rawURL is an address as somebody else has it; whether it can be one is seen later.
func rawURL(scheme, host string, port int) string {
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}
